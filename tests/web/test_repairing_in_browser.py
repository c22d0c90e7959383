"""Repairing an interview in a real browser: by keyboard, on a phone, in the dark, with names that try to be code."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Browser, expect

from rowen.demo.key import DEMO_KEY
from tests.support.browsers import opened
from tests.support.hiring_teams import accepted
from tests.support.server import Server

HOSTILE: Final = "<img src=x onerror=alert(1)> " + "\u202eW" * 60
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_INTERVIEW: Final = re.compile(r"/interviews/\d+$")


class Demo:
    """The demo, with people of a pool whose names are hostile, and who work all day."""

    def __init__(self, server: Server, client: httpx.Client) -> None:
        self.server = server
        self.client = client
        users = [each["id"] for each in self.client.get("/v1/users").json() if not each["disabled"]]
        self.acting = {"On-Behalf-Of": str(users[0])}
        made = [self._user(f"{HOSTILE} {number}", f"w{number}@example.com") for number in range(3)]
        self.people = made
        members = [{"user_id": each} for each in made]
        accepted(self.client.post("/rowen/v1/pools", json={"name": "Pool", "members": members}, headers=self.acting))
        application = self.client.get("/v1/applications", params={"status": "active"}).json()[0]
        self.application = application["id"]
        self.planned = self.client.get("/v1/scheduled_interviews").json()[0]["interview"]["id"]

    def _user(self, name: str, email: str) -> int:
        first, last = name[:80], name[-2:]
        body = {"first_name": first, "last_name": last, "email": email}
        answer = self.client.post("/v1/users", json=body, headers=self.acting)
        assert answer.status_code in (200, 201), answer.text
        identifier: int = answer.json()["id"]
        hours = {each: [{"from": "00:00", "to": "24:00"}] for each in _WEEKDAYS}
        content = {"time_zone": "UTC", "working_hours": hours}
        accepted(self.client.put(f"/rowen/v1/users/{identifier}/availability", json=content, headers=self.acting))
        return identifier

    def broken(self, day: int) -> int:
        """Schedule an interview some days from now that its interviewer declines, and return its id."""
        start = (datetime.now(UTC) + timedelta(days=day)).replace(hour=10, minute=0, second=0, microsecond=0)
        body: dict[str, Any] = {
            "application_id": self.application,
            "interview_id": self.planned,
            "interviewers": [{"user_id": self.people[0], "response_status": "declined"}],
            "start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end": (start + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "external_event_id": f"broken-{day}",
        }
        answer = self.client.post("/v2/scheduled_interviews", json=body, headers=self.acting)
        assert answer.status_code == 200, answer.text
        identifier: int = answer.json()["id"]
        return identifier


@pytest.fixture(scope="module")
def demo(server: Server) -> Iterator[Demo]:
    """Return a server of the demo."""
    with httpx.Client(base_url=server.url, auth=(DEMO_KEY, ""), timeout=30) as client:
        yield Demo(server, client)


@pytest.mark.parametrize(("width", "scheme", "locale"), [(1440, "dark", "en-US"), (390, "light", "de-DE")])
def test_a_seat_is_filled_and_that_is_undone_by_keyboard(
    browser: Browser, demo: Demo, width: int, scheme: str, locale: str
) -> None:
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "locale": locale}
    interview = demo.broken(20 + width % 9)
    with opened(browser, demo.server, **options) as tab:
        tab.sign_in("coordinator")
        page = tab.page
        tab.open(f"/interviews/{interview}")
        tab.check()
        page.focus(".people .repair")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        tab.check()
        assert page.locator(".proposals li.card").count() >= 2, "two others are in the pool"
        page.focus(".proposals button >> nth=0")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.locator(".done")).to_be_visible()
        tab.check()
        expect(page.locator(".people .words").first).to_have_class(re.compile("needs_action"))
        page.focus(".done button")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert _INTERVIEW.search(page.url)
        expect(page.locator(".people .words").first).to_have_class(re.compile("declined"))
        expect(page.locator(".done button")).to_have_count(0)
