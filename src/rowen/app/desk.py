"""Where the schedule is written: one transaction of one organization, as the use cases see it.

Owns the ports of writing. Must not know SQL, HTTP or the form of a document.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from rowen.app.ports import Organization, RecordDraft
from rowen.interviews.changes import Change
from rowen.interviews.interview import ApplicationId, InterviewId, InterviewReference, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.people import Person, User, UserId


class Stored(NamedTuple):
    """An interview as it stands: its value, its document, and whether clients may change it through the API."""

    interview: ScheduledInterview
    document: bytes
    created_through_api: bool


class Booking(NamedTuple):
    """When an interview keeps a person busy: from `starts_at` up to but not at `ends_at`."""

    person: Person
    starts_at: Instant
    ends_at: Instant


class Written(NamedTuple):
    """What a write answers: kept with its idempotency key, so that the same bytes can be sent again."""

    body: bytes
    etag: str = ""
    warning: str | None = None


class Repetition(NamedTuple):
    """The `Idempotency-Key` of a request: whose it is, and a digest of all that was asked under it."""

    api_key: int
    key: str
    fingerprint: bytes


class Desk(Protocol):
    """One write transaction. What is read is locked until it ends: nobody else writes meanwhile."""

    @property
    def organization(self) -> Organization:
        """The organization as of the newest commit."""
        ...

    @property
    def now(self) -> Instant:
        """The present, by the clock."""
        ...

    async def user(self, identifier: UserId) -> User | None:
        """Return a user."""
        ...

    async def users_by_email(self, email: str) -> Sequence[User]:
        """Return the users who have an e-mail address, as their primary one or another."""
        ...

    async def users_by_employee_id(self, employee_id: str) -> Sequence[User]:
        """Return the users who have an employee id."""
        ...

    async def application_status(self, application: ApplicationId) -> str | None:
        """Return the status of an application (`active`, …); None where there is none of that id."""
        ...

    async def interview_reference(self, identifier: int) -> InterviewReference | None:
        """Return the interview of a job stage."""
        ...

    async def interview(self, identifier: InterviewId) -> Stored | None:
        """Return a scheduled interview."""
        ...

    async def holder_of_event(self, external_event_id: str) -> InterviewId | None:
        """Return the first interview that has an external event id."""
        ...

    async def overlapping(self, booking: Booking, besides: InterviewId | None) -> Sequence[InterviewId]:
        """Return the interviews, but for one, that keep the person busy at the same time, ascending."""
        ...

    async def due(self, most: int) -> Sequence[Stored]:
        """Return the interviews that the clock has to look at by now, those due longest first."""
        ...

    async def candidate_of(self, application: int) -> int | None:
        """Return the candidate of an application, where it is known."""
        ...

    async def new_id(self) -> int:
        """Draw an id that nothing in the organization has had."""
        ...

    async def stamp(self) -> Instant:
        """Begin the next change: return its time, later than that of every change before it.

        What shows in no interview is a change, too: lists and tags know by it that something happened.
        """
        ...

    async def keep(self, before: ScheduledInterview | None, after: ScheduledInterview, change: Change) -> bytes:
        """Write an interview as of the change begun last, and return its document."""
        ...

    async def drop(self, interview: ScheduledInterview, change: Change) -> None:
        """Delete an interview as the change begun last; its last document stays in the feed."""
        ...

    async def record(self, resource: str, identifier: int) -> RecordDraft | None:
        """Return a record; its terms are left out."""
        ...

    async def term(self, resource: str, identifier: int, name: str) -> str | None:
        """Return the value of a record's term."""
        ...

    async def keep_record(self, record: RecordDraft) -> None:
        """Write a record in place of what there was under its id."""
        ...

    async def drop_record(self, resource: str, identifier: int) -> None:
        """Delete a record."""
        ...

    async def records_by_term(self, resource: str, name: str, value: str) -> Sequence[RecordDraft]:
        """Return the records found by a term, ordered by id; their terms are left out."""
        ...


Work = Callable[[Desk], Awaitable[Written]]


class Writing(Protocol):
    """The schedule of a database, to be written."""

    async def write(self, organization: Organization, work: Work, repetition: Repetition | None = None) -> Written:
        """Do work in one durable transaction: all of it is kept, with its changes, or nothing.

        Where the request was answered before, return that answer again and do nothing. Raises Refusal: what the work
        refuses, and `repeated` or `in flight` for a key that was used for something else or is being used right now.
        """
        ...
