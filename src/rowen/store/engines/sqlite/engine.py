"""The SQLite engine: three connections to one file, each on a thread of its own.

Owns transactions, the dialect's functions, and the use of each connection. Must not know what the tables contain. Short
reads run on the caller's thread (a page takes less time than handing it to a thread and back); long reads and writes
each have a worker thread, so that no request waits for them.
"""

import asyncio
import sqlite3
from array import array
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from itertools import chain, compress, count
from operator import not_
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import LargeBinary, Table, bindparam, column, func, literal_column, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import sqlite as dialect_module
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement

from rowen.app.organizations import Version
from rowen.interviews.errors import Unavailable
from rowen.store.engines.base import DISPATCHER, Insertion, Parameters, Prepared, Row, Transaction, Unindexed
from rowen.store.engines.compiler import compiled, compiled_insert
from rowen.store.engines.sqlite.connections import READER_CACHE_KIB, explain, primary_code
from rowen.store.engines.sqlite.group_commit import GroupWriter, finish
from rowen.store.engines.sqlite.kept_connections import Faults, KeptConnection
from rowen.store.engines.sqlite.leader_lock import LeaderLock
from rowen.store.engines.sqlite.recovery import Recovery
from rowen.store.engines.sqlite.upkeep import Upkeep
from rowen.store.engines.sqlite.write_ahead_log import WriteAheadLog

Result = TypeVar("Result")

_pairs: Final = msgspec.json.Decoder(dict[int, int]).decode

_SCANNER_CACHE_KIB: Final = 4_096
_WRITER_CACHE_KIB: Final = 65_536
_ROWS_AT_ONCE: Final = 1_000
"""How many rows one statement adds: a third less time than one by one, and the interpreter lock is free meanwhile."""


@lru_cache(maxsize=64)
def _many(insertion: str, shared: tuple[bool, ...]) -> str:
    """Return the statement that adds `_ROWS_AT_ONCE` rows, by the one that adds one.

    Its parameters are the values of the columns that all rows share, and then the others of each row.

    A failure leaves the rows before it, as it does one by one, and its unit of work undoes them: to undo them at once,
    SQLite would first copy each page that the statement changes to a file.
    """
    # A `?` has the number after the greatest before it: in the first row, the shared ones have theirs already.
    numbers, own = count(1), count(sum(shared) + 1)
    places = [next(numbers) if each else None for each in shared]
    first = ", ".join(f"?{place or next(own)}" for place in places)
    other = ", ".join(f"?{place or ''}" for place in places)
    several = f"{insertion[: insertion.rindex('(')]}({first}){f', ({other})' * (_ROWS_AT_ONCE - 1)}"
    return several.replace("INSERT INTO", "INSERT OR FAIL INTO", 1)


def _is_shared(column: Sequence[Any]) -> bool:
    """Return whether all values of a column are the same: to bind them once takes a fifth less time for each row."""
    return bool(column[0] == column[-1]) and column.count(column[0]) == len(column)


class _SqliteTransaction:
    """The statements of one transaction on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        found: Row | None = self._connection.execute(statement.text, statement.bind(parameters)).fetchone()
        return found

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        return self._connection.execute(statement.text, statement.bind(parameters)).fetchall()

    async def run(self, statement: Prepared, parameters: Parameters) -> int:
        return self._connection.execute(statement.text, statement.bind(parameters)).rowcount

    async def run_many(self, statement: Prepared, parameters: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(statement.text, parameters)

    async def insert(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> None:
        whole = len(rows) - len(rows) % _ROWS_AT_ONCE
        for start in range(0, whole, _ROWS_AT_ONCE):
            columns = [*zip(*rows[start : start + _ROWS_AT_ONCE], strict=True)]
            shared = tuple(map(_is_shared, columns))
            values = [column[0] for column in compress(columns, shared)]
            values.extend(chain.from_iterable(zip(*compress(columns, map(not_, shared)), strict=True)))
            self._connection.execute(_many(insertion.statement.text, shared), values)
        self._connection.executemany(insertion.statement.text, rows[whole:])


class _Compiler(dialect_module.base.SQLiteCompiler):
    """Renders statements as SQLAlchemy does, but omits an offset that was not set: it would be a constant."""

    def format_from_hint_text(self, sqltext: str, table: Any, hint: str, iscrud: bool) -> str:  # noqa: ARG002  (a hook)
        return f"{sqltext} INDEXED BY {hint}"

    def limit_clause(self, select: Any, **options: Any) -> str:
        if select._offset_clause is not None or select._limit_clause is None:
            return str(super().limit_clause(select, **options))  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
        return f"\n LIMIT {self.process(select._limit_clause, **options)}"


@compiles(Unindexed, "sqlite")
def _sum(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    """Render a column as a sum: SQLite, which has no statistics here, then uses other indexes."""
    return f"{compiler.process(element.clauses, **options)} + 0"


class SqliteEngine:
    """The `Engine` on a SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._dialect = dialect_module.dialect(paramstyle="qmark")
        self._dialect.statement_compiler = _Compiler
        self._faults = Faults()
        self._log = WriteAheadLog(path)
        self._scanner = ThreadPoolExecutor(1, "rowen-scan")
        self._writer = ThreadPoolExecutor(1, "rowen-write")
        self._recovery = Recovery(path, self._log, self._faults, self._writer)
        self._upkeep = Upkeep(self._log, self._recovery)
        watched = (path, self._faults, self._log, self._recovery.schedule)
        self._direct = KeptConnection(*watched, READER_CACHE_KIB, read_only=True, waits_long=False)
        self._scanning = KeptConnection(*watched, _SCANNER_CACHE_KIB, read_only=True)
        self._writing = KeptConnection(*watched, _WRITER_CACHE_KIB, read_only=False)
        self._recovery.watch(self._writing, self._scanning, self._direct)
        self._group = GroupWriter(
            self._writer,
            self._writing.get,
            _SqliteTransaction,
            lambda error: self._unavailable(self._writing, error),
            self._recovery,
        )
        self._leader_locks = {DISPATCHER: LeaderLock(path)}

    def prepare(self, statement: ClauseElement) -> Prepared:
        """Return a statement that is compiled when it is first run."""
        return compiled(statement, self._dialect)

    def prepare_insert(self, table: Table, columns: Sequence[str] | None = None) -> Insertion:
        """Return an insertion of rows with these columns, or all columns, that is compiled when it is first run."""
        return compiled_insert(table, columns, self._dialect)

    def reader_for(self, organization: int, version: Version) -> "SqliteEngine":  # noqa: ARG002  (there is one file)
        """Return a copy that has an organization as of a version or newer."""
        return self

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        """Run one short reading statement at once, and return its first row."""
        found: Row | None = self._fetch(statement, parameters, sqlite3.Cursor.fetchone)
        return found

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        """Run one short reading statement at once, and return its rows."""
        return self._fetch(statement, parameters, sqlite3.Cursor.fetchall)

    def _fetch(self, statement: Prepared, parameters: Parameters, fetch: Callable[[sqlite3.Cursor], Result]) -> Result:
        values = statement.bind(parameters)
        with self._direct.lock:
            try:
                return fetch(self._direct.get().execute(statement.text, values))
            except sqlite3.Error as error:
                self._require_another_try(self._direct, error)
            try:
                return fetch(self._direct.get().execute(statement.text, values))
            except sqlite3.Error as error:
                raise self._unavailable(self._direct, error) from error

    def state(self) -> bytes | None:
        """Return a value that differs after every commit of any process; None if only a statement can find out.

        Reading shared memory takes 0.2 µs. Any statement takes 4 µs, and under load as much again, as it releases the
        interpreter lock three times (docs/decisions/0008).
        """
        with self._direct.lock:
            try:
                self._direct.get()
            except sqlite3.Error as error:
                raise self._unavailable(self._direct, error) from error
            return self._log.header

    async def read_state(self) -> bytes | None:
        """Return the same value: reading it costs nothing."""
        return self.state()

    async def require_durable(self) -> None:
        """Raise Unavailable if a commit could be lost."""
        self._recovery.require_sound()

    async def maintain(self) -> None:
        """Watch the files of the database, and keep its write-ahead log small, until cancelled."""
        await self._upkeep.run()

    async def try_lead(self, role: str = DISPATCHER) -> bool:
        """Become or stay the leader of the processes of this database in a role."""
        if role not in self._leader_locks:
            self._leader_locks[role] = LeaderLock(self._path, role)
        return self._leader_locks[role].try_acquire()

    async def read(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run work that may take long on one snapshot, concurrently with other requests."""
        return await asyncio.get_running_loop().run_in_executor(self._scanner, self._read, self._scanning, work)

    async def write(
        self,
        work: Callable[[Transaction], Awaitable[Result]],
        organization: int | None = None,  # noqa: ARG002  (there is one writer for all)
    ) -> Result:
        """Run work in one durable transaction: all of it is stored, or nothing."""
        return await self._group.write(work)

    def _read(self, on: KeptConnection, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        with on.lock:
            try:
                return _on_snapshot(on.get(), work)
            except sqlite3.Error as error:
                self._require_another_try(on, error)
            try:
                return _on_snapshot(on.get(), work)
            except sqlite3.Error as error:
                raise self._unavailable(on, error) from error

    def _require_another_try(self, connection: KeptConnection, error: sqlite3.Error) -> None:
        """Return if a new connection may succeed. Raises Unavailable if it cannot.

        The status updates and the dispatcher keep connections busy: one may have been opened before the file was
        replaced.
        """
        unavailable = self._unavailable(connection, error)
        if primary_code(error) == sqlite3.SQLITE_BUSY:  # a second wait would block the event loop again
            raise unavailable from error

    def _unavailable(self, connection: KeptConnection, error: sqlite3.Error) -> Unavailable:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
            raise error  # our own mistake, not the database's state
        code = primary_code(error)
        if code != sqlite3.SQLITE_BUSY:
            # A new connection sees a file that was repaired, replaced or given room meanwhile.
            connection.drop()
            # On a full disk the other connections stay open: opening a new one needs disk space, too.
            self._faults.count += code != sqlite3.SQLITE_FULL
        return Unavailable(explain(self._path, error))

    def joined_documents(self, documents: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that joins documents by commas, in the order of their rows."""
        return sql_cast(func.group_concat(documents, literal_column("','")), LargeBinary)

    def collected_identifiers(self, identifiers: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that collects ids as JSON, which SQLite builds in C without the interpreter lock."""
        return func.json_group_array(identifiers)

    def read_identifiers(self, collected: Any) -> "array[int]":
        """Return collected ids as an ascending array."""
        return array("q", msgspec.json.decode(collected, type=list[int]))

    def collected_pairs(self, identifiers: ColumnElement[Any], others: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that collects different ids, each with another id, as a JSON object."""
        return func.json_group_object(identifiers, others)

    def read_pairs(self, collected: Any) -> Iterable[tuple[int, int]]:
        """Return collected pairs in the order of their rows."""
        return _pairs(collected).items()

    def id_in(self, identifiers: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """Return the criterion that an id is among those bound to `parameter`."""
        listed = func.json_each(bindparam(parameter)).table_valued(column("value"))
        return identifiers.in_(select(listed.c.value))

    def bind_identifiers(self, identifiers: Sequence[int]) -> str:
        """Return ids as the value of a parameter of `id_in`."""
        return msgspec.json.encode(list(identifiers)).decode()

    async def close(self) -> None:
        """Finish pending writes and close the file; a lost log is saved first."""
        with suppress(RuntimeError, Unavailable):  # closed already, or not saved: that is in the log
            await asyncio.get_running_loop().run_in_executor(self._writer, self._recovery.save_before_the_end)
        for executor in (self._scanner, self._writer):
            executor.shutdown(wait=True)
        with self._log.kept_in_place():
            for connection in (self._direct, self._scanning, self._writing):
                connection.drop()
            self._log.close()
        for lock in self._leader_locks.values():
            lock.release()


def _on_snapshot(connection: sqlite3.Connection, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
    connection.execute("BEGIN")
    try:
        result = finish(work(_SqliteTransaction(connection)))
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return result
