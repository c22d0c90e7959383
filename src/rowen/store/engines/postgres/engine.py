"""The PostgreSQL engine: a few connections for reading and a few for writing.

Owns transactions, the dialect's functions, and which units of work are run again. Must not know what the tables hold.
Equal statements that several callers run at the same time are run once (`single_flight`); a transaction that lost
against another is run again.
"""

import asyncio
import random
from array import array
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar, cast

import asyncpg
from sqlalchemy import BigInteger, LargeBinary, Table, bindparam, func, literal_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import asyncpg as dialect_module
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement

from rowen.app.organizations import Version
from rowen.interviews.errors import Unavailable
from rowen.store.engines.base import DISPATCHER, Insertion, Parameters, Prepared, ReadTarget, Row, Transaction
from rowen.store.engines.compiler import compiled, compiled_insert
from rowen.store.engines.postgres.copy import add_rows
from rowen.store.engines.postgres.errors import LOST_AGAINST_ANOTHER, unavailable_to_all
from rowen.store.engines.postgres.leader_lease import LeaderLease
from rowen.store.engines.postgres.pool import APPLICATION, LOCK_SECONDS, Connection, ConnectionPool
from rowen.store.engines.postgres.sessions import (
    execute_autonomously,
    explained_for,
    roll_back,
    with_reconnect,
    with_reconnect_no_retry,
)
from rowen.store.engines.postgres.single_flight import SingleFlight

Result = TypeVar("Result")

_READERS: Final = 4  # one core serves them: more connections would wait for each other
_SCANNERS: Final = 2
_WRITERS: Final = 4
CONNECTIONS: Final = _READERS + _SCANNERS + _WRITERS
"""How many connections a process opens at most, not counting those to replicas."""

_READ_SECONDS: Final = 12.0  # if reading connections are all there is, a unit may wait for its lock on one, too
_SCAN_SECONDS: Final = 120.0
_WRITE_SECONDS: Final = 30.0  # for a statement of a unit: longer than it may wait for the ledger
_QUEUE_SECONDS: Final = 30.0
_CLOSE_SECONDS: Final = 15.0
_NO_TIMEOUT_SECONDS: Final = 86_400.0
TRIES: Final = 5
FIRST_PAUSE_SECONDS: Final = 0.01
_BULK: Final = 64  # the number of rows from which COPY is faster, despite two more round trips

_END_WHAT_HANGS: Final = """
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND application_name = $1
      AND state = 'active' AND wait_event = 'ClientRead' AND backend_xid IS NOT NULL
      AND state_change < clock_timestamp() - make_interval(secs => $2)
"""
_STATE: Final = "SELECT pg_current_snapshot()::text"


class _PostgresTransaction:
    """The statements of one transaction on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        return cast("Row | None", await self._connection.fetchrow(statement.text, *statement.bind(parameters)))

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        return cast("Sequence[Row]", await self._connection.fetch(statement.text, *statement.bind(parameters)))

    async def run(self, statement: Prepared, parameters: Parameters) -> int:
        status = await self._connection.execute(statement.text, *statement.bind(parameters))
        return int(status.rpartition(" ")[2])  # "INSERT 0 1", "UPDATE 3"

    async def run_many(self, statement: Prepared, parameters: Sequence[Sequence[Any]]) -> None:
        if len(parameters) == 1:
            await self._connection.execute(statement.text, *parameters[0])
        elif parameters:
            await self._connection.executemany(statement.text, parameters)

    async def insert(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> None:
        if len(rows) < _BULK:
            await self.run_many(insertion.statement, rows)
        else:
            await add_rows(self._connection, insertion.table, insertion.columns, rows, _WRITE_SECONDS)


class PostgresReader:
    """Reads one server, the primary or a replica."""

    def __init__(self, reading: ConnectionPool, scanning: ConnectionPool) -> None:
        self._reading = reading
        self._scanning = scanning
        self._shared: SingleFlight[Any] = SingleFlight()

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        """Run one short reading statement and return its first row."""
        values = tuple(statement.bind(parameters))
        put = lambda: self._put(lambda connection: connection.fetchrow(statement.text, *values))  # noqa: E731  (one expression)
        found: Row | None = await self._shared.ask((statement.text, values, True), put)
        return found

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        """Run one short reading statement and return its rows."""
        values = tuple(statement.bind(parameters))
        put = lambda: self._put(lambda connection: connection.fetch(statement.text, *values))  # noqa: E731  (one expression)
        found: Sequence[Row] = await self._shared.ask((statement.text, values, False), put)
        return found

    async def read(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run work that may take long on one snapshot, concurrently with other requests."""

        async def whole(connection: Connection) -> Result:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await work(_PostgresTransaction(connection))

        return await self._use(self._scanning, whole)

    async def _put(self, use: Callable[[Connection], Awaitable[Result]]) -> Result:
        if self._reading.session.lasting:
            return await self._use(self._reading, use)

        async def alone(connection: Connection) -> Result:
            # Behind a pooler only a transaction reaches one server process from beginning to end.
            async with connection.transaction(readonly=True):
                return await use(connection)

        return await self._use(self._reading, alone)

    async def _use(self, pool: ConnectionPool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
        return await with_reconnect_no_retry(pool, use)

    async def close(self) -> None:
        """Close the connections."""
        await self._reading.close()
        await self._scanning.close()


class _Queue:
    """The units of one organization: the one that runs, and those that wait for it."""

    def __init__(self) -> None:
        self.head = asyncio.Lock()
        self.length = 0

    async def come_first(self) -> None:
        """Return when all earlier units are done. Raises Unavailable if that takes too long."""
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                await self.head.acquire()
        except TimeoutError as error:
            raise Unavailable("the PostgreSQL database: others have been writing for too long") from error


class PostgresEngine(PostgresReader):
    """The `Engine` on a PostgreSQL server."""

    def __init__(self, dsn: str, name: str, *, no_timeout: bool = False) -> None:
        """Use a database; with `no_timeout`, long reads may take as long as they need."""
        scan_seconds = _NO_TIMEOUT_SECONDS if no_timeout else _SCAN_SECONDS
        reading = ConnectionPool(dsn, _READERS, _READ_SECONDS)
        super().__init__(reading, ConnectionPool(dsn, _SCANNERS, scan_seconds, fallback_pool=reading))
        self._writing = ConnectionPool(dsn, _WRITERS, _WRITE_SECONDS, fallback_pool=reading)
        self._queues: dict[int, _Queue] = {}
        self._name = name
        self._leases = {DISPATCHER: LeaderLease(self._reading, name, DISPATCHER)}
        self._units: set[asyncio.Task[Any]] = set()

    @property
    def queues(self) -> int:
        """How many organizations have units that run or wait."""
        return len(self._queues)

    def prepare(self, statement: ClauseElement) -> Prepared:
        """Return a statement that is compiled when it is first run."""
        return compiled(statement, _DIALECT)

    def prepare_insert(self, table: Table, columns: Sequence[str] | None = None) -> Insertion:
        """Return an insertion of rows with these columns, or all columns, that is compiled when it is first run."""
        return compiled_insert(table, columns, _DIALECT)

    def reader_for(self, organization: int, version: Version) -> ReadTarget:  # noqa: ARG002  (the primary is always there)
        """Return a copy that has an organization as of a version or newer."""
        return self

    async def write(self, work: Callable[[Transaction], Awaitable[Result]], organization: int | None = None) -> Result:
        """Run work in one durable transaction: all of it is stored, or nothing, even if the caller is cancelled."""
        unit = asyncio.ensure_future(self._in_turn(work, organization))
        self._units.add(unit)
        unit.add_done_callback(self._units.discard)
        return await asyncio.shield(unit)

    async def _in_turn(self, work: Callable[[Transaction], Awaitable[Result]], organization: int | None) -> Result:
        """Run a unit after the earlier ones of its organization.

        In the database they would wait for the ledger's row, each occupying a connection that others could use.
        """
        if organization is None:
            return await self._repeated(work)
        queue = self._queues.setdefault(organization, _Queue())
        queue.length += 1
        try:
            await queue.come_first()
            try:
                return await self._repeated(work)
            finally:
                queue.head.release()
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[organization]

    async def _repeated(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run a unit until it does not lose against another transaction."""
        pause = FIRST_PAUSE_SECONDS
        for left in reversed(range(TRIES)):
            try:
                return await with_reconnect(self._writing, lambda connection: self._committed(connection, work))
            except asyncpg.PostgresError as error:
                if not isinstance(error, LOST_AGAINST_ANOTHER):
                    raise
                waits_in_vain = isinstance(error, asyncpg.LockNotAvailableError) and not await self._end_what_hangs()
                if waits_in_vain or not left:
                    raise unavailable_to_all(error) from error
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  (so that two do not meet again)
            pause *= 2
        raise AssertionError("unreachable")

    async def _end_what_hangs(self) -> bool:
        """End the transactions of nodes that hang in the middle of a statement; return whether there were any.

        Between two statements the server ends them itself. Within one it waits for the rest of the node's data, without
        a time limit before PostgreSQL 17.
        """
        hung = (APPLICATION, float(LOCK_SECONDS))
        end = lambda each: execute_autonomously(self._writing, each, _END_WHAT_HANGS, hung)  # noqa: E731  (one expression)
        return bool(await with_reconnect(self._writing, end))

    async def _committed(self, connection: Connection, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        await connection.execute(self._writing.session.begin)
        try:
            result = await work(_PostgresTransaction(connection))
        except BaseException as error:
            await roll_back(connection, error)
            raise
        with explained_for(self._writing):  # whether it was committed is unknown: it must not be run again
            await connection.execute("COMMIT")
        return result

    def state(self) -> bytes | None:
        """Return None: only a statement can find out whether there was a commit."""
        return None

    async def read_state(self) -> bytes | None:
        """Return a value that differs after every commit in the server: the transactions that a snapshot sees."""
        found: str = await self._shared.ask(_STATE, lambda: self._put(lambda each: each.fetchval(_STATE)))
        return found.encode()

    async def require_durable(self) -> None:
        """Do nothing: durability is the server's responsibility."""

    async def maintain(self) -> None:
        """Wait until cancelled: a server maintains itself."""
        await asyncio.Event().wait()

    async def try_lead(self, role: str = DISPATCHER) -> bool:
        """Become or stay the leader of all processes of this database in a role."""
        if role not in self._leases:
            self._leases[role] = LeaderLease(self._reading, self._name, role)
        return await self._leases[role].try_acquire()

    def joined_documents(self, documents: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that joins documents by commas, in the order of their rows."""
        return func.string_agg(documents, literal_column("','::bytea"), type_=LargeBinary)

    def collected_identifiers(self, identifiers: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that collects ids as eight bytes each, which are decoded in C."""
        return func.string_agg(func.int8send(identifiers), literal_column("''::bytea"), type_=LargeBinary)

    def read_identifiers(self, collected: Any) -> "array[int]":
        """Return collected ids as an ascending array."""
        found = array("q", collected or b"")
        found.byteswap()  # from network order
        return found

    def collected_pairs(self, identifiers: ColumnElement[Any], others: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that collects different ids, each with another id, as sixteen bytes."""
        pair = func.int8send(identifiers, type_=LargeBinary).concat(func.int8send(others))
        return func.string_agg(pair, literal_column("''::bytea"), type_=LargeBinary)

    def read_pairs(self, collected: Any) -> Iterable[tuple[int, int]]:
        """Return collected pairs in the order of their rows."""
        found = self.read_identifiers(collected)
        return zip(found[::2], found[1::2], strict=True)

    def id_in(self, identifiers: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """Return the criterion that an id is among those bound to `parameter`."""
        return identifiers == func.any(bindparam(parameter, type_=ARRAY(BigInteger)))

    def bind_identifiers(self, identifiers: Sequence[int]) -> tuple[int, ...]:
        """Return ids as the value of a parameter of `id_in`."""
        return tuple(identifiers)

    async def close(self) -> None:
        """Finish pending writes and close the connections."""
        if self._units:
            await asyncio.wait(self._units, timeout=_CLOSE_SECONDS)
        for lease in self._leases.values():
            await lease.release()
        await self._writing.close()
        await super().close()


class _Compiler(dialect_module.PGCompiler_asyncpg):
    """Renders statements as SQLAlchemy does, without hints: the planner chooses an index by its statistics."""

    def format_from_hint_text(self, sqltext: str, table: Any, hint: str, iscrud: bool) -> str:  # noqa: ARG002  (a hook)
        return sqltext


_DIALECT: Final = dialect_module.dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
_DIALECT.statement_compiler = _Compiler
