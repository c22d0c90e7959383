"""The write-ahead log of a SQLite file: detecting its loss, saving its content, and keeping it small.

Owns the decision whether the log is lost, and how it is saved. Must not know a table, or which thread it is called on.
While a process has the log open, removing or replacing the file does not destroy it: its commits can still be moved
into the database. After that process ends, they are gone.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from time import monotonic, sleep
from typing import Final

import structlog

from rowen.interviews.errors import Unavailable
from rowen.store.engines.sqlite.connections import connect, primary_code
from rowen.store.engines.sqlite.log_files import (
    INDEX_HEADER,
    SHARED_FIRST,
    SHARED_SIZE,
    Descriptor,
    Files,
    Folder,
    Mark,
    has_removed,
    has_short_log,
    identity,
    identity_of,
    is_open_elsewhere,
    lock_bytes,
    mapped,
    opened,
    read_index,
    state_of_folder,
    users_of_lost_files,
    whole_mark,
)

_LOOKS: Final = 20  # another process may have written between two of them
_PAUSE: Final = 0.001
_LEAVING_PAUSE: Final = 0.05  # twenty times, so that other processes that have opened the database can close it again
_CACHE_KIB: Final = 1_024
_ATTACH_SECONDS: Final = 0.25
_SAVING_MILLISECONDS: Final = 5_000
_SHRINKING_MILLISECONDS: Final = 10  # writers wait meanwhile

_log = structlog.stdlib.get_logger("rowen.store")


class WriteAheadLog:
    """The log as the connections of one engine use it.

    It keeps a connection of its own open, so that a removed log can be saved whatever the others do. If the database
    has no write-ahead log, there is nothing to lose and nothing to watch.
    """

    def __init__(self, path: Path) -> None:
        self.lock = RLock()
        self.destroyed = ""
        """How frames were lost that no checkpoint had moved; empty while none are known to be. The reader clears it."""
        self.lost = ""
        """How the log was lost, set while it is closed for that reason."""
        self._path = path
        self._generation: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._real = ""
        self._folder = ""
        self._settled: Folder | None = None
        self._database: tuple[int, int] | None = None
        self._files: Files | None = None
        self._mark = Mark(0, b"")
        self._whole_at = 0.0

    @property
    def header(self) -> bytes | None:
        """The part of the index that every commit of any process changes; None without a write-ahead log."""
        files = self._files
        return None if files is None else files.shared[:INDEX_HEADER]

    @property
    def size(self) -> int:
        """Return the size of the log's file in bytes."""
        files = self._files
        return 0 if files is None else files.size

    @property
    def is_attached(self) -> bool:
        """Return whether the log is open."""
        return self._connection is not None

    # --- opening and closing

    def attach(self, generation: int) -> None:
        """Open the log, once per generation of connections. Raises sqlite3.Error and Unavailable."""
        if self._generation == generation and self._connection is not None:
            return
        if not self.lock.acquire(timeout=_ATTACH_SECONDS):
            raise Unavailable(f"database {self._path.absolute()}: its write-ahead log is being saved")
        try:
            if self._generation == generation and self._connection is not None:
                return
            self.require_disposable()
            replaced = self.fault() if self._is_replaced() else ""
            if self._connection is not None and replaced:
                self._complete(self._connection)
            elif self._connection is not None and not self._is_whole():
                self.destroyed = self.fault()
            self.lost = replaced or self.lost
            self.close()
            self._open()
            self._generation = generation
            if self.lost:
                _log.warning("database files opened again", database=str(self._path.absolute()), reason=self.lost)
                self.lost = ""
        finally:
            self.lock.release()

    def require_disposable(self) -> None:
        """Raise Unavailable if closing the connection would destroy commits that only it can still read."""
        self.require_present()
        if self._connection is not None and not self._is_replaced():
            self.require_in_place()

    def require_present(self) -> None:
        """Raise Unavailable if the file at the path is gone: the open one is the only one left."""
        if self._connection is not None and identity(self._path) is None:
            raise Unavailable(f"database {self._path.absolute()}: the file cannot be opened")

    def _open(self) -> None:
        self._real = os.path.realpath(self._path)  # SQLite names its files after the target of a link
        self._folder = str(Path(self._real).parent) if self._real == str(self._path.absolute()) else ""
        self._database = identity(self._real)
        try:
            connection = connect(self._path, _CACHE_KIB)  # reads, and creates the files if they are missing
        except sqlite3.OperationalError as error:
            if primary_code(error) == sqlite3.SQLITE_IOERR and has_short_log(self._real):
                raise self._foreign() from error
            raise
        try:
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                self._watch()
        except BaseException:
            self._files = None
            connection.close()
            raise
        self._connection = connection

    def _watch(self) -> None:
        found = opened()
        try:
            log = Descriptor(f"{self._real}-wal")
            files = self._files = Files(log, identity_of(log.number), *mapped(f"{self._real}-shm"))
        except (OSError, ValueError) as error:
            raise self._foreign() from error
        # SQLite may have opened files that were removed or renamed just now, or have created new ones while others use
        # the old.
        is_lost = bool(found) and not found.keys() >= {files.log_identity, files.index_identity}
        is_lost = is_lost or any(has_removed(found, self._real + suffix) for suffix in ("-wal", "-shm"))
        if is_lost or users_of_lost_files(self._path) or not self.is_sound():
            raise self._foreign()

    def _foreign(self) -> Unavailable:
        return Unavailable(
            f"database {self._path.absolute()}: its write-ahead log was removed, replaced or cut short while other "
            "processes use it; it can be opened again once they have saved it or ended"
        )

    def close(self) -> None:
        """Close the log's connection."""
        with self.lock:
            connection, self._connection = self._connection, None
            self._generation = self._files = self._settled = None
            if connection is not None:
                connection.close()

    # --- watching

    def is_in_place(self) -> bool:
        """Return whether the files in use are those at the path."""
        files = self._files
        return files is None or self.is_undisturbed() or self._are_at_their_paths(files)

    def is_undisturbed(self) -> bool:
        """Return whether the database, its log and its index are still those that were opened at their paths.

        Usually one check of the folder, whose time changes whenever a name in it does. That matters: each check
        releases the interpreter lock, and a busy event loop gives it back late.
        """
        if (folder := state_of_folder(self._folder)) is not None and folder == self._settled:
            return True
        files = self._files
        kept = files is not None and self._are_at_their_paths(files) and not self._is_replaced()
        self._settled = folder if kept and folder is not None and folder.is_settled() else None
        return kept

    def _are_at_their_paths(self, files: Files) -> bool:
        expected = (files.log_identity, files.index_identity)
        return (identity(f"{self._real}-wal"), identity(f"{self._real}-shm")) == expected

    def is_sound(self, trusted: float = 0) -> bool:
        """Return whether a commit can be read back after a crash; `trusted` is how old a look at the log may be."""
        return self._files is None or (
            self.is_undisturbed() and (monotonic() - self._whole_at < trusted or self._is_whole())
        )

    def has_kept_all(self, trusted: float = 0) -> bool:
        """Return whether the log has been sound since it was first opened; waits while it is being opened."""
        with self.lock:
            return self._connection is not None and not self.destroyed and self.is_sound(trusted)

    def fault(self) -> str:
        """Return what happened to the files in use."""
        if self._is_replaced():
            return f"{self._real} was {'removed' if identity(self._path) is None else 'replaced'}"
        files = self._files
        used = () if files is None else (("-wal", files.log_identity), ("-shm", files.index_identity))
        for suffix, expected in used:
            if (found := identity(self._real + suffix)) != expected:
                return f"{self._real}{suffix} was {'removed' if found is None else 'replaced'}"
        return f"{self._real}-wal was cut short or overwritten"

    def require_in_place(self) -> None:
        """Raise Unavailable if the log is lost."""
        if not self.is_in_place():
            raise self._lost()

    def require_sound(self) -> None:
        """Raise Unavailable if a commit could be lost."""
        if not self.is_sound():
            raise self._lost()

    def _lost(self) -> Unavailable:
        return Unavailable(
            f"database {self._path.absolute()}: its write-ahead log was removed, replaced or cut short; "
            "writes are refused until its content is saved"
        )

    def _is_replaced(self) -> bool:
        """Return whether the database at the path is another file than the one in use."""
        return self._connection is not None and identity(self._path) != self._database

    def _is_whole(self) -> bool:
        """Return whether the log's file has every frame in the index."""
        files, index = self._files, None
        for _ in range(_LOOKS):
            index = files and read_index(files.shared)
            if files is not None and index is not None:
                if index.frames == 0:
                    return True
                mark = whole_mark(files.log, index, self._mark)
                if mark is not None:
                    self._mark, self._whole_at = mark, monotonic()
                    return True
            sleep(_PAUSE)
        return index is None  # unknown: the process that wrote it was killed halfway, and the next reader rebuilds it

    # --- saving

    def save(self) -> bool:
        """Move what only the lost log contains into the database, by the descriptors that are still open.

        Return whether the database then has all commits of this engine: not if part of the log was destroyed, or if
        another process has saved it already and gone on. Raises Unavailable and sqlite3.Error if a later try may
        succeed.
        """
        with self.lock:
            files = self._files
            if self._connection is None or files is None:
                return True
            if not (self._has_nothing_new() or self._is_whole()):
                return False
            if self._is_replaced():
                self._complete(self._connection)
                return False
            index_file = identity(f"{self._real}-shm")
            is_new = index_file not in (None, files.index_identity)
            if is_new and not self._has_nothing_new() and self._others_went_on(files):
                self._save_aside(self._connection, files)
                return False
            # Also if there is nothing to move: it waits for a writer that began before the loss. With one index for
            # all, every process then starts again, in the file that is opened next. If the index is lost, the file may
            # have a new one by now, and must not be emptied by the old one.
            mode = "TRUNCATE" if index_file == files.index_identity else "FULL"
            if not self._checkpoint(self._connection, mode, _SAVING_MILLISECONDS):
                raise Unavailable(f"database {self._path.absolute()}: its lost write-ahead log is still being read")
            self._discard_foreign(files)
            return True

    def _complete(self, connection: sqlite3.Connection) -> None:
        """Move the content of the log into a database that was moved without its log, to complete it there."""
        with suppress(sqlite3.Error):  # it may be gone altogether
            self._checkpoint(connection, "FULL", _SHRINKING_MILLISECONDS)

    def _has_nothing_new(self) -> bool:
        """Return whether the database has everything in the log in use."""
        index = self._files and read_index(self._files.shared)
        return index is not None and index.frames == index.checkpointed

    def _checkpoint(self, connection: sqlite3.Connection, mode: str, wait: int) -> bool:
        """Move frames into the database; return whether all were moved. TRUNCATE waits for readers and empties it."""
        connection.execute(f"PRAGMA busy_timeout = {wait}")
        try:
            busy, frames, moved = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        except sqlite3.OperationalError as error:
            if primary_code(error) == sqlite3.SQLITE_BUSY:
                return False
            raise
        return not busy and frames == moved

    def _others_went_on(self, files: Files) -> bool:
        """Return whether other processes have opened the database with a new index, and may have written.

        If the index is in its place, or missing, every process still uses the same one, and its locks order them. A new
        index that nobody has open was left by a command that has ended or noticed the loss.
        """
        for _ in range(_LOOKS):
            with suppress(OSError):
                log = Path(f"{self._real}-wal")
                if identity(log) == files.log_identity or log.stat().st_size > 0:
                    return True
            if not is_open_elsewhere(f"{self._real}-shm"):
                return False
            sleep(_LEAVING_PAUSE)
        return True

    def _save_aside(self, connection: sqlite3.Connection, files: Files) -> None:
        """Write the database as of the lost log to a separate file, if the log can no longer be put in place."""
        if identity(f"{self._real}-wal") == files.log_identity:
            return  # only the index was removed: the process that created a new one has read all of the log
        index = read_index(files.shared)
        target = f"{self._real}-saved-{index.salts.hex() if index else 'log'}"
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            return  # another worker has saved the same log
        try:
            connection.execute("VACUUM INTO ?", (target,))
        except sqlite3.Error:
            Path(target).unlink(missing_ok=True)
            raise
        _log.error(
            "write-ahead log saved to a separate file: other processes have written without it",
            database=str(self._path.absolute()),
            saved=target,
        )

    def _discard_foreign(self, files: Files) -> None:
        """Empty a log that was put in place of the lost one: SQLite would take it for the database's own.

        Only if it has no index: every process that uses a log creates one first.
        """
        if identity(f"{self._real}-shm") is None and identity(f"{self._real}-wal") not in (None, files.log_identity):
            os.truncate(f"{self._real}-wal", 0)

    @contextmanager
    def kept_in_place(self) -> Iterator[None]:
        """Keep SQLite from removing the files at the path when its last connection is closed in the block.

        Other processes may have created them and written to them. A lock that belongs to a descriptor, not to this
        process, acts as a reader; the descriptor is closed when no connection is left whose locks would be released
        with it.
        """
        files = self._files
        if files is None or self._is_replaced() or identity(f"{self._real}-shm") in (None, files.index_identity):
            yield
            return
        descriptor = os.open(self._real, os.O_RDONLY | os.O_CLOEXEC)
        try:
            lock_bytes(descriptor, SHARED_FIRST, SHARED_SIZE)
            yield
        finally:
            os.close(descriptor)

    # --- keeping it small

    def shrink(self) -> bool:
        """Move the log's content into the database and empty it, if nobody has to wait; return whether it did.

        Raises sqlite3.Error.
        """
        with self.lock:
            if self._connection is None or self._files is None or not self.is_sound():
                return False
            return self._checkpoint(self._connection, "PASSIVE", 0) and self._checkpoint(
                self._connection, "TRUNCATE", _SHRINKING_MILLISECONDS
            )
