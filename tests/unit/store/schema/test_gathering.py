"""A database of the first schema is upgraded: it then holds what an import of the same interviews records of people."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import pytest

from rowen.api.codec.documents import decode, draft
from rowen.store.database import locate, upgrade
from rowen.wiring import check
from tests.support.harness import opened
from tests.support.old_schema import catalogs, database_of, insert
from tests.support.records import Record, canonical, record
from tests.support.sql import execute, fetch
from tests.support.storage import POSTGRES, Storage

pytestmark = pytest.mark.slow

OLD, NEW = "2024-01-01T00:00:00.000Z", "2024-05-23T12:00:00.000Z"
GUEST: dict[str, Any] = {
    "id": None,
    "employee_id": None,
    "name": None,
    "email": "Guest@Example.com ",
    "response_status": "accepted",
    "scorecard_id": None,
}
GATHERED: Final = (
    "interview_id, person, starts_at, ends_at FROM panel",
    "resource, name, value, id FROM terms",
    "id, created_at, updated_at, status, derived, document, evidence FROM records WHERE resource = 'applications'",
    "resource, id, status, derived, evidence FROM records WHERE resource != 'applications'",
)
"""What is gathered from interviews; when a derived user was made is not part of it."""


def interviews() -> list[Record]:
    """Return interviews that contradict each other, some without a time, a stage or an organizer."""
    kate = record(1)["interviewers"][0]
    renamed = {**kate, "name": "Kate Ford", "email": None, "response_status": "declined"}
    return [
        record(1, application_id=7, updated_at=NEW, interview={"id": 7001, "name": "Culture Add"}),
        record(
            2, application_id=7, updated_at=OLD, interviewers=[renamed, GUEST, {**GUEST, "response_status": "declined"}]
        ),
        record(3, application_id=8, updated_at=None, created_at=None, interview=None, organizer=None),
        record(4, application_id=8, updated_at=NEW, interviewers=[{**kate, "id": 2000, "email": "Jack@Example.com"}]),
        record(5, application_id=9, start={"date": "2024-05-01"}, end={"date": "2024-05-02"}, interviewers=[]),
    ]


@pytest.fixture
def old(storage: Storage, tmp_path: Path) -> str:
    """Return a database of schema 0001 with interviews in it, and an application that was closed."""
    database = database_of("0001", storage, tmp_path / "old")
    insert(database, "organizations", 1, "one", "UTC", 0, 5, 1_720_000_000_000, 5, 5)
    insert(database, "organizations", 17, "empty", "UTC", 0, 0, 0, 0, 0)
    for each in interviews():
        made = draft(decode(canonical(each)), UTC)
        values = made._asdict() | {"organization_id": 1, "created_through_api": False}
        del values["panel"], values["seats"]
        insert(database, f"scheduled_interviews ({', '.join(values)})", *values.values())
    for application, active in ((7, True), (8, False), (9, True), (10, True)):
        insert(database, "applications", 1, application, active)
    return database


def gathered(database: str) -> list[list[tuple[Any, ...]]]:
    """Return what is gathered from interviews."""
    return [sorted(fetch(database, f"SELECT {columns}"), key=repr) for columns in GATHERED]


def documents(database: str) -> dict[tuple[str, int], Record]:
    """Return the documents of records without their times."""
    found = {}
    for resource, identifier, document in fetch(database, "SELECT resource, id, document FROM records"):
        if document is not None:
            decoded = json.loads(document)
            found[resource, identifier] = {
                name: decoded[name] for name in decoded.keys() - {"created_at", "updated_at"}
            }
    return found


def test_an_upgrade_gathers_what_an_import_gathers(old: str, storage: Storage, tmp_path: Path) -> None:
    before = fetch(old, "SELECT id, document FROM scheduled_interviews ORDER BY id")
    assert upgrade(locate(old))
    assert not upgrade(locate(old))
    assert check(locate(old)) == []
    assert fetch(old, "SELECT id, document FROM scheduled_interviews ORDER BY id") == before
    fresh = storage.new_database(tmp_path / "fresh")
    with opened(fresh) as harness:
        harness.tenant("one").merge(interviews())
    execute(
        fresh,
        "UPDATE records SET status = 'rejected' WHERE resource = 'applications' AND id = 8",
        "INSERT INTO records VALUES (1, 'applications', 10, NULL, NULL, 'active', TRUE, NULL, NULL)",
    )
    assert gathered(old) == gathered(fresh)
    assert documents(old) == documents(fresh)
    if storage is POSTGRES:
        assert catalogs(old) == catalogs(fresh)


def test_the_newest_counts(old: str) -> None:
    upgrade(locate(old))
    found = dict(fetch(old, "SELECT id, document FROM records WHERE resource = 'users'"))
    assert b'"name":"Kate Austen"' in found[4080]
    assert b'"primary_email_address":"Jack@Example.com"' in found[2000]
    assert fetch(old, "SELECT value, id FROM terms WHERE name = 'interview_id'") == [("7001", 7001)]
    booked = fetch(old, "SELECT interview_id, person > 0 FROM panel ORDER BY 1")
    assert booked == [(1, True), (2, False), (3, True), (4, True)]
