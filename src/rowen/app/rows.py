"""Rows: the lists of Harvest v3, made of the same interviews and records as the documents of v1.

Owns the queries for them, which rows match, and the port that answers them. Must not know HTTP, SQL, or how a row
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
from rowen.interviews.moments import LATEST, Instant
from rowen.interviews.people import fold
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


_VALUES: Final[Mapping[tuple[str, str], Mapping[Any, Any]]] = {
    ("applications", "status"): {"active": "in_process"},
}
"""Values that filters and rows spell differently."""

_FIELDS: Final[Mapping[tuple[str, str], str]] = {
    ("candidates", "email"): "email_addresses",
    ("candidates", "tag"): "tags",
    ("jobs", "office_id"): "office_ids",
}
"""Filters by fields of another name."""

_SHOWN: Final = frozenset({"show_service_accounts"})
"""Filters that leave out nothing: there are no service accounts."""

_AFTER_ALL: Final = "~"
"""A text that follows every time."""


def matching(list_name: str, rows: Iterable[Row], filters: Iterable[tuple[str, Any]]) -> list[Row]:
    """Return the rows for which all filters hold. A filter by a field that rows do not have matches none."""
    found = list(rows)
    for name, value in filters:
        if name not in _SHOWN:
            wanted = _VALUES.get((list_name, name), {}).get(value, value) if isinstance(value, str) else value
            field = _FIELDS.get((list_name, name), name)
            found = [row for row in found if _holds(row, field, wanted)]
    return found


def _holds(row: Row, name: str, wanted: Any) -> bool:
    present = getattr(row, name) if hasattr(row, name) else getattr(row, name.removesuffix("s"), None)
    if present is None:
        return False
    if isinstance(wanted, Times):
        since, before = wanted
        return (since is None or present >= _text(since)) and (before is None or present < _text(before))
    if isinstance(wanted, Dates):
        first, last = wanted
        return (first is None or present >= first) and (last is None or present <= last)
    plain = _address if "email" in name else _same
    values = {plain(each) for each in (present if isinstance(present, list) else (present,))}
    return not values.isdisjoint(map(plain, wanted if isinstance(wanted, tuple) else (wanted,)))


def _text(bound: Instant) -> str:
    """Return a bound of a range as text that is compared with times; it may be after the last of them."""
    return str(bound) if bound <= LATEST else _AFTER_ALL


def _same(value: Any) -> Any:
    return value


def _address(value: Any) -> str:
    """Return an e-mail address, or an object that holds one, in the form used for comparisons."""
    return fold(str(value.get("value") if isinstance(value, dict) else value))
