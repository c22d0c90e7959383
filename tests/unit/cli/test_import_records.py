"""`rowen import` of other records: recognized by their fields or by an option; users from CSV."""

import gzip
from pathlib import Path
from typing import Final

import msgspec
import pytest

from rowen.app.records import USERS, RecordQuery
from rowen.interviews.query import PageRequest
from tests.support.command import rowen
from tests.support.harness import opened
from tests.support.imports import results, totals
from tests.support.records import Record, canonical, record

USER: Final[Record] = {"id": 1, "primary_email_address": "a@example.com", "updated_at": "2024-01-01T00:00:00.000Z"}
APPLICATION: Final[Record] = {"id": 2, "prospect": False, "applied_at": "2024-01-01T00:00:00.000Z"}
STAGE: Final[Record] = {"id": 3, "job_id": 9, "interviews": []}
SCORECARD: Final[Record] = {"id": 4, "application_id": 2, "interviewer": None, "overall_recommendation": "yes"}
CANDIDATE: Final[Record] = {"id": 7, "first_name": "John", "email_addresses": [{"value": "john@example.com"}]}
JOB: Final[Record] = {"id": 9, "name": "Surgeon", "status": "open", "requisition_id": None, "departments": [None]}
MIXED: Final = (record(5), USER, APPLICATION, record(6), STAGE, SCORECARD, CANDIDATE, JOB)
ROWS: Final = """\
id;Name;E-Mails;emails;disabled;employee_id
7;Kate Austen;;kate@example.com, k@example.com;no;00123

8;"Sun-Hwa
Kwon";;;yes;
"""


@pytest.mark.parametrize("form", ["lines", "array", "wrapped"])
def test_every_record_is_recognized_by_its_fields(database: str, tmp_path: Path, form: str) -> None:
    lines = [canonical(each) for each in MIXED]
    if form == "array":
        body = b"[" + b",".join(lines) + b"]"
    else:
        streams = (
            "interviews",
            "users",
            "applications",
            "interviews",
            "job_stages",
            "scorecards",
            "candidates",
            "jobs",
        )
        wrapped = [
            b'{"type":"RECORD","stream":"%b","record":%b}' % (s.encode(), i)
            for s, i in zip(streams, lines, strict=True)
        ]
        body = b"\n".join(wrapped if form == "wrapped" else lines)
    file = tmp_path / "mixed.json"
    file.write_bytes(body)
    dry = totals(rowen("import", file, "--database", database, "--dry-run"))
    assert dry == totals(rowen("import", file, "--database", database)) == [8, 8, 0, 0, 0, 0]
    assert totals(rowen("import", file, "--database", database)) == [8, 0, 0, 8, 0, 0]


def test_bad_records_are_reported_by_their_resource(database: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    bad = [{**USER, "emails": "a@b"}, {**APPLICATION, "applied_at": "soon"}, {**STAGE, "interviews": [{"id": 0}]}]
    more = [{**CANDIDATE, "email_addresses": [{"value": 5}]}, {**JOB, "openings": [{"id": "x"}]}]
    file.write_bytes(b"\n".join(canonical(each) for each in (USER, *bad, *more, {"id": 1})))
    reported = rowen("import", file, "--database", database, status=1).stderr
    assert f"{file}:2: emails: must be " in reported
    assert f'{file}:3: applied_at: is not an ISO-8601 date or time ("soon")' in reported
    assert f"{file}:4: interviews[0].id: must be `int` >= 1 (0)" in reported
    assert f"{file}:5: email_addresses[0].value: must be `str | null`, got `int` (5)" in reported
    assert f'{file}:6: openings[0].id: must be `int`, got `str` ("x")' in reported
    assert f"{file}:7: application_id: is missing" in reported


def test_an_option_names_the_resource_that_fields_do_not_show(database: str, tmp_path: Path) -> None:
    file = tmp_path / "short.jsonl"
    file.write_bytes(msgspec.json.encode({"id": 1, "name": "Somebody"}))
    rowen("import", file, "--database", database, status=1)
    assert totals(rowen("import", file, "--database", database, "--resource", "users")) == [1, 1, 0, 0, 0, 0]
    assert "users" in rowen("import", file, "--database", database, "--resource", "tasks", status=2).stderr


@pytest.mark.parametrize("name", ["users.csv", "users.CSV.gz"])
def test_users_come_from_a_table_too(database: str, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    body = b"\xef\xbb\xbf" + ROWS.encode().replace(b"\n", b"\r\n")
    file.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    done = rowen("import", file, "--database", database, "--resource", "users")
    assert results(done) == {"users": [2, 2, 0, 0, 0, 0]}
    assert 'Skipped: 1 columns "e-mails"' in done.stderr
    assert totals(rowen("import", file, "--database", database, "--resource", "users")) == [2, 0, 0, 2, 0, 0]


def test_a_list_of_names_and_addresses_needs_no_ids(database: str, tmp_path: Path) -> None:
    """The same address means the same person, on the next import, too; what the list does not name is kept."""
    known = {**USER, "id": 7, "employee_id": "E7", "emails": ["second@example.com"], "first_name": "A", "site_admin": 1}
    file, people = tmp_path / "known.jsonl", tmp_path / "people.csv"
    file.write_bytes(canonical({**known, "site_admin": True}))
    rowen("import", file, "--database", database)
    rows = "Name;E-Mail\nKate Austen;kate@example.com\nAnn Lee;SECOND@example.com\nKate Ford;KATE@example.com\n"
    people.write_text(rows + "Sun;sun@example.com\n")
    dry = results(rowen("import", people, "--database", database, "--dry-run"))
    assert dry == results(rowen("import", people, "--database", database)) == {"users": [4, 2, 1, 0, 1, 0]}
    assert [(each["id"], each["name"], each["emails"]) for each in users(database)] == [
        (7, "Ann Lee", ["a@example.com", "second@example.com"]),
        (8, "Kate Ford", ["KATE@example.com"]),
        (9, "Sun", ["sun@example.com"]),
    ]
    assert [users(database)[0][name] for name in ("employee_id", "site_admin", "last_name")] == ["E7", True, "Lee"]
    again = rowen("import", "-", "--database", database, stdin=people.read_bytes())
    assert results(again)["users"][1] == 0
    assert [each["id"] for each in users(database)] == [7, 8, 9]
    people.write_text("email,first name,last name,shoes\nsun@example.com,Sun-Hwa,Kwon,36\nnew@example.com,New,One,1\n")
    done = rowen("import", people, "--database", database, "--resource", "users")
    assert results(done) == {"users": [2, 1, 1, 0, 0, 0]}
    assert [(each["id"], each["name"]) for each in users(database)[2:]] == [(9, "Sun-Hwa Kwon"), (10, "New One")]


def users(database: str) -> list[Record]:
    """Return the users of a database."""
    with opened(database) as harness:
        organization = harness.run(harness.store.organizations.find("default"))
        assert organization is not None
        page = harness.run(harness.store.records.page(organization, RecordQuery(USERS), PageRequest(1, 100)))
    found: list[Record] = msgspec.json.decode(page.body)
    return found


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("id,email\n1,a@b\nx,a@b\n", '3: id: must be `int`, got `str` ("x")'),
        ("id,disabled\n1,maybe\n", '2: disabled: must be `bool`, got `str` ("maybe")'),
        ("id,email\n1,a@b,c\n", "2: the row has 3 cells, and the first row of the file 2"),
        ('id,email\n1,"a@b\n2,c@d\n', "2: the quotes that open in this row are never closed"),
        ("name,mobile\nKate,1\n", "1: the first row must name the columns, and one of them must be `id`"),
        ("name,email\nKate,a@b\nJack,\n", "3: primary_email_address: must be an e-mail address: it identifies a user"),
        ("name,email\nKate,kate\n", "2: primary_email_address: must be an e-mail address"),
        ('id,email\n1,"a"b\n', "2: this is not a valid CSV row"),
    ],
)
def test_bad_rows_are_named(database: str, tmp_path: Path, rows: str, message: str) -> None:
    file = tmp_path / "users.csv"
    file.write_text(rows)
    assert f"{file}:{message}" in rowen("import", file, "--database", database, status=1).stderr


def test_records_that_only_share_a_name_with_a_stage_are_none(database: str, tmp_path: Path) -> None:
    """Offers, job posts and tasks of an export were mistaken for stages."""
    file = tmp_path / "others.jsonl"
    for other in ({"id": 1, "application_id": 2, "job_id": 3}, {"id": 1, "subject": "Call", "priority": 1}):
        file.write_bytes(msgspec.json.encode(other))
        rowen("import", file, "--database", database, status=1)


def test_quotes_that_never_close_cost_no_more_than_their_length(database: str, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text('id,email\n1,"open\n' + "2,bob smith\n" * 100_000)
    assert "never closed" in rowen("import", file, "--database", database, status=1).stderr
