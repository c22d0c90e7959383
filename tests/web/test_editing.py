"""Changing interviews in the pages: moving, the panel, cancelling, undoing, and what others changed meanwhile."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import pytest

from rowen.app.organizations import DoubleBooking
from rowen.app.restoring import UNDO_TIME
from rowen.app.roles import Role
from tests.support.harness import Harness
from tests.support.hiring_teams import (
    ADA,
    GRACE,
    KATE,
    LONG_AGO,
    LUKASZ,
    STRICT,
    UNKNOWN,
    HiringTeam,
    accepted,
    guest,
    hiring_team,
    seat,
)
from tests.support.people import signed_in, submit, token_of
from tests.support.records import Record
from tests.support.sql import fetch

_HIDDEN: Final = re.compile(r'name="(version|seen)" value="([^"]*)"')
_FORMS: Final = ("move", "panel", "cancel")
_ACTIONS: Final = (*_FORMS, "move-back", "restore")


@pytest.fixture
def berlin(harness: Harness) -> Iterator[HiringTeam]:
    """Return an organization in Berlin."""
    with hiring_team(harness, "Europe/Berlin") as made:
        yield made


def _seen(browser: httpx.Client, path: str) -> dict[str, str]:
    """Open a form, and return the version that it shows."""
    page = browser.get(path)
    assert page.status_code == 200, page.text
    return {name: value.replace("&#34;", '"') for name, value in _HIDDEN.findall(page.text)}


def _moved(day: str = "2049-03-27", start: str = "10:00", minutes: str = "45", **others: str) -> dict[str, str]:
    return {"kind": "timed", "day": day, "start": start, "minutes": minutes, "location": "", "video": "", **others}


def test_a_coordinator_moves_an_interview_and_the_api_sees_it(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE, "accepted")])
    path = f"/interviews/{made['id']}/move"
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        page = browser.get(path).text
        assert all(f'value="{value}"' in page for value in ("2049-03-26", "22:15", "45"))
        fields = {**_moved(location="Room 2", video="https://video.example/1"), **_seen(browser, path)}
        answer = submit(browser, path, **fields)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/interviews/{made['id']}")
        stored = team.get(made["id"])
        assert (stored["start"], stored["end"]) == (
            {"date_time": "2049-03-27T10:00:00.000Z"},
            {"date_time": "2049-03-27T10:45:00.000Z"},
        )
        assert (stored["location"], stored["video_conferencing_url"]) == ("Room 2", "https://video.example/1")
        assert stored["interviewers"] == made["interviewers"]
        last = team.changes()[-1]
        assert (last["kind"], last["actor"]["id"], last["actor"]["name"]) == ("rescheduled", GRACE, "Grace Hopper")
        assert "Moved" in browser.get(f"/interviews/{made['id']}").text


def test_bad_fields_are_named_and_what_was_typed_stays(team: HiringTeam) -> None:
    made = team.schedule()
    path = f"/interviews/{made['id']}/move"
    with signed_in(team, GRACE, Role.COORDINATOR) as browser, team.unchanged():
        seen = _seen(browser, path)
        for wrong, message in (
            ({"day": "31.12.2049"}, "Enter a day"),
            ({"start": "25:00"}, "Enter a time"),
            ({"minutes": "-5"}, "Enter a whole number of minutes"),
            ({"minutes": "9" * 30}, "Enter a whole number of minutes"),
            ({"video": "javascript:alert(1)"}, "begins with https://"),
            ({"kind": "all_day", "day": "2049-03-26", "last_day": "2049-03-25"}, "not before the first one"),
        ):
            answer = submit(browser, path, **{**_moved(location="Typed"), **seen, **wrong})
            assert answer.status_code == 422, wrong
            assert message in answer.text, wrong
            assert 'value="Typed"' in answer.text
            assert 'aria-invalid="true"' in answer.text


def test_times_that_the_clocks_skip_or_repeat(berlin: HiringTeam) -> None:
    made = berlin.schedule()
    path = f"/interviews/{made['id']}/move"
    with signed_in(berlin, GRACE, Role.COORDINATOR) as browser:
        skipped = submit(browser, path, **_moved("2049-03-28", "02:30"), **_seen(browser, path))
        assert (skipped.status_code, "The clocks skip this time" in skipped.text) == (422, True)
        twice = submit(browser, path, **_moved("2049-10-31", "02:30"), **_seen(browser, path))
        assert twice.status_code == 422
        assert "The clocks show 2:30" in twice.text
        assert "UTC+2" in twice.text
        assert "UTC+1" in twice.text
        assert berlin.get(made["id"]) == made
        submit(browser, path, **_moved("2049-10-31", "02:30", which="1"), **_seen(browser, path))
        assert berlin.get(made["id"])["start"] == {"date_time": "2049-10-31T01:30:00.000Z"}
        page = browser.get(path).text
        assert 'value="02:30"' in page
        submit(browser, path, **_moved("2049-10-31", "02:30", "45", location="Here"), **_seen(browser, path))
        assert berlin.get(made["id"])["start"] == {"date_time": "2049-10-31T01:30:00.000Z"}, "the time was not changed"


def test_an_interview_becomes_all_day_and_timed_again(team: HiringTeam) -> None:
    made = team.schedule()
    path = f"/interviews/{made['id']}/move"
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        assert 'name="last_day"' in browser.get(f"{path}?kind=all_day").text
        days = {"kind": "all_day", "day": "2049-03-26", "last_day": "2049-03-27", "location": "", "video": ""}
        submit(browser, path, **days, **_seen(browser, path))
        stored = team.get(made["id"])
        assert (stored["start"], stored["end"]) == ({"date": "2049-03-26"}, {"date": "2049-03-28"})
        assert 'value="2049-03-27"' in browser.get(path).text
        submit(browser, path, **_moved("2049-03-26", "9:00", "60"), **_seen(browser, path))
        assert team.get(made["id"])["end"] == {"date_time": "2049-03-26T10:00:00.000Z"}


@pytest.mark.parametrize("form", _FORMS)
def test_whoever_comes_second_sees_what_the_first_changed(team: HiringTeam, form: str) -> None:
    made = team.schedule(interviewers=[seat(KATE)])
    path = f"/interviews/{made['id']}/{form}"
    typed = {
        "move": _moved(),
        "panel": {"member": str(KATE), "keep": str(KATE), "add": "Ada Lovelace", "do": "save"},
        "cancel": {},
    }[form]
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        seen = _seen(browser, path)
        team.change(made["id"], location="Room 9")
        with team.unchanged():
            answer = submit(browser, path, **typed, **seen)
            assert answer.status_code == 409
            assert "Somebody changed this interview" in answer.text
            assert "Room 9" in answer.text
            assert "Ada Lovelace" in answer.text, "who changed it"
            assert submit(browser, path, **typed).status_code == 409, "without a version"
        newer = {name: value.replace("&#34;", '"') for name, value in _HIDDEN.findall(answer.text)}
        assert newer["version"] != seen["version"]
        assert submit(browser, path, **typed, **newer).status_code == 303


def test_what_only_the_first_changed_is_kept(team: HiringTeam) -> None:
    made = team.schedule()
    path = f"/interviews/{made['id']}/move"
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        opened = dict(_fields_of(browser.get(path).text))
        team.change(made["id"], start="2049-03-27T08:00:00Z", end="2049-03-27T09:00:00Z", location="Room 1")
        wrong = submit(browser, path, **{**opened, "location": "Room 2", "minutes": "x"})
        assert wrong.status_code == 422
        again = dict(_fields_of(wrong.text))
        assert (again["version"], again["opened_start"]) == (opened["version"], "22:15"), "still what was seen"
        overtaken = submit(browser, path, **{**again, "minutes": opened["minutes"]})
        assert overtaken.status_code == 409
        merged = dict(_fields_of(overtaken.text))
        assert [merged[name] for name in ("day", "start", "minutes", "location")] == [
            "2049-03-27",
            "08:00",
            "60",
            "Room 2",
        ]
        assert submit(browser, path, **merged).status_code == 303
    stored = team.get(made["id"])
    assert (stored["start"], stored["location"]) == ({"date_time": "2049-03-27T08:00:00.000Z"}, "Room 2")


def _fields_of(page: str) -> list[tuple[str, str]]:
    """Return the fields of the form of a page."""
    main = page.partition("<main")[2]
    found = re.findall(r'<input[^>]*name="(\w+)"[^>]*?value="([^"]*)"', main)
    return [(name, html.unescape(value)) for name, value in found if name != "csrf"]


def test_the_panel_gains_and_loses_members(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE, "accepted"), guest("guest@elsewhere.example", name="Gil")])
    path = f"/interviews/{made['id']}/panel"
    members = {"member": [str(KATE), "guest@elsewhere.example"], "keep": str(KATE)}
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        assert 'value="Ada Lovelace"' in browser.get(path).text

        def send(**fields: object) -> httpx.Response:
            return browser.post(path, data={"csrf": token_of(browser), **_seen(browser, path), **members, **fields})

        with team.unchanged():
            for text, message in (
                ("Nobody Known", "Nobody here is called Nobody Known"),
                ("twins@team.example", "Several people"),
            ):
                answer = send(add=text, do="save")
                assert answer.status_code == 422
                assert message in answer.text
                assert f'value="{text}"' in answer.text
            assert "Keep or add at least one person" in send(keep="", do="save").text
            listed = send(add="ada@TEAM.example", do="add")
            assert (listed.status_code, f'value="{ADA}" checked' in listed.text) == (200, True)
        assert send(add="new@elsewhere.example", do="save").status_code == 303
        stored = team.get(made["id"])["interviewers"]
        assert [(each["id"], each["email"], each["response_status"]) for each in stored] == [
            (KATE, "kate@team.example", "accepted"),
            (None, "new@elsewhere.example", "needs_action"),
        ]


def test_whom_somebody_else_added_stays_on_the_panel(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE)])
    path = f"/interviews/{made['id']}/panel"
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        typed = {"member": str(KATE), "keep": str(KATE), "add": "lukasz@team.example", "do": "save"}
        seen = _seen(browser, path)
        team.change(made["id"], interviewers=[seat(KATE), seat(ADA)])
        answer = submit(browser, path, **typed, **seen)
        assert answer.status_code == 409
        assert re.findall(r'name="keep" value="(\d+)" checked', answer.text) == [str(KATE), str(LUKASZ), str(ADA)]


def test_double_bookings_are_refused_by_name_and_shown(team: HiringTeam) -> None:
    first = team.schedule(interviewers=[seat(KATE)])
    second = team.schedule(interviewers=[seat(KATE)], start="2049-04-01T10:00:00Z", end="2049-04-01T11:00:00Z")
    path = f"/interviews/{second['id']}/move"
    team.change_settings(DoubleBooking.REJECT)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        refused = submit(browser, path, **_moved("2049-03-26", "22:15"), **_seen(browser, path))
        assert refused.status_code == 422
        assert "Kate Austen is in another interview then" in refused.text
        team.change_settings(DoubleBooking.WARN)
        assert submit(browser, path, **_moved("2049-03-26", "22:15"), **_seen(browser, path)).status_code == 303
        page = browser.get(f"/interviews/{second['id']}").text
        assert "Also in another interview then" in page
        assert f'href="/interviews/{first["id"]}"' in page


def test_a_cancellation_can_be_undone_for_ten_minutes(team: HiringTeam) -> None:
    made = team.schedule(interviewers=[seat(KATE)])
    page = f"/interviews/{made['id']}"
    with (
        signed_in(team, GRACE, Role.COORDINATOR) as browser,
        signed_in(team, KATE, Role.INTERVIEWER) as hers,
        signed_in(team, ADA, Role.INTERVIEWER) as another,
    ):
        assert submit(browser, f"{page}/cancel", **_seen(browser, f"{page}/cancel")).status_code == 303
        assert team.client.get(f"{STRICT}/{made['id']}").status_code == 404
        shown = browser.get(page).text
        assert "Grace Hopper cancelled this interview" in shown
        assert f'action="{page}/restore"' in shown
        assert f"{page}/move" not in shown
        assert "Grace Hopper cancelled this interview" in hers.get(page).text
        assert f"{page}/restore" not in hers.get(page).text
        assert another.get(page).status_code == 404
        assert submit(browser, f"{page}/restore").status_code == 303
        assert team.get(made["id"])["external_event_id"] == made["external_event_id"]
        assert "Cancellation undone" in browser.get(page).text
        assert submit(browser, f"{page}/restore").status_code == 422, "it is there"
        accepted(team.delete(f"{STRICT}/{made['id']}"))
        statement = "UPDATE changes SET time = time - ? WHERE organization_id = ? AND kind = 'cancelled'"
        fetch(team.harness.database, statement, UNDO_TIME, team.organization.id)
        assert submit(browser, f"{page}/restore").status_code == 422


def test_a_move_is_undone_with_one_click_unless_something_changed_since(team: HiringTeam) -> None:
    made = team.schedule()
    page = f"/interviews/{made['id']}"
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        assert "move-back" not in browser.get(page).text
        submit(browser, f"{page}/move", **_moved(), **_seen(browser, f"{page}/move"))
        shown = browser.get(page).text
        assert shown.count(f'action="{page}/move-back"') == 1
        version = re.findall(r'name="version" value="([^"]*)"', shown)[0].replace("&#34;", '"')
        team.change(made["id"], location="Elsewhere")
        kept = submit(browser, f"{page}/move-back", version=version)
        assert kept.headers["location"] == f"{page}?kept=stale"
        shown = browser.get(f"{page}?kept=stale").text
        assert "Nothing was moved" in shown
        version = re.findall(r'name="version" value="([^"]*)"', shown)[0].replace("&#34;", '"')
        submit(browser, f"{page}/move-back", version=version)
        stored = team.get(made["id"])
        assert (stored["start"], stored["end"], stored["location"]) == (made["start"], made["end"], "Elsewhere")


def test_a_move_to_another_place_is_undone_with_it(team: HiringTeam) -> None:
    made = team.schedule(location="Attic")
    page = f"/interviews/{made['id']}"
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        submit(browser, f"{page}/move", **_moved(location="Cellar"), **_seen(browser, f"{page}/move"))
        assert team.get(made["id"])["location"] == "Cellar"
        shown = browser.get(page).text
        assert "Calendar event" not in shown, "a reference of programs"
        version = re.findall(r'name="version" value="([^"]*)"', shown)[0].replace("&#34;", '"')
        submit(browser, f"{page}/move-back", version=version)
    stored = team.get(made["id"])
    assert [stored[name] for name in ("start", "end", "location")] == [made["start"], made["end"], "Attic"]


@pytest.mark.parametrize("action", _ACTIONS)
def test_interviewers_change_nothing(team: HiringTeam, action: str) -> None:
    made = team.schedule(interviewers=[seat(KATE)])
    path = f"/interviews/{made['id']}/{action}"
    with signed_in(team, KATE, Role.INTERVIEWER) as browser, team.unchanged():
        assert f"/{action}" not in browser.get(f"/interviews/{made['id']}").text
        if action in _FORMS:
            assert browser.get(path).status_code == 403
        assert submit(browser, path, **_moved(), version="*").status_code == 403


@pytest.mark.parametrize("action", _ACTIONS)
def test_forms_need_their_token_and_an_interview_of_the_organization(
    team: HiringTeam, berlin: HiringTeam, action: str
) -> None:
    made, _, foreign = team.schedule(), berlin.schedule(), berlin.schedule()
    with signed_in(team, GRACE, Role.COORDINATOR) as browser, team.unchanged(), berlin.unchanged():
        assert browser.post(f"/interviews/{made['id']}/{action}", data=_moved()).status_code == 403
        unknown = [_refused(browser, f"/interviews/{each}/{action}") for each in (foreign["id"], UNKNOWN, "x", 0)]
        assert {status for status, _ in unknown} == {404}


def _refused(browser: httpx.Client, path: str) -> tuple[int, str]:
    answer = submit(browser, path, **_moved(), version="*")
    return answer.status_code, answer.text


def test_what_cannot_be_changed_has_no_forms(team: HiringTeam) -> None:
    complete: Record = team.schedule(interviewers=[seat(KATE)], **LONG_AGO)
    team.score(complete["id"], KATE)
    with signed_in(team, GRACE, Role.ADMIN) as browser:
        page = browser.get(f"/interviews/{complete['id']}").text
        for form in _FORMS:
            assert f"/{form}" not in page
            assert browser.get(f"/interviews/{complete['id']}/{form}").status_code == 422


def test_stored_text_never_becomes_part_of_a_form(team: HiringTeam) -> None:
    hostile = """<script>alert(1)</script><img src=x onerror=alert(2)>"'>{{7*7}}"""
    guest_of_it = {"name": hostile, "email": '"><script>@x', "response_status": "needs_action"}
    team.merge_records("users", [{"id": 71, "name": hostile, "first_name": hostile, "emails": [hostile]}])
    team.merge_records("candidates", [{"id": 81, "first_name": hostile}])
    team.merge_records("applications", [{"id": 91, "candidate_id": 81, "jobs": [{"id": 9, "name": hostile}]}])
    team.post("/rowen/v1/rooms", {"name": hostile})
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    times = {"start": {"date_time": soon.isoformat()}, "end": {"date_time": (soon + timedelta(hours=1)).isoformat()}}
    seats = [guest_of_it, {"id": 71, "name": hostile, "response_status": "needs_action"}]
    known = {"status": "scheduled", "interview": {"id": 7001, "name": hostile}, "interviewers": seats}
    made = {
        "id": 61,
        "application_id": 91,
        "location": hostile,
        "video_conferencing_url": "javascript:alert(3)",
        **known,
    }
    begun = {"start": {"date_time": datetime.now(UTC).isoformat()}, "end": times["end"]}
    others = [{**made, "id": 62, **times}, {**made, "id": 63, **begun}]
    team.merge([{**made, **times}, *others], created_through_api=True)
    one, scorecard = "/interviews/61", "/interviews/63/scorecard"
    with signed_in(team, 71, Role.ADMIN) as browser:
        seen = _seen(browser, f"{one}/move")
        pages = [browser.get(path) for path in ("/todo", one, scorecard, *(f"{one}/{form}" for form in _FORMS))]
        pages.append(submit(browser, f"{one}/panel", member="71", keep="71", add=hostile, do="add", **seen))
        pages.append(
            submit(browser, f"{one}/move", **_moved(hostile, hostile, hostile, location=hostile, video=hostile))
        )
        submit(browser, scorecard, note=f"</textarea>{hostile}", do="draft")
        pages.append(browser.get(scorecard))
        pages.append(
            submit(browser, "/me/availability", zone=hostile, monday=hostile, off_0_from=hostile, holidays=hostile)
        )
        submit(browser, f"{one}/cancel", **_seen(browser, f"{one}/cancel"))
        pages.append(browser.get(one))
        for page in pages:
            assert page.status_code in (200, 422), page.url
            assert "<script>" not in page.text, page.url
            assert "<img src=x" not in page.text, page.url
            assert 'href="javascript:' not in page.text, page.url
            assert "&lt;script&gt;" in page.text, page.url
