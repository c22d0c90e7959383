"""Connections to one SQLite file that are kept open.

Owns when they are reopened: after a fault, and once the files at the path are others. Must not know what
a connection is used for.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Final

from rowen.interviews.errors import Unavailable
from rowen.store.engines.sqlite import connections
from rowen.store.engines.sqlite.log_files import identity
from rowen.store.engines.sqlite.write_ahead_log import WriteAheadLog

_LOOK_SECONDS: Final = 0.1


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
        log: WriteAheadLog,
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
        connection = connections.connect(
            self._path, self._cache_kib, read_only=self._read_only, waits_long=self._waits_long
        )
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
