"""Merging interviews into an organization's.

Owns that interviews, their bookings, their observations of people and stages, the ledger, the log and the import
checkpoint change together or not at all. Must not know where interviews come from, or how two with one id are ordered
(`merge_rules`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, select, true, update

from rowen.app.adoption import is_upcoming
from rowen.app.imports import ImportCheckpoint, MergeCounts
from rowen.app.interviews import Codec, InterviewRow
from rowen.app.organizations import Organization
from rowen.app.records import INTERVIEWS, RecordCodec
from rowen.interviews.changes import Counts
from rowen.interviews.interview import LARGEST_ID, OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.people import Person, booked
from rowen.store.engines.base import Engine, Transaction
from rowen.store.import_checkpoints import ImportCheckpoints
from rowen.store.interviewers import InterviewerTable, Panel
from rowen.store.ledger.change_log import ChangeLog, imported
from rowen.store.ledger.ledger import Ledger, LedgerState, next_state
from rowen.store.merge_rules import advanced, newest_of, rank
from rowen.store.records.clamping import InterviewClamp, Present
from rowen.store.records.inference import RecordInference
from rowen.store.rooms import RoomBookings
from rowen.store.schema.tables import panel, scheduled_interviews


class _Replaced(NamedTuple):
    """The part of a replaced interview that has to be known: where its panel is found."""

    id: int
    ends_at: int
    document: bytes


class _Stored(NamedTuple):
    """The stored interview with an id."""

    updated_at: int | None
    document: bytes
    ends_at: int
    created_through_api: bool
    starts_at: int
    status: str


class _Terms(NamedTuple):
    """The options of a merge: the present, whether new records count as created through the API, and clamping."""

    present: Present
    created_through_api: bool
    clamp: bool


class _Plan(NamedTuple):
    """The writes of a merge, and its counts.

    `adopted` are the ids of those that clients may change from now on, `rooms` the numbers by which rooms are booked.
    """

    inserts: list[InterviewRow]
    updates: list[InterviewRow]
    replaced: list[_Replaced]
    adopted: list[int]
    counts: MergeCounts
    rooms: Mapping[str, Person]


class InterviewMerger:
    """Merges interviews through one engine."""

    def __init__(self, engine: Engine, codec: Codec, records_codec: RecordCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._ledger = Ledger(engine)
        self._log = ChangeLog(engine, codec)
        self._deriver = RecordInference(engine, codec, records_codec)
        self._checkpoints = ImportCheckpoints(engine)
        self._interviewers = InterviewerTable(engine)
        self._rooms = RoomBookings(engine, codec)
        stored = scheduled_interviews.c
        of_organization = stored.organization_id == bindparam("organization")
        self._stored = engine.prepare(
            select(stored.id, *(stored[name] for name in _Stored._fields)).where(
                of_organization, engine.id_in(stored.id, "ids")
            )
        )
        self._clamp = InterviewClamp(engine, codec)
        self._adopt = engine.prepare(
            update(scheduled_interviews)
            .where(of_organization, engine.id_in(stored.id, "ids"))
            .values(created_through_api=true())
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
        drafts: Sequence[InterviewRow],
        *,
        now: Instant,
        created_through_api: bool,
        clamp: bool = False,
        checkpoint: ImportCheckpoint | None = None,
    ) -> MergeCounts:
        """Merge interviews by id in one transaction: of two records with one id the newer wins."""

        async def work(transaction: Transaction) -> MergeCounts:
            current, ledger = await self._ledger.take_with_settings(transaction, organization.id)
            state = next_state(ledger, now)
            present = Present(now, state.last_updated_at)
            given, plan = await self._plan(
                transaction, current, drafts, _Terms(present, created_through_api, clamp), ledger.last_id
            )
            # Also the observations of records that are not kept: the order of arrival must not decide the result.
            learned = given and await self._deriver.infer(transaction, organization.id, given, present)
            is_changed = plan.inserts or plan.updates or learned
            if is_changed:
                state = await self._write(transaction, organization.id, plan, state, created_through_api)
            if plan.adopted:
                ids = self._engine.bind_identifiers(plan.adopted)
                await transaction.run(self._adopt, {"organization": organization.id, "ids": ids})
            if is_changed or plan.adopted:
                await self._ledger.advance(transaction, organization.id, _advanced(state, plan, now))
            if checkpoint is not None:
                await self._checkpoints.move(transaction, organization.id, checkpoint)
            return plan.counts

        return await self._engine.write(work, organization.id)

    async def preview(
        self,
        organization: Organization,
        drafts: Sequence[InterviewRow],
        *,
        now: Instant,
        created_through_api: bool,
        clamp: bool = False,
    ) -> MergeCounts:
        """Count what `merge` would do, without writing."""
        terms = _Terms(Present(now, now), created_through_api, clamp)

        async def work(transaction: Transaction) -> MergeCounts:
            _, plan = await self._plan(transaction, organization, drafts, terms, LARGEST_ID)
            return plan.counts

        return await self._engine.read(work)

    async def _plan(
        self,
        transaction: Transaction,
        organization: Organization,
        drafts: Sequence[InterviewRow],
        terms: _Terms,
        last_id: int,
    ) -> tuple[Sequence[InterviewRow], _Plan]:
        """Compare records with each other and with the stored ones; return them with their times set, and the plan.

        No id greater than `last_id` is stored.
        """
        if terms.clamp:
            drafts = await self._clamp.clamp(transaction, organization, drafts, terms.present)
        counts = MergeCounts()
        newest = newest_of(drafts, counts)
        ids = self._engine.bind_identifiers([identifier for identifier in newest if identifier <= last_id])
        rows = await transaction.rows(self._stored, {"organization": organization.id, "ids": ids})
        rooms = await self._rooms.all(transaction, organization.id) if organization.room_count else {}
        plan = _Plan([], [], [], [], counts, rooms)
        _compare(newest, {row[0]: _Stored(*row[1:]) for row in rows}, terms, plan)
        counts.new, counts.changed, counts.adopted = len(plan.inserts), len(plan.updates), len(plan.adopted)
        return drafts, plan

    async def _write(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        plan: _Plan,
        state: LedgerState,
        created_through_api: bool,
    ) -> LedgerState:
        """Write interviews, their panels, and their change, as of a state of the ledger; return the state after it."""
        # Imported: whatever their times, their status is not updated until something happens to them.
        fixed = {"organization_id": organization, "created_through_api": created_through_api, "due_at": None}
        await transaction.insert(self._insert, _rows(plan.inserts, self._insert.columns, fixed))
        await transaction.run_many(self._update, _rows(plan.updates, self._update.parameters, fixed))
        await self._rebook(transaction, organization, plan)
        counts = Counts(plan.counts.new, plan.counts.changed)
        await self._log.append(
            transaction, organization, imported(state.revision, state.last_updated_at, INTERVIEWS, counts)
        )
        last_id = await self._interviewers.add(
            transaction, organization, _panels(plan.inserts, state), state.last_interviewer_id
        )
        last_id = await self._interviewers.replace(
            transaction, organization, list(_panels(plan.updates, state)), last_id
        )
        return state._replace(last_interviewer_id=last_id)

    async def _rebook(self, transaction: Transaction, organization: OrganizationId, plan: _Plan) -> None:
        """Bring the bookings in step with the interviews."""
        freed = [
            (organization, person, old.ends_at, old.id)
            for old in plan.replaced
            for person in self._booked(old.document, plan.rooms)
        ]
        if freed:
            await transaction.run_many(self._free, freed)
        taken = [
            (organization, person, draft.ends_at, draft.id, draft.starts_at)
            for drafts in (plan.inserts, plan.updates)
            for draft in drafts
            for person in (self._booked(draft.document, plan.rooms) if plan.rooms else draft.panel)
        ]
        if taken:
            taken.sort()  # neighbors in the tree, written together
            await transaction.insert(self._book, taken)

    def _booked(self, document: bytes, rooms: Mapping[str, Person]) -> tuple[Person, ...]:
        """Return the numbers of those whom an interview keeps busy: its panel, and its room."""
        interview = self._codec.decode(document)
        room = rooms.get(interview.location or "")
        return booked(interview.interviewers) if room is None else (*booked(interview.interviewers), room)

    async def checkpoint(self, organization: OrganizationId, source: str) -> str | None:
        """Return the address at which an unfinished import of that source continues."""
        return await self._checkpoints.get(organization, source)


def _compare(newest: Mapping[int, InterviewRow], stored: Mapping[int, _Stored], terms: _Terms, plan: _Plan) -> None:
    """Add what is to be done about each record to a plan."""
    now, counts = terms.present.now, plan.counts
    for identifier, draft in newest.items():
        rival = stored.get(identifier)
        through_api = terms.created_through_api or (rival is not None and bool(rival.created_through_api))
        starts_at, status = draft.starts_at, draft.status
        if rival is None:
            plan.inserts.append(draft)
        elif rival.document == draft.document:
            counts.unchanged += 1
        elif rank(rival, terms.present.now if terms.clamp else None) > rank(draft):
            counts.older += 1
            starts_at, status = rival.starts_at, rival.status
        else:
            plan.updates.append(draft)
            plan.replaced.append(_Replaced(identifier, rival.ends_at, rival.document))
        if rival is not None and through_api and not rival.created_through_api:
            plan.adopted.append(identifier)
        if not through_api and is_upcoming(status, starts_at, now):
            counts.frozen += 1


def _panels(drafts: Iterable[InterviewRow], state: LedgerState) -> Iterator[Panel]:
    """Return the panels of interviews in the order of their ids; one without times gets that of the commit."""
    for draft in sorted(drafts, key=itemgetter(0)):
        created_at, updated_at = draft.created_at, draft.updated_at
        updated = updated_at if updated_at is not None else created_at
        created = created_at if created_at is not None else updated_at
        now = int(state.last_updated_at)
        yield Panel(draft.id, draft.seats, now if created is None else created, now if updated is None else updated)


def _advanced(state: LedgerState, plan: _Plan, now: Instant) -> LedgerState:
    """Return the ledger after a merge."""
    written = (*plan.inserts, *plan.updates)
    after = advanced(state, written, [draft.id for draft in written], now)
    return after._replace(interview_count=state.interview_count + len(plan.inserts))


def _rows(drafts: Sequence[InterviewRow], columns: Sequence[str], fixed: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the values of `columns` for each draft, in the order of their ids; `fixed` are those that no draft has."""
    shared = tuple(fixed.values())
    places = [
        len(InterviewRow._fields) + list(fixed).index(name) if name in fixed else InterviewRow._fields.index(name)
        for name in columns
    ]
    pick = itemgetter(*places)
    # Neighbors in the tree are written together.
    return [pick(draft + shared) for draft in sorted(drafts, key=itemgetter(0))]
