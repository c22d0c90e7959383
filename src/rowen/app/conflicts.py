"""Asking who is booked twice.

Owns the question and the port that answers it. Must not know HTTP or SQL.
"""

from dataclasses import dataclass
from typing import Protocol

from rowen.app.ports import Organization
from rowen.interviews.moments import Instant
from rowen.interviews.overlaps import Overlap
from rowen.interviews.people import Person


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """Whose overlaps are wanted (None: everybody's), of interviews that end after `since` and start before `until`.

    `most` is how many overlaps are answered at the most.
    """

    person: Person | None
    since: Instant | None
    until: Instant | None
    most: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """An overlap, and what its interviews say of the person."""

    overlap: Overlap
    user_id: int | None
    name: str | None
    email: str | None


class Conflicts(Protocol):
    """The overlaps of a database."""

    async def find(self, organization: Organization, query: ConflictQuery) -> tuple[list[Conflict], bool]:
        """Return the overlaps, ordered by person and start, and whether there are more than were asked for."""
        ...
