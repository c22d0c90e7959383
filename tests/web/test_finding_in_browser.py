"""Finding a time in a real browser: by keyboard, on a phone, in the dark, with names that try to be code."""

import re
from typing import Final

import httpx
import pytest
from playwright.sync_api import Browser, expect

from rowen.demo.key import DEMO_KEY
from tests.support.browsers import opened
from tests.support.hiring_teams import accepted
from tests.support.server import Server

HOSTILE: Final = "<img src=x onerror=alert(1)> " + "\u202eW" * 60
_INTERVIEW: Final = re.compile(r"/interviews/\d+$")
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@pytest.fixture(scope="module")
def server(server: Server) -> Server:
    """Return a server of the demo, with people who work all day, a pool and a room."""
    with httpx.Client(base_url=server.url, auth=(DEMO_KEY, ""), timeout=30) as client:
        users = [each["id"] for each in client.get("/v1/users").json() if not each["disabled"]]
        acting = {"On-Behalf-Of": str(users[0])}
        hours = {each: [{"from": "08:00", "to": "18:00"}] for each in _WEEKDAYS}
        for user in users:
            content = {"time_zone": "UTC", "working_hours": hours}
            accepted(client.put(f"/rowen/v1/users/{user}/availability", json=content, headers=acting))
        pool = {"name": HOSTILE, "members": [{"user_id": each} for each in users[:5]]}
        accepted(client.post("/rowen/v1/pools", json=pool, headers=acting))
        accepted(client.post("/rowen/v1/rooms", json={"name": HOSTILE}, headers=acting))
    return server


@pytest.mark.parametrize(("width", "scheme", "locale"), [(1440, "dark", "en-US"), (390, "light", "de-DE")])
def test_everybody_can_find_a_time_by_keyboard(
    browser: Browser, server: Server, width: int, scheme: str, locale: str
) -> None:
    window = {"width": width, "height": 900}
    with opened(browser, server, viewport=window, color_scheme=scheme, locale=locale) as tab:
        tab.sign_in("coordinator")
        page, keyboard = tab.page, tab.page.keyboard
        tab.open("/interviews/new")
        tab.follow(".choices a >> nth=0")
        page.wait_for_url("**application=*")
        tab.follow(".choices a >> nth=0")
        page.focus(".finder summary")
        keyboard.press("Enter")
        page.focus(".pools input")
        keyboard.press("ArrowUp")
        page.focus("[name=with_room]")
        keyboard.press("Space")
        page.focus("#times_until")
        keyboard.press("Enter")  # searches, and does not schedule
        expect(page.locator(".found:focus, .found :focus")).to_have_count(1)  # the answer has the focus
        tab.check()
        keyboard.press("Tab")
        expect(page.locator(".slots button").first).to_be_focused()
        keyboard.press("Enter")
        expect(page.locator(".done")).to_be_visible()
        expect(page.locator("#location")).to_have_value(HOSTILE)
        expect(page.locator("#start")).not_to_have_value("")
        expect(page.locator("[name=panel]:checked")).not_to_have_count(0)
        tab.check()
        page.locator(".actions button[value=schedule]").press("Enter")
        page.wait_for_url(_INTERVIEW)
        expect(page.locator("main")).to_contain_text(HOSTILE)
        tab.check()


def test_few_times_can_be_made_more_on_a_phone_without_javascript(browser: Browser, server: Server) -> None:
    with opened(browser, server, java_script_enabled=False, viewport={"width": 390, "height": 800}) as tab:
        tab.sign_in("coordinator")
        page = tab.page
        tab.open("/interviews/new")
        tab.follow(".choices a >> nth=0")
        page.wait_for_url("**application=*")
        tab.follow(".choices a >> nth=0")
        page.fill("#times_until", page.input_value("#times_from"))
        page.fill("#minutes", "600")
        for box in page.locator("[name=panel]").all():
            box.check()
        tab.follow("button[value=times]")
        before = page.input_value("#times_until")
        tab.follow(".costs button[value=window]")
        expect(page.locator(".found")).to_be_visible()
        assert page.input_value("#times_until") > before
        tab.follow(".slots button >> nth=0")
        expect(page.locator(".done")).to_be_visible()
        expect(page.locator("#day")).not_to_have_value("")
