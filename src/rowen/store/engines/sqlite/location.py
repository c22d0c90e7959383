"""A SQLite file as a whole: creating, migrating, checking and backing up.

Owns the operations on the file. Must not know what the tables contain.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowen.interviews.errors import Unavailable
from rowen.store.engines.base import BulkLoader, Engine, Snapshot, Tables
from rowen.store.engines.sqlite import backup as sqlite_backup
from rowen.store.engines.sqlite import bulk, connections, file_check
from rowen.store.engines.sqlite.engine import SqliteEngine

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_SCHEME: Final = "sqlite:///"
_SHAPE: Final = (
    "must look like sqlite:///rowen.db (relative), sqlite:////var/lib/rowen.db or postgresql://user@host/database"
)
_OPTIONS: Final = re.compile(r"\?\w+=")


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """The `Location` of a SQLite database."""

    path: Path

    @classmethod
    def parse(cls, url: str) -> "SqliteFile":
        """Parse `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises ValueError for anything else."""
        name = url.removeprefix(_SCHEME)
        if name == url or not name.strip():
            raise ValueError(_SHAPE)
        if name.startswith((":memory:", "file:")):
            raise ValueError("must name a file: a database in memory ends with the process, and workers share a file")
        if _OPTIONS.search(name):
            raise ValueError("must name a file, without options after ?")
        if "\0" in name:
            raise ValueError("must name a file: names have no NUL characters")
        path = Path(name)
        if name.endswith("/") or path.is_dir():
            raise ValueError(f"must name a file: {path.absolute()} is a folder; for example sqlite:///{path}/rowen.db")
        if path.exists() and not path.is_file():
            raise ValueError(f"must name a file: {path.absolute()} is a device, a pipe or a socket")
        return cls(path)

    @property
    def name(self) -> str:
        """Return the absolute path of the file."""
        return str(self.path.absolute())

    @property
    def in_process(self) -> bool:
        """Return True: SQLite runs in the process."""
        return True

    @property
    def spool_dir(self) -> Path:
        """Return the folder of the file."""
        return self.path.absolute().parent

    def open(self, *, no_timeout: bool = False) -> Engine:  # noqa: ARG002  (nothing here has a time limit)
        """Return the engine of a database that is up to date, without opening anything yet."""
        return SqliteEngine(self.path)

    def exists(self) -> bool:
        """Return whether the file exists."""
        return self.path.exists()

    @property
    def can_create(self) -> bool:
        """Return True: it is a file."""
        return True

    def create(self) -> None:
        """Create an empty file in an existing folder: a mistyped path must not become a new database."""
        folder = self.spool_dir
        if not folder.is_dir():
            raise Unavailable(f"database {self.name}: there is no folder {folder}: make it first")
        with self._explained():
            connections.create(self.path)

    def tables(self) -> Tables:
        """Return the names of its tables, and its migration."""
        with self._explained(), closing(connections.connect(self.path)) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            row = None
            if "alembic_version" in names:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return Tables(frozenset(names), row[0] if row else None)

    def migrate(self, work: "Callable[[Connection], None]") -> None:
        """Do work in one transaction: all of it or nothing; of two processes that start together one migrates."""
        from sqlalchemy import create_engine, event
        from sqlalchemy.exc import DBAPIError

        engine = create_engine("sqlite://", creator=lambda: connections.connect(self.path))

        @event.listens_for(engine, "begin")
        def _begin(connection: "Connection") -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        with self._explained():
            try:
                with engine.begin() as connection:
                    work(connection)
            except DBAPIError as error:
                if isinstance(error.orig, sqlite3.Error):
                    raise error.orig from error
                raise
            finally:
                engine.dispose()

    def integrity_errors(self) -> list[str]:
        """Return what is wrong with the file and its write-ahead log, a sentence each."""
        with self._explained():
            return file_check.faults(self.path)

    def warnings(self) -> list[str]:
        """Return what is not wrong, but should be different, a sentence each: its permissions and its size."""
        with self._explained():
            return file_check.warnings(self.path)

    def distribute(self, report: Callable[[str], None]) -> None:
        """Raise Unavailable: a file cannot be distributed."""
        del report
        raise Unavailable(f"database {self.name}: a SQLite file cannot be distributed: `rowen db copy` moves it")

    def backup(self, target: Path, progress: Callable[[int, int], None]) -> None:
        """Copy the file; the target appears complete or not at all."""
        sqlite_backup.backup(self.path, target, progress)

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Hold a snapshot: meanwhile writes stay in the write-ahead log, which grows."""
        return bulk.snapshot(self.path)

    def bulk_loader(self) -> AbstractAsyncContextManager[BulkLoader]:
        """Fill it."""
        return bulk.bulk_loader(self.path)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Translate SQLite's errors within the block."""
        try:
            yield
        except sqlite3.Error as error:
            raise Unavailable(connections.explain(self.path, error)) from error
        except FileExistsError:
            raise
        except OSError as error:
            raise Unavailable(f"database {self.name}: {error.strerror}") from error
