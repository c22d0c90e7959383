"""`rowen import` of dumps of Harvest v3: files of rows that are joined, as the mirror of the account joins them."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.support import v3_account
from tests.support.command import rowen
from tests.support.imports import results
from tests.support.records import Record, record, write_json_lines
from tests.support.v3_upstream import CLIENT_ID, CLIENT_SECRET, V3Upstream, v3_upstream


@pytest.fixture
def upstream() -> Iterator[V3Upstream]:
    with v3_upstream() as upstream:
        v3_account.fill(upstream)
        yield upstream


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
    secret = tmp_path / "secret"
    secret.write_text(CLIENT_SECRET)
    mirror = f"sqlite:///{tmp_path}/mirror.db"
    source = ("--from", upstream.base, "--client-id", CLIENT_ID, "--client-secret-file", secret)
    rowen("mirror", *source, "--once", "--database", mirror)
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


def test_bad_rows_are_named_and_nothing_of_the_dump_is_written(dump: Path, database: str) -> None:
    change(dump / "interviewers.jsonl", 1, interview_id="x")
    change(dump / "interviews.jsonl", 0, updated_at="soon")
    with (dump / "users.jsonl").open("ab") as file:
        file.write(b'{"id":8,\n{"name":"nobody"}\n{"id":8},{"id":9}\n')
    done = rowen("import", dump, "--database", database, status=1)
    assert f"{dump}/interviewers.jsonl:2: interviewers 2: Expected `int | null`, got `str`" in done.stderr
    assert f"{dump}/interviews.jsonl:1: interviews 9001: is not an ISO-8601 date or time" in done.stderr
    assert f"{dump}/users.jsonl:3: the JSON ends in the middle of the record" in done.stderr
    assert f"{dump}/users.jsonl:4: users: Object missing required field `id`" in done.stderr
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
