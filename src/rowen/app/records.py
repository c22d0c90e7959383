"""What stands around the interviews: users, applications, job stages, scorecards.

Owns what can be asked of them, and the ports that answer and that fill them. Must not know their shapes, HTTP or
SQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from rowen.app.ports import ImportPosition, MergeCounts, Organization, Page, RecordDraft
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.mentions import Person, Said
from rowen.interviews.moments import Instant
from rowen.interviews.people import User
from rowen.interviews.query import PageRequest

USERS: Final = "users"
APPLICATIONS: Final = "applications"
JOB_STAGES: Final = "job_stages"
SCORECARDS: Final = "scorecards"
RESOURCES: Final = (USERS, APPLICATIONS, JOB_STAGES, SCORECARDS)
"""The kinds of records, by their names in URLs."""

INTERVIEWS: Final = "scheduled_interviews"
"""What the records stand around."""

ACTIVE: Final = "active"
"""The status of an application that nothing else is known of."""


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """Which records of a resource are wanted; every criterion that is set must hold.

    `*_after` is inclusive, `*_before` exclusive. `terms` are names and values that a record must be found by.
    """

    resource: str
    created_after: Instant | None = None
    created_before: Instant | None = None
    updated_after: Instant | None = None
    updated_before: Instant | None = None
    status: str | None = None
    terms: tuple[tuple[str, str], ...] = ()

    @property
    def criteria(self) -> dict[str, int | str]:
        """The criteria that are set, by name, but for the terms."""
        values = ((name, getattr(self, name)) for name in CRITERIA)
        return {name: value for name, value in values if value is not None}


CRITERIA: Final = ("created_after", "created_before", "updated_after", "updated_before", "status")
"""The names of the criteria of a query, but for the terms."""


class Records(Protocol):
    """The records of a database, to be read."""

    async def page(self, organization: Organization, query: RecordQuery, request: PageRequest) -> Page:
        """Return one page of the records that match, ordered by id."""
        ...

    async def document(self, organization: Organization, query: RecordQuery, identifier: int) -> bytes | None:
        """Return one record as served; None where none of that id matches the query."""
        ...

    async def is_named(self, organization: Organization, resource: str, name: str, value: str) -> bool:
        """Tell whether any record of a resource is found by a term, such as the `job_id` of a job."""
        ...


class RecordMerger(Protocol):
    """The records of a database, to be filled from elsewhere."""

    async def merge(
        self,
        organization: Organization,
        drafts: Sequence[RecordDraft],
        *,
        now: Instant,
        position: ImportPosition | None = None,
    ) -> MergeCounts:
        """Merge records by resource and id in one transaction: of two with one id the newer wins.

        A user who was known by another name is renamed in every interview.
        """
        ...

    async def preview(self, organization: Organization, drafts: Sequence[RecordDraft]) -> MergeCounts:
        """Count what `merge` would do, and do nothing."""
        ...


class RecordCodec(Protocol):
    """The documents of records, as the store needs them."""

    def derived_user(self, identifier: int, known: Person, at: tuple[Instant, Instant]) -> RecordDraft:
        """Return a user known from interviews only, created and updated at those times."""
        ...

    def derived_job_stage(self, identifier: int, name: Said | None, at: tuple[Instant, Instant]) -> RecordDraft:
        """Return the stage of an interview known from interviews only, created and updated at those times."""
        ...

    def user(self, document: bytes) -> User:
        """Read a user's document."""
        ...

    def terms(self, resource: str, document: bytes) -> tuple[tuple[str, str], ...]:
        """Return what a record is found by."""
        ...

    def document(self, record: RecordDraft) -> bytes:
        """Return a record as served: its document, or what its columns say where it has none."""
        ...


async def retrieve_record(records: Records, organization: Organization, query: RecordQuery, identifier: int) -> bytes:
    """Return one record's document. Raises Refusal (not found), the same for foreign as for missing."""
    document = await records.document(organization, query, identifier)
    if document is None:
        raise Refusal(Code.NOT_FOUND)
    return document


async def require_application(records: Records, organization: Organization, identifier: int) -> None:
    """Raise Refusal (not found) where the organization has no such application."""
    await retrieve_record(records, organization, RecordQuery(APPLICATIONS), identifier)


async def require_job(records: Records, organization: Organization, identifier: int) -> None:
    """Raise Refusal (not found) where no job stage and no application of the organization names a job."""
    for resource in (JOB_STAGES, APPLICATIONS):
        if await records.is_named(organization, resource, "job_id", str(identifier)):
            return
    raise Refusal(Code.NOT_FOUND)
