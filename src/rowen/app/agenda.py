"""The interviews of a stretch of time, for people who look at the schedule.

Owns the port that reads them. Must not know pages or SQL.
"""

from typing import Final, NamedTuple, Protocol

from rowen.app.organizations import Organization
from rowen.interviews.moments import Instant

MOST_SHOWN: Final = 500
"""How many interviews are read at once, at most."""

MOST_AWAITING: Final = 200
"""How many interviews that await feedback are read at once, at most."""

MOST_FOUND: Final = 25
"""How many interviews of an application or of a person a search reads, at most."""


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

    async def awaiting(self, organization: Organization, since: Instant, until: Instant) -> list[AgendaRow]:
        """Return the `MOST_AWAITING` interviews that await feedback and ended last in a stretch, the newest first."""
        ...

    async def of_application(self, organization: Organization, application: int) -> list[AgendaRow]:
        """Return the `MOST_FOUND` newest interviews of an application."""
        ...

    async def to_come(self, organization: Organization, person: int, now: Instant) -> list[AgendaRow]:
        """Return the first `MOST_FOUND` interviews that keep a person busy and end after a time."""
        ...

    async def one(self, organization: Organization, interview: int) -> AgendaRow | None:
        """Return an interview by its id."""
        ...
