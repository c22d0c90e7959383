"""Writing what follows from the rows of an account.

Owns that records are written as they are joined, many at once for the first time, and one change each later. Must not
know rows or requests. A record that was written but not noted as such is joined again, and found equal.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from rowen.api.codec import records as codec
from rowen.app.imports import Merger
from rowen.app.mirror import TARGETS, Mirrors, Pending
from rowen.app.mirroring import follow_interview, follow_record
from rowen.app.organizations import Organization
from rowen.app.records import INTERVIEWS, RecordMerger, RecordRow
from rowen.app.unit_of_work import UnitOfWork, UnitOfWorks, WriteResult
from rowen.interviews.interview import InterviewId, ScheduledInterview
from rowen.interviews.moments import Clock
from rowen.mirror.joiner import Joined, Joiner
from rowen.mirror.one_behind import one_behind

BULK: Final = 2_000
"""How many records are written in one transaction at first."""
STEP: Final = 50
"""How many later, so that no client waits long."""

_log = structlog.stdlib.get_logger("rowen.mirror")


@dataclass(frozen=True, slots=True)
class Destination:
    """The ports of the database that records are written to."""

    mirrors: Mirrors
    merger: Merger
    record_merger: RecordMerger
    writing: UnitOfWorks
    now: Clock


class Writer:
    """Writes the records of one mirrored organization. `require_lead` is called before anything is written."""

    def __init__(
        self, destination: Destination, organization: Organization, require_lead: Callable[[], Awaitable[None]]
    ) -> None:
        self._to = destination
        self._organization = organization
        self._joiner = Joiner(destination.mirrors, organization)
        self._require_lead = require_lead
        self.written = 0

    async def drain(self, *, bulk: bool, progress: Callable[[], None] = lambda: None) -> None:
        """Write everything that is marked; with `bulk` as an import does, without a change for each record."""
        size = BULK if bulk else STEP
        for target in TARGETS:
            async with one_behind() as writing:
                after = 0
                while pending := await self._to.mirrors.pending(self._organization.id, target, size, after):
                    joined = await self._joiner.join(target, [each.id for each in pending])
                    for identifier, reason in joined.left_out.items():
                        _log.debug("a record has no v1 form", resource=target, id=identifier, reason=reason)
                    await writing.give(self._write_and_settle(target, pending, joined, bulk=bulk))
                    after = pending[-1].id
                    progress()

    async def _write_and_settle(self, target: str, pending: Sequence[Pending], joined: Joined, *, bulk: bool) -> None:
        await self._require_lead()
        await self._write(target, joined, bulk=bulk)
        await self._to.mirrors.settle(self._organization.id, target, pending)

    async def _write(self, target: str, joined: Joined, *, bulk: bool) -> None:
        interviews, records = joined.interviews, joined.records
        if bulk and await self._merge(joined):
            interviews = {key: value for key, value in interviews.items() if value is None}
            records = {key: value for key, value in records.items() if value is None}
        if target == INTERVIEWS:
            await self._follow_interviews(interviews)
        else:
            await self._follow_records(target, records)

    async def _merge(self, joined: Joined) -> bool:
        """Merge records as an import does; return False if some that are stored count as newer, and were kept."""
        now, older = self._to.now(), 0
        drafts = [self._joiner.draft(each) for each in joined.interviews.values() if each is not None]
        if drafts:
            counts = await self._to.merger.merge(
                self._organization, drafts, now=now, created_through_api=False, clamp=True
            )
            self.written += counts.new + counts.changed
            older += counts.older
        records = [each for each in joined.records.values() if each is not None]
        if records:
            counts = await self._to.record_merger.merge(self._organization, records, now=now, clamp=True)
            self.written += counts.new + counts.changed
            older += counts.older
        return older == 0

    async def _follow_interviews(self, interviews: Mapping[int, ScheduledInterview | None]) -> None:
        async def follow(unit: UnitOfWork, identifier: int) -> bool:
            return await follow_interview(unit, InterviewId(identifier), interviews[identifier], self._to.now())

        await self._follow(sorted(interviews), follow)

    async def _follow_records(self, resource: str, records: Mapping[int, RecordRow | None]) -> None:
        async def follow(unit: UnitOfWork, identifier: int) -> bool:
            return await follow_record(unit, codec, resource, identifier, records[identifier], self._to.now())

        await self._follow(sorted(records), follow)

    async def _follow(self, identifiers: Sequence[int], follow: Callable[[UnitOfWork, int], Awaitable[bool]]) -> None:
        for start in range(0, len(identifiers), STEP):
            some, written = identifiers[start : start + STEP], 0

            async def work(unit: UnitOfWork, some: Sequence[int] = some) -> WriteResult:
                nonlocal written
                written = sum([await follow(unit, each) for each in some])
                return WriteResult(b"")

            await self._to.writing.write(self._organization, work)
            self.written += written
