"""Planning on the board in a real browser: free people, new interviews in empty time, and where one can be dropped."""

import re
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from rowen.app.roles import Role
from tests.support.boards import INSTALLED, box_of, drag, drawn, sign_in
from tests.support.browsers import opened
from tests.support.hiring_teams import ACTIVE, ADA, GRACE, KATE, LUKASZ, OTHER_ACTIVE, HiringTeam, seat
from tests.support.planning_people import MONDAY, OFFICE, at, make_available
from tests.support.storage import SQLITE, Storage

_DAY: Final = "2049-03-24"
# Where something is in the column of its day, in minutes of the day: the columns begin at eight and end at seven.
_MINUTES: Final = """(each) => {
  const column = [...document.querySelectorAll("#board .ec-body .ec-day")].map((day) => day.getBoundingClientRect());
  const own = each.getBoundingClientRect();
  const { top, height } = column.find(({ left, right }) => left <= own.left + 4 && own.left + 4 < right);
  return [own.top, own.bottom].map((edge) => Math.round((480 + (660 * (edge - top)) / height) / 5) * 5);
}"""

pytestmark = pytest.mark.skipif(not INSTALLED, reason="scripts/install_assets.py could not install the calendar")


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine of these tests: browsers see no difference."""
    return SQLITE


@pytest.fixture
def interview(team: HiringTeam) -> int:
    """Return an interview of Kate and Ada, who work from nine to five, on Monday from 10 to 11."""
    make_available(team, KATE)
    make_available(team, ADA, working_hours={**OFFICE, "tuesday": [{"from": "12:00", "to": "15:00"}]})
    found: int = team.schedule(start=at("10:00"), end=at("11:00"), interviewers=[seat(KATE), seat(ADA)])["id"]
    return found


def _names(page: Page) -> list[str]:
    return page.locator("#board .row-name").all_inner_texts()


def _point(page: Page, row: str, column: str) -> tuple[float, float]:
    """Return a point that is in a row and in a column, both found by the text of their heads."""
    side = box_of(page.locator("#board .ec-row-head", has_text=row))
    head = box_of(page.locator("#board .ec-col-head, #board .ec-slot", has_text=column).last)
    return head["x"] + head["width"] / 2, side["y"] + side["height"] / 2


def test_who_is_free_has_a_row_too(browser: Browser, team: HiringTeam, interview: int) -> None:
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={MONDAY}")
        drawn(page, 2)
        tab.check()
        assert _names(page)[-2:] == ["Tweedle Dee", "Tweedle Dum"]
        with page.expect_response(lambda answer: answer.request.method == "HEAD"):  # it remembers the choice
            page.uncheck("#everybody")
        expect(page.locator("#board .row-name")).to_have_text(["Ada Lovelace", "Kate Austen"])
        with page.expect_response("**/board/people"):
            page.reload()
            page.check("#everybody")
        expect(page.locator("#board .row-name")).to_have_count(6)
        page.fill("[name=search]", "twee")
        expect(page.locator("#board .row-name")).to_have_text(["Tweedle Dee", "Tweedle Dum"])
        page.fill("[name=search]", "")
        page.check("[name=unanswered]")
        expect(page.locator("#board .row-name")).to_have_text(["Ada Lovelace", "Kate Austen"])
        page.click("#clear")
        drag(page, drawn(page, 2).first, rows=1)
        expect(page.locator("#move")).to_contain_text("Grace Hopper instead of Ada Lovelace")


def test_the_row_of_somebody_who_is_disabled_names_that(browser: Browser, team: HiringTeam, interview: int) -> None:
    team.merge_records("users", [{"id": KATE, "name": "Kate Austen", "disabled": True, "emails": ["kate@x.example"]}])
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={MONDAY}")
        drawn(page, 2)
        marked = page.locator("#board .ec-row-head", has_text="disabled")
        expect(marked).to_have_count(1)
        expect(marked).to_contain_text("Kate Austen")
        expect(page.get_by_role("group", name="Kate Austen, disabled, 1 interview")).to_be_visible()
        tab.check()


def test_a_search_leads_to_interviews_of_other_weeks(browser: Browser, team: HiringTeam, interview: int) -> None:
    team.merge_records("candidates", [{"id": 10 * ACTIVE, "first_name": "Iris", "last_name": "Blum & Co"}])
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={_DAY}")
        everywhere = page.get_by_role("link", name="Search all weeks")
        expect(everywhere).to_have_count(0)
        page.fill("[name=search]", "blum & c")
        expect(page.locator("#empty")).to_be_visible()
        everywhere.last.click()
        expect(page.get_by_role("searchbox")).to_have_value("blum & c")
        tab.check()
        page.get_by_role("link", name="On the board").click()
        page.wait_for_selector("#aside h1")
        drawn(page, 2)
        assert f"interview={interview}" in page.url
        assert f"week={MONDAY}" in page.url


def test_a_click_into_empty_time_begins_an_interview_there(browser: Browser, team: HiringTeam) -> None:
    assert team.post("/rowen/v1/rooms", {"name": "Attic & <b>", "site": "Berlin"}).status_code == 200
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={_DAY}")
        page.mouse.click(*_point(page, "Łukasz", "Mar 23"))
        page.wait_for_url(f"**/interviews/new?day=2049-03-23&person={LUKASZ}")
        expect(page.locator("main")).to_contain_text("Tuesday, March 23, 2049 · Łukasz Żółć")
        page.go_back()
        expect(page.locator("#board .row-name")).to_have_count(6)
        tab.open(f"/?view=week&rows=rooms&week={_DAY}")
        page.mouse.click(*_point(page, "Attic", "Mar 24"))
        page.wait_for_url("**/interviews/new?**")
        page.goto(f"{page.url}&application=5001&interview=none")
        assert (page.input_value("#day"), page.input_value("#location")) == (_DAY, "Attic & <b>")
        tab.open(f"/?view=day&rows=people&week={_DAY}")
        page.mouse.click(*_point(page, "Kate", "10:00 AM"))
        page.wait_for_url("**/interviews/new?**")
        page.goto(f"{page.url}&application=5001&interview=none")
        assert page.input_value("#start") == "10:30"
        expect(page.locator("[name=panel]:checked")).to_have_value(str(KATE))


def test_a_drag_over_empty_time_gives_the_length_too(browser: Browser, team: HiringTeam) -> None:
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=time&week={_DAY}")
        column = box_of(page.locator("#board .ec-body .ec-day >> nth=2"))
        x, hour = column["x"] + 20, column["height"] / 11
        page.mouse.move(x, column["y"] + 3 * hour + 2)
        page.mouse.down()
        for part in (0.5, 1, 1.4):
            page.mouse.move(x, column["y"] + (3 + part) * hour)
        expect(page.locator("#board .ec-preview")).to_have_text(re.compile("11:00.AM . 12:30.PM"))
        page.mouse.up()
        page.wait_for_url("**/interviews/new?**")
        page.goto(f"{page.url}&application=5001&interview=none")
        assert page.input_value("#start") == "11:00"
        assert page.input_value("#minutes") == "90"


def test_interviewers_do_not_plan_on_the_board(browser: Browser, team: HiringTeam, interview: int) -> None:
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team, KATE, Role.INTERVIEWER)
        tab.open(f"/?view=week&rows=people&week={MONDAY}")
        drawn(page, 2)
        expect(page.locator("#everybody")).to_be_hidden()
        page.mouse.click(*_point(page, "Kate", "Feb 5"))
        assert "/interviews/new" not in page.url


def test_a_drag_shows_exactly_the_times_at_which_everybody_is_free(
    browser: Browser, team: HiringTeam, interview: int
) -> None:
    with opened(browser, team.harness.server, color_scheme="dark") as tab:
        page = tab.page
        sign_in(tab, team)
        targets = page.locator("#board .target")
        tab.open(f"/?view=week&rows=time&week={MONDAY}")
        drag(page, drawn(page).first, days=1, drop=False)
        expect(targets).to_have_text(["Possible"] * 5)
        hours = [(540, 1020), (720, 900), (540, 1020), (540, 1020), (540, 1020)]
        assert [tuple(each.evaluate(_MINUTES)) for each in targets.all()] == hours
        page.mouse.up()
        expect(page.locator("#move-when")).to_contain_text("Tue, Feb 4, 10:00 AM")
        expect(targets).to_have_count(0)
        page.keyboard.press("Escape")
        tab.open(f"/?view=week&rows=people&week={MONDAY}")
        drag(page, drawn(page, 2).first, days=1, drop=False)
        others = page.locator("#board .target.other")
        expect(others).to_have_text([re.compile("Only 12:00.*3:00.PM")] * 2)
        expect(targets).to_have_count(10)
        expect(page.locator("#board .target:not(.other)")).to_have_text(["10:00 AM is possible"] * 8)


def test_escape_gives_up_a_drag(browser: Browser, team: HiringTeam, interview: int) -> None:
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={MONDAY}")
        drag(page, drawn(page, 2).first, days=1, drop=False)
        expect(page.locator("#board .target").first).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#board .target")).to_have_count(0)
        page.mouse.up()
        drawn(page, 2)
        expect(page.locator("#move")).to_be_hidden()
        drag(page, drawn(page, 2).first, days=2)
        expect(page.locator("#move-when")).to_contain_text("Wed, Feb 5, 10:00 AM")


def test_a_drag_does_not_wait_for_its_targets(browser: Browser, team: HiringTeam, interview: int) -> None:
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        held: list[Route] = []
        page.route("**/targets?**", lambda route: held.append(route))
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={MONDAY}")
        drag(page, drawn(page, 2).first, days=1)
        expect(page.locator("#move")).to_be_visible()
        while not held:
            page.wait_for_timeout(10)  # in which its events are handled
        with page.expect_response("**/targets?**"):
            held[0].continue_()
        expect(page.locator("#board .target")).to_have_count(0)


def test_a_drag_without_a_possible_time_is_explained(browser: Browser, team: HiringTeam, interview: int) -> None:
    make_available(team, ADA, working_hours={})
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={MONDAY}")
        drag(page, drawn(page, 2).first, days=1, drop=False)
        expect(page.locator("#said")).to_contain_text("no time together")
        page.mouse.up()


def test_a_drop_on_somebody_who_is_booked_names_the_other_interview(browser: Browser, team: HiringTeam) -> None:
    team.schedule(start=at("10:00"), end=at("11:00"), interviewers=[seat(ADA)])
    other = {"application_id": OTHER_ACTIVE, "interviewers": [seat(GRACE, "accepted")]}
    team.schedule(start=at("10:30"), end=at("11:30"), **other)
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={MONDAY}")
        drag(page, drawn(page, 2).first, rows=1)
        busy = f"Grace Hopper is booked at 10:30 AM: Culture Fit, Application {OTHER_ACTIVE}."
        expect(page.locator("#move .problem")).to_have_text(busy)
        page.click("#move .primary")
        expect(page.locator("#said")).to_contain_text("11:00 AM, with Grace Hopper")


def test_a_drop_on_somebody_who_is_on_the_panel_already_moves_the_time_only(browser: Browser, team: HiringTeam) -> None:
    interview = team.schedule(start=at("10:00"), end=at("11:00"), interviewers=[seat(ADA), seat(GRACE)])["id"]
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={MONDAY}")
        drag(page, drawn(page, 2).first, rows=1)
        expect(page.locator("#said")).to_have_text("Grace Hopper is already on the panel.")
        expect(page.locator("#move")).to_be_hidden()
        drag(page, drawn(page, 2).first, days=1, rows=1)
        expect(page.locator("#move")).to_contain_text("Grace Hopper is already on the panel. Only the time changes.")
        expect(page.locator("#move")).not_to_contain_text("instead of")
        page.click("#move .primary")
        expect(page.locator("#said")).to_contain_text("moved to Tue, Feb 4")
        assert [each["id"] for each in team.get(interview)["interviewers"]] == [ADA, GRACE]


def test_a_move_is_undone_where_it_is_announced(browser: Browser, team: HiringTeam, interview: int) -> None:
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=day&rows=time&week={MONDAY}")
        with page.expect_response("**/targets?**"):
            drag(page, drawn(page).first, rows=0.65, drop=False)
        expect(page.locator("#board .ec-preview")).not_to_contain_text("10:00 AM")
        expect(page.locator("#board .target")).to_have_count(1)
        page.mouse.up()
        expect(page.locator("#move .problem")).to_contain_text("Not everybody is free then")
        page.click("#move .primary")
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("#said")).to_have_text("It is as it was before.")
        expect(drawn(page).first).to_contain_text("10:00 AM")
        assert team.get(interview)["start"]["date_time"] == at("10:00")
        assert [each["response_status"] for each in team.get(interview)["interviewers"]] == ["needs_action"] * 2


def test_arrow_keys_lead_from_interview_to_interview(browser: Browser, team: HiringTeam, interview: int) -> None:
    team.schedule(start=at("09:00", "2031-02-05"), end=at("10:00", "2031-02-05"), interviewers=[seat(KATE)])
    with opened(browser, team.harness.server) as tab:
        page, keyboard = tab.page, tab.page.keyboard
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={MONDAY}")
        events = drawn(page, 3)
        expect(page.locator("#board .ec-event[tabindex='0']")).to_have_count(1)
        events.first.focus()
        expect(events.first).to_have_accessible_name(re.compile(r"^Monday, February 3, 10:00.AM"))
        keyboard.press("ArrowDown")
        keyboard.press("ArrowRight")
        expect(page.locator(":focus")).to_contain_text("9:00 AM")
        keyboard.press("Enter")
        page.wait_for_selector("#aside h1")
        expect(page.locator("#aside-close")).to_be_focused()
        keyboard.press("Escape")
        expect(page.locator("#aside")).to_be_hidden()
        expect(page.locator("#board .ec-event:focus")).to_contain_text("9:00 AM")


def test_the_keyboard_goes_through_time_zones_before_one_is_taken(browser: Browser, team: HiringTeam) -> None:
    with opened(browser, team.harness.server, timezone_id="Asia/Tokyo") as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=people&week={_DAY}")
        zones = page.locator("[name=zone]")
        zones.focus()
        page.keyboard.press("ArrowDown")
        expect(zones).to_have_value("UTC")
        page.keyboard.press("Tab")
        expect(zones).to_have_value("Asia/Tokyo")
        zones.focus()
        page.keyboard.press("ArrowDown")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.locator("[name=zone]")).to_have_value("UTC")
