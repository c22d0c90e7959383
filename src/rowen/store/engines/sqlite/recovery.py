"""Recovering from a lost write-ahead log: no commit is acknowledged that a crash could lose.

Owns the order in which an engine's connections are closed and reopened. Must not know what is written.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final

import structlog

from rowen.interviews.errors import Unavailable
from rowen.store.engines.sqlite.connections import explain
from rowen.store.engines.sqlite.kept_connections import Faults, KeptConnection
from rowen.store.engines.sqlite.write_ahead_log import WriteAheadLog

_SCAN_SECONDS: Final = 5.0
_TRUSTED_SECONDS: Final = 0.05  # for a series of writes, each of which `confirm` checks once

_log = structlog.stdlib.get_logger("rowen.store")


class Recovery:
    """Watches the log of one engine, and has it saved and reopened on the writer's thread.

    All connections are closed before the first is reopened: as long as one is open, SQLite gives the others its index,
    even though the file is gone.
    """

    def __init__(self, path: Path, log: WriteAheadLog, faults: Faults, writer: Executor) -> None:
        self._path = path
        self._files = log
        self._faults = faults
        self._writer = writer
        self._writing: Sequence[KeptConnection] = ()
        self._reading: Sequence[KeptConnection] = ()
        self._is_scheduled = False
        self._reported = ""

    def watch(self, writing: KeptConnection, *reading: KeptConnection) -> None:
        """Take charge of the engine's connections: the writer's, and those for reading in the order of their locks."""
        self._writing = (writing,)
        self._reading = reading

    def is_sound(self) -> bool:
        """Return whether a commit made now can be read back after a crash."""
        return self._files.has_kept_all(_TRUSTED_SECONDS)

    def require_sound(self) -> None:
        """Raise Unavailable if a commit could be lost, and start the recovery."""
        if self._files.lost:  # others had not saved it yet when this process tried to reopen it
            self.schedule()
        try:
            self._files.require_sound()
        except Unavailable:
            self.schedule()
            raise

    def schedule(self) -> None:
        """Recover as soon as the writer's thread is free."""
        if not self._is_scheduled:
            self._is_scheduled = True
            with suppress(RuntimeError):  # the engine is being closed
                self._writer.submit(self._try)

    def _try(self) -> None:
        self._is_scheduled = False
        with suppress(Unavailable):  # logged already
            self.recover()

    def confirm(self) -> None:
        """Return when the last commit survives a crash. Raises Unavailable if that is not certain."""
        if self._files.has_kept_all():
            return
        if self._files.destroyed or not self._files.is_attached or not self._save():
            raise Unavailable(
                f"database {self._path.absolute()}: it is not certain that the last commit survives a crash, as its "
                "files were removed or replaced meanwhile"
            )

    def recover(self) -> None:
        """Save what only a lost log contains, and reopen the database; on the writer's thread. Raises Unavailable."""
        if self._files.is_attached:
            if self._files.has_kept_all():
                return
            self._report(self._files.destroyed or self._files.fault())
        was_saved = self._save() and not self._files.destroyed
        if self._files.destroyed:
            self._report(self._files.destroyed)
        try:
            self._files.require_present()
            with self._all_locked(), self._files.kept_in_place():
                for connection in (*self._writing, *self._reading):
                    connection.drop()
                self._files.close()
            self._files.lost = ""
            self._faults.count += 1
            self._files.attach(self._faults.count)
        except sqlite3.Error as error:
            raise self._failed(explain(self._path, error)) from error
        except Unavailable as error:
            raise self._failed(error.message) from error
        with suppress(sqlite3.Error):
            self._files.shrink()  # a file put in place of the log is not the database's
        report = _log.warning if was_saved else _log.error
        report(
            "database files opened again",
            database=str(self._path.absolute()),
            saved="everything" if was_saved else "only what a checkpoint had moved into the database",
        )
        self._files.destroyed = self._reported = ""

    def save_before_the_end(self) -> None:
        """Save what only a lost log contains, before its last connection is closed. Raises Unavailable."""
        if not self._files.is_sound():
            self._report(self._files.fault())
            self._save()

    def _save(self) -> bool:
        try:
            return self._files.save()
        except sqlite3.Error as error:
            raise self._failed(explain(self._path, error)) from error
        except Unavailable as error:
            raise self._failed(error.message) from error

    def _failed(self, reason: str) -> Unavailable:
        self._report(reason)
        if not self._files.is_attached:
            self._files.lost = reason
        return Unavailable(reason)

    def _report(self, reason: str) -> None:
        """Log the reason, once until it changes."""
        if reason != self._reported:
            _log.error("database files lost: writes are refused", reason=reason)
            self._reported = reason

    @contextmanager
    def _all_locked(self) -> Iterator[None]:
        """Hold the connections for reading. Raises Unavailable if one is in use for too long."""
        with ExitStack() as held:
            for connection in self._reading:
                held.enter_context(_held(connection.lock, self._path))
            held.enter_context(self._files.lock)
            yield


@contextmanager
def _held(lock: Lock, path: Path) -> Iterator[None]:
    if not lock.acquire(timeout=_SCAN_SECONDS):
        raise Unavailable(f"database {path.absolute()}: its lost write-ahead log is still being read")
    try:
        yield
    finally:
        lock.release()
