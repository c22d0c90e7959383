"""What the board shows in a real browser: what its filters leave, how a week begins, and the color of each status."""

from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.support.boards import INSTALLED, drawn, sign_in
from tests.support.browsers import opened
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    GRACE,
    INTERVIEWS,
    KATE,
    LUKASZ,
    OTHER_ACTIVE,
    HiringTeam,
    accepted,
    body,
    seat,
)
from tests.support.records import Record
from tests.support.storage import SQLITE, Storage

_PAST: Final = "2020-01-29"
"""A Wednesday on which interviews are over."""
_SUNDAY: Final = "2049-03-28"
_BOARD: Final = "/?view=week&rows={rows}&week={day}"

pytestmark = pytest.mark.skipif(not INSTALLED, reason="scripts/install_assets.py could not install the calendar")


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine of these tests: browsers see no difference."""
    return SQLITE


def _scheduled(team: HiringTeam, day: str, hour: int, acting: int = ADA, **others: Any) -> int:
    """Schedule an interview of an hour on behalf of a user, who coordinates it, and return its id."""
    times: Record = {"start": f"{day}T{hour:02}:00:00.000Z", "end": f"{day}T{hour + 1:02}:00:00.000Z"}
    found: int = accepted(team.post(INTERVIEWS, body(**times, **others), acting))["id"]
    return found


def test_filters_narrow_the_board_and_stay_in_its_address(browser: Browser, team: HiringTeam) -> None:
    day = "2049-03-24"
    _scheduled(team, day, 9, interviewers=[seat(KATE), seat(ADA, "accepted")])
    _scheduled(team, day, 9, interviewers=[seat(LUKASZ, "accepted")])
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        tab.open(_BOARD.format(rows="people", day=day))
        drawn(page, 3)
        page.fill("[name=search]", "łukasz")
        drawn(page, 1)
        page.fill("[name=search]", "")
        page.check("[name=unanswered]")
        drawn(page, 2)
        page.reload()
        drawn(page, 2)
        page.click("#clear")
        page.select_option("[name=person]", "Łukasz Żółć")
        drawn(page, 1)
        page.click("#clear")
        drawn(page, 3)


def _two_that_are_over(team: HiringTeam) -> None:
    """Schedule an interview for each of two jobs: feedback on the first one is missing."""
    for application, first, job in ((ACTIVE, "Iris", "Pilot"), (OTHER_ACTIVE, "Jonas", "Nurse")):
        candidate = {"id": 10 * application, "first_name": first, "last_name": "Blum"}
        team.merge_records("candidates", [candidate])
        jobs = [{"id": application, "name": job}]
        given = {"id": application, "candidate_id": 10 * application, "jobs": jobs, "status": "active"}
        team.merge_records("applications", [{**given, "last_activity_at": "2020-01-16T12:00:00.000Z"}])
    _scheduled(team, _PAST, 9, interviewers=[seat(KATE)])
    scored = _scheduled(team, _PAST, 11, GRACE, application_id=OTHER_ACTIVE, interviewers=[seat(ADA)])
    team.score(scored, ADA)


def test_a_filter_leaves_what_it_names_on_the_board_and_in_the_agenda(browser: Browser, team: HiringTeam) -> None:
    _two_that_are_over(team)
    with opened(browser, team.harness.server) as tab:
        page = tab.page
        sign_in(tab, team)
        for name, value, left in (
            ("job", "Pilot", "Iris Blum"),
            ("candidate", "Jonas Blum", "Jonas Blum"),
            ("coordinator", "Grace Hopper", "Jonas Blum"),
            ("overdue", "", "Iris Blum"),
        ):
            tab.open(_BOARD.format(rows="time", day=_PAST))
            drawn(page, 2)
            field = page.locator(f"#filters [name={name}]")
            if value:
                field.select_option(value)
            else:
                field.check()
            expect(drawn(page, 1)).to_contain_text(left)
            page.reload()
            expect(drawn(page, 1)).to_contain_text(left)
            tab.open(f"/?view=agenda&week={_PAST}&{name}={value or 1}")
            expect(page.locator(".row a.name")).to_have_text([left])


@pytest.mark.parametrize(
    ("locale", "first", "last"), [("en-US", "Sun, Mar 28", "Sat, Apr 3"), ("de-DE", "Mo., 22. März", "So., 28. März")]
)
def test_a_week_begins_as_in_the_country_of_the_language(
    browser: Browser, team: HiringTeam, locale: str, first: str, last: str
) -> None:
    for day in (_SUNDAY, "2049-03-27", "2049-04-03"):
        _scheduled(team, day, 9)
    with opened(browser, team.harness.server, locale=locale) as tab:
        sign_in(tab, team)
        for rows in ("people", "time"):
            tab.open(_BOARD.format(rows=rows, day=_SUNDAY))
            drawn(tab.page, 2)
            days = tab.page.locator("#board .ec-col-head")
            expect(days).to_have_count(7)
            expect(days.first).to_have_text(first)
            expect(days.last).to_have_text(last)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_status_has_the_color_of_the_legend(browser: Browser, team: HiringTeam, scheme: str) -> None:
    _two_that_are_over(team)
    _scheduled(team, _SUNDAY, 9)
    colors = set()
    with opened(browser, team.harness.server, color_scheme=scheme) as tab:
        page = tab.page
        sign_in(tab, team)
        for day, statuses in ((_PAST, ("awaiting_feedback", "complete")), (_SUNDAY, ("scheduled",))):
            tab.open(_BOARD.format(rows="time", day=day))
            for status in statuses:
                event = page.locator(f"#board .ec-event.{status}")
                expect(event).to_have_count(1)
                assert _color(event) == _color(page.locator(f".legend .{status}"))
                colors.add(_color(event))
    assert len(colors) == 3


def _color(what: Locator) -> str:
    found: str = what.evaluate("each => getComputedStyle(each).backgroundColor")
    return found
