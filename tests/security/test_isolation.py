"""Isolation: every operation against every kind of caller, byte for byte (contract section 3).

A new operation needs a row in `targets_of`, a new page one in `PUBLIC`: without it, a test here fails.
`tests/support/tenants.py` makes the two organizations; names in bodies are tested in `test_foreign_names.py`, callers
with tokens of v3 in `test_v3_isolation.py`.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from rowen import wiring
from rowen.api.declarations import Operation
from rowen.api.v1.catalogue import CATALOGUE, ArchiveCall
from rowen.app.archive import ARCHIVED
from rowen.app.keys import PERMISSIONS
from rowen.http.connections import Connection
from rowen.http.documentation import SITE_PATH
from rowen.http.mirror_metrics import MirrorCollector
from rowen.http.pages import pages
from tests.support.operations import WITH_KEYS
from tests.support.raw_http import RawAnswer, send_raw, written_request
from tests.support.records import canonical
from tests.support.scale import sample
from tests.support.served_schedule import AUCKLAND, HOME, ServedSchedule, make_key
from tests.support.server import basic
from tests.support.tenants import (
    AVAILABILITY,
    BUSY,
    EARLIER,
    NOBODY,
    TenantPair,
    ask,
    ids,
    new_booking,
    new_candidate,
    new_question,
    new_scorecard,
    new_stage,
    new_user,
    visible,
)
from tests.support.tokens import bearer, new_token

UNAUTHENTICATED: Final = b'{"message":"Invalid Basic Auth credentials"}'
FORBIDDEN: Final = b'{"message":"This API Key does not have permission for this endpoint"}'
NOT_FOUND: Final = b'{"message":"Resource not found"}'
OPENING: Final = "/v1/jobs/{id}/openings/{opening_id}"
DELIVERY: Final = "/rowen/v1/webhooks/{id}/deliveries/{event_id}"
NOTHING: Final = (200, b"[]")
UNKNOWN: Final = (404, NOT_FOUND)
UNKNOWN_USER: Final = (
    404,
    b'{"message":"Resource not found","errors":'
    b'[{"message":"Must be the id of a user of this organization","field":"On-Behalf-Of"}]}',
)


@dataclass(frozen=True, slots=True)
class Targets:
    """Addresses of one operation, for a caller of the home organization.

    `own` leads to its own records, `foreign` to those that only the other organization has, and `missing` to none; the
    last two must get the same `refusal`. If that is None, the address names nothing, and all three are the same.
    """

    own: str
    foreign: str
    missing: str
    refusal: tuple[int, bytes] | None
    body: Any = None


def targets_of(tenants: TenantPair) -> Mapping[tuple[str, str], Targets]:
    """Return the addresses of every operation."""
    home = tenants.home
    found: dict[tuple[str, str], Targets] = {}

    def query(path: str, parameter: str, values: tuple[Any, Any, Any], refusal: tuple[int, bytes] = NOTHING) -> None:
        own, foreign, missing = (f"{path}?{parameter}={value}" for value in values)
        found["GET", path] = Targets(own, foreign, missing, refusal)

    def single(method: str, path: str, what: str, body: Any = None) -> None:
        own, foreign, missing = (path.replace("{id}", str(each)) for each in ids(tenants, what))
        found[method, path] = Targets(own, foreign, missing, UNKNOWN, body)

    def whole(method: str, path: str, body: Any = None) -> None:
        found[method, path] = Targets(path, path, path, None, body)

    def behind(what: str) -> tuple[int, int, int]:
        own, foreign, missing = ids(tenants, what)
        return own - 1, foreign - 1, missing

    query("/v1/scheduled_interviews", "external_event_id", (home.event, tenants.auckland.event, NOBODY))
    query("/v1/users", "email", (home.email, tenants.auckland.email, f"{NOBODY}@team.example"))
    query("/v1/applications", "job_id", ids(tenants, "job"))
    query("/v1/job_stages", "after", behind("stage"))
    query("/v1/scorecards", "after", behind("scorecard"))
    query("/v1/candidates", "candidate_ids", ids(tenants, "candidate"))
    query("/v1/jobs", "requisition_id", (f"R-{home.name}", f"R-{tenants.auckland.name}", NOBODY))
    query("/rowen/v1/conflicts", "user_id", ids(tenants, "user"), (200, b'{"conflicts":[],"more":false}'))
    for resource, what in (("scheduled_interviews", "scheduled"), ("users", "user"), ("applications", "application")):
        single("GET", f"/v1/{resource}/{{id}}", what)
    single("GET", "/v1/job_stages/{id}", "stage")
    single("GET", "/v1/scorecards/{id}", "scorecard")
    single("GET", "/v1/candidates/{id}", "candidate")
    single("GET", "/v1/jobs/{id}", "job")
    single("GET", "/v1/jobs/{id}/stages", "job")
    single("GET", "/v1/jobs/{id}/hiring_team", "job")
    single("GET", "/v1/jobs/{id}/openings", "job")
    found["GET", OPENING] = opening_targets(tenants)
    for inner in ("scheduled_interviews", "scorecards"):
        single("GET", f"/v1/applications/{{id}}/{inner}", "application")
    single("GET", "/rowen/v1/scheduled_interviews/{id}/history", "scheduled")
    single("POST", "/rowen/v1/scheduled_interviews/{id}/restore", "scheduled")
    new_interview = home.new_interview("isolated")
    whole("POST", "/v2/scheduled_interviews", new_interview)
    whole("POST", "/v1/scheduled_interviews", new_interview)
    del new_interview["application_id"]
    single("POST", "/v1/applications/{id}/scheduled_interviews", "application", new_interview)
    for version in ("v1", "v2"):
        single("PATCH", f"/{version}/scheduled_interviews/{{id}}", "scheduled", {"location": "Here"})
    single("DELETE", "/v1/scheduled_interviews/{id}", "scheduled")
    whole("POST", "/v1/users", new_user(home))
    single("PATCH", "/v1/users/{id}", "user", {"first_name": "Ida"})
    single("PATCH", "/v1/users/{id}/disable", "user")
    single("PATCH", "/v1/users/{id}/enable", "user")
    whole("PATCH", "/v2/users/disable", {"user": {"user_id": home.ids["user"]}})
    whole("PATCH", "/v2/users/enable", {"user": {"user_id": home.ids["user"]}})
    whole("PATCH", "/v2/users", {"user": {"user_id": home.ids["user"]}, "payload": {"first_name": "Ida"}})
    whole("POST", "/v1/candidates", new_candidate(home))
    single("POST", "/v1/candidates/{id}/applications", "candidate", {"job_id": home.ids["job"]})
    whole("POST", "/rowen/v1/jobs", {"name": "Pilot"})
    single("PATCH", "/rowen/v1/jobs/{id}", "job", {"name": "Pilot"})
    whole("POST", "/rowen/v1/job_stages", new_stage(home))
    single("PATCH", "/rowen/v1/job_stages/{id}", "stage", {"name": "Stage"})
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
    single("POST", "/rowen/v1/webhooks/{id}/resend", "webhook", {"failed_since": EARLIER})
    single("POST", "/rowen/v1/webhooks/{id}/skip", "webhook", {"event_id": home.delivery})
    found["GET", DELIVERY] = delivery_targets(tenants)
    whole("GET", "/rowen/v1/calendars")
    whole("POST", "/rowen/v1/calendars", {"user_id": home.ids["user"]})
    single("DELETE", "/rowen/v1/calendars/{id}", "calendar")
    archive = {("GET", call.path): archive_targets(tenants, call) for call in CATALOGUE}
    return found | setup_targets(tenants) | archive


def setup_targets(tenants: TenantPair) -> dict[tuple[str, str], Targets]:
    """Return the addresses of what scheduling is based on."""
    found: dict[tuple[str, str], Targets] = {}
    for collection, what, made, changes in (
        ("/rowen/v1/rooms", "room", {"name": "Attic"}, {"capacity": 3}),
        ("/rowen/v1/pools", "pool", {"name": "Backend"}, {"members": []}),
    ):
        for method, body in (("GET", None), ("POST", made)):
            found[method, collection] = Targets(collection, collection, collection, None, body)
        own, foreign, missing = (f"{collection}/{each}" for each in ids(tenants, what))
        for method, content in (("GET", None), ("PATCH", changes), ("DELETE", None)):
            found[method, f"{collection}/{{id}}"] = Targets(own, foreign, missing, UNKNOWN, content)
    user = "/rowen/v1/users/{id}"
    for method, path, query, content in (
        ("GET", f"{user}/availability", "", None),
        ("PUT", f"{user}/availability", "", AVAILABILITY),
        ("GET", f"{user}/busy_sources", "", None),
        ("GET", f"{user}/busy", "?source=calendar", None),
        ("PUT", f"{user}/busy", "?source=calendar", BUSY),
        ("DELETE", f"{user}/busy", "?source=calendar", None),
    ):
        own, foreign, missing = (path.replace("{id}", str(each)) + query for each in ids(tenants, "user"))
        found[method, path] = Targets(own, foreign, missing, UNKNOWN, content)
    slots = "/rowen/v1/slots"
    found["POST", slots] = Targets(slots, slots, slots, None, new_question(tenants.home))
    for method, path in (("POST", "/rowen/v1/bookings"), ("POST", "/rowen/v1/holds"), ("GET", "/rowen/v1/holds")):
        found[method, path] = Targets(path, path, path, None, new_booking(tenants.home) if method == "POST" else None)
    links = "/rowen/v1/booking_links"
    found["GET", links] = Targets(links, links, links, None)
    found["POST", links] = Targets(links, links, links, None, new_question(tenants.home))
    own, foreign, missing = (f"{links}/{each}" for each in ids(tenants, "booking_link"))
    found["DELETE", f"{links}/{{id}}"] = Targets(own, foreign, missing, UNKNOWN)
    own, foreign, missing = (f"/rowen/v1/holds/{each}" for each in ids(tenants, "hold"))
    found["DELETE", "/rowen/v1/holds/{id}"] = Targets(own, foreign, missing, UNKNOWN)
    return found


def archive_targets(tenants: TenantPair, call: ArchiveCall) -> Targets:
    """Return the addresses of a call of the archive: of each organization's own parent or document."""
    if "{token}" in call.path:
        names: tuple[Any, Any, Any] = (tenants.home.name, tenants.auckland.name, NOBODY)
    elif "{id}" in call.path:
        names = ids(tenants, call.parent if call.parent is not None and call.parent in tenants.home.ids else "archived")
    else:
        path = call.path.format(field_type="job")
        return Targets(path, path, path, None)
    own, foreign, missing = (call.path.format(id=each, token=each) for each in names)
    return Targets(own, foreign, missing, UNKNOWN)


def opening_targets(tenants: TenantPair) -> Targets:
    """Return the addresses of an opening, which has an id of its own within its job's."""
    pairs = zip(ids(tenants, "job"), ids(tenants, "opening"), strict=True)
    own, foreign, missing = (
        OPENING.replace("{id}", str(job)).replace("{opening_id}", str(opening)) for job, opening in pairs
    )
    return Targets(own, foreign, missing, UNKNOWN)


def delivery_targets(tenants: TenantPair) -> Targets:
    """Return the addresses of a delivery, which has an id of its own within its webhook's."""
    events = (tenants.home.delivery, tenants.auckland.delivery, f"msg_{NOBODY}")
    own, foreign, missing = (
        DELIVERY.replace("{id}", str(hook)).replace("{event_id}", event)
        for hook, event in zip(ids(tenants, "webhook"), events, strict=True)
    )
    return Targets(own, foreign, missing, UNKNOWN)


PUBLIC: Final = {
    "/",
    "/openapi.json",
    "/docs",
    "/docs/",
    "/docs/api",
    "/docs/api/",
    "/docs/api/start.js",
    "/docs/api/page.css",
    "/docs/api/swagger-ui.css",
    "/docs/api/swagger-ui-bundle.js",
    "/docs/api/favicon-32x32.png",
    "/healthz",
    "/readyz",
    "/metrics",
}
METHODS: Final = tuple(
    (method, operation)
    for operation in WITH_KEYS
    for method in ((operation.method, "HEAD") if operation.method == "GET" else (operation.method,))
)
EVERY: Final = pytest.mark.parametrize(("method", "operation"), METHODS, ids=lambda each: getattr(each, "path", each))
ALWAYS_EMPTY: Final = {call.path for call in CATALOGUE if not ARCHIVED[call.resource].kept}
READS: Final = tuple(operation for operation in WITH_KEYS if operation.method == "GET")
WRITES: Final = tuple(operation for operation in WITH_KEYS if operation.method != "GET")
ACTS: Final = tuple(
    operation
    for operation in WRITES
    if not any(each in operation.path for each in ("webhooks", "calendars", "/rowen/v1/slots"))
)
"""The writes on behalf of a user: they need `On-Behalf-Of`."""


@pytest.fixture(scope="module")
def targets(tenants: TenantPair) -> Mapping[tuple[str, str], Targets]:
    """Return the addresses of every operation."""
    return targets_of(tenants)


@pytest.fixture(scope="module")
def lacking_keys(tenants: TenantPair) -> dict[str, str]:
    """Return keys to everything but one permission, by that permission."""
    return {each: tenants.home.new_key(*(PERMISSIONS.keys() - {each})) for each in PERMISSIONS}


@pytest.fixture(scope="module")
def callers(tenants: TenantPair) -> dict[str, dict[str, str]]:
    """Return the headers of every caller without a valid key, who must get nothing."""
    revoked = tenants.home.new_key(name="revoked")
    tenants.home.revoke("revoked")
    good = tenants.home.key
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


READABLE: Final = {"unknown", "cut", "too long", "revoked"}


def body_for(method: str, body: bytes) -> bytes:
    """Return the body for a method."""
    return b"" if method == "HEAD" else body


def test_every_operation_and_every_page_has_a_row(targets: Mapping[tuple[str, str], Targets]) -> None:
    async def ready() -> None: ...

    async def room(_connection: Connection, _size: int) -> None: ...

    async def mirrors() -> MirrorCollector:
        return MirrorCollector([], wiring.now())

    found = pages(ready, room, mirrors, public_url=None, public_metrics=False)
    assert targets.keys() == {(operation.method, operation.path) for operation in WITH_KEYS}
    assert {page.path for page in found} - {SITE_PATH} == PUBLIC


@EVERY
def test_without_a_key_in_force_everyone_gets_the_same_nothing(
    tenants: TenantPair,
    targets: Mapping[tuple[str, str], Targets],
    callers: dict[str, dict[str, str]],
    method: str,
    operation: Operation,
) -> None:
    found = targets[operation.method, operation.path]
    with tenants.unchanged():
        answers = {
            (caller, target): ask(tenants, method, target, headers, found.body)
            for caller, headers in callers.items()
            for target in {found.own, found.foreign}
        }
    for case, answer in answers.items():
        assert (answer.status, answer.body) == (401, body_for(method, UNAUTHENTICATED)), case
        assert answer.headers["www-authenticate"].startswith('Basic realm="Rowen"')
    # The response shows whether a key can be read, but not whether it ever was valid.
    for group in (READABLE, callers.keys() - READABLE):
        assert len({str(visible(answer)) for (caller, _), answer in answers.items() if caller in group}) == 1


def test_a_token_of_v3_opens_nothing_of_v1(tenants: TenantPair, targets: Mapping[tuple[str, str], Targets]) -> None:
    token = new_token(tenants.home)
    with tenants.unchanged():
        for operation in WITH_KEYS:
            found = targets[operation.method, operation.path]
            for headers in (bearer(token), basic(token)):
                answer = ask(tenants, operation.method, found.own, headers, found.body)
                assert (answer.status, answer.body) == (401, UNAUTHENTICATED), operation


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_permission_opens_its_operations_and_nothing_else(
    tenants: TenantPair, targets: Mapping[tuple[str, str], Targets], lacking_keys: dict[str, str], permission: str
) -> None:
    """An allowed call asks for something that nobody has, with a body that is not JSON, so that nothing is done."""
    lacking = lacking_keys[permission]
    alone = tenants.home.new_key(permission)
    number = list(PERMISSIONS).index(permission)
    own = [each for each in WITH_KEYS if each.permission == permission]
    with (
        tenants.unchanged(),
        tenants.home.harness.server.client(lacking) as outside,
        tenants.home.harness.server.client(alone) as inside,
    ):
        for operation in [*own, *sample([each for each in WITH_KEYS if each not in own], number)]:
            shut, let_in = (outside, inside) if operation.permission == permission else (inside, outside)
            found = targets[operation.method, operation.path]
            every = {found.own, found.foreign, found.missing} if operation.permission == permission else {found.own}
            refused = [
                shut.request(operation.method, target, **_sent(tenants, operation, found.body)) for target in every
            ]
            assert {(answer.status_code, answer.content) for answer in refused} == {(403, FORBIDDEN)}, operation
            if operation.permission.partition(":")[0] != permission.partition(":")[0]:
                continue  # at full scale every key is tried with every operation, but not each of them in every way
            answer = let_in.request(operation.method, found.missing, **_sent(tenants, operation, b"{"))
            assert answer.status_code in {200, 400, 404}, (operation, answer.text)


def _sent(tenants: TenantPair, operation: Operation, body: Any) -> dict[str, Any]:
    """Return the arguments of a request."""
    if operation.method == "GET":
        return {}
    headers = {"On-Behalf-Of": str(tenants.home.ids["user"]), "Content-Type": "application/json"}
    return {"headers": headers, "content": body} if isinstance(body, bytes) else {"headers": headers, "json": body}


@EVERY
def test_without_the_permission_head_has_no_body_either(
    tenants: TenantPair,
    targets: Mapping[tuple[str, str], Targets],
    lacking_keys: dict[str, str],
    method: str,
    operation: Operation,
) -> None:
    key = lacking_keys[operation.permission]
    found = targets[operation.method, operation.path]
    with tenants.unchanged():
        answers = [
            ask(tenants, method, target, basic(key), found.body) for target in (found.own, found.foreign, found.missing)
        ]
    for answer in answers:
        assert (answer.status, answer.body) == (403, body_for(method, FORBIDDEN))
    assert len({str(visible(answer)) for answer in answers}) == 1


@EVERY
def test_foreign_records_look_like_missing_ones(
    tenants: TenantPair, targets: Mapping[tuple[str, str], Targets], method: str, operation: Operation
) -> None:
    found = targets[operation.method, operation.path]
    if found.refusal is None:
        assert found.own == found.foreign == found.missing
        return
    headers = basic(tenants.home.key)
    with tenants.unchanged():
        foreign, missing = (
            ask(tenants, method, target, headers, found.body) for target in (found.foreign, found.missing)
        )
    status, body = found.refusal
    assert (foreign.status, foreign.body) == (status, body_for(method, body))
    assert visible(foreign) == visible(missing)


@pytest.mark.parametrize("operation", READS, ids=lambda each: each.path)
def test_the_owner_sees_it_and_nothing_of_the_other(
    tenants: TenantPair, targets: Mapping[tuple[str, str], Targets], operation: Operation
) -> None:
    found = targets[operation.method, operation.path]
    empty = {b""} if operation.path in ALWAYS_EMPTY else {b"[]", b""}
    own = ask(tenants, "GET", found.own, basic(tenants.home.key))
    assert own.status == 200
    assert own.body not in empty
    assert b"auckland" not in own.body.lower()
    foreign = ask(tenants, "GET", found.foreign, basic(tenants.auckland.key))
    assert foreign.status == 200
    assert foreign.body not in empty
    assert b"home" not in foreign.body.lower()
    if found.refusal is not None and not ("after=" in found.own or "webhooks" in found.own):
        assert ask(tenants, "GET", found.own, basic(tenants.auckland.key)).body == found.refusal[1]


@pytest.mark.parametrize("operation", READS, ids=lambda each: each.path)
def test_a_tag_of_another_organization_reveals_nothing(
    tenants: TenantPair, targets: Mapping[tuple[str, str], Targets], operation: Operation
) -> None:
    found = targets[operation.method, operation.path]
    tag = ask(tenants, "GET", found.foreign, basic(tenants.auckland.key)).headers["etag"]
    answer = ask(tenants, "GET", found.foreign, {**basic(tenants.home.key), "If-None-Match": tag})
    assert answer.status != 304
    assert b"auckland" not in answer.body.lower()
    if found.refusal is not None:
        assert (answer.status, answer.body) == found.refusal


@pytest.mark.parametrize("operation", ACTS, ids=lambda each: f"{each.method} {each.path}")
def test_nobody_acts_as_a_user_of_another_organization(
    tenants: TenantPair, targets: Mapping[tuple[str, str], Targets], operation: Operation
) -> None:
    found = targets[operation.method, operation.path]
    with tenants.unchanged():
        foreign, missing = (
            ask(
                tenants, operation.method, found.own, {**basic(tenants.home.key), "On-Behalf-Of": str(user)}, found.body
            )
            for user in ids(tenants, "user")[1:]
        )
    assert (foreign.status, foreign.body) == UNKNOWN_USER
    assert visible(foreign) == visible(missing)


def test_one_id_in_two_organizations_is_two_interviews(schedule: ServedSchedule) -> None:
    home = {each["id"]: each for each in schedule.home}
    shared = [each for each in schedule.records[AUCKLAND] if each["id"] in home]
    assert shared
    keys = {name: make_key(schedule.database, name, "shared ids", rate_limit=0) for name in schedule.keys}
    for theirs in shared:
        target = f"/v1/scheduled_interviews/{theirs['id']}"
        assert fetched(schedule, target, basic(keys[AUCKLAND])).body == canonical(theirs)
        assert fetched(schedule, target, basic(keys[HOME])).body == canonical(home[theirs["id"]])


def fetched(schedule: ServedSchedule, target: str, headers: dict[str, str]) -> RawAnswer:
    """Get one page."""
    return send_raw(schedule.server, written_request("GET", target, headers))


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_pages_need_no_key_and_hold_none(schedule: ServedSchedule, path: str) -> None:
    answer = fetched(schedule, path, {})
    assert answer.status == (307 if path in {"/docs", "/docs/", "/docs/api/"} else 200)
    for key in schedule.keys.values():
        assert key.encode() not in answer.body
    assert b"auckland" not in answer.body.lower()
