"""The interviews due for a status update, in all organizations.

Owns finding them by the index of due interviews. Must not know how they are updated.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, select

from rowen.app.organizations import Organization
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine
from rowen.store.ledger.ledger import COLUMNS, organization_of
from rowen.store.schema.tables import organizations, scheduled_interviews

_AT_ONCE: Final = 1_000  # interviews per tick: the rest is found again


class DueInterviewFinder:
    """The `DueInterviews` of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        stored = scheduled_interviews.c
        first = (
            select(stored.organization_id)
            .where(stored.due_at <= bindparam("now"))
            .order_by(stored.due_at, stored.organization_id, stored.id)
            .limit(bindparam("most"))
        )
        self._first = engine.prepare(first)
        self._organizations = engine.prepare(
            select(*COLUMNS).where(organizations.c.id.in_(select(first.subquery().c.organization_id)))
        )

    async def organizations(self, now: Instant) -> Sequence[Organization]:
        """Return the organizations that have interviews due."""
        if await self._engine.row(self._first, {"now": int(now), "most": 1}) is None:
            return ()
        rows = await self._engine.rows(self._organizations, {"now": int(now), "most": _AT_ONCE})
        return [organization_of(row) for row in rows]
