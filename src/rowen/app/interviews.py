"""Reading interviews.

Owns the ports through which interviews are read, and when one is not found. Must not know HTTP, or how they are stored.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import tzinfo
from typing import NamedTuple, Protocol

from rowen.app.organizations import Organization
from rowen.interviews.changes import ChangeSummary
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import ApplicationId, InterviewId, ScheduledInterview
from rowen.interviews.observations import Observations
from rowen.interviews.people import PanelSeat
from rowen.interviews.query import InterviewQuery, PageRequest


class Page(NamedTuple):
    """One page of interviews, or of other records.

    `body` is the array of their documents as served, `last_id` the id of the last (None if the page is empty), `more`
    whether others follow, `total` how many match in all (None if not requested), `organization` the organization as of
    the revision at which everything was read.
    """

    body: bytes
    last_id: int | None
    more: bool
    total: int | None
    organization: Organization


class InterviewRow(NamedTuple):
    """An interview to be stored: its document, byte for byte as it will be served, and its search columns.

    Times are whole milliseconds since 1970 UTC; all-day interviews start and end at midnight in the organization's time
    zone. `panel` are the persons it keeps busy, `seats` all members of its panel.
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
    seats: tuple[PanelSeat, ...]


class Codec(Protocol):
    """The documents of interviews, as the store needs them."""

    def decode(self, body: bytes) -> ScheduledInterview:
        """Decode one document."""
        ...

    def draft(self, interview: ScheduledInterview, zone: tzinfo) -> InterviewRow:
        """Return the row of an interview of an organization in `zone`."""
        ...

    def event_body(self, action: str, name: str, document: bytes) -> bytes:
        """Return the body of a webhook message: an action, and as its payload one document under a name."""
        ...

    def observations(self, document: bytes) -> Observations:
        """Return what a stored document reveals about people and its stage; cheaper than decoding all of it."""
        ...

    def identifiers(self, document: bytes) -> Iterable[int]:
        """Return every id in a stored document, of people and of everything else, without decoding it."""
        ...

    def summary(self, change: ChangeSummary) -> bytes:
        """Write the summary of a change as it is served."""
        ...


class Interviews(Protocol):
    """The scheduled interviews of a database, for reading."""

    async def page(self, organization: Organization, query: InterviewQuery, request: PageRequest) -> Page:
        """Return one page of the matching interviews, ordered by id."""
        ...

    async def document(self, organization: Organization, interview: InterviewId) -> bytes | None:
        """Return one interview as served, or None if the organization has none with that id."""
        ...

    async def has_application(self, organization: Organization, application: ApplicationId) -> bool:
        """Return whether the organization has that application."""
        ...

    def documents(self, organization: Organization, query: InterviewQuery) -> AsyncIterator[list[bytes]]:
        """Yield every matching interview, in batches ordered by id, each as served."""
        ...


async def list_interviews(
    interviews: Interviews,
    organization: Organization,
    query: InterviewQuery,
    page: PageRequest,
    application: ApplicationId | None = None,
) -> Page:
    """Return a page of the organization's interviews, or of one application's."""
    if application is not None:
        query = replace(query, application_id=application)
    return await interviews.page(organization, query, page)


async def require_application(interviews: Interviews, organization: Organization, application: ApplicationId) -> None:
    """Raise Refusal (not found) if the organization has no such application."""
    if not await interviews.has_application(organization, application):
        raise Refusal(Code.NOT_FOUND)


async def retrieve_interview(interviews: Interviews, organization: Organization, interview: InterviewId) -> bytes:
    """Return one interview's document. Raises Refusal (not found) for missing and foreign ones alike."""
    document = await interviews.document(organization, interview)
    if document is None:
        raise Refusal(Code.NOT_FOUND)
    return document
