"""The unit of work: one write transaction of one organization, as the use cases see it.

Owns the ports of writing, and the results that are kept for repeated requests. Must not know SQL or the form of a
document. From HTTP it has two values that it passes on without reading them: a tag and a warning.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from rowen.app.organizations import Organization
from rowen.app.planning import Facts, PlanningRequest
from rowen.app.records import RecordRow
from rowen.interviews.busy import BusySource
from rowen.interviews.changes import Actor, Change
from rowen.interviews.interview import ApplicationId, InterviewId, InterviewReference, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.people import Person, User, UserId
from rowen.interviews.renaming import Renaming


class Stored(NamedTuple):
    """A stored interview: its value, its document, and whether clients may change it through the API."""

    interview: ScheduledInterview
    document: bytes
    created_through_api: bool


class Cancellation(NamedTuple):
    """The cancellation of an interview: when, and the interview as it was."""

    time: Instant
    interview: ScheduledInterview


class Booking(NamedTuple):
    """The time during which an interview keeps a person busy: from `starts_at` up to but not including `ends_at`."""

    person: Person
    starts_at: Instant
    ends_at: Instant


class WriteResult(NamedTuple):
    """What a write returns to its caller, and again for a repeated request: kept with its idempotency key.

    No use case reads it: `body`, the `tag` of its version and a `warning` are as the caller sends them on.
    """

    body: bytes
    tag: str = ""
    warning: str | None = None


class IdempotentRequest(NamedTuple):
    """The `Idempotency-Key` of a request: its API key, and a digest of the whole request."""

    api_key: int
    key: str
    fingerprint: bytes


class KeyReusedError(Exception):
    """The idempotency key of a request was used for another one."""


class RoomWriter(Protocol):
    """The bookings of an organization's rooms, within a unit of work."""

    async def at(self, location: str | None) -> Person | None:
        """Return the number by which the room with a location's name is booked; None if no room has that name."""
        ...

    async def book(self, room: Person, name: str) -> None:
        """Book a room that is new, or has a new name, for the interviews at that location that have not ended."""
        ...

    async def release(self, room: Person) -> Sequence[InterviewId]:
        """Delete all bookings of a room; return the interviews among them that have not ended, ascending."""
        ...

    async def count(self, added: int) -> None:
        """Raise, or lower, the number of the organization's rooms."""
        ...


class BusyWriter(Protocol):
    """The busy times of an organization, within a unit of work."""

    async def find(self, user: int, source: str) -> BusySource | None:
        """Return a source of a user."""
        ...

    async def count(self, user: int) -> int:
        """Return how many sources a user has."""
        ...

    async def put(self, source: BusySource, next_read_at: int | None) -> None:
        """Write a source, replacing the one with its user and name; an address is read next at that time."""
        ...

    async def remove(self, user: int, source: str) -> bool:
        """Remove a source of a user; False if there is none."""
        ...


class UnitOfWork(Protocol):
    """One write transaction. Everything it reads stays locked until it ends: nobody else writes meanwhile."""

    @property
    def organization(self) -> Organization:
        """The organization as of the newest commit."""
        ...

    @property
    def now(self) -> Instant:
        """The current time."""
        ...

    @property
    def rooms(self) -> RoomWriter:
        """The bookings of rooms."""
        ...

    @property
    def busy(self) -> BusyWriter:
        """The busy times of people."""
        ...

    async def user(self, identifier: UserId) -> User | None:
        """Return a user."""
        ...

    async def users_by_email(self, email: str) -> Sequence[User]:
        """Return the users with an e-mail address, whether it is their primary one or not."""
        ...

    async def users_by_employee_id(self, employee_id: str) -> Sequence[User]:
        """Return the users with an employee id."""
        ...

    async def application_status(self, application: ApplicationId) -> str | None:
        """Return the status of an application (`active`, …), or None if none has that id."""
        ...

    async def interview_reference(self, identifier: int) -> InterviewReference | None:
        """Return the interview of a job stage."""
        ...

    async def interview(self, identifier: InterviewId) -> Stored | None:
        """Return a scheduled interview."""
        ...

    async def cancellation(self, identifier: InterviewId) -> Cancellation | None:
        """Return the last change of an interview, if that cancelled it."""
        ...

    async def find_by_event_id(self, external_event_id: str) -> InterviewId | None:
        """Return the first interview with an external event id."""
        ...

    async def overlapping(self, booking: Booking, excluded: InterviewId | None, /) -> Sequence[InterviewId]:
        """Return the interviews, except for one, that keep the person busy at the same time, ascending."""
        ...

    async def due(self, most: int) -> Sequence[Stored]:
        """Return the interviews that are due for a status update, those due longest first."""
        ...

    async def candidate_id_of(self, application: int) -> int | None:
        """Return the candidate of an application, if known."""
        ...

    async def job_of(self, application: int) -> int | None:
        """Return the job of an application, if known; the one with the smallest id, if it has several."""
        ...

    async def interviewer_ids(self, interview: InterviewId) -> Sequence[int]:
        """Return the ids of the rows of an interview's panel, ascending."""
        ...

    async def new_id(self) -> int:
        """Return an id that nothing in the organization has had."""
        ...

    async def begin_change(self) -> Instant:
        """Begin the next change, and return its time, which is later than that of every change before it.

        This is needed even for a change that no interview shows: it makes lists and ETags change.
        """
        ...

    async def save(self, before: ScheduledInterview | None, after: ScheduledInterview, change: Change) -> bytes:
        """Write an interview as part of the change begun last, and return its document."""
        ...

    async def delete(self, interview: ScheduledInterview, change: Change) -> None:
        """Delete an interview as the change begun last; its last document stays in the feed."""
        ...

    async def record(self, resource: str, identifier: int) -> RecordRow | None:
        """Return a record; its terms are left out."""
        ...

    async def term(self, resource: str, identifier: int, name: str) -> str | None:
        """Return the value of a record's term."""
        ...

    async def save_record(self, record: RecordRow) -> None:
        """Write a record, replacing the one with its id."""
        ...

    async def delete_record(self, resource: str, identifier: int) -> None:
        """Delete a record."""
        ...

    async def last_record_id(self, resource: str) -> int | None:
        """Return the highest id of a resource's records; None if there are none."""
        ...

    async def new_record_id(self, resource: str) -> int:
        """Return an id that nothing in the organization has had, nor an imported record of the resource."""
        ...

    async def record_change(self, before: RecordRow | None, after: RecordRow, actor: Actor) -> None:
        """Write a record as the change begun last, and log what differs from `before`, None for a new one."""
        ...

    async def rename(self, people: Mapping[int, Renaming], actor: Actor) -> None:
        """Rename users, by their ids, in every interview that names them: each is a change of its own."""
        ...

    async def records_by_term(self, resource: str, name: str, value: str) -> Sequence[RecordRow]:
        """Return the records with a term, ordered by id; their terms are left out."""
        ...

    async def is_named(self, resource: str, name: str, value: str) -> bool:
        """Return whether any record has a term: there may be too many of them to read."""
        ...

    async def record_removal(self, record: RecordRow, actor: Actor) -> None:
        """Delete a record as the change begun last, and log what it was."""
        ...

    async def planning_facts(self, wanted: PlanningRequest) -> Facts:
        """Return what is known for planning, as of this transaction."""
        ...


WriteOperation = Callable[[UnitOfWork], Awaitable[WriteResult]]


class UnitOfWorks(Protocol):
    """The schedule of a database, for writing."""

    async def write(
        self, organization: Organization, work: WriteOperation, idempotent: IdempotentRequest | None = None
    ) -> WriteResult:
        """Do work in one durable transaction: all of it is stored, with its changes, or nothing.

        If the request was made before, its result is returned and nothing is done. Raises Refusal: the one
        that the work raises, and `in flight` for a key that is in use right now; and KeyReusedError.
        """
        ...

    async def delete_expired_keys(self, now: Instant) -> None:
        """Delete the idempotency keys that were used more than a day ago, and the results under them."""
        ...
