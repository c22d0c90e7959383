"""The SQLite engine: three connections to one file, each on a thread of its own.

Owns pragmas, transactions, the dialect's functions and what SQLite's errors mean. Must not know what the tables hold.
Short reads run at once on the caller's thread (a page takes less time than a thread hop costs twice); long reads
and writes each have a worker thread, so that no request waits behind them.
"""

import asyncio
import os
import sqlite3
from array import array
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from mmap import ACCESS_READ, mmap
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import LargeBinary, Table, bindparam, column, func, literal_column, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import sqlite as dialect_module
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement

from rowen.interviews.errors import Unavailable
from rowen.store.compiling import compiled, compiled_insert
from rowen.store.engine import Insertion, Parameters, Prepared, Row, Transaction, Unindexed
from rowen.store.leading import FileLead
from rowen.store.sqlite_writing import GroupWriter, finish

Result = TypeVar("Result")

PAGE_BYTES: Final = 16_384
"""Rows hold whole documents, and interior pages of a clustered table hold whole rows: see docs/decisions/0002."""

_BUSY_MILLISECONDS: Final = 10_000
_BUSY_DIRECT_MILLISECONDS: Final = 250  # a reader waits for nobody, but in rare moments; the event loop with it
_LOOK_SECONDS: Final = 0.1
_READER_CACHE_KIB: Final = 8_192
_SCANNER_CACHE_KIB: Final = 4_096
_WRITER_CACHE_KIB: Final = 65_536


class _Faults:
    """How many faults the connections of one engine have met together."""

    count = 0


class _Connection:
    """One connection, opened when first needed and opened anew after a fault of any connection of its engine.

    Of any: where the file was replaced, one that has met no fault would go on with the file that is gone.
    """

    def __init__(self, path: Path, cache_kib: int, faults: _Faults, *, read_only: bool, patient: bool = True) -> None:
        self._path = path
        self._patient = patient
        self._cache_kib = cache_kib
        self._read_only = read_only
        self._faults = faults
        self._faults_before = 0
        self._connection: sqlite3.Connection | None = None
        self._wal_index: mmap | None = None
        self._file: tuple[int, int] | None = None
        self._looks_again_at = 0.0

    def get(self) -> sqlite3.Connection:
        if self._connection is not None and self._is_elsewhere():
            self._faults.count += 1
        if self._faults_before != self._faults.count:
            self.drop()
        if self._connection is None:
            self._faults_before = self._faults.count
            self._file = _identity(self._path)
            self._connection = connect(self._path, self._cache_kib, read_only=self._read_only, patient=self._patient)
        return self._connection

    def _is_elsewhere(self) -> bool:
        """Tell whether the open file is no longer that of the path: what is written to it then is lost.

        Who shall not wait looks now and then only: a look costs as much as a small read.
        """
        if not self._patient:
            now = monotonic()
            if now < self._looks_again_at:
                return False
            self._looks_again_at = now + _LOOK_SECONDS
        return self._file != _identity(self._path)

    def state(self) -> bytes | None:
        """Return the header of the WAL index, as long as this connection keeps it in its place."""
        connection = self.get()
        if self._wal_index is None:
            self._wal_index = _map_wal_index(self._path, connection)
        return None if self._wal_index is None else self._wal_index[:_WAL_INDEX_HEADER]

    def drop(self) -> None:
        self._wal_index = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  (half as dear as through the path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


_WAL_INDEX_HEADER: Final = 48
"""Its first copy: counters and checksums that every commit changes (sqlite.org/walformat.html, section 2.1)."""

_mapped: Final[list[mmap]] = []
"""Every map ever made. None may be closed: POSIX would take SQLite's locks on the file away with the descriptor."""


def _map_wal_index(path: Path, connection: sqlite3.Connection) -> mmap | None:
    """Map the file that SQLite's processes share; None where there is none, as without a write-ahead log."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        return None
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # makes the file, if it is not there
    try:
        descriptor = os.open(f"{path}-shm", os.O_RDONLY | os.O_CLOEXEC)
        found = mmap(descriptor, _WAL_INDEX_HEADER, access=ACCESS_READ)
    except (OSError, ValueError):
        return None
    _mapped.append(found)
    return found


def connect(
    path: Path, cache_kib: int = _READER_CACHE_KIB, *, read_only: bool = False, patient: bool = True
) -> sqlite3.Connection:
    """Open an existing database with the pragmas that durability and speed need.

    A `patient` connection waits ten seconds for another process's lock; the others a quarter of one.
    Raises sqlite3.Error where it cannot be opened.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    wait = _BUSY_MILLISECONDS if patient else min(_BUSY_MILLISECONDS, _BUSY_DIRECT_MILLISECONDS)
    connection.execute(f"PRAGMA busy_timeout = {wait}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    return connection


def create(path: Path) -> None:
    """Make an empty database file. Raises sqlite3.Error or OSError where that is not possible."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # people's names and addresses
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


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
        self._connection.executemany(insertion.statement.text, rows)


class _Compiler(dialect_module.base.SQLiteCompiler):
    """Writes statements as SQLAlchemy does, but leaves out an offset that nobody asked for: it would be a constant."""

    def format_from_hint_text(self, sqltext: str, table: Any, hint: str, iscrud: bool) -> str:  # noqa: ARG002  (a hook)
        return f"{sqltext} {hint}"

    def limit_clause(self, select: Any, **options: Any) -> str:
        if select._offset_clause is not None or select._limit_clause is None:
            return str(super().limit_clause(select, **options))  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
        return f"\n LIMIT {self.process(select._limit_clause, **options)}"


@compiles(Unindexed, "sqlite")
def _sum(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    """Write a column as a sum: SQLite, which keeps no statistics here, goes by other indexes then."""
    return f"{compiler.process(element.clauses, **options)} + 0"


class SqliteEngine:
    """The `Engine` on a SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._dialect = dialect_module.dialect(paramstyle="qmark")
        self._dialect.statement_compiler = _Compiler
        self._faults = _Faults()
        self._direct = _Connection(path, _READER_CACHE_KIB, self._faults, read_only=True, patient=False)
        self._scanning = _Connection(path, _SCANNER_CACHE_KIB, self._faults, read_only=True)
        self._writing = _Connection(path, _WRITER_CACHE_KIB, self._faults, read_only=False)
        self._scanner = ThreadPoolExecutor(1, "rowen-scan")
        self._writer = ThreadPoolExecutor(1, "rowen-write")
        self._group = GroupWriter(
            self._writer, self._writing.get, _SqliteTransaction, lambda error: self._unavailable(self._writing, error)
        )
        self._lead = FileLead(path)

    def prepare(self, statement: ClauseElement) -> Prepared:
        """Have a statement compiled when it is first run."""
        return compiled(statement, self._dialect)

    def prepare_insert(self, table: Table, columns: Sequence[str] | None = None) -> Insertion:
        """Have compiled, when it is first run, what adds rows that give these columns, or all there are."""
        return compiled_insert(table, columns, self._dialect)

    def at(self, organization: int, version: tuple[int, int]) -> "SqliteEngine":  # noqa: ARG002  (there is one file)
        """Return where an organization can be read as of a version or newer."""
        return self

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        """Run one short reading statement, at once, and return its first row."""
        found: Row | None = self._fetch(statement, parameters, sqlite3.Cursor.fetchone)
        return found

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        """Run one short reading statement, at once, and return its rows."""
        return self._fetch(statement, parameters, sqlite3.Cursor.fetchall)

    def _fetch(self, statement: Prepared, parameters: Parameters, fetch: Callable[[sqlite3.Cursor], Result]) -> Result:
        values = statement.bind(parameters)
        try:
            return fetch(self._direct.get().execute(statement.text, values))
        except sqlite3.Error as error:
            self._require_another_try(self._direct, error)
        try:
            return fetch(self._direct.get().execute(statement.text, values))
        except sqlite3.Error as error:
            raise self._unavailable(self._direct, error) from error

    def state(self) -> bytes | None:
        """Return what differs after every commit of any process; None where only a statement can tell.

        A look into shared memory: 0.2 µs, where any statement costs 4 µs, and under load as much again for the
        interpreter lock that it lets go three times (docs/decisions/0008).
        """
        try:
            return self._direct.state()
        except sqlite3.Error as error:
            raise self._unavailable(self._direct, error) from error

    async def look(self) -> bytes | None:
        """Return the same: it costs nothing to look."""
        return self.state()

    async def lead(self) -> bool:
        """Take, or keep, the lead among the processes of this database."""
        return self._lead.take()

    async def read(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run work that may take long on one snapshot, beside the other requests."""
        return await asyncio.get_running_loop().run_in_executor(self._scanner, self._read, self._scanning, work)

    async def write(
        self,
        work: Callable[[Transaction], Awaitable[Result]],
        organization: int | None = None,  # noqa: ARG002  (there is one writer for all)
    ) -> Result:
        """Run work in one durable transaction: all of it is kept, or nothing."""
        return await self._group.write(work)

    def _read(self, on: _Connection, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        try:
            return _on_snapshot(on.get(), work)
        except sqlite3.Error as error:
            self._require_another_try(on, error)
        try:
            return _on_snapshot(on.get(), work)
        except sqlite3.Error as error:
            raise self._unavailable(on, error) from error

    def _require_another_try(self, connection: _Connection, error: sqlite3.Error) -> None:
        """Return where a fresh connection may fare better. Raises Unavailable where it cannot.

        The clock and the dispatcher keep connections busy: one may have been opened before the file was replaced.
        """
        unavailable = self._unavailable(connection, error)
        if _primary_code(error) == sqlite3.SQLITE_BUSY:  # who waits twice keeps the event loop waiting twice
            raise unavailable from error

    def _unavailable(self, connection: _Connection, error: sqlite3.Error) -> Unavailable:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
            raise error  # our own mistake, not the database's state
        code = _primary_code(error)
        if code != sqlite3.SQLITE_BUSY:
            # A fresh connection sees a file that was repaired, replaced or given room meanwhile.
            connection.drop()
            # Where there is no room, the others can do no better than go on: what a new one needs has no room, too.
            self._faults.count += code != sqlite3.SQLITE_FULL
        return Unavailable(explain(self._path, error))

    def joined_documents(self, documents: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that joins documents by commas, in the order of their rows."""
        return sql_cast(func.group_concat(documents, literal_column("','")), LargeBinary)

    def collected_identifiers(self, identifiers: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that gathers ids as JSON: made in C, beside the interpreter."""
        return func.json_group_array(identifiers)

    def read_identifiers(self, collected: Any) -> "array[int]":
        """Return gathered ids as an ascending array."""
        return array("q", msgspec.json.decode(collected, type=list[int]))

    def among(self, identifiers: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """Return the criterion that an id is among those bound to `parameter`."""
        listed = func.json_each(bindparam(parameter)).table_valued(column("value"))
        return identifiers.in_(select(listed.c.value))

    def bind_identifiers(self, identifiers: Sequence[int]) -> str:
        """Return ids as the value of a parameter of `among`."""
        return msgspec.json.encode(list(identifiers)).decode()

    async def close(self) -> None:
        """Finish what is being written and let go of the file."""
        for executor in (self._scanner, self._writer):
            executor.shutdown(wait=True)
        for connection in (self._direct, self._scanning, self._writing):
            connection.drop()
        self._lead.release()


def _on_snapshot(connection: sqlite3.Connection, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
    connection.execute("BEGIN")
    try:
        result = finish(work(_SqliteTransaction(connection)))
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return result


_EXPLANATIONS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the file or its folder cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore a backup",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_BUSY: "another process has been writing for too long",
    sqlite3.SQLITE_PERM: "this user may not read the file",
}


def explain(path: Path, error: sqlite3.Error) -> str:
    """Say in one sentence what is wrong with the database file."""
    return f"database {path.name}: {_EXPLANATIONS.get(_primary_code(error), str(error))}"


def _primary_code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF  # extended codes keep the primary in the low byte
