"""Backing up a SQLite file.

Owns that a backup appears complete or not at all, that only its owner can read it, and which of the two files an error
is about. Must not know what the tables contain.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from rowen.interviews.errors import Unavailable
from rowen.store.engines.sqlite import connections

_PAGES: Final = 1_024  # 16 MiB between two progress reports
_OF_READING: Final = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
)


def backup(path: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy a database as of one moment; `progress` is called with the pages done and the pages in all.

    Raises FileExistsError, OSError naming the target if it cannot be written, and Unavailable if the source cannot be
    read.
    """
    if target.exists() or target.is_symlink():
        raise FileExistsError("exists already")
    folder = target.absolute().parent
    if not folder.is_dir():
        raise NotADirectoryError(f"cannot be written: there is no folder {folder}")
    try:
        source = connections.connect(path, read_only=True)
    except sqlite3.Error as error:
        raise Unavailable(connections.explain(path, error)) from error
    with closing(source):
        # Created for its owner alone, whatever the umask; so are the files that SQLite adds.
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=f"{target.name}.", suffix=".partial")
        os.close(descriptor)
        partial = Path(name)
        try:
            _copy(path, source, partial, progress)
            _publish(partial, target)
        finally:
            for suffix in ("", "-journal"):
                Path(f"{partial}{suffix}").unlink(missing_ok=True)


def _copy(path: Path, source: sqlite3.Connection, partial: Path, progress: Callable[[int, int], None]) -> None:
    try:
        # One read transaction holds the snapshot, so that writers neither wait nor make the copy start over.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise Unavailable(connections.explain(path, error)) from error
    try:
        with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            source.backup(copy, pages=_PAGES, progress=lambda _, left, total: progress(total - left, total))
    except sqlite3.Error as error:
        if {error.sqlite_errorcode, connections.primary_code(error)} & set(_OF_READING):
            raise Unavailable(connections.explain(path, error)) from error
        raise OSError(f"the copy cannot be written: {connections.reason(error)}") from error
    with partial.open("rb") as written:
        os.fsync(written.fileno())


def _publish(partial: Path, target: Path) -> None:
    """Rename the finished copy, unless the target was created meanwhile."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise FileExistsError("exists already") from None
    except OSError:  # a file system without hard links
        partial.rename(target)
    descriptor = os.open(target.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
