"""`rowen import` of dumps of Harvest v3: files of rows that are joined, as the mirror of the account joins them."""

from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.support.command import rowen
from tests.support.imports import results
from tests.support.mirroring import mirror_command
from tests.support.records import Record, record, write_json_lines
from tests.support.v3_upstream import CLIENT_ID, CLIENT_SECRET, V3Upstream


@pytest.fixture
def dump(upstream: V3Upstream, tmp_path: Path) -> Path:
    folder = tmp_path / "dump"
    folder.mkdir()
    for resource, rows in upstream.rows.items():
        write_json_lines(folder / f"{resource}.jsonl", list(rows.values()))
    return folder


def exported(database: str) -> list[str]:
    return rowen("export", "--database", database).stdout.splitlines()


def change(file: Path, number: int, **fields: object) -> None:
    """Change a row of a file."""
    rows: list[Record] = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    rows[number] |= fields
    write_json_lines(file, rows)


def test_a_dump_becomes_what_a_mirror_of_the_account_holds(
    upstream: V3Upstream, dump: Path, database: str, tmp_path: Path
) -> None:
    done = rowen("import", dump, "--database", database)
    assert results(done) == {
        "users": [2, 2, 0, 0, 0, 0],
        "jobs": [1, 1, 0, 0, 0, 0],
        "job_stages": [1, 1, 0, 0, 0, 0],
        "candidates": [1, 1, 0, 0, 0, 0],
        "applications": [1, 1, 0, 0, 0, 0],
        "scorecards": [1, 1, 0, 0, 0, 0],
        "scheduled_interviews": [2, 2, 0, 0, 0, 0],
    }
    assert f"Joining the rows of Harvest v3 in {dump}" in done.stderr
    assert "Skipped: 1 rows of scheduled_interviews without a v1 form: status that v1 lacks" in done.stderr
    mirror = f"sqlite:///{tmp_path}/mirror.db"
    rowen(*mirror_command(upstream, tmp_path, mirror), "--once")
    assert exported(database) == exported(mirror)
    assert len(exported(database)) == 2
    again = rowen("import", dump, "--database", database)
    assert results(again)["scheduled_interviews"] == [2, 0, 0, 2, 0, 0]
    assert not list(tmp_path.glob(".rowen-join-*"))


def test_arrays_prefixes_parts_and_json_as_text_are_read_too(dump: Path, database: str, tmp_path: Path) -> None:
    rowen("import", dump, "--database", database)
    other = tmp_path / "other"
    other.mkdir()
    for file in dump.iterdir():
        lines = file.read_bytes().splitlines()
        for number, line in enumerate(lines):
            (other / f"greenhouse_{file.stem}-{number}.json").write_bytes(b"[%b]" % line)
    change_text = other / "greenhouse_users-0.json"
    change_text.write_bytes(change_text.read_bytes().replace(b'["ann@example.com"]', b'"[\\"ann@example.com\\"]"'))
    again = results(rowen("import", other, "--database", database))
    assert again["users"] == [2, 0, 0, 2, 0, 0]
    assert again["scheduled_interviews"] == [2, 0, 0, 2, 0, 0]


def test_other_files_beside_a_dump_are_imported_as_usual(dump: Path, database: str, tmp_path: Path) -> None:
    write_json_lines(dump / "more.jsonl", [record(5)])
    elsewhere = write_json_lines(tmp_path / "users.jsonl", [{"id": 7, "name": "Kate Austen", "disabled": False}])
    done = results(rowen("import", dump, elsewhere, "--database", database))
    assert done["scheduled_interviews"] == [3, 3, 0, 0, 0, 0]
    assert done["users"][0] == 3


@pytest.mark.usefixtures("no_database")
def test_bad_rows_are_named_and_nothing_of_the_dump_is_written(dump: Path, database: str) -> None:
    change(dump / "interviewers.jsonl", 1, interview_id="x")
    change(dump / "interviews.jsonl", 0, updated_at="soon")
    with (dump / "users.jsonl").open("ab") as file:
        file.write(b'{"id":8,\n{"name":"nobody"}\n{"id":8},{"id":9}\n')
    done = rowen("import", dump, "--database", database, status=1)
    assert f"{dump}/interviewers.jsonl:2: Expected `int | null`, got `str` - at `$.interview_id`" in done.stderr
    assert f"{dump}/interviews.jsonl:1: updated_at: is not an ISO-8601 date or time" in done.stderr
    assert f"{dump}/users.jsonl:3: the JSON ends in the middle of the record" in done.stderr
    assert f"{dump}/users.jsonl:4: Object missing required field `id`" in done.stderr
    assert f"{dump}/users.jsonl:5: this is not valid JSON: " in done.stderr
    assert f"{dump}: not imported completely; correct it, or use --keep-going" in done.stderr
    assert results(done)["interviewers"] == [1, 0, 0, 0, 0, 1]
    assert not Path(database.removeprefix("sqlite:///")).exists()


def test_bad_rows_can_be_skipped(dump: Path, database: str, tmp_path: Path) -> None:
    change(dump / "interviewers.jsonl", 1, interview_id="x")
    done = rowen("import", dump, "--database", database, "--keep-going", cwd=tmp_path)
    assert results(done)["scheduled_interviews"] == [2, 2, 0, 0, 0, 0]
    assert b"interviewers.jsonl:2" in (tmp_path / "rejected.jsonl").read_bytes()


def test_interviews_of_v3_alone_are_no_dump_and_the_message_shows_how(dump: Path, database: str) -> None:
    file = dump / "interviews.jsonl"
    done = rowen("import", file, "--database", database, status=1)
    assert f"{file}:1: starts_at: is a field of Harvest v3: " in done.stderr
    assert "interviewers" in done.stderr


TIMES: Final = "2024-02-01 22:02:01.057,2024-02-05 23:54:19.051"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(CLIENT_SECRET)
    return file


def test_an_account_is_read_once_and_stays_independent(
    upstream: V3Upstream, dump: Path, secret: Path, database: str, tmp_path: Path
) -> None:
    options = ("--client-id", CLIENT_ID, "--client-secret-file", secret)
    done = rowen("import", upstream.base, *options, "--database", database)
    assert results(done)["scheduled_interviews"] == [2, 2, 0, 0, 0, 0]
    assert "Skipped: 1 rows of scheduled_interviews without a v1 form: status that v1 lacks" in done.stderr
    assert results(rowen("import", dump, "--database", database))["scheduled_interviews"] == [2, 0, 0, 2, 0, 0]
    again = rowen("import", f"{upstream.base}/", dump, *options, "--database", database)
    assert results(again)["scheduled_interviews"] == [4, 0, 0, 4, 0, 0]
    assert "is not a mirror" in rowen("mirror", "end", "--database", database, status=1).stderr
    assert CLIENT_SECRET not in done.stdout + done.stderr
    assert not list(tmp_path.glob(".rowen-join-*"))


@pytest.mark.usefixtures("no_database")
def test_an_account_that_refuses_leaves_nothing(upstream: V3Upstream, secret: Path, database: str) -> None:
    secret.write_text("wrong-s3cret")
    options = ("--client-id", CLIENT_ID, "--client-secret-file", secret)
    done = rowen("import", upstream.base, *options, "--database", database, status=1)
    assert upstream.origin in done.stderr
    assert "wrong-s3cret" not in done.stderr
    assert not Path(database.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize(
    ("address", "options", "part"),
    [
        ("https://harvest.greenhouse.io/v3", ["--client-secret-file", "secret"], "--client-id"),
        ("https://harvest.greenhouse.io/v3", ["--client-id", "x"], "--client-secret-file"),
        ("http://h.example.com/v3", ["--client-id", "x", "--client-secret-file", "secret"], "SOURCE is plain http"),
        ("https://a:b@h.example.com/v3", ["--client-id", "x", "--client-secret-file", "secret"], "no credentials"),
    ],
)
def test_an_account_needs_a_client_and_a_safe_address(
    address: str, options: list[str], part: str, secret: Path, database: str
) -> None:
    with_file = [str(secret) if each == "secret" else each for each in options]
    status = 2 if part.startswith("--") else 1
    assert part in rowen("import", address, *with_file, "--database", database, status=status).stderr


def test_files_need_no_client_secret(dump: Path, database: str, tmp_path: Path) -> None:
    done = rowen("import", dump, "--database", database, "--client-secret-file", tmp_path / "missing")
    assert results(done)["users"][0] == 2


INTERVIEW_TABLE: Final = f"""\
id,_fivetran_deleted,application_id,created_at,updated_at,start,end,interview_id,location,organizer_id,status
11,false,1001,{TIMES},2024-02-05 20:00:00,2024-02-05 20:30:00,7001,Room 1,2001,complete
12,false,1002,{TIMES},2024-02-06,2024-02-07,,,,complete
13,false,1002,{TIMES},,,,,,complete
14,true,1002,{TIMES},,,,,,complete
"""
PANEL_TABLE: Final = """\
_fivetran_synced,interviewer_id,scheduled_interview_id,scorecard_id,response_status
2024-02-05 23:54:56.284,2001,11,301,accepted
2024-02-05 23:54:56.284,2002,11,,
2024-02-05 23:54:56.284,2002,14,,
"""
USER_TABLE: Final = """\
id,first_name,last_name,employee_id,disabled,site_admin,created_at,updated_at,_fivetran_synced
2001,Kate,Austen,E-1,false,false,2024-01-01 00:00:00,2024-01-01 00:00:00,2024-01-01 00:00:00
"""
STEP_TABLE: Final = "id,job_stage_id,name,_fivetran_synced\n7001,50,Culture Fit,2024-01-01 00:00:00\n"


@pytest.fixture
def tables(tmp_path: Path) -> list[Path]:
    texts = {
        "scheduled_interview": INTERVIEW_TABLE,
        "scheduled_interviewer": PANEL_TABLE,
        "users": USER_TABLE,
        "interview": STEP_TABLE,
    }
    files = [tmp_path / f"{name}.csv" for name in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_text(text)
    return files


def test_the_tables_of_a_connector_are_joined_into_interviews(
    tables: list[Path], database: str, tmp_path: Path
) -> None:
    done = rowen("import", *tables, "--database", database)
    assert results(done) == {"users": [1, 1, 0, 0, 0, 0], "scheduled_interviews": [2, 2, 0, 0, 0, 0]}
    assert f"Joining the tables in {tmp_path}" in done.stderr
    assert "Skipped: 1 rows of scheduled_interviews without a v1 form: no time" in done.stderr
    first, second = (msgspec.json.decode(line) for line in exported(database))
    kate = {"first_name": "Kate", "last_name": "Austen", "name": "Kate Austen", "employee_id": "E-1"}
    seats = {"email": None, "scorecard_id": None}
    assert first == {
        **record(11, application_id=1001, external_event_id=None, location="Room 1", status="complete"),
        "start": {"date_time": "2024-02-05T20:00:00.000Z"},
        "end": {"date_time": "2024-02-05T20:30:00.000Z"},
        "created_at": "2024-02-01T22:02:01.057Z",
        "updated_at": "2024-02-05T23:54:19.051Z",
        "organizer": {"id": 2001, **kate},
        "interviewers": [
            {
                **seats,
                "id": 2001,
                "name": "Kate Austen",
                "employee_id": "E-1",
                "response_status": "accepted",
                "scorecard_id": 301,
            },
            {**seats, "id": 2002, "name": None, "employee_id": None, "response_status": "needs_action"},
        ],
    }
    assert (second["start"], second["end"], second["interviewers"]) == (
        {"date": "2024-02-06"},
        {"date": "2024-02-07"},
        [],
    )


def test_tables_may_be_json_lines_with_flattened_columns(database: str, tmp_path: Path) -> None:
    times = {"created_at": "2024-02-01T22:02:01Z", "updated_at": "2024-02-05T23:54:19Z"}
    flat = {"start__date_time": "2024-02-05T20:00:00Z", "end__date_time": "2024-02-05T20:30:00Z"}
    step = {"interview__id": 7001, "organizer__id": None, "status": "complete"}
    write_json_lines(
        tmp_path / "scheduled_interviews.jsonl", [{"id": 11, "application_id": 5, **times, **flat, **step}]
    )
    write_json_lines(
        tmp_path / "scheduled_interviewers.jsonl", [{"scheduled_interview_id": 11, "interviewer_id": 2001}]
    )
    rowen("import", *tmp_path.glob("*.jsonl"), "--database", database)
    (found,) = (msgspec.json.decode(line) for line in exported(database))
    assert found["start"] == {"date_time": "2024-02-05T20:00:00.000Z"}
    assert ([each["id"] for each in found["interviewers"]], found["interview"]["id"]) == ([2001], 7001)


def test_bad_rows_of_tables_are_named_and_no_interview_is_written(tables: list[Path], database: str) -> None:
    interviews, panel, *_ = tables
    interviews.write_text(INTERVIEW_TABLE.replace("2024-02-05 23:54:19.051", "yesterday", 1))
    panel.write_text(PANEL_TABLE + "2024-02-05,2001,,,\n2024-02-05,2001,x,,\n2024-02-05,2001\n")
    done = rowen("import", *tables, "--database", database, status=1)
    assert f"{interviews}:2: updated_at: is not an ISO-8601 date or time" in done.stderr
    assert f"{panel}:5: scheduled_interview_id: is missing" in done.stderr
    assert f"{panel}:6: Expected `int | null`, got `str` - at `$.interview_id`" in done.stderr
    assert f"{panel}:7: the row has 2 cells, and the first row of the file 5" in done.stderr
    assert "scheduled_interviews" not in results(done)
    assert not exported(database)
