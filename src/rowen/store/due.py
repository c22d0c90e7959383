"""What the clock has to look at, over all organizations.

Owns finding it by the index of what is due. Must not know what becomes of it.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, select

from rowen.app.ports import Organization
from rowen.interviews.moments import Instant
from rowen.store.engine import Engine
from rowen.store.organizations import COLUMNS, organization_of
from rowen.store.repetitions import Repetitions
from rowen.store.tables import organizations, scheduled_interviews

_AT_ONCE: Final = 1_000  # interviews looked at in one tick: what is more is found again


class DueInterviews:
    """The clock's `Due` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._repetitions = Repetitions(engine)
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

    async def forget(self, now: Instant) -> None:
        """Let go of what is kept for a while only and is over."""
        await self._repetitions.forget(now)
