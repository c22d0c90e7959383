"""A person's own things: scorecards with their drafts, the calendar's address, and what is left to do."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from rowen.api.reading.values import LONGEST_PROSE
from rowen.app.roles import Role
from tests.support.hiring_teams import (
    ADA,
    GRACE,
    KATE,
    LONG_AGO,
    LUKASZ,
    HiringTeam,
    seat,
)
from tests.support.people import signed_in, submit, visitor
from tests.support.records import Record

_LIST: Final = "/v1/scorecards"


def _ahead(days: int, hours: int = 1) -> Record:
    """Return the times of an interview some days from now."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    return {"start": start.isoformat(), "end": (start + timedelta(hours=hours)).isoformat()}


def test_a_draft_is_stored_while_typing_and_submitted_at_last(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE), seat(ADA)], **LONG_AGO)
    team.score(made["id"], ADA, overall_recommendation="strong_yes", questions=[{"question": "Why?", "answer": "Deep"}])
    path = f"/interviews/{made['id']}/scorecard"
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert path in browser.get(f"/interviews/{made['id']}").text
        for note in ("Knows", "Knows a lot\r\nof SQL"):
            answer = submit(browser, path, note=note, recommendation="yes", do="autosave")
            assert (answer.status_code, answer.text) == (200, "{}")
        page = browser.get(path).text
        assert "Knows a lot\nof SQL</textarea>" in page
        assert 'value="yes" checked' in page
        assert "Draft saved" in page
        assert "Deep" not in browser.get(f"/interviews/{made['id']}").text
        answer = submit(browser, path, note="Knows SQL", recommendation="no", do="submit")
        assert answer.headers["location"] == f"/interviews/{made['id']}?from=me"
        page = browser.get(f"/interviews/{made['id']}").text
        assert all(text in page for text in ("Knows SQL", "Why?", "Deep", "Strong yes"))
        german = browser.get(f"/interviews/{made['id']}", headers={"Accept-Language": "de"}).text
        assert "<dt>Wichtigste Eindrücke</dt>" in german, "in the words of the form"
        assert browser.get(path).headers["location"] == f"/interviews/{made['id']}", "it is final"
    assert team.get(made["id"])["status"] == "complete"
    assert [each["interviewer"]["id"] for each in team.client.get(_LIST).json()] == [ADA, KATE], "one each"


def test_a_scorecard_needs_a_recommendation_and_keeps_what_was_typed(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE)], **LONG_AGO)
    path = f"/interviews/{made['id']}/scorecard"
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        answer = submit(browser, path, note="Typed", recommendation="brilliant", do="submit")
        assert answer.headers["location"] == f"{path}?missing=recommendation"
        for _ in range(2):
            page = browser.get(answer.headers["location"]).text
            assert "Choose a recommendation" in page
            assert "Typed</textarea>" in page, "it is a draft, and a reload shows it"
            assert "checked" not in page, "a draft without a choice has none"
        submit(browser, path, note="Typed", recommendation="yes", do="autosave")
        assert "Choose a recommendation" not in browser.get(answer.headers["location"]).text
        with team.unchanged():
            assert submit(browser, path, note="x" * (LONGEST_PROSE + 1), do="autosave").status_code == 422
    assert [each["submitted_at"] for each in team.client.get(_LIST).json()] == []


def test_a_scorecard_without_text_is_submitted_after_asking(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE)], **LONG_AGO)
    path = f"/interviews/{made['id']}/scorecard"
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert "submit_without_text" not in browser.get(path).text
        answer = submit(browser, path, note=" ", recommendation="no_decision", do="submit")
        assert answer.headers["location"] == f"{path}?missing=note"
        page = browser.get(answer.headers["location"]).text
        assert "Submit without text" in page
        assert 'value="no_decision" checked' in page
        assert team.client.get(_LIST).json() == []
        answer = submit(browser, path, note="", recommendation="no", do="submit_without_text")
        assert answer.headers["location"] == f"/interviews/{made['id']}?from=me"
    assert [each["overall_recommendation"] for each in team.client.get(_LIST).json()] == ["no"]


def test_a_scorecard_is_for_an_interview_that_has_begun(team: HiringTeam) -> None:
    ahead = team.schedule(interviewers=[seat(KATE)], **_ahead(1))
    begun = team.schedule(interviewers=[seat(KATE)], start=_ahead(0)["start"], end=_ahead(0)["end"])
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert "/scorecard" not in browser.get(f"/interviews/{ahead['id']}").text
        assert browser.get(f"/interviews/{ahead['id']}/scorecard").headers["location"] == f"/interviews/{ahead['id']}"
        with team.unchanged():
            answer = submit(browser, f"/interviews/{ahead['id']}/scorecard", note="", recommendation="no", do="submit")
            assert answer.headers["location"] == f"/interviews/{ahead['id']}"
        assert "/scorecard" in browser.get(f"/interviews/{begun['id']}").text
        assert browser.get(f"/interviews/{begun['id']}/scorecard").status_code == 200


@pytest.mark.parametrize("role", Role)
def test_nobody_scores_for_somebody_else(team: HiringTeam, role: Role) -> None:
    made = team.schedule(interviewers=[seat(ADA)], **LONG_AGO)
    path = f"/interviews/{made['id']}/scorecard"
    with signed_in(team, KATE, role) as browser, team.unchanged():
        expected = 404 if role is Role.INTERVIEWER else 303
        assert browser.get(path).status_code == expected
        fields = {"recommendation": "yes", "do": "submit", "interviewer_id": str(ADA), "note": ""}
        assert submit(browser, path, **fields).status_code == expected


def test_the_address_of_the_own_calendar_is_shown_once_and_revocable(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE)], **_ahead(2))
    with signed_in(team, KATE, Role.INTERVIEWER) as browser, visitor(team) as program:

        def make() -> str:
            page = submit(browser, "/me/calendar", do="make").text
            found = re.search(r'value="([^"]+\.ics)"', page)
            assert found, page
            assert f'href="{found[1].replace("http:", "webcal:")}"' in page
            return found[1]

        assert "Make an address" in browser.get("/me").text
        first = make()
        assert first.startswith(team.harness.server.url)
        assert f"interview-{made['id']}-" in program.get(first).text
        assert first not in browser.get("/me").text
        second = make()
        assert (program.get(first).status_code, program.get(second).status_code) == (404, 200)
        assert submit(browser, "/me/calendar", do="remove").headers["location"] == "/me"
        assert program.get(second).status_code == 404
        assert browser.post("/me/calendar", data={"do": "make"}).status_code == 403, "no token"
    assert team.client.get("/rowen/v1/calendars").json() == []


def _words(page: str) -> str:
    """Return the text of a page as people read it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_the_own_interviews_are_shown_by_days_and_what_is_next_on_top(team: HiringTeam) -> None:
    team.schedule(interviewers=[seat(KATE, "declined")], **_ahead(1))
    made = team.schedule(interviewers=[seat(KATE), seat(ADA), seat(LUKASZ)], **_ahead(1, 2))
    team.schedule(interviewers=[seat(KATE)], **_ahead(9), location="Room 1")
    owed = team.schedule(interviewers=[seat(KATE)], **_ahead(-3))
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        page = browser.get("/me").text
        top = page[page.index('class="next') : page.index('id="interview-')]
        assert f"#interview-{made['id']}" in top
        text = _words(page)
        assert re.search(r"Next Tomorrow, \d+:\d+", text)
        assert re.search(r"Tomorrow \w+, \w+ \d+", text), "a heading for each day"
        assert "No place yet With Ada Lovelace, Łukasz Żółć" in text
        assert page.index(f'id="interview-{owed["id"]}"') < page.index(f'id="interview-{made["id"]}"')
        assert 'href="/me#interview-' in browser.get(f"/interviews/{made['id']}?from=me").text
        assert 'href="/?week=' in browser.get(f"/interviews/{made['id']}").text
        answer = submit(browser, f"/interviews/{made['id']}/answer", answer="accepted", **{"from": "one_of_mine"})
        assert answer.headers["location"] == f"/interviews/{made['id']}?from=me"


def test_times_are_in_the_own_zone_or_else_in_that_of_the_device(team: HiringTeam) -> None:
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:

        def zone() -> str:
            found = re.search(r"Times in ([^·]+) ·", browser.get("/me").text)
            assert found
            return found[1]

        for unusable in ("UTC", "Mars/Phobos", "../../etc/passwd"):
            browser.cookies.set("rowen_device_zone", unusable)
            assert zone().startswith("UTC"), unusable
        browser.cookies.set("rowen_device_zone", "Asia/Tokyo")
        assert zone() == "Tokyo, UTC+9"
        assert "Your device is in" not in browser.get("/me").text
        body = {"time_zone": "Asia/Kathmandu", "working_hours": {}}
        team.send("PUT", f"/rowen/v1/users/{KATE}/availability", body).raise_for_status()
        assert zone() == "Kathmandu, UTC+5:45"
        assert "Your device is in Tokyo, UTC+9: use it" in browser.get("/me").text
        assert 'value="Asia/Kathmandu" selected' not in browser.get("/preferences").text, "nobody chose it"
        assert submit(browser, "/preferences", zone="automatic", language="en-US").headers["location"] == "/me"
        assert zone() == "Kathmandu, UTC+5:45"
        assert submit(browser, "/preferences", zone="Asia/Tokyo", **{"from": "/me"}).headers["location"] == "/me"
        assert zone() == "Tokyo, UTC+9"
        assert "Your device is in" not in browser.get("/me").text
        assert 'value="Asia/Tokyo" selected' in browser.get("/preferences").text
        submit(browser, "/preferences", zone="automatic", language="en-US")
        assert zone() == "Kathmandu, UTC+5:45"


def test_the_interview_that_goes_on_is_next(team: HiringTeam) -> None:
    start, end = _ahead(0, 0)["start"], _ahead(0, 3)["end"]
    team.schedule(interviewers=[seat(KATE)], start=start, end=end)
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert " · now" in browser.get("/me").text


def test_what_is_left_to_do_has_one_action_each(team: HiringTeam) -> None:
    place: dict[str, Any] = {"location": "Room 1"}
    unanswered = team.schedule(interviewers=[seat(KATE), seat(ADA, "accepted")], **_ahead(1), **place)
    own = team.schedule(interviewers=[seat(GRACE)], **_ahead(2), **place)
    nowhere = team.schedule(interviewers=[seat(KATE, "accepted")], **_ahead(3))
    pair = [team.schedule(interviewers=[seat(LUKASZ, "accepted")], **_ahead(5, 2), **place) for _ in range(2)]
    team.post("/rowen/v1/rooms", {"name": "Blue room"}).raise_for_status()
    for user in (KATE, ADA):
        team.schedule(interviewers=[seat(user, "accepted")], **_ahead(6), location="Blue room")
    other = team.schedule(interviewers=[seat(KATE)], **_ahead(8), **place)
    declined = team.schedule(interviewers=[seat(KATE, "declined"), seat(ADA, "accepted")], **_ahead(9), **place)
    later = team.schedule(interviewers=[seat(ADA)], **_ahead(30))
    overdue = team.schedule(interviewers=[seat(ADA, "accepted"), seat(KATE, "declined")], **_ahead(-3), **place)
    recent = team.schedule(interviewers=[seat(ADA, "accepted")], **_ahead(0, -1) | {"start": _ahead(-1, 0)["start"]})
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        page = browser.get("/todo").text
        kinds = dict(re.findall(r'<h2 id="todo-(\w+)".*?(<ul.*?)</section>', page, re.DOTALL))
        assert list(kinds) == ["declined", "booked", "overdue", "unanswered", "nowhere"]

        def actions(kind: str) -> dict[int, str]:
            found = re.findall(r'href="/interviews/(\d+)".*?class="button" href="([^"]+)"', kinds[kind], re.DOTALL)
            return {int(identifier): target for identifier, target in found}

        assert actions("nowhere") == {nowhere["id"]: f"/interviews/{nowhere['id']}/move#location"}
        assert actions("unanswered")[own["id"]] == f"/interviews/{own['id']}"
        asked = actions("unanswered")[unanswered["id"]]
        assert asked.startswith("mailto:kate@team.example?subject=")
        assert "Please%20answer%3A%202%20interviews" in asked, "one mail for each person"
        assert f"interviews/{other['id']}" in asked
        assert "Kate Austen</b> <span" in kinds["unanswered"]
        assert "2 interviews" in kinds["unanswered"]
        declined_by_kate = f"/interviews/{declined['id']}/repair?person={KATE}"
        assert actions("declined") == {declined["id"]: declined_by_kate}
        assert "Kate Austen has declined" in kinds["declined"]
        moved, in_room = actions("booked").items()
        assert moved[1] == f"/interviews/{moved[0]}/move"
        assert moved[0] in {each["id"] for each in pair}
        assert in_room[0] not in {each["id"] for each in pair}
        assert "Blue room is also in" in kinds["booked"]
        assert actions("overdue").keys() == {overdue["id"]}
        assert "Ada Lovelace</b>" in kinds["overdue"]
        assert "for 2 days" in kinds["overdue"]
        assert f"/interviews/{later['id']}" not in page
        assert f"/interviews/{recent['id']}" not in page
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert browser.get("/todo").status_code == 403
        assert 'href="/todo"' not in browser.get("/me").text


def test_nothing_left_to_do(team: HiringTeam) -> None:
    with signed_in(team, GRACE, Role.ADMIN) as browser:
        assert "All done" in browser.get("/todo").text


def test_the_own_availability_is_written_as_people_do(team: HiringTeam) -> None:
    path = f"/rowen/v1/users/{KATE}/availability"
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        page = browser.get("/me/availability").text
        assert page.count('value="9\u201317"') == 5
        fields = {"zone": "Europe/Berlin", "before": "0", "after": "15", "notice": "2", "per_day": "3", "per_week": ""}
        hours = {"monday": "9-12, 13.00 \u2013 17:30", "friday": "10 to 14"}
        days = {"off_0_from": "2049-02-03", "off_0_to": "2/5/2049", "off_7_from": "2049-03-01"}
        off = {"holidays": "de-by", **days}
        assert submit(browser, "/me/availability", **fields, **hours, **off).headers["location"] == "/me"
        stored = team.client.get(path).json()
        assert stored == {
            "time_zone": "Europe/Berlin",
            "working_hours": {
                "monday": [{"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "17:30"}],
                "friday": [{"from": "10:00", "to": "14:00"}],
            },
            "buffer_minutes": {"before": 0, "after": 15},
            "limits": {"per_day": 3, "per_week": None},
            "minimum_notice_minutes": 120,
            "holidays": "DE-BY",
            "time_off": [{"from": "2049-02-03", "to": "2049-02-06"}, {"from": "2049-03-01", "to": "2049-03-02"}],
        }
        page = browser.get("/me/availability").text
        assert "Saved." in page
        assert 'value="9\u201312, 13\u201317:30"' in page
        shown = re.findall(r'name="(off_\d_\w+)" type="date" value="([^"]*)"', page)
        ends = [("off_0_to", "2049-02-05"), ("off_1_from", "2049-03-01"), ("off_1_to", "2049-03-01")]
        blank = [(f"off_{number}_{end}", "") for number in (2, 3) for end in ("from", "to")]
        assert shown == [("off_0_from", "2049-02-03"), *ends, *blank]
        with team.unchanged():
            for name, text in (
                ("tuesday", "nine to five"),
                ("tuesday", "17-9"),
                ("tuesday", "9-12, 11-13"),
                ("tuesday", "9-25"),
                ("zone", "Mars/Phobos"),
                ("holidays", "XX"),
                ("off_0_from", "next week"),
                ("off_0_from", ""),
                ("off_0_to", "2049-02-02"),
                ("off_0_to", "9999-12-31"),
                ("off_1_to", "2049-02-03"),
                ("per_day", "many"),
            ):
                answer = submit(browser, "/me/availability", **{**fields, **hours, **off, name: text})
                assert answer.status_code == 422, (name, text)
                wrong = {"off_0_from": "off_0_from", "off_1_to": "off_1_from"}.get(name, name)
                assert f'aria-describedby="{wrong}-problem"' in answer.text, (name, text)
                assert f'value="{text}"' in answer.text, "what was typed is kept"
        assert team.client.get(path).json() == stored


def test_time_off_that_the_form_does_not_show_stays(team: HiringTeam) -> None:
    path = f"/rowen/v1/users/{KATE}/availability"
    past = {"from": "2020-02-03", "to": "2020-02-06"}
    hours = {"from": "2049-05-01T08:00:00.000Z", "to": "2049-05-01T12:00:00.000Z"}
    many = [
        {"from": f"2050-{month:02}-{day:02}", "to": f"2050-{month:02}-{day + 1:02}"}
        for month in (1, 3)
        for day in range(1, 28)
    ]
    everything = [*many, past, hours]
    body = {"time_zone": "Europe/Berlin", "working_hours": {}, "time_off": everything}
    team.send("PUT", path, body).raise_for_status()
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        page = browser.get("/me/availability").text
        assert "2020-02-03" not in page
        days = dict(re.findall(r'name="(off_\w+)" type="\w+" value="([^"]*)"', page))
        assert len(days) == 104
        fields = {"zone": "Europe/Berlin", "before": "0", "after": "0", "notice": "0", **days}
        answer = submit(browser, "/me/availability", **fields)
        assert answer.headers["location"] == "/me"
        stored = team.client.get(path).json()["time_off"]
        assert sorted(each["from"] for each in stored) == sorted(each["from"] for each in everything)
        submit(browser, "/me/availability", **{**fields, "off_0_from": "", "off_0_to": ""})
        assert hours not in team.client.get(path).json()["time_off"], "an emptied row is removed"


def test_interviews_in_the_own_time_off_are_named_and_can_be_declined(team: HiringTeam) -> None:
    day = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    at = {"start": f"{day}T10:00:00Z", "end": f"{day}T11:00:00Z"}
    made = team.schedule(interviewers=[seat(KATE, "accepted")], **at)
    team.schedule(interviewers=[seat(KATE, "declined")], **at)
    team.schedule(interviewers=[seat(ADA)], **at)
    team.schedule(interviewers=[seat(KATE)], **_ahead(3))
    fields = {"zone": "UTC", "before": "0", "after": "0", "notice": "0", "off_0_from": day}
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert submit(browser, "/me/availability", **fields).headers["location"] == "/me/availability"
        page = browser.get("/me/availability").text
        assert "Saved." in page
        assert "1 interview is in your time off" in page
        assert re.findall(r'action="/interviews/(\d+)/answer"', page) == [str(made["id"])]
        answer = submit(browser, f"/interviews/{made['id']}/answer", answer="declined", **{"from": "off"})
        assert answer.headers["location"] == "/me/availability"
        assert "in your time off" not in browser.get("/me/availability").text


def test_all_interviews_in_the_own_time_off_are_declined_at_once(team: HiringTeam) -> None:
    day, panel = (datetime.now(UTC) + timedelta(days=20)).date().isoformat(), [seat(KATE), seat(ADA)]
    hours = [{"start": f"{day}T{hour}:00:00Z", "end": f"{day}T{hour}:30:00Z"} for hour in (10, 11, 12, 13)]
    first, second, late = (team.schedule(interviewers=panel, **each)["id"] for each in hours[:3])
    elsewhere = team.schedule(interviewers=panel, **_ahead(3))["id"]
    foreign = team.schedule(interviewers=[seat(ADA)], **hours[3])["id"]
    fields = {"zone": "UTC", "before": "0", "after": "0", "notice": "0", "off_0_from": day}
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        submit(browser, "/me/availability", **fields)
        page = browser.get("/me/availability").text
        assert "Decline all 3" in page
        assert re.findall(r'name="interview" value="(\d+)"', page) == [str(first), str(second), str(late)]
        sent = {"interview": [str(each) for each in (first, second, elsewhere, foreign)]}
        assert submit(browser, "/me/availability/decline", **sent).headers["location"] == "/me/availability"
        answers = [[each["response_status"] for each in team.get(one)["interviewers"]] for one in (first, second)]
        assert answers == [["declined", "needs_action"]] * 2
        for one in (late, elsewhere, foreign):
            assert team.get(one)["interviewers"][0]["response_status"] == "needs_action", "the list did not show it"
        assert submit(browser, "/me/availability/decline", interview=str(late)).headers["location"] == "/me"
        assert "Declined." in browser.get("/me").text


def test_everybody_on_the_panel_sees_the_time_in_the_own_zone(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE), seat(ADA)])
    for user, zone in ((KATE, "Asia/Tokyo"), (ADA, "America/New_York")):
        body = {"time_zone": zone, "working_hours": {}}
        team.send("PUT", f"/rowen/v1/users/{user}/availability", body).raise_for_status()
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        page = browser.get(f"/interviews/{made['id']}").text
    assert "Saturday, March 27, 2049, 7:15" in page
    assert "Tokyo, UTC+9 (Kate Austen)" in page
    assert "New York, UTC\u22124 (Ada Lovelace)" in page


def test_the_interviews_of_somebody_disabled_are_to_do(team: HiringTeam) -> None:
    interview = team.schedule(interviewers=[seat(KATE, "accepted")], **_ahead(2), location="Room 1")["id"]
    with signed_in(team, ADA, Role.ADMIN) as browser:
        assert "All done" in browser.get("/todo").text
        team.schedule(interviewers=[seat(KATE, "needs_action")], **_ahead(3), location="Room 1")
        assert "Not answered" in browser.get("/todo").text
        submit(browser, f"/settings/people/{KATE}", action="disable", sure="1")
        page = browser.get("/todo").text
    assert "Kate Austen is disabled" in page
    assert "Not answered" not in page, "nobody can answer"
    assert f"/interviews/{interview}/repair?person={KATE}" in page


def test_an_imported_interview_that_has_ended_awaits_a_scorecard(team: HiringTeam) -> None:
    """An answer must not move it elsewhere: it would get the status that its end gives."""
    made = team.schedule(interviewers=[seat(KATE)], **_ahead(1))
    begun, ended = (datetime.now(UTC) - timedelta(minutes=each) for each in (90, 30))
    times = {"start": {"date_time": begun.isoformat()}, "end": {"date_time": ended.isoformat()}}
    today = datetime.now(UTC).date()
    days = {"start": {"date": f"{today}"}, "end": {"date": f"{today + timedelta(days=1)}"}}
    declined = [{**each, "response_status": "declined"} for each in made["interviewers"]]
    others = [
        {**made, **times, "id": 61, "external_event_id": "61"},
        {**made, **times, "id": 62, "external_event_id": "62", "interviewers": declined},
        {**made, **days, "id": 63, "external_event_id": "63"},
    ]
    team.merge(others, created_through_api=True)
    assert team.get(61)["status"] == "scheduled"
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        submit(
            browser, "/preferences", zone="Pacific/Auckland", language="en-US"
        )  # where days end up to 13 hours before
        page = browser.get("/me").text
    owed, _, ahead = page.partition("Coming up")
    assert "Awaiting your scorecard" in owed
    assert "/interviews/61/scorecard" in owed
    assert "/interviews/61" not in ahead
    assert "/interviews/62" not in page, "whoever declined owes nothing"
    assert "/interviews/63" in ahead
    assert f"/interviews/{made['id']}" in ahead
