"""The data of the board: who gets it, the clock of its times, moves, and changes as they happen."""

import json
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from rowen.app.roles import Role
from tests.support.documents import ROOT
from tests.support.hiring_teams import ADA, GRACE, KATE, STRICT, HiringTeam, guest, seat
from tests.support.people import BROWSER, signed_in, token_of, visitor
from tests.support.records import Record
from tests.support.server import serving
from tests.support.storage import SQLITE, Storage

_WEEK: Final = "/board/week?week=2049-03-26"
_LONG: Final = {"start": "2049-03-26T09:00:00.000Z", "end": "2049-03-26T10:00:00.000Z"}
_WAIT_SECONDS: Final = 20


def test_a_week_shows_what_a_person_may_see(team: HiringTeam) -> None:
    own = team.schedule(interviewers=[seat(KATE)])["id"]
    foreign = team.schedule(interviewers=[seat(ADA)])["id"]
    with signed_in(team, GRACE, Role.COORDINATOR) as planner, signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert {each["id"] for each in _week(planner)} == {own, foreign}
        assert {each["id"] for each in _week(browser)} == {own}
        assert _week(planner, "2049-04-10") == []
    with visitor(team) as nobody:
        for path in (_WEEK, "/board/changes?after=0"):
            assert nobody.get(path).status_code == 401
        assert nobody.post("/board/interviews/1").status_code == 401


def test_times_are_those_of_the_viewers_clock(team: HiringTeam) -> None:
    interview = team.schedule(**_LONG)["id"]
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        for zone, start in (("UTC", "2049-03-26T09:00"), ("Asia/Kolkata", "2049-03-26T14:30")):
            browser.post("/preferences", data={"csrf": token_of(browser), "zone": zone})
            (found,) = _week(browser)
            assert (found["id"], found["start"]) == (interview, start)
            assert found["ends_at"] - found["starts_at"] == 3_600_000


def test_a_move_is_made_on_the_viewers_clock(team: HiringTeam) -> None:
    team.schedule(interviewers=[seat(KATE, "accepted"), guest("eve@x.example", "tentative")], **_LONG)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        browser.post("/preferences", data={"csrf": token_of(browser), "zone": "America/New_York"})
        (shown,) = _week(browser)
        answer = _move(browser, shown, start="2049-03-25T15:30", end="2049-03-25T16:15")
        assert answer.status_code == 200, answer.text
        stored = team.get(shown["id"])
        assert stored["start"] == {"date_time": "2049-03-25T19:30:00.000Z"}
        assert stored["end"] == {"date_time": "2049-03-25T20:15:00.000Z"}
        assert answer.json()["interview"]["start"] == "2049-03-25T15:30"
        assert stored["organizer"]["id"] == GRACE
        (change,) = [each for each in team.changes() if each["kind"] == "rescheduled"]
        assert change["actor"]["id"] == GRACE


def test_a_seat_passes_to_another_person_and_the_others_keep_their_answers(team: HiringTeam) -> None:
    team.schedule(interviewers=[seat(KATE, "accepted"), guest("eve@x.example", "tentative")], **_LONG)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        (shown,) = _week(browser)
        assert _move(browser, shown, leaving=str(KATE), joining=str(ADA)).status_code == 200
        panel = team.get(shown["id"])["interviewers"]
        assert [(each["id"], each["response_status"]) for each in panel] == [(ADA, "needs_action"), (None, "tentative")]
        (shown,) = _week(browser)
        assert _move(browser, shown, leaving=str(ADA), joining="987654321").status_code == 422
        assert _move(browser, shown, leaving=str(ADA), joining="-5").json()["field"] == "joining"
        assert _move(browser, shown, place="Attic").json()["interview"]["place"] == "Attic"


def test_times_that_the_clock_skips_are_refused_and_those_it_shows_twice_are_asked_about(team: HiringTeam) -> None:
    team.schedule(**_LONG)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        browser.post("/preferences", data={"csrf": token_of(browser), "zone": "Europe/Berlin"})
        (shown,) = _week(browser)
        with team.unchanged():
            skipped = _move(browser, shown, start="2049-03-28T02:30", end="2049-03-28T03:30")
            assert (skipped.status_code, skipped.json()["field"]) == (422, "start")
            assert "There is no 2:30" in skipped.json()["words"]
            assert "Choose 3:00" in skipped.json()["words"]
            asked = _move(browser, shown, start="2049-10-31T02:30", end="2049-10-31T04:00")
            assert (asked.status_code, asked.json()["field"]) == (409, "start")
            choices = [each["value"] for each in asked.json()["choices"]]
            assert choices == ["2049-10-31T02:30+02:00", "2049-10-31T02:30+01:00"]
        assert _move(browser, shown, start=choices[1], end="2049-10-31T04:00").status_code == 200
        assert team.get(shown["id"])["start"] == {"date_time": "2049-10-31T01:30:00.000Z"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start": ""}, "start"),
        ({"end": "x"}, "end"),
        ({"end": "2049-03-26T09:00"}, "end"),
        ({"end": "2049-03-26T08:00"}, "end"),
        ({"end": "2049-03-27"}, "end"),
        ({"start": "0001-01-01T00:00"}, "start"),
    ],
)
def test_bad_times_are_refused_by_name(team: HiringTeam, fields: dict[str, str], field: str) -> None:
    team.schedule(**_LONG)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser, team.unchanged():
        (shown,) = _week(browser)
        answer = _move(browser, shown, **fields)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
        assert answer.json()["words"]


def test_a_move_of_an_interview_that_others_changed_shows_what_they_changed(team: HiringTeam) -> None:
    team.schedule(**_LONG)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        (shown,) = _week(browser)
        team.change(shown["id"], location="Attic")
        with team.unchanged():
            answer = _move(browser, shown, start="2049-03-27T09:00", end="2049-03-27T10:00")
        assert answer.status_code == 412
        assert answer.json()["interview"]["place"] == "Attic"
        (change,) = answer.json()["changes"]
        assert change["fields"] == [["Place", "nothing", "Attic"]]
        team.delete(f"{STRICT}/{shown['id']}")
        gone = _move(browser, shown)
        assert (gone.status_code, gone.json()["interview"]) == (412, None)


def test_only_those_who_plan_move_interviews_and_only_from_a_page_of_ours(team: HiringTeam) -> None:
    team.schedule(interviewers=[seat(KATE)], **_LONG)
    with signed_in(team, KATE, Role.INTERVIEWER) as browser, signed_in(team, GRACE, Role.ADMIN) as admin:
        (shown,) = _week(browser)
        with team.unchanged():
            assert _move(browser, shown).status_code == 403
            assert admin.post(f"/board/interviews/{shown['id']}", data={"csrf": "00"}).status_code == 403
            for identifier in ("0", "x", "987654321"):
                assert _move(admin, {**shown, "id": identifier}).status_code in (404, 412)
        assert _move(admin, shown, start="2049-03-27T09:00", end="2049-03-27T10:00").status_code == 200


def test_changes_arrive_as_they_happen_and_only_those_that_a_person_may_see(team: HiringTeam) -> None:
    own = team.schedule(interviewers=[seat(KATE)], **_LONG)
    foreign = team.schedule(interviewers=[seat(ADA)])["id"]
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        revision = browser.get(_WEEK).json()["revision"]
        with _following(browser, revision) as changes:
            team.change(foreign, location="Attic")
            team.change(own["id"], location="Cellar")
            assert [each["place"] for each in _until(changes, own["id"])] == ["Cellar"]
            team.change(own["id"], interviewers=[seat(ADA)])
            assert _gone(changes) == [own["id"]], "no longer on the panel"


def test_a_cancelled_interview_leaves_the_board_and_an_import_loads_it_again(team: HiringTeam) -> None:
    interview = team.schedule(**_LONG)["id"]
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        revision = browser.get(_WEEK).json()["revision"]
        with _following(browser, revision) as changes:
            team.delete(f"{STRICT}/{interview}")
            assert _gone(changes) == [interview]
            team.merge([{**team.schedule(), "id": 77}])
            assert any(each["everything"] for each in changes)


def test_a_stream_ends_with_its_session(team: HiringTeam) -> None:
    planner = (team, GRACE, Role.COORDINATOR)
    with signed_in(*planner) as browser, signed_in(*planner) as other, _following(browser, 0) as changes:
        other.post("/sign-out-everywhere", data={"csrf": token_of(other)})
        team.schedule()
        assert [each for each in changes if each["interviews"]] == []


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 30])
def test_a_revision_must_be_one(team: HiringTeam, after: str) -> None:
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        assert browser.get(f"/board/changes?after={after}").status_code == 422


def test_the_page_holds_hostile_names_as_data_only(team: HiringTeam) -> None:
    hostile = "</script><script>alert(1)</script><!--"
    team.merge_records("candidates", [{"id": 81, "first_name": hostile, "last_name": "x"}])
    team.merge_records("applications", [{"id": 91, "candidate_id": 81, "jobs": [], "status": "active"}])
    team.schedule(application_id=91, **_LONG)
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        page = browser.get("/?week=2049-03-26").text
        assert "alert(1)" in page
        assert "<script>" not in page
        assert page.count("</script>") == len(re.findall("<script ", page))
        data = re.search(r'id="week">(.*?)</script>', page)
        assert data
        assert json.loads(data[1])["interviews"][0]["candidate"] == f"{hostile} x"


def test_without_the_calendar_the_board_is_the_agenda(storage: Storage, database: str, tmp_path: Path) -> None:
    if storage is not SQLITE:
        pytest.skip("it is about the pages")
    left_out = shutil.ignore_patterns("installed", "__pycache__")
    shutil.copytree(ROOT / "src/rowen", tmp_path / "rowen", ignore=left_out)
    command = (sys.executable, "-P", "-m", "rowen")
    there = {"PYTHONPATH": str(tmp_path)}
    with serving(database, ["--demo"], extra_environment=there, command=command) as server, server.client() as browser:
        browser.headers.update({**BROWSER, "Origin": server.url})
        browser.post("/demo/sign-in", data={"role": "coordinator"})
        page = browser.get("/?view=week")
        assert "The calendar of the board is not installed" in page.text
        assert 'class="rows"' in page.text


def _week(browser: httpx.Client, day: str = "2049-03-26") -> list[Record]:
    answer = browser.get(f"/board/week?week={day}")
    assert answer.status_code == 200, answer.text
    found: list[Record] = answer.json()["interviews"]
    return found


def _move(browser: httpx.Client, shown: Record, **fields: str) -> httpx.Response:
    """Move an interview as the board does."""
    seen = {"seen_at": str(shown["updated_at"]), "start": shown["start"], "end": shown["end"]}
    data = {"csrf": token_of(browser), **seen, **fields}
    return browser.post(f"/board/interviews/{shown['id']}", data=data)


@contextmanager
def _following(browser: httpx.Client, revision: int) -> Iterator[Iterator[Record]]:
    """Follow the changes; the block gets what comes, until the stream ends or nothing came for long."""
    with browser.stream("GET", f"/board/changes?after={revision}", timeout=_WAIT_SECONDS) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        yield _events(answer)


def _events(answer: httpx.Response) -> Iterator[Record]:
    name = ""
    limit = threading.Timer(_WAIT_SECONDS, answer.close)
    limit.start()
    try:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name == "changed":
                yield json.loads(line.removeprefix("data: "))
    finally:
        limit.cancel()


def _until(changes: Iterator[Record], interview: int) -> list[Any]:
    """Return the first version of an interview that comes, and require that no other interview came before it."""
    for each in changes:
        assert {one["id"] for one in each["interviews"]} <= {interview}
        assert each["gone"] == []
        if each["interviews"]:
            return list(each["interviews"])
    raise AssertionError("nothing came")


def _gone(changes: Iterator[Record]) -> list[int]:
    """Return the interviews of the first change by which any are gone."""
    return next(list(each["gone"]) for each in changes if each["gone"])
