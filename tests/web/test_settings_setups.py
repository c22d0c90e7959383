"""The settings of working hours and pools, as a coordinator uses them."""

import re
from pathlib import Path
from typing import Any, Final

import httpx

from rowen.app.roles import Role
from tests.support.harness import served
from tests.support.hiring_teams import ADA, GRACE, KATE, HiringTeam, accepted, hiring_team
from tests.support.people import signed_in, submit, token_of
from tests.support.sql import execute, fetch
from tests.support.storage import Storage

_HOURS: Final = "/settings/hours"
_POOLS: Final = "/settings/pools"
_BACKEND: Final = {"name": "Backend", "members": [{"user_id": KATE}, {"user_id": ADA}]}


def _post(browser: httpx.Client, path: str, **fields: Any) -> httpx.Response:
    return browser.post(path, data={"csrf": token_of(browser), **fields})


def _pool(team: HiringTeam, path: str) -> Any:
    return team.client.get(path.replace("/settings", "/rowen/v1")).json()


def test_the_availability_of_somebody_else_is_written_in_the_settings(team: HiringTeam) -> None:
    stored = f"/rowen/v1/users/{KATE}/availability"
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        browser.cookies.set("rowen_zone", "Asia/Tokyo")
        page = browser.get(f"{_HOURS}/{KATE}").text
        assert f'value="{team.organization.time_zone}" selected' in page, "not the zone of the coordinator"
        assert page.count('value="9\u201317"') == 5, "usual hours are offered"
        fields = {"zone": "Europe/Berlin", "before": "0", "after": "15", "notice": "0", "monday": "9-12"}
        wrong = submit(browser, f"{_HOURS}/{KATE}", **{**fields, "monday": "nine"})
        assert wrong.status_code == 422
        assert 'aria-describedby="monday-problem"' in wrong.text
        assert submit(browser, f"{_HOURS}/{KATE}", **fields).headers["location"] == _HOURS
        found = team.client.get(stored).json()
        assert found["working_hours"] == {"monday": [{"from": "09:00", "to": "12:00"}]}
        assert found["buffer_minutes"]["after"] == 15
        page = browser.get(_HOURS).text
        assert "Mon 09:00\u201312:00 \u00b7 Berlin" in page
        assert "Saved." in page
        assert "Saved." not in browser.get(_HOURS).text, "a message is shown once"
        assert browser.get(f"{_HOURS}/987654321").status_code == 404


def test_everybody_without_hours_gets_usual_ones_by_one_button(team: HiringTeam) -> None:
    body = {"time_zone": "Asia/Tokyo", "working_hours": {}}
    team.send("PUT", f"/rowen/v1/users/{KATE}/availability", body).raise_for_status()
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        assert "have no working hours" in browser.get(_HOURS).text
        assert _post(browser, _HOURS).status_code == 303
        page = browser.get(_HOURS).text
        assert "no working hours" not in page.lower()
        assert "Never \u00b7 Tokyo" in page, "who has an availability keeps it"
    found = team.client.get(f"/rowen/v1/users/{ADA}/availability").json()
    assert found["time_zone"] == team.organization.time_zone
    assert found["working_hours"]["friday"] == [{"from": "09:00", "to": "17:00"}]
    assert "saturday" not in found["working_hours"]


def test_a_pool_fills_seats_of_an_interview_of_a_plan(team: HiringTeam) -> None:
    """In a mirror the plan is read-only, and which pools fill its seats is not."""
    path = f"{_POOLS}/{accepted(team.post('/rowen/v1/pools', _BACKEND))['id']}"
    accepted(team.post("/rowen/v1/pools", {"name": "Nobody"}))
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        job = _post(browser, "/settings/jobs", name="Nurse").headers["location"]
        _post(browser, job, action="plan", interview_name="Talk", minutes="30")
        assert "nobody usually holds it" in browser.get(job).text
        (talk,) = re.findall(r'href="(/settings/jobs/\d+/interviews/\d+)"', browser.get(job).text)
        field, interview = f"pool-{path.rpartition('/')[2]}", int(talk.rpartition("/")[2])
        given = {"action": "change", "interview_name": "Talk", "minutes": "30"}
        assert browser.get(talk).text.count('name="pool-') == 1, "only pools that somebody is in"
        wrong = _post(browser, talk, **given, **{field: "11"})
        assert (wrong.status_code, f'id="{field}-problem"' in wrong.text) == (422, True)
        assert _post(browser, talk, **given, **{field: "2"}).status_code == 303
        assert _pool(team, path)["interviews"] == [{"interview_id": interview, "count": 2}]
        assert "2 of Backend" in browser.get(job).text
        assert f'name="{field}" type="number" min="0" max="10" inputmode="numeric" value="2"' in browser.get(talk).text
        assert _post(browser, talk, **given).status_code == 303
        assert "2 of Backend" in browser.get(job).text, "a form without the field leaves it"
        accepted(team.patch(path.replace("/settings", "/rowen/v1"), {"members": []}))
        assert f'name="{field}"' in browser.get(talk).text, "a pool that is empty now can be taken away"
        accepted(team.patch(path.replace("/settings", "/rowen/v1"), {"members": _BACKEND["members"]}))
        assert _post(browser, talk, **given, **{field: ""}).status_code == 303
        assert _pool(team, path)["interviews"] == []
        change = "UPDATE organizations SET mirrored_from = ? WHERE id = ?"
        fetch(team.harness.database, change, "https://account.example", team.organization.id)
        assert 'name="interview_name"' not in browser.get(talk).text
        assert _post(browser, talk, **{**given, "interview_name": "Other"}, **{field: "1"}).status_code == 303
        assert _pool(team, path)["interviews"] == [{"interview_id": interview, "count": 1}]
        assert "Talk" in browser.get(job).text
        assert _post(browser, talk, action="remove", sure="1").status_code == 403
        fetch(team.harness.database, change, None, team.organization.id)
        assert _post(browser, talk, action="remove", sure="1").status_code == 303
        assert _pool(team, path)["interviews"] == []


def test_a_pool_is_made_filled_changed_and_removed(team: HiringTeam) -> None:
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        assert 'id="name-problem"' in _post(browser, _POOLS, name="").text
        path = _post(browser, _POOLS, name="Backend").headers["location"]
        assert 'id="user-problem"' in _post(browser, path, action="add").text
        assert _post(browser, path, action="add", user=[KATE, ADA]).status_code == 303
        member = {"action": "member", "member": KATE, "weight": "3", "tags": " senior, python, senior"}
        assert _post(browser, path, **member).status_code == 303
        wrong = _post(browser, path, **{**member, "weight": "0"})
        assert wrong.status_code == 422
        assert 'id="weight-problem"' in wrong.text
        assert _post(browser, path, action="change", name="Servers").status_code == 303
        found = _pool(team, path)
        assert found["name"] == "Servers"
        assert found["members"] == [
            {"user_id": KATE, "weight": 3, "tags": ["senior", "python"]},
            {"user_id": ADA, "weight": 1, "tags": []},
        ]
        assert "weight 3 \u00b7 senior \u00b7 python" in browser.get(path).text
        assert "2 people" in browser.get(_POOLS).text
        assert _post(browser, path, action="leave", member=ADA).status_code == 303
        assert [each["user_id"] for each in _pool(team, path)["members"]] == [KATE]
        asked = _post(browser, path, action="remove")
        assert "Remove the pool Servers?" in asked.text
        assert _pool(team, path)["name"] == "Servers", "asked first"
        assert _post(browser, path, action="remove", sure="1").headers["location"] == _POOLS
        assert browser.get(path).status_code == 404


def test_a_member_who_left_meanwhile_is_not_added_again(team: HiringTeam) -> None:
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        path = _post(browser, _POOLS, name="Backend").headers["location"]
        _post(browser, path, action="add", user=[KATE])
        _post(browser, path, action="leave", member=KATE)
        assert _post(browser, path, action="member", member=KATE, weight="2", tags="").status_code == 303
        assert _pool(team, path)["members"] == []


def test_a_thousand_people_fit_in_a_form(team: HiringTeam) -> None:
    users = [{"id": each, "name": f"User {each}"} for each in range(10_001, 11_001)]
    team.merge_records("users", users)
    chosen = [each["id"] for each in users]
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        path = _post(browser, _POOLS, name="Everybody").headers["location"]
        assert _post(browser, path, action="add", user=chosen).status_code == 303
        assert [each["user_id"] for each in _pool(team, path)["members"]] == chosen
        panel = _post(browser, "/interviews/new?application=5001&interview=none", panel=chosen, action="schedule")
        assert panel.status_code == 422, "the form says how many a panel may have"


def test_the_hours_of_people_are_read_without_their_interviews_and_calendars(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    with served(database) as harness, hiring_team(harness) as team:
        body = {"time_zone": "Asia/Tokyo", "working_hours": {}}
        team.send("PUT", f"/rowen/v1/users/{KATE}/availability", body).raise_for_status()
        with signed_in(team, GRACE, Role.COORDINATOR) as browser:
            for table in ("panel", "busy_sources"):
                execute(database, f"DROP TABLE {table}")
            page = browser.get(_HOURS)
            assert (page.status_code, "Never \u00b7 Tokyo" in page.text) == (200, True)


def test_moving_what_was_removed_meanwhile_moves_nothing(team: HiringTeam) -> None:
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        job = _post(browser, "/settings/jobs", name="Nurse").headers["location"]
        for name in ("Talk", "Skills", "Team"):
            stage = _stages(team, job)[0]["id"] if name != "Talk" else ""
            _post(browser, job, action="plan", interview_name=name, minutes="30", stage=stage)
        (stage,) = _stages(team, job)
        removed = stage["interviews"][2]["id"]
        assert _post(browser, f"{job}/interviews/{removed}", action="remove", sure="1").status_code == 303
        for action in ("later", "earlier"):
            assert _post(browser, job, action=action, stage=stage["id"], interview=removed).status_code == 404
        assert [each["name"] for each in _stages(team, job)[0]["interviews"]] == ["Talk", "Skills"]


def test_a_stage_has_several_interviews_in_an_order_of_ones_own(team: HiringTeam) -> None:
    with signed_in(team, GRACE, Role.COORDINATOR) as browser:
        job = _post(browser, "/settings/jobs", name="Nurse").headers["location"]
        for name in ("Talk", "Skills", "Team"):
            page = browser.get(job).text
            chosen = re.search(r'<option value="(\d+)" selected', page)
            stage = chosen[1] if chosen else ""
            _post(browser, job, action="plan", interview_name=name, minutes="30", stage=stage)
        (only,) = _stages(team, job)
        ids = {each["name"]: each["id"] for each in only["interviews"]}
        assert list(ids) == ["Talk", "Skills", "Team"], "the stage that exists is chosen"
        for action, name, expected in (
            ("later", "Talk", ["Skills", "Talk", "Team"]),
            ("earlier", "Team", ["Skills", "Team", "Talk"]),
            ("earlier", "Skills", ["Skills", "Team", "Talk"]),
            ("later", "Talk", ["Skills", "Team", "Talk"]),
        ):
            _post(browser, job, action=action, stage=only["id"], interview=ids[name])
            found = _stages(team, job)[0]["interviews"]
            assert [each["name"] for each in found] == expected
            assert {each["name"]: each["id"] for each in found} == ids
        _post(browser, job, action="plan", interview_name="Offer", minutes="30", stage="", stage_name="Offer")
        _post(browser, job, action="later", stage=only["id"])
        assert [each["name"] for each in _stages(team, job)] == ["Offer", "Interviews"]
        assert _post(browser, job, action="later", stage="1").status_code == 404


def _stages(team: HiringTeam, job: str) -> Any:
    found = team.client.get(f"/v1/jobs/{job.rpartition('/')[2]}/stages").json()
    return sorted(found, key=lambda each: each["priority"])
