"""`rowen import`: every source, the result of merging, and the errors for bad input."""

import gzip
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.support.command import rowen
from tests.support.imports import totals
from tests.support.processes import finish, script, start
from tests.support.records import Record, canonical, record, write_json_lines
from tests.support.server import serving
from tests.support.upstream import KEY, nothing, upstream_of

RECORDS: Final = [record(identifier) for identifier in (*range(1, 41), 40_387_397_003)]
LINES: Final = b"".join(canonical(each) + b"\n" for each in RECORDS)
ARRAY: Final = b"[" + b",".join(map(canonical, RECORDS)) + b"]"


def exported(database: str, *options: str) -> bytes:
    return rowen("export", "--database", database, *options).stdout.encode()


def revision(database: str) -> int:
    """Return how many commits the organization's ledger has seen."""
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        found: int = connection.execute("SELECT revision FROM organizations").fetchone()[0]
        return found


def wrapped(key: str) -> bytes:
    return b"".join(b'{"type":"RECORD","%s":%s}\n' % (key.encode(), canonical(each)) for each in RECORDS)


FILES: Final[dict[str, bytes]] = {
    "array.json": ARRAY,
    "indented.json": msgspec.json.format(ARRAY, indent=2),
    "lines.jsonl": LINES,
    "windows.ndjson": b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n"),
    "no_last_line_feed.jsonl": LINES.rstrip(b"\n"),
    "record.jsonl": wrapped("record"),
    "data.jsonl": wrapped("data"),
    "array.json.gz": gzip.compress(ARRAY),
    "lines.jsonl.gz": gzip.compress(LINES[:9_999]) + gzip.compress(LINES[9_999:]),
    "record.jsonl.gz": gzip.compress(wrapped("record")),
    "named_otherwise.txt": LINES,
}


# --- sources


@pytest.mark.parametrize("step", [1, -1])
def test_files_of_every_form_hold_the_same_records(tmp_path: Path, database: str, step: int) -> None:
    for name, body in FILES.items():
        (tmp_path / name).write_bytes(body)
    done = rowen("import", *[tmp_path / name for name in list(FILES)[::step]], "--database", database)
    assert totals(done) == [41 * len(FILES), 41, 0, 41 * (len(FILES) - 1), 0, 0]
    assert done.stderr == ""
    assert exported(database) == LINES


def test_standard_input(database: str) -> None:
    assert totals(rowen("import", "-", "--database", database, stdin=gzip.compress(ARRAY))) == [41, 41, 0, 0, 0, 0]
    assert exported(database) == LINES


def test_a_folder_and_several_sources(tmp_path: Path, database: str) -> None:
    folder = tmp_path / "exports"
    (folder / "2024").mkdir(parents=True)
    write_json_lines(folder / "a.jsonl", RECORDS[:10])
    (folder / "2024" / "b.json.gz").write_bytes(gzip.compress(canonical(RECORDS[10])))
    (folder / "notes.txt").write_text("Ask Kate.")
    single = write_json_lines(tmp_path / "c.jsonl", RECORDS[11:20])
    rest = b"".join(canonical(each) + b"\n" for each in RECORDS[20:])
    done = rowen("import", folder, single, "-", "--database", database, stdin=rest)
    assert totals(done) == [41, 41, 0, 0, 0, 0]
    assert f"{folder / 'notes.txt'}: skipped" in done.stderr
    assert exported(database) == LINES


def test_an_empty_file_is_no_error(tmp_path: Path, database: str) -> None:
    (tmp_path / "empty.json").write_bytes(b"[]")
    assert totals(rowen("import", tmp_path / "empty.json", "--database", database)) == [0] * 6


def test_an_organization_of_its_own(tmp_path: Path, database: str) -> None:
    source = write_json_lines(tmp_path / "records.jsonl", RECORDS)
    done = rowen("import", source, "--organization", "lisbon", "--create", "--database", database)
    assert done.stderr == "Organization lisbon created, with the time zone UTC.\n"
    assert rowen("import", source, "--organization", "lisbon", "--create", "--database", database).stderr == ""
    rowen("import", source, "--create", "--database", database)
    listed = rowen("organizations", "list", "--database", database).stdout.splitlines()
    assert [line.split("\t")[:3] for line in listed[1:]] == [["default", "UTC", "41"], ["lisbon", "UTC", "41"]]


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--keep-going",)])
def test_an_organization_is_not_created_by_mistake(tmp_path: Path, database: str, options: tuple[str, ...]) -> None:
    source = write_json_lines(tmp_path / "records.jsonl", RECORDS)
    at = ("--database", database, *options)
    done = rowen("import", source, "--organization", "lisbon", *at, status=1)
    assert "rowen: there is no organization 'lisbon'. --create creates it\n" in done.stderr
    assert sorted(tmp_path.iterdir()) == [source], "no database is made for it"
    rowen("organizations", "create", "lisbon", "--database", database)
    done = rowen("import", source, "--organization", "Lisbn", *at, status=1)
    assert "there is no organization 'Lisbn'. Did you mean 'lisbon'? --create creates it\n" in done.stderr
    done = rowen("import", source, *at, status=1)
    assert "there is no organization 'default', only 'lisbon'. --create creates it\n" in done.stderr
    rowen("import", source, "--organization", "lisbon", *at)
    assert len(rowen("organizations", "list", "--database", database).stdout.splitlines()) == 2


# --- merging


def test_running_it_twice_changes_nothing(tmp_path: Path, database: str) -> None:
    source = write_json_lines(tmp_path / "records.jsonl", RECORDS)
    rowen("import", source, "--database", database)
    before = exported(database), revision(database)
    assert totals(rowen("import", source, "--database", database)) == [41, 0, 0, 41, 0, 0]
    assert (exported(database), revision(database)) == before


TIMES: Final = ("2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.001Z", None)
NEWEST: Final = TIMES[1]


def versions() -> Iterator[list[Record]]:
    """Return an interview for each order in which an older, a newer and an undated record of it can come."""
    for identifier, order in enumerate(permutations(TIMES), 1):
        yield [record(identifier, updated_at=time, location=f"as of {time}") for time in order]


def newest_versions() -> bytes:
    newest = [each for order in versions() for each in order if each["updated_at"] == NEWEST]
    return b"".join(canonical(each) + b"\n" for each in newest)


def test_the_newer_record_wins_whatever_the_order_in_a_file(tmp_path: Path, database: str) -> None:
    source = write_json_lines(tmp_path / "all.jsonl", [each for order in versions() for each in order])
    assert totals(rowen("import", source, "--database", database)) == [18, 6, 0, 0, 12, 0]
    assert exported(database) == newest_versions()


def test_the_newer_record_wins_whatever_the_order_of_imports(tmp_path: Path, database: str) -> None:
    counts = []
    for number in range(3):
        source = write_json_lines(tmp_path / f"{number}.jsonl", [order[number] for order in versions()])
        counts.append(totals(rowen("import", source, "--database", database))[1:5])
    # The later ones are: older-newer, older-undated, newer-older, newer-undated, undated-older, undated-newer.
    assert counts == [[6, 0, 0, 0], [0, 3, 0, 3], [0, 2, 0, 4]]
    assert exported(database) == newest_versions()


def test_every_count_of_the_totals(tmp_path: Path, database: str) -> None:
    rowen(
        "import", write_json_lines(tmp_path / "stored.jsonl", [record(1), record(2), record(3)]), "--database", database
    )
    records = [
        record(1),
        record(2, location="elsewhere", updated_at="2025-01-01T00:00:00.000Z"),
        record(3, updated_at="2020-01-01T00:00:00.000Z"),
        record(4),
        record(5, status="lost"),
    ]
    source = write_json_lines(tmp_path / "records.jsonl", records)
    for options in (["--dry-run"], []):
        done = rowen("import", source, "--keep-going", *options, "--database", database, cwd=tmp_path)
        assert totals(done) == [5, 1, 1, 1, 1, 1]


# --- dry runs and bad records


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    source = write_json_lines(tmp_path / "records.jsonl", [*RECORDS, record(99, status="lost")])
    database = f"sqlite:///{tmp_path}/folder/rowen.db"
    done = rowen("import", source, "--dry-run", "--keep-going", "--database", database, cwd=tmp_path)
    assert totals(done) == [42, 41, 0, 0, 0, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["records.jsonl"]


def test_a_dry_run_on_stored_records_writes_nothing(tmp_path: Path, database: str) -> None:
    rowen("import", write_json_lines(tmp_path / "a.jsonl", RECORDS[:10]), "--database", database)
    before = exported(database), revision(database)
    source = write_json_lines(tmp_path / "b.jsonl", RECORDS)
    assert totals(rowen("import", source, "--dry-run", "--database", database)) == [41, 31, 0, 10, 0, 0]
    assert (exported(database), revision(database)) == before


def test_keep_going_says_where_the_rest_could_not_be_read(tmp_path: Path, database: str) -> None:
    """It ended with status 0, as if the whole file had been read."""
    source = tmp_path / "users.csv"
    source.write_text('id,email\n1,a@example.com\n2,"open\n3,c@example.com\n')
    done = rowen("import", source, "--keep-going", "--database", database, cwd=tmp_path, status=1)
    assert totals(done) == [2, 1, 0, 0, 0, 1]
    assert f"{source}:3: the rest could not be read and was not imported\n" in done.stderr


def test_keep_going_puts_bad_records_aside(tmp_path: Path, database: str) -> None:
    bad = canonical(record(7, status="lost", end={"date": "2024-03-27"}))
    source = tmp_path / "records.jsonl"
    source.write_bytes(canonical(RECORDS[0]) + b"\n" + bad + b'\n{"id":8\n' + canonical(RECORDS[1]) + b"\n")
    done = rowen("import", source, "--keep-going", "--database", database, cwd=tmp_path)
    assert totals(done) == [4, 2, 0, 0, 0, 2]
    assert "2 rejected: see rejected.jsonl" in done.stderr
    aside = [json.loads(line) for line in (tmp_path / "rejected.jsonl").read_bytes().splitlines()]
    assert [each["place"] for each in aside] == [f"{source}:2", f"{source}:3"]
    assert [each["record"] for each in aside] == [json.loads(bad), '{"id":8']
    assert aside[0]["reasons"][0].startswith("status: ")
    assert aside[1]["reasons"] == ["the JSON ends in the middle of the record"]
    assert exported(database) == canonical(RECORDS[0]) + b"\n" + canonical(RECORDS[1]) + b"\n"


def test_rejected_records_may_be_imported_again(tmp_path: Path, database: str) -> None:
    source = tmp_path / "rejected.jsonl"
    source.write_bytes(LINES + b"{\n")
    done = rowen("import", source, "--keep-going", "--database", database, cwd=tmp_path)
    assert totals(done) == [42, 41, 0, 0, 0, 1]
    assert [json.loads(line)["place"] for line in source.read_bytes().splitlines()] == [f"{source}:42"]


def test_a_place_for_bad_records_that_cannot_be_written(tmp_path: Path, database: str) -> None:
    (tmp_path / "rejected.jsonl").mkdir()
    done = rowen("import", "-", "--keep-going", "--database", database, cwd=tmp_path, stdin=b"{}\n", status=1)
    assert done.stderr.splitlines()[-1] == "rowen: rejected.jsonl: Is a directory"


def with_change(**changes: Any) -> bytes:
    return canonical(record(7, **changes))


BAD: Final[dict[str, tuple[bytes, str]]] = {
    "half a line": (LINES[:-300], ":41: the JSON ends in the middle of the record; the file may be incomplete"),
    "no UTF-8": (LINES.replace(b"Big", b"B\xffg", 1), ":1: this is not valid UTF-8 text"),
    "a day that does not exist": (
        with_change(start={"date_time": "2024-02-30T10:00:00Z"}),
        ':1: start.date_time: is not an ISO-8601 date or time ("2024-02-30T10:00:00Z")',
    ),
    "an end before the start": (with_change(end={"date_time": "2024-03-26T22:14:59Z"}), ":1: end: "),
    "a timed start, an all-day end": (with_change(end={"date": "2024-03-27"}), ":1: end: "),
    "both kinds at once": (with_change(start={"date": "2024-03-27", "date_time": "2024-03-27T00:00:00Z"}), ":1: start"),
    "an id too large": (canonical(record(2**53)), ":1: id: must be "),
    "an application too large": (with_change(application_id=2**53), ":1: application_id: must be "),
    "an id of an interviewer too large": (
        with_change(interviewers=[record(1)["interviewers"][0] | {"id": 2**63}]),
        ":1: interviewers[0].id: must be ",
    ),
    "a status of its own": (with_change(status="lost"), ":1: status: "),
    "an id that is text": (canonical(record(7) | {"id": "7"}), ":1: id: must be "),
    "no id": (b'{"status":"scheduled"}', ":1: id: is missing"),
    "no record": (b"17\n", ": this is neither a JSON array"),
    "a ZIP archive": (b"PK\x03\x04" + bytes(100), ": this is a ZIP archive: unpack it first"),
    "half an array": (
        ARRAY[:-300],
        ":1 (record 41): the record that begins here is never closed; the file may be incomplete",
    ),
    "an array without its end": (ARRAY[:-1], ':1: the closing "]" of the array is missing'),
    "half a gzip file": (gzip.compress(LINES)[:-20], ": the compressed data ends early: the file is incomplete"),
    "a damaged gzip file": (gzip.compress(LINES)[:-8] + bytes(8), ": the compressed data is damaged"),
    "an error that was saved": (b'{"message":"Invalid Basic Auth credentials"}', ":1: this is an error message"),
}


def test_bad_files_leave_no_trace(tmp_path: Path) -> None:
    for name, (body, _) in BAD.items():
        (tmp_path / f"{name}.json").write_bytes(body)
    before = set(tmp_path.iterdir())
    done = rowen("import", tmp_path, "--database", f"sqlite:///{tmp_path}/rowen.db", status=1)
    for name, (_, message) in BAD.items():
        assert f"{tmp_path}/{name}.json{message}" in done.stderr, done.stderr
        assert f"{tmp_path}/{name}.json: not imported completely" in done.stderr
    assert totals(done)[1:] == [0, 0, 0, 0, len(BAD)]
    assert set(tmp_path.iterdir()) == before


def test_a_bad_stream_leaves_whole_batches(database: str) -> None:
    done = rowen("import", "-", "--database", database, stdin=LINES[:-300], status=1)
    assert "standard input:41: the JSON ends in the middle of the record" in done.stderr
    assert totals(done) == [41, 0, 0, 0, 0, 1]


def test_a_message_has_the_place_and_the_reason(tmp_path: Path, database: str) -> None:
    source = tmp_path / "records.jsonl"
    good = canonical(record(1)) + b"\n"
    source.write_bytes(good + b"\n" + with_change(location=17, application_id="x") + b"\n" + good)
    said = rowen("import", source, "--database", database, status=1).stderr.splitlines()
    assert said[:2] == [
        f'{source}:3: application_id: must be `int`, got `str` ("x")',
        f"{source}:3: location: must be `str | null`, got `int` (17)",
    ]


def test_many_bad_records_do_not_fill_the_screen(tmp_path: Path, database: str) -> None:
    source = write_json_lines(tmp_path / "records.jsonl", [record(each, status="lost") for each in range(1, 101)])
    done = rowen("import", source, "--database", database, status=1)
    assert totals(done) == [100, 0, 0, 0, 0, 100]
    assert len(done.stderr.splitlines()) == 22
    assert "… and 80 more" in done.stderr


def test_the_good_one_of_two_sources_is_imported(tmp_path: Path, database: str) -> None:
    bad = write_json_lines(tmp_path / "bad.jsonl", [*RECORDS, record(7, status="lost")])
    good = write_json_lines(tmp_path / "good.jsonl", [record(100)])
    done = rowen("import", bad, good, "--database", database, status=1)
    assert totals(done) == [43, 1, 0, 0, 0, 1]
    assert exported(database) == canonical(record(100)) + b"\n"


def test_a_source_that_does_not_exist_stops_all(tmp_path: Path) -> None:
    good = write_json_lines(tmp_path / "good.jsonl", RECORDS)
    done = rowen("import", good, tmp_path / "none.jsonl", "--database", f"sqlite:///{tmp_path}/rowen.db", status=1)
    assert done.stderr == f"rowen: {tmp_path}/none.jsonl: there is no such file or folder\n"
    assert not (tmp_path / "rowen.db").exists()


def test_unknown_fields_are_counted(tmp_path: Path, database: str) -> None:
    records: list[Record] = [dict(each) for each in RECORDS[:3]]
    for each in records:
        each["color"] = "red"
    records[0]["organizer"] = {**records[0]["organizer"], "shoe_size": 44}
    records[1]["interviewers"] = [records[1]["interviewers"][0] | {"mood": "fine"}]
    done = rowen("import", write_json_lines(tmp_path / "records.jsonl", records), "--database", database)
    assert totals(done) == [3, 3, 0, 0, 0, 0]
    assert done.stderr.splitlines() == [
        "Unknown field color was left out of 3 records",
        "Unknown field interviewers[].mood was left out of 1 records",
        "Unknown field organizer.shoe_size was left out of 1 records",
    ]
    assert exported(database) == b"".join(canonical(each) + b"\n" for each in RECORDS[:3])


# --- from a server


HASTY: Final = """
from rowen.imports.sources import retries

retries.RetryPolicy.wait = lambda *_: None
from rowen.cli.main import main

main()
"""
"""`rowen` that does not wait between attempts."""


def test_a_rowen_server_is_a_source(tmp_path: Path) -> None:
    """Follow `next`, and wait for the rate limit: three pages at two requests in ten seconds."""
    source, target = f"sqlite:///{tmp_path}/source.db", f"sqlite:///{tmp_path}/target.db"
    rowen("import", write_json_lines(tmp_path / "records.jsonl", RECORDS), "--database", source)
    key = rowen("keys", "create", "copy", "--rate-limit", "2", "--database", source).stdout.strip()
    with serving(source) as server:
        address = f"http://{key}:@127.0.0.1:{server.port}/v1/scheduled_interviews?per_page=20"
        done = rowen("import", address, "--database", target)
    assert totals(done) == [41, 41, 0, 0, 0, 0]
    assert exported(target) == LINES
    assert key not in done.stdout + done.stderr


def pages(number: int) -> list[list[Record]]:
    return [[record(page * 20 + each) for each in range(1, 21)] for page in range(number)]


def test_an_import_from_a_server_goes_on_where_it_was_stopped(database: str) -> None:
    with upstream_of(pages(5)) as upstream:
        process = start("import", upstream.address, "--database", database)
        upstream.before = lambda number: process.kill() if number == 4 else None
        process.communicate(timeout=60)
        upstream.before = nothing
        done = rowen("import", upstream.address, "--database", database)
        assert upstream.asked == [1, 2, 3, 4, 4, 5]
        assert totals(done) == [40, 40, 0, 0, 0, 0]
        assert "Continuing from http://127.0.0.1" in done.stderr
        # A finished import starts from the beginning.
        assert totals(rowen("import", upstream.address, "--database", database)) == [100, 0, 0, 100, 0, 0]
    assert KEY not in done.stdout + done.stderr


def test_an_import_goes_on_after_the_server_was_away(database: str) -> None:
    with upstream_of(pages(5)) as upstream:

        def go_away(number: int) -> None:
            if number == 3:
                upstream.socket.close()
                raise ConnectionResetError

        upstream.before = go_away
        port = upstream.server_port
        process = start("import", upstream.address, "--database", database, command=script(HASTY))
        said = finish(process, status=1)
        assert f"cannot connect to 127.0.0.1:{port}: Connection refused; gave up after 7 attempts" in said
        assert "All imported batches are kept; run the same command again to continue." in said
        assert KEY not in said
    with upstream_of(pages(5), port) as upstream:
        done = rowen("import", upstream.address, "--database", database)
        assert upstream.asked == [3, 4, 5]
    assert totals(done) == [60, 60, 0, 0, 0, 0]


def test_a_bad_record_of_a_server_keeps_the_pages_before_it(tmp_path: Path, database: str) -> None:
    served = pages(3)
    served[1][5]["status"] = "lost"
    with upstream_of(served) as upstream:
        done = rowen("import", upstream.address, "--database", database, status=1)
        assert totals(done) == [40, 20, 0, 0, 0, 1]
        assert "page=2 (record 6): status: " in done.stderr
        done = rowen("import", upstream.address, "--keep-going", "--database", database, cwd=tmp_path)
        assert totals(done) == [40, 39, 0, 0, 0, 1]
        assert upstream.asked == [1, 2, 2, 3]
    assert KEY not in done.stdout + done.stderr + (tmp_path / "rejected.jsonl").read_text()


REFUSALS: Final[dict[str, tuple[Callable[[int, str], str], str]]] = {
    "a wrong key": (lambda port, _: f"http://wrong-key:@127.0.0.1:{port}", "the server does not accept this API key"),
    "no list": (lambda port, key: f"http://{key}:@127.0.0.1:{port}/v1/nothing", "the server finds nothing at this"),
    "no HTTP": (lambda _, key: f"ftp://{key}:@127.0.0.1/", "only http:// and https:// addresses can be read"),
}


@pytest.fixture(scope="module")
def source_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    database = f"sqlite:///{tmp_path_factory.mktemp('server')}/rowen.db"
    rowen("organizations", "create", "default", "--database", database)
    key = rowen("keys", "create", "copy", "--database", database).stdout.strip()
    with serving(database) as server:
        yield server.port, key


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_server_that_refuses(source_server: tuple[int, str], tmp_path: Path, refusal: str) -> None:
    address, message = REFUSALS[refusal]
    port, key = source_server
    done = rowen("import", address(port, key), "--database", f"sqlite:///{tmp_path}/rowen.db", status=1)
    assert message in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("rowen: ")
    assert key not in done.stderr
    assert "wrong-key" not in done.stderr
    assert not (tmp_path / "rowen.db").exists()


def test_rejected_records_can_be_corrected_in_place(tmp_path: Path, database: str) -> None:
    bad = {**record(1), "status": "odd"}
    write_json_lines(tmp_path / "a.jsonl", [bad, record(2)])
    rowen("import", "a.jsonl", "--keep-going", "--database", database, cwd=tmp_path)
    aside = tmp_path / "rejected.jsonl"
    aside.write_bytes(aside.read_bytes().replace(b'"status":"odd"', b'"status":"complete"'))
    done = rowen("import", "rejected.jsonl", "--database", database, cwd=tmp_path)
    assert totals(done)[1] == 1


def test_text_of_a_record_cannot_control_the_terminal(tmp_path: Path, database: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(canonical({**record(1), "\x1b]0;x\x07": 1}) + b"\n")
    done = rowen("import", "a.jsonl", "--database", database, cwd=tmp_path)
    assert "\x1b" not in done.stderr
    assert "\\u001b]0;x\\u0007" in done.stderr
