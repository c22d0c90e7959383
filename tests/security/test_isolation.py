"""Who gets what: every route against every kind of caller, to the byte (contract section 3).

A new operation needs a row in `TARGETS`, a new page one in `PUBLIC`: without it, a test here fails.
"""

from base64 import b64encode
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from rowen.app.keys import PERMISSIONS
from rowen.harvest.operations import OPERATIONS, Operation
from rowen.http.pages import pages
from tests.contract.raw import RawAnswer, send_raw, written_request
from tests.contract.schedule import AUCKLAND, HOME, Schedule, make_key
from tests.support.command import rowen
from tests.support.records import canonical
from tests.support.server import basic

UNAUTHENTICATED: Final = b'{"message":"Invalid Basic Auth credentials"}'
FORBIDDEN: Final = b'{"message":"This API Key does not have permission for this endpoint"}'
NOT_FOUND: Final = b'{"message":"Resource not found"}'
OTHERS_EVENT: Final = "akl-3"


@dataclass(frozen=True, slots=True)
class Targets:
    """Addresses of one operation, for a caller of `HOME`.

    `own` leads to what is theirs, `foreign` to what only `AUCKLAND` has, and `missing` to what nobody has; the last two
    must be answered with `refusal`, alike.
    """

    own: str
    foreign: str
    missing: str
    refusal: tuple[int, bytes]


TARGETS: Final[Mapping[tuple[str, str], Targets]] = {
    ("GET", "/v1/scheduled_interviews"): Targets(
        "/v1/scheduled_interviews?external_event_id=event-7",
        f"/v1/scheduled_interviews?external_event_id={OTHERS_EVENT}",
        "/v1/scheduled_interviews?external_event_id=none-1",
        (200, b"[]"),
    ),
    ("GET", "/v1/scheduled_interviews/{id}"): Targets(
        "/v1/scheduled_interviews/9001",
        "/v1/scheduled_interviews/600003",
        "/v1/scheduled_interviews/600999",
        (404, NOT_FOUND),
    ),
    ("GET", "/v1/applications/{id}/scheduled_interviews"): Targets(
        "/v1/applications/8000/scheduled_interviews",
        "/v1/applications/60000/scheduled_interviews",
        "/v1/applications/60001/scheduled_interviews",
        (404, NOT_FOUND),
    ),
}
PUBLIC: Final = {
    "/",
    "/openapi.json",
    "/docs",
    "/docs/start.js",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
    "/docs/favicon-32x32.png",
    "/healthz",
    "/readyz",
    "/metrics",
}
METHODS: Final = ("GET", "HEAD")


@pytest.fixture(scope="session")
def callers(schedule: Schedule) -> dict[str, dict[str, str]]:
    """Return the headers of everyone who must get nothing for want of a key in force."""
    revoked = make_key(schedule.database, HOME, "revoked")
    rowen("keys", "revoke", "revoked", "--organization", HOME, "--database", schedule.database)
    good = schedule.keys[HOME]
    return {
        "no key": {},
        "empty": {"Authorization": ""},
        "empty key": basic(""),
        "malformed": {"Authorization": "Basic %%%"},
        "not UTF-8": {"Authorization": "Basic " + b64encode(b"\xff\xfe:").decode()},
        "unencoded": {"Authorization": f"Basic {good}"},
        "another scheme": {"Authorization": f"Bearer {good}"},
        "key as password": basic("", good),
        "unknown": basic("rowen_" + "0" * 40),
        "cut": basic(good[:-1]),
        "too long": basic(good + "0"),
        "revoked": basic(revoked),
    }


@pytest.fixture(scope="session")
def unlimited(schedule: Schedule) -> dict[str, str]:
    """Return keys of both organizations without a limit: their answers do not count down."""
    return {name: make_key(schedule.database, name, "uncounted", rate_limit=0) for name in schedule.keys}


def ask(schedule: Schedule, method: str, target: str, headers: Mapping[str, str]) -> RawAnswer:
    """Send one request."""
    return send_raw(schedule.server, written_request(method, target, dict(headers)))


def visible(answer: RawAnswer) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return all that a client sees, but for the id of the request and the time of day."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in {"x-request-id", "date"}]
    return answer.status, headers, answer.body


def body_for(method: str, body: bytes) -> bytes:
    """Return the body that a method gets."""
    return b"" if method == "HEAD" else body


def test_every_operation_and_every_page_has_a_row() -> None:
    async def ready() -> None: ...

    made: list[Awaitable[None]] = []
    assert TARGETS.keys() == {(operation.method, operation.path) for operation in OPERATIONS}
    assert {page.path for page in pages(ready, public_url=None, public_metrics=False)} == PUBLIC
    assert {operation.permission for operation in OPERATIONS} == PERMISSIONS.keys()
    assert made == []


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.path)
def test_without_a_key_in_force_everyone_gets_the_same_nothing(
    schedule: Schedule, callers: dict[str, dict[str, str]], operation: Operation, method: str
) -> None:
    targets = TARGETS[operation.method, operation.path]
    answers = {
        (caller, target): ask(schedule, method, target, headers)
        for caller, headers in callers.items()
        for target in (targets.own, targets.foreign, targets.missing)
    }
    for case, answer in answers.items():
        assert (answer.status, answer.body) == (401, body_for(method, UNAUTHENTICATED)), case
        assert answer.headers["www-authenticate"] == 'Basic realm="Rowen"'
    assert len({str(visible(answer)) for answer in answers.values()}) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.path)
def test_without_the_permission_there_is_nothing_whatever_is_asked_for(
    schedule: Schedule, operation: Operation, method: str
) -> None:
    others = sorted(PERMISSIONS.keys() - {operation.permission})
    name = f"not {operation.permission.replace(':', ' ')} {method}"
    key = make_key(schedule.database, HOME, name, allow=others, rate_limit=0)
    targets = TARGETS[operation.method, operation.path]
    answers = [ask(schedule, method, target, basic(key)) for target in (targets.own, targets.foreign, targets.missing)]
    for answer in answers:
        assert (answer.status, answer.body) == (403, body_for(method, FORBIDDEN))
    assert len({str(visible(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.path)
def test_what_is_foreign_looks_as_what_is_missing(
    schedule: Schedule, unlimited: dict[str, str], operation: Operation, method: str
) -> None:
    targets = TARGETS[operation.method, operation.path]
    headers = basic(unlimited[HOME])
    foreign, missing = (ask(schedule, method, target, headers) for target in (targets.foreign, targets.missing))
    status, body = targets.refusal
    assert (foreign.status, foreign.body) == (status, body_for(method, body))
    # The tag of a list stands for the address asked for: it may differ, and nothing else.
    assert without_tag(visible(foreign)) == without_tag(visible(missing))


def without_tag(
    answer: tuple[int, list[tuple[str, str]], bytes],
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return an answer without its `ETag`."""
    status, headers, body = answer
    return status, [(name, value) for name, value in headers if name != "etag"], body


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.path)
def test_the_owner_sees_it(schedule: Schedule, unlimited: dict[str, str], operation: Operation) -> None:
    targets = TARGETS[operation.method, operation.path]
    own = ask(schedule, "GET", targets.own, basic(unlimited[HOME]))
    assert own.status == 200
    assert own.body not in {b"[]", b""}
    foreign = ask(schedule, "GET", targets.foreign, basic(unlimited[AUCKLAND]))
    assert foreign.status == 200
    assert foreign.body not in {b"[]", b""}
    assert ask(schedule, "GET", targets.own, basic(unlimited[AUCKLAND])).body == targets.refusal[1]


def test_a_tag_of_another_organization_is_no_key_to_its_answer(schedule: Schedule, unlimited: dict[str, str]) -> None:
    for operation in OPERATIONS:
        targets = TARGETS[operation.method, operation.path]
        tag = ask(schedule, "GET", targets.foreign, basic(unlimited[AUCKLAND])).headers["etag"]
        answer = ask(schedule, "GET", targets.foreign, {**basic(unlimited[HOME]), "If-None-Match": tag})
        assert (answer.status, answer.body) == targets.refusal


def test_one_id_in_two_organizations_is_two_interviews(schedule: Schedule, unlimited: dict[str, str]) -> None:
    home = {each["id"]: each for each in schedule.home}
    shared = [each for each in schedule.records[AUCKLAND] if each["id"] in home]
    assert shared
    for theirs in shared:
        target = f"/v1/scheduled_interviews/{theirs['id']}"
        assert ask(schedule, "GET", target, basic(unlimited[AUCKLAND])).body == canonical(theirs)
        assert ask(schedule, "GET", target, basic(unlimited[HOME])).body == canonical(home[theirs["id"]])


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_pages_need_no_key_and_hold_none(schedule: Schedule, path: str) -> None:
    answer = ask(schedule, "GET", path, {})
    assert answer.status == 200
    for key in schedule.keys.values():
        assert key.encode() not in answer.body
    assert b"auckland" not in answer.body.lower()
