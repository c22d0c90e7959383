"""The PostgreSQL engine: a few connections for reading and a few for writing.

Owns transactions, the dialect's functions, and which units of work are run again. Must not know what the tables hold.
Questions that several ask at once are put once (`sharing`); a transaction that lost against another is run again.
"""

import asyncio
import random
from array import array
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, cast

import asyncpg
from sqlalchemy import BigInteger, LargeBinary, Table, bindparam, func, literal_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import asyncpg as dialect_module
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement

from rowen.interviews.errors import Unavailable
from rowen.store.compiling import compiled, compiled_insert
from rowen.store.engine import Copy, Insertion, Parameters, Prepared, Row, Transaction
from rowen.store.postgres_errors import LOST_AGAINST_ANOTHER, explained, unavailable_to_all
from rowen.store.postgres_lease import Lease
from rowen.store.postgres_pool import APPLICATION, LOCK_SECONDS, Connection, Pool
from rowen.store.postgres_rows import add_rows
from rowen.store.postgres_use import roll_back, use_patiently, use_unrepeated, write_alone
from rowen.store.sharing import SharedQuestions

Result = TypeVar("Result")

_READERS: Final = 4  # one core answers: more would wait for each other
_SCANNERS: Final = 2
_WRITERS: Final = 4
CONNECTIONS: Final = _READERS + _SCANNERS + _WRITERS
"""How many connections a process opens at the most, besides those to replicas."""

_READ_SECONDS: Final = 12.0  # where a connection for reading is all there is, a unit may wait for its lock on it, too
_SCAN_SECONDS: Final = 120.0
_WRITE_SECONDS: Final = 30.0  # a statement of a unit: longer than it may wait for the ledger
_QUEUE_SECONDS: Final = 30.0
_CLOSE_SECONDS: Final = 15.0
_PATIENT_SECONDS: Final = 86_400.0
_TRIES: Final = 5
_FIRST_PAUSE: Final = 0.01
_BULK: Final = 64  # rows from which COPY, with its two round trips more, is the faster way to insert

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
    """Reads one server, the primary or one that follows it."""

    def __init__(self, reading: Pool, scanning: Pool) -> None:
        self._reading = reading
        self._scanning = scanning
        self._shared: SharedQuestions[Any] = SharedQuestions()

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
        """Run work that may take long on one snapshot, beside the other requests."""

        async def whole(connection: Connection) -> Result:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await work(_PostgresTransaction(connection))

        return await self._use(self._scanning, whole)

    async def _put(self, use: Callable[[Connection], Awaitable[Result]]) -> Result:
        if self._reading.session.lasting:
            return await self._use(self._reading, use)

        async def alone(connection: Connection) -> Result:
            # Behind a pooler only a transaction reaches one process from its first message to its last.
            async with connection.transaction(readonly=True):
                return await use(connection)

        return await self._use(self._reading, alone)

    async def _use(self, pool: Pool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
        return await use_unrepeated(pool, use)

    async def close(self) -> None:
        """Let go of the server."""
        await self._reading.close()
        await self._scanning.close()


class _Queue:
    """The units of one organization: the one that runs, and those behind it."""

    def __init__(self) -> None:
        self.head = asyncio.Lock()
        self.length = 0

    async def come_first(self) -> None:
        """Return when it is one's turn. Raises Unavailable where that takes too long."""
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                await self.head.acquire()
        except TimeoutError as error:
            raise Unavailable("the PostgreSQL database: others have been writing for too long") from error


class PostgresEngine(PostgresReader):
    """The `Engine` on a PostgreSQL server."""

    def __init__(self, dsn: str, name: str, *, patient: bool = False) -> None:
        """Use a database; `patient` is who reads all of it and waits as long as that takes."""
        scan_seconds = _PATIENT_SECONDS if patient else _SCAN_SECONDS
        reading = Pool(dsn, _READERS, _READ_SECONDS)
        super().__init__(reading, Pool(dsn, _SCANNERS, scan_seconds, lender=reading))
        self._writing = Pool(dsn, _WRITERS, _WRITE_SECONDS, lender=reading)
        self._queues: dict[int, _Queue] = {}
        self._lease = Lease(self._reading, name)
        self._units: set[asyncio.Task[Any]] = set()

    def prepare(self, statement: ClauseElement) -> Prepared:
        """Have a statement compiled when it is first run."""
        return compiled(statement, _DIALECT)

    def prepare_insert(self, table: Table, columns: Sequence[str] | None = None) -> Insertion:
        """Have compiled, when it is first run, what adds rows that give these columns, or all there are."""
        return compiled_insert(table, columns, _DIALECT)

    def at(self, organization: int, version: tuple[int, int]) -> Copy:  # noqa: ARG002  (the primary is always there)
        """Return where an organization can be read as of a version or newer."""
        return self

    async def write(self, work: Callable[[Transaction], Awaitable[Result]], organization: int | None = None) -> Result:
        """Run work in one durable transaction: all of it is kept, or nothing; also where the caller goes away."""
        unit = asyncio.ensure_future(self._in_turn(work, organization))
        self._units.add(unit)
        unit.add_done_callback(self._units.discard)
        return await asyncio.shield(unit)

    async def _in_turn(self, work: Callable[[Transaction], Awaitable[Result]], organization: int | None) -> Result:
        """Run a unit when those before it, that need the same ledger, are done.

        In the database they would wait for its row, each with a connection that others could use.
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
        """Run a unit until it is not undone for another's sake."""
        pause = _FIRST_PAUSE
        for left in reversed(range(_TRIES)):
            try:
                return await use_patiently(self._writing, lambda connection: self._committed(connection, work))
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
        """End the transactions of nodes that hang in the middle of a statement; tell whether there were any.

        Between two statements the server sees to that by itself. Here it waits for the rest of what a node sends, and
        has no limit for that before PostgreSQL 17.
        """
        hung = (APPLICATION, float(LOCK_SECONDS))
        end = lambda each: write_alone(self._writing, each, _END_WHAT_HANGS, hung)  # noqa: E731  (one expression)
        return bool(await use_patiently(self._writing, end))

    async def _committed(self, connection: Connection, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        await connection.execute(self._writing.session.begin)
        try:
            result = await work(_PostgresTransaction(connection))
        except BaseException as error:
            await roll_back(connection, error)
            raise
        with explained(self._writing):  # nobody can tell whether it was kept: it must not be run again
            await connection.execute("COMMIT")
        return result

    def state(self) -> bytes | None:
        """Return None: only a statement can tell whether there was a commit."""
        return None

    async def look(self) -> bytes | None:
        """Return what differs after every commit in the server: which transactions a snapshot sees."""
        found: str = await self._shared.ask(_STATE, lambda: self._put(lambda each: each.fetchval(_STATE)))
        return found.encode()

    async def lead(self) -> bool:
        """Take the lead among all processes of this database, or keep it."""
        return await self._lease.take()

    def joined_documents(self, documents: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that joins documents by commas, in the order of their rows."""
        return func.string_agg(documents, literal_column("','::bytea"), type_=LargeBinary)

    def collected_identifiers(self, identifiers: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that gathers ids as eight bytes each: they are read in C."""
        return func.string_agg(func.int8send(identifiers), literal_column("''::bytea"), type_=LargeBinary)

    def read_identifiers(self, collected: Any) -> "array[int]":
        """Return gathered ids as an ascending array."""
        found = array("q", collected or b"")
        found.byteswap()  # from network order
        return found

    def among(self, identifiers: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """Return the criterion that an id is among those bound to `parameter`."""
        return identifiers == func.any(bindparam(parameter, type_=ARRAY(BigInteger)))

    def bind_identifiers(self, identifiers: Sequence[int]) -> tuple[int, ...]:
        """Return ids as the value of a parameter of `among`."""
        return tuple(identifiers)

    async def close(self) -> None:
        """Finish what is being written and let go of the server."""
        if self._units:
            await asyncio.wait(self._units, timeout=_CLOSE_SECONDS)
        await self._lease.give()
        await self._writing.close()
        await super().close()


_DIALECT: Final = dialect_module.dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
