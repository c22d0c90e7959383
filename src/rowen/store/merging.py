"""Merging interviews into an organization's.

Owns which of two interviews with one id is kept, and that interviews, who is booked by them, what they say of the
things around them, the ledger, the log and the import position change together or not at all. Must not know where
interviews come from.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, delete, select, update

from rowen.app.ports import Codec, Draft, ImportPosition, MergeCounts, Organization
from rowen.app.records import INTERVIEWS, RecordCodec
from rowen.interviews.interview import LARGEST_ID, OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.people import booked
from rowen.store.changes import ChangeLog, Counts, imported
from rowen.store.deriving import Deriver
from rowen.store.engine import Engine, Transaction
from rowen.store.ledger import Ledger, LedgerState, next_state
from rowen.store.positions import ImportPositions
from rowen.store.tables import panel, scheduled_interviews

_YEAR: Final = 366 * 86_400_000
_NEVER: Final = -(2**63)  # a record without `updated_at` is older than any with one


class _Replaced(NamedTuple):
    """What an update replaces, as far as it has to be known: where the old panel is found."""

    id: int
    ends_at: int
    document: bytes


class _Plan(NamedTuple):
    """What a merge will write, and its counts."""

    inserts: list[Draft]
    updates: list[Draft]
    replaced: list[_Replaced]
    counts: MergeCounts


class InterviewMerger:
    """Merges interviews through one engine."""

    def __init__(self, engine: Engine, codec: Codec, records_codec: RecordCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._ledger = Ledger(engine)
        self._log = ChangeLog(engine)
        self._deriver = Deriver(engine, codec, records_codec)
        self._positions = ImportPositions(engine)
        stored = scheduled_interviews.c
        of_organization = stored.organization_id == bindparam("organization")
        self._stored = engine.prepare(
            select(stored.id, stored.updated_at, stored.document, stored.ends_at).where(
                of_organization, engine.among(stored.id, "ids")
            )
        )
        self._insert = engine.prepare_insert(scheduled_interviews)
        replaced = [c.name for c in stored if c.name not in ("organization_id", "id", "created_through_api")]
        self._update = engine.prepare(
            update(scheduled_interviews)
            .where(stored.organization_id == bindparam("organization_id"), stored.id == bindparam("id"))
            .values({name: bindparam(name) for name in replaced})
        )
        self._book = engine.prepare_insert(panel, ("organization_id", "person", "ends_at", "interview_id", "starts_at"))
        keys = ("organization_id", "person", "ends_at", "interview_id")
        self._free = engine.prepare(delete(panel).where(*(panel.c[name] == bindparam(name) for name in keys)))

    async def merge(
        self,
        organization: Organization,
        drafts: Sequence[Draft],
        *,
        now: Instant,
        created_through_api: bool,
        position: ImportPosition | None = None,
    ) -> MergeCounts:
        """Merge interviews by id in one transaction: of two with one id the newer wins."""

        async def work(transaction: Transaction) -> MergeCounts:
            ledger = await self._ledger.take(transaction, organization.id)
            plan = await self._plan(transaction, organization.id, drafts, ledger.last_id)
            state = next_state(ledger, now)
            # Also what those say that are not kept: what arrives first must not decide what is known in the end.
            learned = drafts and await self._deriver.derive(transaction, organization.id, drafts, state.last_updated_at)
            if plan.inserts or plan.updates or learned:
                # Imported: whatever their times, the clock leaves them alone until something happens to them.
                fixed = {
                    "organization_id": organization.id,
                    "created_through_api": created_through_api,
                    "due_at": None,
                }
                inserts = _rows(plan.inserts, self._insert.columns, fixed)
                await transaction.insert(self._insert, inserts)
                updates = _rows(plan.updates, self._update.parameters, fixed)
                await transaction.run_many(self._update, updates)
                await self._rebook(transaction, organization.id, plan)
                counts = Counts(plan.counts.new, plan.counts.changed)
                entry = imported(state.revision, state.last_updated_at, INTERVIEWS, counts)
                await self._log.append(transaction, organization.id, entry)
                await self._ledger.advance(transaction, organization.id, _advanced(state, plan, now))
            if position is not None:
                await self._positions.move(transaction, organization.id, position)
            return plan.counts

        return await self._engine.write(work, organization.id)

    async def preview(self, organization: Organization, drafts: Sequence[Draft]) -> MergeCounts:
        """Count what `merge` would do, and do nothing."""
        plan = await self._engine.read(partial(self._plan_of, organization.id, drafts))
        return plan.counts

    async def _plan_of(self, organization: OrganizationId, drafts: Sequence[Draft], transaction: Transaction) -> _Plan:
        return await self._plan(transaction, organization, drafts, LARGEST_ID)

    async def _plan(
        self, transaction: Transaction, organization: OrganizationId, drafts: Sequence[Draft], last_id: int
    ) -> _Plan:
        """Compare records with each other and with what is stored; no id behind `last_id` is."""
        counts = MergeCounts()
        newest: dict[int, Draft] = {}
        for draft in drafts:
            rival = newest.setdefault(draft.id, draft)
            if rival is not draft:
                if rival.document == draft.document:
                    counts.unchanged += 1
                    continue
                counts.older += 1
                if _rank(draft) > _rank(rival):
                    newest[draft.id] = draft
        ids = self._engine.bind_identifiers([identifier for identifier in newest if identifier <= last_id])
        stored = {
            row[0]: (_NEVER if row[1] is None else row[1], row[2], row[3])
            for row in await transaction.rows(self._stored, {"organization": organization, "ids": ids})
        }
        inserts: list[Draft] = []
        updates: list[Draft] = []
        replaced: list[_Replaced] = []
        for identifier, draft in newest.items():
            rival_rank = stored.get(identifier)
            if rival_rank is None:
                inserts.append(draft)
            elif rival_rank[1] == draft.document:
                counts.unchanged += 1
            elif rival_rank[:2] > _rank(draft):
                counts.older += 1
            else:
                updates.append(draft)
                replaced.append(_Replaced(identifier, rival_rank[2], rival_rank[1]))
        counts.new, counts.changed = len(inserts), len(updates)
        return _Plan(inserts, updates, replaced, counts)

    async def _rebook(self, transaction: Transaction, organization: OrganizationId, plan: _Plan) -> None:
        """Keep who is booked when in step with the interviews."""
        freed = [
            (organization, person, old.ends_at, old.id)
            for old in plan.replaced
            for person in booked(self._codec.decode(old.document).interviewers)
        ]
        if freed:
            await transaction.run_many(self._free, freed)
        taken = [
            (organization, person, draft.ends_at, draft.id, draft.starts_at)
            for drafts in (plan.inserts, plan.updates)
            for draft in drafts
            for person in draft.panel
        ]
        if taken:
            taken.sort()  # neighbors in the tree, written together
            await transaction.insert(self._book, taken)

    async def position(self, organization: OrganizationId, source: str) -> str | None:
        """Return where an unfinished import of that source goes on."""
        return await self._positions.get(organization, source)


def _advanced(state: LedgerState, plan: _Plan, now: Instant) -> LedgerState:
    """Return the ledger as it stands after a merge: what is stamped later must be later than what was imported."""
    written = (*plan.inserts, *plan.updates)
    # A time years ahead is a mistake of a record's, and no reason to stamp all that follows with it.
    times = [time for draft in written if (time := _rank(draft)[0]) < now + _YEAR]
    return state._replace(
        last_updated_at=Instant(max(state.last_updated_at, *times)) if times else state.last_updated_at,
        last_id=max([state.last_id, *(draft.id for draft in written)]),
        interview_count=state.interview_count + len(plan.inserts),
    )


def _rows(drafts: Sequence[Draft], columns: Sequence[str], fixed: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the values of `columns` for each draft, in the order of their ids; those that no draft has are `fixed`."""
    shared = tuple(fixed.values())
    places = [
        len(Draft._fields) + list(fixed).index(name) if name in fixed else Draft._fields.index(name) for name in columns
    ]
    pick = itemgetter(*places)
    # Neighbors in the tree are written together.
    return [pick(draft + shared) for draft in sorted(drafts, key=itemgetter(0))]


def _rank(draft: Draft) -> tuple[int, bytes]:
    """Order the records of one id: the newer is greater; of two as new as each other, the greater document.

    The second rule has no meaning but its constancy: whatever the order of arrival, the same record stays.
    """
    updated_at = draft.updated_at
    return (_NEVER if updated_at is None else updated_at, draft.document)
