"""A database as a whole: created and migrated alike, refused if it belongs to another program, copied and checked."""

import re
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from rowen.interviews.errors import Unavailable
from rowen.store.database import alembic_config, backup, upgrade
from rowen.store.engines.sqlite.location import SqliteFile
from rowen.store.schema.tables import SCHEMA_VERSION, metadata
from rowen.wiring import check
from tests.support.harness import Tenant, opened
from tests.support.records import record
from tests.support.storage import SQLITE, Storage


@pytest.fixture(scope="session")
def storage() -> Storage:
    """Return the engine of these tests."""
    return SQLITE


def schema(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Return every table and index with its definition, ignoring white space and quotes."""
    found = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {
        (kind, name, re.sub(r"\s+|\"", "", re.sub(r"\w+\.created_through_api", "created_through_api", sql)))
        for kind, name, sql in found
        if name != "alembic_version"
    }


def execute(location: SqliteFile, *statements: str) -> None:
    with closing(sqlite3.connect(location.path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def location(tenant: Tenant, database: str) -> SqliteFile:
    """Return a database with some interviews."""
    tenant.merge([record(i) for i in range(1, 21)])
    return SqliteFile.parse(database)


def test_a_fresh_schema_equals_a_migrated_one(location: SqliteFile, tmp_path: Path) -> None:
    fresh = create_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
    metadata.create_all(fresh)
    fresh.dispose()
    with closing(sqlite3.connect(tmp_path / "fresh.db")) as one, closing(sqlite3.connect(location.path)) as two:
        assert schema(one) == schema(two)


def test_the_newest_migration_is_the_schema_version() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == SCHEMA_VERSION


def test_a_database_is_made_once(tmp_path: Path) -> None:
    location = SqliteFile(tmp_path / "folder with % and space" / "rowen.db")
    with pytest.raises(Unavailable, match=f"there is no database {location.path}: "):
        upgrade(location, create=False)
    with pytest.raises(Unavailable, match="there is no folder"):
        upgrade(location)
    assert not location.path.parent.exists()
    location.path.parent.mkdir()
    assert upgrade(location)
    assert not upgrade(location)
    with closing(sqlite3.connect(location.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA page_size").fetchone() == (16_384,)


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "rowen.db").touch()
    assert upgrade(SqliteFile(tmp_path / "rowen.db"))
    assert check(SqliteFile(tmp_path / "rowen.db")) == []


def test_a_newer_database_is_refused(location: SqliteFile) -> None:
    execute(location, "UPDATE alembic_version SET version_num = '9999'")
    for use in (upgrade, check):
        with pytest.raises(Unavailable, match="made by a newer Rowen"):
            use(location)


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    location = SqliteFile(tmp_path / "other.db")
    execute(location, "CREATE TABLE notes (text)", "INSERT INTO notes VALUES ('mine')")
    before = location.path.read_bytes()
    for use in (upgrade, check):
        with pytest.raises(Unavailable, match="another program"):
            use(location)
    assert location.path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    location = SqliteFile(tmp_path / "text.db")
    location.path.write_text("no database at all\n" * 100)
    for use in (upgrade, check):
        with pytest.raises(Unavailable, match="not a SQLite database"):
            use(location)


@pytest.mark.parametrize("url", ["", "sqlite:///", "rowen.db", "sqlite:rowen.db", "postgresql://localhost/rowen"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must look like sqlite:///"):
        SqliteFile.parse(url)


def test_addresses_are_relative_or_absolute() -> None:
    assert SqliteFile.parse("sqlite:///a/b.db").path == Path("a/b.db")
    assert SqliteFile.parse("sqlite:////a/b.db").path == Path("/a/b.db")


def test_a_sound_database_has_no_faults(location: SqliteFile) -> None:
    assert check(location) == []


def test_a_count_that_is_wrong_is_found(location: SqliteFile) -> None:
    execute(location, "UPDATE organizations SET interview_count = 19")
    assert check(location) == ["organization one: its ledger counts 19 interviews, but it has 20"]


@pytest.mark.parametrize(
    "document",
    [
        "replace(document, '\"id\":7,', '\"id\":8,')",
        "replace(document, 'awaiting', 'awaited')",
        "'{\"id\":7'",
        "x'ff'",
        "'[]'",
    ],
)
def test_a_document_that_was_tampered_with_is_found(location: SqliteFile, document: str) -> None:
    execute(location, f"UPDATE scheduled_interviews SET document = CAST({document} AS BLOB) WHERE id = 7")
    assert check(location) == ["interview 7 of organization 1: its document does not match its row"]


@pytest.mark.slow
def test_a_backup_is_of_one_moment(tenant: Tenant, database: str, tmp_path: Path) -> None:
    """While another thread writes: its ledger and its rows agree, and it opens like any database."""
    tenant.merge([record(i, location="x" * 4_000) for i in range(1, 4_000)])
    done, wrote = threading.Event(), threading.Event()

    def write() -> None:
        with opened(database) as harness:
            beside = replace(tenant, harness=harness)
            for number in range(4_000, 10_000):
                if done.is_set():
                    return
                beside.merge([record(number)])
                wrote.set()

    thread = threading.Thread(target=write)
    thread.start()
    copy = SqliteFile(tmp_path / "copy.db")
    seen: list[tuple[int, int]] = []
    try:
        assert wrote.wait(60)
        backup(SqliteFile.parse(database), copy.path, lambda finished, total: seen.append((finished, total)))
    finally:
        done.set()
        thread.join(60)
    assert check(copy) == []
    assert seen[-1][0] == seen[-1][1]
    assert not upgrade(copy)
    with closing(sqlite3.connect(copy.path)) as connection:
        assert connection.execute("SELECT count(*) FROM scheduled_interviews").fetchone() > (3_999,)


def test_a_backup_replaces_nothing_and_leaves_nothing_half_done(location: SqliteFile, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("precious")
    with pytest.raises(FileExistsError):
        backup(location, target, lambda *_: None)
    assert target.read_text() == "precious"

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(location, tmp_path / "other.db", interrupt)
    assert not list(tmp_path.glob("other.db*"))
    with pytest.raises(Unavailable):
        backup(SqliteFile(tmp_path / "missing.db"), tmp_path / "other.db", lambda *_: None)
    assert not list(tmp_path.glob("other.db*"))
