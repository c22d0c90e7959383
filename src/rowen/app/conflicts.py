"""Asking who is booked twice.

Owns the question and the port that answers it. Must not know HTTP or SQL.
"""

from dataclasses import dataclass
from typing import Protocol

from rowen.app.ports import Organization
from rowen.interviews.moments import Instant
from rowen.interviews.overlaps import Overlap


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """Whose overlaps are wanted, of interviews that end after `since` and start before `until`.

    A user by id, whoever has an e-mail address, user or guest, or everybody where neither is given.
    `most` is how many overlaps are answered at the most.
    """

    user_id: int | None
    email: str | None
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
