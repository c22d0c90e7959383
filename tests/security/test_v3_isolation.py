"""Isolation of Harvest v3: every operation that takes tokens against every kind of caller (contract section 11)."""

import json
import re
from base64 import b64encode
from typing import Final

import httpx
import pytest

from rowen.api.codec.tokens import write
from rowen.app.keys import digest
from rowen.app.rows import HELD
from rowen.app.scopes import SCOPES
from rowen.app.tokens import LIFETIME, IssuerKind, grant
from rowen.interviews.moments import Instant
from tests.support.operations import WITH_TOKENS
from tests.support.raw_http import RawAnswer
from tests.support.server import basic
from tests.support.tenants import NOWHERE, TenantPair, ask, ids, visible
from tests.support.tokens import bearer, bridged_token, make_client, new_token, revoke_client, token_of

UNAUTHENTICATED: Final = (
    b'{"message":"Unauthorized","errors":'
    b'["Token could not be decoded. Please ensure your token is from a trusted source."]}'
)
FORBIDDEN: Final = b'{"message":"This token does not have the scope of this endpoint"}'
PASSING: Final = {"x-ratelimit-reset", "x-ratelimit-remaining"}


def seen(answer: RawAnswer) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return everything that a client sees, except what changes with the time and the number of requests."""
    status, headers, body = visible(answer)
    return status, [each for each in headers if each[0] not in PASSING], body


def address(path: str) -> str:
    """Return a path with an id that nothing has."""
    return path.replace("{id}", str(NOWHERE))


@pytest.fixture(scope="module")
def callers(tenants: TenantPair) -> dict[str, dict[str, str]]:
    """Return the headers of every caller without a valid token, who must get nothing."""
    home = tenants.home
    client = make_client(home, name="revoked client")
    revoked = token_of(home.harness.server, client)
    revoke_client(home, "revoked client")
    open_client = make_client(home)
    good = token_of(home.harness.server, open_client)
    theirs = new_token(tenants.auckland)
    stores = home.harness.store.tokens
    issuer = home.harness.run(stores.client(open_client.client_id))
    key_issuer = home.harness.run(stores.key(digest(home.key)))
    assert issuer is not None
    assert key_issuer is not None
    of_revoked_key = bridged_token(home.harness.server, home.new_key(name="revoked bridge"))
    home.revoke("revoked bridge")
    now = home.harness.clock()
    an_hour_ago = Instant(now - LIFETIME * 1_000)
    header, content, signature = good.split(".")
    not_signed = b64encode(b'{"alg":"none"}').decode()
    return {
        "no token": {},
        "empty": {"Authorization": ""},
        "no text": {"Authorization": "Bearer"},
        "another scheme": {"Authorization": f"Token {good}"},
        "token as user name": basic(good),
        "an API key": basic(home.key),
        "malformed": {"Authorization": "Bearer %%%"},
        "an API key as token": bearer(home.key),
        "a secret": bearer(open_client.secret),
        "a refresh token": bearer(open_client.refresh_token),
        "cut": bearer(good[:-1]),
        "too long": bearer(good + "0"),
        "foreign signature": bearer(f"{header}.{content}.{theirs.rpartition('.')[2]}"),
        "foreign content": bearer(f"{header}.{theirs.split('.')[1]}.{signature}"),
        "not signed": bearer(f"{not_signed}.{content}."),
        "revoked": bearer(revoked),
        "expired": bearer(write(grant(issuer.issuer, None, an_hour_ago))),
        "of a revoked key": bearer(of_revoked_key),
        "of a key, expired": bearer(write(grant(key_issuer, None, an_hour_ago))),
        "of a key, as a client's": bearer(write(grant(key_issuer._replace(kind=IssuerKind.CLIENT), None, now))),
        "of a client, as a key's": bearer(write(grant(issuer.issuer._replace(kind=IssuerKind.KEY), None, now))),
    }


UNREADABLE: Final = {"no token", "empty", "no text", "another scheme", "token as user name", "an API key"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_without_a_valid_token_everyone_gets_the_same_nothing(
    tenants: TenantPair, callers: dict[str, dict[str, str]], method: str
) -> None:
    answers: dict[bool, set[str]] = {True: set(), False: set()}
    with tenants.unchanged():
        for operation in WITH_TOKENS:
            for caller, headers in callers.items():
                answer = ask(tenants, method, address(operation.path), headers)
                body = b"" if method == "HEAD" else UNAUTHENTICATED
                assert (answer.status, answer.body) == (401, body), (caller, operation.path)
                answers[caller in UNREADABLE].add(str(seen(answer)))
    # The response shows whether a token can be read, but not whether it ever was valid.
    assert [len(each) for each in answers.values()] == [1, 1]


def test_a_scope_opens_its_operations_and_nothing_else(tenants: TenantPair) -> None:
    scopes = list(SCOPES)
    for scope, other in zip(scopes, [*scopes[1:], scopes[0]], strict=True):
        alone = bearer(new_token(tenants.home, [scope]))
        lacking = bearer(new_token(tenants.home, SCOPES.keys() - {scope}))
        for operation in WITH_TOKENS:
            if operation.permission not in (scope, other):
                continue
            shut, let_in = (lacking, alone) if operation.permission == scope else (alone, lacking)
            for method in ("GET", "HEAD") if operation.method == "GET" else (operation.method,):
                refused = ask(tenants, method, address(operation.path), shut)
                assert (refused.status, refused.body) == (403, b"" if method == "HEAD" else FORBIDDEN)
            assert ask(tenants, operation.method, address(operation.path), let_in).status in {200, 400, 404}


def test_the_token_of_a_narrow_key_opens_what_its_permission_includes_and_nothing_else(tenants: TenantPair) -> None:
    permission = "scheduled_interviews:create"
    token = bearer(bridged_token(tenants.home.harness.server, tenants.home.new_key(permission)))
    for operation in WITH_TOKENS:
        answer = ask(tenants, operation.method, address(operation.path), token)
        if SCOPES[operation.permission] == permission:
            assert answer.status == 400, operation  # there is no body
        else:
            assert (answer.status, answer.body) == (403, FORBIDDEN), operation


def test_a_cursor_and_a_tag_of_another_organization_reveal_nothing(tenants: TenantPair) -> None:
    """A cursor is a place in a list, and not a right to it."""
    token, theirs = bearer(new_token(tenants.home)), bearer(new_token(tenants.auckland))
    for name in HELD:
        page = ask(tenants, "GET", f"/v3/{name}", theirs)
        answer = ask(tenants, "GET", f"/v3/{name}", {**token, "If-None-Match": page.headers["etag"]})
        assert (answer.status, b"auckland" in answer.body.lower()) == (200, False), name
        row = max(each["id"] for each in json.loads(page.body))
        tag = ask(tenants, "GET", f"/v3/{name}/{row}", theirs).headers["etag"]
        answer = ask(tenants, "GET", f"/v3/{name}/{row}", {**token, "If-None-Match": tag})
        # Each organization numbers its interviewers: an id of the one may be another row of the other.
        assert answer.status == (404 if name != "interviewers" else answer.status) != 304, name
        first = ask(tenants, "GET", f"/v3/{name}?per_page=1", theirs)
        if "link" in first.headers:
            target = re.sub("^<http://[^/]+|>.*", "", first.headers["link"])
            found = json.loads(ask(tenants, "GET", target, token).body)
            own = json.loads(ask(tenants, "GET", f"/v3/{name}", token).body)
            assert all(each in own for each in found), name


def test_nobody_acts_as_a_user_of_another_organization(tenants: TenantPair) -> None:
    _, foreign_user, no_user = ids(tenants, "user")
    client = make_client(tenants.home)
    foreign, missing = (
        httpx.post(
            f"{tenants.home.harness.server.url}/token",
            data={"grant_type": "client_credentials", "sub": str(user)},
            headers=basic(client.client_id, client.secret),
        )
        for user in (foreign_user, no_user)
    )
    assert (foreign.status_code, foreign.json()["error"]) == (400, "invalid_request")
    assert foreign.content.replace(str(foreign_user).encode(), b"") == missing.content.replace(
        str(no_user).encode(), b""
    )


def test_a_token_of_one_organization_shows_nothing_of_another(tenants: TenantPair) -> None:
    """Each organization numbers its interviewers: the same id is another row for each."""
    token, theirs = bearer(new_token(tenants.home)), bearer(new_token(tenants.auckland))
    for operation in WITH_TOKENS:
        if operation.method != "GET" or operation.path.endswith("{id}"):
            continue
        own, foreign = (ask(tenants, "GET", operation.path, each) for each in (token, theirs))
        assert b"auckland" not in own.body.lower()
        assert b"home" not in foreign.body.lower()
        known, unknown = (json.loads(each.body) for each in (own, foreign))
        assert bool(known) == bool(unknown) == (operation.path.removeprefix("/v3/") in HELD), operation.path
        ids = {row["id"] for row in known}
        for identifier in [NOWHERE, *({row["id"] for row in unknown} - ids)]:
            found = ask(tenants, "GET", f"{operation.path}/{identifier}", token)
            assert (found.status, found.body) == (404, b'{"message":"Resource not found"}')
            assert ask(tenants, "GET", f"{operation.path}?ids={identifier}", token).body == b"[]"
        for row in known:
            assert json.loads(ask(tenants, "GET", f"{operation.path}/{row['id']}", token).body) == row
    foreign_interview = tenants.auckland.ids["scheduled"]
    assert ask(tenants, "GET", f"/v3/interviewers?interview_ids={foreign_interview}", token).body == b"[]"
