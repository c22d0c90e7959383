"""Checking a SQLite file, its write-ahead log, and their permissions.

Owns the checks of files. Must not know what the tables contain.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from rowen.store.engines.sqlite import connections
from rowen.store.engines.sqlite.upkeep import LARGE_LOG_BYTES

_SUFFIXES: Final = ("", "-wal", "-shm", "-lead")
_LOG_MAGIC: Final = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_MEBIBYTE: Final = 1024 * 1024


def faults(path: Path) -> list[str]:
    """Return what is wrong with the files, a sentence each. Raises sqlite3.Error if they cannot be read."""
    found = [*_out_of_reach(path), *_damaged_log(path)]
    with closing(connections.connect(path, read_only=True)) as connection:
        found += [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    return found


def warnings(path: Path) -> list[str]:
    """Return what is not wrong, but should be different, a sentence each."""
    real = os.path.realpath(path)
    found = [*_open_to_others(real), *_large_log(real)]
    database = os.stat(real)  # noqa: PTH116  (of a path that is text)
    with closing(connections.connect(path, read_only=True)) as connection:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            found.append(f"{real} has no write-ahead log: readers and writers wait for each other")
    if database.st_nlink > 1:
        found.append(f"{real} has another name, too: a process that opens it by that name damages it")
    return found


def _files(real: str) -> Iterator[tuple[str, os.stat_result]]:
    for suffix in _SUFFIXES:
        try:
            yield real + suffix, os.stat(real + suffix)  # noqa: PTH116
        except FileNotFoundError:
            continue


def _out_of_reach(path: Path) -> Iterator[str]:
    for name, _ in _files(os.path.realpath(path)):
        if not os.access(name, os.R_OK | os.W_OK):
            yield f"{name} cannot be read and written by this user"


def _damaged_log(path: Path) -> Iterator[str]:
    name = f"{os.path.realpath(path)}-wal"
    try:
        with Path(name).open("rb") as file:
            start = file.read(32)
    except OSError:  # the file does not exist, which is fine, or cannot be reached
        return
    if start and start[:4] not in _LOG_MAGIC:
        yield f"{name} is not a write-ahead log: it was overwritten or cut short, and its content is lost"


def _open_to_others(real: str) -> Iterator[str]:
    owner = None
    for name, status in _files(real):
        owner = status.st_uid if owner is None else owner
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            yield f"{name} can be used by other users (mode {mode:04o}): chmod 600"
        if status.st_uid != owner:
            yield f"{name} belongs to another user than the database"
    folder = os.path.dirname(real)  # noqa: PTH120
    mode = os.stat(folder).st_mode  # noqa: PTH116
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        yield f"{folder} can be written by every user, who could replace the database"


def _large_log(real: str) -> Iterator[str]:
    try:
        size = os.stat(f"{real}-wal").st_size  # noqa: PTH116
    except FileNotFoundError:
        return
    if size > LARGE_LOG_BYTES:
        yield (
            f"{real}-wal has {size // _MEBIBYTE} MiB: something has been reading for long, such as a copy or an "
            "export; a server empties it afterwards"
        )
