"""How a key is sent, what it gives access to, and that it can be revoked (contract section 3)."""

import json
from base64 import b64encode

import httpx
import pytest

from tests.support.command import rowen
from tests.support.raw_http import send_raw, written_request
from tests.support.served_schedule import AUCKLAND, HOME, ServedSchedule, make_key
from tests.support.server import basic

pytestmark = pytest.mark.slow

LIST = "/v1/scheduled_interviews"
PATHS = {
    "scheduled_interviews:list": LIST,
    "scheduled_interviews:list_for_application": "/v1/applications/7003/scheduled_interviews",
    "scheduled_interviews:retrieve": f"{LIST}/9001",
}


def encoded(credentials: str) -> str:
    """Return credentials in base64."""
    return b64encode(credentials.encode()).decode()


def status_of(schedule: ServedSchedule, authorization: str) -> int:
    """Return the status that an `Authorization` header leads to."""
    return httpx.get(schedule.server.url + LIST, headers={"Authorization": authorization}).status_code


@pytest.mark.parametrize(
    "form",
    ["Basic {k:}", "Basic {k}", "Basic {k:password}", "Basic {k:a:b}", "basic {k:}", "BASIC {k:}", "Basic  {k:}"],
)
def test_every_form_of_basic_credentials_opens(schedule: ServedSchedule, form: str) -> None:
    scheme, _, credentials = form.partition("{")
    authorization = scheme + encoded(credentials.rstrip("}").replace("k", schedule.keys[HOME], 1))
    assert status_of(schedule, authorization) == 200


@pytest.mark.parametrize(
    "form",
    [
        "",
        "Basic",
        "Basic ",
        "Basic :",
        "Basic {:}",
        "Basic {:k}",
        "Basic {kx:}",
        "Basic { k:}",
        "Basic {K:}",
        "Basic {rowen_:}",
        "Basic k",
        "Basic k:",
        "Bearer {k:}",
        "Bearer k",
        "{k:}",
        "Basic\t{k:}",
        "Basic {k:}!",
        "Basic !!!!",
        "Basic {k:},Basic {k:}",
        "Basic =",
        "Basic /w==",
        "Basic {\x00:}",
        "Digest username=k",
    ],
)
def test_whatever_else_is_refused_alike(schedule: ServedSchedule, form: str) -> None:
    key = schedule.keys[HOME]
    pieces = form.replace("k", key).replace("K", key.upper()).split("{")
    for index, piece in enumerate(pieces[1:], start=1):
        credentials, _, rest = piece.partition("}")
        pieces[index] = encoded(credentials) + rest
    headers = {"Authorization": "".join(pieces).strip()}
    answer = httpx.get(schedule.server.url + LIST, headers=headers)
    assert answer.status_code == 401
    assert answer.content == b'{"message":"Invalid Basic Auth credentials"}'
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    ("authorization", "is_missing"),
    [
        (None, True),
        ("Bearer abc", True),
        ("Basic !!!!", True),
        (f"Basic {encoded(':password')}", True),
        (f"Basic {encoded('rowen_unknown:')}", False),
        (f"Basic {encoded('password')}", False),
    ],
)
def test_a_missing_key_is_distinguished_from_a_rejected_one(
    schedule: ServedSchedule, authorization: str | None, is_missing: bool
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = httpx.get(schedule.server.url + LIST, headers=headers)
    assert answer.json() == {"message": "Invalid Basic Auth credentials"}
    challenge = answer.headers.get_list("www-authenticate")
    assert len(challenge) == 1
    assert ('error="missing_key"' in challenge[0]) is is_missing


def test_a_revoked_key_is_answered_like_an_unknown_one(schedule: ServedSchedule) -> None:
    at = ("--organization", HOME, "--database", schedule.database)
    revoked = rowen("keys", "create", "soon revoked", *at).stdout.strip()
    rowen("keys", "revoke", "soon revoked", *at)
    asked = [httpx.get(schedule.server.url + LIST, headers=basic(key)) for key in (revoked, "rowen_unknown")]
    assert len({(each.status_code, each.content, each.headers["www-authenticate"]) for each in asked}) == 1


def test_base64_without_its_padding_is_malformed(schedule: ServedSchedule) -> None:
    text = encoded(schedule.keys[HOME] + ":").rstrip("=")
    expected = 401 if len(text) % 4 else 200
    assert status_of(schedule, f"Basic {text}") == expected


def test_two_headers_are_refused(schedule: ServedSchedule) -> None:
    header = basic(schedule.keys[HOME])["Authorization"]
    request = written_request("GET", LIST, {"Authorization": header})
    assert send_raw(schedule.server, request).status == 200
    twice = request.replace(b"\r\n\r\n", f"\r\nAuthorization: {header}\r\n\r\n".encode())
    assert send_raw(schedule.server, twice).status == 401


def test_a_key_in_the_query_opens_nothing(schedule: ServedSchedule) -> None:
    for name in ("key", "api_key", "access_token"):
        answer = httpx.get(schedule.server.url + LIST, params={name: schedule.keys[HOME]})
        assert answer.status_code == 401


@pytest.mark.parametrize("permission", PATHS)
def test_a_key_opens_what_it_is_allowed_and_nothing_else(schedule: ServedSchedule, permission: str) -> None:
    key = make_key(schedule.database, HOME, f"only {permission.partition(':')[2]}", allow=[permission])
    with schedule.server.client(key) as client:
        for other, path in PATHS.items():
            assert client.get(path).status_code == (200 if other == permission else 403)
            assert client.head(path).status_code == (200 if other == permission else 403)


def test_the_key_of_another_system_is_kept_used_and_revoked(schedule: ServedSchedule) -> None:
    key = "7c1f0be29a5d4836b0f1e2d3c4a59687-2"
    at = ("--organization", AUCKLAND, "--database", schedule.database)
    rowen("keys", "create", "kept", "--stdin", *at, stdin=key.encode())
    assert "already" in rowen("keys", "create", "twice", "--stdin", *at, stdin=key.encode(), status=1).stderr
    with schedule.server.client(key) as client:
        assert client.get(LIST).json() == list(schedule.records[AUCKLAND])
        rowen("keys", "revoke", "kept", *at)
        assert client.get(LIST).status_code == 401


def test_a_key_is_made_used_and_revoked_while_the_server_runs(schedule: ServedSchedule) -> None:
    at = ("--database", schedule.database)
    made = rowen("keys", "create", "passing", "--organization", AUCKLAND, *at)
    key = made.stdout.strip()
    assert made.stdout == f"{key}\n"
    with schedule.server.client(key) as client:
        assert client.get(LIST).json() == list(schedule.records[AUCKLAND])
        listing = rowen("keys", "list", *at)
        assert "passing" in listing.stdout
        assert key not in listing.stdout + listing.stderr
        revoked = rowen("keys", "revoke", "passing", "--organization", AUCKLAND, *at)
        assert key not in revoked.stdout + revoked.stderr
        answer = client.get(LIST)
        assert answer.status_code == 401
        assert answer.content == b'{"message":"Invalid Basic Auth credentials"}'
    rowen("keys", "revoke", "passing", "--organization", AUCKLAND, *at, status=1)


def test_a_key_of_one_organization_opens_no_other(schedule: ServedSchedule) -> None:
    with schedule.server.client(schedule.keys[AUCKLAND]) as client:
        shared = next(each for each in schedule.records[AUCKLAND] if each["id"] < 600_000)
        assert client.get(f"{LIST}/{shared['id']}").json() == shared
        assert client.get(f"{LIST}/9001").status_code == 404
        assert "9001" not in json.dumps(client.get(LIST).json())


def test_a_key_is_given_more_while_the_server_runs(schedule: ServedSchedule) -> None:
    at = ("--organization", HOME, "--database", schedule.database)
    key = rowen("keys", "create", "growing", "--allow", "users:list", *at).stdout.strip()
    with schedule.server.client(key) as client:
        assert [client.get(path).status_code for path in ("/v1/users", LIST, "/v1/offers")] == [200, 403, 403]
        done = rowen("keys", "allow", "growing", "users:list", "offers:*", "scheduled_interviews:list", *at)
        assert done.stderr == (
            "Key growing may do more: scheduled_interviews: list; "
            "offers: list, list_for_application, retrieve, retrieve_current.\n"
        )
        assert [client.get(path).status_code for path in ("/v1/users", LIST, "/v1/offers")] == [200, 200, 200]
    assert rowen("keys", "allow", "growing", "offers:list", *at).stderr == "Key growing had all of this.\n"
    assert "read-only" not in rowen("keys", "show", "growing", *at).stdout
    rowen("keys", "allow", "growing", "--read-only", *at)
    assert "read-only" in rowen("keys", "show", "growing", *at).stdout


def test_what_cannot_be_given_is_refused(schedule: ServedSchedule) -> None:
    at = ("--organization", HOME, "--database", schedule.database)
    rowen("keys", "create", "ending", *at)
    rowen("keys", "revoke", "ending", *at)
    assert "was revoked on" in rowen("keys", "allow", "ending", "users:list", *at, status=1).stderr
    assert "has no key 'nobody'" in rowen("keys", "allow", "nobody", "users:list", *at, status=1).stderr
    assert "did you mean offers:list?" in rowen("keys", "allow", "nobody", "offers:lists", *at, status=1).stderr
    for unclear in ((), ("users:list", "--read-only")):
        assert "give permissions, or --read-only" in rowen("keys", "allow", "nobody", *unclear, *at, status=2).stderr
