"""An engine on a real PostgreSQL server, and what happens to its connections.

Owns opening it, and limiting or ending its sessions from outside. Must not know the tables.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from rowen.store.engines.base import Prepared
from rowen.store.engines.postgres.engine import PostgresEngine
from tests.support.postgres import shared_postgres
from tests.support.programs import SECONDS

SELECT_ONE: Final = Prepared("SELECT 1", ())
"""A statement that needs no table."""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresEngine]:
    engine = PostgresEngine(url, "test")
    try:
        async with asyncio.timeout(60):
            yield engine
    finally:
        await engine.close()


async def until(condition: Callable[[], bool]) -> None:
    """Return once a condition holds, while other tasks run."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


@contextmanager
def limited(url: str, most: int) -> Iterator[None]:
    """Allow only `most` connections to a database, like a server that is full."""
    name = url.rpartition("/")[2]
    shared_postgres().execute(f"ALTER DATABASE {name} CONNECTION LIMIT {most}")
    try:
        yield
    finally:
        shared_postgres().execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")


def end_sessions(url: str) -> None:
    """End every connection to a database, and return once the server has none."""
    name = url.rpartition("/")[2]
    ended = f"SELECT pg_terminate_backend(pid, {SECONDS * 1000}) FROM pg_stat_activity WHERE datname = '{name}'"
    shared_postgres().execute(ended)
