"""Updating the status of interviews whose end has passed.

Owns what becomes of them (contract section 5), and how often they are looked for. Must not know SQL or processes.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from rowen.app.organizations import Organization
from rowen.app.scheduling import settled
from rowen.app.unit_of_work import UnitOfWork, UnitOfWorks, WriteResult
from rowen.interviews.changes import Actor, ActorKind, Change, Kind
from rowen.interviews.errors import Unavailable
from rowen.interviews.lifecycle import Command
from rowen.interviews.moments import Clock, Instant

TICK_SECONDS: Final = 1.0  # seconds: an interview is updated within two of its time
_BATCH: Final = 200  # so that no client waits long for an update
_ACTOR: Final = Actor(ActorKind.CLOCK)

_log = structlog.stdlib.get_logger("rowen.clock")


class DueInterviews(Protocol):
    """The interviews of a database whose end has passed."""

    async def organizations(self, now: Instant) -> Sequence[Organization]:
        """Return the organizations that have interviews due."""
        ...


class StatusUpdater:
    """Ticks once a second, and updates the interviews that are due.

    Every process has one, so that a process that hangs stops no other's: interviews are read and written in one
    transaction, and each is updated once, however many processes there are.
    """

    def __init__(self, due: DueInterviews, writing: UnitOfWorks, now: Clock) -> None:
        self._due = due
        self._writing = writing
        self._now = now

    async def run(self) -> None:
        """Update until cancelled, also while the store does not respond."""
        while True:
            try:
                await self.tick()
            except Unavailable as error:
                _log.warning("due interviews could not be read", reason=error.message)
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self) -> int:
        """Update the interviews that are due now, and return how many there were."""
        now = self._now()
        updated = 0
        for organization in await self._due.organizations(now):
            try:
                while count := await self._update(organization):
                    updated += count
            except ValueError:  # a document that cannot be read must not stop the updates of other organizations
                _log.exception(
                    "the status of an organization's interviews could not be updated", organization=organization.name
                )
        await self._writing.delete_expired_keys(now)
        return updated

    async def _update(self, organization: Organization) -> int:
        updated = 0

        async def work(unit: UnitOfWork) -> WriteResult:
            nonlocal updated
            updated = await update_due(unit, _BATCH)
            return WriteResult(b"")

        await self._writing.write(organization, work)
        return updated


async def update_due(unit: UnitOfWork, most: int) -> int:
    """Update at most `most` of the interviews that are due, and return how many."""
    due = await unit.due(most)
    for stored in due:
        before = stored.interview
        await unit.begin_change()
        after = settled(unit, Command.TIME_PASSES, before.status, before)
        await unit.save(before, after, Change(Kind.STATUS_CHANGED, _ACTOR))
    return len(due)
