"""Many rows at once: what happens to who sends them when nobody takes them any more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg
import pytest

from rowen.store.postgres_rows import add_rows
from tests.support.postgres import new_database
from tests.support.sql import execute, fetch

_MANY: Final = [(number, "x" * 1_000) for number in range(20_000)]
"""More than the sockets between two processes hold."""


@pytest.fixture(scope="module")
def url() -> str:
    """Return a database with a table."""
    database = new_database()
    execute(database, "CREATE TABLE notes (id integer PRIMARY KEY, note text)")
    return database


def sending(url: str, seconds: float | None, end: Callable[[asyncpg.Connection], Awaitable[object]]) -> None:
    """Send rows to a table that is locked, and do something to the connection once it is stuck."""

    async def run() -> None:
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

    asyncio.run(run())


def test_rows_are_added(url: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await add_rows(connection, "notes", ["id", "note"], _MANY, 60)
            with pytest.raises(asyncpg.UniqueViolationError):
                await add_rows(connection, "notes", ["id", "note"], _MANY[:1])
            assert await connection.fetchval("SELECT 1") == 1, "the connection is as good as before"
        finally:
            await connection.close()

    asyncio.run(run())
    assert fetch(url, "SELECT count(*) FROM notes") == [(len(_MANY),)]
    execute(url, "DELETE FROM notes")


def test_a_connection_that_is_lost_ends_it(url: str) -> None:
    async def lose(connection: asyncpg.Connection) -> None:
        await asyncio.to_thread(fetch, url, f"SELECT pg_terminate_backend({connection.get_server_pid()}, 10000)")

    with pytest.raises(asyncpg.ConnectionDoesNotExistError, match="in the middle of COPY"):
        sending(url, None, lose)
    assert fetch(url, "SELECT count(*) FROM notes") == [(0,)]


def test_a_connection_that_is_given_up_ends_it(url: str) -> None:
    async def give_up(connection: asyncpg.Connection) -> None:
        connection.terminate()

    with pytest.raises(asyncpg.ConnectionDoesNotExistError, match="in the middle of COPY"):
        sending(url, None, give_up)


def test_a_server_that_takes_no_more_ends_it_in_its_time(url: str) -> None:
    async def wait(connection: asyncpg.Connection) -> None:
        pass

    with pytest.raises(TimeoutError):
        sending(url, 0.3, wait)
