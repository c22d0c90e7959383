"""Calendars: secret addresses at which calendar programs read the schedule.

Owns whose interviews a calendar contains, how long it keeps past and cancelled ones, how an address looks, and what is
stored of it. Must not know the text of a calendar (iCalendar), HTTP or SQL.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from rowen.app.interviews import Interviews
from rowen.app.keys import Identity, digest
from rowen.app.organizations import Organization
from rowen.app.records import APPLICATIONS, JOBS, ROOMS, USERS, RecordQuery, Records
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import ApplicationId, OrganizationId
from rowen.interviews.moments import Clock, Instant

MOST_CALENDARS: Final = 10_000
"""How many calendars an organization may have."""

MOST_EVENTS: Final = 5_000
"""How many interviews a calendar contains: those that end last."""

READING: Final = "calendars:retrieve"
"""The permission to read a calendar at its address; the address has it, and nothing else."""

_SECRET_BYTES: Final = 20
_DAY: Final = 86_400_000
_PAST: Final = 90 * _DAY
_CANCELLED: Final = 30 * _DAY


class CalendarKind(StrEnum):
    """Whose interviews a calendar contains: everybody's, or those of one user, job, application or room."""

    ORGANIZATION = "organization"
    USER = "user"
    JOB = "job"
    APPLICATION = "application"
    ROOM = "room"


class CalendarSubject(NamedTuple):
    """Whose interviews a calendar contains; `id` is None for those of the whole organization."""

    kind: CalendarKind
    id: int | None = None


class Calendar(NamedTuple):
    """A calendar as its owner sees it; the address is not stored."""

    id: int
    subject: CalendarSubject
    created_at: Instant
    last_used_at: Instant | None


class CalendarEvent(NamedTuple):
    """One interview in a calendar, and what its title needs; all of them documents as served.

    `cancelled_at` is when it was cancelled; `interview` is then what it was before.
    """

    interview: bytes
    application: bytes | None
    candidate: bytes | None
    cancelled_at: Instant | None = None


class CalendarStore(Protocol):
    """The calendars of a database, without their interviews."""

    async def add(
        self, organization: OrganizationId, subject: CalendarSubject, digest: bytes, now: Instant
    ) -> Calendar | None:
        """Store a calendar; None if the organization has as many as it may have."""
        ...

    async def all(self, organization: OrganizationId) -> Sequence[Calendar]:
        """Return an organization's calendars, ordered by id."""
        ...

    async def of(self, organization: OrganizationId, subject: CalendarSubject) -> Sequence[Calendar]:
        """Return the calendars of a subject that has an id, ordered by id."""
        ...

    async def find(self, organization: OrganizationId, digest: bytes) -> Calendar | None:
        """Return the calendar whose secret has this SHA-256 digest."""
        ...

    async def remove(self, organization: OrganizationId, calendar: int) -> bool:
        """Remove a calendar; False if there is none with that id."""
        ...

    async def authenticate(self, digest: bytes) -> Identity | None:
        """Return the identity of an address whose secret has this SHA-256 digest; None if there is none."""
        ...

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None:
        """Store when addresses, by the ids of their identities, were last used."""
        ...


class CalendarEvents(Protocol):
    """The interviews of a database, as calendars contain them."""

    async def events(
        self, organization: Organization, subject: CalendarSubject, since: Instant, cancelled_since: Instant
    ) -> Sequence[CalendarEvent]:
        """Return the interviews of a subject that end at or after `since`, at most `MOST_EVENTS`, ordered by id.

        Those that were cancelled at or after `cancelled_since` are included.
        """
        ...


@dataclass(frozen=True, slots=True)
class Calendars:
    """The use cases of an organization's calendars."""

    store: CalendarStore
    schedule: CalendarEvents
    records: Records
    interviews: Interviews
    now: Clock
    random_hex: Callable[[int], str] = secrets.token_hex

    async def add(self, organization: Organization, subject: CalendarSubject) -> tuple[Calendar, str]:
        """Add a calendar; return it, and the secret of its address, which is not stored.

        Raises Refusal (invalid) for an unknown subject, and for one calendar too many.
        """
        if not await self._exists(organization, subject):
            problem = FieldProblem(f"{subject.kind}_id", f"Must be the id of {_ARTICLES[subject.kind]} {subject.kind}")
            raise Refusal(Code.INVALID, problems=(problem,))
        secret = self.random_hex(_SECRET_BYTES)
        added = await self.store.add(organization.id, subject, digest(secret), self.now())
        if added is None:
            problem = FieldProblem("body", f"Must be one of at most {MOST_CALENDARS:,} calendars")
            raise Refusal(Code.INVALID, "too many calendars", (problem,))
        return added, secret

    async def _exists(self, organization: Organization, subject: CalendarSubject) -> bool:
        kind, identifier = subject
        if identifier is None:
            return True
        if kind is CalendarKind.APPLICATION and await self.interviews.has_application(
            organization, ApplicationId(identifier)
        ):
            return True
        query = RecordQuery(_RESOURCES[kind])
        return await self.records.document(organization, query, identifier) is not None

    async def remove(self, organization: OrganizationId, calendar: int) -> None:
        """Remove a calendar: its address is unknown from the next request on. Raises Refusal (not found)."""
        if not await self.store.remove(organization, calendar):
            raise Refusal(Code.NOT_FOUND)

    async def read(self, organization: Organization, secret: str) -> tuple[Calendar, Sequence[CalendarEvent]]:
        """Return the calendar at the address with a secret, and its interviews. Raises Refusal (not found)."""
        calendar = await self.store.find(organization.id, digest(secret))
        if calendar is None:
            raise Refusal(Code.NOT_FOUND)
        today = self.now() // _DAY * _DAY  # so that a calendar changes once a day, not with every request
        since, cancelled_since = Instant(today - _PAST), Instant(today - _CANCELLED)
        return calendar, await self.schedule.events(organization, calendar.subject, since, cancelled_since)


_RESOURCES: Final = {
    CalendarKind.USER: USERS,
    CalendarKind.JOB: JOBS,
    CalendarKind.APPLICATION: APPLICATIONS,
    CalendarKind.ROOM: ROOMS,
}
_ARTICLES: Final = {
    CalendarKind.USER: "a",
    CalendarKind.JOB: "a",
    CalendarKind.APPLICATION: "an",
    CalendarKind.ROOM: "a",
}
