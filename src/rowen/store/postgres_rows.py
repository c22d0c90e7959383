"""Many rows at once, by PostgreSQL's COPY.

Owns that it ends when its connection does, and in its time: asyncpg waits for room to send, also where nothing will
ever be sent again, and measures that time without ending it. Must not know the tables.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg


async def add_rows(
    connection: asyncpg.Connection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    seconds: float | None = None,
) -> None:
    """Insert rows, within so many seconds. Raises what asyncpg does, and TimeoutError."""
    is_lost = False
    sending = asyncio.ensure_future(connection.copy_records_to_table(table, records=rows, columns=columns))

    def end(_: object) -> None:
        nonlocal is_lost
        is_lost = True
        sending.cancel()

    connection.add_termination_listener(end)
    try:
        async with asyncio.timeout(seconds):
            # Not awaited itself: what it raises once it is told to end says nothing.
            await asyncio.wait((sending,))
    finally:
        connection.remove_termination_listener(end)
        if not sending.done():
            sending.cancel()
            await asyncio.wait((sending,))
    if is_lost:
        sending.cancelled() or sending.exception()  # looked at, or asyncio would tell of it
        raise asyncpg.ConnectionDoesNotExistError("the connection was closed in the middle of COPY")
    sending.result()
