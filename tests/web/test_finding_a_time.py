"""Finding a time for a panel as a step of the form of a new interview, without JavaScript."""

import html
import re
from typing import Any, Final

import httpx
import pytest

from rowen.app.roles import Role
from tests.support.hiring_teams import ADA, GRACE, KATE, HiringTeam, accepted, seat
from tests.support.people import signed_in, submit, token_of

_JOB: Final = 8001
_LATER: Final = "2020-01-16T12:00:00.000Z"
_STEP: Final = "/interviews/new?application=5001&interview=7001"
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")
_MONDAY: Final = "2049-03-22"


@pytest.fixture
def planned(team: HiringTeam) -> HiringTeam:
    """Return a team whose plan has an interview that Kate Austen usually holds."""
    application = {"id": 5001, "candidate_id": 50_010, "jobs": [{"id": _JOB, "name": "Pilot"}]}
    team.merge_records("applications", [{**application, "status": "active", "last_activity_at": _LATER}])
    usual = [{"id": KATE, "name": "Kate Austen"}]
    fit = {"id": 7001, "name": "Culture Fit", "estimated_minutes": 45, "default_interviewer_users": usual}
    stage = {"id": 6001, "name": "Face to Face", "job_id": _JOB, "interviews": [fit], "updated_at": _LATER}
    team.merge_records("job_stages", [stage])
    return team


def _works(team: HiringTeam, user: int, hours: tuple[str, str] = ("09:00", "12:00"), **others: Any) -> None:
    """Give a user working hours on weekdays."""
    daily = [{"from": hours[0], "to": hours[1]}]
    content = {"time_zone": "UTC", "working_hours": dict.fromkeys(_WEEKDAYS, daily), **others}
    accepted(team.send("PUT", f"/rowen/v1/users/{user}/availability", content))


def _find(browser: httpx.Client, **changes: Any) -> httpx.Response:
    """Press the button of the search; `...` leaves a field out."""
    fields = {
        "times_from": _MONDAY,
        "times_until": _MONDAY,
        "minutes": "60",
        "panel": [str(KATE)],
        "action": "times",
        **changes,
    }
    given = {name: value for name, value in fields.items() if value is not ...}
    return browser.post(_STEP, data={"csrf": token_of(browser), **given})


def _slots(page: str) -> list[str]:
    """Return the values of the buttons of slots, each once, the suggested ones first."""
    return list(dict.fromkeys(html.unescape(each) for each in re.findall(r'name="slot" value="([^"]*)"', page)))


def _relaxing(page: str) -> dict[str, str]:
    """Return the texts of the buttons that leave something out, by their values."""
    return dict(re.findall(r'name="relax" value="([^"]*)">([^<]*)<', page))


def test_the_usual_interviewer_is_offered_and_a_chosen_slot_fills_the_form(planned: HiringTeam) -> None:
    _works(planned, KATE)
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        step = browser.get(_STEP).text
        assert 'name="times_from"' in step
        assert f'value="{KATE}" checked' in step
        found = _find(browser)
        assert found.status_code == 200
        assert "9 times fit" in found.text
        assert "Monday, March 22, 2049" in found.text
        assert "Nobody on the panel has another interview that day." in found.text
        assert "chosen by you" in found.text
        first = _slots(found.text)[0]
        chosen = _find(browser, action=..., slot=first).text
        assert re.search(r'name="day"[^>]*value="2049-03-22"', chosen)
        assert re.search(r'name="start"[^>]*value="09:00"', chosen)
        assert f'name="panel" value="{KATE}" checked' in chosen
        done = submit(browser, _STEP, day=_MONDAY, start="09:00", minutes="60", panel=str(KATE), action="schedule")
        assert done.status_code == 303


def test_the_least_loaded_of_a_pool_is_chosen_with_a_room(planned: HiringTeam) -> None:
    for user in (KATE, GRACE, ADA):
        _works(planned, user)
    times = {"start": "2049-03-23T09:00:00.000Z", "end": "2049-03-23T10:00:00.000Z"}
    planned.schedule(interviewers=[seat(ADA)], application_id=5002, **times)
    pool = accepted(
        planned.post("/rowen/v1/pools", {"name": "Backend <b>", "members": [{"user_id": ADA}, {"user_id": GRACE}]})
    )
    accepted(planned.post("/rowen/v1/rooms", {"name": "Oak & <Elm>"}))
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        assert "Backend &lt;b&gt;" in browser.get(_STEP).text
        given = {f"pool-{pool['id']}": "1", "with_room": "1"}
        page = _find(browser, **given).text
        assert "fewest interviews of those who are free: 0 in these three weeks" in page
        first = _slots(page)[0]
        assert first.endswith(f"-{KATE}.{GRACE}-Oak & <Elm>")
        chosen = _find(browser, action=..., slot=first, **given).text
        assert f'name="panel" value="{GRACE}" checked' in chosen
        assert f'name="panel" value="{ADA}" checked' not in chosen
        assert 'value="Oak &amp; &lt;Elm&gt;"' in chosen
        assert re.search(rf'name="pool-{pool["id"]}"[^>]*value="0"', chosen)


def test_the_pools_of_the_plan_fill_seats_from_the_start(planned: HiringTeam) -> None:
    for user in (KATE, GRACE):
        _works(planned, user)
    fills = [{"interview_id": 7001, "count": 1}]
    pool = {"name": "Backend", "members": [{"user_id": GRACE}], "interviews": fills}
    field = f"pool-{accepted(planned.post('/rowen/v1/pools', pool))['id']}"
    for number in range(31):
        accepted(planned.post("/rowen/v1/pools", {**pool, "name": f"Later {number}", "interviews": []}))
    shown = re.compile(rf'name="{field}"[^>]*value="([0-9]+)"')
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        assert shown.findall(browser.get(_STEP).text) == ["1"]
        assert shown.findall(browser.get("/interviews/new?application=5001&interview=none").text) == ["0"]
        assert "Kate Austen, 1 of Backend" in browser.get("/interviews/new?application=5001").text
        page = _find(browser, **{field: "1"}).text
        assert _slots(page)[0].endswith(f"-{KATE}.{GRACE}-")
        assert shown.findall(_find(browser, action=..., slot=_slots(page)[0], **{field: "1"}).text) == ["0"]


def test_the_day_with_the_fewest_other_interviews_is_suggested_first(planned: HiringTeam) -> None:
    _works(planned, KATE)
    planned.schedule(
        interviewers=[seat(KATE)],
        application_id=5002,
        start="2049-03-22T09:00:00.000Z",
        end="2049-03-22T10:00:00.000Z",
    )
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        page = _find(browser, times_until="2049-03-23").text
    assert page.index("Tuesday, March 23") < page.index("Monday, March 22")
    assert "The panel has 1 other interview that day." in page


def test_the_page_shows_why_there_are_so_few_with_buttons_that_leave_out_one_constraint(planned: HiringTeam) -> None:
    _works(planned, KATE, limits={"per_day": 1})
    _works(planned, GRACE, ("13:00", "17:00"))
    planned.schedule(
        interviewers=[seat(KATE)],
        application_id=5002,
        start="2049-03-22T08:00:00.000Z",
        end="2049-03-22T09:00:00.000Z",
    )
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        page = _find(browser).text
        assert "No time fits" in page
        assert "Without the limits of Kate Austen: 9 times" in page
        buttons = _relaxing(page)
        assert buttons[f"limits:{KATE}"] == "Search without it"
        assert {"window", "shorter"} <= buttons.keys()
        relaxed = _find(browser, action=..., relax=f"limits:{KATE}").text
        assert "9 times fit" in relaxed
        assert f'name="left_out" value="limits:{KATE}" checked' in relaxed
        longer = _find(browser, action=..., relax="window").text
        assert re.search(r'name="times_until"[^>]*value="2049-04-05"', longer)
        both = _find(browser, panel=[str(KATE), str(GRACE)]).text
        assert "No time fits" in both
        alone = _find(browser, action=..., panel=[str(KATE), str(GRACE)], relax=f"person:{KATE}").text
        assert "13 times fit" in alone
        assert f'name="panel" value="{KATE}" checked' not in alone


def test_people_without_hours_are_named_and_can_be_assumed_to_work_as_usual(planned: HiringTeam) -> None:
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        page = _find(browser).text
        assert "Kate Austen: no working hours entered yet" in page
        assert "usual_hours" in _relaxing(page)
        assumed = _find(browser, action=..., relax="usual_hours").text
        assert "29 times fit" in assumed
        assert 'name="usual_hours" value="1" checked' in assumed


def test_answers_are_in_the_language_and_zone_of_the_viewer(planned: HiringTeam) -> None:
    _works(planned, KATE)
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        submit(browser, "/preferences", zone="Asia/Tokyo", language="de-DE")
        page = _find(browser).text
        assert "von dir gewählt" in page
        assert "18:00\u201319:00" in page
        assert "Montag, 22. März 2049" in page
        chosen = _find(browser, action=..., slot=_slots(page)[0]).text
        assert re.search(r'name="start"[^>]*value="18:00"', chosen)


def test_mistakes_are_named_and_nothing_is_written(planned: HiringTeam) -> None:
    with planned.unchanged(), signed_in(planned, ADA, Role.COORDINATOR) as browser:
        for changes, field in (
            ({"times_from": "soon"}, "times_from"),
            ({"times_until": "2049-03-21"}, "times_until"),
            ({"times_until": "2050-03-21"}, "times_until"),
            ({"minutes": "0"}, "minutes"),
            ({"panel": ...}, "panel"),
        ):
            page = _find(browser, **changes)
            assert page.status_code == 422, changes
            assert f'id="{field}-problem"' in page.text, changes
        for slot in ("", "x", "1-2", "9" * 15 + "-1-", "1-1-" + "x" * 2_001, f"2-{KATE}.0-"):
            assert _find(browser, action="find", slot=slot).status_code == 200, slot
        for relax in ("x", "limits:x", "pool:x", "hours:999", "person:"):
            assert _find(browser, action=..., relax=relax).status_code == 200, relax


def test_interviewers_find_nothing_here(planned: HiringTeam) -> None:
    with signed_in(planned, KATE, Role.INTERVIEWER) as browser:
        assert _find(browser).status_code == 403


def test_nothing_that_cannot_help_is_proposed_for_somebody_without_hours(planned: HiringTeam) -> None:
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        page = _find(browser).text
    assert "Kate Austen: no working hours entered yet" in page
    assert _relaxing(page).keys() == {"usual_hours"}
    assert "Why there is none" not in page
