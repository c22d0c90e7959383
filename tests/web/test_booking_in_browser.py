"""A candidate at a booking link, in a real browser on a phone: three taps, moving, cancelling, what can go wrong."""

from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.booking_links import LINKS, new_link
from tests.support.browsers import opened
from tests.support.hiring_teams import ADA, GRACE, HiringTeam, accepted, hiring_team
from tests.support.planning_people import at, make_available
from tests.support.storage import SQLITE, Storage

PHONE: Final = {"viewport": {"width": 390, "height": 800}, "has_touch": True}
HOSTILE: Final = """<img src=x onerror=alert(1)></script>"'{{7*7}} """ + "\u202eW" * 60
WEEK: Final = {"from": "2031-02-03T00:00:00Z", "to": "2031-02-08T00:00:00Z"}


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine of these tests: browsers see no difference."""
    return SQLITE


@pytest.fixture
def path(team: HiringTeam) -> str:
    """Return the path of a link for an onsite of two interviews, in a week in which both interviewers work."""
    make_available(team, ADA, GRACE)
    return new_link(team, window=WEEK)


def choose(page: Page, time: int) -> None:
    """Tap a time of the first day, which is open, and the button that confirms."""
    with page.expect_navigation():
        page.locator(".offered details").first.locator("a").nth(time).click()
    page.locator("form .primary").click()


@pytest.mark.parametrize(("scheme", "zone"), [("light", "Asia/Tokyo"), ("dark", "America/New_York")])
def test_three_taps_book_an_onsite_that_can_be_moved_and_cancelled(
    browser: Browser, team: HiringTeam, path: str, scheme: str, zone: str
) -> None:
    with opened(browser, team.harness.server, **PHONE, color_scheme=scheme, timezone_id=zone) as tab:
        page = tab.page
        tab.open(path)
        page.wait_for_url("**zone=*")
        expect(page.locator(".zone summary")).to_contain_text(zone.partition("/")[2].replace("_", " "))
        tab.check()
        page.locator(".offered summary").nth(1).tap()
        times = page.locator(".offered details").nth(1).locator("a")
        expect(times.first).to_contain_text("6:00 PM" if zone == "Asia/Tokyo" else "8:00 AM")
        tab.check()
        times.nth(1).tap()
        page.wait_for_selector("form .primary")
        page.wait_for_load_state()
        tab.check()
        page.locator("form .primary").tap()
        expect(page.locator(".done")).to_be_visible()
        tab.check()
        booked = team.client.get("/v1/scheduled_interviews").json()
        assert len(booked) == 2
        assert "Hopper" not in page.content()
        with page.expect_download() as download:
            page.click("a[download]")
        assert download.value.path().read_text().count("BEGIN:VEVENT") == 2
        tab.follow("a[href*='change=move']")
        expect(page.locator(".offered")).to_be_visible()
        tab.check()
        choose(page, 0)
        expect(page.locator(".done")).to_contain_text("Moved")
        moved = team.client.get("/v1/scheduled_interviews").json()
        assert [each["id"] for each in moved] == [each["id"] for each in booked]
        by_day = {"Asia/Tokyo": "09:00", "America/New_York": "13:00"}  # 8:00 in New York
        assert moved[0]["start"]["date_time"] == at(by_day[zone])
        tab.follow("a[href*='change=cancel']")
        tab.check()
        page.click("button[value=cancel]")
        expect(page.locator(".done")).to_contain_text("are cancelled")
        assert team.client.get("/v1/scheduled_interviews").json() == []
        tab.check()


def test_a_time_that_was_taken_meanwhile_is_explained(browser: Browser, team: HiringTeam, path: str) -> None:
    with opened(browser, team.harness.server, **PHONE) as tab:
        page = tab.page
        tab.open(path)
        tab.follow(".offered a >> nth=0")
        team.schedule(start=at("09:00"), end=at("10:00"))
        page.locator("form .primary").click()
        expect(page.get_by_role("alert")).to_contain_text("just been taken")
        tab.check()
        assert len(tab.wrong) == 1, "the console names the status 409"
        tab.wrong.clear()
        choose(page, 0)
        expect(page.locator(".done")).to_be_visible()


def test_a_german_books_without_javascript(browser: Browser, team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team, window=WEEK, moves=0)
    with opened(browser, team.harness.server, **PHONE, locale="de-DE", java_script_enabled=False) as tab:
        page = tab.page
        tab.open(path)
        expect(page.locator("h1")).to_contain_text("Interviews bei")
        page.click(".zone summary")
        page.select_option("#zone", "Europe/Berlin")
        page.click(".zone button")
        expect(page.locator(".zone summary")).to_contain_text("Berlin")
        choose(page, 0)
        expect(page.locator(".done")).to_contain_text("Gebucht")
        expect(page.locator(".booked-one").first).to_contain_text("10:00")
        expect(page.locator("a[href*='change=move']")).to_have_count(0)


def test_a_booking_is_made_by_keyboard(browser: Browser, team: HiringTeam, path: str) -> None:
    wide = {"width": 1440, "height": 900}
    with opened(browser, team.harness.server, viewport=wide, timezone_id="Europe/Berlin") as tab:
        page, keyboard = tab.page, tab.page.keyboard
        tab.open(path)
        page.wait_for_url("**zone=*")
        for _ in range(3):  # past the link to the content, and the time zone
            keyboard.press("Tab")
        expect(page.locator(".offered summary").first).to_be_focused()
        tab.check()
        keyboard.press("Tab")
        keyboard.press("Enter")
        page.wait_for_selector("form .primary")
        page.wait_for_load_state()
        keyboard.press("Tab")
        keyboard.press("Tab")
        expect(page.locator("form .primary")).to_be_focused()
        keyboard.press("Enter")
        expect(page.locator(".done")).to_be_visible()


def test_names_that_try_to_be_code_are_text(browser: Browser, team: HiringTeam) -> None:
    with hiring_team(team.harness, name=HOSTILE) as hostile:
        path = _hostile_link(hostile)
        with opened(browser, team.harness.server, **PHONE) as tab:
            page = tab.page
            tab.open(path)
            expect(page.locator(".sessions")).to_contain_text(HOSTILE)
            for name in ("Job", "Contact"):
                expect(page.locator("main")).to_contain_text(f"{name} {HOSTILE}")
            expect(page.locator("h1")).to_contain_text(HOSTILE)
            tab.check()
            choose(page, 0)
            expect(page.locator(".done")).to_be_visible()
            tab.check()
            tab.follow("a[href*='change=cancel']")
            tab.check()
            assert page.locator("img[src=x]").count() == 0


def _hostile_link(team: HiringTeam) -> str:
    """Make a link whose job, contact and session have hostile names, and return its path."""
    contact = {"id": 71, "name": f"Contact {HOSTILE}", "first_name": "Contact", "last_name": HOSTILE}
    team.merge_records("users", [{**contact, "emails": ["x@x.example"], "primary_email_address": "x@x.example"}])
    job = {"id": 9, "name": f"Job {HOSTILE}"}
    team.merge_records("applications", [{"id": 91, "candidate_id": 81, "jobs": [job], "status": "active"}])
    make_available(team, ADA)
    sessions = [{"name": HOSTILE, "minutes": 45, "seats": [{"users": [ADA]}]}]
    asked = {"application_id": 91, "window": WEEK, "sessions": sessions, "moves": 1}
    return urlsplit(accepted(team.post(LINKS, asked, 71))["url"]).path


def test_links_without_times_and_unknown_links_say_what_to_do(browser: Browser, team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    none = new_link(team, window={"from": "2020-01-01T00:00:00Z", "to": "2020-01-08T00:00:00Z"})
    with opened(browser, team.harness.server, **PHONE) as tab:
        tab.open(none)
        expect(tab.page.locator(".empty h2")).to_be_visible()
        tab.check()
        tab.open(f"{none[:-1]}x")
        expect(tab.page.locator("h1")).to_contain_text("not valid")
        tab.check()
        assert len(tab.wrong) == 1, "the console names the status 404"
        tab.wrong.clear()
