"""Nothing of a candidate is in a log, whatever happens, or in what an import of good records prints."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from rowen.store.engines.sqlite.location import SqliteFile
from tests.support.command import rowen
from tests.support.records import Record, write_json_lines
from tests.support.served_schedule import HOME, make_key
from tests.support.server import serving
from tests.support.storage import Storage

PERSONAL: Final = ("Nemesis", "Tatterdemalion", "nemesis@mail.example", "555-0199", "Secret Employer", "Quixotry")
CANDIDATE: Final[Record] = {
    "id": 7,
    "first_name": "Nemesis",
    "last_name": "Tatterdemalion",
    "company": "Secret Employer",
    "phone_numbers": [{"value": "555-0199", "type": "mobile"}],
    "email_addresses": [{"value": "nemesis@mail.example", "type": "personal"}],
    "tags": ["Quixotry"],
}
JOB: Final[Record] = {"id": 9, "name": "Quixotry", "requisition_id": "R", "notes": "Nemesis", "openings": []}
PATHS: Final = (
    "/v1/candidates",
    "/v1/candidates/7",
    "/v1/candidates?email=nemesis@mail.example",
    "/v1/candidates?email=nemesis@mail.example&page=0",
    "/v1/jobs?requisition_id=Quixotry",
    "/v1/jobs/9/openings",
)


def test_nothing_of_a_candidate_is_logged(storage: Storage, database: str, tmp_path: Path) -> None:
    key = make_key(database, HOME, "own")
    file = write_json_lines(tmp_path / "records.jsonl", [CANDIDATE, JOB])
    done = rowen("import", file, "--organization", HOME, "--database", database)
    assert found_in(done.stdout + done.stderr) == []
    with serving(database, ["--access-log"]) as server, server.client(key) as client:
        statuses = [client.get(path).status_code for path in PATHS]
        assert statuses == [200, 200, 200, 422, 200, 200]
        if storage.name == "sqlite":  # the damage is done to SQLite's file
            execute(database, """UPDATE records SET document = '{"openings":["Nemesis"]}' WHERE resource = 'jobs'""")
            assert client.get("/v1/jobs/9/openings?per_page=5").status_code == 500
            execute(database, "ALTER TABLE records RENAME TO lost")
            assert client.get("/v1/candidates?email=nemesis@mail.example&per_page=5").status_code == 503
        server.stop()
    log = "".join(server.log)
    assert log.count('"event": "request"') >= len(PATHS)
    assert found_in(log) == []


def found_in(text: str) -> list[str]:
    return [each for each in PERSONAL if each in text]


def execute(database: str, statement: str) -> None:
    """Run a statement on the database file."""
    with closing(sqlite3.connect(SqliteFile.parse(database).path)) as connection, connection:
        connection.execute(statement)
