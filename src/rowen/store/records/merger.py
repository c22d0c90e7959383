"""Merging records, other than interviews, into an organization's.

Owns that records, their consequences in the interviews, the ledger, the log and the import checkpoint change together
or not at all. Must not know where records come from, or how two with one id are ordered (`merge_rules`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from rowen.app.archive import ARCHIVED
from rowen.app.imports import ImportCheckpoint, MergeCounts
from rowen.app.interviews import Codec
from rowen.app.organizations import Organization
from rowen.app.records import JOB_STAGES, SCORECARDS, USERS, RecordCodec, RecordRow
from rowen.interviews.changes import Counts
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.renaming import Renaming, renaming
from rowen.store.engines.base import Engine, Transaction
from rowen.store.import_checkpoints import ImportCheckpoints
from rowen.store.ledger.change_log import BY_IMPORT, ChangeLog, imported
from rowen.store.ledger.ledger import Ledger, LedgerState, next_state
from rowen.store.merge_rules import advanced, newest_of, rank
from rowen.store.records.clamping import Present, RecordClamp
from rowen.store.records.identification import UserIdentification
from rowen.store.records.renames import RenameContext, Renamer
from rowen.store.records.writer import RecordWriter


@dataclass(slots=True)
class _Plan:
    """The writes of a merge for one resource, its counts, and the users whom it renames."""

    resource: str
    written: list[RecordRow] = field(default_factory=list)
    counts: MergeCounts = field(default_factory=MergeCounts)
    people: dict[int, Renaming] = field(default_factory=dict)


class RecordTableMerger:
    """Merges records through one engine."""

    def __init__(self, engine: Engine, codec: Codec, records_codec: RecordCodec) -> None:
        self._engine = engine
        self._codec = records_codec
        self._ledger = Ledger(engine)
        self._log = ChangeLog(engine, codec)
        self._writer = RecordWriter(engine)
        self._clamp = RecordClamp(self._writer, records_codec)
        self._identification = UserIdentification(self._writer, records_codec)
        self._renamer = Renamer(engine, codec)
        self._checkpoints = ImportCheckpoints(engine)

    async def merge(
        self,
        organization: Organization,
        drafts: Sequence[RecordRow],
        *,
        now: Instant,
        clamp: bool = False,
        checkpoint: ImportCheckpoint | None = None,
    ) -> MergeCounts:
        """Merge records by resource and id in one transaction: of two records with one id the newer wins.

        Any imported record replaces an inferred one. Renamed users are renamed in every interview.
        """

        async def work(transaction: Transaction) -> MergeCounts:
            before = state = await self._ledger.take(transaction, organization.id)
            identified, state = await self._identification.identify(transaction, organization.id, drafts, state)
            counts = MergeCounts()
            present = Present(now, next_state(state, now).last_updated_at)
            given, plans = await self._plans(transaction, organization.id, identified, present if clamp else None)
            for plan in plans:
                counts.add(plan.counts)
                if plan.written:
                    state = await self._write(transaction, organization, plan, next_state(state, now), now)
            if state != before:
                # Scorecards are also created here, with ids that the ledger assigns.
                ids = [draft.id for draft in given if draft.resource == SCORECARDS]
                await self._ledger.advance(transaction, organization.id, advanced(state, given, ids, now))
            if checkpoint is not None:
                await self._checkpoints.move(transaction, organization.id, checkpoint)
            return counts

        return await self._engine.write(work, organization.id)

    async def preview(
        self, organization: Organization, drafts: Sequence[RecordRow], *, now: Instant, clamp: bool = False
    ) -> MergeCounts:
        """Count what `merge` would do, without writing."""

        async def work(transaction: Transaction) -> MergeCounts:
            counts = MergeCounts()
            present = Present(now, now) if clamp else None
            identified = await self._identification.recognize(transaction, organization.id, drafts)
            for plan in (await self._plans(transaction, organization.id, identified, present))[1]:
                counts.add(plan.counts)
            return counts

        return await self._engine.read(work)

    async def _plans(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        drafts: Sequence[RecordRow],
        present: Present | None,
    ) -> tuple[Sequence[RecordRow], list[_Plan]]:
        """Return the records, clamped if the present is given, and a plan for each resource."""
        if present is not None:
            drafts = await self._clamp.clamp(transaction, organization, drafts, present)
        by_resource = groupby(sorted(drafts, key=_resource), key=_resource)
        return drafts, [
            await self._plan(transaction, organization, name, list(found), present) for name, found in by_resource
        ]

    async def _plan(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        resource: str,
        drafts: list[RecordRow],
        present: Present | None,
    ) -> _Plan:
        """Compare records of one resource with each other and with the stored ones."""
        plan = _Plan(resource)
        newest = newest_of(drafts, plan.counts, _counts_as_newest)
        stored = await self._writer.get_all(transaction, organization, resource, sorted(newest))
        for identifier, draft in sorted(newest.items()):
            known = stored.get(identifier)
            if known is None or known.derived:
                plan.counts.new += 1
            elif known.document == draft.document:
                plan.counts.unchanged += 1
                continue
            elif rank(known, present and present.now) > rank(draft) and not _counts_as_newest(draft):
                plan.counts.older += 1
                continue
            else:
                plan.counts.changed += 1
            plan.written.append(draft)
            if resource == USERS and known is not None and (found := self._renaming(known, draft)):
                plan.people[identifier] = found
        return plan

    def _renaming(self, before: RecordRow, after: RecordRow) -> Renaming:
        if before.document is None or after.document is None:
            return {}
        return renaming(self._codec.user(before.document), self._codec.user(after.document))

    async def _write(
        self, transaction: Transaction, organization: Organization, plan: _Plan, state: LedgerState, now: Instant
    ) -> LedgerState:
        """Write one resource as of a state of the ledger, with its consequences; return the last state."""
        await self._writer.put_all(transaction, organization.id, plan.written)
        if plan.resource == JOB_STAGES:
            await self._supersede(transaction, organization.id, plan.written)
        counts = Counts(plan.counts.new, plan.counts.changed)
        entry = imported(state.revision, state.last_updated_at, plan.resource, counts)
        await self._log.append(transaction, organization.id, entry)
        if plan.people:
            context = RenameContext(organization, BY_IMPORT, now)
            state = await self._renamer.rename(transaction, context, plan.people, state)
        return state

    async def _supersede(
        self, transaction: Transaction, organization: OrganizationId, stages: Iterable[RecordRow]
    ) -> None:
        """Remove the inferred stages of interviews that imported stages contain: each has its interview's id."""
        held = sorted({int(value) for stage in stages for name, value in stage.terms if name == "interview_id"})
        stored = await self._writer.get_all(transaction, organization, JOB_STAGES, held)
        derived = [(JOB_STAGES, identifier) for identifier, record in stored.items() if record.derived]
        await self._writer.remove_all(transaction, organization, derived)


def _resource(draft: RecordRow) -> str:
    return draft.resource


def _counts_as_newest(draft: RecordRow) -> bool:
    """Return whether a record is newer than any before it: one without a time, from a list that people keep.

    Such are users, and what the archive keeps: many of its resources have no times at all.
    """
    return draft.updated_at is None and (draft.resource == USERS or draft.resource in ARCHIVED)
