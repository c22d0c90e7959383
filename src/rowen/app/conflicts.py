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

    They are those of a user by id, of the user or guest with an e-mail address, of a room by id, or of everybody and
    every room if none is given. At most `most` overlaps are returned.
    """

    user_id: int | None
    email: str | None
    since: Instant | None
    until: Instant | None
    most: int
    room_id: int | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """An overlap, and the person's details from its interviews, or the room that is booked twice."""

    overlap: Overlap
    user_id: int | None
    name: str | None
    email: str | None
    room_id: int | None = None


class Conflicts(Protocol):
    """The overlaps of a database."""

    async def find(self, organization: Organization, query: ConflictQuery) -> tuple[list[Conflict], bool]:
        """Return the overlaps, ordered by person and start, and whether there are more than requested."""
        ...
