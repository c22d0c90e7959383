"""Scheduling an interview step by step, without JavaScript."""

import html
import re
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from rowen.app.organizations import DoubleBooking
from rowen.app.roles import Role
from tests.support.hiring_teams import ADA, GRACE, KATE, OTHER_ACTIVE, REJECTED, HiringTeam, seat
from tests.support.people import signed_in, submit, token_of

_PATH: Final = "/interviews/new"
_JOB: Final = 8001
_CANDIDATE: Final = 50_010
_CULTURE_FIT: Final = 7001
_LATER: Final = "2020-01-16T12:00:00.000Z"


@pytest.fixture
def planned(team: HiringTeam) -> HiringTeam:
    """Return a team whose candidate Ana Lloyd applies for a job with a plan of two interviews."""
    team.merge_records("candidates", [{"id": _CANDIDATE, "first_name": "Ana", "last_name": "Lloyd"}])
    team.merge_records("jobs", [{"id": _JOB, "name": "Pilot", "status": "open"}])
    application = {"id": 5001, "candidate_id": _CANDIDATE, "jobs": [{"id": _JOB, "name": "Pilot"}]}
    team.merge_records("applications", [{**application, "status": "active", "last_activity_at": _LATER}])
    usual = [{"id": KATE, "name": "Kate Austen"}]
    interviews = [
        {"id": _CULTURE_FIT, "name": "Culture Fit", "estimated_minutes": 45, "default_interviewer_users": usual},
        {"id": 7002, "name": "Technical", "estimated_minutes": None, "default_interviewer_users": None},
    ]
    stage = {"id": 6001, "name": "Face to Face", "job_id": _JOB, "interviews": interviews, "updated_at": _LATER}
    team.merge_records("job_stages", [stage])
    return team


def _schedule(browser: httpx.Client, **changes: Any) -> httpx.Response:
    """Send the last form; `...` leaves a field out."""
    query = {"application": 5001, "interview": _CULTURE_FIT}
    fields = {"day": "2049-03-26", "start": "14:30", "minutes": "45", "panel": [str(KATE)], "action": "schedule"}
    given = {name: value for name, value in {**fields, **changes}.items() if value is not ...}
    return browser.post(_PATH, params=query, data={"csrf": token_of(browser), **given})


def _path_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_every_step_leads_to_the_next_and_names_what_was_chosen(planned: HiringTeam) -> None:
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        page = browser.get(_PATH, params={"search": "lloyd pilot"}).text
        (step,) = re.findall(r'href="(/interviews/new\?application=5001)"', page)
        page = browser.get(step).text
        assert "Face to Face" in page
        assert "45 min" in page
        assert "Kate Austen" in page
        assert "application=5001&amp;interview=7001" in page
        page = browser.get(f"{step}&interview=7001").text
        assert f'name="panel" value="{KATE}" checked' in page
        assert f'name="panel" value="{ADA}" checked' not in page
        assert re.search(r'name="minutes"[^>]*value="45"', page)
        path = _path_of(_schedule(browser, location="Room 2", video="https://meet.example/1"))
        made = planned.get(int(path.rpartition("/")[2]))
    assert made["application_id"] == 5001
    assert made["interview"] == {"id": 7001, "name": "Culture Fit"}
    assert made["start"] == {"date_time": "2049-03-26T14:30:00.000Z"}
    assert made["end"] == {"date_time": "2049-03-26T15:15:00.000Z"}
    assert made["location"] == "Room 2"
    assert made["video_conferencing_url"] == "https://meet.example/1"
    assert made["organizer"]["id"] == ADA
    assert [each["id"] for each in made["interviewers"]] == [KATE]


def test_both_names_are_recorded_where_somebody_acts_for_another(planned: HiringTeam) -> None:
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        path = _path_of(_schedule(browser, organizer=str(GRACE)))
        assert "Grace Hopper, by Ada Lovelace" in browser.get(path).text
        assert planned.get(int(path.rpartition("/")[2]))["organizer"]["id"] == GRACE


def test_a_form_with_mistakes_keeps_what_was_typed_and_names_the_fields(planned: HiringTeam) -> None:
    with planned.unchanged(), signed_in(planned, ADA, Role.COORDINATOR) as browser:
        answer = _schedule(
            browser, day="tomorrow", start="", minutes="0", panel=..., video="javascript:alert(1)", location="Room <2>"
        )
        assert answer.status_code == 422
        assert 'value="Room &lt;2&gt;"' in answer.text
        assert 'value="tomorrow"' in answer.text
        for name in ("day", "start", "minutes", "video", "panel"):
            assert f'aria-describedby="{name}-problem"' in answer.text, name
            assert f'id="{name}-problem"' in answer.text, name
        assert len(re.findall(" autofocus", answer.text)) == 1


def test_changing_the_time_zone_leads_back_to_the_form(planned: HiringTeam) -> None:
    step = f"{_PATH}?application=5001&interview={_CULTURE_FIT}"
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        (link,) = re.findall(r'href="(/preferences\?from=[^"]*)"', browser.get(step).text)
        (back,) = re.findall(r'name="from" value="([^"]*)"', browser.get(link).text)
        assert html.unescape(back) == step
        saved = submit(browser, "/preferences", zone="Asia/Tokyo", **{"from": html.unescape(back)})
        assert saved.headers["location"] == step
        assert "Times in Tokyo" in browser.get(step).text


def test_a_time_that_does_not_exist_is_refused_and_an_ambiguous_one_asked_about(planned: HiringTeam) -> None:
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        submit(browser, "/preferences", zone="Europe/Berlin", language="en-GB")
        skipped = _schedule(browser, day="2027-03-28", start="02:30")
        assert skipped.status_code == 422
        assert "they go from 02:00 to 03:00" in skipped.text
        asked = _schedule(browser, day="2027-10-31", start="02:30")
        assert asked.status_code == 422
        assert "twice" in asked.text
        starts = []
        for which in ("0", "1"):
            path = _path_of(_schedule(browser, day="2027-10-31", start="02:30", which=which))
            starts.append(planned.get(int(path.rpartition("/")[2]))["start"]["date_time"])
    assert starts == ["2027-10-31T00:30:00.000Z", "2027-10-31T01:30:00.000Z"]


@pytest.mark.parametrize("policy", ["warn", "reject"])
def test_a_double_booking_is_shown_and_confirmed_where_that_is_allowed(planned: HiringTeam, policy: str) -> None:
    planned.change_settings(DoubleBooking(policy))
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        _path_of(_schedule(browser))
        before = len(planned.changes())
        again = _schedule(browser, start="15:00")
        assert again.status_code == 422
        assert "Kate Austen: Culture Fit, Ana Lloyd, 2:30" in again.text
        assert ('name="anyway"' in again.text) == (policy == "warn")
        assert len(planned.changes()) == before, "nothing was written"
        confirmed = _schedule(browser, start="15:00", anyway="1")
        assert confirmed.status_code == (303 if policy == "warn" else 422)


def test_a_room_that_is_taken_is_named(planned: HiringTeam) -> None:
    planned.change_settings(DoubleBooking.REJECT)
    assert planned.post("/rowen/v1/rooms", {"name": "Oak"}).status_code == 200
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        _path_of(_schedule(browser, location="Oak"))
        page = _schedule(browser, location="Oak", panel=[str(GRACE)])
        assert page.status_code == 422
        assert "This room is taken then: Culture Fit, Ana Lloyd, 2:30" in page.text
        assert 'id="panel-problem"' not in page.text
        assert '<datalist id="rooms"><option value="Oak">' in page.text
        _path_of(_schedule(browser, location="Elm", panel=[str(GRACE)]))


def test_a_form_sent_twice_schedules_one_interview(planned: HiringTeam) -> None:
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        token = token_of(browser)
        first, second = (_path_of(_schedule(browser, csrf=token)) for _ in range(2))
        changed = _path_of(_schedule(browser, csrf=token, start="16:00"))
        assert first == second != changed
        fields = {"csrf": token, "first_name": "Jo", "last_name": "Ray", "job": str(_JOB)}
        steps = {_path_of(browser.post(_PATH, data=fields)) for _ in range(2)}
    assert len(steps) == 1
    candidates = planned.client.get("/v1/candidates", params={"job_id": _JOB}).json()
    assert [each["first_name"] for each in candidates].count("Jo") == 1


def test_candidates_jobs_and_plans_are_made_on_the_way(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        assert browser.post(_PATH, data={"csrf": token_of(browser), "first_name": "Jo"}).status_code == 422
        fields = {"first_name": "Jo", "last_name": "Ray", "email": "jo@mail.example", "job": "", "new_job": "Nurse"}
        step = _path_of(submit(browser, _PATH, **fields))
        assert "has no interviews yet" in browser.get(step).text
        known = submit(browser, _PATH, **fields)
        assert "Jo Ray has this address" in known.text
        planned = _path_of(submit(browser, step, interview_name="First talk", minutes="30"))
        page = browser.get(planned).text
        assert "Jo Ray" in page
        assert "First talk" in page
        person = {"person_name": "New Hire", "person_email": "new@team.example"}
        page = submit(browser, planned, action="person", day="2049-03-26", start="10:00", minutes="30", **person).text
        assert re.search(r'name="panel" value="\d+" checked', page)
        assert 'value="10:00"' in page
        found = team.client.get("/v1/users", params={"email": "new@team.example"}).json()
        assert [each["name"] for each in found] == ["New Hire"]
        chosen = str(found[0]["id"])
        done = submit(browser, planned, action="schedule", day="2049-03-26", start="10:00", minutes="30", panel=chosen)
        made = team.get(int(_path_of(done).rpartition("/")[2]))
    assert made["interview"]["name"] == "First talk"
    candidate = team.client.get("/v1/candidates", params={"email": "jo@mail.example"}).json()[0]
    assert candidate["applications"][0]["jobs"][0]["name"] == "Nurse"
    actors = {each["actor"]["name"] for each in team.changes()}
    assert actors == {"Ada Lovelace"}


def test_what_the_address_gives_is_carried_through_the_steps(planned: HiringTeam) -> None:
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        given = {"day": "2049-03-26", "start": "09:15", "person": str(GRACE)}
        page = browser.get(_PATH, params=given).text
        (step,) = re.findall(r'href="(/interviews/new\?application=5001[^"]*)"', page)
        assert parse_qs(urlsplit(step.replace("&amp;", "&")).query)["start"] == ["09:15"]
        page = browser.get(_PATH, params={**given, "application": 5001, "interview": 7001}).text
        assert 'value="09:15"' in page
        assert f'value="{GRACE}" checked' in page


def test_closed_and_unknown_records_are_not_found(planned: HiringTeam) -> None:
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        known = "application=5001"
        for query in (
            f"application={REJECTED}",
            *("application=999", "application=x"),
            *(f"{known}&interview=999", f"{known}&interview=x"),
        ):
            assert browser.get(f"{_PATH}?{query}").status_code == 404, query
        assert browser.get(f"{_PATH}?application={OTHER_ACTIVE}&interview=none").status_code == 200
        assert "job of this candidate is not known" in browser.get(_PATH, params={"application": OTHER_ACTIVE}).text


def test_interviewers_and_other_organizations_schedule_nothing_here(planned: HiringTeam) -> None:
    planned.schedule(interviewers=[seat(KATE)])
    stranger = planned.harness.tenant()
    stranger.merge_records("users", [{"id": ADA, "name": "Ada Lovelace"}])
    with signed_in(planned, KATE, Role.INTERVIEWER) as browser:
        assert browser.get(_PATH).status_code == 403
        assert _schedule(browser).status_code == 403
    with planned.unchanged(), signed_in(stranger, ADA, Role.ADMIN) as browser:
        assert "Ana Lloyd" not in browser.get(_PATH).text
        assert browser.get(_PATH, params={"application": 5001}).status_code == 404
        assert _schedule(browser).status_code == 404


def test_an_interview_takes_all_day_and_has_guests(planned: HiringTeam) -> None:
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        guests = "guest@else.example, Grace@Team.example;guest@else.example"
        days = {"kind": "all_day", "last_day": "2049-03-27", "start": ..., "minutes": ...}
        path = _path_of(_schedule(browser, **days, guests=guests))
        made = planned.get(int(path.rpartition("/")[2]))
        assert (made["start"], made["end"]) == ({"date": "2049-03-26"}, {"date": "2049-03-28"})
        assert [each["id"] for each in made["interviewers"]] == [KATE, None, GRACE], "an address of a user is that user"
        assert re.search(r"guest@else\.example <small[^>]*>Guest<", browser.get(path).text)
        for wrong in ({"last_day": "2049-03-25"}, {"guests": "somebody"}, {"day": "x"}):
            refused = _schedule(browser, **{**days, **wrong})
            assert refused.status_code == 422
            assert 'value="all_day" checked' in refused.text
        alone = _schedule(browser, **{**days, "day": "2049-04-01", "last_day": ""}, panel=..., guests="a@b.example")
        assert planned.get(int(_path_of(alone).rpartition("/")[2]))["end"] == {"date": "2049-04-02"}


def test_what_a_candidate_has_of_the_plan_already_is_shown(planned: HiringTeam) -> None:
    planned.schedule(start="2049-03-26T22:15:00.000Z", end="2049-03-26T23:00:00.000Z")
    with signed_in(planned, ADA, Role.COORDINATOR) as browser:
        page = browser.get(_PATH, params={"application": 5001}).text
        assert re.findall('class="held">([^<]*)<', page) == [
            "Scheduled: Friday, March 26, 2049, 10:15\u202fPM\u201311:00\u202fPM"
        ]
        stage = {"id": 6001, "name": "Face to Face"}
        planned.merge_records(
            "applications",
            [
                {
                    "id": 5001,
                    "candidate_id": _CANDIDATE,
                    "status": "active",
                    "current_stage": stage,
                    "last_activity_at": _LATER,
                    "jobs": [{"id": _JOB, "name": "Pilot"}],
                    "updated_at": "2021-01-01T00:00:00Z",
                }
            ],
        )
        assert "Pilot · Face to Face" in browser.get(_PATH).text
