"""Merging users, applications, job stages and scorecards into an organization's.

Owns which of two records with one id is kept, and that records, what follows from them in the interviews, the
ledger, the log and the import position change together or not at all. Must not know where records come from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Final

from rowen.app.ports import Codec, ImportPosition, MergeCounts, Organization, RecordDraft
from rowen.app.records import JOB_STAGES, SCORECARDS, USERS, RecordCodec
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.renaming import Renaming, renaming
from rowen.store.changes import ChangeLog, Counts, imported
from rowen.store.engine import Engine, Transaction
from rowen.store.ledger import Ledger, LedgerState, next_state
from rowen.store.positions import ImportPositions
from rowen.store.records import RecordWriter
from rowen.store.renaming import Renamer

_YEAR: Final = 366 * 86_400_000
_NEVER: Final = -(2**63)  # a record without a time is older than any with one


@dataclass(slots=True)
class _Plan:
    """What a merge will write of one resource, its counts, and the users who have another name by it."""

    resource: str
    written: list[RecordDraft] = field(default_factory=list)
    counts: MergeCounts = field(default_factory=MergeCounts)
    people: dict[int, Renaming] = field(default_factory=dict)


class RecordTableMerger:
    """Merges records through one engine."""

    def __init__(self, engine: Engine, codec: Codec, records_codec: RecordCodec) -> None:
        self._engine = engine
        self._codec = records_codec
        self._ledger = Ledger(engine)
        self._log = ChangeLog(engine)
        self._writer = RecordWriter(engine)
        self._renamer = Renamer(engine, codec)
        self._positions = ImportPositions(engine)

    async def merge(
        self,
        organization: Organization,
        drafts: Sequence[RecordDraft],
        *,
        now: Instant,
        position: ImportPosition | None = None,
    ) -> MergeCounts:
        """Merge records by resource and id in one transaction: of two with one id the newer wins.

        What was known from interviews only gives way to any. Users who were known by another name are renamed in
        every interview.
        """

        async def work(transaction: Transaction) -> MergeCounts:
            before = state = await self._ledger.take(transaction, organization.id)
            counts = MergeCounts()
            for plan in await self._plans(organization.id, drafts, transaction):
                counts.add(plan.counts)
                if plan.written:
                    state = await self._write(transaction, organization, plan, next_state(state, now))
            if state != before:
                await self._ledger.advance(transaction, organization.id, _advanced(state, drafts, now))
            if position is not None:
                await self._positions.move(transaction, organization.id, position)
            return counts

        return await self._engine.write(work, organization.id)

    async def preview(self, organization: Organization, drafts: Sequence[RecordDraft]) -> MergeCounts:
        """Count what `merge` would do, and do nothing."""
        counts = MergeCounts()
        for plan in await self._engine.read(partial(self._plans, organization.id, drafts)):
            counts.add(plan.counts)
        return counts

    async def _plans(
        self, organization: OrganizationId, drafts: Iterable[RecordDraft], transaction: Transaction
    ) -> list[_Plan]:
        by_resource = groupby(sorted(drafts, key=_resource), key=_resource)
        return [await self._plan(transaction, organization, name, list(found)) for name, found in by_resource]

    async def _plan(
        self, transaction: Transaction, organization: OrganizationId, resource: str, drafts: list[RecordDraft]
    ) -> _Plan:
        """Compare records of one resource with each other and with what is stored."""
        plan = _Plan(resource)
        newest: dict[int, RecordDraft] = {}
        for draft in drafts:
            rival = newest.setdefault(draft.id, draft)
            if rival is not draft:
                if rival.document == draft.document:
                    plan.counts.unchanged += 1
                    continue
                plan.counts.older += 1
                if _rank(draft) > _rank(rival) or _is_said_now(draft):
                    newest[draft.id] = draft
        stored = await self._writer.get_all(transaction, organization, resource, sorted(newest))
        for identifier, draft in sorted(newest.items()):
            known = stored.get(identifier)
            if known is None or known.derived:
                plan.counts.new += 1
            elif known.document == draft.document:
                plan.counts.unchanged += 1
                continue
            elif _rank(known) > _rank(draft) and not _is_said_now(draft):
                plan.counts.older += 1
                continue
            else:
                plan.counts.changed += 1
            plan.written.append(draft)
            if resource == USERS and known is not None and (found := self._renaming(known, draft)):
                plan.people[identifier] = found
        return plan

    def _renaming(self, before: RecordDraft, after: RecordDraft) -> Renaming:
        if before.document is None or after.document is None:
            return {}
        return renaming(self._codec.user(before.document), self._codec.user(after.document))

    async def _write(
        self, transaction: Transaction, organization: Organization, plan: _Plan, state: LedgerState
    ) -> LedgerState:
        """Write one resource as of a state of the ledger, and what follows from it; return the last state."""
        await self._writer.put_all(transaction, organization.id, plan.written)
        if plan.resource == JOB_STAGES:
            await self._supersede(transaction, organization.id, plan.written)
        counts = Counts(plan.counts.new, plan.counts.changed)
        entry = imported(state.revision, state.last_updated_at, plan.resource, counts)
        await self._log.append(transaction, organization.id, entry)
        if plan.people:
            state = await self._renamer.rename(transaction, organization, plan.people, state)
        return state

    async def _supersede(
        self, transaction: Transaction, organization: OrganizationId, stages: Iterable[RecordDraft]
    ) -> None:
        """Remove the derived stages of interviews that real stages hold: each has its interview's id."""
        held = sorted({int(value) for stage in stages for name, value in stage.terms if name == "interview_id"})
        stored = await self._writer.get_all(transaction, organization, JOB_STAGES, held)
        derived = [(JOB_STAGES, identifier) for identifier, record in stored.items() if record.derived]
        await self._writer.remove_all(transaction, organization, derived)


def _resource(draft: RecordDraft) -> str:
    return draft.resource


def _rank(draft: RecordDraft) -> tuple[int, bytes]:
    """Order the records of one id, as interviews are ordered."""
    return (_NEVER if draft.updated_at is None else draft.updated_at, draft.document or b"")


def _is_said_now(draft: RecordDraft) -> bool:
    """Tell whether a record counts as newer than any before it: a list of users without times, as people keep it."""
    return draft.resource == USERS and draft.updated_at is None


def _advanced(state: LedgerState, drafts: Sequence[RecordDraft], now: Instant) -> LedgerState:
    """Return the ledger as it stands after a merge: later than what was imported, and past its scorecards' ids."""
    # A time years ahead is a mistake of a record's, and no reason to stamp all that follows with it.
    times = [time for draft in drafts if (time := _rank(draft)[0]) < now + _YEAR]
    # Scorecards are made here, too, with ids that the ledger gives out.
    scorecards = [draft.id for draft in drafts if draft.resource == SCORECARDS]
    return state._replace(
        last_updated_at=Instant(max(state.last_updated_at, *times)) if times else state.last_updated_at,
        last_id=max([state.last_id, *scorecards]),
    )
