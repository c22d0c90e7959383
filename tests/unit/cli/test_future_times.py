"""`rowen import` of records with times of creation or change in the future, from every source."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import pytest

from rowen import wiring
from rowen.interviews.moments import Instant
from tests.support.command import rowen
from tests.support.imports import totals
from tests.support.records import Record, canonical, record, write_json_lines
from tests.support.sql import fetch
from tests.support.upstream import nothing, upstream_of

DAY: Final = 86_400_000
FAR: Final = "2999-01-01T00:00:00.000Z"
REASON: Final = f'updated_at: is more than a day in the future ("{FAR}")'
HINT: Final = (
    "1 record rejected for times more than a day in the future: correct them, or import with --clamp-updated-at"
)
LINES: Final = canonical(record(1)) + b"\n" + canonical(record(2, updated_at=FAR)) + b"\n"
ARRAY: Final = b"[" + canonical(record(1)) + b"," + canonical(record(2, updated_at=FAR)) + b"]"

FILES: Final[dict[str, tuple[bytes, str]]] = {
    "lines.jsonl": (LINES, ":2"),
    "lines.jsonl.gz": (gzip.compress(LINES), ":2"),
    "array.json": (ARRAY, ":1 (record 2)"),
    "singer.jsonl": (
        b"".join(b'{"type":"RECORD","record":%b}\n' % each for each in LINES.splitlines()),
        ":2",
    ),
}


def ahead(milliseconds: int) -> str:
    return str(Instant(wiring.now() + milliseconds))


def interviews(database: str) -> dict[int, Record]:
    lines = rowen("export", "--database", database).stdout.splitlines()
    return {each["id"]: each for each in map(msgspec.json.decode, lines)}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_rejected_by_its_line(tmp_path: Path, database: str, name: str) -> None:
    body, place = FILES[name]
    source = tmp_path / name
    source.write_bytes(body)
    done = rowen("import", source, "--database", database, status=1)
    assert f"{source}{place}: {REASON}\n" in done.stderr
    assert HINT in done.stderr
    assert totals(done) == [2, 0, 0, 0, 0, 1]


def test_a_folder_and_standard_input(tmp_path: Path, database: str) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(LINES)
    done = rowen("import", folder, "--database", database, status=1)
    assert f"{folder / 'a.jsonl'}:2: {REASON}" in done.stderr
    done = rowen("import", "-", "--database", database, stdin=LINES, status=1)
    assert re.search(rf":2: {re.escape(REASON)}", done.stderr)


def test_a_server(database: str) -> None:
    with upstream_of([[record(1)], [record(2, updated_at=FAR)]]) as upstream:
        upstream.before = upstream.after = nothing
        done = rowen("import", upstream.address, "--database", database, status=1)
        assert REASON in done.stderr
        assert "(record 1)" in done.stderr
        rowen("import", upstream.address, "--clamp-updated-at", "--database", database)
    assert set(interviews(database)) == {1, 2}


def test_users_of_a_csv_file(tmp_path: Path, database: str) -> None:
    source = tmp_path / "users.csv"
    source.write_text(f"id,name,email,updated_at\n1,Kate,,2024-01-01\n2,Jack,,{FAR}\n")
    done = rowen("import", source, "--database", database, status=1)
    assert f"{source}:3: {REASON}" in done.stderr
    rowen("import", source, "--clamp-updated-at", "--database", database)
    rowen("db", "check", "--database", database)


RECORDS: Final[dict[str, Callable[[str], Record]]] = {
    "updated_at": lambda time: {"id": 5, "emails": ["kate@example.com"], "updated_at": time},
    "created_at": lambda time: {"id": 5, "emails": ["kate@example.com"], "created_at": time},
    "last_activity_at": lambda time: {"id": 5, "prospect": False, "last_activity_at": time},
    "applied_at": lambda time: {"id": 5, "prospect": False, "applied_at": time},
}


@pytest.mark.parametrize("field", RECORDS)
def test_records_around_interviews(tmp_path: Path, database: str, field: str) -> None:
    source = write_json_lines(tmp_path / "records.jsonl", [RECORDS[field](FAR)])
    done = rowen("import", source, "--database", database, status=1)
    assert f'{source}:1: {field}: is more than a day in the future ("{FAR}")' in done.stderr
    rowen("import", source, "--clamp-updated-at", "--database", database)
    assert rowen("db", "check", "--database", database).stdout == "ok\n"
    column = "created_at" if field in ("created_at", "applied_at") else "updated_at"
    ((time,),) = fetch(database, f"SELECT {column} FROM records WHERE id = 5")
    assert wiring.now() - DAY < time <= wiring.now()


def test_every_time_of_an_interview_that_is_too_far_ahead_is_named(tmp_path: Path, database: str) -> None:
    source = write_json_lines(tmp_path / "a.jsonl", [record(1, created_at=FAR, updated_at=FAR)])
    done = rowen("import", source, "--database", database, status=1)
    assert f"{source}:1: created_at: is more than a day in the future" in done.stderr
    assert f"{source}:1: updated_at: is more than a day in the future" in done.stderr


def test_up_to_a_day_is_accepted(tmp_path: Path, database: str) -> None:
    """Clocks differ, and times without a zone are off by hours."""
    records = [record(1, updated_at=ahead(DAY - 60_000)), record(2, updated_at=ahead(DAY + 60_000))]
    done = rowen(
        "import", write_json_lines(tmp_path / "a.jsonl", records), "--keep-going", "--database", database, cwd=tmp_path
    )
    assert "a.jsonl:2: updated_at" in done.stderr
    assert interviews(database) == {1: records[0]}
    assert rowen("db", "check", "--database", database).stdout == "ok\n"


def test_rejected_records_can_be_imported_with_the_option(tmp_path: Path, database: str) -> None:
    """Also by a dry run, which prints the same and writes nothing."""
    source = tmp_path / "a.jsonl"
    source.write_bytes(LINES)
    rowen("import", source, "--keep-going", "--database", database, cwd=tmp_path)
    (line,) = (tmp_path / "rejected.jsonl").read_bytes().splitlines()
    rest = write_json_lines(tmp_path / "rest.jsonl", [msgspec.json.decode(line)["record"]])
    for options in (["--dry-run"], []):
        done = rowen("import", rest, "--clamp-updated-at", *options, "--database", database)
        assert totals(done) == [1, 1, 0, 0, 0, 0]
        assert done.stderr == ""
    found = interviews(database)[2]
    assert ahead(-DAY) < found["updated_at"] <= ahead(0)
    assert found == record(2, updated_at=found["updated_at"])
    done = rowen("import", rest, "--clamp-updated-at", "--database", database)
    assert totals(done) == [1, 0, 0, 1, 0, 0]


def test_a_dry_run_into_a_new_database_reports_frozen_interviews(tmp_path: Path) -> None:
    start = {"date_time": ahead(7 * DAY)}
    source = write_json_lines(tmp_path / "a.jsonl", [record(1, start=start, end=start, status="scheduled"), record(2)])
    done = rowen("import", source, "--dry-run", "--database", f"sqlite:///{tmp_path}/none.db")
    assert "Clients cannot change 1 imported interview scheduled in the future." in done.stderr
    done = rowen("import", source, "--dry-run", "--created-through-api", "--database", f"sqlite:///{tmp_path}/none.db")
    assert done.stderr == ""
