"""PostgreSQL's part in copying a database: reading all of it as of one moment, and filling one.

Owns the sessions for that, and the errors for rows that PostgreSQL cannot hold. Must not know what the tables contain.
Behind a pooler only a transaction reaches one server process from beginning to end: all settings made here end with it.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from reprlib import repr as shortened
from typing import Final

import asyncpg
from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import asyncpg as dialect_module
from sqlalchemy.sql.expression import ClauseElement

from rowen.interviews.errors import Unavailable
from rowen.store.engines.base import BulkLoader, Row, Snapshot
from rowen.store.engines.postgres.copy import add_rows
from rowen.store.engines.postgres.errors import explained

Connect = Callable[[], Awaitable[asyncpg.Connection]]

_CLOSE_SECONDS: Final = 3.0
_UNFIT: Final = ("22", "54")
"""Classes of errors about a value: its type, its size (PostgreSQL, appendix A)."""

_OURS: Final = (*_UNFIT, "23", "40", "42")
"""The same, and those of constraints, conflicts and statements: another process has changed the database."""

_LINE: Final = re.compile(r"line (\d+)")  # a line of COPY's input is a row
_IDENTITY: Final = "SELECT pg_postmaster_start_time() || ' ' || current_database()"
_MOMENT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PATIENT: Final = """
    SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN
    ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
"""
"""Removes the time limits of a server's administrator from a transaction: a copy may take hours, and idle."""

_BY_INDEX: Final = "SET LOCAL enable_sort = off"
"""Reads rows in order by an index, even if the server has no statistics yet."""

_DIALECT: Final = dialect_module.dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy


@asynccontextmanager
async def snapshot(connect: Connect, name: str) -> AsyncIterator[Snapshot]:
    """Hold a snapshot of a database."""
    async with _connected(connect, name) as connection:
        with _explained(name):
            await connection.execute(f"{_MOMENT}; {_PATIENT}; {_BY_INDEX}")
            identity = await connection.fetchval(_IDENTITY)
        yield _PostgresSnapshot(connection, name, identity)


@asynccontextmanager
async def bulk_loader(connect: Connect, name: str) -> AsyncIterator[BulkLoader]:
    """Fill a database."""
    async with _connected(connect, name) as connection:
        yield _PostgresBulkLoader(connection, name)


@asynccontextmanager
async def _connected(connect: Connect, name: str) -> AsyncIterator[asyncpg.Connection]:
    with _explained(name):
        connection = await connect()
    try:
        yield connection
    finally:  # closing the connection makes the server roll back
        try:
            await connection.close(timeout=_CLOSE_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()


class _PostgresSnapshot:
    """The `Snapshot` of a database."""

    def __init__(self, connection: asyncpg.Connection, name: str, identity: str) -> None:
        self.identity = identity
        self._connection = connection
        self._name = name

    async def ask(self, statement: ClauseElement) -> Sequence[Row]:
        with _explained(self._name):
            return [tuple(row) for row in await self._connection.fetch(_text(statement))]

    async def chunks(self, table: Table, size: int) -> AsyncIterator[Sequence[Row]]:
        rows = _text(select(table).order_by(*table.primary_key.columns))
        with _explained(self._name):
            # An SQL cursor: the driver's prepares statements under names that other clients of a pooler may use.
            await self._connection.execute(f"DECLARE copied NO SCROLL CURSOR FOR {rows}")
        while True:
            with _explained(self._name):
                found = await self._connection.fetch(f"FETCH {size} FROM copied")
            if not found:
                break
            yield [tuple(row) for row in found]
        with _explained(self._name):
            await self._connection.execute("CLOSE copied")


class _PostgresBulkLoader:
    """The `BulkLoader` of a database."""

    def __init__(self, connection: asyncpg.Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        # A later durable commit flushes these to disk, too.
        async with self._transaction("SET LOCAL synchronous_commit = off"):
            try:
                await add_rows(self._connection, table.name, table.columns.keys(), rows)
            except asyncpg.PostgresError as error:
                line = _LINE.search(error.context or "")
                if line is None or (error.sqlstate or "")[:2] not in _UNFIT:
                    raise
                row = _named(table, rows[int(line[1]) - 1])
                raise Unavailable(f"database {self._name}: cannot hold {row}: {_said(error)}") from error

    async def commit_durably(self, statements: Sequence[ClauseElement]) -> None:
        async with self._transaction(_PATIENT):
            for statement in statements:
                await self._connection.execute(_text(statement))

    async def gather_statistics(self, tables: Sequence[Table]) -> None:
        async with self._transaction(_PATIENT):
            await self._connection.execute(f"ANALYZE {', '.join(table.name for table in tables)}")

    @asynccontextmanager
    async def _transaction(self, settings: str) -> AsyncIterator[None]:
        with _explained(self._name):
            await self._connection.execute(f"BEGIN; {settings}")
            try:
                yield
                await self._connection.execute("COMMIT")
            except Exception:  # any error: it is raised again after the rollback
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await self._connection.execute("ROLLBACK")
                raise


def _named(table: Table, row: Row) -> str:
    """Return the name of a row: its key, with long values shortened."""
    values = dict(zip(table.columns.keys(), row, strict=True))
    return (
        f"{table.name} ({', '.join(f'{key.name} {shortened(values[key.name])}' for key in table.primary_key.columns)})"
    )


def _text(statement: ClauseElement) -> str:
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Translate PostgreSQL's errors within the block, including those that would be our own mistake elsewhere."""
    with explained(name):
        try:
            yield
        except asyncpg.UniqueViolationError as error:
            raise Unavailable(f"database {name}: another process writes to it, too: {_said(error)}") from error
        except asyncpg.PostgresError as error:
            if (error.sqlstate or "")[:2] not in _OURS:
                raise
            raise Unavailable(f"database {name}: {_said(error)}") from error


def _said(error: asyncpg.PostgresError) -> str:
    """Return PostgreSQL's message on one line, without its hints, which are for programmers."""
    return " ".join(part for part in (str(error).partition("\n")[0], error.detail) if part)
