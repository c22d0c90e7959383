"""Signing in at an identity provider, against a real one, and how long that lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from rowen.app.provided_sessions import CONFIRM_INTERVAL, LONGEST_UNCONFIRMED
from rowen.app.roles import Role
from tests.support.harness import Harness, served
from tests.support.hiring_teams import ADA, LUKASZ, HiringTeam, hiring_team
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, providing
from tests.support.people import BROWSER, signed_in, submit
from tests.support.sql import fetch
from tests.support.storage import Storage

_TEAM: Final = "provided"
_FIVE_MINUTES: Final = 300_000


def _person(email: str, *groups: str, **others: Any) -> dict[str, Any]:
    return {
        "email": email,
        "email_verified": True,
        "given_name": "Ida",
        "family_name": "Rhodes",
        "groups": groups,
        **others,
    }


@pytest.fixture(scope="module")
def running() -> Iterator[IdentityProvider]:
    """Return a provider for the tests of this module."""
    with providing() as provider:
        yield provider


@pytest.fixture(scope="module")
def harness(storage: Storage, tmp_path_factory: pytest.TempPathFactory, running: IdentityProvider) -> Iterator[Harness]:
    """Return a server at which people sign in by the provider."""
    folder = tmp_path_factory.mktemp("provider")
    with served(storage.new_database(folder), *_options(running, folder)) as harness:
        yield harness


def _options(provider: IdentityProvider, folder: Path) -> list[str]:
    secret = folder / "secret"
    secret.write_text(CLIENT_SECRET)
    roles = [f"--oidc-role={each}" for each in ("interviewer=everybody", "coordinator=recruiting", "admin=it")]
    settings = {"issuer": provider.issuer, "client-id": CLIENT_ID, "client-secret-file": secret, "organization": _TEAM}
    return [*(f"--oidc-{name}={value}" for name, value in settings.items()), *roles]


@pytest.fixture(scope="module")
def team(harness: Harness) -> Iterator[HiringTeam]:
    """Return the organization of the provider's people."""
    with hiring_team(harness, name=_TEAM) as made:
        yield made


@pytest.fixture
def provider(running: IdentityProvider, team: HiringTeam) -> IdentityProvider:
    """Return the provider, which does nothing wrong, with Ada as the person who signs in."""
    del team
    people = {"ada": _person("Ada@team.example", "recruiting", "everybody")}
    running.set(fault="", people=people, signs_in="ada", in_token=True, refreshes=True)
    return running


@contextmanager
def _browser(team: HiringTeam) -> Iterator[httpx.Client]:
    with team.harness.server.client() as client:
        client.headers.update({**BROWSER, "Origin": team.harness.server.url})
        yield client


def _sign_in(browser: httpx.Client) -> httpx.Response:
    """Follow the way to the provider and back; return the last answer."""
    start = browser.get("/oidc/start")
    assert start.status_code == 303, start.text
    there = httpx.get(start.headers["location"])
    assert there.status_code == 302, there.text
    return browser.get(there.headers["location"])


def _age(team: HiringTeam, milliseconds: int) -> None:
    """Make the last confirmation of all sessions older."""
    statement = "UPDATE sessions SET confirmed_at = confirmed_at - ? WHERE confirmed_at IS NOT NULL"
    fetch(team.harness.database, statement, milliseconds)


def test_a_person_signs_in_with_the_role_of_the_groups(team: HiringTeam, provider: IdentityProvider) -> None:
    with _browser(team) as browser:
        host = urlsplit(provider.issuer).hostname
        assert f"Sign in with {host}" in browser.get("/sign-in").text
        assert browser.get("/todo").headers["location"] == "/sign-in"
        answer = _sign_in(browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/todo"), "back to where it began"
        page = browser.get("/me").text
        assert "Ada Lovelace" in page
        assert "Coordinator" in page
        assert len(browser.cookies) == 1, "the attempt is forgotten"
        submit(browser, "/sign-out-everywhere")
        assert browser.get("/me").status_code == 303


def test_admins_see_the_provider_and_no_secret(team: HiringTeam, provider: IdentityProvider) -> None:
    with signed_in(team, ADA, Role.ADMIN) as browser:
        page = browser.get("/settings/sign-in").text
        for shown in (provider.issuer, CLIENT_ID, "recruiting", "claim groups", "within five minutes"):
            assert shown in page, shown
        assert CLIENT_SECRET not in page


def test_the_request_has_pkce_and_nothing_secret(team: HiringTeam, provider: IdentityProvider) -> None:
    with _browser(team) as browser:
        first, second = (browser.get("/oidc/start") for _ in range(2))
        query = parse_qs(urlsplit(first.headers["location"]).query)
        assert (query["response_type"], query["code_challenge_method"]) == (["code"], ["S256"])
        assert query["scope"] == ["openid profile email groups offline_access"]
        assert query["redirect_uri"] == [f"{team.harness.server.url}/oidc/callback"]
        other = parse_qs(urlsplit(second.headers["location"]).query)
        assert all(query[name] != other[name] for name in ("state", "nonce", "code_challenge"))
        secret = first.headers["set-cookie"].partition(";")[0].partition("=")[2]
        assert secret not in first.headers["location"]
        assert "HttpOnly; SameSite=Lax" in first.headers["set-cookie"]
    assert provider.issuer in first.headers["location"]


def test_somebody_new_is_added_with_the_name_of_the_user_information(
    team: HiringTeam, provider: IdentityProvider
) -> None:
    provider.set(people={"ida": _person("ida@team.example", "everybody")}, signs_in="ida", in_token=False)
    with _browser(team) as browser:
        assert _sign_in(browser).status_code == 303
        page = browser.get("/me").text
        assert "Ida Rhodes" in page
        assert "Interviewer" in page
        assert browser.get("/todo").status_code == 403


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"fault": "nonce"}, 403, "did not confirm"),
        ({"fault": "token_issuer"}, 403, "did not confirm"),
        ({"fault": "audience"}, 403, "did not confirm"),
        ({"fault": "expired"}, 403, "did not confirm"),
        ({"fault": "foreign_key"}, 403, "did not confirm"),
        ({"fault": "client_secret_signs"}, 403, "did not confirm"),
        ({"fault": "denies"}, 403, "did not confirm"),
        ({"fault": "another_user_information", "in_token": False}, 403, "did not confirm"),
        ({"people": {"ada": _person("ada@team.example", "recruiting", email_verified=False)}}, 403, "did not confirm"),
        ({"people": {"ada": _person("ada@team.example", "recruiting", email_verified="false")}}, 403, "not confirm"),
        ({"people": {"ada": _person("ada@team.example", "recruiting", email_verified=0)}}, 403, "did not confirm"),
        ({"people": {"ada": _person("", "recruiting")}}, 403, "did not confirm"),
        ({"people": {"ada": _person("ada@team.example", "sales")}}, 403, "in no group"),
        ({"people": {"ada": _person("ada@team.example")}}, 403, "in no group"),
        ({"people": {"ada": _person("twins@team.example", "it")}}, 403, "several people"),
        ({"fault": "huge"}, 503, "does not answer"),
        ({"fault": "not_json"}, 503, "does not answer"),
    ],
    ids=lambda each: each.get("fault", "claims") if isinstance(each, dict) else "",
)
def test_what_is_not_believed_signs_nobody_in(
    team: HiringTeam, provider: IdentityProvider, change: dict[str, Any], status: int, message: str
) -> None:
    provider.set(**change)
    with _browser(team) as browser:
        answer = _sign_in(browser)
        assert (answer.status_code, message in answer.text) == (status, True), answer.text
        assert browser.get("/me").status_code == 303


def test_a_confirmed_address_may_be_written_as_text_or_not_at_all(team: HiringTeam, provider: IdentityProvider) -> None:
    as_text = _person("ada@team.example", "recruiting", email_verified="true")
    for person in (as_text, {name: value for name, value in as_text.items() if name != "email_verified"}):
        provider.set(people={"ada": person})
        with _browser(team) as browser:
            assert _sign_in(browser).status_code == 303


def test_an_answer_belongs_to_the_browser_that_asked(team: HiringTeam, provider: IdentityProvider) -> None:
    del provider
    with _browser(team) as victim, _browser(team) as attacker:
        start = attacker.get("/oidc/start")
        back = httpx.get(start.headers["location"]).headers["location"]
        assert "began in another browser" in victim.get(back).text, "without an attempt"
        victim.get("/oidc/start")
        assert "began in another browser" in victim.get(back).text, "another attempt"
        assert not [name for name in victim.cookies if "oidc" not in name]
        assert attacker.get(back).status_code == 303
        assert "did not confirm" in attacker.get(back).text or attacker.get(back).status_code == 403, (
            "a code works once"
        )
        for query in ("", "?state=x&code=y", "?error=access_denied", f"?code={'x' * 5_000}"):
            assert victim.get(f"/oidc/callback{query}").status_code == 403, query


def test_a_key_that_is_new_is_read(team: HiringTeam, provider: IdentityProvider) -> None:
    with _browser(team) as browser:
        assert _sign_in(browser).status_code == 303
        provider.set(fault="new_key")
        assert _sign_in(browser).status_code == 303


def test_a_session_ends_when_the_provider_removes_the_person(team: HiringTeam, provider: IdentityProvider) -> None:
    with _browser(team) as browser:
        _sign_in(browser)
        before = len(provider.set())
        assert browser.get("/me").status_code == 200
        assert len(provider.set()) == before, "it was confirmed a moment ago"
        for _ in range(2):  # the refresh token is another one each time
            _age(team, CONFIRM_INTERVAL)
            assert browser.get("/me").status_code == 200
        provider.set(people={})
        assert browser.get("/me").status_code == 200
        _age(team, CONFIRM_INTERVAL)
        assert browser.get("/v1/users").status_code == 401
        assert browser.get("/me").status_code == 303
        assert CONFIRM_INTERVAL < LONGEST_UNCONFIRMED < _FIVE_MINUTES


def test_a_session_follows_the_groups(team: HiringTeam, provider: IdentityProvider) -> None:
    with _browser(team) as browser:
        _sign_in(browser)
        assert browser.get("/todo").status_code == 200
        provider.set(people={"ada": _person("ada@team.example", "everybody")})
        _age(team, CONFIRM_INTERVAL)
        assert browser.get("/todo").status_code == 403
        provider.set(people={"ada": _person("ada@team.example", "it")})
        _age(team, CONFIRM_INTERVAL)
        assert browser.get("/settings/people").status_code == 200
        provider.set(people={"ada": _person("ada@team.example", "sales")})
        _age(team, CONFIRM_INTERVAL)
        assert browser.get("/me").status_code == 303


def test_a_provider_that_is_down_stops_nobody_for_five_minutes(team: HiringTeam, provider: IdentityProvider) -> None:
    with _browser(team) as browser:
        _sign_in(browser)
        provider.set(fault="down")
        _age(team, CONFIRM_INTERVAL)
        assert browser.get("/me").status_code == 200
        _age(team, LONGEST_UNCONFIRMED)
        assert browser.get("/me").status_code == 503
        assert browser.get("/v1/users").status_code == 503
        provider.set(fault="")
        assert browser.get("/me").status_code == 200, "it goes on"


def test_without_a_refresh_token_a_session_lasts_five_minutes(team: HiringTeam, provider: IdentityProvider) -> None:
    provider.set(refreshes=False)
    with _browser(team) as browser:
        assert _sign_in(browser).status_code == 303
        _age(team, CONFIRM_INTERVAL)
        assert browser.get("/me").status_code == 200
        _age(team, LONGEST_UNCONFIRMED)
        assert browser.get("/me").status_code == 303


def test_a_refreshed_token_of_another_person_ends_the_session(team: HiringTeam, provider: IdentityProvider) -> None:
    with _browser(team) as browser:
        _sign_in(browser)
        provider.set(fault="another_person")
        _age(team, CONFIRM_INTERVAL)
        assert browser.get("/me").status_code == 303


def test_a_role_that_was_taken_here_is_not_given_again(team: HiringTeam, provider: IdentityProvider) -> None:
    harness = team.harness
    provider.set(people={"lu": _person("lukasz@team.example", "it")}, signs_in="lu")
    with _browser(team) as browser:
        assert _sign_in(browser).status_code == 303
        admins = "SELECT user_id FROM people WHERE role = 'admin' AND revoked_at IS NULL AND organization_id = ?"
        assert LUKASZ in [row[0] for row in fetch(harness.database, admins, team.organization.id)]
        assert harness.run(harness.store.sessions.revoke(team.organization.id, LUKASZ, harness.clock()))
        assert browser.get("/me").status_code == 303
        assert "in no group" in _sign_in(browser).text


def test_grants_are_stored_encrypted(team: HiringTeam, provider: IdentityProvider) -> None:
    del provider
    with _browser(team) as browser:
        _sign_in(browser)
        rows = fetch(team.harness.database, "SELECT held_grant FROM sessions WHERE held_grant IS NOT NULL")
        assert rows
        assert all(b"refresh" not in bytes(row[0]) and b"ada" not in bytes(row[0]) for row in rows)
    log = "".join(team.harness.server.log)
    assert CLIENT_SECRET not in log
