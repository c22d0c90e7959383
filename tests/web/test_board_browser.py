"""The board in a real browser: what people see and do there, two of them at once, and what happens when things fail."""

import json
import re
import shutil
import subprocess
from contextlib import suppress
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Error, expect

from rowen.app.roles import Role
from tests.support.boards import INSTALLED, box_of, drag, drawn, sign_in
from tests.support.browsers import opened
from tests.support.documents import ROOT
from tests.support.harness import Harness
from tests.support.hiring_teams import ADA, KATE, LUKASZ, HiringTeam, seat
from tests.support.storage import SQLITE, Storage

_DAY: Final = "2049-03-24"
"""A Wednesday: the week of these tests."""
_BOARD: Final = f"/?view=week&rows=people&week={_DAY}"
_TO: Final = "\u2013"
_THIN: Final = "\u2009"
_NAMES: Final = ["Ada Lovelace", "Grace Hopper", "Kate Austen", "Łukasz Żółć", "Tweedle Dee", "Tweedle Dum"]
_HOSTILE: Final = """<img src=x onerror=alert(1)></script>"'{{7*7}}"""

pytestmark = pytest.mark.skipif(not INSTALLED, reason="scripts/install_assets.py could not install the calendar")


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine of these tests: browsers see no difference."""
    return SQLITE


@pytest.fixture
def interview(team: HiringTeam) -> int:
    """Return an interview of Kate and Ada on Wednesday from 9 to 10."""
    return _scheduled(team, interviewers=[seat(KATE), seat(ADA, "accepted")])


def _scheduled(team: HiringTeam, day: str = _DAY, start: str = "09:00", end: str = "10:00", **others: Any) -> int:
    times = {"start": f"{day}T{start}:00.000Z", "end": f"{day}T{end}:00.000Z"}
    found: int = team.schedule(**times, **others)["id"]
    return found


def test_the_board_shows_who_meets_whom_and_what_is_wrong(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    _scheduled(team, start="09:30", end="10:30", interviewers=[seat(KATE, "declined"), seat(ADA)])
    _scheduled(team, start="00:00", end="23:00", interviewers=[seat(LUKASZ)])
    with opened(browser, harness.server) as tab:
        sign_in(tab, team)
        tab.open(_BOARD)
        events = drawn(tab.page, 5)
        names = tab.page.locator("#board .row-name")
        expect(names).to_have_text(_NAMES)
        expect(events.filter(has_text="Kate Austen: Not answered").first).to_contain_text("9:00 AM")
        expect(tab.page.locator("#conflicts")).to_have_text("1 double booking")
        expect(tab.page.locator("#title")).to_have_text(f"Mar 22 {_TO} 26, 2049")
        twice = tab.page.locator("#board .ec-event[data-twice]")
        expect(twice).to_have_count(2)
        for each in twice.all():
            expect(each).to_have_accessible_name(re.compile("Double booking of Ada Lovelace with .*Row: Ada Lovelace"))
        tab.page.click("#conflicts")
        drawn(tab.page, 4)
        expect(names).to_have_text(["Ada Lovelace", "Kate Austen"])
        tab.page.click("#conflicts")
        for rows, count in (("rooms", 3), ("time", 3), ("people", 5)):
            tab.page.click(f"[data-rows={rows}]")
            drawn(tab.page, count)
        with tab.page.expect_response(lambda answer: answer.request.method == "HEAD"):  # it remembers the view
            tab.page.click("[data-view=day]")
        expect(tab.page.locator("#title")).to_have_text("Wednesday, Mar 24, 2049")
        tab.open("/")
        expect(tab.page.locator("[data-view=day]")).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [(1440, "light", "en-US"), (1024, "dark", "de-DE"), (390, "light", "de-DE")]
)
def test_everybody_can_use_the_board(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int, width: int, scheme: str, locale: str
) -> None:
    window = {"width": width, "height": 900}
    with opened(browser, harness.server, viewport=window, color_scheme=scheme, locale=locale) as tab:
        sign_in(tab, team)
        for view, rows, count in (
            ("week", "people", 2),
            ("week", "time", 1),
            ("day", "people", 2),
            ("day", "rooms", 1),
        ):
            tab.open(f"/?view={view}&rows={rows}&week={_DAY}")
            drawn(tab.page, count)
            tab.check()
        tab.page.click("#board .ec-event >> nth=0")
        tab.page.wait_for_selector("#aside h1")
        tab.check()
        tab.open(f"/?view=week&rows=people&week={_DAY}&search=nobody")
        expect(tab.page.locator("#empty")).to_be_visible()
        tab.check()


def test_a_phone_begins_with_the_day(browser: Browser, harness: Harness, team: HiringTeam, interview: int) -> None:
    with opened(browser, harness.server, viewport={"width": 390, "height": 800}) as tab:
        sign_in(tab, team)
        expect(tab.page.locator("[data-view=day]")).to_have_attribute("aria-current", "true")
        expect(tab.page.locator("#empty")).to_contain_text("No interviews on this day")
        expect(tab.page.locator("#filters")).to_be_hidden()
        tab.page.click(".switch >> text=Agenda")
        tab.page.wait_for_selector(".weeks")


def test_without_javascript_the_board_is_the_agenda(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    with opened(browser, harness.server, java_script_enabled=False) as tab:
        sign_in(tab, team)
        with suppress(Error):  # the page of the board leads on before it is loaded
            tab.open(_BOARD)
        tab.page.wait_for_url(f"**view=agenda&week={_DAY}")
        assert tab.page.get_attribute(".row a.name", "href") == f"/interviews/{interview}"
        expect(tab.page.get_by_role("heading", level=1)).to_have_text(f"Board: Mar 21{_THIN}{_TO}{_THIN}27, 2049")
        expect(tab.page.get_by_role("navigation", name="Week of").get_by_role("link")).to_have_count(3)
        tab.follow("[aria-label=Later]")
        assert tab.page.url.endswith("/?week=2049-03-28&view=agenda")


def test_an_interview_opens_beside_the_board_and_going_back_closes_it(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    with opened(browser, harness.server) as tab:
        page = tab.page
        sign_in(tab, team, KATE)
        tab.open(_BOARD)
        drawn(page, 2).first.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#aside h1")
        page.wait_for_url(f"**&interview={interview}")
        page.click("#aside .reply >> text=Accept")
        expect(page.locator("#aside .reply [aria-pressed=true]")).to_have_text("Accept")
        expect(page.locator("#board .ec-event >> nth=0")).to_contain_text("Kate Austen: Accepted")
        page.reload()
        page.wait_for_selector("#aside h1")
        page.go_back()
        expect(page.locator("#aside")).to_be_hidden()
        page.go_forward()
        page.wait_for_selector("#aside h1")
        page.keyboard.press("Tab")
        page.focus("#aside-close")
        page.keyboard.press("Escape")
        expect(page.locator("#aside")).to_be_hidden()


def test_a_move_asks_first_and_appears_in_another_browser(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    with opened(browser, harness.server) as tab, opened(browser, harness.server) as other:
        sign_in(tab, team)
        sign_in(other, team, LUKASZ)
        for each in (tab, other):
            each.open(_BOARD)
            drawn(each.page, 2)
        page = tab.page
        drag(page, page.locator("#board .ec-event").first, days=1)
        expect(page.locator("#move-when")).to_have_text(f"Thu, Mar 25, 9:00 AM {_TO} 10:00 AM")
        assert team.get(interview)["start"]["date_time"] == f"{_DAY}T09:00:00.000Z", "nothing is written yet"
        page.click("#move >> text=Keep as it is")
        drag(page, page.locator("#board .ec-event").first, days=1)
        page.fill("#move [name=from]", "13:30")
        page.fill("#move [name=to]", "14:00")
        page.click("#move .primary")
        expect(page.locator("#said")).to_contain_text(f"Thu, Mar 25, 1:30 PM {_TO} 2:00 PM")
        assert team.get(interview)["start"]["date_time"] == "2049-03-25T13:30:00.000Z"
        expect(other.page.locator("#board .ec-event").first).to_contain_text("1:30 PM")
        expect(page.locator("#board .ec-event").first).to_contain_text("1:30 PM")
        drag(page, page.locator("#board .ec-event").first, rows=1)
        expect(page.locator("#move")).to_contain_text("Grace Hopper instead of Ada Lovelace")
        page.keyboard.press("Escape")
        expect(page.locator("#move")).to_be_hidden()


def test_rooms_have_rows_and_are_booked_as_people_are(browser: Browser, harness: Harness, team: HiringTeam) -> None:
    for name in ("Attic", "Cellar"):
        assert team.post("/rowen/v1/rooms", {"name": name, "site": "Berlin"}).status_code == 200
    interview = _scheduled(team, location="Attic")
    _scheduled(team, start="09:30", end="10:30", location="Attic", interviewers=[seat(KATE)])
    with opened(browser, harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=week&rows=rooms&week={_DAY}")
        events = drawn(page, 2)
        expect(page.locator("#board .row-name")).to_have_text(["Attic", "Cellar"])
        expect(page.locator("#conflicts")).to_have_text("1 double booking")
        drag(page, events.first, rows=1)
        expect(page.locator("#move")).to_contain_text("In Cellar")
        page.click("#move .primary")
        expect(page.locator("#move")).to_be_hidden()
        assert team.get(interview)["location"] == "Cellar"
        expect(page.locator("#conflicts")).to_be_hidden()


def test_resizing_in_the_day_changes_the_end(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    with opened(browser, harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=day&rows=time&week={_DAY}")
        drawn(page)
        handle, event = page.locator("#board .ec-event .ec-resizer"), page.locator("#board .ec-event")
        box, whole = box_of(handle), box_of(event)
        page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)
        page.mouse.down()
        for part in (0.3, 0.6, 1.0):
            page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2 + part * whole["height"] / 2)
        page.mouse.up()
        expect(page.locator("#move-when")).to_have_text(f"Wed, Mar 24, 9:00 AM {_TO} 10:30 AM")
        page.click("#move .primary")
        expect(page.locator("#move")).to_be_hidden()
        assert team.get(interview)["end"]["date_time"] == f"{_DAY}T10:30:00.000Z"


def test_if_somebody_else_was_faster_the_user_sees_what_they_changed_and_decides(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    with opened(browser, harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(_BOARD)
        drawn(page, 2)
        drag(page, page.locator("#board .ec-event").first, days=1)
        expect(page.locator("#move-when")).to_be_visible()
        team.change(interview, location="Attic")
        page.click("#move .primary")
        expect(page.locator("#move")).to_contain_text("Somebody else changed this interview")
        expect(page.locator("#move")).to_contain_text("from nothing to Attic")
        page.click("#move >> text=Move anyway")
        page.click("#move .primary")
        expect(page.locator("#move")).to_be_hidden()
        stored = team.get(interview)
        assert (stored["location"], stored["start"]["date_time"]) == ("Attic", "2049-03-25T09:00:00.000Z")
        assert len(tab.wrong) == 1, "the console names the status"
        tab.wrong.clear()


def test_a_change_never_moves_what_is_being_dragged(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    other = _scheduled(team, day="2049-03-22", interviewers=[seat(KATE)])
    with opened(browser, harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(_BOARD)
        drawn(page, 3)
        drag(page, page.locator("#board .ec-event", has_text="9:00 AM").nth(0), days=1)
        expect(page.locator("#move")).to_be_visible()
        team.change(interview, location="Attic")
        team.delete(f"/v1/scheduled_interviews/{other}")
        team.schedule(start=f"{_DAY}T15:00:00.000Z", end=f"{_DAY}T16:00:00.000Z", interviewers=[seat(LUKASZ)])
        expect(page.locator("#move-when")).to_contain_text("9:00 AM")
        page.click("#move >> text=Keep as it is")
        drawn(page, 3)
        expect(page.locator("#board")).to_contain_text("Łukasz Żółć")


def test_the_agenda_follows_the_schedule_too(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    with opened(browser, harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(f"/?view=agenda&week={_DAY}")
        page.fill("[name=search]", "half a na")
        team.change(interview, location="Attic")
        expect(page.locator(".row .place")).to_have_text("Attic")
        assert page.input_value("[name=search]") == "half a na"


def test_the_time_zone_is_chosen_on_the_board_and_remembered(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    with opened(browser, harness.server, timezone_id="Asia/Tokyo") as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(_BOARD)
        expect(drawn(page, 2).first).to_contain_text("6:00 PM")
        with page.expect_navigation():
            page.select_option("[name=zone]", label="UTC (your team)")
        expect(drawn(page, 2).first).to_contain_text("9:00 AM")
        assert f"week={_DAY}" in page.url
        tab.open(_BOARD)
        expect(drawn(page, 2).first).to_contain_text("9:00 AM")


def test_a_lost_connection_is_shown_and_recovers(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    with opened(browser, harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(_BOARD)
        drawn(page, 2)
        page.context.set_offline(True)
        expect(page.locator("#lost")).to_be_visible()
        team.change(interview, location="Attic", interviewers=[seat(KATE)])
        page.context.set_offline(False)
        expect(page.locator("#lost")).to_be_hidden()
        drawn(page, 1)
        tab.wrong.clear()


def test_an_interviewer_sees_the_own_week_and_moves_nothing(
    browser: Browser, harness: Harness, team: HiringTeam, interview: int
) -> None:
    _scheduled(team, interviewers=[seat(LUKASZ)])
    with opened(browser, harness.server) as tab:
        page = tab.page
        sign_in(tab, team, KATE, Role.INTERVIEWER)
        tab.open(_BOARD)
        drag(page, drawn(page, 2).first, days=1)
        expect(page.locator("#move")).to_be_hidden()
        assert page.locator("#board .ec-draggable").count() == 0


def test_hostile_names_are_text_on_the_board(browser: Browser, harness: Harness, team: HiringTeam) -> None:
    team.merge_records("users", [{"id": 71, "name": _HOSTILE, "first_name": _HOSTILE, "emails": ["x@x.example"]}])
    team.merge_records("candidates", [{"id": 81, "first_name": _HOSTILE, "last_name": "x"}])
    jobs = [{"id": 9, "name": _HOSTILE}]
    team.merge_records("applications", [{"id": 91, "candidate_id": 81, "jobs": jobs, "status": "active"}])
    interview = _scheduled(team, application_id=91, interviewers=[seat(71)], location=_HOSTILE)
    with opened(browser, harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        for rows in ("people", "rooms", "time"):
            tab.open(f"/?view=week&rows={rows}&week={_DAY}")
            expect(drawn(page).first).to_contain_text(_HOSTILE)
        page.click("#board .ec-event")
        page.wait_for_selector("#aside h1")
        tab.open(_BOARD)
        drag(page, drawn(page).first, days=1)
        team.change(interview, location=f"{_HOSTILE}!")
        page.click("#move .primary")
        expect(page.locator("#move .theirs")).to_contain_text(f"{_HOSTILE}!")
        assert page.locator("img[src=x]").count() == 0
        tab.wrong[:] = [each for each in tab.wrong if "412" not in each]


def test_the_modules_are_well_typed() -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Node is not installed")
    if not (ROOT / "node_modules/typescript").is_dir():
        subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=ROOT, check=True)
    found = subprocess.run(
        ["node_modules/.bin/tsc", "--project", "."], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.stdout == ""


def test_what_comes_from_npm_is_locked_and_permissive() -> None:
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    wanted = json.loads((ROOT / "package.json").read_text())
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        package = locked[f"node_modules/{name}"]
        assert package["version"] == version
        assert re.fullmatch(r"MIT|Apache-2\.0|ISC|BSD-[23]-Clause", package["license"])
    assert [name for name, package in locked.items() if "resolved" in package] == []
