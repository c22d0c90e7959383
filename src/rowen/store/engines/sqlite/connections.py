"""Connections to one SQLite file: how they are opened.

Owns pragmas, and the meaning of SQLite's errors. Must not know a statement, or what a connection is used for.
"""

import sqlite3
from pathlib import Path
from typing import Final

from rowen.interviews.errors import Unavailable
from rowen.store.engines.sqlite.log_files import users_of_lost_files

PAGE_BYTES: Final = 16_384
"""The page size in bytes: pages hold rows with whole documents (docs/decisions/0002)."""

LOG_BYTES: Final = 16 * 1024 * 1024
"""The size to which SQLite truncates the write-ahead log's file when it restarts it.

It is about as much as fills up between two automatic checkpoints, which come every thousand pages.
"""

BUSY_MILLISECONDS: Final = 10_000
_BUSY_DIRECT_MILLISECONDS: Final = 250  # a reader waits only in rare moments, but the event loop waits with it
READER_CACHE_KIB: Final = 8_192


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
