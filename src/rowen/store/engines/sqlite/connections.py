"""Connections to one SQLite file: how they are opened, and when they are reopened.

Owns pragmas, and the meaning of SQLite's errors. Must not know a statement, or what a connection is used for.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final

from rowen.interviews.errors import Unavailable
from rowen.store.engines.sqlite.log_files import identity, users_of_lost_files

if TYPE_CHECKING:
    from rowen.store.engines.sqlite.write_ahead_log import WriteAheadLog

PAGE_BYTES: Final = 16_384
"""The page size in bytes: pages hold rows with whole documents (docs/decisions/0002)."""

LOG_BYTES: Final = 16 * 1024 * 1024
"""The size to which SQLite truncates the write-ahead log's file when it restarts it.

It is about as much as fills up between two automatic checkpoints, which come every thousand pages.
"""

BUSY_MILLISECONDS: Final = 10_000
_BUSY_DIRECT_MILLISECONDS: Final = 250  # a reader waits only in rare moments, but the event loop waits with it
_LOOK_SECONDS: Final = 0.1
READER_CACHE_KIB: Final = 8_192


class Faults:
    """How many faults the connections of one engine have had in total."""

    count = 0


class KeptConnection:
    """One connection, opened when first needed, and reopened after a fault of any connection of its engine.

    After any fault, because a connection without one would go on using a file that was replaced. The user of the
    connection holds `lock`, so that another thread can close it in between. `on_lost` is called when the write-ahead
    log turns out to be lost; the connection can still read what was committed.
    """

    def __init__(
        self,
        path: Path,
        faults: Faults,
        log: "WriteAheadLog",
        on_lost: Callable[[], None],
        cache_kib: int,
        *,
        read_only: bool,
        waits_long: bool = True,
    ) -> None:
        self.lock = Lock()
        self._path = path
        self._waits_long = waits_long
        self._cache_kib = cache_kib
        self._read_only = read_only
        self._faults = faults
        self._faults_before = 0
        self._log = log
        self._on_lost = on_lost
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._looks_again_at = 0.0

    def get(self) -> sqlite3.Connection:
        """Return the open connection. Raises sqlite3.Error or Unavailable if it cannot be opened."""
        # The event loop's connection checks only now and then: a check costs as much as a small read. So does the
        # writer's, whose transactions are checked elsewhere (group_commit.py).
        looks = self._waits_long and self._read_only
        if self._connection is not None and (looks or monotonic() >= self._looks_again_at):
            self._look()
        if self._faults_before != self._faults.count:
            self.drop()
        return self._connection or self._open()

    def _look(self) -> None:
        """Detect that the files are no longer those at the path: writes to them would be lost."""
        self._looks_again_at = monotonic() + _LOOK_SECONDS
        if self._log.is_undisturbed():
            return
        if self._file != identity(self._path):
            self._faults.count += 1
        elif not self._log.is_in_place():
            self._on_lost()

    def _open(self) -> sqlite3.Connection:
        before = self._faults.count
        try:
            self._log.attach(before)
        except Unavailable:
            self._on_lost()
            raise
        self._file = identity(self._path)
        connection = connect(self._path, self._cache_kib, read_only=self._read_only, waits_long=self._waits_long)
        try:
            # SQLite opens the log with the first read: done now, so that the log is known to be the one that is
            # watched.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            self._log.require_in_place()
        except BaseException:
            connection.close()
            raise
        self._faults_before = before
        self._connection = connection
        return connection

    def drop(self) -> None:
        """Close the connection; the next `get` reopens it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def connect(
    path: Path, cache_kib: int = READER_CACHE_KIB, *, read_only: bool = False, waits_long: bool = True
) -> sqlite3.Connection:
    """Open an existing database with the pragmas that durability and speed need.

    With `waits_long` it waits ten seconds for another process's lock, otherwise a quarter of a second. Raises
    sqlite3.Error if it cannot be opened, and Unavailable while others use it with a log that was removed: SQLite would
    create a new log, without the commits in theirs.
    """
    if others := users_of_lost_files(path):
        raise Unavailable(
            f"database {path.absolute()}: its write-ahead log was removed, replaced or cut short while other processes "
            f"use it ({', '.join(map(str, others))}); it can be opened again once they have saved it or ended"
        )
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    wait = BUSY_MILLISECONDS if waits_long else min(BUSY_MILLISECONDS, _BUSY_DIRECT_MILLISECONDS)
    try:
        connection.execute(f"PRAGMA busy_timeout = {wait}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()  # otherwise it would hold its files for as long as anything refers to the exception
        raise
    return connection


def create(path: Path) -> None:
    """Create an empty database file. Raises sqlite3.Error or OSError if that fails."""
    path.touch(mode=0o600)  # it will contain people's names and addresses
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


_EXPLANATIONS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the file or its folder cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore a backup",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_BUSY: "another process has been writing for too long",
    sqlite3.SQLITE_PERM: "this user may not read the file",
}


def reason(error: sqlite3.Error) -> str:
    """Return what an error means, without naming the file."""
    return _EXPLANATIONS.get(primary_code(error), str(error))


def explain(path: Path, error: sqlite3.Error) -> str:
    """Return what is wrong with the database file, in one sentence."""
    return f"database {path.absolute()}: {reason(error)}"


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary code of an error."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF  # extended codes have the primary code in the low byte
