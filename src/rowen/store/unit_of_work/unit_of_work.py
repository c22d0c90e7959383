"""The unit of work: a write transaction of one organization, on an engine.

Owns that a change, its document, its search rows, its place in the feed and its webhook deliveries are written
together. Must not know the rules for what may be written, or the form of a document.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from rowen.app.interviews import InterviewRow
from rowen.app.organizations import Organization
from rowen.app.outbox import events_of
from rowen.app.planning import Facts, PlanningRequest
from rowen.app.records import ACTIVE, APPLICATIONS, JOB_STAGES, USERS, RecordRow
from rowen.app.unit_of_work import Booking, Cancellation, IdempotentRequest, Stored, WriteOperation, WriteResult
from rowen.interviews.changes import Actor, Change, ChangeSummary, Counts, Kind, differences
from rowen.interviews.interview import (
    LARGEST_ID,
    ApplicationId,
    InterviewId,
    InterviewReference,
    ScheduledInterview,
    Status,
)
from rowen.interviews.moments import Instant
from rowen.interviews.people import User, UserId
from rowen.interviews.renaming import Renaming
from rowen.store.busy import BusyRows
from rowen.store.engines.base import Engine, Prepared, Row, Transaction
from rowen.store.interviewers import Panel, WritePanels
from rowen.store.ledger.change_log import LoggedChange
from rowen.store.ledger.ledger import LedgerState, next_state
from rowen.store.records.allocation import allocate
from rowen.store.records.reading import ReadRecords
from rowen.store.records.renames import RenameContext
from rowen.store.rooms import RoomRows
from rowen.store.unit_of_work.dependencies import Codecs, Dependencies

_BEYOND: Final = 2**52  # where ids begin if an imported record has the last one


class Context(NamedTuple):
    """The state at the beginning of a unit of work."""

    organization: Organization
    ledger: LedgerState
    now: Instant


class StoreUnitOfWork:
    """The `UnitOfWork` on a transaction that has taken the ledger."""

    def __init__(self, dependencies: Dependencies, transaction: Transaction, context: Context) -> None:
        self._dependencies = dependencies
        self._transaction = transaction
        self._organization = context.organization
        self._now = context.now
        self._zone = ZoneInfo(context.organization.time_zone)
        self._before = self._state = context.ledger
        self._records = ReadRecords(dependencies.records, transaction, context.organization.id)

    async def close(self) -> None:
        """Write the ledger, if anything was written."""
        if self._state != self._before:
            await self._dependencies.ledger.advance(self._transaction, self._organization.id, self._state)

    @property
    def organization(self) -> Organization:
        """The organization as of the newest commit."""
        return self._organization

    @property
    def now(self) -> Instant:
        """The current time."""
        return self._now

    @property
    def rooms(self) -> RoomRows:
        """The bookings of rooms."""
        return RoomRows(self._dependencies.rooms, self._transaction, self._organization, self._now)

    @property
    def busy(self) -> BusyRows:
        """The busy times of people."""
        return BusyRows(self._dependencies.busy, self._transaction, self._organization.id)

    async def user(self, identifier: UserId) -> User | None:
        """Return a user."""
        record = await self.record(USERS, identifier)
        return None if record is None or record.document is None else self._user(record.document)

    async def users_by_email(self, email: str) -> Sequence[User]:
        """Return the users with an e-mail address, whether it is their primary one or not."""
        return await self._users("email", email)

    async def users_by_employee_id(self, employee_id: str) -> Sequence[User]:
        """Return the users with an employee id."""
        return await self._users("employee_id", employee_id)

    async def _users(self, name: str, value: str) -> list[User]:
        found = await self.records_by_term(USERS, name, value)
        return [self._user(record.document) for record in found if record.document is not None]

    async def application_status(self, application: ApplicationId) -> str | None:
        """Return the status of an application (`active`, …), or None if none has that id."""
        record = await self.record(APPLICATIONS, application)
        return None if record is None else record.status or ACTIVE

    async def candidate_id_of(self, application: int) -> int | None:
        """Return the candidate of an application, if known."""
        record = await self.record(APPLICATIONS, application)
        if record is None or record.document is None:
            return None
        return self._dependencies.records_codec.candidate_id(record.document)

    async def job_of(self, application: int) -> int | None:
        """Return the job of an application, if known; the one with the smallest id, if it has several."""
        row = await self._row(self._dependencies.statements.job, application=application)
        return None if row is None else row[0]

    async def interviewer_ids(self, interview: InterviewId) -> Sequence[int]:
        """Return the ids of the rows of an interview's panel, ascending."""
        rows = await self._rows(self._dependencies.statements.interviewer_ids, interview=interview)
        return [row[0] for row in rows]

    async def interview_reference(self, identifier: int) -> InterviewReference | None:
        """Return the interview of a job stage."""
        for record in await self.records_by_term(JOB_STAGES, "interview_id", str(identifier)):
            for each in self._dependencies.records_codec.interviews(record.document or b"{}"):
                if each.id == identifier:
                    return each
        return None

    async def interview(self, identifier: InterviewId) -> Stored | None:
        """Return a scheduled interview."""
        row = await self._row(self._dependencies.statements.interview, interview=identifier)
        return None if row is None else self._stored(row)

    async def cancellation(self, identifier: InterviewId) -> Cancellation | None:
        """Return the last change of an interview, if that cancelled it."""
        row = await self._row(self._dependencies.statements.last_change, interview=identifier)
        if row is None or row[0] != Kind.CANCELLED or row[2] is None:
            return None
        return Cancellation(Instant(row[1]), self._dependencies.codec.decode(row[2]))

    async def find_by_event_id(self, external_event_id: str) -> InterviewId | None:
        """Return the first interview with an external event id."""
        row = await self._row(self._dependencies.statements.find_by_event_id, external_event_id=external_event_id)
        return None if row is None else row[0]

    async def overlapping(self, booking: Booking, excluded: InterviewId | None) -> Sequence[InterviewId]:
        """Return the ids of the interviews, except one, that keep the person busy at the same time, ascending."""
        rows = await self._rows(
            self._dependencies.statements.overlapping,
            person=booking.person,
            starts_at=int(booking.starts_at),
            ends_at=int(booking.ends_at),
        )
        return sorted(row[0] for row in rows if row[0] != excluded)

    async def due(self, most: int) -> Sequence[Stored]:
        """Return the interviews that are due for a status update, those due longest first."""
        rows = await self._rows(self._dependencies.statements.due, now=int(self._now), most=most)
        return [self._stored(row) for row in rows]

    async def new_id(self) -> int:
        """Return an id that nothing in the organization has had."""
        drawn = self._state.last_id + 1
        if drawn > LARGEST_ID:
            drawn = _BEYOND + self._state.revision + 1
            while await self.interview(InterviewId(drawn)) is not None:
                drawn += 1
            return drawn
        self._state = self._state._replace(last_id=drawn)
        return drawn

    async def begin_change(self) -> Instant:
        """Begin the next change, and return its time, which is later than that of every change before it."""
        self._state = next_state(self._state, self._now)
        return self._state.last_updated_at

    async def save(self, before: ScheduledInterview | None, after: ScheduledInterview, change: Change) -> bytes:
        """Write an interview as part of the change begun last, and return its document."""
        after = msgspec.structs.replace(after, updated_at=self._state.last_updated_at)
        draft = self._draft(after)
        values = {**draft._asdict(), "due_at": None, "organization_id": self._organization.id}
        if after.status is Status.SCHEDULED and not change.is_mirrored:
            values["due_at"] = draft.ends_at + self._organization.grace
        if before is None:
            through_api = not change.is_mirrored
            await self._run(self._dependencies.statements.insert, **values, created_through_api=through_api)
            self._state = self._state._replace(
                interview_count=self._state.interview_count + 1, last_id=max(self._state.last_id, after.id)
            )
            await self._book(draft, await self._booked(draft, after))
            await self._keep_rows(self._dependencies.interviewers.add, draft)
        else:
            await self._run(self._dependencies.statements.update, **values)
            known = self._draft(before)
            await self._rebook((known, await self._booked(known, before)), (draft, await self._booked(draft, after)))
            if known.seats != draft.seats:
                interviewers = self._dependencies.interviewers
                write = interviewers.replace_in_order if change.is_mirrored else interviewers.replace
                await self._keep_rows(write, draft)
        await self._log_change(before, after, change, draft)
        return draft.document

    async def delete(self, interview: ScheduledInterview, change: Change) -> None:
        """Delete an interview as the change begun last; its last document stays in the feed."""
        draft = self._draft(interview)
        await self._run(self._dependencies.statements.delete, interview=interview.id)
        await self._unbook(draft, await self._booked(draft, interview))
        await self._dependencies.interviewers.remove(self._transaction, self._organization.id, draft.id)
        self._state = self._state._replace(interview_count=self._state.interview_count - 1)
        await self._log_change(interview, None, change, draft)

    async def _keep_rows(self, write: WritePanels, draft: InterviewRow) -> None:
        time = int(self._state.last_updated_at)
        panels = [Panel(draft.id, draft.seats, time, time)]
        last_id = await write(self._transaction, self._organization.id, panels, self._state.last_interviewer_id)
        self._state = self._state._replace(last_interviewer_id=last_id)

    async def _log_change(
        self, before: ScheduledInterview | None, after: ScheduledInterview | None, change: Change, draft: InterviewRow
    ) -> None:
        revision, time = self._state.revision, self._state.last_updated_at
        organization = self._organization.id
        fields = differences(before, after)
        summary = ChangeSummary(revision, time, change.kind, change.actor, draft.id, fields=fields)
        await self._dependencies.log.append(self._transaction, organization, LoggedChange(summary, draft.document))
        events = events_of(change, draft.document, self._dependencies.codec.event_body)
        await self._dependencies.outbox.enqueue(self._transaction, organization, revision, self._now, events)

    async def _booked(self, draft: InterviewRow, interview: ScheduledInterview) -> Sequence[int]:
        """Return the numbers of those whom an interview keeps busy: its panel, and its room."""
        room = await self.rooms.at(interview.location)
        return draft.panel if room is None else (*draft.panel, room)

    async def _rebook(
        self, before: tuple[InterviewRow, Sequence[int]], after: tuple[InterviewRow, Sequence[int]]
    ) -> None:
        (old, freed), (new, taken) = before, after
        if freed == taken and (old.starts_at, old.ends_at) == (new.starts_at, new.ends_at):
            return
        await self._unbook(old, freed)
        await self._book(new, taken)

    async def _book(self, draft: InterviewRow, persons: Sequence[int]) -> None:
        await self._run_panel(self._dependencies.statements.book, draft, persons)

    async def _unbook(self, draft: InterviewRow, persons: Sequence[int]) -> None:
        await self._run_panel(self._dependencies.statements.unbook, draft, persons)

    async def _run_panel(self, statement: Prepared, draft: InterviewRow, persons: Sequence[int]) -> None:
        at = {"organization": self._organization.id, "interview": draft.id}
        times = {"starts_at": draft.starts_at, "ends_at": draft.ends_at}
        rows = [statement.bind({**at, **times, "person": person}) for person in persons]
        if rows:
            await self._transaction.run_many(statement, rows)

    async def record(self, resource: str, identifier: int) -> RecordRow | None:
        """Return a record; its terms are left out."""
        return await self._records.get(resource, identifier)

    async def records_by_term(self, resource: str, name: str, value: str) -> Sequence[RecordRow]:
        """Return the records with a term, ordered by id; their terms are left out."""
        return await self._records.by_term(resource, name, value)

    async def is_named(self, resource: str, name: str, value: str) -> bool:
        """Return whether any record has a term: there may be too many of them to read."""
        return await self._dependencies.records.is_named(
            self._transaction, self._organization.id, resource, name, value
        )

    async def term(self, resource: str, identifier: int, name: str) -> str | None:
        """Return the value of a record's term."""
        row = await self._row(self._dependencies.statements.term, resource=resource, record=identifier, name=name)
        return None if row is None else row[0]

    async def save_record(self, record: RecordRow) -> None:
        """Write a record, replacing the one with its id."""
        self._records.forget()
        await self._dependencies.records.put(self._transaction, self._organization.id, record)

    async def last_record_id(self, resource: str) -> int | None:
        """Return the highest id of a resource's records; None if there are none."""
        return await self._dependencies.records.last_id(self._transaction, self._organization.id, resource)

    async def new_record_id(self, resource: str) -> int:
        """Return an id that nothing in the organization has had, nor an imported record of the resource."""
        of = (self._organization.id, resource)
        (drawn,), self._state = await allocate(self._dependencies.records, self._transaction, of, self._state, count=1)
        return drawn

    async def record_change(self, before: RecordRow | None, after: RecordRow, actor: Actor) -> None:
        """Write a record as the change begun last, and log what differs from `before`, None for a new one."""
        await self.save_record(after)
        counts = Counts(new=int(before is None), changed=int(before is not None))
        await self._log_record(after.resource, (before, after), actor, counts)

    async def record_removal(self, record: RecordRow, actor: Actor) -> None:
        """Delete a record as the change begun last, and log what it was."""
        await self.delete_record(record.resource, record.id)
        await self._log_record(record.resource, (record, None), actor, Counts(new=0, changed=0))

    async def _log_record(
        self, resource: str, states: tuple[RecordRow | None, RecordRow | None], actor: Actor, counts: Counts
    ) -> None:
        fields = self._dependencies.records_codec.differences(*states)
        revision, time = self._state.revision, self._state.last_updated_at
        summary = ChangeSummary(revision, time, Kind.RECORDED, actor, None, resource, counts, fields)
        await self._dependencies.log.append(self._transaction, self._organization.id, LoggedChange(summary))

    async def planning_facts(self, wanted: PlanningRequest) -> Facts:
        """Return what is known for planning, as of this transaction."""
        return await self._dependencies.planning.facts(self._transaction, self._records, self._organization, wanted)

    async def rename(self, people: Mapping[int, Renaming], actor: Actor) -> None:
        """Rename users, by their ids, in every interview that names them: each is a change of its own."""
        self._records.forget()
        context = RenameContext(self._organization, actor, self._now)
        self._state = await self._dependencies.renamer.rename(self._transaction, context, people, self._state)

    async def delete_record(self, resource: str, identifier: int) -> None:
        """Delete a record."""
        self._records.forget()
        await self._dependencies.records.remove(self._transaction, self._organization.id, resource, identifier)

    def _user(self, document: bytes) -> User:
        return self._dependencies.records_codec.user(document)

    def _draft(self, interview: ScheduledInterview) -> InterviewRow:
        return self._dependencies.codec.draft(interview, self._zone)

    def _stored(self, row: Row) -> Stored:
        return Stored(self._dependencies.codec.decode(row[0]), row[0], bool(row[1]))

    async def _row(self, statement: Prepared, **parameters: Any) -> Row | None:
        return await self._transaction.row(statement, {"organization": self._organization.id, **parameters})

    async def _rows(self, statement: Prepared, **parameters: Any) -> Sequence[Row]:
        return await self._transaction.rows(statement, {"organization": self._organization.id, **parameters})

    async def _run(self, statement: Prepared, **parameters: Any) -> int:
        return await self._transaction.run(statement, {"organization": self._organization.id, **parameters})


class StoreUnitOfWorks:
    """The `UnitOfWorks` on an engine."""

    def __init__(self, engine: Engine, codecs: Codecs, now: Callable[[], Instant]) -> None:
        self._engine = engine
        self._dependencies = Dependencies(engine, codecs)
        self._now = now

    async def write(
        self, organization: Organization, work: WriteOperation, idempotent: IdempotentRequest | None = None
    ) -> WriteResult:
        """Do work in one durable transaction: all of it is stored, with its changes, or nothing."""
        dependencies = self._dependencies

        async def unit(transaction: Transaction) -> WriteResult:
            fresh, state = await dependencies.ledger.take_with_settings(transaction, organization.id)
            now = self._now()
            if idempotent is not None:
                answered = await dependencies.idempotency.find(transaction, organization.id, idempotent, now)
                if answered is not None:
                    return answered
            opened = StoreUnitOfWork(dependencies, transaction, Context(fresh, state, now))
            written = await work(opened)
            await opened.close()
            if idempotent is not None:
                await dependencies.idempotency.keep(transaction, organization.id, idempotent, now, written)
            return written

        with dependencies.idempotency.in_flight(organization.id, idempotent):
            return await self._engine.write(unit, organization.id)

    async def delete_expired_keys(self, now: Instant) -> None:
        """Delete the idempotency keys that were used more than a day ago, and the results under them."""
        await self._dependencies.idempotency.delete_expired(now)
