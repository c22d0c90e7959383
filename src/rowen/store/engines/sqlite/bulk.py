"""SQLite's part in copying a database: reading all of it as of one moment, and filling one.

Owns the connections for that, and how durably they write. Must not know what the tables contain. Everything runs on the
caller's thread: nobody else waits in the process of a copy.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Boolean, Table, bindparam, insert, select
from sqlalchemy.dialects import sqlite as dialect_module
from sqlalchemy.sql.expression import ClauseElement

from rowen.interviews.errors import Unavailable
from rowen.store.engines.base import BulkLoader, Row, Snapshot
from rowen.store.engines.sqlite import connections

_CACHE_KIB: Final = 65_536
_DIALECT: Final = dialect_module.dialect(paramstyle="qmark")


@asynccontextmanager
async def snapshot(path: Path) -> AsyncIterator[Snapshot]:
    """Hold a snapshot of a file."""
    with closing(_connected(path, read_only=True)) as connection:
        with _explained(path):
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # begins the snapshot
        yield _SqliteSnapshot(path, connection)


@asynccontextmanager
async def bulk_loader(path: Path) -> AsyncIterator[BulkLoader]:
    """Fill a file."""
    with closing(_connected(path, read_only=False)) as connection:
        yield _SqliteBulkLoader(path, connection)


def _connected(path: Path, *, read_only: bool) -> sqlite3.Connection:
    with _explained(path):
        return connections.connect(path, _CACHE_KIB, read_only=read_only)


class _SqliteSnapshot:
    """The `Snapshot` of a file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        found = path.stat()
        self.identity = f"{found.st_dev} {found.st_ino}"
        self._path = path
        self._connection = connection

    async def ask(self, statement: ClauseElement) -> Sequence[Row]:
        with _explained(self._path):
            return self._connection.execute(_text(statement)).fetchall()

    async def chunks(self, table: Table, size: int) -> AsyncIterator[Sequence[Row]]:
        booleans = [place for place, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
        with _explained(self._path):
            rows = self._connection.execute(_text(select(table).order_by(*table.primary_key.columns)))
        while True:
            with _explained(self._path):
                found = rows.fetchmany(size)
            if not found:
                break
            yield _typed(found, booleans) if booleans else found


def _typed(rows: Sequence[tuple[Any, ...]], booleans: Sequence[int]) -> list[Row]:
    """Return rows with True and False in the columns where SQLite has 1 and 0."""
    typed: list[Row] = []
    for row in rows:
        values = list(row)
        for place in booleans:
            values[place] = bool(values[place])
        typed.append(tuple(values))
    return typed


class _SqliteBulkLoader:
    """The `BulkLoader` of a file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        names = table.columns.keys()
        statement = insert(table).values({name: bindparam(name) for name in names}).inline()
        # Not flushed to disk: a crash of the machine loses only the newest transactions, each as a whole.
        with self._transaction("NORMAL"):
            self._connection.executemany(str(statement.compile(dialect=_DIALECT)), rows)

    async def commit_durably(self, statements: Sequence[ClauseElement]) -> None:
        with self._transaction("FULL"):
            for statement in statements:
                self._connection.execute(_text(statement))

    async def gather_statistics(self, tables: Sequence[Table]) -> None:
        """Do nothing: the statements are written so that SQLite needs no statistics."""

    @contextmanager
    def _transaction(self, synchronous: str) -> Iterator[None]:
        with _explained(self._path):
            self._connection.execute(f"PRAGMA synchronous = {synchronous}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


def _text(statement: ClauseElement) -> str:
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Translate SQLite's errors within the block."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Unavailable(f"database {path.absolute()}: another process writes to it, too: {error}") from error
    except sqlite3.Error as error:
        raise Unavailable(connections.explain(path, error)) from error
