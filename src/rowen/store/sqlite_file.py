"""A SQLite file as a whole: making, migrating, checking and backing up.

Owns what is done to the file. Must not know what the tables hold.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowen.interviews.errors import Unavailable
from rowen.store import sqlite, sqlite_copying
from rowen.store.engine import Engine, Filling, Snapshot, Tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_SCHEME: Final = "sqlite:///"
_BACKUP_PAGES: Final = 1_024  # 16 MiB between two reports of progress


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """The `Location` of a SQLite database."""

    path: Path

    @classmethod
    def parse(cls, url: str) -> "SqliteFile":
        """Read `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises ValueError for anything else."""
        if not url.startswith(_SCHEME) or url == _SCHEME:
            raise ValueError(
                "must look like sqlite:///rowen.db (relative), sqlite:////var/lib/rowen.db or "
                "postgresql://user@host/database"
            )
        return cls(Path(url.removeprefix(_SCHEME)))

    @property
    def name(self) -> str:
        """Return the name of the file."""
        return self.path.name

    @property
    def runs_here(self) -> bool:
        """Return True: it does."""
        return True

    @property
    def folder(self) -> Path:
        """Return the folder of the file."""
        return self.path.absolute().parent

    def open(self, *, patient: bool = False) -> Engine:  # noqa: ARG002  (nobody here is impatient)
        """Return the engine of a database that is up to date; nothing is opened yet."""
        return sqlite.SqliteEngine(self.path)

    def exists(self) -> bool:
        """Tell whether there is a file."""
        return self.path.exists()

    def create(self) -> None:
        """Make an empty file."""
        with self._explained():
            sqlite.create(self.path)

    def tables(self) -> Tables:
        """Return the names of its tables, and the migration that it stands at."""
        with self._explained(), closing(sqlite.connect(self.path)) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            row = None
            if "alembic_version" in names:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return Tables(frozenset(names), row[0] if row else None)

    def migrate(self, work: "Callable[[Connection], None]") -> None:
        """Do work in one transaction: all of it or nothing; of two processes that start together one migrates."""
        from sqlalchemy import create_engine, event
        from sqlalchemy.exc import DBAPIError

        engine = create_engine("sqlite://", creator=lambda: sqlite.connect(self.path))

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

    def damage(self) -> list[str]:
        """Return what SQLite finds wrong with the file, a sentence each."""
        with self._explained(), closing(sqlite.connect(self.path, read_only=True)) as connection:
            return [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]

    def distribute(self, report: Callable[[str], None]) -> None:
        """Raise Unavailable: a file is in one place."""
        del report
        raise Unavailable(f"database {self.name}: a SQLite file cannot be distributed: `rowen db copy` moves it")

    def backup(self, target: Path, progress: Callable[[int, int], None]) -> None:
        """Copy the file; the target appears whole or not at all."""
        if target.exists():
            raise FileExistsError(f"{target} exists already")
        partial = target.with_name(target.name + ".partial")
        try:
            with self._explained():
                partial.unlink(missing_ok=True)
                self._copy(partial, progress)
                partial.rename(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def _copy(self, target: Path, progress: Callable[[int, int], None]) -> None:
        with (
            closing(sqlite.connect(self.path, read_only=True)) as source,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            # One read transaction holds the moment still, so that writers neither wait nor make the copy start over.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(copy, pages=_BACKUP_PAGES, progress=lambda _, left, total: progress(total - left, total))
        with target.open("rb") as written:
            os.fsync(written.fileno())

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Hold a moment of it still: what is written meanwhile stays in the write-ahead log, which grows."""
        return sqlite_copying.snapshot(self.path)

    def filling(self) -> AbstractAsyncContextManager[Filling]:
        """Fill it."""
        return sqlite_copying.filling(self.path)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what SQLite's errors mean."""
        try:
            yield
        except sqlite3.Error as error:
            raise Unavailable(sqlite.explain(self.path, error)) from error
        except FileExistsError:
            raise
        except OSError as error:
            raise Unavailable(f"database {self.name}: {error.strerror}") from error
