"""The page of a candidate, over HTTP: who gets it, and what it says in each state."""

import html
import re
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from rowen.app.roles import Role
from tests.support.booking_links import LINKS, ONSITE, candidate, new_link
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    GRACE,
    KATE,
    OTHER_ACTIVE,
    OTHER_STAGE_INTERVIEW,
    STAGE_INTERVIEW,
    HiringTeam,
    accepted,
    seat,
)
from tests.support.people import signed_in, submit
from tests.support.planning_people import MONDAY, at, make_available
from tests.support.sql import fetch

BROWSER: Final = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def path(team: HiringTeam) -> str:
    """Return the path of a link whose interviewers are free."""
    make_available(team, ADA, GRACE)
    return new_link(team)


def send(client: httpx.Client, path: str, **form: str) -> httpx.Response:
    """Send a form as a page of this server does."""
    return client.post(path, data=form, headers={**BROWSER, "sec-fetch-site": "same-origin"})


def test_a_browser_gets_a_page_and_a_program_the_same_json_as_before(team: HiringTeam, path: str) -> None:
    with candidate(team) as client:
        page = client.get(path, headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html;charset=utf-8")
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "Accept" in page.headers["vary"]
        assert team.organization.name in page.text
        assert "Hopper" not in page.text
        assert "mailto:ada" in page.text, "who made the link"
        for headers in ({}, {"accept": "application/json"}):
            answer = client.get(path, headers=headers)
            assert accepted(answer)["booked"] == []
            assert answer.headers["vary"] == "Accept-Encoding, Accept", "a page has the same address"
        assert client.get(f"{path}x").headers["vary"] == "Accept"
        assert client.post(path, json={}, headers=BROWSER).status_code == 422
        assert client.get(f"{path}/calendar.ics", headers=BROWSER).status_code == 404, "nothing is booked"
        assert client.head(path, headers=BROWSER).status_code == 200


def test_forms_book_move_and_cancel_once_however_often_they_are_sent(team: HiringTeam, path: str) -> None:
    with candidate(team) as client:
        first = send(client, path, do="book", start=at("09:00"))
        assert (first.status_code, "done=booked" in first.headers["location"]) == (303, True)
        again = send(client, path, do="book", start=at("10:00"))
        assert (again.status_code, "done=kept" in again.headers["location"]) == (303, True)
        assert "Your booking has not changed." in client.get(again.headers["location"], headers=BROWSER).text
        same = send(client, path, do="book", start=at("09:00"))
        assert (same.status_code, "done" in same.headers["location"]) == (303, False)
        send(client, path, do="move", start=at("09:00"))
        assert "Talk" in client.get(path, headers=BROWSER).text, "the name that was offered"
        offered = accepted(client.get(path))
        assert (offered["booked"][0]["start"], offered["may_move"]) == (at("09:00"), True)
        for clock in ("10:00", "11:00"):
            assert "done=moved" in send(client, path, do="move", start=at(clock)).headers["location"]
        late = send(client, path, do="move", start=at("12:00"))
        assert (late.status_code, "as often as you can" in late.text, "too late" in late.text) == (403, True, False)
        for _ in range(2):
            assert send(client, path, do="cancel").status_code == 303
        assert team.client.get("/v1/scheduled_interviews").json() == []


def test_a_form_of_another_site_is_refused(team: HiringTeam, path: str) -> None:
    with candidate(team) as client:
        form = {"do": "book", "start": at("09:00")}
        elsewhere = client.post(path, data=form, headers={**BROWSER, "origin": "https://other.example"})
        unknown = client.post(path, data=form, headers=BROWSER)
        assert (elsewhere.status_code, unknown.status_code) == (403, 403)
        assert accepted(client.get(path))["booked"] == []


def test_a_link_that_nothing_was_booked_with_is_in_to_do(team: HiringTeam, path: str) -> None:
    accepted(team.post(LINKS, {**ONSITE, "application_id": OTHER_ACTIVE}))
    with signed_in(team, GRACE, Role.COORDINATOR) as browser, candidate(team) as client:
        page = browser.get("/todo").text
        kinds = dict(re.findall(r'<h2 id="todo-(\w+)".*?(<ul.*?)</section>', page, re.DOTALL))
        assert "The link expires" in kinds["links"]
        listed = re.findall(r'class="button" href="/interviews/new\?application=(\d+)"', kinds["links"])
        assert listed == [str(ACTIVE), str(OTHER_ACTIVE)], "the one that expires first comes first"
        assert send(client, path, do="book", start=at("09:00")).status_code == 303
        page = browser.get("/todo").text
        assert re.findall(r"application=(\d+)", page) == [str(OTHER_ACTIVE)]
        team.merge_records(
            "applications", [{"id": OTHER_ACTIVE, "status": "rejected", "last_activity_at": "2031-01-01T00:00:00Z"}]
        )
        assert "todo-links" not in browser.get("/todo").text, "its application is closed"


def test_a_time_that_is_taken_or_nonsense_is_refused(team: HiringTeam, path: str) -> None:
    team.schedule(start=at("09:00"), end=at("10:00"))
    with candidate(team) as client:
        for answer in (
            send(client, path, do="book", start=at("09:00")),
            client.get(path, params={"start": at("09:00")}, headers=BROWSER),
        ):
            assert (answer.status_code, "just been taken" in answer.text) == (409, True)
        assert send(client, path, do="book", start="tomorrow").status_code == 422
        assert send(client, path, do="book").status_code == 422
        german = {**BROWSER, "accept-language": "de"}
        assert "Zeiten" in client.get(path, params={"zone": "Mars/Base"}, headers=german).text
        page = client.get(path, params={"zone": "Asia/Tokyo"}, headers=german).text
        likely, _, areas = page.partition('<optgroup label="Afrika">')
        assert re.findall(r'<option value="([^"]+)"( selected)?', likely) == [("Asia/Tokyo", " selected"), ("UTC", "")]
        assert '<option value="Asia/Tokyo">Tokyo</option>' in areas


def test_a_time_that_was_shown_before_can_be_chosen_while_it_is_free(team: HiringTeam, path: str) -> None:
    with candidate(team) as client:
        before = {each["start"] for each in accepted(client.get(path))["slots"]}
        team.schedule(start=at("09:00"), end=at("09:30"), interviewers=[seat(GRACE)], application_id=OTHER_ACTIVE)
        team.schedule(start=at("09:00"), end=at("11:30"), interviewers=[seat(ADA)], application_id=OTHER_ACTIVE)
        after = {each["start"] for each in accepted(client.get(path))["slots"]}
        hidden = next(each for each in sorted(before - after) if each > at("12:00"))
        chosen = client.get(path, params={"start": hidden}, headers=BROWSER)
        assert (chosen.status_code, "Is this time right?" in chosen.text) == (200, True)
        assert send(client, path, do="book", start=hidden).status_code == 303


def test_times_that_the_clocks_show_twice_have_their_distance_from_utc(team: HiringTeam) -> None:
    night = {"sunday": [{"from": "00:00", "to": "24:00"}]}
    make_available(team, ADA, working_hours=night)
    window = {"from": "2031-10-26T00:00:00Z", "to": "2031-10-26T03:00:00Z"}
    talk = {"minutes": 90, "seats": [{"users": [ADA]}]}
    path = new_link(team, window=window, sessions=[talk], step_minutes=30)
    berlin = {"zone": "Europe/Berlin"}
    with candidate(team) as client:
        page = client.get(path, params=berlin, headers=BROWSER).text
        for words in ("2:00\u202fAM (UTC+2)", "2:30\u202fAM (UTC+2)", "2:00\u202fAM (UTC+1)", "2:30\u202fAM (UTC+1)"):
            assert f"<b>{words}</b>" in page
        assert "Times are for Berlin. " in page, "some of them before the clocks change, and some after"
        chosen = client.get(path, params={**berlin, "start": "2031-10-26T01:30:00.000Z"}, headers=BROWSER).text
        assert "2:30\u202fAM (UTC+1)\u20134:00\u202fAM" in chosen
        assert "Times are for Berlin, UTC+1." in chosen
        accepted(client.post(path, json={"start": "2031-10-26T01:30:00.000Z"}))
        assert "Times are for Berlin, UTC+1." in client.get(path, params=berlin, headers=BROWSER).text


def test_a_candidate_sees_when_each_interview_is_before_booking(team: HiringTeam, path: str) -> None:
    make_available(team, KATE, working_hours={"tuesday": [{"from": "13:00", "to": "15:00"}]})
    kate = {"name": "Culture", "minutes": 60, "seats": [{"users": [KATE]}]}
    long = new_link(team, days=2, sessions=[*ONSITE["sessions"], kate], window={"from": MONDAY, "to": "2031-02-05"})
    with candidate(team) as client:
        one_day = client.get(path, params={"start": at("09:00")}, headers=BROWSER).text.replace("\u202f", " ")
        assert '<bdi>Code</bdi> <span class="quiet">10:00 AM\u201310:45 AM</span>' in one_day
        two_days = client.get(long, params={"start": at("09:00")}, headers=BROWSER).text.replace("\u202f", " ")
        assert '<bdi>Culture</bdi> <span class="quiet">Tuesday, February 4, 1:00 PM\u20132:00 PM</span>' in two_days


def test_a_candidate_learns_until_when_the_address_is_valid(team: HiringTeam, path: str) -> None:
    expires = datetime.fromisoformat(team.client.get(LINKS).json()[0]["expires_at"])
    day = f"{expires:%B} {expires.day}, "
    with candidate(team) as client:
        chosen = client.get(path, params={"start": at("09:00")}, headers=BROWSER).text
        assert re.search(rf"Until \w+, {day}.* you can choose another time or cancel here", chosen)
        booked = send(client, path, do="book", start=at("09:00"))
        page = client.get(booked.headers["location"], headers=BROWSER).text
        assert re.search(rf"You can come back to this address until \w+, {day}", page)


def test_another_link_does_not_say_that_a_time_was_taken(team: HiringTeam, path: str) -> None:
    other = new_link(team)
    with candidate(team) as client:
        accepted(client.post(path, json={"start": at("09:00")}))
        refused = send(client, other, do="book", start=at("11:00"))
        assert refused.status_code == 409
        assert "Already booked" in refused.text
        assert "just been taken" not in refused.text


def test_unknown_addresses_are_all_the_same(team: HiringTeam, path: str) -> None:
    with candidate(team) as client:
        for each in (f"{path[:-1]}x", "/book/1"):
            answer = client.get(each, headers=BROWSER)
            assert (answer.status_code, "not valid" in answer.text) == (404, True)


def test_an_address_has_its_requests_in_each_window(team: HiringTeam, path: str) -> None:
    with candidate(team) as client:
        answers = [client.get(path, headers=BROWSER).status_code for _ in range(21)]
    assert answers.count(200) <= 20
    assert 429 in answers


def _plan(team: HiringTeam, *users: int, minutes: int | None = 45) -> str:
    """Put an active candidate into a stage with an interview for each user; return the path of the button."""
    team.merge_records("jobs", [{"id": 8001, "name": "Pilot", "status": "open"}])
    interviews = [
        {
            "id": STAGE_INTERVIEW + number,
            "name": "<b>Fit</b>",
            "estimated_minutes": minutes,
            "default_interviewer_users": [{"id": user, "name": "Somebody"}],
        }
        for number, user in enumerate(users)
    ]
    later = {"updated_at": "2020-01-16T12:00:00.000Z"}
    team.merge_records("job_stages", [{"id": 6001, "job_id": 8001, "interviews": interviews, **later}])
    job = {"jobs": [{"id": 8001, "name": "Pilot"}], "current_stage": {"id": 6001}}
    active = {"id": ACTIVE, "status": "active", "last_activity_at": later["updated_at"], **job}
    team.merge_records("applications", [active])
    return f"/applications/{ACTIVE}/booking-link"


CHOICES: Final = {
    "interview": [str(STAGE_INTERVIEW), str(OTHER_STAGE_INTERVIEW)],
    "any_order": "1",
    "days": "1",
    "gap": "30",
    "lunch_from": "12:00",
    "lunch_until": "14:00",
    "expires_in_days": "14",
    "moves": "2",
    "notice_hours": "24",
}
"""What the form of a link has, as it is shown, with both interviews chosen."""


def _make(browser: httpx.Client, path: str, **fields: str | list[str]) -> httpx.Response:
    """Send the form of a link, with the days that it shows."""
    days = dict(re.findall(r'name="(times_from|times_until)" .*?value="([0-9-]+)"', browser.get(path).text))
    return submit(browser, path, **{**CHOICES, **days, **fields})


@pytest.mark.parametrize("minutes", [45, None])
def test_a_coordinator_makes_a_link_for_the_current_stage(team: HiringTeam, minutes: int | None) -> None:
    make_available(team, ADA)
    action = _plan(team, ADA, minutes=minutes)
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        step = browser.get("/interviews/new", params={"application": ACTIVE})
        assert (action in step.text) == (minutes is not None)
        form = browser.get(action).text
        assert f'value="{STAGE_INTERVIEW}"{" checked" if minutes else " disabled"}' in form
        made = _make(browser, action)
        assert made.status_code == (200 if minutes else 422), made.text
        assert _make(browser, "/applications/1/booking-link").status_code == 404
        assert browser.get("/applications/1/booking-link").status_code == 404
    if minutes:
        (url,) = re.findall(r'value="(http[^"]+/book/[^"]+)"', made.text)
        assert "&lt;b&gt;Fit" in made.text
        with candidate(team) as client:
            assert accepted(client.get(urlsplit(url).path))["sessions"] == [{"name": "<b>Fit</b>", "minutes": 45}]
    with signed_in(team, GRACE, Role.INTERVIEWER) as browser:
        assert browser.get(action).status_code == 403
        assert _make(browser, action).status_code == 403


def test_a_link_without_free_times_is_asked_about_with_the_reasons(team: HiringTeam) -> None:
    action = _plan(team, ADA, KATE)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        asked = _make(browser, action)
        assert asked.status_code == 200
        assert "No time is free for this link" in asked.text
        assert "Ada Lovelace, Kate Austen: no working hours entered yet" in html.unescape(asked.text)
        assert "/book/" not in asked.text
        assert "/book/" in _make(browser, action, action="anyway").text
        made = _make(browser, action, action="usual_hours")
        assert "/book/" in made.text
        assert "/book/" in _make(browser, action).text, "nothing to ask about any more"
    for user in (ADA, KATE):
        hours = team.client.get(f"/rowen/v1/users/{user}/availability").json()["working_hours"]
        assert list(hours) == ["monday", "tuesday", "wednesday", "thursday", "friday"]


def test_what_keeps_several_interviews_of_a_link_apart_is_in_words(team: HiringTeam) -> None:
    for user, day in ((ADA, "monday"), (KATE, "tuesday")):
        body = {"time_zone": "UTC", "working_hours": {day: [{"from": "09:00", "to": "17:00"}]}}
        team.send("PUT", f"/rowen/v1/users/{user}/availability", body).raise_for_status()
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        asked = _make(browser, _plan(team, ADA, KATE)).text
    assert "On two days instead of one" in asked
    assert "usual_hours" not in asked


def test_a_coordinator_sees_what_became_of_the_links_of_an_application_and_revokes_one(team: HiringTeam) -> None:
    make_available(team, ADA, time_zone="Pacific/Kiritimati")
    action = _plan(team, ADA)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser, candidate(team) as client:
        first = _address(_make(browser, action))
        second = _address(_make(browser, action))
        assert client.get(first).status_code == 404, "a new link replaces the open one"
        other = new_link(team)
        page = html.unescape(browser.get(f"/interviews/new?application={ACTIVE}").text)
        assert page.count('class="status open"') == 2
        start = accepted(client.get(second))["slots"][0]["start"]
        accepted(client.post(second, json={"start": start}))
        (interview,) = (each["id"] for each in team.client.get("/v1/scheduled_interviews").json())
        page = browser.get(f"/interviews/{interview}").text
        assert page.count('class="status booked"') == 1
        asked = _make(browser, action)
        assert "These interviews are booked already" in asked.text
        assert "/book/" not in asked.text
        (revoked,) = (path for path in _revocations(page) if f"{_newest(team)}/" in path)
        answer = submit(browser, revoked, of=str(ACTIVE), interview=str(interview))
        assert answer.headers["location"] == f"/interviews/{interview}"
        assert client.get(other).status_code == 404
        assert submit(browser, revoked, of=str(ACTIVE)).status_code == 404, "only once"
    with signed_in(team, ADA, Role.INTERVIEWER) as browser:
        assert "Booking links" not in browser.get(f"/interviews/{interview}").text
        assert submit(browser, revoked).status_code == 403


def test_a_link_covers_the_whole_plan_with_pools_rooms_and_lunch(team: HiringTeam) -> None:
    for user in (ADA, GRACE, KATE):
        make_available(team, user)
    action = _plan(team, ADA, KATE)
    room = accepted(team.post("/rowen/v1/rooms", {"name": "Room 4"}))
    fills = [{"interview_id": OTHER_STAGE_INTERVIEW, "count": 1}]
    pool = {"name": "Backend", "members": [{"user_id": GRACE}], "interviews": fills}
    accepted(team.post("/rowen/v1/pools", pool))
    with signed_in(team, GRACE, Role.COORDINATOR) as browser, candidate(team) as client:
        assert "1 of Backend" in browser.get(action).text
        chosen = {"with_room": "1", "lunch": "45", "expires_in_days": "3", "moves": "1", "notice_hours": "0"}
        made = _make(browser, action, **chosen)
        assert "It works for 3 days" in made.text
        path = _address(made)
        link = team.client.get(LINKS).json()[-1]
        assert link["moves"] == 1
        found = accepted(client.get(path))
        assert found["change_notice_minutes"] == 0
        start = found["slots"][0]["start"]
        accepted(client.post(path, json={"start": start}))
    booked = team.client.get("/v1/scheduled_interviews").json()
    assert {each["location"] for each in booked} == {room["name"]}
    held = {each["interview"]["id"]: {one["id"] for one in each["interviewers"]} for each in booked}
    assert held == {STAGE_INTERVIEW: {ADA}, OTHER_STAGE_INTERVIEW: {KATE, GRACE}}


def test_a_booking_that_is_over_does_not_stop_another_link(team: HiringTeam) -> None:
    make_available(team, ADA)
    action = _plan(team, ADA)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser, candidate(team) as client:
        path = _address(_make(browser, action))
        start = accepted(client.get(path))["slots"][0]["start"]
        (booked,) = accepted(client.post(path, json={"start": start}))["booked"]
        assert "booked already" in _make(browser, action).text
        (interview,) = (each["id"] for each in team.client.get("/v1/scheduled_interviews").json())
        past = {"start": {"date_time": "2020-01-16T12:00:00.000Z"}, "end": {"date_time": "2020-01-16T12:45:00.000Z"}}
        team.change(interview, **past)
        assert booked["start"] == start
        assert "/book/" in _make(browser, action).text


def test_a_mirror_makes_no_links(team: HiringTeam) -> None:
    make_available(team, ADA)
    action = _plan(team, ADA)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        change = "UPDATE organizations SET mirrored_from = ? WHERE id = ?"
        fetch(team.harness.database, change, "https://account.example", team.organization.id)
        assert _make(browser, action).status_code == 403
        assert browser.get(action).status_code == 403
    assert team.client.get(LINKS).json() == []


def test_more_than_a_link_can_arrange_is_noted_at_its_interviews(team: HiringTeam) -> None:
    action = _plan(team, *[ADA] * 2)
    everybody = {"name": "All", "members": [{"user_id": each} for each in (ADA, GRACE, KATE)]}
    for number in range(3):
        fills = [{"interview_id": STAGE_INTERVIEW, "count": 10}]
        accepted(team.post("/rowen/v1/pools", {**everybody, "name": f"All {number}", "interviews": fills}))
    for _ in range(20):
        accepted(team.post("/rowen/v1/pools", {**everybody, "interviews": [{"interview_id": STAGE_INTERVIEW}]}))
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        answer = _make(browser, action)
    assert answer.status_code == 422
    assert re.findall(r'id="([a-z_]+)-problem"', answer.text) == ["interview"]


def test_a_new_link_starts_from_the_current_stage_and_offers_the_whole_plan(team: HiringTeam) -> None:
    action = _plan(team, ADA)
    planned = {"name": "Final", "estimated_minutes": 30, "default_interviewer_users": [KATE]}
    final = {"job_id": 8001, "name": "Last", "interviews": [planned]}
    accepted(team.post("/rowen/v1/job_stages", final))
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        form = browser.get(action).text
    assert f'value="{STAGE_INTERVIEW}" checked' in form
    assert form.count('name="interview"') == 2
    assert "Final" in form
    assert form.count("checked") == 2, "one interview, and any order"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"interview": []}, "interview"),
        ({"interview": ["1"]}, "interview"),
        ({"times_from": "soon"}, "times_from"),
        ({"times_until": "2019-01-01"}, "times_until"),
        ({"days": "11"}, "days"),
        ({"gap": "-1"}, "gap"),
        ({"lunch": "0"}, "lunch"),
        ({"lunch": "180"}, "lunch"),
        ({"lunch": "45", "lunch_from": "noon"}, "lunch_from"),
        ({"lunch": "45", "lunch_until": "11:00"}, "lunch"),
        ({"expires_in_days": "181"}, "expires_in_days"),
        ({"moves": "101"}, "moves"),
        ({"notice_hours": "721"}, "notice_hours"),
    ],
)
def test_every_bad_field_of_a_link_is_named_and_keeps_what_was_typed(
    team: HiringTeam, wrong: dict[str, str | list[str]], problem: str
) -> None:
    make_available(team, ADA)
    action = _plan(team, ADA)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        answer = _make(browser, action, **wrong)
    assert answer.status_code == 422, answer.text
    assert re.findall(r'id="([a-z_]+)-problem"', answer.text) == [problem]
    assert all(f'value="{text}"' in answer.text for text in wrong.values() if isinstance(text, str))
    assert team.client.get(LINKS).json() == []


def _address(page: httpx.Response) -> str:
    (url,) = re.findall(r'value="(http[^"]+/book/[^"]+)"', page.text)
    path: str = urlsplit(url).path
    return path


def _revocations(page: str) -> list[str]:
    return re.findall(r'action="(/booking-links/\d+/revoke)"', page)


def _newest(team: HiringTeam) -> int:
    found: int = team.client.get(LINKS).json()[-1]["id"]
    return found
