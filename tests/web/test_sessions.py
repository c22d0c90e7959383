"""Links, sessions, and what a session may do."""

from contextlib import ExitStack
from typing import Final

import httpx
import pytest

from rowen.api.generations import Generation
from rowen.api.operations import OPERATIONS
from rowen.app.roles import ROLE_PERMISSIONS, Role
from rowen.app.sessions import IDLE_LIFETIME, LINK_LIFETIME, SESSION_LIFETIME, USE_INTERVAL, new_token, read_token
from rowen.interviews.moments import Instant
from tests.support.command import rowen
from tests.support.hiring_teams import ADA, GRACE, INTERVIEWS, KATE, HiringTeam, accepted, body, seat
from tests.support.people import invited, signed_in, submit, token_of, visitor
from tests.support.sql import fetch

_LIST: Final = "/v1/scheduled_interviews"


def test_a_link_is_used_by_its_form_and_only_once(team: HiringTeam) -> None:
    path = invited(team, ADA, Role.COORDINATOR)
    with visitor(team) as scanner, visitor(team) as browser, visitor(team) as thief:
        for _ in range(2):
            page = scanner.get(path)
            assert page.status_code == 200
            assert "Welcome, Ada" in page.text
        assert "set-cookie" not in page.headers
        assert browser.post(path).headers["location"] == "/"
        assert browser.get("/me").status_code == 200
        assert thief.get(path).status_code == 410
        assert thief.post(path).status_code == 410
        assert not thief.cookies


def test_an_interviewer_sees_the_own_interviews_first(team: HiringTeam) -> None:
    with visitor(team) as browser:
        assert browser.post(invited(team, KATE, Role.INTERVIEWER)).headers["location"] == "/me"
        assert browser.get("/sign-in").headers["location"] == "/me"
        back = {"Cookie": "rowen_back=%2Fpreferences"}
        answer = browser.post(invited(team, KATE, Role.INTERVIEWER), headers=back)
        assert answer.headers["location"] == "/preferences", "the page that led to signing in"


def test_links_that_do_not_work_look_alike(team: HiringTeam) -> None:
    now = team.harness.clock()
    expired = invited(team, ADA, Role.ADMIN, Instant(now - LINK_LIFETIME))
    superseded = invited(team, GRACE, Role.ADMIN)
    invited(team, GRACE, Role.ADMIN)
    unknown = f"/sign-in/{new_token(team.organization.id)[0]}"
    with visitor(team) as browser:
        paths = [expired, superseded, unknown, "/sign-in/1.short", "/sign-in/99999999999.x", "/sign-in/%00"]
        for path in paths:
            assert browser.get(path).status_code == 410, path
            assert browser.post(path).status_code == 410, path


def test_the_cookie_of_a_session_is_out_of_reach(team: HiringTeam) -> None:
    with visitor(team) as browser:
        plain = browser.post(invited(team, ADA, Role.ADMIN)).headers["set-cookie"]
        assert plain.startswith(f"rowen_{team.harness.server.port}=")
        assert plain.endswith("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax")
    origin = "https://interviews.example"
    headers = {"Host": "interviews.example", "X-Forwarded-Proto": "https", "Origin": origin}
    with visitor(team) as browser:
        secure = browser.post(invited(team, ADA, Role.ADMIN), headers=headers).headers["set-cookie"]
        assert secure.startswith("__Host-rowen=")
        assert secure.endswith("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure")


def test_nobody_signs_in_over_plain_http_from_another_machine(team: HiringTeam) -> None:
    path = invited(team, ADA, Role.ADMIN)
    headers = {"Host": "interviews.example", "Origin": "http://interviews.example"}
    with visitor(team) as browser:
        assert "needs HTTPS" in browser.get(path, headers=headers).text
        assert browser.post(path, headers=headers).status_code == 403
        assert browser.post(path).status_code == 303, "the link was not used"


def test_secrets_are_stored_as_digests(team: HiringTeam) -> None:
    path = invited(team, ADA, Role.ADMIN)
    with visitor(team) as browser:
        browser.post(path)
        secrets = [path.rpartition("/")[2], *browser.cookies.values()]
    stored = repr([fetch(team.harness.database, f"SELECT * FROM {table}") for table in ("sessions", "sign_in_links")])
    assert len(secrets) == 2
    assert all(secret not in stored and secret.partition(".")[2] not in stored for secret in secrets)


def test_signing_out_ends_a_session_and_everywhere_all_of_them(team: HiringTeam) -> None:
    with ExitStack() as stack:
        first, second, third = (stack.enter_context(signed_in(team, ADA, Role.COORDINATOR)) for _ in range(3))
        other = stack.enter_context(signed_in(team, GRACE, Role.ADMIN))
        secret = dict(first.cookies)
        assert submit(first, "/sign-out").status_code == 303
        assert not first.cookies
        assert other.get("/me", headers={"Cookie": _cookie(secret)}).status_code == 303
        assert [each.get("/me").status_code for each in (second, third)] == [200, 200]
        submit(second, "/sign-out-everywhere")
        assert [each.get("/me").status_code for each in (second, third, other)] == [303, 303, 200]


def test_a_new_session_ends_the_one_before(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        before = dict(browser.cookies)
        path = invited(team, GRACE, Role.INTERVIEWER)
        assert browser.post(path).status_code == 403, "the form has no token"
        assert submit(browser, path).status_code == 303
        assert dict(browser.cookies) != before
        assert browser.get("/me", headers={"Cookie": _cookie(before)}).status_code == 303


def test_the_operator_takes_a_role_back(team: HiringTeam) -> None:
    at = ("--organization", team.organization.name, "--database", team.harness.database)
    invited_at = rowen("people", "invite", "ada@team.example", "--role", "coordinator", *at).stdout.strip()
    unused = rowen("people", "invite", "grace@team.example", *at).stdout.strip()
    with visitor(team) as browser:
        assert browser.post(invited_at).status_code == 303
        listing = rowen("people", "list", "--database", team.harness.database).stdout
        assert f"{team.organization.name}\t{ADA}\tAda Lovelace\tada@team.example\tcoordinator\t1\t" in listing
        rowen("people", "revoke", "ada@team.example", *at)
        rowen("people", "revoke", "grace@team.example", *at)
        assert browser.get("/me").status_code == 303
        assert browser.get(_LIST).status_code == 401
        assert browser.get(unused).status_code == 410
    assert (
        "nobody with the address 'ada@team.example'"
        in rowen("people", "revoke", "ada@team.example", *at, status=1).stderr
    )
    assert "must be an e-mail address" in rowen("people", "invite", "ada", *at, status=1).stderr.lower()


def test_whoever_is_not_known_yet_is_added(team: HiringTeam) -> None:
    at = ("--organization", team.organization.name, "--database", team.harness.database)
    path = rowen("people", "invite", "new@team.example", "--name", "Rose Ann Nadler", *at).stdout.strip()
    with visitor(team) as browser:
        assert "Welcome, Rose" in browser.get(path).text
    found = team.client.get("/v1/users", params={"email": "new@team.example"}).json()
    assert [each["name"] for each in found] == ["Rose Ann Nadler"]


def test_a_session_ends_unused_and_at_last(team: HiringTeam) -> None:
    harness, sessions, start = team.harness, team.harness.store.sessions, team.harness.clock()
    token, link = read_token(invited(team, ADA, Role.ADMIN).rpartition("/")[2]), new_token(team.organization.id)[1]
    assert token is not None
    assert harness.run(sessions.sign_in(token, link, start))

    def lives(after: int) -> bool:
        return harness.run(sessions.find(link, Instant(start + after))) is not None

    assert lives(0)
    assert lives(IDLE_LIFETIME - 1)
    assert not lives(IDLE_LIFETIME)
    for used in range(IDLE_LIFETIME - 1, SESSION_LIFETIME, IDLE_LIFETIME - 1):
        harness.run(sessions.record_use(link, Instant(start + used)))
    assert lives(SESSION_LIFETIME - 1)
    assert not lives(SESSION_LIFETIME)
    assert USE_INTERVAL < IDLE_LIFETIME < SESSION_LIFETIME


def test_a_disabled_user_is_signed_out(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.ADMIN) as browser:
        assert browser.get("/me").status_code == 200
        accepted(team.patch("/v2/users/disable", {"user": {"user_id": ADA}}, GRACE))
        assert browser.get("/me").status_code == 303
        assert browser.get(_LIST).status_code == 401


def test_a_session_calls_the_api_as_its_user(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        assert browser.get(_LIST).status_code == 200
        token = token_of(browser)
        made = accepted(browser.post(INTERVIEWS, json=body(), headers={"X-CSRF-Token": token}))
        assert made["organizer"]["id"] == ADA
        moved = {"location": "Room 2"}
        headers = {"X-CSRF-Token": token, "On-Behalf-Of": str(GRACE)}
        accepted(browser.patch(f"{INTERVIEWS}/{made['id']}", json=moved, headers=headers))
        history = browser.get(f"/rowen/v1/scheduled_interviews/{made['id']}/history").json()
    actors = [(each["actor"]["name"], each["actor"]["api_key"]) for each in history]
    assert actors == [("Ada Lovelace", "Ada Lovelace"), ("Grace Hopper", "Ada Lovelace")]


def test_an_unsafe_call_needs_the_token_of_its_session(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.COORDINATOR) as browser, signed_in(team, GRACE, Role.COORDINATOR) as other:
        good = token_of(browser)
        assert good != token_of(browser), "each page shows it differently"
        for token in ("", "x", token_of(other), good[:-2], good.upper() + "00", "ü"):
            headers = {b"X-CSRF-Token": token.encode()}
            assert browser.post(INTERVIEWS, json=body(), headers=headers).status_code == 403, token
        evil = {"X-CSRF-Token": good, "Origin": "https://evil.example"}
        assert browser.post(INTERVIEWS, json=body(), headers=evil).status_code == 403
        key = {"Authorization": team.client.headers["authorization"], "On-Behalf-Of": str(ADA)}
        assert browser.post(INTERVIEWS, json=body(), headers=key).status_code == 200, "a key needs no token"
        wrong = {"Authorization": "Basic eDo=", "X-CSRF-Token": good}
        assert browser.post(INTERVIEWS, json=body(), headers=wrong).status_code == 401, "a key counts first"


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_its_permissions_and_nothing_else(team: HiringTeam, role: Role) -> None:
    with signed_in(team, KATE, role) as browser:
        token = token_of(browser)
        for each in OPERATIONS:
            if each.secret_path:
                continue
            path = each.path
            for parameter in each.path_parameters:
                path = path.replace(f"{{{parameter.name}}}", "987654321")
            answer = browser.request(each.method, path, headers={"X-CSRF-Token": token})
            if each.generation is Generation.V3:
                assert answer.status_code == 401, path
            else:
                allowed = each.permission in ROLE_PERMISSIONS[role]
                assert (answer.status_code != 403) is allowed, (each.method, path, answer.text)


def test_only_admins_reach_secrets_and_accounts() -> None:
    admins = ROLE_PERMISSIONS[Role.ADMIN] - ROLE_PERMISSIONS[Role.COORDINATOR]
    assert {"webhooks:create", "webhooks:rotate", "users:update", "users:disable"} <= admins
    assert all(each.startswith("own:") for each in ROLE_PERMISSIONS[Role.INTERVIEWER])


def test_a_session_is_of_one_organization(team: HiringTeam) -> None:
    interview = team.schedule(interviewers=[seat(KATE)])["id"]
    stranger = team.harness.tenant()
    stranger.merge_records("users", [{"id": KATE, "name": "Kate Austen"}])
    with signed_in(stranger, KATE, Role.ADMIN) as browser:
        assert browser.get(f"/interviews/{interview}").status_code == 404
        assert browser.get(f"{_LIST}/{interview}").status_code == 404
        assert submit(browser, f"/interviews/{interview}/answer", answer="accepted").status_code == 404


def _cookie(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def test_two_cookies_of_one_name_are_none(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.ADMIN) as browser:
        twice = f"{_cookie(dict(browser.cookies))}; {_cookie(dict(browser.cookies))}"
        assert httpx.get(team.harness.server.url + "/me", headers={"Cookie": twice}).status_code == 303
