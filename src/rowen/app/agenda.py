"""The interviews of a stretch of time, for people who look at the schedule.

Owns the port that reads them. Must not know pages or SQL.
"""

from typing import Final, NamedTuple, Protocol

from rowen.app.organizations import Organization
from rowen.interviews.moments import Instant

MOST_SHOWN: Final = 500
"""How many interviews are read at once, at most."""


class AgendaRow(NamedTuple):
    """An interview as served, and whether clients may change it through the API."""

    document: bytes
    created_through_api: bool


class Agenda(Protocol):
    """The scheduled interviews of a database, by their start."""

    async def between(self, organization: Organization, start: Instant, end: Instant) -> list[AgendaRow]:
        """Return the first `MOST_SHOWN` interviews that start in a stretch of time, ordered by start and id."""
        ...

    async def of_user(self, organization: Organization, user: int, start: Instant, end: Instant) -> list[AgendaRow]:
        """Return those of them on whose panel a user is."""
        ...

    async def one(self, organization: Organization, interview: int) -> AgendaRow | None:
        """Return an interview by its id."""
        ...
