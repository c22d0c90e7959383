"""CSV files as records: the header decides what they are or is refused, and every fault has its line."""

import csv
import gzip
import io
from collections import Counter
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import pytest

from rowen.imports.formats.csv_cells import escape, unescape
from rowen.imports.formats.csv_interviews import COLUMNS, SPREADSHEET_COLUMNS, spreadsheet_row_of
from rowen.imports.formats.csv_rows import LARGEST_ROW, CsvSplitter
from rowen.imports.items import LARGEST_RECORD, Batch, SourceFault, SourceRecord
from rowen.imports.sources.files import FileSource, StreamSource
from tests.support.records import record

USERS: Final = b"id,email\n1,a@example.com\n2,b@example.com\n"
OLD_COLUMNS: Final = [name for name in COLUMNS if name not in {f"organizer_{n}_name" for n in ("first", "last")}]


def split(*blocks: bytes, resource: str | None = None) -> Batch:
    splitter = CsvSplitter("f.csv", Counter(), resource=resource)
    return [item for block in blocks for item in splitter.feed(block)] + splitter.finish()


def bodies(items: Batch) -> list[dict[str, Any]]:
    assert all(isinstance(item, SourceRecord) for item in items), items
    return [msgspec.json.decode(item.body) for item in items if isinstance(item, SourceRecord)]


def refused(body: bytes, resource: str | None = None) -> str:
    """Return the reason in its first line for which a file is refused as a whole."""
    (item,) = split(body, resource=resource)
    assert isinstance(item, SourceFault)
    assert (item.final, item.place) == (True, "f.csv:1")
    return item.message


HEADERS: Final[dict[str, str]] = {
    "id,email": "users",
    "ID;Name;Primary Email Address;employee ID": "users",
    "name\temployee_id\tid": "users",
    "name,email": "users",
    "E-Mail;Full Name;Employee ID": "users",
    "First name,Last name,Email address": "users",
    "id,status,last_activity_at": "applications",
    "id,candidate_id,job_ids,status": "applications",
    ",".join(COLUMNS): "scheduled_interviews",
    ";".join(reversed(COLUMNS)): "scheduled_interviews",
    "\t".join(COLUMNS): "scheduled_interviews",
    ",".join(f'"{name}"' for name in COLUMNS) + ",,": "scheduled_interviews",
}


@pytest.mark.parametrize("header", HEADERS)
def test_the_header_decides_what_the_records_are(header: str) -> None:
    delimiter = next(each for each in ",;\t" if each in header)
    row = delimiter.join("1" for name in header.split(delimiter) if name)
    items = split(f"{header}\n{row}\n".encode())
    assert [item.resource for item in items if isinstance(item, SourceRecord)] == [HEADERS[header]]


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("name,color", ["one of them must be `id`", "users (id and any of name, ", "scheduled_interviews (id, "]),
        ("id,email,Shoe Size,e-mails", ["unknown columns: `shoe_size`, `e-mails`. ", "--resource users"]),
        ("id,name", ["do not show what the records are", "applications (id and any of candidate_id, "]),
        ("id", ["`id`"]),
        ("id,first_name,last_name", ["do not show what the records are"]),
        ("id,application_id,start,end,status", ["missing columns: `external_event_id`, ", "and 5 more"]),
        (",".join(OLD_COLUMNS), ["missing columns: `organizer_first_name`, `organizer_last_name`. "]),
        (",".join((*COLUMNS, "color")), ["unknown columns: `color`. "]),
        (",".join(SPREADSHEET_COLUMNS), ["--for spreadsheet"]),
        ("id,email,email", ["`email` appears twice"]),
        ("id,,email", ["unknown columns: ``"]),
        ('{"id":1}', ["one of them must be `id`"]),
        ('id,"email', ["never closed"]),
        ("id,email\r1,a@b\r2,c@d\r", ["there is a carriage return without a line feed"]),
        ("name,email,e-mail", ["a list of people needs `name` and `email` only"]),
        ("name,email,status", ["a list of people needs `name` and `email` only"]),
        ("email,employee_id", ["a list of people needs `name` and `email` only"]),
        ("id|email", ["one of them must be `id`"]),
        ("id,email,job_ids", ["do not show what the records are"]),
        (",".join(["id", *(f"c{number}" for number in range(100_000))]), ["and 99993 more"]),
    ],
)  # fmt: skip
def test_a_header_that_decides_nothing_is_refused_with_the_columns_expected(header: str, parts: list[str]) -> None:
    message = refused(f"{header}\n1,2\n".encode())
    for part in parts:
        assert part in message
    assert len(message) < 3_000


@pytest.mark.parametrize(
    ("header", "resource", "part"),
    [
        (",".join(COLUMNS), "users", "these are the columns of scheduled_interviews, not of users"),
        (",".join(OLD_COLUMNS[:-1]), "users", "these are the columns of scheduled_interviews"),
        ("id,email", "scheduled_interviews", "these are the columns of users, not of scheduled_interviews"),
        ("id,status,updated_at", "users", "these are not the columns of users"),
        ("id,start,end,status", "scheduled_interviews", "missing columns: `application_id`. "),
        ("id,email", "scorecards", "scorecards cannot be imported from CSV, only from JSON"),
        ("id,priority", "job_stages", "job_stages cannot be imported from CSV, only from JSON"),
    ],
)
def test_a_resource_that_the_header_contradicts_is_refused(header: str, resource: str, part: str) -> None:
    assert part in refused(f"{header}\n".encode(), resource)


def test_naming_the_resource_allows_other_columns_and_missing_ones() -> None:
    skipped: Counter[str] = Counter()
    splitter = CsvSplitter("f", skipped, resource="users")
    (item,) = splitter.feed(b"id,name,color\n7,Kate Austen,red\n") + splitter.finish()
    assert isinstance(item, SourceRecord)
    assert (item.resource, skipped) == ("users", {'columns "color"': 1})
    assert bodies([item]) == [{"id": 7, "name": "Kate Austen", "first_name": "Kate", "last_name": "Austen"}]
    rows = b"id,application_id,start,end,status\n1,2,2024-03-26,2024-03-27,complete\n"
    (interview,) = bodies(split(rows, resource="scheduled_interviews"))
    assert (interview["start"], interview["organizer"], interview["interviewers"]) == ({"date": "2024-03-26"}, None, [])


def test_applications_have_jobs_and_times() -> None:
    rows = b"id,candidate_id,status,prospect,job_ids,applied_at\n1,2,rejected,no,3; 4,2024-01-01\n5,,active,,,\n"
    assert bodies(split(rows)) == [
        {
            "id": 1,
            "candidate_id": 2,
            "status": "rejected",
            "prospect": False,
            "jobs": [{"id": 3, "name": None}, {"id": 4, "name": None}],
            "applied_at": "2024-01-01",
        },
        {"id": 5, "status": "active"},
    ]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n\r\n", b"sep=;\r\n", b"\xef\xbb\xbfsep=;\n"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["users.csv", "users.CSV.gz", "users.txt", "-"])
def test_csv_is_read_from_every_source(tmp_path: Path, mark: bytes, ending: bytes, packed: bool, name: str) -> None:
    delimiter = b";" if b"sep" in mark else b","
    body = mark + USERS.replace(b"\n", ending).replace(b",", delimiter)
    data = gzip.compress(body) if packed else body
    (tmp_path / name).write_bytes(data)
    source = StreamSource(io.BytesIO(data)) if name == "-" else FileSource(tmp_path / name)
    items = [item for batch in source.batches() for item in batch]
    assert [each["id"] for each in bodies(items)] == [1, 2]
    first = mark.count(b"\n") + 2
    assert [item.line for item in items if isinstance(item, SourceRecord)] == [first, first + 1]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_blocks_may_end_anywhere(size: int) -> None:
    body = b"\xef\xbb\xbf" + USERS + '3,"c@example.com"\r\n4,"two\nlines"\n5,é@example.com'.encode()
    blocks = [body[at : at + size] for at in range(0, len(body), size)]
    assert split(*blocks) == split(body)
    assert [each["id"] for each in bodies(split(body))] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"1,a@b,c\n", "the row has 3 cells, and the first row of the file 2"),
        (b"1\n", "the row has 1 cells"),
        (b'1,"a"b\n', "this is not a valid CSV row"),
        (b"1,\xff\n", "this is not valid UTF-8 text: save the file as CSV in UTF-8"),
        (b"1,a\rb\n", "this is not a valid CSV row: there is a carriage return without a line feed"),
    ],
)
def test_a_bad_row_has_its_line_and_the_next_is_read(row: bytes, message: str) -> None:
    fault, good = split(USERS[:9] + row + b"2,b@example.com\n")
    assert isinstance(fault, SourceFault)
    assert (fault.line, fault.final, fault.body) == (2, False, row)
    assert message in fault.message
    assert isinstance(good, SourceRecord)
    assert good.line == 3


def test_a_quote_in_the_middle_of_a_cell_is_named() -> None:
    (fault,) = split(USERS[:9] + b'1,5" pipe\n2,6" pipe\n')
    assert isinstance(fault, SourceFault)
    assert (fault.line, fault.body) == (2, b'1,5" pipe\n2,6" pipe\n')
    assert "there is a quote in the middle of a cell" in fault.message


def test_a_record_may_be_as_large_as_one_in_json() -> None:
    """A row may be larger: its quotes are doubled. NUL takes one byte there, and six in JSON."""
    for cell in (b"x" * LARGEST_RECORD, b"\0" * (LARGEST_RECORD // 6)):
        fault, good = split(USERS[:9], b"1," + cell + b"\n2,b@example.com\n")
        assert isinstance(fault, SourceFault)
        assert (fault.line, fault.final, fault.body) == (2, False, b"")
        assert "larger than 4 MiB" in fault.message
        assert isinstance(good, SourceRecord)
    assert len(bodies(split(USERS[:9], b"1," + b"x" * (LARGEST_RECORD - 64) + b"\n"))) == 1


def test_empty_cells_that_spreadsheets_append_are_not_a_fault() -> None:
    assert [each["id"] for each in bodies(split(b"id,email,,\n1,a@b,,\n2,c@d\n"))] == [1, 2]


@pytest.mark.parametrize("body", [b"", b"\n\n", b"\xef\xbb\xbf", b"sep=,\n"])
def test_a_table_without_a_header_is_an_empty_source(body: bytes) -> None:
    skipped: Counter[str] = Counter()
    splitter = CsvSplitter("f", skipped)
    assert splitter.feed(body) + splitter.finish() == []
    assert skipped == {"empty sources": 1}


def test_a_header_alone_is_a_table_without_records() -> None:
    assert split(b"id,email") == []


@pytest.mark.slow
def test_quotes_that_are_never_closed_end_the_file_in_the_line_where_they_open() -> None:
    whole = split(USERS + b'3,"open\n' + b"4,x\n" * 1_000)
    assert isinstance(whole[-1], SourceFault)
    assert (whole[-1].line, whole[-1].final) == (4, True)
    assert "never closed" in whole[-1].message
    block = b"4,x\n" * 32_768
    splitter = CsvSplitter("f", Counter())
    splitter.feed(USERS + b'3,"open\n')
    found = [item for _ in range(LARGEST_ROW // len(block) + 9) for item in splitter.feed(block)]
    assert [(item.line, item.final) for item in found if isinstance(item, SourceFault)] == [(4, True)]
    assert splitter.finish() == []


def test_a_line_without_end_is_refused() -> None:
    splitter = CsvSplitter("f", Counter())
    splitter.feed(USERS)
    found = [item for _ in range(LARGEST_ROW // 2**16 + 9) for item in splitter.feed(b"x" * 2**16)]
    assert [(item.line, item.message) for item in found if isinstance(item, SourceFault)] == [
        (4, "the row is larger than 8 MiB")
    ]


def test_a_huge_cell_is_read_whole() -> None:
    cells = dict.fromkeys(COLUMNS, "") | {"id": "1", "application_id": "2", "location": '"' * 1_000_000}
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerow(cells)
    (found,) = bodies(split(text.getvalue().encode()))
    assert found["location"] == '"' * 1_000_000


ESCAPED: Final[dict[str, str]] = {
    "=1+1": "'=1+1",
    "+351 21": "'+351 21",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t'=1",
    "\tplain": "'\tplain",
    "\rplain": "'\rplain",
    "  =1": "  '=1",
    "\u200b\ufeff=1": "\u200b\ufeff'=1",
    "\uff1d1": "'\uff1d1",
    "x;=1": "x;'=1",
    "x;=1;\t-2": "x;'=1;\t'-2",
    "x\n=1": "x\n'=1",
    '";"=1': '";"\'=1',
    "": "'",
    "'": "''",
    "'=1": "''=1",
    "'t Hart": "'t Hart",
    "a-b = c": "a-b = c",
    "https://example.com/a-b?c=d": "https://example.com/a-b?c=d",
    "Room 1; 2nd floor": "Room 1; 2nd floor",
}


@pytest.mark.parametrize("text", ESCAPED)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert escape(text) == ESCAPED[text]
    assert unescape(ESCAPED[text]) == text


@pytest.mark.slow
@pytest.mark.parametrize("run", [" ", "\n", ";", "'", "\n'", "=", "; ="])
def test_escaping_long_runs_takes_no_longer_than_they_are_long(run: str) -> None:
    text = run * 300_000 + "x"  # in quadratic time it would take hours
    assert unescape(escape(text)) == text


def test_a_spreadsheet_has_local_times_and_names() -> None:
    seat: dict[str, Any] = record(1)["interviewers"][0]
    document = record(
        1,
        location="=1",
        interviewers=[
            seat,
            {**seat, "id": None, "name": None, "email": "guest@example.com"},
            {**seat, "id": 7, "name": None, "email": None},
        ],
        organizer={"id": 1, "first_name": "Jack", "last_name": "Shepard", "name": None, "employee_id": None},
    )
    cells = dict(zip(SPREADSHEET_COLUMNS, spreadsheet_row_of(document, ZoneInfo("Asia/Tokyo")), strict=True))
    assert (cells["start_date"], cells["start_time"]) == ("2024-03-27", "07:15")
    assert (cells["created_date"], cells["created_time"]) == ("2024-02-10", "23:31:51")
    assert (cells["organizer"], cells["interviewers"]) == ("Jack Shepard", "Kate Austen, guest@example.com, user 7")
    assert (cells["location"], cells["interview"]) == ("'=1", "Culture Fit")
    day = spreadsheet_row_of(
        record(1, start={"date": "2024-03-27"}, end={"date": "2024-03-28"}, organizer=None, interview=None),
        ZoneInfo("Asia/Tokyo"),
    )
    assert day[3:7] == ["2024-03-27", "", "2024-03-28", ""]


def test_times_that_a_zone_cannot_show_stay_as_they_are() -> None:
    last = {"date_time": "9999-12-31T23:59:59.999Z"}
    cells = spreadsheet_row_of(record(1, start=last, end=last), ZoneInfo("Asia/Tokyo"))
    assert cells[3:5] == ["9999-12-31T23:59:59.999Z", ""]
