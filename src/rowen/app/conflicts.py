"""Conflicts: finding double bookings.

Owns the query and the port that answers it. Must not know HTTP or SQL.
"""

from dataclasses import dataclass
from typing import Protocol

from rowen.app.organizations import Organization
from rowen.interviews.moments import Instant
from rowen.interviews.overlaps import Overlap


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """A query for overlaps of interviews that end after `since` and start before `until`.

    They are those of a user by id, of the user or guest with an e-mail address, or of everybody if neither is given. At
    most `most` overlaps are returned.
    """

    user_id: int | None
    email: str | None
    since: Instant | None
    until: Instant | None
    most: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """An overlap, and the person's details from its interviews."""

    overlap: Overlap
    user_id: int | None
    name: str | None
    email: str | None


class Conflicts(Protocol):
    """The overlaps of a database."""

    async def find(self, organization: Organization, query: ConflictQuery) -> tuple[list[Conflict], bool]:
        """Return the overlaps, ordered by person and start, and whether there are more than requested."""
        ...
