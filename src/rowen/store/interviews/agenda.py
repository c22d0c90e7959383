"""The interviews of a stretch of time.

Owns the statements. Must not know who sees them.
"""

from typing import Any, Final

from sqlalchemy import Select, bindparam, literal_column, select

from rowen.app.agenda import MOST_SHOWN, AgendaRow
from rowen.app.organizations import Organization
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Prepared
from rowen.store.schema.tables import interviewers, scheduled_interviews

_interviews = scheduled_interviews.c
_ROW: Final = (_interviews.document, _interviews.created_through_api)


class AgendaReader:
    """Reads agendas through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._between = engine.prepare(_started(select(*_ROW)))
        self._of_user = engine.prepare(_started(select(*_ROW)).where(_interviews.id.in_(_of_user())))
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
    return select(interviewers.c.interview_id).where(
        interviewers.c.organization_id == bindparam("organization"), interviewers.c.user_id == bindparam("user")
    )
