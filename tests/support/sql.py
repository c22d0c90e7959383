"""A database, examined and modified without Rowen, on every engine.

Owns running a statement unchanged, on a connection of its own. Values are bound to `?`, also in PostgreSQL.
"""

import asyncio
import re
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from typing import Any

import asyncpg

from rowen.store.database import locate
from rowen.store.engines.sqlite.location import SqliteFile


def fetch(database: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    location = locate(database)
    if isinstance(location, SqliteFile):
        with closing(sqlite3.connect(location.path, isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()
    numbers = count(1)
    numbered = re.sub(r"\?", lambda _: f"${next(numbers)}", statement)
    with ThreadPoolExecutor(1) as thread:  # the caller may have a running loop
        return thread.submit(asyncio.run, _fetch(database, numbered, values)).result()


def execute(database: str, *statements: str) -> None:
    """Run statements, one after the other."""
    for statement in statements:
        fetch(database, statement)


async def _fetch(database: str, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(database)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()
