"""The write-ahead log of a SQLite file, as seen by one process that has it open."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rowen.interviews.errors import Unavailable
from rowen.store.engines.sqlite import write_ahead_log
from rowen.store.engines.sqlite.connections import connect, create
from rowen.store.engines.sqlite.log_files import Descriptor
from rowen.store.engines.sqlite.write_ahead_log import WriteAheadLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    created = tmp_path / "rowen.db"
    create(created)
    return created


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE events (name)")
        yield connection


@pytest.fixture
def log(path: Path, writer: sqlite3.Connection) -> Iterator[WriteAheadLog]:
    opened = WriteAheadLog(path)
    opened.attach(0)
    yield opened
    opened.close()


def write(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO events VALUES ('one')")


def cut(path: Path, share: float) -> None:
    log = Path(f"{path}-wal")
    os.truncate(log, int(log.stat().st_size * share))


def test_a_log_that_is_written_is_sound(log: WriteAheadLog, writer: sqlite3.Connection) -> None:
    for _ in range(3):
        assert log.is_sound()
        write(writer)
    assert log.is_sound()


def test_a_log_that_is_begun_again_is_sound(log: WriteAheadLog, writer: sqlite3.Connection) -> None:
    write(writer)
    assert log.is_sound()
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert log.is_sound()
    write(writer)
    assert log.is_sound()


@pytest.mark.parametrize("share", [0, 0.5, 0.999], ids=["emptied", "cut in half", "last page cut"])
def test_a_log_that_was_cut_short_is_not_sound(
    log: WriteAheadLog, writer: sqlite3.Connection, path: Path, share: float
) -> None:
    write(writer)
    assert log.is_sound()
    cut(path, share)
    assert not log.is_sound()


@pytest.mark.parametrize("share", [0, 0.5, 0.999], ids=["emptied", "cut in half", "last page cut"])
def test_a_log_that_was_cut_short_within_a_transaction_is_not_sound(
    log: WriteAheadLog, writer: sqlite3.Connection, path: Path, share: float
) -> None:
    """SQLite appends to where the log ended: it is long enough again, with a hole in it."""
    write(writer)
    assert log.is_sound()
    writer.execute("BEGIN IMMEDIATE")
    write(writer)
    cut(path, share)
    writer.execute("COMMIT")
    assert not log.is_sound()


def rename(path: Path, suffix: str) -> None:
    Path(f"{path}{suffix}").rename(f"{path}{suffix}.old")


def replace(path: Path, suffix: str) -> None:
    rename(path, suffix)
    shutil.copy(f"{path}{suffix}.old", f"{path}{suffix}")


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
@pytest.mark.parametrize("lose", [rename, replace])
def test_files_that_are_renamed_while_they_are_opened_are_not_taken_for_those_at_the_path(
    path: Path, monkeypatch: pytest.MonkeyPatch, lose: Callable[[Path, str], None], suffix: str
) -> None:
    """SQLite would go on writing to them: what it acknowledges would be lost with the process."""
    log = WriteAheadLog(path)

    def losing(database: Path, cache_kib: int) -> sqlite3.Connection:
        connection = connect(database, cache_kib)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        lose(path, suffix)
        return connection

    with monkeypatch.context() as patched:
        patched.setattr(write_ahead_log, "connect", losing)
        with pytest.raises(Unavailable):
            log.attach(0)
    log.attach(1)
    assert log.is_sound()
    log.close()


def test_a_log_is_opened_though_something_refers_to_an_earlier_one(
    log: WriteAheadLog, writer: sqlite3.Connection, path: Path
) -> None:
    """As an exception's traceback does: only files that SQLite has open count as a log still used by others."""
    earlier = Descriptor(f"{path}-wal")
    writer.close()
    log.close()  # the last connection to close the database removes the log
    log.attach(1)
    assert log.is_sound()
    assert os.fstat(earlier.number).st_nlink == 0
