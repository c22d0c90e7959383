"""Who gets what: every operation against every kind of caller, to the byte (contract section 3).

A new operation needs a row in `targets_of`, a new page one in `PUBLIC`: without it, a test here fails.
"""

from base64 import b64encode
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from rowen.app.keys import PERMISSIONS
from rowen.harvest.operations import OPERATIONS, Operation
from rowen.http.pages import pages
from tests.contract.raw import RawAnswer, send_raw, written_request
from tests.contract.schedule import AUCKLAND, HOME, Schedule, make_key
from tests.security.world import NOBODY, World, ask, ids, new_scorecard, visible
from tests.support.records import canonical
from tests.support.server import basic

UNAUTHENTICATED: Final = b'{"message":"Invalid Basic Auth credentials"}'
FORBIDDEN: Final = b'{"message":"This API Key does not have permission for this endpoint"}'
NOT_FOUND: Final = b'{"message":"Resource not found"}'
NOTHING: Final = (200, b"[]")
UNKNOWN: Final = (404, NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Targets:
    """Addresses of one operation, for a caller of the home organization.

    `own` leads to what is theirs, `foreign` to what only the other organization has, and `missing` to what nobody has;
    the last two must be answered with `refusal`, alike. Where it is None the address names nothing, and all are one.
    """

    own: str
    foreign: str
    missing: str
    refusal: tuple[int, bytes] | None
    body: Any = None


def targets_of(world: World) -> Mapping[tuple[str, str], Targets]:
    """Return the addresses of every operation."""
    home = world.home
    found: dict[tuple[str, str], Targets] = {}

    def query(path: str, parameter: str, values: tuple[Any, Any, Any], refusal: tuple[int, bytes] = NOTHING) -> None:
        own, foreign, missing = (f"{path}?{parameter}={value}" for value in values)
        found["GET", path] = Targets(own, foreign, missing, refusal)

    def single(method: str, path: str, what: str, body: Any = None) -> None:
        own, foreign, missing = (path.replace("{id}", str(each)) for each in ids(world, what))
        found[method, path] = Targets(own, foreign, missing, UNKNOWN, body)

    def whole(method: str, path: str, body: Any = None) -> None:
        found[method, path] = Targets(path, path, path, None, body)

    def behind(what: str) -> tuple[int, int, int]:
        own, foreign, missing = ids(world, what)
        return own - 1, foreign - 1, missing

    query("/v1/scheduled_interviews", "external_event_id", (home.event, world.auckland.event, NOBODY))
    query("/v1/users", "email", (home.email, world.auckland.email, f"{NOBODY}@team.example"))
    query("/v1/applications", "job_id", ids(world, "job"))
    query("/v1/job_stages", "after", behind("stage"))
    query("/v1/scorecards", "after", behind("scorecard"))
    query("/rowen/v1/conflicts", "user_id", ids(world, "user"), (200, b'{"conflicts":[],"more":false}'))
    for resource, what in (("scheduled_interviews", "scheduled"), ("users", "user"), ("applications", "application")):
        single("GET", f"/v1/{resource}/{{id}}", what)
    single("GET", "/v1/job_stages/{id}", "stage")
    single("GET", "/v1/scorecards/{id}", "scorecard")
    single("GET", "/v1/jobs/{id}/stages", "job")
    for inner in ("scheduled_interviews", "scorecards"):
        single("GET", f"/v1/applications/{{id}}/{inner}", "application")
    single("GET", "/rowen/v1/scheduled_interviews/{id}/history", "scheduled")
    new_interview = home.new_interview("isolated")
    whole("POST", "/v2/scheduled_interviews", new_interview)
    whole("POST", "/v1/scheduled_interviews", new_interview)
    del new_interview["application_id"]
    single("POST", "/v1/applications/{id}/scheduled_interviews", "application", new_interview)
    for version in ("v1", "v2"):
        single("PATCH", f"/{version}/scheduled_interviews/{{id}}", "scheduled", {"location": "Here"})
    single("DELETE", "/v1/scheduled_interviews/{id}", "scheduled")
    whole("POST", "/rowen/v1/scorecards", new_scorecard(home))
    single("PATCH", "/rowen/v1/scorecards/{id}", "draft", {"overall_recommendation": "no"})
    single("DELETE", "/rowen/v1/scorecards/{id}", "draft")
    whole("GET", "/rowen/v1/changes")
    whole("GET", "/rowen/v1/webhooks")
    whole("POST", "/rowen/v1/webhooks", {"url": "http://127.0.0.1:9/"})
    for method, body in (("GET", None), ("PATCH", {"enabled": True}), ("DELETE", None)):
        single(method, "/rowen/v1/webhooks/{id}", "webhook", body)
    for method, act in (("POST", "test"), ("POST", "rotate"), ("GET", "deliveries")):
        single(method, f"/rowen/v1/webhooks/{{id}}/{act}", "webhook")
    return found


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
METHODS: Final = tuple(
    (method, operation)
    for operation in OPERATIONS
    for method in ((operation.method, "HEAD") if operation.method == "GET" else (operation.method,))
)
EVERY: Final = pytest.mark.parametrize(("method", "operation"), METHODS, ids=lambda each: getattr(each, "path", each))
READS: Final = tuple(operation for operation in OPERATIONS if operation.method == "GET")
WRITES: Final = tuple(operation for operation in OPERATIONS if operation.method != "GET")
ACTS: Final = tuple(operation for operation in WRITES if "webhooks" not in operation.path)
"""The writes that somebody does: they take `On-Behalf-Of`."""


@pytest.fixture(scope="module")
def targets(world: World) -> Mapping[tuple[str, str], Targets]:
    """Return the addresses of every operation."""
    return targets_of(world)


@pytest.fixture(scope="module")
def callers(world: World) -> dict[str, dict[str, str]]:
    """Return the headers of everyone who must get nothing for want of a key in force."""
    revoked = world.key("revoked")
    world.chronicler.revoke(world.home.organization, "revoked")
    good = world.home.key
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


def body_for(method: str, body: bytes) -> bytes:
    """Return the body that a method gets."""
    return b"" if method == "HEAD" else body


def test_every_operation_and_every_page_has_a_row(targets: Mapping[tuple[str, str], Targets]) -> None:
    async def ready() -> None: ...

    made: list[Awaitable[None]] = []
    assert targets.keys() == {(operation.method, operation.path) for operation in OPERATIONS}
    assert {page.path for page in pages(ready, public_url=None, public_metrics=False)} == PUBLIC
    assert {operation.permission for operation in OPERATIONS} == PERMISSIONS.keys()
    assert made == []


@EVERY
def test_without_a_key_in_force_everyone_gets_the_same_nothing(
    world: World,
    targets: Mapping[tuple[str, str], Targets],
    callers: dict[str, dict[str, str]],
    method: str,
    operation: Operation,
) -> None:
    found = targets[operation.method, operation.path]
    with world.unchanged():
        answers = {
            (caller, target): ask(world, method, target, headers, found.body)
            for caller, headers in callers.items()
            for target in {found.own, found.foreign}
        }
    for case, answer in answers.items():
        assert (answer.status, answer.body) == (401, body_for(method, UNAUTHENTICATED)), case
        assert answer.headers["www-authenticate"] == 'Basic realm="Rowen"'
    assert len({str(visible(answer)) for answer in answers.values()}) == 1


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_permission_opens_its_operations_and_nothing_else(
    world: World, targets: Mapping[tuple[str, str], Targets], permission: str
) -> None:
    """Where the call is let in, what nobody has is asked for, in a body that is no JSON: so that nothing is done."""
    lacking = world.key(f"lacks {permission}", *(PERMISSIONS.keys() - {permission}))
    alone = world.key(f"has {permission}", permission)
    with world.unchanged(), world.server.client(lacking) as outside, world.server.client(alone) as inside:
        for operation in OPERATIONS:
            shut, let_in = (outside, inside) if operation.permission == permission else (inside, outside)
            found = targets[operation.method, operation.path]
            refused = [
                shut.request(operation.method, target, **_sent(world, operation, found.body))
                for target in {found.own, found.foreign, found.missing}
            ]
            assert {(answer.status_code, answer.content) for answer in refused} == {(403, FORBIDDEN)}, operation
            answer = let_in.request(operation.method, found.missing, **_sent(world, operation, b"{"))
            assert answer.status_code in {200, 400, 404}, (operation, answer.text)


def _sent(world: World, operation: Operation, body: Any) -> dict[str, Any]:
    """Return what goes with a request."""
    if operation.method == "GET":
        return {}
    headers = {"On-Behalf-Of": str(world.home.ids["user"])}
    return {"headers": headers, "content": body} if isinstance(body, bytes) else {"headers": headers, "json": body}


@EVERY
def test_without_the_permission_head_has_no_body_either(
    world: World, targets: Mapping[tuple[str, str], Targets], method: str, operation: Operation
) -> None:
    key = world.key(f"none for {method} {operation.path}", *(PERMISSIONS.keys() - {operation.permission}))
    found = targets[operation.method, operation.path]
    with world.unchanged():
        answers = [
            ask(world, method, target, basic(key), found.body) for target in (found.own, found.foreign, found.missing)
        ]
    for answer in answers:
        assert (answer.status, answer.body) == (403, body_for(method, FORBIDDEN))
    assert len({str(visible(answer)) for answer in answers}) == 1


@EVERY
def test_what_is_foreign_looks_as_what_is_missing(
    world: World, targets: Mapping[tuple[str, str], Targets], method: str, operation: Operation
) -> None:
    found = targets[operation.method, operation.path]
    if found.refusal is None:
        assert found.own == found.foreign == found.missing
        return
    headers = basic(world.home.key)
    with world.unchanged():
        foreign, missing = (
            ask(world, method, target, headers, found.body) for target in (found.foreign, found.missing)
        )
    status, body = found.refusal
    assert (foreign.status, foreign.body) == (status, body_for(method, body))
    assert visible(foreign) == visible(missing)


@pytest.mark.parametrize("operation", READS, ids=lambda each: each.path)
def test_the_owner_sees_it_and_nothing_of_the_other(
    world: World, targets: Mapping[tuple[str, str], Targets], operation: Operation
) -> None:
    found = targets[operation.method, operation.path]
    own = ask(world, "GET", found.own, basic(world.home.key))
    assert own.status == 200
    assert own.body not in {b"[]", b""}
    assert b"auckland" not in own.body.lower()
    foreign = ask(world, "GET", found.foreign, basic(world.auckland.key))
    assert foreign.status == 200
    assert foreign.body not in {b"[]", b""}
    assert b"home" not in foreign.body.lower()
    if found.refusal is not None and not ("after=" in found.own or "webhooks" in found.own):
        assert ask(world, "GET", found.own, basic(world.auckland.key)).body == found.refusal[1]


@pytest.mark.parametrize("operation", READS, ids=lambda each: each.path)
def test_a_tag_of_another_organization_is_no_key_to_its_answer(
    world: World, targets: Mapping[tuple[str, str], Targets], operation: Operation
) -> None:
    found = targets[operation.method, operation.path]
    tag = ask(world, "GET", found.foreign, basic(world.auckland.key)).headers["etag"]
    answer = ask(world, "GET", found.foreign, {**basic(world.home.key), "If-None-Match": tag})
    assert answer.status != 304
    assert b"auckland" not in answer.body.lower()
    if found.refusal is not None:
        assert (answer.status, answer.body) == found.refusal


@pytest.mark.parametrize("operation", ACTS, ids=lambda each: f"{each.method} {each.path}")
def test_nobody_acts_as_a_user_of_another_organization(
    world: World, targets: Mapping[tuple[str, str], Targets], operation: Operation
) -> None:
    found = targets[operation.method, operation.path]
    with world.unchanged():
        foreign, missing = (
            ask(world, operation.method, found.own, {**basic(world.home.key), "On-Behalf-Of": str(user)}, found.body)
            for user in ids(world, "user")[1:]
        )
    assert (foreign.status, foreign.body) == UNKNOWN
    assert visible(foreign) == visible(missing)


def test_one_id_in_two_organizations_is_two_interviews(schedule: Schedule) -> None:
    home = {each["id"]: each for each in schedule.home}
    shared = [each for each in schedule.records[AUCKLAND] if each["id"] in home]
    assert shared
    keys = {name: make_key(schedule.database, name, "shared ids", rate_limit=0) for name in schedule.keys}
    for theirs in shared:
        target = f"/v1/scheduled_interviews/{theirs['id']}"
        assert fetched(schedule, target, basic(keys[AUCKLAND])).body == canonical(theirs)
        assert fetched(schedule, target, basic(keys[HOME])).body == canonical(home[theirs["id"]])


def fetched(schedule: Schedule, target: str, headers: dict[str, str]) -> RawAnswer:
    """Get one page."""
    return send_raw(schedule.server, written_request("GET", target, headers))


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_pages_need_no_key_and_hold_none(schedule: Schedule, path: str) -> None:
    answer = fetched(schedule, path, {})
    assert answer.status == 200
    for key in schedule.keys.values():
        assert key.encode() not in answer.body
    assert b"auckland" not in answer.body.lower()
