"""Searching the interviews of all weeks: what is found, and how much of it."""

import re
from typing import Final

import httpx
import pytest

from rowen.app.roles import Role
from tests.support.hiring_teams import ACTIVE, GRACE, KATE, LONG_AGO, OTHER_ACTIVE, REJECTED, HiringTeam, seat
from tests.support.people import signed_in

_MAY: Final = {"start": "2049-05-03T09:00:00.000Z", "end": "2049-05-03T10:00:00.000Z"}


@pytest.fixture
def named(team: HiringTeam) -> HiringTeam:
    """Return a team whose candidates have names; that of the rejected application is called Zoë."""
    names = {ACTIVE: ("Iris", "Blum"), OTHER_ACTIVE: ("Jonas", "Weiss"), REJECTED: ("Zoë", "Blum")}
    team.merge_records(
        "candidates",
        [{"id": 10 * each, "first_name": first, "last_name": last} for each, (first, last) in names.items()],
    )
    return team


def _found(browser: httpx.Client, search: str) -> list[int]:
    """Return the ids of the interviews that a search shows, in their order."""
    answer = browser.get("/interviews", params={"search": search})
    assert answer.status_code == 200, answer.text
    return [int(each) for each in re.findall(r'class="name" href="/interviews/(\d+)"', answer.text)]


def test_a_name_finds_interviews_of_any_week(named: HiringTeam) -> None:
    late = named.schedule(**_MAY)["id"]
    soon = named.schedule(start="2031-02-03T09:00:00Z", end="2031-02-03T10:00:00Z")["id"]
    over = named.schedule(**LONG_AGO)["id"]
    others = named.schedule(application_id=OTHER_ACTIVE, interviewers=[seat(KATE)], **_MAY)["id"]
    rejected = 77
    named.merge([{**named.get(late), "id": rejected, "application_id": REJECTED, "external_event_id": "77"}])
    with signed_in(named, GRACE, Role.COORDINATOR) as browser:
        assert _found(browser, "iris") == [soon, late, over], "those to come first, the past ones backwards"
        assert _found(browser, "blum") == [soon, rejected, late, over], "also of applications that are closed"
        assert _found(browser, "austen") == [others]
        assert _found(browser, "weiss jonas") == [others]
        assert _found(browser, "nobody") == []
        assert _found(browser, "") == []
        assert f'href="/?week=2049-05-03&amp;interview={others}"' in browser.get("/interviews?search=weiss").text


def test_whoever_declined_is_not_found_by_that_interview(named: HiringTeam) -> None:
    named.schedule(interviewers=[seat(KATE, "declined")], **_MAY)
    with signed_in(named, GRACE, Role.COORDINATOR) as browser:
        assert _found(browser, "austen") == []


def test_a_search_shows_the_newest_interviews_of_an_application(named: HiringTeam) -> None:
    hour = {"start": "2049-05-{:02}T09:00:00.000Z", "end": "2049-05-{:02}T10:00:00.000Z"}
    for day in range(1, 28):
        named.schedule(**{name: text.format(day) for name, text in hour.items()}, interviewers=[seat(KATE)])
    with signed_in(named, GRACE, Role.COORDINATOR) as browser:
        assert len(_found(browser, "iris")) == 25
        assert "There may be more" in browser.get("/interviews?search=iris").text
