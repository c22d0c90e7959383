"""Authentication: API keys, and another authenticator next to them in a whole application."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import structlog
from starlette.types import ASGIApp

from rowen import wiring
from rowen.api.declarations import Operation, Reply
from rowen.api.generations import Generation
from rowen.api.operations import OPERATIONS
from rowen.api.parameters import Parameter
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.api.schemas import TEXT
from rowen.app.keys import Identity, digest
from rowen.app.organizations import Organization
from rowen.app.services import Services
from rowen.http.addresses import joined_headers
from rowen.http.application import Beside, ProcessHooks, application
from rowen.http.authentication import ApiKeyAuthenticator, Authentication, Authenticator
from rowen.http.connections import ConnectionLimits, Connections
from rowen.http.edge import EdgePolicy
from rowen.http.endpoint import ApiContext, Gate
from rowen.http.mirror_metrics import MirrorCollector
from rowen.http.openapi.responses import success
from rowen.http.rate_limit import RateLimiter
from rowen.http.responses import RateState, RequestContext, attach
from rowen.interviews.errors import Code, Refusal, Unavailable
from rowen.interviews.moments import Instant
from tests.support.harness import opened
from tests.support.identities import access
from tests.support.in_process import Ask, asking
from tests.support.storage import SQLITE

LIST: Final = "/v1/scheduled_interviews"
CALENDARS: Final = "/calendars/"
LIMIT: Final = 5
MISSING_KEY: Final = (
    'Basic realm="Rowen", error="missing_key",'
    ' error_description="Send the API key as the user name of HTTP Basic, with an empty password"'
)


def scope(headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    made = {"type": "http", "path": LIST, "headers": headers}
    attach(made, RequestContext("id", joined_headers(made), RateState(1, 1)))
    return made


class Ring:
    """A keyring with one key, which may fail."""

    def __init__(self) -> None:
        self.uses: list[Any] = []
        self.fault: Exception | None = None

    async def authenticate(self, digest_: bytes) -> Identity | None:
        return access() if digest_ == digest("kéy") else None

    async def record_use(self, uses: Any) -> None:
        if self.fault:
            raise self.fault
        self.uses += uses


def basic(credentials: str | bytes, kind: bytes = b"Basic ") -> list[tuple[bytes, bytes]]:
    raw = credentials.encode() if isinstance(credentials, str) else credentials
    return [(b"authorization", kind + b64encode(raw))]


def authenticated(headers: list[tuple[bytes, bytes]]) -> bool:
    try:
        asyncio.run(Authentication([ApiKeyAuthenticator(Ring(), lambda: Instant(5))]).authenticate(scope(headers)))
    except Refusal as refusal:
        assert refusal.code is Code.UNAUTHENTICATED
        return False
    return True


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (basic("kéy:"), True),
        (basic("kéy"), True),
        (basic("kéy:ignored:too"), True),
        (basic("kéy:", b"bAsIc "), True),
        (basic("kéy:", b"Basic   "), True),
        ([(b"host", b"a"), *basic("kéy:"), (b"x", b"1"), (b"x", b"2")], True),
        ([], False),
        (basic("other:"), False),
        (basic(":kéy"), False),
        (basic(""), False),
        (basic(b"\xff\xfe:"), False),
        (basic("kéy:", b"Bearer "), False),
        (basic("kéy:", b"Basic"), False),
        ([(b"authorization", b"Basic")], False),
        ([(b"authorization", b"Basic !!!!")], False),
        ([(b"authorization", b"Basic a")], False),
        ([(b"authorization", b"")], False),
        ([(b"authorization", b"Basic \xff\xff")], False),
        ([*basic("kéy:"), *basic("kéy:")], False),
        ([*basic("other:"), *basic("kéy:")], False),
    ],
)
def test_the_user_name_is_the_key(headers: list[tuple[bytes, bytes]], expected: bool) -> None:
    assert authenticated(headers) is expected


async def test_the_use_of_a_key_is_stored_at_intervals_and_its_loss_is_no_outage() -> None:
    ring = Ring()
    keys = ApiKeyAuthenticator(ring, lambda: Instant(5))
    authentication = Authentication([keys])
    await keys.flush()
    for _ in range(3):
        await authentication.authenticate(scope(basic("kéy:")))
    await keys.flush()
    await keys.flush()
    assert ring.uses == [(1, 1, 5)]
    ring.fault = Unavailable("the disk is full")
    await authentication.authenticate(scope(basic("kéy:")))
    await keys.flush()


class TokenAuthenticator:
    """Bearer tokens (RFC 6750): one, which may list interviews."""

    def __init__(self, token: str, organization: Organization) -> None:
        self._token = token
        self._identity = Identity(-1, "Ada", frozenset({"scheduled_interviews:list"}), None, organization)

    def credentials(self, path: str, headers: Mapping[bytes, bytes]) -> str | None:
        kind, _, token = headers.get(b"authorization", b"").partition(b" ")
        return token.decode("latin-1") if kind.lower() == b"bearer" else None

    async def identify(self, credentials: str) -> Identity | None:
        return self._identity if credentials == self._token else None

    def challenge(self, *, rejected: bool) -> bytes:
        return b'Bearer error="invalid_token"' if rejected else b"Bearer"


class SecretAddress:
    """A secret in a path in place of a key: one, which may read a calendar."""

    def __init__(self, secret: str, organization: Organization) -> None:
        self._secret = secret
        self._identity = Identity(-2, "calendar", frozenset({"scheduled_interviews:list"}), None, organization)

    def credentials(self, path: str, headers: Mapping[bytes, bytes]) -> str | None:
        return path.removeprefix(CALENDARS) if path.startswith(CALENDARS) else None

    async def identify(self, credentials: str) -> Identity | None:
        return self._identity if credentials == self._secret else None

    def challenge(self, *, rejected: bool) -> None:
        """No challenge: a browser has nothing to ask its user for."""


async def calendar(services: Services, request: ApiRequest) -> Response:
    return Response(b"BEGIN:VCALENDAR", f'"{request.organization.name}"', media_type="text/calendar;charset=utf-8")


CALENDAR: Final = Operation(
    "GET",
    f"{CALENDARS}{{secret}}",
    "scheduled_interviews:list",
    calendar,
    "A calendar",
    "Calendars",
    Reply(str, "BEGIN:VCALENDAR", "A calendar", media_type="text/calendar"),
    path_parameters=(Parameter("secret", "The secret", TEXT, required=True),),
    secret_path=True,
)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Ask, str]]:
    """Return what asks an application that takes API keys, the token `ada` and a secret address, and an API key."""
    monkeypatch.setattr("rowen.http.application.OPERATIONS", (*OPERATIONS, CALENDAR))

    async def nothing() -> None:
        pass

    async def mirrors() -> MirrorCollector:
        return MirrorCollector([], wiring.now())

    with opened(SQLITE.new_database(tmp_path)) as harness:
        tenant = harness.tenant()
        authenticators: list[Authenticator] = [
            ApiKeyAuthenticator(harness.store.keys, wiring.now),
            TokenAuthenticator("ada", tenant.organization),
            SecretAddress("s3cret", tenant.organization),
        ]
        gates = dict.fromkeys(Generation, Gate(Authentication(authenticators), RateLimiter(LIMIT)))
        connections = Connections(ConnectionLimits(), None, lambda number, closed: None)
        policy = EdgePolicy(None, require_https=False, rate_limit=LIMIT, access_log=True)
        process = ProcessHooks(nothing, mirrors, nothing, lambda: None)

        def made(services: Services) -> ASGIApp:
            return application(ApiContext(services, gates, connections, None), policy, process, Beside((), False, None))

        with asking(harness, made) as ask:
            yield ask, tenant.key


def challenges(answer: httpx.Response) -> list[str]:
    """Return the challenges of a 401."""
    assert answer.status_code == 401
    return answer.headers.get_list("www-authenticate")


def test_another_authenticator_needs_no_other_code(served: tuple[Ask, str]) -> None:
    ask, key = served
    nobody = ask("GET", LIST)
    assert challenges(nobody) == [MISSING_KEY, "Bearer"]
    stranger = ask("GET", LIST, headers={"Authorization": "Bearer eve"})
    assert challenges(stranger) == [MISSING_KEY, 'Bearer error="invalid_token"']
    wrong_key = ask("GET", LIST, auth=("wrong", ""))
    assert challenges(wrong_key) == ['Basic realm="Rowen"', "Bearer"]
    assert nobody.content == stranger.content == wrong_key.content
    ada = {"Authorization": "Bearer ada"}
    for remaining in (LIMIT - 1, LIMIT - 2):
        listed = ask("GET", LIST, headers=ada)
        assert (listed.status_code, listed.content) == (200, b"[]")
        assert listed.headers["x-ratelimit-remaining"] == str(remaining)
    assert ask("GET", "/v1/users", headers=ada).status_code == 403, "not one of her permissions"
    of_key = ask("GET", "/v1/users", auth=(key, ""))
    assert (of_key.status_code, of_key.headers["x-ratelimit-remaining"]) == (200, str(LIMIT - 1))


def test_a_secret_address_needs_an_authenticator_and_an_operation(served: tuple[Ask, str]) -> None:
    ask, _ = served
    with structlog.testing.capture_logs() as log:
        wrong = ask("GET", f"{CALENDARS}guessed")
        assert challenges(wrong) == [MISSING_KEY, "Bearer"]
        assert wrong.content == ask("GET", LIST).content
        found = ask("GET", f"{CALENDARS}s3cret")
        assert (found.status_code, found.content) == (200, b"BEGIN:VCALENDAR")
        assert found.headers["content-type"] == "text/calendar;charset=utf-8"
        not_allowed = ask("POST", f"{CALENDARS}s3cret")
        assert not_allowed.status_code == 405
    logged = [each["path"] for each in log if each["event"] == "request"]
    assert logged == [CALENDAR.path, LIST, CALENDAR.path, CALENDAR.path], "no secret"


def test_a_reply_of_text_is_described_with_its_media_type() -> None:
    content = success(CALENDAR.reply, {})["content"]
    assert content == {"text/calendar": {"schema": {"type": "string"}, "example": "BEGIN:VCALENDAR"}}
