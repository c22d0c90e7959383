"""Queries of the schedule: the filters, the page, and what they mean.

Owns the meaning of a query (contract section 2). Must not know its spelling in a URL or in SQL.
"""

from dataclasses import dataclass, fields
from typing import Final

from rowen.interviews.interview import ApplicationId
from rowen.interviews.moments import Instant

DEFAULT_PAGE_SIZE: Final = 100
LARGEST_PAGE_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class InterviewQuery:
    """A filter for interviews; all criteria that are set must hold.

    `*_after` is inclusive, `*_before` exclusive. All-day interviews start and end at the midnights of the
    organization's time zone. `as_of` leaves out interviews that were changed after that time: a client that walks the
    pages can then resume from the newest `updated_at` it has seen, and misses no change.
    """

    application_id: ApplicationId | None = None
    external_event_id: str | None = None
    actionable: bool = False
    created_after: Instant | None = None
    created_before: Instant | None = None
    updated_after: Instant | None = None
    updated_before: Instant | None = None
    starts_after: Instant | None = None
    starts_before: Instant | None = None
    ends_after: Instant | None = None
    ends_before: Instant | None = None
    as_of: Instant | None = None

    @property
    def criteria(self) -> dict[str, int | str | bool]:
        """The criteria that are set, by name."""
        values = ((name, getattr(self, name)) for name in CRITERIA)
        return {name: value for name, value in values if value is not None and value is not False}


CRITERIA: Final = tuple(field.name for field in fields(InterviewQuery))


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted.

    `number` counts from 1. With `after` the page begins after the record with that id, wherever rows were inserted or
    deleted meanwhile. `counted` asks for the number of the last page. A `descending` page has the greatest ids first:
    `after` is then the id that all of it are below, and `number` has no meaning.
    """

    number: int = 1
    size: int = DEFAULT_PAGE_SIZE
    after: int | None = None
    counted: bool = True
    descending: bool = False

    @property
    def offset(self) -> int:
        """How many records come before the page."""
        return (self.number - 1) * self.size
