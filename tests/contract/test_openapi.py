"""The OpenAPI document: complete, valid, and true of the server (Schemathesis with all its checks)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis import APIOperation, GenerationMode, Response
from schemathesis.checks import negative_data_rejection, positive_data_acceptance

from rowen.api import examples
from rowen.api import planning_examples as examples_of_planning
from rowen.api.errors import ERROR_RESPONSES
from rowen.api.examples import ALL_DAY, TIMED
from rowen.api.generations import Generation
from rowen.api.operations import OPERATIONS
from rowen.api.v1.archive_examples import archived
from rowen.api.v1.catalogue import CATALOGUE
from rowen.app.archive import KEPT
from rowen.app.rows import HELD
from rowen.interviews.availability import WEEKDAYS
from rowen.interviews.errors import Code
from tests.support.command import rowen
from tests.support.described import configured, violations
from tests.support.receiver import Receiver, receiving
from tests.support.records import Record, write_json_lines
from tests.support.served_schedule import HOME, ServedSchedule, import_records, make_key
from tests.support.server import Server, serving
from tests.support.storage import Storage
from tests.support.tokens import bearer, bridged_token

pytestmark = pytest.mark.slow

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
OF_VALUES = [positive_data_acceptance, negative_data_rejection]
"""The checks that are not used for chains: they would judge the values before these were corrected."""

_numbers = count()

ACTING = {"On-Behalf-Of": str(examples.USER_ID)}
MATCHED = (
    *(f"/{resource}/{{id}}" for resource in ("scheduled_interviews", "users", "jobs", "job_stages", "rooms", "pools")),
    *(f"/users/{{id}}/{act}" for act in ("disable", "enable", "availability")),
)
"""How the paths end whose writes take `If-Match`."""
OPEN = range(9128501, 9128511)
"""The ids of interviews that can be changed and scored."""


class Busy(NamedTuple):
    """A running server, a key, a receiver that its webhooks may use, and what exists, by names in schemathesis.toml."""

    server: Server
    key: str
    receiver: Receiver
    existing: dict[str, list[Any]]


@pytest.fixture(scope="module")
def document(schedule: ServedSchedule) -> dict[str, Any]:
    """Return the document that the server serves."""
    with schedule.server.client() as client:
        found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def validator(document: dict[str, Any], schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Return a validator of one of the document's schemas."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]}, validate_formats=True)


def resolved(document: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return the target of a reference."""
    while "$ref" in found:
        target: Any = document
        for part in found["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        found = target
    return found


@pytest.mark.slow
def test_it_is_a_valid_openapi_3_1_document(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()


def test_the_command_prints_what_the_server_shows(document: dict[str, Any]) -> None:
    assert msgspec.json.decode(rowen("openapi").stdout) == document


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the description of each operation, by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_every_operation_is_described_with_every_status_it_has(document: dict[str, Any]) -> None:
    described = operations(document)
    assert described.keys() == {(operation.method, operation.path) for operation in OPERATIONS}
    tags = {each["name"] for each in document["tags"]}
    assert tags == {tag for operation in described.values() for tag in operation["tags"]}
    for operation in OPERATIONS:
        found = described[operation.method, operation.path]
        assert operation.secret_path or operation.permission in found["description"]
        assert {str(operation.reply.status), "401", "403", "405", "429", "431", "500", "503"} <= found[
            "responses"
        ].keys()
        taken = [each for security in found.get("security", document["security"]) for each in security]
        credentials = "token" if operation.generation is Generation.V3 else "api_key"
        assert taken == ([] if operation.secret_path else [credentials])
        assert ("304" in found["responses"]) == (operation.method == "GET")
        assert ("404" in found["responses"]) >= ("{id}" in operation.path)
        assert {"400", "413", "415", "422"} <= found["responses"].keys() or "requestBody" not in found
    every = {status for found in described.values() for status in found["responses"]}
    assert every - {"200", "201", "304"} == {str(ERROR_RESPONSES[code].status) for code in Code}


def test_writes_are_described_with_the_headers_they_take(document: dict[str, Any]) -> None:
    for (method, path), operation in operations(document).items():
        named = {each["name"]: each for each in operation["parameters"] if each["in"] == "header"}
        if path.startswith("/v3/"):  # the token names the acting user
            assert ("Idempotency-Key" in named) == (method != "GET")
            assert ("If-Match" in named) == ("412" in operation["responses"]) == (method in ("PATCH", "DELETE"))
            continue
        acts = method != "GET" and not any(
            each in path for each in ("webhooks", "calendars", "/rowen/v1/slots", "/book/")
        )
        assert ({"On-Behalf-Of", "Idempotency-Key"} <= named.keys()) == acts, path
        # The first user of an organization is added on behalf of nobody.
        is_first = (method, path) == ("POST", "/v1/users")
        assert not acts or named["On-Behalf-Of"].get("required", False) != is_first
        conditional = method in ("PATCH", "PUT", "DELETE") and path.endswith(MATCHED)
        assert ("If-Match" in named) == ("412" in operation["responses"]) == conditional, path
        assert ("If-None-Match" in named) == (method == "GET")
        assert ("Last-Event-ID" in named) == (path == "/rowen/v1/changes")
        warns = "Warning" in operation["responses"]["200"]["headers"]
        assert warns == (method in ("POST", "PATCH") and "scheduled_interviews" in path)


def test_the_feed_is_described_as_events_too(document: dict[str, Any]) -> None:
    content = document["paths"]["/rowen/v1/changes"]["get"]["responses"]["200"]["content"]
    assert content.keys() == {"application/json", "text/event-stream"}


def test_every_parameter_of_the_contract_is_described(document: dict[str, Any]) -> None:
    times = {f"{what}_{side}" for what in ("created", "updated", "starts", "ends") for side in ("before", "after")}
    expected = {"page", "per_page", "after", "skip_count", "external_event_id", "actionable", *times}
    for path in ("/v1/scheduled_interviews", "/v1/applications/{id}/scheduled_interviews"):
        parameters = document["paths"][path]["get"]["parameters"]
        assert {each["name"] for each in parameters if each["in"] == "query"} == expected
        assert all(each["description"] for each in parameters)


def contents(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all bodies of an operation, of requests and responses, with their schemas and examples."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        yield from resolved(document, response).get("content", {}).values()


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    every = [each for operation in operations(document).values() for each in contents(document, operation)]
    assert len(every) > 300
    assert all("example" in each for each in every)
    every += [
        each for operation in operations(document).values() for each in operation["parameters"] if "example" in each
    ]
    # As one array: preparing the document's schemas takes longer than validating all examples.
    whole = validator(document, {"prefixItems": [each["schema"] for each in every]})
    whole.validate([each["example"] for each in every])
    one = document["paths"]["/v1/scheduled_interviews/{id}"]["get"]["responses"]["200"]
    assert one["content"]["application/json"]["example"] == TIMED
    many = document["paths"]["/v1/scheduled_interviews"]["get"]["responses"]["200"]
    assert many["content"]["application/json"]["example"] == [TIMED, ALL_DAY]


def test_every_body_is_closed_and_limited(document: dict[str, Any]) -> None:
    """A request has no fields other than those described, and no unlimited text or array."""

    def look(schema: dict[str, Any]) -> None:
        schema = resolved(document, schema)
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False
        if schema.get("type") == "array":
            assert schema["maxItems"] <= 5_000
            look(schema["items"])
        if schema.get("type") == "string":
            assert schema.keys() & {"maxLength", "enum", "format", "pattern"}
        for inner in [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]:
            look(inner)

    bodies = [operation["requestBody"] for operation in operations(document).values() if "requestBody" in operation]
    assert len(bodies) == len([each for each in OPERATIONS if each.body is not None])
    for body in bodies:
        look(body["content"]["application/json"]["schema"])


@pytest.mark.slow
def test_the_server_takes_the_fields_that_are_described_and_no_others(document: dict[str, Any], busy: Busy) -> None:
    """A value of the wrong type in every field: each is reported as wrong, and none as unknown."""
    with busy.server.client(busy.key) as client, busy.server.client() as bearing:
        bearing.headers.update(bearer(client.post("/auth/token").json()["access_token"]))
        ids = {**new_ids(client, busy.receiver), "interviews": examples.TIMED["id"]}
        for (method, path), operation in operations(document).items():
            if "requestBody" not in operation or path.startswith("/book/"):  # which has no key: see test_booking_links
                continue
            schema = resolved(document, operation["requestBody"]["content"]["application/json"]["schema"])
            content = {field: {"wrong": 1} for field in [*schema["properties"], "more"]}
            of_v3 = path.startswith("/v3/")
            target = f"{address(path, ids)}?source=google" if path.endswith("/busy") else address(path, ids)
            answer = (bearing if of_v3 else client).request(method, target, json=content, headers=ACTING)
            assert answer.status_code == 422, (path, answer.text)
            errors = answer.json()["errors"]
            problems = [pair for each in errors for pair in each.items()] if of_v3 else [*map(_named_problem, errors)]
            # The path of a problem inside an object begins with its field.
            assert {field.partition(".")[0] for field, _ in problems} == content.keys(), path
            unknown = [field for field, message in problems if "not a field" in message]
            assert [field for field in unknown if "." not in field] == ["more"], path


def _named_problem(error: dict[str, str]) -> tuple[str, str]:
    return error["field"], error["message"]


@pytest.mark.slow
def test_responses_match_the_schemas(document: dict[str, Any], busy: Busy) -> None:
    with busy.server.client(busy.key) as client:
        ids = {**examples.IDS, **new_ids(client, busy.receiver), "scorecards": examples.SCORECARD_ID}
        moved = {"location": "Room 1"}
        client.patch(f"/v2/scheduled_interviews/{ids['scheduled_interviews']}", json=moved, headers=ACTING)
        event_id = client.get(f"/rowen/v1/webhooks/{ids['webhooks']}/deliveries").json()[0]["event_id"]
        for (method, path), operation in operations(document).items():
            if method == "GET" and not path.startswith(("/v3/", "/calendars/", "/book/")):
                answer = client.get(named(address(path, ids).replace("{event_id}", event_id), operation))
                assert answer.status_code == 200, (path, answer.text)
                schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
                validator(document, schema).validate(answer.json())


def test_rows_of_v3_match_the_schemas(document: dict[str, Any], busy: Busy) -> None:
    with busy.server.client() as client:
        client.headers.update(bearer(bridged_token(busy.server, busy.key)))
        for name in HELD:
            rows = client.get(f"/v3/{name}").json()
            assert rows or name in ("interview_kits", "default_interviewers"), name  # the example's stage has none
            if not rows:
                continue
            for path, found in ((f"/v3/{name}", rows), (f"/v3/{name}/{{id}}", rows[0])):
                described = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
                validator(document, described["schema"]).validate(found)
            assert client.get(f"/v3/{name}/{rows[0]['id']}").json() == rows[0]


def address(path: str, ids: Mapping[str, int]) -> str:
    """Return a path with the id of its resource."""
    path = path.replace("{opening_id}", str(examples.OPENING_ID))
    resource = path.split("/{id}")[0].rpartition("/")[2]
    return path.replace("{id}", str(ids[resource])) if resource in ids else path


def named(path: str, operation: dict[str, Any]) -> str:
    """Return a path with the examples of its parameters, those of the query included that are required."""
    found = {each["name"]: each for each in operation["parameters"]}
    path = path.format(**{name: each["example"] for name, each in found.items() if each["in"] == "path"})
    query = [
        f"{name}={each['example']}" for name, each in found.items() if each["in"] == "query" and each.get("required")
    ]
    return "?".join([path, *query])


def new_ids(client: httpx.Client, receiver: Receiver) -> dict[str, int]:
    """Create an interview, the draft of its scorecard and a webhook, and return the ids by resource."""
    content = {**examples.NEW_INTERVIEW, "external_event_id": f"own-{next(_numbers)}"}
    interview = made(client, "/v2/scheduled_interviews", content)
    availability = f"/rowen/v1/users/{examples.IDS['users']}/availability"
    always = {"time_zone": "UTC", "working_hours": {day: [{"from": "00:00", "to": "24:00"}] for day in WEEKDAYS}}
    client.put(availability, json=always, headers=ACTING).raise_for_status()
    busy = f"/rowen/v1/users/{examples.IDS['users']}/busy?source={examples_of_planning.BUSY['source']}"
    client.put(
        busy, json={"window": examples_of_planning.PUSHED_BUSY["window"], "busy": []}, headers=ACTING
    ).raise_for_status()
    return {
        "applications": examples.IDS["applications"],
        "scheduled_interviews": interview,
        "scorecards": new_draft(client, interview),
        "webhooks": made(client, "/rowen/v1/webhooks", {"url": receiver.url}),
        "booking_links": made(client, "/rowen/v1/booking_links", examples_of_planning.LINK_BODY),
        "holds": made(client, "/rowen/v1/holds", examples_of_planning.HOLD_BODY),
        "pools": made(client, "/rowen/v1/pools", {"name": "Backend"}),
        "rooms": made(client, "/rowen/v1/rooms", {"name": f"Room {next(_numbers)}"}),
        **{name: examples.IDS[name] for name in ("users", "candidates", "jobs", "job_stages")},
    }


def made(client: httpx.Client, path: str, content: Any) -> int:
    """Create something, and return its id."""
    answer = client.post(path, json=content, headers=ACTING)
    assert answer.status_code == 200, answer.text
    identifier: int = answer.json()["id"]
    return identifier


def new_draft(client: httpx.Client, interview: int) -> int:
    """Create the draft of a scorecard, and return its id."""
    return made(
        client,
        "/rowen/v1/scorecards",
        {"scheduled_interview_id": interview, "interviewer_id": examples.INTERVIEWER_ID},
    )


def test_every_served_interview_fits_the_schema(document: dict[str, Any], home: httpx.Client) -> None:
    check = validator(document, {"$ref": "#/components/schemas/ScheduledInterview"})
    found = home.get("/v1/scheduled_interviews?per_page=500").json()
    for each in found:
        check.validate(each)
    for broken in (
        {**found[0], "more": 1},
        {name: value for name, value in found[0].items() if name != "location"},
        {**found[0], "start": {}},
        {**found[0], "start": {"date_time": "2024-01-01T00:00:00.000Z", "date": "2024-01-01"}},
        {**found[0], "status": "cancelled"},
        {**found[0], "id": "1"},
    ):
        assert not check.is_valid(broken)


@pytest.fixture(scope="module")
def busy(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    """Return a server with the records of the examples."""
    folder = tmp_path_factory.mktemp("busy")
    database = storage.new_database(folder)
    key = make_key(database, HOME, "all", rate_limit=0)
    interviews = [TIMED, ALL_DAY, *map(open_interview, OPEN)]
    import_records(database, HOME, folder, interviews, "--created-through-api")
    for name in ("USER", "APPLICATION", "JOB_STAGE", "SCORECARD", "CANDIDATE", "JOB"):
        file = write_json_lines(folder / f"{name}.jsonl", [getattr(examples, name)])
        rowen("import", file, "--organization", HOME, "--database", database)
    (folder / "archive").mkdir()
    for name in KEPT:
        write_json_lines(folder / "archive" / f"{name}.jsonl", [archived(name)])
    rowen("import", folder / "archive", "--organization", HOME, "--database", database)
    with (
        receiving() as receiver,
        serving(database, ["--webhook-allow", "127.0.0.1"]) as server,
        server.client(key) as client,
    ):
        existing: dict[str, list[Any]] = {"RECEIVER": [receiver.url]}
        existing["DRAFTS"] = [new_draft(client, interview) for interview in OPEN[-4:]]
        ids = [new_ids(client, receiver) for _ in range(3)]
        existing |= {
            name.upper(): [each[name] for each in ids] for name in ("rooms", "pools", "holds", "booking_links")
        }
        # Each address of a link has few requests.
        existing["SECRETS"] = [
            new_secret(client, "/rowen/v1/booking_links", examples_of_planning.LINK_BODY) for _ in range(12)
        ]
        existing["CALENDARS"] = [new_secret(client, "/rowen/v1/calendars", {}).removesuffix(".ics")]
        yield Busy(server, key, receiver, existing)


def new_secret(client: httpx.Client, path: str, content: Any) -> str:
    """Create something with a secret address, and return the secret."""
    answer = client.post(path, json=content, headers=ACTING)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"].rpartition("/")[2])


def open_interview(identifier: int) -> Record:
    """Return an interview that can be changed and scored."""
    (interviewer,) = TIMED["interviewers"]
    return {
        **TIMED,
        "id": identifier,
        "external_event_id": f"open-{identifier}",
        "interviewers": [{**interviewer, "scorecard_id": None}],
    }


_ALIKE = (call.path for call in CATALOGUE if call.resource not in ("offers", "custom_fields", "tracking_links", "eeoc"))
TRIED_ELSEWHERE = "^(/v3/.*|" + "|".join(re.sub(r"\{\w+\}", r"\\{\\w+\\}", path) for path in _ALIKE) + ")$"
"""Harvest v3 (test_v3_openapi.py), and what is declared and answered by the same code as the rest of the archive."""


SECRET: Final = "^/(book|calendars)/"
"""The paths that are secrets themselves, and take no key."""


def written(busy: Busy) -> str:
    """Return the configuration with the values that exist."""
    text = CONFIGURATION.read_text()
    for name, values in busy.existing.items():
        text = text.replace(f"[{name}]", msgspec.json.encode(values).decode())
    return text


@pytest.mark.heavy
def test_schemathesis_finds_nothing(storage: Storage, busy: Busy, tmp_path: Path) -> None:
    options = ("--auth", f"{busy.key}:", "--exclude-path-regex", f"{SECRET}|{TRIED_ELSEWHERE}")
    assert violations(busy.server, configured(written(busy), storage), tmp_path, *options) == ""


@pytest.mark.heavy
def test_schemathesis_finds_nothing_at_secret_addresses(storage: Storage, busy: Busy, tmp_path: Path) -> None:
    # Cancelling leaves the address: the candidate can book again.
    options = ("--include-path-regex", SECRET, "--exclude-checks", "use_after_free")
    assert violations(busy.server, configured(written(busy), storage), tmp_path, *options) == ""


@dataclass(frozen=True)
class Chain:
    """A resource that `start` creates; `gone` is the call that must not find it after it is deleted."""

    start: str
    gone: str
    delete: str


CHAINS = (
    Chain("create_interview", "retrieve_interview", "delete_interview"),
    Chain("create_interview_strictly", "retrieve_interview", "delete_interview"),
    Chain("create_interview_for_application", "retrieve_interview", "delete_interview"),
    Chain("create_scorecard", "delete_scorecard", "delete_scorecard"),
    Chain("create_webhook", "retrieve_webhook", "delete_webhook"),
)


@pytest.mark.heavy
@pytest.mark.parametrize("chain", CHAINS, ids=lambda each: each.start)
def test_schemathesis_finds_nothing_in_chains_of_writes(storage: Storage, busy: Busy, chain: Chain) -> None:
    """A created resource is followed along the links of the document, in any order, to its end."""
    described = schemathesis.openapi.from_url(f"{busy.server.url}/openapi.json")
    found = {each.name: each for each in OPERATIONS}

    def operation(name: str) -> APIOperation[Any, Any, Any, Any]:
        return described[found[name].path][found[name].method]

    links = sorted(operation(chain.start).definition.raw["responses"]["200"]["links"])
    # Once: building a strategy takes longer than sending all requests.
    cases = {
        name: operation(name).as_strategy(generation_mode=GenerationMode.POSITIVE)
        for name in {chain.start, chain.gone, chain.delete, *links}
    }

    @settings(
        max_examples=storage.scaled(24),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(
            Phase.generate,
        ),  # shrinking a failure takes minutes, as each attempt sends a chain of large bodies again
    )
    @given(strategies.data())
    def walk(data: strategies.DataObject) -> None:
        def call(name: str, identifier: int) -> Response:
            case = data.draw(cases[name], label=name)
            made_sense_of(busy, case, identifier)
            return case.call_and_validate(auth=(busy.key, ""), excluded_checks=OF_VALUES)

        started = call(chain.start, examples.IDS["applications"])
        assert started.status_code == 200, started.text
        identifier = started.json()["id"]
        steps = [name for name in links if name != chain.delete]
        for name in data.draw(strategies.lists(strategies.sampled_from(steps), max_size=3)):
            # The schedule may refuse what the document allows: a submitted scorecard is final.
            assert call(name, identifier).status_code in {200, 422}
        deleted = call(chain.delete, identifier)
        assert deleted.status_code == 200, deleted.text
        assert call(chain.gone, identifier).status_code == 404

    walk()


def made_sense_of(busy: Busy, case: schemathesis.Case[Any], identifier: int) -> None:
    """Correct the values that only the schedule can judge: existing people, free slots, and the order of times."""
    case.path_parameters = {"id": identifier}
    case.query = {}
    case.headers = type(case.headers)({name: value for name, value in ACTING.items() if name in case.headers})
    body: Any = case.body
    if not isinstance(body, dict):
        return
    sensible = {
        "application_id": examples.NEW_INTERVIEW["application_id"],
        "interview_id": examples.NEW_INTERVIEW["interview_id"],
        "interviewers": [{"user_id": examples.INTERVIEWER_ID, "response_status": "accepted"}],
        "external_event_id": f"own-{next(_numbers)}",
        "start": "2049-03-26T22:15:00Z",
        "end": {"date_time": "2049-03-27T22:15:00+02:00"},
        "interviewer_id": examples.INTERVIEWER_ID,
        "url": busy.receiver.url,
        # The readers of a URL require more than its pattern.
        "video_conferencing_url": examples.NEW_INTERVIEW["video_conferencing_url"],
    }
    case.body = body = {name: sensible.get(name, value) for name, value in body.items()}
    if "scheduled_interview_id" in body:
        with busy.server.client(busy.key) as client:
            content = {**examples.NEW_INTERVIEW, "external_event_id": f"own-{next(_numbers)}"}
            body["scheduled_interview_id"] = made(client, "/v2/scheduled_interviews", content)
    if body.get("submit"):
        body["overall_recommendation"] = "yes"
    for each in body.get("questions", []):
        each.pop("id", None)  # 1.0 is an integer to JSON Schema, but not an id to the server
