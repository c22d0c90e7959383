"""The clock: moves interviews whose end has passed.

Owns what happens when time passes (contract section 5), and when the clock looks. Must not know SQL or a process.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from rowen.app.desk import Desk, Writing, Written
from rowen.app.ports import Organization
from rowen.app.scheduling import settled
from rowen.interviews.changes import Actor, ActorKind, Change, Kind
from rowen.interviews.errors import Unavailable
from rowen.interviews.lifecycle import Command
from rowen.interviews.moments import Instant

_TICK: Final = 1.0  # seconds: an interview is moved within two of its time
_BATCH: Final = 200  # so that no client waits long for the clock
_ACTOR: Final = Actor(ActorKind.CLOCK)

_log = structlog.stdlib.get_logger("rowen.clock")


class Due(Protocol):
    """What the clock has to look at."""

    async def organizations(self, now: Instant) -> Sequence[Organization]:
        """Return the organizations that have interviews due."""
        ...

    async def forget(self, now: Instant) -> None:
        """Let go of what is kept for a while only and is over."""
        ...


class Clock:
    """Ticks once a second, and moves what is due.

    Every process has one, so that one that hangs stops no other's: what is due is read and written in one transaction,
    and each interview is moved once, however many clocks there are.
    """

    def __init__(self, due: Due, writing: Writing, now: Callable[[], Instant]) -> None:
        self._due = due
        self._writing = writing
        self._now = now

    async def run(self) -> None:
        """Tick until cancelled; faults of the store are waited out."""
        while True:
            try:
                await self.tick()
            except Unavailable as error:
                _log.warning("the clock could not look", reason=error.message)
            await asyncio.sleep(_TICK)

    async def tick(self) -> int:
        """Move all that is due now, and return how many interviews that were."""
        now = self._now()
        moved = 0
        for organization in await self._due.organizations(now):
            try:
                while count := await self._move(organization):
                    moved += count
            except ValueError:  # a document that cannot be read must not stop the clock of everybody else
                _log.exception("an organization's interviews could not be moved", organization=organization.name)
        await self._due.forget(now)
        return moved

    async def _move(self, organization: Organization) -> int:
        moved = 0

        async def work(desk: Desk) -> Written:
            nonlocal moved
            moved = await move_due(desk, _BATCH)
            return Written(b"")

        await self._writing.write(organization, work)
        return moved


async def move_due(desk: Desk, most: int) -> int:
    """Move the interviews whose time has come, at most so many, and return how many there were."""
    due = await desk.due(most)
    for stored in due:
        before = stored.interview
        await desk.stamp()
        after = settled(desk, Command.TIME_PASSES, before.status, before)
        await desk.keep(before, after, Change(Kind.STATUS_CHANGED, _ACTOR))
    return len(due)
