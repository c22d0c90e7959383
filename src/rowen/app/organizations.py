"""Organizations, and the port that keeps them.

Owns what the schedule has to know of an organization. Must not know how organizations are stored.
"""

from enum import StrEnum
from typing import NamedTuple, Protocol

from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant


class DoubleBooking(StrEnum):
    """What an organization does when a person would be in two interviews at once."""

    ALLOW = "allow"
    WARN = "warn"
    REJECT = "reject"


Version = tuple[int, int]
"""A revision and its time: after a backup was restored revisions are counted again, but its clock goes on."""


class Organization(NamedTuple):
    """An organization as of one revision of its ledger.

    Every change raises `revision`, and `last_updated_at` grows strictly with it. `interview_count` is the number of
    stored interviews. `grace` is how many milliseconds after its end an interview starts to await feedback.
    `mirrored_from` is the account that it mirrors, read-only here; None if it mirrors none. `room_count` is how many
    rooms it has. With `require_busy_source` people without a source of busy times are not offered.
    """

    id: OrganizationId
    name: str
    time_zone: str
    created_at: Instant
    revision: int
    last_updated_at: Instant
    interview_count: int
    double_booking: DoubleBooking
    grace: int
    mirrored_from: str | None = None
    room_count: int = 0
    require_busy_source: bool = False

    @property
    def version(self) -> Version:
        """A value that identifies this state."""
        return self.revision, self.last_updated_at


class OrganizationChange(NamedTuple):
    """All settings of an organization as they are to be; `grace` in milliseconds."""

    name: str
    time_zone: str
    double_booking: DoubleBooking
    grace: int


class Organizations(Protocol):
    """The organizations of a database."""

    async def create(self, name: str, time_zone: str, now: Instant) -> Organization:
        """Store a new organization. Raises Refusal (conflict) if the name is taken."""
        ...

    async def change(
        self,
        name: str,
        double_booking: DoubleBooking | None = None,
        grace: int | None = None,
        require_busy_source: bool | None = None,
    ) -> Organization:
        """Change the given settings of an organization; `grace` in milliseconds. Raises Refusal (not found)."""
        ...

    async def configure(self, organization: OrganizationId, change: OrganizationChange) -> None:
        """Change all settings of an organization.

        Raises Refusal: conflict if another one has the name; invalid, naming `time_zone`, if it has all-day interviews,
        which begin at midnight in its time zone, and another one is given.
        """
        ...

    async def find(self, name: str) -> Organization | None:
        """Return the organization with that name."""
        ...

    async def all(self) -> list[Organization]:
        """Return every organization, ordered by name."""
        ...
