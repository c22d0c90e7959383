"""Rows: the lists of Harvest v3, made of the same interviews and records as the documents of v1.

Owns the queries for them, and the port that answers them. Must not know HTTP, SQL, the fields of a row, or how it
follows from a document.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from rowen.app.interviews import Page
from rowen.app.organizations import Organization
from rowen.app.records import APPLICATIONS, CANDIDATES, JOB_STAGES, JOBS, SCORECARDS, USERS, RecordRow
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import LARGEST_ID
from rowen.interviews.moments import Instant
from rowen.interviews.query import PageRequest

INTERVIEWS: Final = "interviews"
INTERVIEWERS: Final = "interviewers"


SOURCES: Final[Mapping[str, str]] = {
    "users": USERS,
    "user_emails": USERS,
    "applications": APPLICATIONS,
    "application_stages": APPLICATIONS,
    "job_interview_stages": JOB_STAGES,
    "job_interviews": JOB_STAGES,
    "interview_kits": JOB_STAGES,
    "default_interviewers": JOB_STAGES,
    "scorecards": SCORECARDS,
    "scorecard_candidate_attributes": SCORECARDS,
    "scorecard_question_answers": SCORECARDS,
    "candidates": CANDIDATES,
    "jobs": JOBS,
}
"""The lists whose rows follow from records, each with the resource of these."""

EXPANDED: Final = frozenset({"user_emails", "job_interviews", "interview_kits", "default_interviewers"})
"""The lists of which a record may have several rows, with ids of their own."""

PARTS: Final = frozenset({"scorecard_candidate_attributes", "scorecard_question_answers"})
"""The lists of which a record may have many rows, with ids that lead to the record: see `part_id`."""

MOST_PARTS: Final = 1_000
"""How many ids the parts of a record have; `LARGEST_WHOLE` is the greatest id of a record with parts."""
LARGEST_WHOLE: Final = LARGEST_ID // MOST_PARTS - 1

PARTIAL: Final = frozenset({"application_stages"})
"""The lists of which a record has one row with its id, or none."""

HELD: Final = (INTERVIEWS, INTERVIEWERS, *SOURCES)
"""The lists that have rows."""


def part_id(record: int, position: int) -> int:
    """Return the id of a part of a record, of which `position` is below `MOST_PARTS`: the parts follow each other."""
    return record * MOST_PARTS + position


def whole_id(part: int) -> int:
    """Return the id of the record that a part belongs to."""
    return part // MOST_PARTS


class Times(NamedTuple):
    """The instants at or after `since` and before `before`; None for no bound."""

    since: Instant | None = None
    before: Instant | None = None


class Dates(NamedTuple):
    """The dates from `first` to `last`, both included, as ISO text; None for no bound."""

    first: str | None = None
    last: str | None = None


@dataclass(frozen=True, slots=True)
class RowQuery:
    """A filter for the rows of one list; all filters must hold.

    `filters` are names and values: ids and texts in tuples, of which a row must have one, `Times` and `Dates` for
    ranges, or a single value.
    """

    list_name: str
    filters: tuple[tuple[str, Any], ...] = ()


class Row(Protocol):
    """A row as served: its fields are attributes."""

    @property
    def id(self) -> int:
        """Its id."""
        ...


class InterviewSource(Protocol):
    """A stored interview, as far as rows need it."""

    @property
    def id(self) -> int:
        """Its id."""
        ...

    @property
    def application_id(self) -> int:
        """The id of its application."""
        ...


class Surroundings(NamedTuple):
    """What interviews do not hold themselves.

    `jobs` are the jobs of applications, where known; `interviewer_ids` the ids of the rows of panels, by interview. A
    time that nothing gives is that of the organization, `made`.
    """

    jobs: Mapping[int, int | None]
    interviewer_ids: Mapping[int, list[int]]
    made: Instant


class InterviewerSource(NamedTuple):
    """What the row of an interviewer is made of; times in milliseconds since 1970."""

    id: int
    created_at: int
    updated_at: int
    interview_id: int
    user_id: int | None
    scorecard_id: int | None
    email: str | None
    response_status: str


class RowCodec(Protocol):
    """The rows of lists, as the store needs them."""

    def stored_interviews(self, body: bytes) -> Sequence[InterviewSource]:
        """Read the documents of interviews in an array."""
        ...

    def interviews(self, sources: Sequence[Any], surroundings: Surroundings) -> list[Row]:
        """Return a row for each interview that `stored_interviews` has read."""
        ...

    def interviewers(self, sources: Iterable[InterviewerSource]) -> list[Row]:
        """Return a row for each interviewer."""
        ...

    def records(self, list_name: str, sources: Iterable[RecordRow], made: Instant) -> list[Row]:
        """Return the rows of a list that follow from records, in their order.

        A time that nothing gives is that of the organization, `made`.
        """
        ...

    def matching(self, list_name: str, rows: Iterable[Row], filters: Iterable[tuple[str, Any]]) -> list[Row]:
        """Return the rows for which all filters hold."""
        ...

    def encode(self, rows: Sequence[Row]) -> bytes:
        """Return rows as one JSON array."""
        ...


def rows_below(below: int | None, size: int) -> PageRequest:
    """Return the request of the rows with the greatest ids, or of those below an id."""
    return PageRequest(1, size, below, counted=False, descending=True)


class Rows(Protocol):
    """The rows of a database, for reading."""

    async def page(self, organization: Organization, query: RowQuery, request: PageRequest) -> Page:
        """Return one page of the matching rows, descending by id."""
        ...

    async def row(self, organization: Organization, list_name: str, identifier: int) -> bytes | None:
        """Return one row, or None if the list has none with that id."""
        ...


async def retrieve_row(rows: Rows, organization: Organization, list_name: str, identifier: int) -> bytes:
    """Return the row with an id. Raises Refusal (not found) for missing and foreign ones alike."""
    row = await rows.row(organization, list_name, identifier)
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return row
