"""What the use cases need from outside, as Protocols of typed values.

Owns the shapes that cross the border between use cases and store. Must not know SQL, HTTP or files.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import NamedTuple, Protocol

from rowen.interviews.interview import ApplicationId, InterviewId, OrganizationId, ScheduledInterview
from rowen.interviews.mentions import Mentions
from rowen.interviews.moments import Instant
from rowen.interviews.query import InterviewQuery, PageRequest


class DoubleBooking(StrEnum):
    """What an organization wants done where a person would be in two interviews at once."""

    ALLOW = "allow"
    WARN = "warn"
    REJECT = "reject"


Version = tuple[int, int]
"""A revision and its time: a database that was restored counts revisions anew, but its clock goes on."""


class Organization(NamedTuple):
    """An organization as of one revision of its ledger.

    `revision` is raised by every change, `last_updated_at` grows strictly with it, `interview_count` counts the
    interviews stored. `grace` is how many milliseconds after its end an interview awaits feedback.
    """

    id: OrganizationId
    name: str
    time_zone: str
    created_at: Instant
    revision: int
    last_updated_at: Instant
    interview_count: int
    double_booking: DoubleBooking
    grace: int

    @property
    def version(self) -> Version:
        """What names this state and no other."""
        return self.revision, self.last_updated_at


class KeyAccess(NamedTuple):
    """What one API key opens: an organization, some permissions, and its own rate limit if it has one."""

    key_id: int
    name: str
    permissions: frozenset[str]
    rate_limit: int | None
    organization: Organization


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as the operator sees it; the key itself is not kept."""

    organization: str
    name: str
    prefix: str
    permissions: frozenset[str]
    rate_limit: int | None
    created_at: Instant
    last_used_at: Instant | None
    revoked_at: Instant | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key to be stored: all but the key, of which only `digest` (SHA-256) and `prefix` are kept."""

    name: str
    prefix: str
    digest: bytes
    permissions: frozenset[str]
    rate_limit: int | None = None


class Page(NamedTuple):
    """One page of interviews, or of other records.

    `body` is the JSON array of their documents, `last_id` the id of the last (None where the page is empty), `more`
    whether others follow, `total` how many match in all (None where that was not asked), `organization` the
    organization as of the revision that all of it was read at.
    """

    body: bytes
    last_id: int | None
    more: bool
    total: int | None
    organization: Organization


class Draft(NamedTuple):
    """An interview to be stored: its document, byte for byte as it will be served, and what it is searched by.

    Times are whole milliseconds since 1970 UTC; all-day interviews start and end at midnights of the organization's
    time zone.
    """

    id: int
    application_id: int
    external_event_id: str | None
    created_at: int | None
    updated_at: int | None
    starts_at: int
    ends_at: int
    status: str
    document: bytes
    panel: tuple[int, ...]


class RecordDraft(NamedTuple):
    """A user, application, job stage or scorecard to be stored: its document as served, and what it is searched by.

    `resource` is its name in a URL (`users`). `document` is None where the columns say all that is known. `derived`
    says that it is known from interviews only. `terms` are names and values that it is found by.
    """

    resource: str
    id: int
    created_at: int | None
    updated_at: int | None
    status: str | None
    derived: bool
    document: bytes | None
    terms: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class MergeCounts:
    """What became of the records of a merge."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0

    def add(self, other: "MergeCounts") -> None:
        """Add the counts of another merge."""
        self.new += other.new
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.older += other.older


class ImportPosition(NamedTuple):
    """How far an import from a server has come: `next` is the address of its next page, None at the end."""

    source: str
    next: str | None


class Organizations(Protocol):
    """The organizations of a database."""

    async def create(self, name: str, time_zone: str, now: Instant) -> Organization:
        """Store a new organization. Raises Refusal (conflict) where the name is taken."""
        ...

    async def change(self, name: str, double_booking: DoubleBooking | None, grace: int | None) -> Organization:
        """Change what is given of an organization's settings; `grace` in milliseconds. Raises Refusal (not found)."""
        ...

    async def find(self, name: str) -> Organization | None:
        """Return the organization of that name."""
        ...

    async def all(self) -> list[Organization]:
        """Return every organization, ordered by name."""
        ...


class Keyring(Protocol):
    """The API keys of a database, as a server uses them."""

    async def authenticate(self, digest: bytes) -> KeyAccess | None:
        """Return what the key with that SHA-256 digest opens; None where it is unknown or revoked."""
        ...

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None:
        """Store when keys (by id) were last used."""
        ...


class Keys(Keyring, Protocol):
    """The API keys of a database, as an operator keeps them."""

    async def create(self, organization: OrganizationId, key: NewKey, now: Instant) -> None:
        """Store a key. Raises Refusal (conflict) where the organization has a key of that name."""
        ...

    async def all(self) -> list[ApiKey]:
        """Return every key, ordered by organization and creation."""
        ...

    async def revoke(self, organization: OrganizationId, name: str, now: Instant) -> bool:
        """Revoke a key; False where there is none of that name still in force."""
        ...


class Codec(Protocol):
    """The documents of interviews, as the store needs them."""

    def decode(self, body: bytes) -> ScheduledInterview:
        """Read one document."""
        ...

    def draft(self, interview: ScheduledInterview, zone: tzinfo) -> Draft:
        """Return what is stored of an interview of an organization in `zone`."""
        ...

    def mentions(self, document: bytes) -> Mentions:
        """Read what a stored document says of people and of its stage; cheaper than reading all of it."""
        ...


class Interviews(Protocol):
    """The scheduled interviews of a database, to be read."""

    async def page(self, organization: Organization, query: InterviewQuery, request: PageRequest) -> Page:
        """Return one page of the interviews that match, ordered by id."""
        ...

    async def document(self, organization: Organization, interview: InterviewId) -> bytes | None:
        """Return one interview as served; None where the organization has none of that id."""
        ...

    async def has_application(self, organization: Organization, application: ApplicationId) -> bool:
        """Tell whether the organization has that application."""
        ...

    def documents(self, organization: Organization, query: InterviewQuery) -> AsyncIterator[list[bytes]]:
        """Return every interview that matches, in batches ordered by id, each as served."""
        ...


class Merger(Protocol):
    """The scheduled interviews of a database, to be filled from elsewhere."""

    async def merge(
        self,
        organization: Organization,
        drafts: Sequence[Draft],
        *,
        now: Instant,
        created_through_api: bool,
        position: ImportPosition | None = None,
    ) -> MergeCounts:
        """Merge records by id in one transaction: of two with one id the newer wins."""
        ...

    async def preview(self, organization: Organization, drafts: Sequence[Draft]) -> MergeCounts:
        """Count what `merge` would do, and do nothing."""
        ...

    async def position(self, organization: OrganizationId, source: str) -> str | None:
        """Return where an unfinished import of that source goes on."""
        ...
