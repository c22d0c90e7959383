"""Planning on the board: who has a row, and where an interview can be dropped."""

import json
from typing import Any, Final

import httpx

from rowen.app.roles import Role
from tests.support.hiring_teams import ACTIVE, ADA, GRACE, KATE, OTHER_ACTIVE, HiringTeam, accepted, guest, seat
from tests.support.people import signed_in, token_of
from tests.support.planning_people import MONDAY, OFFICE, at, make_available

_NAMES: Final = ["Ada Lovelace", "Grace Hopper", "Kate Austen", "Tweedle Dee", "Tweedle Dum", "Łukasz Żółć"]
_WEEK: Final = {"from": "2031-02-02T00:00:00Z", "to": "2031-02-09T00:00:00Z"}
"""The week of the board with that Monday, as it begins in the language of these tests."""


def _settings(browser: httpx.Client, query: str = "") -> dict[str, Any]:
    page = browser.get(f"/?view=week&week={MONDAY}{query}").text
    text = page.partition('id="settings">')[2].partition("</script>")[0]
    found: dict[str, Any] = json.loads(text)
    return found


def _scheduled(team: HiringTeam, **others: Any) -> int:
    found: int = team.schedule(start=at("10:00"), end=at("11:00"), **others)["id"]
    return found


def _targets(browser: httpx.Client, interview: int) -> list[dict[str, str]]:
    answer = browser.get(f"/board/interviews/{interview}/targets?week={MONDAY}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, str]] = answer.json()
    return found


def _starts(targets: list[dict[str, str]]) -> list[str]:
    """Return every quarter of an hour from the first to the last start of each target."""
    hours = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(0, 60, 15)]
    days = [f"2031-02-{day:02}T{hour}" for day in range(2, 9) for hour in hours]
    return [each for each in days if any(one["first"] <= each <= one["last"] for one in targets)]


def test_everybody_has_a_row_in_a_small_team_and_elsewhere_if_somebody_wants_it(team: HiringTeam) -> None:
    disabled = {"id": 77, "name": "Gone Away", "disabled": True, "emails": ["gone@x.example"]}
    team.merge_records("users", [disabled])
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        assert [each["name"] for each in _settings(browser)["people"]] == _NAMES
        assert _settings(browser, "&everybody=0")["people"] is None
        assert _settings(browser)["everybody"] is False, "it is remembered"
        many = [{"id": 9000 + each, "name": f"P {each}", "emails": [f"p{each}@x.example"]} for each in range(50)]
        team.merge_records("users", many)
        browser.cookies.delete("rowen_view")
        assert _settings(browser)["people"] is None
        assert len(_settings(browser, "&everybody=1")["people"]) == len(_NAMES) + len(many)
        assert len(browser.get("/board/people").json()) == len(_NAMES) + len(many)


def test_rows_of_others_are_not_for_interviewers(team: HiringTeam) -> None:
    interview = _scheduled(team, interviewers=[seat(KATE)])
    with signed_in(team, KATE, Role.INTERVIEWER) as browser:
        assert _settings(browser, "&everybody=1")["people"] is None
        for path in ("/board/people", f"/board/interviews/{interview}/targets"):
            assert browser.get(path).status_code == 403


def test_an_interview_can_be_dropped_exactly_where_the_api_finds_times(team: HiringTeam) -> None:
    make_available(team, KATE)
    make_available(team, ADA, working_hours={**OFFICE, "tuesday": [{"from": "12:00", "to": "15:00"}]})
    for name in ("Attic", "Cellar"):
        accepted(team.post("/rowen/v1/rooms", {"name": name, "site": "Berlin"}))
    interview = _scheduled(team, location="Attic", interviewers=[seat(KATE), seat(ADA), seat(GRACE, "declined")])
    team.schedule(start=at("13:00"), end=at("14:00"), interviewers=[seat(GRACE)])  # of the same candidate
    session = {"minutes": 60, "seats": [{"users": [KATE]}, {"users": [ADA]}]}
    asked = {"window": _WEEK, "application_id": ACTIVE, "reschedule": [interview], "sessions": [session], "limit": 500}
    slots = accepted(team.post("/rowen/v1/slots", asked))["slots"]
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        found = _targets(browser, interview)
        assert _starts(found) == [each["start"][:16] for each in slots]
        assert found[0] == {"first": f"{MONDAY}T09:00", "last": f"{MONDAY}T12:00", "until": f"{MONDAY}T13:00"}
        others = {"application_id": OTHER_ACTIVE, "interviewers": [seat(GRACE)]}
        team.schedule(start=at("14:00"), end=at("15:00"), location="Attic", **others)
        assert f"{MONDAY}T14:00" not in _starts(_targets(browser, interview)), "its room is taken"
        browser.post("/preferences", data={"csrf": token_of(browser), "zone": "Asia/Kolkata"})
        assert _targets(browser, interview)[0]["first"] == f"{MONDAY}T14:30"


def test_where_nothing_can_be_found_there_is_no_target(team: HiringTeam) -> None:
    days = {"start": {"date": MONDAY}, "end": {"date": "2031-02-04"}}
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        for given in (days, {"interviewers": [guest("eve@x.example")]}, {"interviewers": [seat(KATE, "declined")]}):
            whole = {"start": at("10:00"), "end": at("11:00"), **given}
            assert _targets(browser, team.schedule(**whole)["id"]) == []
        assert browser.get("/board/interviews/987654321/targets").status_code == 404
        assert browser.get("/board/interviews/x/targets").status_code == 404


def test_people_without_availability_can_be_where_most_people_work(team: HiringTeam) -> None:
    interview = _scheduled(team, interviewers=[seat(KATE)])
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        days = [each["first"] for each in _targets(browser, interview)]
        assert days == [f"2031-02-{day:02}T09:00" for day in range(3, 8)]
