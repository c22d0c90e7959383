"""From the first admin's link of an empty database to the first interview, by nothing but a browser."""

import re
import sys
from datetime import date, timedelta
from time import perf_counter
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.support.browsers import CHROMIUM, launched, opened
from tests.support.server import serving
from tests.support.storage import SQLITE

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: scripts/test does it as root"),
    pytest.mark.slow,
]

_PEOPLE: Final = "Name,E-Mail\nKate Austen,kate@oceanic.example\nSayid Jarrah,sayid@oceanic.example\n"


def test_an_empty_database_becomes_a_schedule_in_the_browser(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    database = SQLITE.new_database(tmp_path_factory.mktemp("nothing"))
    with serving(database) as server, launched() as browser:
        path = next(line for line in server.log if "/sign-in/" in line).strip().removeprefix(server.url)
        with opened(browser, server, timezone_id="Europe/Berlin") as tab:
            begin, page = perf_counter(), tab.page
            tab.open(path)
            tab.check()
            _first_admin(page)
            tab.check()
            _people(page)
            _plan(page)
            _hours(page)
            tab.check()
            _interview(page)
            seconds = perf_counter() - begin
            expect(page.locator("h1")).to_have_text("John Locke")
            for text in ("10:00", "Berlin, UTC", "Kate Austen", "Ann Lee"):
                expect(page.locator("main")).to_contain_text(text)
            tab.check()
    with capsys.disabled():
        sys.stdout.write(f"\nstart from nothing: {seconds:.1f} s in the browser\n")


def _first_admin(page: Page) -> None:
    page.get_by_label("First name").fill("Ann")
    page.get_by_label("Last name").fill("Lee")
    page.get_by_label("E-mail address").fill("ann@oceanic.example")
    page.get_by_label("Name of your organization").fill("Oceanic")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")  # the browser's is suggested
    page.get_by_role("button", name="Begin").click()
    page.wait_for_selector(".beginning")


def _people(page: Page) -> None:
    page.locator(".menu summary").click()
    expect(page.locator(".sheet")).to_contain_text("Oceanic")
    page.locator(".menu summary").click()
    page.get_by_role("link", name="Add your team").click()
    page.get_by_label("One person a line").fill(_PEOPLE)
    page.get_by_role("button", name="Check the list").click()
    page.get_by_role("button", name="Store 2 people").click()
    expect(page.get_by_label("Kate Austen", exact=True)).to_have_value(re.compile("/sign-in/"))


def _plan(page: Page) -> None:
    page.get_by_role("link", name="Rowen").click()
    page.get_by_role("link", name="Add a job and its plan").click()
    page.get_by_label("Job", exact=True).fill("Pilot")
    page.get_by_role("button", name="Add").click()
    page.get_by_label("Interview", exact=True).fill("Flight test")
    page.get_by_label("Minutes").fill("45")
    page.get_by_label("Kate Austen").check()
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".stage")).to_contain_text("45 min · Kate Austen")


def _hours(page: Page) -> None:
    page.get_by_role("link", name="Rowen").click()
    page.get_by_role("link", name="Enter working hours").click()
    page.get_by_role("button", name="Enter Monday to Friday, 9 to 17").click()
    expect(page.locator(".people")).to_contain_text("Mon\u2013Fri 09:00\u201317:00 \u00b7 Berlin")


def _interview(page: Page) -> None:
    page.get_by_role("link", name="New interview").click()
    page.get_by_label("First name").fill("John")
    page.get_by_label("Last name").fill("Locke")
    page.get_by_label("Job", exact=True).select_option("Pilot")
    page.get_by_role("button", name="Add and go on").click()
    page.get_by_role("link", name="Flight test").click()
    expect(page.get_by_role("checkbox", name="Kate Austen")).to_be_checked()
    page.get_by_label("Day", exact=True).fill((date.today() + timedelta(days=7)).isoformat())
    page.get_by_label("Start", exact=True).fill("10:00")
    page.get_by_role("button", name="Schedule", exact=True).last.click()
    page.wait_for_url(re.compile(r"/interviews/\d+$"))
