"""The OpenAPI description: complete, valid, and true of the server (Schemathesis with all its checks)."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis

from rowen.harvest.examples import ALL_DAY, TIMED
from rowen.harvest.operations import OPERATIONS
from rowen.harvest.problems import PROBLEMS
from rowen.interviews.errors import Code
from tests.contract.schedule import HOME, Schedule
from tests.support.command import rowen

SEED = "7"
EXAMPLES = "25"  # of each operation in each phase that generates: some 500 requests in all
NOT_OF_READING = {Code.CONFLICT}


@pytest.fixture(scope="module")
def document(schedule: Schedule) -> dict[str, Any]:
    """Return the description that the server shows."""
    with schedule.server.client() as client:
        found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def validator(document: dict[str, Any], schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Return a validator of one of the document's schemas."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]}, validate_formats=True)


def resolved(document: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference stands for."""
    while "$ref" in found:
        target: Any = document
        for part in found["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        found = target
    return found


def test_it_is_a_valid_openapi_3_1_document(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()


def test_the_command_prints_what_the_server_shows(document: dict[str, Any]) -> None:
    assert msgspec.json.decode(rowen("openapi").stdout) == document


def test_every_operation_is_described_with_every_status_it_has(document: dict[str, Any]) -> None:
    described = {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert described.keys() == {(operation.method, operation.path) for operation in OPERATIONS}
    for operation in OPERATIONS:
        found = described[operation.method, operation.path]
        assert operation.permission in found["description"]
        assert {"200", "304", "401", "403", "405", "429", "431", "500", "503"} <= found["responses"].keys()
    every = {status for found in described.values() for status in found["responses"]}
    assert every - {"200", "304"} == {str(PROBLEMS[code].status) for code in Code if code not in NOT_OF_READING}


def test_every_parameter_of_the_contract_is_described(document: dict[str, Any]) -> None:
    times = {f"{what}_{side}" for what in ("created", "updated", "starts", "ends") for side in ("before", "after")}
    expected = {"page", "per_page", "after", "skip_count", "external_event_id", "actionable", *times}
    for path in ("/v1/scheduled_interviews", "/v1/applications/{id}/scheduled_interviews"):
        parameters = document["paths"][path]["get"]["parameters"]
        assert {each["name"] for each in parameters if each["in"] == "query"} == expected
        assert all(each["description"] for each in parameters)


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for item in document["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                for content in resolved(document, response).get("content", {}).values():
                    validator(document, content["schema"]).validate(content["example"])
                    checked += 1
            for parameter in operation["parameters"]:
                if "example" in parameter:
                    validator(document, parameter["schema"]).validate(parameter["example"])
    assert checked > 20
    one = document["paths"]["/v1/scheduled_interviews/{id}"]["get"]["responses"]["200"]
    assert one["content"]["application/json"]["example"] == TIMED
    many = document["paths"]["/v1/scheduled_interviews"]["get"]["responses"]["200"]
    assert many["content"]["application/json"]["example"] == [TIMED, ALL_DAY]


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


def test_schemathesis_finds_nothing(schedule: Schedule, tmp_path: Path) -> None:
    # The one thing switched off is generating bad `Authorization` headers: `--auth` replaces them before they are sent,
    # so that their acceptance would be reported. The check `ignored_auth` sends bad and missing ones by itself.
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{schedule.server.url}/openapi.json"),
            *("--auth", f"{schedule.keys[HOME]}:"),
            *("--checks", "all", "--seed", SEED, "--generation-deterministic", "--max-examples", EXAMPLES),
            *("--generation-with-security-parameters", "false", "--no-color", "--suppress-health-check", "all"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"([0-9]+) generated, ([0-9]+) passed", done.stdout)
    assert counted is not None, done.stdout
    assert int(counted[1]) == int(counted[2]) > 150
