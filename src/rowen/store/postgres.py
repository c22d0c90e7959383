"""The PostgreSQL engine: a few connections for reading and a few for writing.

Owns transactions, the dialect's functions, and what is tried again. Must not know what the tables hold, but for the
lease by which one process leads. Questions that several ask at once are put once (`sharing`); a transaction that lost
against another is run again.
"""

import asyncio
import random
import secrets
from array import array
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic
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
from rowen.store.postgres_errors import LOST_AGAINST_ANOTHER, OF_THE_CONNECTION, explained, is_lost, unavailable_to_all
from rowen.store.postgres_pool import APPLICATION, LOCK_SECONDS, Busy, Connection, Pool
from rowen.store.postgres_rows import add_rows
from rowen.store.sharing import SharedQuestions

Result = TypeVar("Result")

_READERS: Final = 4  # one core answers: more would wait for each other
_SCANNERS: Final = 2
_WRITERS: Final = 4
CONNECTIONS: Final = _READERS + _SCANNERS + _WRITERS
"""How many connections a process opens at the most, besides those to replicas."""

_READ_SECONDS: Final = 10.0
_SCAN_SECONDS: Final = 120.0
_WRITE_SECONDS: Final = 30.0  # a statement of a unit: longer than it may wait for the ledger
_QUEUE_SECONDS: Final = 30.0
_CLOSE_SECONDS: Final = 15.0
_PATIENT_SECONDS: Final = 86_400.0
_TRIES: Final = 5
_FIRST_PAUSE: Final = 0.01
_BULK: Final = 64  # rows from which COPY, with its two round trips more, is the faster way to insert
_LEASE_SECONDS: Final = 5.0
_RENEWAL_SECONDS: Final = 1.0

_LEASE: Final = "tell"
_NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
# What ends later than anybody is given it is of a clock that was set back, or of another server's.
_IS_ANOTHERS: Final = f"holder <> $2 AND leases.expires_at BETWEEN {_NOW} AND {_NOW} + $3"
# Who finds it taken writes nothing. Who waited for its row sees by the time of then whether it still may have it.
_TAKE_LEASE: Final = f"""
    INSERT INTO leases (name, holder, expires_at)
    SELECT $1::varchar, $2::varchar, {_NOW} + $3
    WHERE NOT EXISTS (SELECT FROM leases WHERE name = $1 AND {_IS_ANOTHERS})
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = {_NOW} + $3
    WHERE NOT (leases.{_IS_ANOTHERS})
    RETURNING holder
"""  # noqa: S608  (nothing but our own words)
_GIVE_LEASE: Final = "DELETE FROM leases WHERE name = $1 AND holder = $2"
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
        put = lambda: self._put(lambda connection: connection.fetchrow(statement.text, *values))  # noqa: E731
        found: Row | None = await self._shared.ask((statement.text, values, True), put)
        return found

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        """Run one short reading statement and return its rows."""
        values = tuple(statement.bind(parameters))
        put = lambda: self._put(lambda connection: connection.fetch(statement.text, *values))  # noqa: E731
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
        return await _patiently_alone(pool, use)

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
        super().__init__(Pool(dsn, _READERS, _READ_SECONDS), Pool(dsn, _SCANNERS, scan_seconds))
        self._writing = Pool(dsn, _WRITERS, _WRITE_SECONDS)
        self._queues: dict[int, _Queue] = {}
        self._lease = _Lease(self._reading, name)
        self._units: set[asyncio.Task[Any]] = set()

    def prepare(self, statement: ClauseElement) -> Prepared:
        """Compile a statement."""
        return compiled(statement, _DIALECT)

    def prepare_insert(self, table: Table, columns: Sequence[str] | None = None) -> Insertion:
        """Compile what adds rows that give these columns, or all there are."""
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
                return await _patiently(self._writing, lambda connection: self._committed(connection, work))
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
        return bool(await _patiently(self._writing, lambda each: _alone(self._writing, each, _END_WHAT_HANGS, hung)))

    async def _committed(self, connection: Connection, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        await connection.execute(self._writing.session.begin)
        try:
            result = await work(_PostgresTransaction(connection))
        except BaseException as error:
            await _roll_back(connection, error)
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


class _Lease:
    """The lead, as far as one process has it: for some seconds, and renewed long before they are over.

    A process that hangs loses it to another; the time is that of the server, whatever the clocks of the nodes say.
    """

    def __init__(self, pool: Pool, name: str) -> None:
        self._pool = pool
        self._holder = f"{name} {secrets.token_hex(8)}"
        self._held = False
        self._until = 0.0
        self._asks_again = 0.0

    async def take(self) -> bool:
        now = monotonic()
        if now < self._asks_again:
            return self._held and now < self._until
        asked = (_LEASE, self._holder, round(_LEASE_SECONDS * 1000))
        take = lambda connection: _alone(self._pool, connection, _TAKE_LEASE, asked)  # noqa: E731
        found = await _patiently_alone(self._pool, take)
        self._held = found is not None
        # From before the question, so that it ends here before it ends in the server.
        self._until = now + _LEASE_SECONDS - _RENEWAL_SECONDS
        self._asks_again = monotonic() + _RENEWAL_SECONDS
        return self._held and monotonic() < self._until

    async def give(self) -> None:
        """Let another lead at once."""
        if not self._held:
            return
        self._held = False
        with suppress(Unavailable):
            await _patiently(
                self._pool, lambda connection: _alone(self._pool, connection, _GIVE_LEASE, (_LEASE, self._holder))
            )


async def _alone(pool: Pool, connection: Connection, text: str, values: Sequence[Any]) -> Any:
    """Run one writing statement, in a transaction of its own, and return its first value."""
    await connection.execute(pool.session.begin)
    try:
        found = await connection.fetchval(text, *values)
    except BaseException as error:
        await _roll_back(connection, error)
        raise
    await connection.execute("COMMIT")
    return found


async def _roll_back(connection: Connection, error: BaseException) -> None:
    """Undo a transaction, where there is somebody to do so: who has not answered in time will not now."""
    if isinstance(error, TimeoutError):
        connection.terminate()
    elif not connection.is_closed():
        with suppress(asyncpg.PostgresError, *OF_THE_CONNECTION, OSError, TimeoutError):
            await connection.execute("ROLLBACK")


async def _patiently(pool: Pool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Use a connection; where it was lost, try once more with a new one. Raises Unavailable.

    Nothing was kept by a transaction whose connection is lost before its commit.
    """
    with explained(pool):
        try:
            return await _use(pool, use)
        except Exception as error:
            if not is_lost(error):
                raise
        pool.renew()
        return await _use(pool, use)


async def _patiently_alone(pool: Pool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Use a connection for what is not run again where another stands in its way. Raises Unavailable."""
    try:
        return await _patiently(pool, use)
    except LOST_AGAINST_ANOTHER as error:
        raise unavailable_to_all(error) from error


async def once(pool: Pool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Use a connection to a standby. Raises Unavailable, and Busy where only this question is to be put elsewhere."""
    with explained(pool):
        try:
            return await _use(pool, use)
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError) as error:
            # A standby ends what needs rows that its primary has removed.
            raise Busy("the PostgreSQL database: what was asked stood in the way of what it follows") from error
        except asyncpg.SyntaxOrAccessError as error:
            raise Busy("the PostgreSQL database: its tables are not those of the primary yet") from error


async def _use(pool: Pool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
    connection = await pool.take()
    try:
        return await use(connection)
    except TimeoutError:
        connection.terminate()  # what it was doing goes on
        pool.renew()  # the others may be to the same that is gone without a word
        raise
    except (asyncio.CancelledError, asyncpg.InternalClientError):
        connection.terminate()
        raise
    finally:
        pool.give(connection)


_DIALECT: Final = dialect_module.dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
