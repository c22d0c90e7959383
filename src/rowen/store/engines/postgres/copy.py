"""Many rows at once, by PostgreSQL's COPY.

Owns that COPY ends with its connection, and in time: asyncpg waits for room to send even if nothing can ever be sent
again, and does not enforce its timeout then. Must not know the tables.
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
    """Insert rows within `seconds`. Raises what asyncpg raises, and TimeoutError."""
    is_lost = False
    sending = asyncio.ensure_future(connection.copy_records_to_table(table, records=rows, columns=columns))

    def end(_: object) -> None:
        nonlocal is_lost
        is_lost = True
        sending.cancel()

    connection.add_termination_listener(end)
    try:
        async with asyncio.timeout(seconds):
            # Not awaited directly: the exception after its cancellation is of no interest.
            await asyncio.wait((sending,))
    finally:
        connection.remove_termination_listener(end)
        if not sending.done():
            sending.cancel()
            await asyncio.wait((sending,))
    if is_lost:
        sending.cancelled() or sending.exception()  # marks the exception as retrieved: asyncio would log it
        raise asyncpg.ConnectionDoesNotExistError("the connection was closed in the middle of COPY")
    sending.result()
