"""Many rows at once: what happens to the sender when nobody reads them any more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg
import pytest

from rowen.store.engines.postgres.copy import add_rows
from tests.support.postgres import new_database
from tests.support.sql import execute, fetch

_MANY: Final = [(number, "x" * 1_000) for number in range(20_000)]
"""More than the sockets between two processes can buffer."""


@pytest.fixture(scope="module")
def url() -> str:
    """Return a database with a table."""
    database = new_database()
    execute(database, "CREATE TABLE notes (id integer PRIMARY KEY, note text)")
    return database


async def sending(url: str, seconds: float | None, end: Callable[[asyncpg.Connection], Awaitable[object]]) -> None:
    """Send rows to a locked table, and call `end` with the connection once it is stuck."""
    connection, locking = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with asyncio.timeout(60), locking.transaction():
            await locking.execute("LOCK TABLE notes")
            task = asyncio.create_task(add_rows(connection, "notes", ["id", "note"], _MANY, seconds))
            while not await locking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.005)
            await end(connection)
            await task
    finally:
        connection.terminate()
        locking.terminate()
        await asyncio.sleep(0)


async def test_rows_are_added(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await add_rows(connection, "notes", ["id", "note"], _MANY, 60)
        with pytest.raises(asyncpg.UniqueViolationError):
            await add_rows(connection, "notes", ["id", "note"], _MANY[:1])
        assert await connection.fetchval("SELECT 1") == 1, "the connection is as good as before"
    finally:
        await connection.close()
    assert fetch(url, "SELECT count(*) FROM notes") == [(len(_MANY),)]
    execute(url, "DELETE FROM notes")


async def test_a_connection_that_is_lost_ends_it(url: str) -> None:
    async def lose(connection: asyncpg.Connection) -> None:
        await asyncio.to_thread(fetch, url, f"SELECT pg_terminate_backend({connection.get_server_pid()}, 10000)")

    with pytest.raises(asyncpg.ConnectionDoesNotExistError, match="in the middle of COPY"):
        await sending(url, None, lose)
    assert fetch(url, "SELECT count(*) FROM notes") == [(0,)]


async def test_a_connection_that_is_given_up_ends_it(url: str) -> None:
    async def give_up(connection: asyncpg.Connection) -> None:
        connection.terminate()

    with pytest.raises(asyncpg.ConnectionDoesNotExistError, match="in the middle of COPY"):
        await sending(url, None, give_up)


async def test_a_server_that_takes_no_more_ends_it_in_its_time(url: str) -> None:
    async def wait(connection: asyncpg.Connection) -> None:
        pass

    with pytest.raises(TimeoutError):
        await sending(url, 0.3, wait)
