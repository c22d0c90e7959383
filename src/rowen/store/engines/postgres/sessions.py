"""Using a connection of a pool: once, or again if it was lost.

Owns that no connection is left in a transaction, or busy with a statement that nobody waits for. Must not know a
statement beyond those that begin and end a transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import asyncpg

from rowen.store.engines.postgres.errors import (
    LOST_AGAINST_ANOTHER,
    OF_THE_CONNECTION,
    explained,
    is_lost,
    unavailable_to_all,
)
from rowen.store.engines.postgres.pool import Connection, ConnectionPool, ServerBusyError

Result = TypeVar("Result")


@contextmanager
def explained_for(pool: ConnectionPool) -> Iterator[None]:
    """Turn errors of a pool's connections into Unavailable, in the block, as `explained` does."""
    with explained(pool.name):
        try:
            yield
        except asyncpg.ReadOnlySQLTransactionError:
            pool.expire()  # this server is no longer the primary: another one is, or will be soon
            raise


async def execute_autonomously(pool: ConnectionPool, connection: Connection, text: str, values: Sequence[Any]) -> Any:
    """Run one writing statement in a transaction of its own, and return its first value."""
    await connection.execute(pool.session.begin)
    try:
        found = await connection.fetchval(text, *values)
    except BaseException as error:
        await roll_back(connection, error)
        raise
    await connection.execute("COMMIT")
    return found


async def roll_back(connection: Connection, error: BaseException) -> None:
    """Roll back a transaction; after a timeout end its connection, as the server would not respond now."""
    if isinstance(error, TimeoutError):
        connection.terminate()
    elif not connection.is_closed():
        with suppress(asyncpg.PostgresError, *OF_THE_CONNECTION, OSError, TimeoutError):
            await connection.execute("ROLLBACK")


async def with_reconnect(pool: ConnectionPool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Use a connection; if it was lost, try once more with a new one. Raises Unavailable.

    A transaction whose connection is lost before its commit has stored nothing.
    """
    with explained_for(pool):
        try:
            return await _use(pool, use)
        except Exception as error:
            if not is_lost(error):
                raise
        pool.expire()
        return await _use(pool, use)


async def with_reconnect_no_retry(pool: ConnectionPool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Use a connection as `with_reconnect` does, for what is not run again after a conflict. Raises Unavailable."""
    try:
        return await with_reconnect(pool, use)
    except LOST_AGAINST_ANOTHER as error:
        raise unavailable_to_all(error) from error


async def once(pool: ConnectionPool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Use a connection to a standby. Raises Unavailable, and BusyError if only this statement must run elsewhere."""
    with explained_for(pool):
        try:
            return await _use(pool, use)
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError) as error:
            # A standby ends queries that need rows which its primary has removed.
            raise ServerBusyError(
                "the PostgreSQL database: the query conflicted with replication from the primary"
            ) from error
        except asyncpg.SyntaxOrAccessError as error:
            raise ServerBusyError("the PostgreSQL database: it does not have the primary's tables yet") from error


async def _use(pool: ConnectionPool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
    try:
        connection = await pool.acquire()
    except asyncpg.TooManyConnectionsError:
        if pool.fallback_pool is None:
            raise
        async with pool.fallback_pool.reserve_fallback():
            return await _use(pool.fallback_pool, use)
    try:
        return await use(connection)
    except TimeoutError:
        connection.terminate()  # its statement would go on
        pool.expire()  # the others may lead to the same server, which is gone without closing them
        raise
    except (asyncio.CancelledError, asyncpg.InternalClientError):
        connection.terminate()
        raise
    finally:
        pool.release(connection)
