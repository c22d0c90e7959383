"""What is done with a connection of a pool: once, or once more where it was lost, and what its errors mean.

Owns that no connection stays behind in a transaction, or busy with what nobody waits for. Must not know a statement.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg

from rowen.store.postgres_errors import LOST_AGAINST_ANOTHER, OF_THE_CONNECTION, explained, is_lost, unavailable_to_all
from rowen.store.postgres_pool import Busy, Connection, Pool

Result = TypeVar("Result")


async def write_alone(pool: Pool, connection: Connection, text: str, values: Sequence[Any]) -> Any:
    """Run one writing statement, in a transaction of its own, and return its first value."""
    await connection.execute(pool.session.begin)
    try:
        found = await connection.fetchval(text, *values)
    except BaseException as error:
        await roll_back(connection, error)
        raise
    await connection.execute("COMMIT")
    return found


async def roll_back(connection: Connection, error: BaseException) -> None:
    """Undo a transaction, where there is somebody to do so: who has not answered in time will not now."""
    if isinstance(error, TimeoutError):
        connection.terminate()
    elif not connection.is_closed():
        with suppress(asyncpg.PostgresError, *OF_THE_CONNECTION, OSError, TimeoutError):
            await connection.execute("ROLLBACK")


async def use_patiently(pool: Pool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
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


async def use_unrepeated(pool: Pool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Use a connection for what is not run again where another stands in its way. Raises Unavailable."""
    try:
        return await use_patiently(pool, use)
    except LOST_AGAINST_ANOTHER as error:
        raise unavailable_to_all(error) from error


async def use_once(pool: Pool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
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
    try:
        connection = await pool.take()
    except asyncpg.TooManyConnectionsError:
        if pool.lender is None:
            raise
        async with pool.lender.lending():
            return await _use(pool.lender, use)
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
