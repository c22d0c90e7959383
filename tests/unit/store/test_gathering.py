"""A database of the first schema, brought forward: what it knows of people is where the code of today looks for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine

from rowen.harvest.documents import decode, draft
from rowen.store import sqlite
from rowen.store.database import alembic_config, check, upgrade
from rowen.store.sqlite_file import SqliteFile
from tests.concurrency.writer import writing
from tests.support.records import Record, canonical, record

OLD, NEW = "2024-01-01T00:00:00.000Z", "2024-06-01T00:00:00.000Z"
GUEST: dict[str, Any] = {
    "id": None,
    "employee_id": None,
    "name": None,
    "email": "Guest@Example.com ",
    "response_status": "accepted",
    "scorecard_id": None,
}
AROUND = {
    "panel": "interview_id, person, starts_at, ends_at",
    "terms": "resource, name, value, id",
    "applications": "id, created_at, updated_at, status, derived, document, evidence",
    "others": "resource, id, status, derived, evidence",
}


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
def old(tmp_path: Path) -> Iterator[SqliteFile]:
    """Return a database of schema 0001 with interviews in it, and an application that was closed."""
    location = SqliteFile(tmp_path / "old.db")
    sqlite.create(location.path)
    engine = create_engine("sqlite://", creator=lambda: sqlite.connect(location.path))
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(location.path, isolation_level=None)) as database:
        database.execute("INSERT INTO organizations VALUES (1, 'one', 'UTC', 0, 5, 1700000000000, 5, 5)")
        for each in interviews():
            made = draft(decode(canonical(each)), UTC)
            values = made._asdict() | {"organization_id": 1, "created_through_api": False}
            del values["panel"]
            names = ", ".join(values)
            places = ", ".join(f":{name}" for name in values)
            database.execute(f"INSERT INTO scheduled_interviews ({names}) VALUES ({places})", values)
        database.executemany(
            "INSERT INTO applications VALUES (1, ?, ?)", [(7, True), (8, False), (9, True), (10, True)]
        )
    yield location


def around(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return what stands around the interviews; when a derived user was made is not part of it."""
    with closing(sqlite3.connect(path)) as connection:
        tables = {
            "applications": "records WHERE resource = 'applications'",
            "others": "records WHERE resource != 'applications'",
        }
        return {
            name: sorted(connection.execute(f"SELECT {columns} FROM {tables.get(name, name)}").fetchall(), key=repr)
            for name, columns in AROUND.items()
        }


def documents(path: Path) -> list[tuple[Any, ...]]:
    statement = """
        SELECT resource, id, json_remove(CAST(document AS TEXT), '$.created_at', '$.updated_at')
        FROM records WHERE document IS NOT NULL ORDER BY 1, 2
    """
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def test_an_upgrade_gathers_what_an_import_gathers(old: SqliteFile, tmp_path: Path) -> None:
    assert upgrade(old)
    assert check(old) == []
    fresh = tmp_path / "fresh.db"
    with writing(f"sqlite:///{fresh}") as writer:
        writer.merge(writer.new_client("one"), interviews())
    with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
        connection.execute("UPDATE records SET status = 'rejected' WHERE resource = 'applications' AND id = 8")
        connection.execute("INSERT INTO records VALUES (1, 'applications', 10, NULL, NULL, 'active', TRUE, NULL, NULL)")
    assert around(old.path) == around(fresh)
    assert documents(old.path) == documents(fresh)


def test_the_newest_counts(old: SqliteFile) -> None:
    upgrade(old)
    with closing(sqlite3.connect(old.path)) as connection:
        found = dict(connection.execute("SELECT id, CAST(document AS TEXT) FROM records WHERE resource = 'users'"))
        stages = connection.execute("SELECT value, id FROM terms WHERE name = 'interview_id'").fetchall()
        booked = connection.execute("SELECT interview_id, person > 0 FROM panel ORDER BY 1").fetchall()
    assert '"name":"Kate Austen"' in found[4080]
    assert '"primary_email_address":"Jack@Example.com"' in found[2000]
    assert stages == [("7001", 7001)]
    assert booked == [(1, 1), (2, 0), (3, 1), (4, 1)]
