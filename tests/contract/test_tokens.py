"""How a client of Harvest v3 gets a token, and what it opens (contract section 11)."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from rowen.api.codec.tokens import read, write
from rowen.app.scopes import SCOPES
from rowen.app.tokens import LIFETIME, Claims, Issuer, IssuerKind, grant
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from tests.support.command import rowen
from tests.support.harness import Harness, Tenant
from tests.support.server import basic, serving
from tests.support.storage import Storage
from tests.support.tokens import bearer, make_client, new_token, revoke_client, token_of

pytestmark = pytest.mark.slow

GRANT: Final = {"grant_type": "client_credentials"}
LIST: Final = "/v3/interviews"
UNAUTHORIZED: Final = {
    "message": "Unauthorized",
    "errors": ["Token could not be decoded. Please ensure your token is from a trusted source."],
}
GRANTS: Final = "authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:token-exchange"
DISABLED: Final = {"id": 8, "name": "Jack", "disabled": True}
CHANGES: Final = ("exp", "org", "kind", "id")


@pytest.fixture
def tenant(tenant: Tenant) -> Tenant:
    """Return an organization with users, of whom one is disabled."""
    tenant.merge_records("users", [{"id": 2, "name": "Ada"}, {"id": 7, "name": "Kate"}, DISABLED])
    return tenant


def ask(harness: Harness, path: str = "/token", **options: Any) -> httpx.Response:
    """Ask for a token."""
    return httpx.post(harness.server.url + path, **options)


def opens(harness: Harness, token: str, path: str = LIST) -> int:
    """Return the status that a token leads to."""
    return httpx.get(harness.server.url + path, headers=bearer(token)).status_code


@pytest.mark.parametrize("path", ["/token", "/auth/token", "/token/"])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"data": GRANT}, id="a form"),
        pytest.param({"data": {**GRANT, "sub": "2"}}, id="a form with a user"),
        pytest.param({"params": GRANT, "json": {}}, id="a query and an empty object"),
        pytest.param({"params": GRANT, "json": {"sub": "2"}}, id="a query and a user"),
        pytest.param({"params": GRANT}, id="a query"),
        pytest.param({"json": {**GRANT, "sub": 2}}, id="an object"),
    ],
)
def test_both_spellings_return_a_superset_of_what_clients_read(
    tenant: Tenant, path: str, options: dict[str, Any]
) -> None:
    client = make_client(tenant, "harvest:interviews:list", "harvest:users:list")
    answer = ask(tenant.harness, path, headers=basic(client.client_id, client.secret), **options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    token = found.pop("access_token")
    ends = datetime.fromisoformat(found.pop("expires_at"))
    assert found.pop("expires") == ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert timedelta(0) <= datetime.now(UTC) + timedelta(seconds=LIFETIME) - ends < timedelta(minutes=5)
    scope = "harvest:interviews:list harvest:users:list"
    assert found == {"token_type": "Bearer", "expires_in": LIFETIME, "scope": scope}
    assert opens(tenant.harness, token) == 200
    assert opens(tenant.harness, token, "/v3/jobs") == 403
    sent = read(token)
    assert sent is not None
    assert sent.claims.user == (2 if "2" in str(options) else None)


def test_the_credentials_may_be_in_the_body_and_never_in_the_address(tenant: Tenant) -> None:
    client = make_client(tenant)
    secrets = {"client_id": client.client_id, "client_secret": client.secret}
    assert ask(tenant.harness, data={**GRANT, **secrets}).status_code == 200
    assert ask(tenant.harness, params={**GRANT, **secrets}).json()["message"] == "Unauthorized"


def test_a_token_without_a_user_acts_for_that_of_the_client(tenant: Tenant) -> None:
    client = make_client(tenant, user_id=4080)
    users = []
    for fields in ({}, {"sub": "7"}):
        sent = read(token_of(tenant.harness.server, client, **fields))
        assert sent is not None
        users.append(sent.claims.user)
    assert users == [4080, 7]


def test_a_refresh_token_returns_itself_until_the_client_is_revoked(tenant: Tenant) -> None:
    client = make_client(tenant, name="refreshing")
    fields = {"grant_type": "refresh_token", "refresh_token": client.refresh_token}
    headers = basic(client.client_id, client.secret)
    for _ in range(2):
        answer = ask(tenant.harness, data=fields, headers=headers)
        assert answer.json()["refresh_token"] == client.refresh_token
        assert opens(tenant.harness, answer.json()["access_token"]) == 200
    other = make_client(tenant)
    for bad in (other.refresh_token, client.secret, "", "x"):
        answer = ask(tenant.harness, data={**fields, "refresh_token": bad}, headers=headers)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})
    revoke_client(tenant, "refreshing")
    answer = ask(tenant.harness, data=fields, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize("options", [{}, {"json": {}}, {"json": {"sub": 2}}, {"json": {"sub": "2"}}])
def test_an_api_key_gets_a_token_with_the_scopes_of_its_permissions(tenant: Tenant, options: dict[str, Any]) -> None:
    key = tenant.new_key("users:list", "users:retrieve", name=None)
    answer = ask(tenant.harness, "/auth/token", headers=basic(key), **options)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    scopes = sorted(scope for scope, permission in SCOPES.items() if permission == "users:list")
    assert found["scope"].split() == scopes
    assert "refresh_token" not in found
    assert opens(tenant.harness, found["access_token"], "/v3/users") == 200
    assert opens(tenant.harness, found["access_token"]) == 403


def test_a_key_with_everything_opens_every_list(tenant: Tenant) -> None:
    found = ask(tenant.harness, "/auth/token", headers=basic(tenant.key)).json()
    assert set(found["scope"].split()) == SCOPES.keys()


def test_the_token_of_a_revoked_key_is_refused_on_the_next_request(tenant: Tenant) -> None:
    key = tenant.new_key(name="bridge")
    token = ask(tenant.harness, "/auth/token", headers=basic(key)).json()["access_token"]
    assert opens(tenant.harness, token) == 200
    tenant.revoke("bridge")
    assert opens(tenant.harness, token) == 401
    assert ask(tenant.harness, "/auth/token", headers=basic(key)).json() == {"error": "invalid_client"}


def test_the_tokens_of_a_revoked_client_are_refused_on_the_next_request(tenant: Tenant) -> None:
    client = make_client(tenant, name="gone")
    tokens = [token_of(tenant.harness.server, client, **fields) for fields in ({}, {"sub": "2"})]
    assert [opens(tenant.harness, token) for token in tokens * 2] == [200] * 4
    revoke_client(tenant, "gone")
    answers = [httpx.get(tenant.harness.server.url + LIST, headers=bearer(token)) for token in tokens]
    for answer in answers:
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
        assert answer.headers["www-authenticate"] == 'Bearer realm="Rowen", error="invalid_token"'
    answer = ask(tenant.harness, data=GRANT, headers=basic(client.client_id, client.secret))
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_errors_are_those_of_the_live_service(tenant: Tenant) -> None:
    client = make_client(tenant)
    good = basic(client.client_id, client.secret)
    missing = ask(tenant.harness, data=GRANT)
    assert missing.status_code == 401
    assert missing.json() == {"message": "Unauthorized", "errorId": f"err-{missing.headers['x-request-id']}"}
    for headers in (basic(client.client_id, "wrong"), basic("rowen_client_unknown", client.secret), basic(tenant.key)):
        answer = ask(tenant.harness, data=GRANT, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    answer = ask(tenant.harness, headers=good)
    assert (answer.status_code, answer.json()) == (
        400,
        {"message": "Must include `grant_type` parameter in /token request"},
    )
    answer = ask(tenant.harness, data={"grant_type": "x"}, headers=good)
    assert (answer.status_code, answer.json()) == (
        400,
        {"message": f"grant_type=x is invalid, please use one of: {GRANTS}"},
    )
    answer = ask(tenant.harness, data={"grant_type": "authorization_code", "code": "abc"}, headers=good)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})
    answer = ask(tenant.harness, data={"grant_type": GRANTS.rpartition(" ")[2]}, headers=good)
    assert (answer.status_code, answer.json()) == (400, {"error": "unsupported_grant_type"})
    answer = ask(tenant.harness, data={**GRANT, "sub": "Ada"}, headers=good)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    for sub in (2.0, True, [2], {"id": 2}):
        answer = ask(tenant.harness, json={**GRANT, "sub": sub}, headers=good)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), sub


def test_a_token_for_nobody_is_refused(tenant: Tenant) -> None:
    """Neither an unknown nor a disabled user acts, and who asks must be known before users are looked for."""
    client = make_client(tenant)
    good, key = basic(client.client_id, client.secret), basic(tenant.key)
    refresh = {"grant_type": "refresh_token", "refresh_token": client.refresh_token}
    tenant.harness.tenant().merge_records("users", [{"id": 9, "name": "Theirs"}])
    for sub in ("8", "9", "99"):
        for path, headers, fields in (
            ("/token", good, GRANT),
            ("/auth/token", good, GRANT),
            ("/token", good, refresh),
            ("/auth/token", key, {}),
        ):
            answer = ask(tenant.harness, path, data={**fields, "sub": sub}, headers=headers)
            assert (answer.status_code, answer.json()) == (
                400,
                {"error": "invalid_request", "error_description": "`sub` must be the id of an active user"},
            )
    wrong = basic(client.client_id, "wrong")
    assert ask(tenant.harness, data={**GRANT, "sub": "99"}, headers=wrong).json() == {"error": "invalid_client"}
    assert ask(tenant.harness, "/auth/token", data={"sub": "99"}, headers=basic("x")).json() == {
        "error": "invalid_client"
    }


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"[]", "headers": {"Content-Type": "application/json"}}, 422),
        ({"content": b"<a/>", "headers": {"Content-Type": "application/xml"}}, 415),
        ({"content": b'{"grant_type":"\\ud800"}', "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b'{"client_secret":"\\udfff"}', "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": {f"field{number}": "1" for number in range(40)}}, 400),
        ({"data": {"sub": "1" * 20_000}}, 413),
    ],
)
def test_other_bodies_are_refused(tenant: Tenant, options: dict[str, Any], status: int) -> None:
    answer = ask(tenant.harness, **options)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_other_methods_are_refused(tenant: Tenant) -> None:
    answer = httpx.get(tenant.harness.server.url + "/token")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def changed(token: str, **changes: Any) -> str:
    """Return a token with other content and the same signature."""
    header, content, signature = token.split(".")
    claims = {**json.loads(urlsafe_b64decode(content + "==")), **changes}
    encoded = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{encoded}.{signature}"


def test_no_changed_or_foreign_token_opens_anything(harness: Harness) -> None:
    one, other = harness.tenant(), harness.tenant()
    good, theirs = new_token(one), new_token(other)
    header, content, signature = good.split(".")
    none = urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    issuer = Issuer(IssuerKind.CLIENT, OrganizationId(one.organization.id), 1, b"guessed", frozenset(), None)
    bad = [
        "x",
        good[:-1],
        good + "A",
        good[:-1] + chr(ord(good[-1]) + 1),  # the last two bits of the last character stand for nothing
        good + "!",
        f"{header}.{content}",
        f"{header}.{content}.",
        f"{none}.{content}.",
        f"{none}.{content}.{signature}",
        f"{header}.{content}.{theirs.rpartition('.')[2]}",
        f"{header}.{theirs.split('.')[1]}.{signature}",
        changed(good, exp=2**40),
        changed(good, organization=other.organization.id),
        changed(good, id=2**40),
        changed(good, organization=2**70),
        changed(good, kind="key"),
        changed(good, sub="1"),
        write(grant(issuer, None, Instant(2**41))),
        one.key,
        "é" * 40,
    ]
    assert opens(harness, good) == 200
    for token in bad:
        answer = httpx.get(harness.server.url + LIST, headers=[(b"Authorization", f"Bearer {token}".encode())])
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED), token


def test_an_expired_token_is_refused(tenant: Tenant) -> None:
    client = make_client(tenant)
    found = tenant.harness.run(tenant.harness.store.tokens.client(client.client_id))
    assert found is not None
    now = tenant.harness.clock()
    for age, status in ((0, 200), (LIFETIME - 60, 200), (LIFETIME, 401)):
        token = write(grant(found.issuer, None, Instant(now - age * 1_000)))
        assert [opens(tenant.harness, token) for _ in range(2)] == [status] * 2


def test_a_token_is_refused_once_it_has_expired_while_it_is_remembered(tenant: Tenant) -> None:
    client = make_client(tenant)
    tokens = tenant.harness.store.tokens
    found = tenant.harness.run(tokens.client(client.client_id))
    assert found is not None
    token = write(grant(found.issuer, None, Instant(0)))
    last = Instant(LIFETIME * 1_000 - 1)
    assert tenant.harness.run(tokens.authenticate(token, last)) is not None
    assert tenant.harness.run(tokens.authenticate(token, Instant(last + 1))) is None


def test_keys_open_nothing_of_v3_and_tokens_nothing_else(tenant: Tenant) -> None:
    token = new_token(tenant)
    url = tenant.harness.server.url
    for headers in (basic(tenant.key), {"Authorization": f"Bearer {tenant.key}"}, {}):
        answer = httpx.get(url + LIST, headers=headers)
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
        assert answer.headers["www-authenticate"].startswith('Bearer realm="Rowen"')
    for path in ("/v1/scheduled_interviews", "/rowen/v1/webhooks", "/v1/users/1"):
        for headers in (bearer(token), basic(token), basic("", token)):
            assert httpx.get(url + path, headers=headers).status_code == 401


def test_no_secret_reaches_the_log_or_the_database(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    rowen("organizations", "create", "default", "--database", database)
    made = rowen("clients", "create", "quiet", "--database", database)
    client = dict(line.split(": ") for line in made.stdout.splitlines())
    assert client.keys() == {"client_id", "secret", "refresh_token"}
    with serving(database, ["--access-log"]) as server:
        headers = basic(client["client_id"], client["secret"])
        secret = client["secret"]
        httpx.post(f"{server.url}/token?grant_type=client_credentials&client_secret={secret}", headers=headers)
        fields = {"grant_type": "refresh_token", "refresh_token": client["refresh_token"]}
        found = httpx.post(f"{server.url}/token", data=fields, headers=headers).json()
        httpx.get(f"{server.url}{LIST}?token={found['access_token']}", headers=bearer(found["access_token"]))
    log = "".join(server.log)
    assert '"path": "/token"' in log
    assert '"key": "quiet"' in log
    listing = rowen("clients", "list", "--database", database).stdout
    assert client["client_id"] in listing
    for text in (secret, client["refresh_token"], found["access_token"], headers["Authorization"].split()[1]):
        assert text not in log
        assert text not in listing
    if database.startswith("sqlite:///"):
        content = Path(database.removeprefix("sqlite:///")).read_bytes()
        assert client["client_id"].encode() in content
        assert secret.encode() not in content
        assert client["refresh_token"].encode() not in content


def test_a_client_is_made_used_listed_and_revoked_while_the_server_runs(tenant: Tenant) -> None:
    at = ("--organization", tenant.organization.name, "--database", tenant.harness.database)
    made = rowen("clients", "create", "passing", "--scope", "harvest:users:*", "--user", "2", *at)
    shown = dict(line.split(": ") for line in made.stdout.splitlines())
    headers = basic(shown["client_id"], shown["secret"])
    token = ask(tenant.harness, data=GRANT, headers=headers).json()["access_token"]
    assert opens(tenant.harness, token, "/v3/users") == 200
    assert opens(tenant.harness, token) == 403
    (row,) = [
        line
        for line in rowen("clients", "list", *at[2:]).stdout.splitlines()
        if shown["client_id"] in line and tenant.organization.name in line
    ]
    assert "harvest:users:list" in row
    assert "already" in rowen("clients", "create", "passing", *at, status=1).stderr
    rowen("clients", "revoke", "passing", *at)
    assert opens(tenant.harness, token, "/v3/users") == 401
    assert "was revoked" in rowen("clients", "revoke", "passing", *at, status=1).stderr
    assert "has no client" in rowen("clients", "revoke", "nobody", *at, status=1).stderr
    bad = rowen("clients", "create", "odd", "--scope", "harvest:interview:list", *at, status=1).stderr
    assert "did you mean harvest:interviews:list?" in bad
    rowen("clients", "create", "both", "--read-only", "--scope", "harvest:users:list", *at, status=2)


def test_claims_are_closed_to_values_that_no_issuer_has() -> None:
    issuer = Issuer(IssuerKind.KEY, OrganizationId(3), 4, b"k", frozenset(), 9)
    token = write(grant(issuer, None, Instant(5_000)))
    found = read(token)
    assert found is not None
    assert found.claims == Claims(OrganizationId(3), IssuerKind.KEY, 4, 5, 5 + LIFETIME, 9)
    assert found.is_signed_by(b"k")
    assert not found.is_signed_by(b"")
    assert read("a." * 600) is None
