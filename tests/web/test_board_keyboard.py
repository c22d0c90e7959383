"""The board for people who use a keyboard or a screen reader."""

import re
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect

from tests.support.boards import INSTALLED, drawn, sign_in
from tests.support.browsers import opened
from tests.support.harness import Harness
from tests.support.hiring_teams import ACTIVE, ADA, KATE, OTHER_ACTIVE, HiringTeam, seat
from tests.support.storage import SQLITE, Storage

_BOARD: Final = "/?view=week&rows=people&week=2049-03-24"
_DATES: Final = re.compile(r"Board: Mar 22 . 26, 2049")

pytestmark = pytest.mark.skipif(not INSTALLED, reason="scripts/install_assets.py could not install the calendar")


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine of these tests: browsers see no difference."""
    return SQLITE


def _scheduled(team: HiringTeam, day: int, start: str, **others: Any) -> int:
    times = {"start": f"2049-03-{day}T{start}:00Z", "end": f"2049-03-{day}T{start[:2]}:59:00Z"}
    found: int = team.schedule(**times, **others)["id"]
    return found


def test_rows_and_days_are_groups_of_interviews_whose_names_differ(
    browser: Browser, harness: Harness, team: HiringTeam
) -> None:
    team.merge_records(
        "candidates", [{"id": 10 * each, "first_name": "C", "last_name": str(each)} for each in (ACTIVE, OTHER_ACTIVE)]
    )
    _scheduled(team, 24, "09:00", interviewers=[seat(KATE), seat(ADA, "accepted")])
    _scheduled(team, 24, "09:30", application_id=OTHER_ACTIVE, interviewers=[seat(KATE)])
    with opened(browser, harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(_BOARD)
        drawn(page, 3)
        expect(page.get_by_role("heading", level=1)).to_have_text(_DATES)
        expect(page.get_by_role("region", name=_DATES)).to_be_visible()
        expect(page.get_by_role("complementary")).to_have_count(0)
        expect(page.get_by_role("heading", name="Kate Austen", level=2)).to_be_visible()
        first, second = page.locator("#board [aria-label*='Row: Kate Austen']").all()
        row = page.get_by_role("group", name="Kate Austen, 2 interviews")
        expect(row).to_have_attribute("aria-owns", f"{first.get_attribute('id')} {second.get_attribute('id')}")
        expect(first).to_have_accessible_name(
            "Wednesday, March 24, 9:00 AM, C 5001, Culture Fit, Scheduled, Double booking of Kate Austen with C 5002, "
            "Row: Kate Austen, Kate Austen: Not answered, Ada Lovelace: Accepted"
        )
        (of_ada,) = page.locator("#board [aria-label*='Row: Ada Lovelace']").all()
        assert "Double booking" not in (of_ada.get_attribute("aria-label") or ""), "only Kate is booked twice"
        page.click("[data-rows=time]")
        drawn(page, 2)
        expect(page.locator("#board .ec-event[data-twice]")).to_have_count(2)
        expect(page.get_by_role("group", name="Wednesday, March 24, 2049, 2 interviews")).to_be_visible()
        tab.check()


def test_one_reaches_reads_and_moves_interviews_without_a_mouse(
    browser: Browser, harness: Harness, team: HiringTeam
) -> None:
    interviews = [_scheduled(team, day, "09:00", interviewers=[seat(KATE)]) for day in (23, 24, 25)]
    with opened(browser, harness.server) as tab:
        page, focused = tab.page, tab.page.locator("#board :focus")
        keyboard, last = page.keyboard, re.compile("^Thursday, March 25, 9:00 AM")
        sign_in(tab, team)
        tab.open(_BOARD)
        drawn(page, 3)
        for _ in range(2):
            keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to the board")
        keyboard.press("Enter")
        expect(page.locator("#board")).to_be_focused()
        keyboard.press("ArrowDown")
        expect(focused).to_have_accessible_name(re.compile("^Tuesday, March 23, 9:00 AM"))
        keyboard.press("End")
        expect(focused).to_have_accessible_name(last)
        expect(page.locator("#keys")).to_be_visible()
        keyboard.press("?")
        expect(page.get_by_role("status")).to_contain_text("Arrow keys")
        tab.check()
        keyboard.press("Enter")
        page.wait_for_selector("#aside h1")
        keyboard.press("Escape")
        expect(focused).to_have_accessible_name(last)
        team.change(interviews[2], interviewers=[seat(KATE, "accepted")])
        expect(focused).to_have_accessible_name(re.compile("Kate Austen: Accepted$"))
        keyboard.press("m")
        page.fill("#move [name=from]", "11:00")
        page.press("#move [name=from]", "Enter")
        expect(page.locator("#said")).to_contain_text("moved to")
        expect(focused).to_have_accessible_name(re.compile("^Thursday, March 25, 11:00 AM"))
        keyboard.press("Home")
        expect(focused).to_have_accessible_name(re.compile("^Tuesday, March 23, 9:00 AM"))
        tab.open(f"{_BOARD}&interview={interviews[1]}")
        page.press("#aside-close", "Enter")
        expect(focused).to_have_accessible_name(re.compile("^Wednesday, March 24"))


def test_a_room_that_is_booked_twice_is_marked_in_the_rows_of_people(
    browser: Browser, harness: Harness, team: HiringTeam
) -> None:
    team.post("/rowen/v1/rooms", {"name": "Attic"})
    for application, person in ((ACTIVE, KATE), (OTHER_ACTIVE, ADA)):
        _scheduled(team, 24, "09:00", application_id=application, interviewers=[seat(person)], location="Attic")
    with opened(browser, harness.server) as tab:
        sign_in(tab, team)
        tab.open(_BOARD)
        drawn(tab.page, 2)
        for rows, first in (("people", "Ada Lovelace"), ("rooms", "Attic")):
            tab.page.click(f"[data-rows={rows}]")
            expect(tab.page.locator("#board .row-name >> nth=0")).to_have_text(first)
            twice = tab.page.locator("#board .ec-event[data-twice]")
            expect(twice).to_have_count(2)
            for each in twice.all():
                expect(each).to_have_accessible_name(re.compile("Double booking of Attic with"))
