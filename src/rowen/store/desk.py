"""The desk: a write transaction of one organization, on an engine.

Owns that a change, its document, its rows for searching, its place in the feed and what webhooks are told of it are
written together. Must not know the rules of what may be written, or the form of a document.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from rowen.app.desk import Booking, Repetition, Stored, Work, Written
from rowen.app.ports import Codec, Draft, Organization, RecordDraft
from rowen.app.telling import events_of
from rowen.interviews.changes import Change, differences
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
from rowen.store.changes import ChangeLog, Entry, Summary
from rowen.store.engine import Engine, Prepared, Row, Transaction
from rowen.store.ledger import Ledger, LedgerState, next_state
from rowen.store.outbox import Outbox
from rowen.store.records import RecordWriter
from rowen.store.repetitions import Repetitions
from rowen.store.writes import WriteStatements

_BEYOND: Final = 2**52  # where ids begin if a record was imported that has the last one there is


class Tools:
    """What every desk of an engine works with."""

    def __init__(self, engine: Engine, codec: Codec) -> None:
        self.engine = engine
        self.codec = codec
        self.statements = WriteStatements(engine)
        self.ledger = Ledger(engine)
        self.log = ChangeLog(engine)
        self.outbox = Outbox(engine)
        self.records = RecordWriter(engine)
        self.repetitions = Repetitions(engine)


class Opening(NamedTuple):
    """How things stand when a desk is opened."""

    organization: Organization
    ledger: LedgerState
    now: Instant


class StoreDesk:
    """The `Desk` on a transaction that has taken the ledger."""

    def __init__(self, tools: Tools, transaction: Transaction, opening: Opening) -> None:
        self._tools = tools
        self._transaction = transaction
        self._organization = opening.organization
        self._now = opening.now
        self._zone = ZoneInfo(opening.organization.time_zone)
        self._before = self._state = opening.ledger

    async def close(self) -> None:
        """Write the ledger, if anything was written."""
        if self._state != self._before:
            await self._tools.ledger.advance(self._transaction, self._organization.id, self._state)

    @property
    def organization(self) -> Organization:
        """The organization as of the newest commit."""
        return self._organization

    @property
    def now(self) -> Instant:
        """The present, by the clock."""
        return self._now

    async def user(self, identifier: UserId) -> User | None:
        """Return a user."""
        record = await self.record("users", identifier)
        return None if record is None or record.document is None else _user(record.document)

    async def users_by_email(self, email: str) -> Sequence[User]:
        """Return the users who have an e-mail address, as their primary one or another."""
        return await self._users("email", email)

    async def users_by_employee_id(self, employee_id: str) -> Sequence[User]:
        """Return the users who have an employee id."""
        return await self._users("employee_id", employee_id)

    async def _users(self, name: str, value: str) -> list[User]:
        found = await self.records_by_term("users", name, value)
        return [_user(record.document) for record in found if record.document is not None]

    async def application_status(self, application: ApplicationId) -> str | None:
        """Return the status of an application (`active`, …); None where there is none of that id."""
        record = await self.record("applications", application)
        return None if record is None else record.status or "active"

    async def candidate_of(self, application: int) -> int | None:
        """Return the candidate of an application, where it is known."""
        record = await self.record("applications", application)
        if record is None or record.document is None:
            return None
        return _candidate_decoder.decode(record.document).candidate_id

    async def interview_reference(self, identifier: int) -> InterviewReference | None:
        """Return the interview of a job stage."""
        for record in await self.records_by_term("job_stages", "interview_id", str(identifier)):
            stage = _stage_decoder.decode(record.document or b"{}")
            for each in stage.interviews:
                if each.id == identifier:
                    return each
        return None

    async def interview(self, identifier: InterviewId) -> Stored | None:
        """Return a scheduled interview."""
        row = await self._row(self._tools.statements.interview, interview=identifier)
        return None if row is None else self._stored(row)

    async def holder_of_event(self, external_event_id: str) -> InterviewId | None:
        """Return the first interview that has an external event id."""
        row = await self._row(self._tools.statements.holder_of_event, external_event_id=external_event_id)
        return None if row is None else row[0]

    async def overlapping(self, booking: Booking, besides: InterviewId | None) -> Sequence[InterviewId]:
        """Return the interviews, but for one, that keep the person busy at the same time, ascending."""
        rows = await self._rows(
            self._tools.statements.overlapping,
            person=booking.person,
            starts_at=int(booking.starts_at),
            ends_at=int(booking.ends_at),
        )
        return sorted(row[0] for row in rows if row[0] != besides)

    async def due(self, most: int) -> Sequence[Stored]:
        """Return the interviews that the clock has to look at by now, those due longest first."""
        rows = await self._rows(self._tools.statements.due, now=int(self._now), most=most)
        return [self._stored(row) for row in rows]

    async def new_id(self) -> int:
        """Draw an id that nothing in the organization has had."""
        drawn = self._state.last_id + 1
        if drawn > LARGEST_ID:
            drawn = _BEYOND + self._state.revision + 1
            while await self.interview(InterviewId(drawn)) is not None:
                drawn += 1
            return drawn
        self._state = self._state._replace(last_id=drawn)
        return drawn

    async def stamp(self) -> Instant:
        """Begin the next change: return its time, later than that of every change before it."""
        self._state = next_state(self._state, self._now)
        return self._state.last_updated_at

    async def keep(self, before: ScheduledInterview | None, after: ScheduledInterview, change: Change) -> bytes:
        """Write an interview as of the change begun last, and return its document."""
        after = msgspec.structs.replace(after, updated_at=self._state.last_updated_at)
        draft = self._draft(after)
        values = {**draft._asdict(), "due_at": None, "organization_id": self._organization.id}
        del values["panel"]
        if after.status is Status.SCHEDULED:
            values["due_at"] = draft.ends_at + self._organization.grace
        if before is None:
            await self._run(self._tools.statements.insert, **values, created_through_api=True)
            self._state = self._state._replace(interview_count=self._state.interview_count + 1)
            await self._book(draft, draft.panel)
        else:
            await self._run(self._tools.statements.update, **values)
            await self._rebook(self._draft(before), draft)
        await self._tell(before, after, change, draft)
        return draft.document

    async def drop(self, interview: ScheduledInterview, change: Change) -> None:
        """Delete an interview as the change begun last; its last document stays in the feed."""
        draft = self._draft(interview)
        await self._run(self._tools.statements.delete, interview=interview.id)
        await self._unbook(draft, draft.panel)
        self._state = self._state._replace(interview_count=self._state.interview_count - 1)
        await self._tell(interview, None, change, draft)

    async def _tell(
        self, before: ScheduledInterview | None, after: ScheduledInterview | None, change: Change, draft: Draft
    ) -> None:
        revision, time = self._state.revision, self._state.last_updated_at
        organization = self._organization.id
        fields = differences(before, after)
        summary = Summary(revision, time, change.kind, change.actor, draft.id, fields=fields)
        await self._tools.log.append(self._transaction, organization, Entry(summary, draft.document))
        await self._tools.outbox.enqueue(
            self._transaction, organization, revision, self._now, events_of(change, draft.document)
        )

    async def _rebook(self, before: Draft, after: Draft) -> None:
        if before.panel == after.panel and (before.starts_at, before.ends_at) == (after.starts_at, after.ends_at):
            return
        await self._unbook(before, before.panel)
        await self._book(after, after.panel)

    async def _book(self, draft: Draft, panel: Sequence[int]) -> None:
        await self._run_panel(self._tools.statements.book, draft, panel)

    async def _unbook(self, draft: Draft, panel: Sequence[int]) -> None:
        await self._run_panel(self._tools.statements.unbook, draft, panel)

    async def _run_panel(self, statement: Prepared, draft: Draft, panel: Sequence[int]) -> None:
        at = {"organization": self._organization.id, "interview": draft.id}
        times = {"starts_at": draft.starts_at, "ends_at": draft.ends_at}
        rows = [statement.bind({**at, **times, "person": person}) for person in panel]
        if rows:
            await self._transaction.run_many(statement, rows)

    async def record(self, resource: str, identifier: int) -> RecordDraft | None:
        """Return a record; its terms are left out."""
        return await self._tools.records.get(self._transaction, self._organization.id, resource, identifier)

    async def records_by_term(self, resource: str, name: str, value: str) -> Sequence[RecordDraft]:
        """Return the records found by a term, ordered by id; their terms are left out."""
        return await self._tools.records.by_term(self._transaction, self._organization.id, resource, name, value)

    async def term(self, resource: str, identifier: int, name: str) -> str | None:
        """Return the value of a record's term."""
        row = await self._row(self._tools.statements.term, resource=resource, record=identifier, name=name)
        return None if row is None else row[0]

    async def keep_record(self, record: RecordDraft) -> None:
        """Write a record in place of what there was under its id."""
        await self._tools.records.put(self._transaction, self._organization.id, record)

    async def drop_record(self, resource: str, identifier: int) -> None:
        """Delete a record."""
        await self._tools.records.remove(self._transaction, self._organization.id, resource, identifier)

    def _draft(self, interview: ScheduledInterview) -> Draft:
        return self._tools.codec.draft(interview, self._zone)

    def _stored(self, row: Row) -> Stored:
        return Stored(self._tools.codec.decode(row[0]), row[0], bool(row[1]))

    async def _row(self, statement: Prepared, **parameters: Any) -> Row | None:
        return await self._transaction.row(statement, {"organization": self._organization.id, **parameters})

    async def _rows(self, statement: Prepared, **parameters: Any) -> Sequence[Row]:
        return await self._transaction.rows(statement, {"organization": self._organization.id, **parameters})

    async def _run(self, statement: Prepared, **parameters: Any) -> int:
        return await self._transaction.run(statement, {"organization": self._organization.id, **parameters})


class DeskWriting:
    """The `Writing` on an engine."""

    def __init__(self, engine: Engine, codec: Codec, now: Callable[[], Instant]) -> None:
        self._engine = engine
        self._tools = Tools(engine, codec)
        self._now = now

    async def write(self, organization: Organization, work: Work, repetition: Repetition | None = None) -> Written:
        """Do work in one durable transaction: all of it is kept, with its changes, or nothing."""
        tools = self._tools

        async def unit(transaction: Transaction) -> Written:
            fresh, state = await tools.statements.take(transaction, organization.id)
            now = self._now()
            if repetition is not None:
                answered = await tools.repetitions.find(transaction, organization.id, repetition, now)
                if answered is not None:
                    return answered
            desk = StoreDesk(tools, transaction, Opening(fresh, state, now))
            written = await work(desk)
            await desk.close()
            if repetition is not None:
                await tools.repetitions.keep(transaction, organization.id, repetition, now, written)
            return written

        with tools.repetitions.in_flight(organization.id, repetition):
            return await self._engine.write(unit, organization.id)


class _Candidate(msgspec.Struct):
    candidate_id: int | None = None


class _Stage(msgspec.Struct):
    interviews: list[InterviewReference] = []


_user_decoder: Final = msgspec.json.Decoder(User)
_candidate_decoder: Final = msgspec.json.Decoder(_Candidate)
_stage_decoder: Final = msgspec.json.Decoder(_Stage)


def _user(document: bytes) -> User:
    return _user_decoder.decode(document)
