"""Writing what follows from the rows of an account.

Owns that records are written as they are joined, many at once for the first time, and one change each later, and that
one that cannot be written leaves the others. Must not know rows or requests. A record that was written but not noted as
such is joined again, and found equal.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from rowen.api.codec import records as codec
from rowen.app.imports import Merger
from rowen.app.mirror import TARGETS, Mirrors
from rowen.app.mirroring import follow_interview, follow_record
from rowen.app.organizations import Organization
from rowen.app.records import INTERVIEWS, RecordMerger, RecordRow
from rowen.app.unit_of_work import UnitOfWork, UnitOfWorks, WriteResult
from rowen.interviews.errors import Refusal
from rowen.interviews.interview import InterviewId, ScheduledInterview
from rowen.interviews.moments import Clock
from rowen.mirror.errors import LeaderLostError
from rowen.mirror.helper import HelperProcess
from rowen.mirror.joiner import Joined, Joiner
from rowen.mirror.lookahead import ahead, one_behind
from rowen.mirror.turns import Turns

BULK: Final = 10_000
"""How many records are written in one transaction at first."""
STEP: Final = 50
"""How many later, so that no client waits long."""

_JOINED_AHEAD: Final = 2
"""How many batches are joined, or wait to be, beside the one that is given to be written."""

_Follow: TypeAlias = Callable[[UnitOfWork, int], Awaitable[bool]]

_log = structlog.stdlib.get_logger("rowen.mirror")


@dataclass(frozen=True, slots=True)
class MirrorPorts:
    """The ports of the database that records are written to."""

    mirrors: Mirrors
    merger: Merger
    record_merger: RecordMerger
    writing: UnitOfWorks
    now: Clock


class Writer:
    """Writes the records of one mirrored organization. `require_lead` is called before anything is written.

    `helper` joins many records while others are written.
    """

    def __init__(
        self,
        destination: MirrorPorts,
        organization: Organization,
        require_lead: Callable[[], Awaitable[None]],
        turns: Turns | None = None,
        helper: HelperProcess | None = None,
    ) -> None:
        self._to = destination
        self._turns = turns or Turns()
        self._helper = helper or HelperProcess()
        self._organization = organization
        self._joiner = Joiner(destination.mirrors, organization)
        self._require_lead = require_lead
        self._failed: dict[tuple[str, int], str] = {}
        self.written = 0

    @property
    def failed(self) -> int:
        """How many records could not be joined or written so far; each counts once."""
        return len(self._failed)

    async def write_first(self, progress: Callable[[], None]) -> None:
        """Write everything there is as an import does: some records are joined while others are written.

        It takes no turns: nothing else is stored before the end of a first load, which writes of clients wait for.
        """
        works = (self._join_first(target, identifiers) async for target, identifiers in self._everything())
        async with ahead(works, _JOINED_AHEAD) as batches, one_behind() as writing:
            async for target, identifiers, joined in batches:
                await writing.give(self._write_first(target, identifiers, joined))
                progress()

    async def _join_first(self, target: str, identifiers: Sequence[int]) -> tuple[str, Sequence[int], Joined]:
        joined = await self._helper.join(target, identifiers)
        return target, identifiers, joined or await self._joiner.join(target, identifiers)

    async def _everything(self) -> AsyncGenerator[tuple[str, Sequence[int]], None]:
        for target in TARGETS:
            after = 0
            while identifiers := await self._to.mirrors.own(self._organization.id, target, BULK, after):
                yield target, identifiers
                after = identifiers[-1]

    async def _write_first(self, target: str, identifiers: Sequence[int], joined: Joined) -> None:
        await self._require_lead()
        merged = await self._merged(joined)
        if not merged:  # each is written by itself, which takes more than its draft
            joined = await self._joiner.join(target, identifiers)
        failed = await self._write(target, joined, merged=merged)
        if failed:
            await self._to.mirrors.mark(self._organization.id, target, sorted(failed), self._to.now())

    async def mark_everything(self) -> None:
        """Mark everything there is: nobody knows what a run before this one has written, and what is left of it."""
        async for target, identifiers in self._everything():
            await self._to.mirrors.mark(self._organization.id, target, identifiers, self._to.now())

    async def drain(self, progress: Callable[[], None] = lambda: None) -> None:
        """Write everything that is marked, with a change for each record."""
        for target in TARGETS:
            after = 0
            while pending := await self._to.mirrors.pending(self._organization.id, target, STEP, after):
                async with self._turns.taken():  # the rows may change once others have their turn
                    joined = await self._joiner.join(target, [each.id for each in pending])
                    await self._require_lead()
                    failed = await self._write(target, joined)
                    # The mark of one that failed stays: it is tried again, also by a later version.
                    done = [each for each in pending if each.id not in failed]
                    await self._to.mirrors.settle(self._organization.id, target, done)
                after = pending[-1].id
                progress()

    async def _write(self, target: str, joined: Joined, *, merged: bool = False) -> Collection[int]:
        """Write each record by itself; of those that were merged, the ones that have no v1 form any more.

        Return the ids of those that cannot be joined or written.
        """
        for identifier, reason in joined.left_out.items():
            _log.debug("a record has no v1 form", resource=target, id=identifier, reason=reason)
        interviews, records, failed = joined.interviews, joined.records, dict(joined.failed)
        if merged:
            interviews = {key: value for key, value in interviews.items() if value is None}
            records = {key: value for key, value in records.items() if value is None}
        if target == INTERVIEWS:
            await self._follow_interviews(interviews, failed)
        else:
            await self._follow_records(target, records, failed)
        for identifier, reason in failed.items():
            self._note_failure(target, identifier, reason)
        return failed

    def _note_failure(self, target: str, identifier: int, reason: str) -> None:
        """Log a failure, the first time; the reason is a type, as a message could name a person."""
        if (target, identifier) not in self._failed:
            self._failed[(target, identifier)] = reason
            _log.error("a record cannot be written", resource=target, id=identifier, reason=reason)

    async def _merged(self, joined: Joined) -> bool:
        """Merge records; return False if each has to be written by itself."""
        try:
            return await self._merge(joined)
        except (Refusal, LeaderLostError):
            raise
        except Exception as error:  # one of them is at fault, and must not keep the others waiting
            _log.warning("records are written one by one", reason=type(error).__name__)
            return False

    async def _merge(self, joined: Joined) -> bool:
        """Merge records as an import does; return False if some that are stored count as newer, and were kept."""
        now, older = self._to.now(), 0
        if joined.drafts:
            counts = await self._to.merger.merge(
                self._organization, joined.drafts, now=now, created_through_api=False, clamp=True
            )
            self.written += counts.new + counts.changed
            older += counts.older
        records = [each for each in joined.records.values() if each is not None]
        if records:
            counts = await self._to.record_merger.merge(self._organization, records, now=now, clamp=True)
            self.written += counts.new + counts.changed
            older += counts.older
        return older == 0

    async def _follow_interviews(
        self, interviews: Mapping[int, ScheduledInterview | None], failed: dict[int, str]
    ) -> None:
        async def follow(unit: UnitOfWork, identifier: int) -> bool:
            return await follow_interview(unit, InterviewId(identifier), interviews[identifier], self._to.now())

        await self._follow(sorted(interviews), follow, failed)

    async def _follow_records(
        self, resource: str, records: Mapping[int, RecordRow | None], failed: dict[int, str]
    ) -> None:
        async def follow(unit: UnitOfWork, identifier: int) -> bool:
            return await follow_record(unit, codec, resource, identifier, records[identifier], self._to.now())

        await self._follow(sorted(records), follow, failed)

    async def _follow(self, identifiers: Sequence[int], follow: _Follow, failed: dict[int, str]) -> None:
        for start in range(0, len(identifiers), STEP):
            some = identifiers[start : start + STEP]
            try:
                await self._follow_together(some, follow)
            except (Refusal, LeaderLostError):
                raise
            except Exception:  # one of them is at fault, and must not keep the others waiting
                await self._follow_apart(some, follow, failed)

    async def _follow_apart(self, some: Sequence[int], follow: _Follow, failed: dict[int, str]) -> None:
        for each in some:
            try:
                await self._follow_together([each], follow)
            except (Refusal, LeaderLostError):
                raise
            except Exception as error:  # whatever it is, it is this one's
                failed[each] = type(error).__name__

    async def _follow_together(self, some: Sequence[int], follow: _Follow) -> None:
        written = 0

        async def work(unit: UnitOfWork) -> WriteResult:
            nonlocal written
            written = sum([await follow(unit, each) for each in some])
            return WriteResult(b"")

        await self._to.writing.write(self._organization, work)
        self.written += written
