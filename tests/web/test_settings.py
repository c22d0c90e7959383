"""The settings, as an admin uses them."""

import html
import re
from typing import Any, Final

import httpx
import pytest

from rowen.app.roles import Role
from tests.support.hiring_teams import ADA, GRACE, KATE, HiringTeam, seat
from tests.support.people import signed_in, token_of, visitor
from tests.support.server import basic
from tests.support.sql import fetch

_PEOPLE: Final = "/settings/people"
_KEYS: Final = "/settings/keys"
_JOBS: Final = "/settings/jobs"
_HOOKS: Final = "/settings/webhooks"
_ORGANIZATION: Final = "/settings/organization"
_URL: Final = "https://93.184.216.34/hooks"
_LINK: Final = re.compile(r'value="http://[^"]*(/sign-in/[^"]+)"')


def _post(browser: httpx.Client, path: str, **fields: Any) -> httpx.Response:
    """Send a form, also with several values of a field."""
    return browser.post(path, data={"csrf": token_of(browser), **fields})


def test_a_person_is_added_invited_and_loses_access(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.ADMIN) as admin, visitor(team) as browser:
        bad = _post(admin, _PEOPLE, name="", email="nobody", role="interviewer")
        assert bad.status_code == 422
        assert 'id="name-problem"' in bad.text
        assert 'value="nobody"' in bad.text
        made = _post(admin, _PEOPLE, name="Jo Ray", email="jo@team.example", role="coordinator")
        link = _LINK.search(made.text)
        assert link
        assert browser.post(link[1]).status_code == 303
        assert browser.get("/settings/jobs").status_code == 200
        assert _LINK.search(admin.get(_PEOPLE).text) is None, "shown once"
        (user,) = team.client.get("/v1/users", params={"email": "jo@team.example"}).json()
        path = f"{_PEOPLE}/{user['id']}"
        assert "1 open session" in admin.get(path).text
        assert _post(admin, path, action="invite", role="interviewer").status_code == 200
        assert browser.get("/settings/jobs").status_code == 403, "the role counts at once"
        assert _post(admin, path, action="role", role="admin").status_code == 303
        assert browser.get(_KEYS).status_code == 200, "the session stays"
        assert _post(admin, path, action="role", role="nothing").status_code == 422
        assert "End all sessions of Jo Ray" in _post(admin, path, action="revoke").text
        assert browser.get("/me").status_code == 200, "asked first"
        assert _post(admin, path, action="revoke", sure="1").status_code == 303
        assert browser.get("/me").status_code == 303
        assert _post(admin, path, action="role", role="admin").status_code == 422, "only an invitation gives a role"
        assert "Cannot sign in" in admin.get(path).text


def test_a_person_is_renamed_in_every_interview_and_disabled(team: HiringTeam) -> None:
    interview = team.schedule(interviewers=[seat(KATE)])["id"]
    path = f"{_PEOPLE}/{KATE}"
    with signed_in(team, ADA, Role.ADMIN) as admin:
        fields = {"first_name": "Kate", "last_name": "Brown", "email": "kate@team.example"}
        assert _post(admin, path, action="change", **fields).status_code == 303
        assert team.get(interview)["interviewers"][0]["name"] == "Kate Brown"
        taken = _post(admin, path, action="change", **{**fields, "email": "grace@team.example"})
        assert taken.status_code == 422
        assert "Somebody else has this address" in taken.text
        asked = _post(admin, path, action="disable").text
        assert "Disable Kate Brown?" in asked
        assert "1 coming interview." in asked
        assert f"/interviews/{interview}/repair?person={KATE}" in asked
        assert "Enable this person first" not in admin.get(path).text, "asked first"
        _post(admin, path, action="disable", sure="1")
        page = admin.get(path).text
        assert "Enable this person first" in page
        assert f"/interviews/{interview}/repair?person={KATE}" in page
        assert team.client.get(f"/v1/users/{KATE}").json()["disabled"] is True
        _post(admin, path, action="enable")
        assert team.client.get(f"/v1/users/{KATE}").json()["disabled"] is False


def test_admins_cannot_shut_themselves_out(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.ADMIN) as admin:
        for action in ("revoke", "disable", "invite"):
            answer = _post(admin, f"{_PEOPLE}/{ADA}", action=action, role="interviewer")
            assert answer.status_code == 422, action
        assert admin.get(_PEOPLE).status_code == 200


def test_a_list_of_people_is_previewed_and_then_stored_as_a_whole(team: HiringTeam) -> None:
    path = f"{_PEOPLE}/list"
    wrong = "Name,Mail\nJo Ray,jo@team.example\nBen\nJo,JO@team.example\n"
    right = "Jo Ray,jo@team.example\nKate,kate@team.example\nMo,mo@team.example"
    with signed_in(team, ADA, Role.ADMIN) as admin:
        with team.unchanged():
            for action in ("preview", "store"):
                answer = _post(admin, path, lines=wrong, action=action)
                assert answer.status_code == 422
                assert "Has no e-mail address" in answer.text
                assert "Has the same address as line 2" in answer.text
                assert html.escape(wrong) in answer.text, "what was typed is kept"
            assert _post(admin, path, lines="").status_code == 422
            assert _post(admin, path, lines="a@b.example\n" * 501).status_code == 422
            preview = _post(admin, path, lines=right, action="preview")
            assert "Store 2 people" in preview.text
            assert "Is here already" in preview.text
        assert _post(admin, path, lines=right, action="store").status_code == 303
        assert "Everybody on the list is here already" in _post(admin, path, lines=right, action="preview").text
    names = [each["name"] for each in team.client.get("/v1/users", params={"per_page": 500}).json()]
    assert names[-2:] == ["Jo Ray", "Mo"]
    assert names.count("Kate Austen") == 1


def test_each_line_of_a_list_may_have_a_role(team: HiringTeam) -> None:
    path = f"{_PEOPLE}/list"
    lines = "Jo Ray,jo@team.example,coordinator\nMo,mo@team.example,Berlin\nCy,cy@team.example,interviewer"
    with signed_in(team, ADA, Role.ADMIN) as admin, visitor(team) as browser:
        assert "New. Ignored: Berlin" in _post(admin, path, lines=lines, action="preview").text
        links = _post(admin, path, lines=lines, action="store").text
        found = re.findall(r"([\w ]+), \S+, http://\S+(/sign-in/[\w.-]+)", links)
        assert [name for name, _ in found] == ["Jo Ray", "Cy"]
        browser.post(found[0][1])
        assert browser.get("/settings/jobs").status_code == 200
    with visitor(team) as browser:
        browser.post(found[1][1])
        assert browser.get("/settings/jobs").status_code == 403


def test_nobody_of_a_list_without_access_gets_a_link_by_a_department(team: HiringTeam) -> None:
    lines = "Name;E-Mail;Abteilung\nJo Ray;jo@team.example;Administration"
    with signed_in(team, ADA, Role.ADMIN) as admin:
        stored = _post(admin, f"{_PEOPLE}/list", lines=lines, role="", action="store")
        assert (stored.status_code, stored.headers["location"]) == (303, _PEOPLE), "no page of links"
        (user,) = team.client.get("/v1/users", params={"email": "jo@team.example"}).json()
        assert "Cannot sign in" in admin.get(f"{_PEOPLE}/{user['id']}").text


def test_everybody_on_a_list_gets_a_link_once(team: HiringTeam) -> None:
    path = f"{_PEOPLE}/list"
    lines = "Jo Ray,jo@team.example\nKate,kate@team.example\nAda,ada@team.example"
    with signed_in(team, ADA, Role.ADMIN) as admin, visitor(team) as browser:
        preview = _post(admin, path, lines=lines, role="coordinator", action="preview")
        assert "Store 2 people" in preview.text, "Ada may sign in already"
        assert "Is here already, and gets a link" in preview.text
        links = _post(admin, path, lines=lines, role="coordinator", action="store").text
        assert links.count("data-copies=") == 3, "one for each, and one for all"
        assert "mailto:jo@team.example?subject=" in links
        found = re.findall(r"(\w[\w ]*), (\S+), http://\S+(/sign-in/[\w.-]+)", links)
        assert [(name, email) for name, email, _ in found] == [
            ("Jo Ray", "jo@team.example"),
            ("Kate", "kate@team.example"),
        ]
        assert browser.post(found[1][2]).status_code == 303
        assert "Kate Austen" in browser.get("/settings/jobs").text
        assert admin.get(_PEOPLE).status_code == 200, "the admin kept the role"


def test_a_job_gets_a_plan_that_can_be_changed(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        assert _post(browser, _JOBS, name="").status_code == 422
        job = _post(browser, _JOBS, name="Nurse").headers["location"]
        bad = _post(browser, job, action="plan", interview_name="Talk", minutes="3")
        assert "from 5 to 1440" in bad.text
        _post(browser, job, action="plan", interview_name="Talk", minutes="30", usual=[str(KATE), str(ADA)])
        stage = re.findall(r'<option value="(\d+)"', browser.get(job).text)[0]
        _post(browser, job, action="plan", interview_name="Skills", minutes="60", stage=stage)
        _post(browser, job, action="plan", interview_name="Team", minutes="90", stage="", stage_name="On site")
        first, second = _stages(team, job)
        assert [(each["name"], each["estimated_minutes"]) for each in first["interviews"]] == [
            ("Talk", 30),
            ("Skills", 60),
        ]
        assert [each["id"] for each in first["interviews"][0]["default_interviewer_users"]] == [KATE, ADA]
        assert (second["name"], second["interviews"][0]["name"]) == ("On site", "Team")
        talk = f"{job}/interviews/{first['interviews'][0]['id']}"
        assert "Kate Austen" in browser.get(talk).text
        _post(browser, talk, action="change", interview_name="First talk", minutes="45", usual=str(GRACE))
        changed = _stages(team, job)[0]["interviews"]
        assert [each["id"] for each in changed] == [each["id"] for each in first["interviews"]]
        assert (changed[0]["name"], changed[0]["default_interviewer_users"][0]["id"]) == ("First talk", GRACE)
        asked = _post(browser, talk, action="remove")
        assert "Remove First talk from the plan?" in asked.text
        assert len(_stages(team, job)[0]["interviews"]) == 2, "asked first"
        _post(browser, talk, action="remove", sure="1")
        assert [each["name"] for each in _stages(team, job)[0]["interviews"]] == ["Skills"]
        assert browser.get(talk).status_code == 404
        last = f"{job}/stages/{second['id']}"
        moved = _post(browser, job, action="earlier", stage=second["id"])
        assert moved.headers["location"] == f"{job}#stage-{second['id']}"
        assert [each["name"] for each in _stages(team, job)] == ["On site", "Interviews"]
        assert _post(browser, last, action="change", name="").status_code == 422
        _post(browser, last, action="change", name="Visit")
        assert [(each["name"], each["active"]) for each in _stages(team, job)] == [
            ("Visit", False),
            ("Interviews", True),
        ]
        assert "Not in use" in browser.get(job).text
        assert browser.get(f"{job}/stages/1").status_code == 404
        _post(browser, job, action="change", name="Senior nurse", status="closed")
        assert "Closed" in browser.get(_JOBS).text
    assert {each["actor"]["name"] for each in team.changes()} == {"Ada Lovelace"}


def _stages(team: HiringTeam, job: str) -> list[dict[str, Any]]:
    answer = team.client.get(f"/v1/jobs/{job.rpartition('/')[2]}/stages")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return sorted(found, key=lambda each: each["priority"])


def test_a_key_is_shown_once_has_its_permissions_and_is_revoked(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.ADMIN) as admin, team.harness.server.client() as program:
        assert _post(admin, _KEYS, name="", access="some").status_code == 422
        made = _post(admin, _KEYS, name="warehouse", access="some", resource=["users", "jobs"])
        key = re.search(r'value="(rowen_[0-9a-f]{40})"', made.text)
        assert key
        assert key[1] not in admin.get(_KEYS).text
        assert "Jobs, People" in admin.get(_KEYS).text
        assert program.get("/v1/users", headers=basic(key[1])).status_code == 200
        assert program.get("/v1/scorecards", headers=basic(key[1])).status_code == 403
        assert "There is, or was, a key warehouse" in _post(admin, _KEYS, name="warehouse", access="all").text
        for sure in ("", "1"):
            assert _post(admin, _KEYS, action="revoke", key="nothing", sure=sure).status_code == 404
        asked = _post(admin, _KEYS, action="revoke", key="warehouse").text
        assert "Revoke the key warehouse?" in asked
        assert "used" in asked, "its last use"
        assert program.get("/v1/users", headers=basic(key[1])).status_code == 200, "asked first"
        assert _post(admin, _KEYS, action="revoke", key="warehouse", sure="1").status_code == 303
        assert "Revoked." in admin.get(_KEYS).text
        assert program.get("/v1/users", headers=basic(key[1])).status_code == 401


def test_a_webhook_is_added_turned_off_and_removed(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.ADMIN) as admin:
        for fields in ({"url": ""}, {"url": "ftp://x"}, {"url": "https://127.0.0.1/"}, {"url": _URL, "event": []}):
            answer = _post(admin, _HOOKS, **{"event": "interview_scheduled", **fields})
            assert answer.status_code == 422, fields
            assert "-problem" in answer.text
        made = _post(admin, _HOOKS, url=_URL, event=["interview_scheduled", "scorecard_submitted"])
        assert 'value="whsec_' in made.text
        assert "whsec_" not in admin.get(_HOOKS).text
        (hook,) = team.client.get("/rowen/v1/webhooks").json()
        assert hook["actions"] == ["interview_scheduled", "scorecard_submitted"]
        path = f"{_HOOKS}/{hook['id']}"
        assert "Nothing was sent yet" in admin.get(path).text
        assert "whsec_" in _post(admin, path, action="rotate").text
        assert "The previous one works until" in admin.get(path).text
        mistakes: list[dict[str, Any]] = [{"url": ""}, {"url": "https://127.0.0.1/"}, {"event": []}]
        for wrong in mistakes:
            typed = {"url": f"{_URL}/2", "event": "interview_deleted", "action": "change", **wrong}
            answer = _post(admin, path, **typed)
            assert answer.status_code == 422, wrong
        _post(admin, path, action="change", url=f"{_URL}/2", event="interview_deleted")
        (changed,) = team.client.get("/rowen/v1/webhooks").json()
        assert (changed["url"], changed["actions"]) == (f"{_URL}/2", ["interview_deleted"])
        _post(admin, path, action="disable")
        assert team.client.get("/rowen/v1/webhooks").json()[0]["enabled"] is False
        assert "Remove the webhook to 93.184.216.34?" in _post(admin, path, action="delete").text
        assert admin.get(path).status_code == 200, "asked first"
        assert _post(admin, path, action="delete", sure="1").headers["location"] == _HOOKS
        assert admin.get(path).status_code == 404


def test_a_test_of_a_webhook_is_shown_with_what_was_sent(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.ADMIN) as admin:
        _post(admin, _HOOKS, url="https://nowhere.invalid/hooks", event="interview_scheduled")
        page = html.unescape(_post(admin, f"{_HOOKS}/1", action="test").text)
    assert "The test was not delivered: there is no server with this name." in page
    assert '"ping"' in page
    assert "Nothing was sent yet" not in page


def test_the_page_that_shows_a_secret_sends_its_forms_to_what_was_added(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.ADMIN) as admin:
        hook = _post(admin, _HOOKS, url=_URL, event="interview_scheduled").text
        person = _post(admin, _PEOPLE, name="Jo Ray", email="jo@team.example", role="coordinator").text
    (user,) = team.client.get("/v1/users", params={"email": "jo@team.example"}).json()
    for page, path in ((hook, f"{_HOOKS}/1"), (person, f"{_PEOPLE}/{user['id']}")):
        main = page[page.index("<main") :]
        assert set(re.findall(r'<form[^>]*method="post"(?: action="([^"]*)")?', main)) == {path}


@pytest.mark.parametrize("allowed", [None, "93.184.216.34"])
def test_a_delivery_shows_what_was_sent_and_what_came_back_unless_that_is_private(
    team: HiringTeam, allowed: str | None
) -> None:
    with signed_in(team, ADA, Role.ADMIN) as admin:
        _post(admin, _HOOKS, url=_URL, event="interview_scheduled")
        _delivered(team, "msg_1", b'{"a": "<b>"}', b"<script>thanks</script>")
        database = team.harness.database
        fetch(database, "UPDATE webhooks SET allowed_host = ? WHERE organization_id = ?", allowed, team.organization.id)
        path = f"{_HOOKS}/1/deliveries/msg_1"
        page = admin.get(path).text
        assert "Status 500" in page
        assert "&#34;a&#34;: &#34;&lt;b&gt;&#34;" in page
        assert ("&lt;script&gt;thanks" in page) is (allowed is None)
        assert "<script>thanks" not in page
        _post(admin, f"{_HOOKS}/1", action="enable")
        assert _post(admin, path, action="resend").headers["location"] == path
        assert admin.get(f"{_HOOKS}/1/deliveries/msg_2").status_code == 404
        assert admin.get(f"{_HOOKS}/1/deliveries/{'x' * 300}").status_code == 404
        team.client.patch(
            "/rowen/v1/webhooks/1", json={"url": f"{_URL}/other"}, headers={"Content-Type": "application/json"}
        )
        kept = "SELECT count(*) FROM deliveries WHERE organization_id = ? AND last_answer IS NOT NULL"
        assert fetch(database, kept, team.organization.id) == [(0,)], "of another receiver"


def _delivered(team: HiringTeam, event: str, body: bytes, answer: bytes) -> None:
    row = {
        "organization_id": team.organization.id,
        "webhook_id": 1,
        "revision": 1,
        "action": "interview_scheduled",
        "event_id": event,
        "state": "failed",
        "attempts": 3,
        "next_attempt_at": 0,
        "last_status": 500,
        "last_error": "500",
        "created_at": 1_000,
        "settled_at": 2_000,
        "body": body,
        "last_attempt_at": 2_000,
        "last_answer": answer,
    }
    marks = ", ".join("?" for _ in row)
    fetch(team.harness.database, f"INSERT INTO deliveries ({', '.join(row)}) VALUES ({marks})", *row.values())


def test_the_organization_is_renamed_and_its_rules_are_changed(team: HiringTeam) -> None:
    name = f"{team.organization.name} & Co"
    fields = {"name": name, "time_zone": "Europe/Berlin", "double_booking": "reject", "grace": "15"}
    with signed_in(team, ADA, Role.ADMIN) as admin:
        for wrong in ({"name": ""}, {"time_zone": "../UTC"}, {"double_booking": "x"}, {"grace": "-1"}):
            answer = _post(admin, _ORGANIZATION, **{**fields, **wrong})
            assert answer.status_code == 422, wrong
        other = team.harness.tenant().organization.name
        assert "has this name" in _post(admin, _ORGANIZATION, **{**fields, "name": other}).text
        assert _post(admin, _ORGANIZATION, **fields).status_code == 303
        page = admin.get(_ORGANIZATION).text
        assert "Saved." in page
        assert html.escape(name) in page
        assert '<option value="Europe/Berlin" selected>' in page
        team.schedule(interviewers=[seat(KATE)])
        team.schedule(interviewers=[seat(GRACE)], start={"date": "2049-03-26"}, end={"date": "2049-03-27"})
        fixed = _post(admin, _ORGANIZATION, **{**fields, "time_zone": "Asia/Tokyo"})
        assert fixed.status_code == 422
        assert "all-day interviews" in fixed.text
        assert _post(admin, _ORGANIZATION, **{**fields, "grace": "0"}).status_code == 303


def test_a_room_is_added_renamed_in_its_interviews_and_removed(team: HiringTeam) -> None:
    path = "/settings/rooms"
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        for wrong in (
            {"name": ""},
            {"capacity": "many"},
            {"capacity": "0"},
            {"features": ",".join(map(str, range(101)))},
        ):
            answer = _post(browser, path, **{"name": "Oak", "capacity": "4", **wrong})
            assert answer.status_code == 422, wrong
        assert (
            _post(browser, path, name="Oak", site="Berlin", capacity="1", features="screen, whiteboard,").status_code
            == 303
        )
        assert "Berlin · 1 seat · screen, whiteboard" in browser.get(path).text
        assert "Another room has this name" in _post(browser, path, name="Oak").text
        (room,) = team.client.get("/rowen/v1/rooms").json()
        interview = team.schedule(location="Oak")["id"]
        one = f"{path}/{room['id']}"
        assert 'value="screen, whiteboard"' in browser.get(one).text
        assert _post(browser, one, action="change", name="Elm", site="", capacity="", features="").status_code == 303
        assert team.get(interview)["location"] == "Elm"
        assert team.client.get("/rowen/v1/rooms").json() == [
            {"id": room["id"], "name": "Elm", "site": None, "capacity": None, "features": []}
        ]
        assert "Remove the room Elm?" in _post(browser, one, action="remove").text
        assert browser.get(one).status_code == 200, "asked first"
        assert _post(browser, one, action="remove", sure="1").status_code == 303
        assert browser.get(one).status_code == 404
        assert team.get(interview)["location"] == "Elm"


def test_how_people_sign_in_is_described(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.ADMIN) as admin:
        page = admin.get("/settings/sign-in").text
        assert "within 72 hours" in page
        assert "Open sessions" in page
        assert f'href="/settings/people/{ADA}"' in page, "somebody who is signed in"
        assert team.harness.server.url in page
