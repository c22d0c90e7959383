"""The interviews of a stretch of time.

Owns the statements. Must not know who sees them.
"""

from typing import Any, Final

from sqlalchemy import Select, bindparam, exists, literal_column, select

from rowen.app.agenda import MOST_AWAITING, MOST_FOUND, MOST_SHOWN, AgendaRow
from rowen.app.organizations import Organization
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Prepared
from rowen.store.schema.tables import (
    AWAITING,
    AWAITING_INDEX,
    BY_APPLICATION_INDEX,
    SEATS_INDEX,
    interviewers,
    panel,
    scheduled_interviews,
)

_interviews = scheduled_interviews.c
_ROW: Final = (_interviews.document, _interviews.created_through_api)


class AgendaReader:
    """Reads agendas through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._between = engine.prepare(_started(select(*_ROW)))
        self._of_user = engine.prepare(_started(select(*_ROW)).where(exists(_of_user())))
        self._awaiting = engine.prepare(
            select(*_ROW)
            .with_hint(scheduled_interviews, AWAITING_INDEX)
            .where(
                _interviews.organization_id == bindparam("organization"),
                AWAITING,
                _interviews.ends_at >= bindparam("since"),
                _interviews.ends_at < bindparam("until"),
            )
            .order_by(_interviews.ends_at.desc(), _interviews.id.desc())
            .limit(literal_column(str(MOST_AWAITING)))
        )
        self._of_application = engine.prepare(
            select(*_ROW)
            .with_hint(scheduled_interviews, BY_APPLICATION_INDEX)
            .where(
                _interviews.organization_id == bindparam("organization"),
                _interviews.application_id == bindparam("application"),
            )
            .order_by(_interviews.id.desc())
            .limit(literal_column(str(MOST_FOUND)))
        )
        self._to_come = engine.prepare(
            select(*_ROW)
            .where(
                panel.c.organization_id == bindparam("organization"),
                panel.c.person == bindparam("person"),
                panel.c.ends_at > bindparam("now"),
                _interviews.organization_id == panel.c.organization_id,
                _interviews.id == panel.c.interview_id,
            )
            .order_by(panel.c.ends_at, panel.c.interview_id)
            .limit(literal_column(str(MOST_FOUND)))
        )
        self._one = engine.prepare(
            select(*_ROW).where(
                _interviews.organization_id == bindparam("organization"), _interviews.id == bindparam("interview")
            )
        )

    async def between(self, organization: Organization, start: Instant, end: Instant) -> list[AgendaRow]:
        """Return the first `MOST_SHOWN` interviews that start in a stretch of time, ordered by start and id."""
        return await self._rows(self._between, organization, starts_after=int(start), starts_before=int(end))

    async def of_user(self, organization: Organization, user: int, start: Instant, end: Instant) -> list[AgendaRow]:
        """Return those of them on whose panel a user is."""
        return await self._rows(self._of_user, organization, starts_after=int(start), starts_before=int(end), user=user)

    async def awaiting(self, organization: Organization, since: Instant, until: Instant) -> list[AgendaRow]:
        """Return the `MOST_AWAITING` interviews that await feedback and ended last in a stretch, the newest first."""
        return await self._rows(self._awaiting, organization, since=int(since), until=int(until))

    async def of_application(self, organization: Organization, application: int) -> list[AgendaRow]:
        """Return the `MOST_FOUND` newest interviews of an application."""
        return await self._rows(self._of_application, organization, application=application)

    async def to_come(self, organization: Organization, person: int, now: Instant) -> list[AgendaRow]:
        """Return the first `MOST_FOUND` interviews that keep a person busy and end after a time."""
        return await self._rows(self._to_come, organization, person=person, now=int(now))

    async def one(self, organization: Organization, interview: int) -> AgendaRow | None:
        """Return an interview by its id."""
        found = await self._rows(self._one, organization, interview=interview)
        return found[0] if found else None

    async def _rows(self, statement: Prepared, organization: Organization, **parameters: int) -> list[AgendaRow]:
        copy = self._engine.reader_for(organization.id, organization.version)
        rows = await copy.rows(statement, {"organization": organization.id, **parameters})
        return [AgendaRow(bytes(document), bool(created_through_api)) for document, created_through_api in rows]


def _started(statement: Select[Any]) -> Select[Any]:
    return (
        statement.where(
            _interviews.organization_id == bindparam("organization"),
            _interviews.starts_at >= bindparam("starts_after"),
            _interviews.starts_at < bindparam("starts_before"),
        )
        .order_by(_interviews.starts_at, _interviews.id)
        .limit(literal_column(str(MOST_SHOWN)))
    )


def _of_user() -> Select[Any]:
    """Return the statement that finds a user's seat on the panel of an interview: a look-up for each of the stretch."""
    return (
        select(literal_column("1"))
        # SQLite considers the primary key as good, which covers the panels of all interviews.
        .with_hint(interviewers, SEATS_INDEX)
        .where(
            interviewers.c.organization_id == bindparam("organization"),
            interviewers.c.interview_id == _interviews.id,
            interviewers.c.user_id == bindparam("user"),
        )
    )
