"""`rowen import` and `rowen export` of CSV: the commands' output, in addition to the tests of the formats."""

import gzip
import json
from pathlib import Path

import pytest

from tests.support.command import rowen
from tests.support.imports import results
from tests.support.records import Record, canonical, record, write_json_lines

RECORDS: list[Record] = [record(1), record(2, location="=1+1"), record(3, organizer=None)]


@pytest.fixture
def exported(tmp_path: Path) -> str:
    """Return a CSV export."""
    database = f"sqlite:///{tmp_path}/exported.db"
    rowen("import", write_json_lines(tmp_path / "records.jsonl", RECORDS), "--database", database)
    return rowen("export", "--format", "csv", "--database", database).stdout


def test_a_csv_export_is_imported_from_standard_input_and_gzip(database: str, tmp_path: Path, exported: str) -> None:
    body = exported.encode()
    for again, data in enumerate((body, gzip.compress(body), b"\xef\xbb\xbf" + body)):
        done = rowen("import", "-", "--database", database, stdin=data)
        counts = [3, 0, 0, 3, 0, 0] if again else [3, 3, 0, 0, 0, 0]
        assert results(done) == {"scheduled_interviews": counts}
    lines = b"".join(canonical(each) + b"\n" for each in RECORDS).decode()
    assert rowen("export", "--database", database).stdout == lines


def test_the_result_table_has_a_row_for_each_resource(database: str, tmp_path: Path, exported: str) -> None:
    tables = {
        "interviews.csv": exported,
        "users.csv": "id,email\n1,a@example.com\n2,b@example.com\n",
        "applications.csv": "id,candidate_id,status,applied_at\n1000,5,active,2024-01-01\n",
        "bad.csv": "nothing\n",
    }
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
    done = rowen("import", *(tmp_path / name for name in tables), "--database", database, status=1)
    assert results(done) == {
        "scheduled_interviews": [3, 3, 0, 0, 0, 0],
        "users": [2, 2, 0, 0, 0, 0],
        "applications": [1, 1, 0, 0, 0, 0],
        "unknown": [1, 0, 0, 0, 0, 1],
    }
    assert f"{tmp_path}/bad.csv:1: the first row must name the columns" in done.stderr


def test_a_row_that_is_no_interview_is_named_by_line_and_field(database: str, tmp_path: Path, exported: str) -> None:
    rows = exported.splitlines(keepends=True)
    rows[2] = rows[2].replace("2024-03-26T22:15:00.000Z", "26/03/2024 22:15")
    rows[3] = rows[3].replace('"[{""id"":4080', '"{""id"":4080')
    file = tmp_path / "interviews.csv"
    file.write_text("".join(rows))
    done = rowen("import", file, "--database", database, status=1)
    assert f'{file}:3: start.date_time: is not an ISO-8601 date or time ("26/03/2024 22:15")' in done.stderr
    assert f"{file}:4: interviewers: must be `array`" in done.stderr
    done = rowen("import", file, "--keep-going", "--database", database, cwd=tmp_path)
    assert results(done) == {"scheduled_interviews": [3, 1, 0, 0, 0, 2]}
    first, _ = (json.loads(line) for line in (tmp_path / "rejected.jsonl").read_bytes().splitlines())
    assert first["record"]["start"] == {"date_time": "26/03/2024 22:15"}


def test_an_export_for_a_spreadsheet_says_where_its_times_are_and_cannot_be_imported(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/rowen.db"
    rowen("organizations", "create", "default", "--time-zone", "Europe/Lisbon", "--database", database)
    rowen("import", write_json_lines(tmp_path / "records.jsonl", RECORDS), "--database", database)
    file = tmp_path / "week.csv"
    done = rowen("export", "--for", "spreadsheet", "--output", file, "--database", database)
    assert done.stderr == "3 interviews, times in Europe/Lisbon\n"
    assert file.read_bytes().startswith(b"\xef\xbb\xbfid,application_id,")
    done = rowen("import", file, "--database", database, status=1)
    assert f"{file}:1: this was written by `rowen export --for spreadsheet`" in done.stderr


def test_a_spreadsheet_is_csv(tmp_path: Path) -> None:
    done = rowen(
        "export", "--for", "spreadsheet", "--format", "json", "--database", f"sqlite:///{tmp_path}/r.db", status=2
    )
    assert "writes CSV, not json" in done.stderr
