"""`rowen import` of what warehouses and taps make of records: JSON as text, streams in the singular, lost dates."""

import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.command import rowen
from tests.support.imports import results
from tests.support.records import Record, canonical, record, write_json_lines

ALL_DAY: Record = record(2, start={"date": "2024-03-26"}, end={"date": "2024-03-27"}, organizer=None, interviewers=[])
RECORDS: list[Record] = [record(1), ALL_DAY, record(3, interview=None, location='{"room":1}')]


def as_texts(found: Record, *fields: str) -> Record:
    """Return a record as a warehouse without a type for JSON exports it."""
    return {**found, **{name: msgspec.json.encode(found[name]).decode() for name in fields}}


def as_table(found: list[Record], extra: dict[str, str]) -> str:
    """Return records as a warehouse writes them to CSV."""
    file = io.StringIO()
    writer = csv.DictWriter(file, [*extra, *found[0]])
    writer.writeheader()
    for each in found:
        cells: dict[str, Any] = {name: "" if value is None else value for name, value in each.items()}
        writer.writerow(extra | cells)
    return file.getvalue()


PARTS = ("start", "end", "interview", "organizer", "interviewers")


@pytest.mark.parametrize("parts", [PARTS, PARTS[:1], PARTS[4:]])
def test_json_stored_as_text_is_read_as_json(database: str, tmp_path: Path, parts: tuple[str, ...]) -> None:
    file = write_json_lines(tmp_path / "interviews.jsonl", [as_texts(each, *parts) for each in RECORDS])
    assert results(rowen("import", file, "--database", database)) == {"scheduled_interviews": [3, 3, 0, 0, 0, 0]}
    assert rowen("export", "--database", database).stdout.encode() == b"".join(
        canonical(each) + b"\n" for each in RECORDS
    )


def test_a_table_of_a_warehouse_has_json_in_its_cells(database: str, tmp_path: Path) -> None:
    extra = {"_airbyte_raw_id": "0a", "_fivetran_synced": "2024-01-01", "_sdc_batched_at": "2024-01-01"}
    file = tmp_path / "table.csv"
    file.write_text(as_table([as_texts(each, *PARTS) for each in RECORDS], extra))
    done = rowen("import", file, "--database", database)
    assert results(done) == {"scheduled_interviews": [3, 3, 0, 0, 0, 0]}
    assert rowen("export", "--database", database).stdout.encode() == b"".join(
        canonical(each) + b"\n" for each in RECORDS
    )


def test_json_that_is_broken_is_reported_and_nothing_is_written(database: str, tmp_path: Path) -> None:
    bad = {**record(4), "interviewers": '[{"id":1'}
    worse = {**as_texts(record(5), "start"), "end": "{}"}
    file = write_json_lines(tmp_path / "bad.jsonl", [record(1), bad, worse, {**record(6), "start": '{"date":"26/3"}'}])
    done = rowen("import", file, "--database", database, status=1)
    assert f"{file}:2: interviewers: must be `array`, got `str` " in done.stderr
    assert f"{file}:3: end: is empty: this is an all-day interview" in done.stderr
    assert f'{file}:4: start.date: is an invalid RFC3339 encoded date ("26/3")' in done.stderr
    assert results(done) == {"scheduled_interviews": [4, 0, 0, 0, 0, 3]}


@pytest.mark.parametrize("lost", [{}, {"date_time": None}, {"date_time": None, "date": None}])
def test_an_all_day_interview_without_its_date_is_reported_as_such(
    database: str, tmp_path: Path, lost: dict[str, None]
) -> None:
    file = write_json_lines(tmp_path / "tap.jsonl", [record(1), record(2, start=lost, end=lost)])
    done = rowen("import", file, "--database", database, "--dry-run", status=1)
    assert f"{file}:2: start: is empty: this is an all-day interview, and the tool" in done.stderr
    assert f"{file}:2: end: is empty: this is an all-day interview, and the tool" in done.stderr
    assert 'write its date as {"date":"2024-03-26"}' in done.stderr


def test_other_records_have_json_as_text_too(database: str, tmp_path: Path) -> None:
    user = {"id": 1, "primary_email_address": "a@example.com", "emails": '["a@example.com","b@example.com"]'}
    application = {"id": 2, "prospect": False, "jobs": '[{"id":9,"name":"Surgeon"}]', "custom_fields": '{"a":"[1]"}'}
    stage = {"id": 3, "job_id": 9, "name": "[Onsite]", "priority": 1, "interviews": '[{"id":7,"name":"Culture Fit"}]'}
    file = write_json_lines(tmp_path / "records.jsonl", [user, application, stage])
    rowen("import", file, "--database", database)
    assert results(rowen("import", file, "--database", database)) == {
        "users": [1, 0, 0, 1, 0, 0],
        "applications": [1, 0, 0, 1, 0, 0],
        "job_stages": [1, 0, 0, 1, 0, 0],
    }
    plain = write_json_lines(
        tmp_path / "plain.jsonl",
        [
            {**user, "emails": ["a@example.com", "b@example.com"]},
            {**application, "jobs": [{"id": 9, "name": "Surgeon"}], "custom_fields": {"a": "[1]"}},
            {**stage, "interviews": [{"id": 7, "name": "Culture Fit"}]},
        ],
    )
    assert results(rowen("import", plain, "--database", database))["job_stages"] == [1, 0, 0, 1, 0, 0]
    broken = write_json_lines(tmp_path / "broken.jsonl", [{**stage, "interviews": '[{"id":0}]'}])
    done = rowen("import", broken, "--database", database, status=1)
    assert f"{broken}:1: interviews[0].id: must be `int` >= 1 (0)" in done.stderr


def test_streams_are_named_in_the_singular_or_after_a_call(database: str, tmp_path: Path) -> None:
    messages = [
        ("list_job_stage", {"id": 3, "name": "Onsite", "job_id": 9}),
        ("greenhouse_user", {"id": 1, "name": "Kate Austen"}),
        ("list_scheduled_interview", record(5)),
        ("raw_greenhouse_jobs", {"id": 9, "name": "Surgeon"}),
        ("list_nothing", {"id": 9}),
    ]
    file = tmp_path / "tap.jsonl"
    lines = [{"type": "RECORD", "stream": stream, "record": each} for stream, each in messages]
    file.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
    done = rowen("import", file, "--database", database)
    assert results(done) == {
        name: [1, 1, 0, 0, 0, 0] for name in ("job_stages", "users", "scheduled_interviews", "jobs")
    }
    assert 'Skipped: 1 records of the stream "list_nothing"' in done.stderr
