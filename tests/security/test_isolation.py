"""Who gets what: every operation against every kind of caller, to the byte (contract section 3).

A new operation needs a row in `targets_of`, a new page one in `PUBLIC`: without it, a test here fails.
"""

import json
from base64 import b64encode
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from rowen.app.keys import PERMISSIONS
from rowen.harvest.operations import OPERATIONS, Operation
from rowen.http.pages import pages
from tests.contract.raw import RawAnswer, send_raw, written_request
from tests.contract.schedule import AUCKLAND, HOME, Schedule, make_key
from tests.security.world import NOWHERE, Side, World
from tests.support.records import canonical
from tests.support.server import basic

UNAUTHENTICATED: Final = b'{"message":"Invalid Basic Auth credentials"}'
FORBIDDEN: Final = b'{"message":"This API Key does not have permission for this endpoint"}'
NOT_FOUND: Final = b'{"message":"Resource not found"}'
NOTHING: Final = (200, b"[]")
UNKNOWN: Final = (404, NOT_FOUND)
NOBODY: Final = "nobody"
"""What is named so is nobody's."""


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
    whole("POST", "/rowen/v1/scorecards", _scorecard(home))
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


def ids(world: World, what: str) -> tuple[int, int, int]:
    """Return an id of the home organization's own, one that only the other has, and one that nobody has."""
    return world.home.ids[what], world.auckland.ids[what], NOWHERE


def _scorecard(home: Side) -> dict[str, Any]:
    return {"scheduled_interview_id": home.ids["overlapping"], "interviewer_id": home.ids["user"]}


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


def ask(world: World, method: str, target: str, headers: Mapping[str, str], body: Any = None) -> RawAnswer:
    """Send one request, a write on behalf of a user of the home organization."""
    content = b"" if body is None else json.dumps(body).encode()
    sized = {} if body is None else {"Content-Length": str(len(content)), "Content-Type": "application/json"}
    acting = {} if method in ("GET", "HEAD") else {"On-Behalf-Of": str(world.home.ids["user"])}
    return send_raw(world.server, written_request(method, target, {**acting, **headers, **sized}, content))


def visible(answer: RawAnswer) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return all that a client sees, but for the id of the request, the time of day, and the tag.

    The tag of a list stands for the address asked for: it may differ.
    """
    passing = {"x-request-id", "date", "etag"}
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in passing]
    return answer.status, headers, answer.body


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


@dataclass(frozen=True, slots=True)
class Naming:
    """A write whose body names something by `field`: how to make the body, and the values of both organizations."""

    method: str
    path: str
    field: str
    body: Any
    foreign: Any
    missing: Any

    def with_value(self, value: Any) -> Any:
        """Return the body that names `value`."""
        if self.field.startswith("interviewers"):
            return {**self.body, "interviewers": [{self.field.split(".")[1]: value, "response_status": "accepted"}]}
        return {**self.body, self.field: value}


def namings(world: World) -> Iterator[Naming]:
    """Return every field of every body that names something which must be there."""
    home, auckland = world.home, world.auckland
    create = home.new_interview("naming")
    addressed = ("interviewers[0].email", auckland.email, f"{NOBODY}@team.example")
    seats: list[tuple[str, Any, Any]] = [
        (f"interviewers[0].{name}", auckland.ids["user"], NOWHERE) for name in ("user_id", "id")
    ]
    seats.append(("interviewers[0].employee_id", auckland.employee_id, NOBODY))
    references = [(f"{what}_id", auckland.ids[what], NOWHERE) for what in ("application", "interview")]
    own = home.ids["scheduled"]
    of_application = f"/v1/applications/{home.ids['application']}/scheduled_interviews"
    for method, path, body, fields in (
        ("POST", "/v2/scheduled_interviews", create, [*references, *seats]),
        ("POST", "/v1/scheduled_interviews", create, [*references, *seats, addressed]),
        ("POST", of_application, create, [*references, *seats, addressed]),
        ("PATCH", f"/v2/scheduled_interviews/{own}", {}, seats),
        ("PATCH", f"/v1/scheduled_interviews/{own}", {}, [*seats, addressed]),
    ):
        for field, foreign, missing in fields:
            yield Naming(method, path, field, body, foreign, missing)
    for field, what in (("scheduled_interview_id", "scheduled"), ("interviewer_id", "user")):
        yield Naming("POST", "/rowen/v1/scorecards", field, _scorecard(home), auckland.ids[what], NOWHERE)


def test_a_foreign_name_in_a_body_is_as_unknown_as_nobodys(world: World) -> None:
    told = 0
    with world.unchanged():
        for naming in namings(world):
            foreign, missing = (
                ask(world, naming.method, naming.path, basic(world.home.key), naming.with_value(value))
                for value in (naming.foreign, naming.missing)
            )
            assert foreign.status == 422, (naming, foreign.body)
            field = naming.field.replace("].id", "].user_id")
            assert [each["field"] for each in json.loads(foreign.body)["errors"]] == [field], naming
            assert visible(foreign) == visible(missing), naming
            told += 1
    assert told > 20


def test_a_foreign_address_is_a_guest_as_any_other(world: World) -> None:
    home = world.home
    before = world.auckland.seen()
    seen = []
    for email in (world.auckland.email, f"{NOBODY}@team.example"):
        panel = [{"email": email, "response_status": "accepted"}]
        made = home.send("POST", "/v2/scheduled_interviews", home.new_interview(f"guest {email}", interviewers=panel))
        assert made.status_code == 200, made.text
        seen.append({name: value for name, value in made.json()["interviewers"][0].items() if name != "email"})
    assert seen[0] == seen[1]
    assert seen[0]["id"] is seen[0]["name"] is seen[0]["employee_id"] is None
    assert world.auckland.seen() == before


def test_an_event_of_another_organization_is_free(world: World) -> None:
    before = world.auckland.seen()
    event = world.auckland.event
    made = world.home.send("POST", "/v2/scheduled_interviews", world.home.new_interview(event))
    assert made.status_code == 200, made.text
    assert world.auckland.seen() == before
    # Only here is it taken now, and the id that is told is of here.
    again = world.home.send("POST", "/v1/scheduled_interviews", world.home.new_interview(event))
    assert again.json()["errors"] == [
        {"message": f"Must be unique (interview {made.json()['id']} has it)", "field": "external_event_id"}
    ]


def test_an_idempotency_key_of_another_organization_means_nothing(world: World) -> None:
    def create(side: Side) -> httpx.Response:
        return side.send("POST", "/v2/scheduled_interviews", side.new_interview("once"), Idempotency_Key="the same")

    home, auckland = create(world.home), create(world.auckland)
    assert home.status_code == auckland.status_code == 200
    assert home.json()["application_id"] == world.home.ids["application"]
    assert auckland.json()["application_id"] == world.auckland.ids["application"]
    assert create(world.home).content == home.content
    assert create(world.auckland).content == auckland.content


def test_a_tag_of_another_organization_matches_nothing(world: World) -> None:
    foreign = world.auckland.client.get(f"/v1/scheduled_interviews/{world.auckland.ids['scheduled']}").headers["etag"]
    path = f"/v2/scheduled_interviews/{world.home.ids['scheduled']}"
    with world.unchanged():
        for tag in (foreign, '"none"'):
            answer = world.home.send("PATCH", path, {"location": "Here"}, If_Match=tag)
            assert answer.status_code == 412, answer.text


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
