"""`rowen export`: imported interviews can be exported in three formats, filtered, and complete or not at all."""

import csv
import io
import json
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.command import ROWEN, environment, rowen
from tests.support.imports import results
from tests.support.programs import interrupt_writing
from tests.support.records import Record, canonical, record, write_json_lines

RECORDS: Final[list[Record]] = [
    record(1),
    record(2, start={"date": "2024-03-27"}, end={"date": "2024-03-28"}, interviewers=[], organizer=None),
    record(3, location='Tōkyō, "Große" 🎉\n', external_event_id=None, created_at=None, updated_at=None, interview=None),
    record(4, status="complete", created_at="2024-06-01T00:00:00.000Z", updated_at="2024-06-02T00:00:00.000Z"),
    *(record(identifier) for identifier in range(5, 1_501)),
    record(40_387_397_003, application_id=1_001, video_conferencing_url="https://video.example.com/1"),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database that contains the records."""
    folder = tmp_path_factory.mktemp("filled")
    database = f"sqlite:///{folder}/rowen.db"
    source = write_json_lines(folder / "records.jsonl", RECORDS)
    rowen("import", source, "--created-through-api", "--database", database)
    return database


def lines(records: list[Record]) -> str:
    return b"".join(canonical(each) + b"\n" for each in records).decode()


def test_json_lines_are_the_records_byte_for_byte(filled: str) -> None:
    done = rowen("export", "--database", filled)
    assert done.stdout == lines(RECORDS)
    assert done.stderr == "1501 interviews\n"


def test_json_is_one_array_of_them(filled: str, tmp_path: Path) -> None:
    output = tmp_path / "export.json"
    rowen("export", "--format", "json", "--output", output, "--database", filled)
    body = output.read_bytes()
    assert json.loads(body) == RECORDS
    assert all(canonical(each) in body for each in RECORDS[:10])
    # And imported again.
    again = rowen("import", output, "--database", filled)
    assert results(again) == {"scheduled_interviews": [1501, 0, 0, 1501, 0, 0]}


def test_csv_has_a_row_for_each(filled: str) -> None:
    text = rowen("export", "--format", "csv", "--database", filled).stdout
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [int(row["id"]) for row in rows] == [each["id"] for each in RECORDS]
    first, second, third = rows[:3]
    assert (first["start"], first["end"]) == ("2024-03-26T22:15:00.000Z", "2024-03-26T22:30:00.000Z")
    assert (first["interview_id"], first["interview_name"]) == ("7001", "Culture Fit")
    assert (first["organizer_id"], first["organizer_name"]) == ("2000", "Jack Shepard")
    assert json.loads(first["interviewers"]) == RECORDS[0]["interviewers"]
    assert (second["start"], second["end"], second["organizer_id"]) == ("2024-03-27", "2024-03-28", "")
    assert third["location"] == RECORDS[2]["location"]
    assert (third["created_at"], third["interview_name"]) == ("", "")


FILTERS: Final[dict[tuple[str, ...], list[int]]] = {
    ("--application-id", "1001", "--starts-before", "2024-03-26T22:15:00Z"): [],
    ("--external-event-id", "event-7"): [7],
    ("--updated-after", "2024-06-02"): [4],
    ("--created-after", "2024-06-01", "--created-before", "2024-06-01T00:00:00.001Z"): [4],
    ("--updated-before", "2024-05-23T20:43:11.679Z"): [],
    ("--starts-after", "2024-03-26T22:15:00.001Z", "--ends-after", "2024-03-28T01:00+01:00"): [2],
    ("--ends-before", "2024-03-26T22:30:00Z"): [],
}


@pytest.mark.parametrize("options", FILTERS, ids=" ".join)
def test_the_filters_are_those_of_the_api(filled: str, options: tuple[str, ...]) -> None:
    wanted = FILTERS[options]
    assert rowen("export", *options, "--database", filled).stdout == lines([e for e in RECORDS if e["id"] in wanted])


def test_filters_for_actionable_interviews_of_an_application(filled: str) -> None:
    wanted = [each for each in RECORDS if each["application_id"] == 1004 and each["status"] != "complete"]
    assert wanted != [each for each in RECORDS if each["application_id"] == 1004]
    done = rowen("export", "--actionable", "--application-id", "1004", "--database", filled)
    assert done.stdout == lines(wanted)


def test_a_filter_may_stand_in_the_environment(filled: str) -> None:
    done = subprocess.run(
        [*ROWEN, "export"],
        capture_output=True,
        check=True,
        env=environment({"ROWEN_DATABASE": filled, "ROWEN_UPDATED_AFTER": "2024-06-02", "ROWEN_FORMAT": "jsonl"}),
    )
    assert done.stdout.decode() == lines([RECORDS[3]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--created-after", "2024-13-01"), "rowen: --created-after must be an ISO-8601 date or timestamp\n"),
        (
            ("--organization", "nowhere"),
            "rowen: there is no organization 'nowhere', only 'default'. "
            "`rowen organizations create 'nowhere'` creates it\n",
        ),
    ],
)
def test_queries_that_cannot_be_exported(filled: str, tmp_path: Path, options: tuple[str, str], message: str) -> None:
    output = tmp_path / "export.jsonl"
    done = rowen("export", *options, "--output", output, "--database", filled, status=1)
    assert done.stderr == message
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_stays_until_the_new_one_is_complete(filled: str, tmp_path: Path) -> None:
    output = tmp_path / "export.jsonl"
    output.write_text("older\n")
    rowen("export", "--output", output, "--organization", "nowhere", "--database", filled, status=1)
    assert output.read_text() == "older\n"
    rowen("export", "--output", output, "--external-event-id", "event-7", "--database", filled)
    assert output.read_text() == lines([RECORDS[6]])
    assert list(tmp_path.iterdir()) == [output]


def test_a_hyphen_is_standard_output(filled: str, tmp_path: Path) -> None:
    done = rowen("export", "--output", "-", "--database", filled, "--external-event-id", "event-7", cwd=tmp_path)
    assert done.stdout == lines([RECORDS[6]])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written(filled: str, tmp_path: Path) -> None:
    done = rowen("export", "--output", tmp_path / "none" / "export.jsonl", "--database", filled, status=1)
    assert done.stderr == f"rowen: {tmp_path}/none/export.jsonl: No such file or directory\n"


def test_a_reader_that_has_seen_enough(filled: str) -> None:
    exporting = subprocess.Popen(
        [*ROWEN, "export", "--database", filled], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert exporting.stdout is not None
    assert exporting.stderr is not None
    assert exporting.stdout.readline() == canonical(RECORDS[0]) + b"\n"
    exporting.stdout.close()
    assert exporting.stderr.read() == b""
    exporting.stderr.close()
    assert exporting.wait(60) != 0


def test_a_full_disk_behind_standard_output(filled: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*ROWEN, "export", "--database", filled],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode() == "rowen: No space left on device\n"


def test_a_signal_cuts_nothing_off(filled: str) -> None:
    command = [*ROWEN, "export", "--database", filled]
    unbuffered = environment({"PYTHONUNBUFFERED": "1"})  # as in images of containers
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=unbuffered) as process:
        interrupt_writing(process)
        output, _ = process.communicate()
    assert output.decode() == lines(RECORDS)
