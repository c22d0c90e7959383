"""People whose availability is known, for tests of finding times and booking them.

Owns how availability and pools get into a database: as clients put them. Must not know what is asked.
"""

from typing import Any, Final

from tests.support.hiring_teams import HiringTeam, accepted
from tests.support.records import Record

OFFICE: Final = {
    day: [{"from": "09:00", "to": "17:00"}] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
}
"""From nine to five on working days."""
ALWAYS: Final = {day: [{"from": "00:00", "to": "24:00"}] for day in (*OFFICE, "saturday", "sunday")}
"""All day on all days."""

MONDAY: Final = "2031-02-03"
WINDOW: Final[Record] = {"from": f"{MONDAY}T00:00:00Z", "to": f"{MONDAY}T24:00:00Z"}


def make_available(team: HiringTeam, *users: int, **given: Any) -> None:
    """Give users the same availability: office hours in UTC, unless something else is given."""
    for user in users:
        availability = {"time_zone": "UTC", "working_hours": OFFICE, **given}
        accepted(team.send("PUT", f"/rowen/v1/users/{user}/availability", availability))


def make_pool(team: HiringTeam, name: str, *members: Record) -> int:
    """Add a pool, and return its id."""
    identifier: int = accepted(team.post("/rowen/v1/pools", {"name": name, "members": members}))["id"]
    return identifier


def at(clock: str, day: str = MONDAY) -> str:
    """Return a time of day as served."""
    return f"{day}T{clock}:00.000Z"
