"""Importing everything that a server serves, by its address and a key alone."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pytest

from rowen.api.v1.catalogue import CATALOGUE
from rowen.imports.sources.whole_server import LISTS
from tests.support.command import environment, rowen
from tests.support.records import Record, record, write_json_lines
from tests.support.served_schedule import import_records, make_key
from tests.support.server import Server, serving
from tests.support.storage import Storage

OFFERS: Final[list[Record]] = [{"id": number, "application_id": 5, "salary": 1.10} for number in range(1, 8)]
DEPARTMENTS: Final[list[Record]] = [{"name": "Sales", "id": 1}]
USER: Final[Record] = {"id": 7, "first_name": "Ada", "emails": ["ada@example.com"], "custom_fields": {"size": "M"}}
JOB: Final[Record] = {"id": 52, "name": "Pilot", "status": "open", "openings": [], "hiring_team": {}}
SCORECARD: Final[Record] = {
    "id": 9,
    "application_id": 5,
    "interview": "x",
    "submitted_at": "2024-01-01T00:00:00.000Z",
    "overall_recommendation": "yes",
}


class Origin(NamedTuple):
    """A server that holds some of everything, and a key that may read all of it."""

    server: Server
    key: str
    database: str


@pytest.fixture(scope="module")
def origin(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """Return a server whose lists are to be imported."""
    folder = tmp_path_factory.mktemp("origin")
    database = storage.new_database(folder)
    key = make_key(database, "one", "all")
    import_records(database, "one", folder, [record(number) for number in range(1, 5)])
    application = {"id": 5, "candidate_id": 51, "prospect": False, "jobs": [{"id": 52}], "applied_at": None}
    files = {"users": [USER], "applications": [application], "jobs": [JOB], "scorecards": [SCORECARD]}
    for name, found in {**files, "offers": OFFERS, "departments": DEPARTMENTS}.items():
        path = write_json_lines(folder / f"{name}.jsonl", found)
        rowen("import", path, "--organization", "one", "--database", database)
    with serving(database) as server:
        yield Origin(server, key, database)


def everything(server: Server, key: str) -> dict[str, bytes]:
    """Return what every list of a server shows."""
    with server.client(key) as client:
        return {path: client.get(f"{path}?per_page=500&user_attributes=true").content for path in LISTS}


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_the_address_of_a_server_imports_all_that_it_serves(
    storage: Storage, tmp_path: Path, origin: Origin, path: str
) -> None:
    database = storage.new_database(tmp_path)
    done = rowen("import", origin.server.url + path, "--key", origin.key, "--database", database)
    assert origin.key not in done.stdout + done.stderr
    imported = {line.split("\t")[0]: line.split("\t")[1] for line in done.stdout.splitlines()}
    assert (imported["offers"], imported["departments"], imported["scheduled_interviews"]) == ("7", "1", "4")
    none = "Not imported, as the server holds none: "
    (empty,) = [line.removeprefix(none) for line in done.stderr.splitlines() if line.startswith(none)]
    assert "offices" in empty.split(", ")
    assert len(empty.split(", ")) == len([call for call in CATALOGUE if call.action == "list"]) - 2
    assert "Not imported, as servers list these only below each user or candidate: user_job_permissions" in done.stderr
    copy = make_key(database, "default", "all")
    with serving(database) as server:
        assert everything(server, copy) == everything(origin.server, origin.key)
    again = rowen("import", origin.server.url + path, "--key", origin.key, "--database", database)
    assert all(line.split("\t")[2:4] == ["0", "0"] for line in again.stdout.splitlines()[1:])


def test_the_key_comes_from_the_environment_or_the_address(storage: Storage, tmp_path: Path, origin: Origin) -> None:
    database = storage.new_database(tmp_path)
    address = f"{origin.server.url}/v1/offers"
    refused = rowen("import", address, "--database", database, status=1)
    assert "set ROWEN_KEY, or put it before the host" in refused.stderr

    def with_variable(key: str, source: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rowen", "import", source, "--database", database]
        variables = environment({"ROWEN_KEY": key})
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)

    wrong = "rowen_" + "0" * 40
    assert "offers\t7\t7" in with_variable(origin.key, address).stdout
    assert "does not accept this API key" in with_variable(wrong, address).stderr
    own = address.replace("http://", f"http://{origin.key}:@")
    assert "offers\t7\t0" in with_variable(wrong, own).stdout


def test_what_a_key_may_not_read_is_left_out(storage: Storage, tmp_path: Path, origin: Origin) -> None:
    database = storage.new_database(tmp_path)
    key = make_key(origin.database, "one", "narrow", allow=["offers:list", "users:list", "departments:list"])
    done = rowen("import", origin.server.url, "--key", key, "--database", database)
    assert {line.split("\t")[0] for line in done.stdout.splitlines()[1:]} == {"offers", "users", "departments"}
    left_out = [line for line in done.stderr.splitlines() if line.startswith("Left out:")]
    assert len(left_out) == len(LISTS) - 3
    assert f"Left out: {origin.server.url}/v1/jobs?per_page=500: this API key has no permission" in done.stderr
    assert "\n".join(left_out).count("403") == len(left_out)
    alone = rowen("import", f"{origin.server.url}/v1/jobs", "--key", key, "--database", database, status=1)
    assert "this API key has no permission to read this: 403" in alone.stderr
    wrong = rowen("import", origin.server.url, "--key", "rowen_" + "0" * 40, "--database", database, status=1)
    assert wrong.stderr.count("does not accept this API key") == 1


def test_a_filter_of_the_address_goes_to_every_list(storage: Storage, tmp_path: Path, origin: Origin) -> None:
    database = storage.new_database(tmp_path)
    address = f"{origin.server.url}?updated_after=2999-01-01"
    done = rowen("import", address, "--key", origin.key, "--database", database)
    read = {line.split("\t")[0]: line.split("\t")[1] for line in done.stdout.splitlines()[1:]}
    assert read.get("scheduled_interviews", "0") == read.get("offers", "0") == "0"
    assert msgspec.json.decode(everything(origin.server, origin.key)["/v1/departments"]) == DEPARTMENTS
