"""The statements of a unit of work, in SQLAlchemy Core.

Owns how interviews are found, written and deleted one by one. Must not know a dialect, or why.
"""

from sqlalchemy import BigInteger, bindparam, delete, func, insert, literal_column, select, update

from rowen.app.records import APPLICATIONS
from rowen.store.engines.base import Engine, Unindexed, constant
from rowen.store.schema.tables import (
    BY_INTERVIEW_INDEX,
    changes,
    interviewers,
    panel,
    scheduled_interviews,
    terms,
)

_interviews = scheduled_interviews.c
_OF_ORGANIZATION = _interviews.organization_id == bindparam("organization")
_KEPT_AS_MADE = ("organization_id", "id", "created_through_api", "created_at")


class WriteStatements:
    """The statements, compiled for one engine; each takes the parameter `organization`."""

    def __init__(self, engine: Engine) -> None:
        this = _interviews.id == bindparam("interview")
        self.interview = engine.prepare(
            select(_interviews.document, _interviews.created_through_api).where(_OF_ORGANIZATION, this)
        )
        self.find_by_event_id = engine.prepare(
            select(_interviews.id)
            .where(_OF_ORGANIZATION, _interviews.external_event_id == bindparam("external_event_id"))
            .order_by(_interviews.id)
            .limit(literal_column("1"))
        )
        self.insert = engine.prepare(
            insert(scheduled_interviews).values({column.name: bindparam(column.name) for column in _interviews})
        )
        self.update = engine.prepare(
            update(scheduled_interviews)
            .where(_interviews.organization_id == bindparam("organization_id"), _interviews.id == bindparam("id"))
            .values({c.name: bindparam(c.name) for c in _interviews if c.name not in _KEPT_AS_MADE})
        )
        self.delete = engine.prepare(delete(scheduled_interviews).where(_OF_ORGANIZATION, this))
        self.due = engine.prepare(
            select(_interviews.document, _interviews.created_through_api)
            # So that SQLite uses the index of due interviews instead of reading the whole organization.
            .where(
                Unindexed(_interviews.organization_id) == bindparam("organization"),
                _interviews.due_at <= bindparam("now"),
            )
            .order_by(_interviews.due_at, _interviews.organization_id, _interviews.id)
            .limit(bindparam("most"))
        )
        self.term = engine.prepare(
            select(terms.c.value).where(
                terms.c.organization_id == bindparam("organization"),
                terms.c.resource == bindparam("resource"),
                terms.c.name == bindparam("name"),
                terms.c.id == bindparam("record"),
            )
        )
        self.job = engine.prepare(
            select(func.min(terms.c.value.cast(BigInteger))).where(
                terms.c.organization_id == bindparam("organization"),
                terms.c.resource == constant(APPLICATIONS),
                terms.c.id == bindparam("application"),
                terms.c.name == constant("job_id"),
            )
        )
        self.interviewer_ids = engine.prepare(
            select(interviewers.c.id)
            .where(
                interviewers.c.organization_id == bindparam("organization"),
                interviewers.c.interview_id == bindparam("interview"),
            )
            .order_by(interviewers.c.id)
        )
        self.last_change = engine.prepare(
            select(changes.c.kind, changes.c.time, changes.c.document)
            .with_hint(changes, BY_INTERVIEW_INDEX)
            .where(
                changes.c.organization_id == bindparam("organization"),
                changes.c.interview_id == bindparam("interview"),
            )
            .order_by(changes.c.revision.desc())
            .limit(literal_column("1"))
        )
        self._prepare_panel(engine)

    def _prepare_panel(self, engine: Engine) -> None:
        of_person = (
            panel.c.organization_id == bindparam("organization"),
            panel.c.person == bindparam("person"),
        )
        self.book = engine.prepare(
            insert(panel).values(
                organization_id=bindparam("organization"),
                person=bindparam("person"),
                ends_at=bindparam("ends_at"),
                interview_id=bindparam("interview"),
                starts_at=bindparam("starts_at"),
            )
        )
        self.unbook = engine.prepare(
            delete(panel).where(
                *of_person, panel.c.ends_at == bindparam("ends_at"), panel.c.interview_id == bindparam("interview")
            )
        )
        self.overlapping = engine.prepare(
            select(panel.c.interview_id).where(
                *of_person,
                panel.c.ends_at > bindparam("starts_at"),
                panel.c.starts_at < bindparam("ends_at"),
                panel.c.starts_at < panel.c.ends_at,
            )
        )
