"""Every kind of source is imported alike on both engines: rows of Harvest v3, warehouses, the archive, v1 servers."""

from pathlib import Path

import pytest

from tests.support import v3_account
from tests.support.command import rowen
from tests.support.imports import results
from tests.support.records import Record, canonical, record, write_json_lines
from tests.support.served_schedule import make_key
from tests.support.server import serving
from tests.support.storage import POSTGRES, SQLITE
from tests.support.v3_upstream import CLIENT_ID, CLIENT_SECRET, v3_upstream


def write_sources(folder: Path) -> list[Path]:
    """Write a table of a warehouse, the tables of a connector, and documents of the archive; return their files."""
    texts: Record = {**record(1), "interviewers": canonical(record(1)["interviewers"]).decode()}
    tables = folder / "tables"
    tables.mkdir()
    times = {"created_at": "2024-02-01T22:02:01Z", "updated_at": "2024-02-05T23:54:19Z"}
    flat = {"start__date_time": "2024-02-05T20:00:00Z", "end__date_time": "2024-02-05T20:30:00Z", "status": "complete"}
    return [
        write_json_lines(folder / "warehouse.jsonl", [texts]),
        write_json_lines(folder / "offers.jsonl", [{"id": 3, "application_id": 5, "salary": 1.5}]),
        write_json_lines(tables / "scheduled_interviews.jsonl", [{"id": 11, "application_id": 5, **times, **flat}]),
        write_json_lines(
            tables / "scheduled_interviewers.jsonl", [{"scheduled_interview_id": 11, "interviewer_id": 2001}]
        ),
    ]


@pytest.mark.heavy
def test_every_kind_of_source_becomes_the_same_on_both_engines(tmp_path: Path) -> None:
    files, secret = write_sources(tmp_path), tmp_path / "secret"
    secret.write_text(CLIENT_SECRET)
    one, other, copy = SQLITE.new_database(tmp_path), *(POSTGRES.new_database(tmp_path) for _ in range(2))
    with v3_upstream() as upstream:
        v3_account.fill(upstream)
        dump = tmp_path / "dump"
        dump.mkdir()
        for resource, rows in upstream.rows.items():
            write_json_lines(dump / f"{resource}.jsonl", list(rows.values()))
        account = (upstream.base, "--client-id", CLIENT_ID, "--client-secret-file", secret)
        first, second = (rowen("import", dump, *files, *account, "--database", each) for each in (one, other))
    assert results(first) == results(second)
    assert results(first)["scheduled_interviews"] == [6, 4, 0, 2, 0, 0]
    assert results(first)["offers"] == [1, 1, 0, 0, 0, 0]
    with serving(one) as server:
        key = make_key(one, "default", "all")
        third = rowen("import", server.url, "--key", key, "--database", copy)
    assert results(third)["offers"] == [1, 1, 0, 0, 0, 0]
    exported = [rowen("export", "--database", each).stdout for each in (one, other, copy)]
    assert len(exported[0].splitlines()) == 4
    assert exported[0] == exported[1] == exported[2]
    rowen("db", "check", "--database", other)
