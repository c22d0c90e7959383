"""Booking links, for tests of them and of the candidate's page.

Owns how a link is made. Must not know what is booked at its address.
"""

from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.support.hiring_teams import ACTIVE, ADA, GRACE, STAGE_INTERVIEW, HiringTeam, accepted
from tests.support.planning_people import WINDOW
from tests.support.records import Record

LINKS: Final = "/rowen/v1/booking_links"
ONSITE: Final[Record] = {
    "application_id": ACTIVE,
    "window": WINDOW,
    "sessions": [
        {"name": "Talk", "minutes": 60, "interview_id": STAGE_INTERVIEW, "seats": [{"users": [ADA]}]},
        {"name": "Code", "minutes": 45, "seats": [{"users": [GRACE]}]},
    ],
}


def new_link(team: HiringTeam, **given: Any) -> str:
    """Make a link, and return the path of its address."""
    return urlsplit(accepted(team.post(LINKS, {**ONSITE, **given}))["url"]).path


def candidate(team: HiringTeam) -> httpx.Client:
    """Return a client without a key."""
    return team.harness.server.client()
