"""Records: users, applications, job stages, scorecards, candidates and jobs.

Owns the queries for them, and the ports that answer these and store records. Must not know their fields, HTTP or SQL.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from rowen.app.imports import ImportCheckpoint, MergeCounts
from rowen.app.interviews import Page
from rowen.app.organizations import Organization
from rowen.interviews.changes import FieldChange
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewReference
from rowen.interviews.moments import Instant
from rowen.interviews.observations import Fact, PersonFacts
from rowen.interviews.people import User
from rowen.interviews.query import PageRequest
from rowen.interviews.scorecards import Scorecard

USERS: Final = "users"
APPLICATIONS: Final = "applications"
JOB_STAGES: Final = "job_stages"
SCORECARDS: Final = "scorecards"
CANDIDATES: Final = "candidates"
JOBS: Final = "jobs"
RESOURCES: Final = (USERS, APPLICATIONS, JOB_STAGES, SCORECARDS, CANDIDATES, JOBS)
"""The kinds of records, by name."""

ROOMS: Final = "rooms"
POOLS: Final = "pools"
AVAILABILITY: Final = "availability"
HOLDS: Final = "holds"
BOOKING_LINKS: Final = "booking_links"
SETUPS: Final = (ROOMS, POOLS, AVAILABILITY)
"""The kinds of records that Harvest does not have, and that only scheduling needs; they are not imported."""

INTERVIEWS: Final = "scheduled_interviews"
"""The resource of scheduled interviews, which the records belong to."""

ACTIVE: Final = "active"
"""The status of an application of which nothing else is known."""


class RecordRow(NamedTuple):
    """A record to be stored: its document as served, and its search columns.

    `resource` is its kind (`users`). `document` is None if the columns hold all that is known. `derived` means that it
    is known from interviews only. `terms` are names and values by which it can be found.
    """

    resource: str
    id: int
    created_at: int | None
    updated_at: int | None
    status: str | None
    derived: bool
    document: bytes | None
    terms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """A filter for records of one resource; all criteria that are set must hold.

    `*_after` is inclusive, `*_before` exclusive. `ids` are those that a record may have; `terms` are names and
    values that it must have.
    """

    resource: str
    created_after: Instant | None = None
    created_before: Instant | None = None
    updated_after: Instant | None = None
    updated_before: Instant | None = None
    status: str | None = None
    ids: tuple[int, ...] | None = None
    terms: tuple[tuple[str, str], ...] = ()

    @property
    def criteria(self) -> dict[str, int | str]:
        """The criteria that are set, by name, without the ids and the terms."""
        values = ((name, getattr(self, name)) for name in CRITERIA)
        return {name: value for name, value in values if value is not None}


CRITERIA: Final = ("created_after", "created_before", "updated_after", "updated_before", "status")
"""The names of a query's criteria, without the ids and the terms."""


class Records(Protocol):
    """The records of a database, for reading."""

    async def page(self, organization: Organization, query: RecordQuery, request: PageRequest) -> Page:
        """Return one page of the matching records, ordered by id."""
        ...

    async def document(self, organization: Organization, query: RecordQuery, identifier: int) -> bytes | None:
        """Return one record as served, or None if no record with that id matches the query."""
        ...

    async def holds(self, organization: Organization, resource: str) -> bool:
        """Return whether the organization has any record of a resource."""
        ...

    async def is_named(self, organization: Organization, resource: str, name: str, value: str) -> bool:
        """Return whether any record of a resource has a term, such as the `job_id` of a job."""
        ...


class RecordMerger(Protocol):
    """The records of a database, for merging imported ones into them."""

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

        A user with a new name is renamed in every interview. With `clamp` times that are too far ahead are set to the
        time of the commit.
        """
        ...

    async def preview(
        self, organization: Organization, drafts: Sequence[RecordRow], *, now: Instant, clamp: bool = False
    ) -> MergeCounts:
        """Count what `merge` would do, without writing."""
        ...


class UserRemoval(NamedTuple):
    """The result of deleting users, by id: those deleted, those referred to and by what, and unknown ones."""

    removed: tuple[int, ...]
    referred: Mapping[int, str]
    missing: tuple[int, ...]


class UserRemover(Protocol):
    """The users of a database, for deletion."""

    async def remove(
        self, organization: Organization, identifiers: Sequence[int] | None, *, now: Instant, dry_run: bool = False
    ) -> UserRemoval:
        """Delete users that nothing refers to.

        Of the users in `identifiers` all are deleted, or none if one is referred to or missing. With None, every user
        is deleted who has no name, e-mail address or employee id, and whom nothing refers to.
        """
        ...


class RecordCodec(Protocol):
    """The documents of records, as the store needs them."""

    def inferred_user(self, identifier: int, facts: PersonFacts, at: tuple[Instant, Instant]) -> RecordRow:
        """Return a user known from interviews only, created and updated at those times."""
        ...

    def inferred_job_stage(self, identifier: int, name: Fact | None, at: tuple[Instant, Instant]) -> RecordRow:
        """Return the stage of an interview known from interviews only, created and updated at those times."""
        ...

    def user(self, document: bytes) -> User:
        """Decode a user's document."""
        ...

    def candidate_id(self, document: bytes) -> int | None:
        """Return the candidate of an application's document, where it names one."""
        ...

    def interviews(self, document: bytes) -> Sequence[InterviewReference]:
        """Return the interviews of a job stage's document."""
        ...

    def people(self, document: bytes) -> Iterable[int]:
        """Return the ids of the users that the document of a record names, other than a user's."""
        ...

    def with_times(self, record: RecordRow, created_at: int | None, updated_at: int | None) -> RecordRow:
        """Return a record with other times, in its document, too; both in milliseconds since 1970."""
        ...

    def identified(self, record: RecordRow, identifier: int, stored: RecordRow | None) -> RecordRow:
        """Return a user without an id, whom the e-mail address identifies, with one; the stored one is kept up."""
        ...

    def differences(self, before: RecordRow | None, after: RecordRow | None) -> Sequence[FieldChange]:
        """Return the fields that differ, each as the record's id and its name; one of the two is a record."""
        ...

    def document(self, record: RecordRow) -> bytes:
        """Return a record as served: its document, or one made of its columns if it has none."""
        ...


class ScorecardCodec(Protocol):
    """The documents of scorecards that are made through the API."""

    def decode(self, document: bytes) -> Scorecard:
        """Decode a stored scorecard."""
        ...

    def encode(self, scorecard: Scorecard) -> bytes:
        """Write one."""
        ...

    def interviewer_id(self, document: bytes) -> int:
        """Return the id of a scorecard's interviewer; cheaper than decoding all of it."""
        ...


async def retrieve_record(records: Records, organization: Organization, query: RecordQuery, identifier: int) -> bytes:
    """Return one record's document. Raises Refusal (not found) for missing and foreign ones alike."""
    document = await records.document(organization, query, identifier)
    if document is None:
        raise Refusal(Code.NOT_FOUND)
    return document


async def require_job(records: Records, organization: Organization, identifier: int) -> None:
    """Raise Refusal (not found) if the job is not held, and no job stage and no application names it."""
    for resource in (JOB_STAGES, APPLICATIONS):
        if await records.is_named(organization, resource, "job_id", str(identifier)):
            return
    await retrieve_record(records, organization, RecordQuery(JOBS), identifier)
