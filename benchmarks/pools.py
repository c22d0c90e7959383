"""`python -m benchmarks.pools`: a short statement through Rowen's connection pool, and through asyncpg's.

Owns the figures of docs/decisions/0026: the cost of a statement for one caller, and for 16 callers that share four
connections, and the outcome for a caller if the server accepts no more connections. Must not know tables. Both pools
use the same sessions, and asyncpg's gets a `reset=` that does nothing, so that neither sends anything between two uses.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from benchmarks.postgres import Postgres
from rowen.store.engines.postgres.pool import Connection, ConnectionPool
from rowen.store.engines.postgres.sessions import with_reconnect

_STATEMENT: Final = "SELECT $1::bigint"
_CONNECTIONS: Final = 4
_CALLERS: Final = (1, 16)
_ROUNDS: Final = 7
_STATEMENTS: Final = 3_000
_SECONDS: Final = 12.0
_LIMITED: Final = "limited"  # a role whose limit is one connection less than a pool would open

Ask = Callable[[], Awaitable[object]]


async def _fetch(connection: "Connection | PoolConnectionProxy[asyncpg.Record]") -> object:
    return await connection.fetchval(_STATEMENT, 1)


@asynccontextmanager
async def _pools(url: str) -> AsyncIterator[tuple[ConnectionPool, Any]]:
    """Open both pools, without any connection yet."""
    ours, source = ConnectionPool(url, _CONNECTIONS, _SECONDS), ConnectionPool(url, _CONNECTIONS, _SECONDS)

    async def connected(*_: object, **__: object) -> Connection:
        return await source.connect(ours.session)

    async def nothing(_: Connection) -> None: ...

    theirs = asyncpg.create_pool(
        min_size=0, max_size=_CONNECTIONS, max_inactive_connection_lifetime=0, connect=connected, reset=nothing
    )
    async with theirs:
        yield ours, theirs
    await ours.close()


async def _costs(url: str) -> list[str]:
    async with _pools(url) as (ours, theirs):
        lone = await ours.acquire()

        async def by_theirs() -> object:
            async with theirs.acquire() as connection:
                return await _fetch(connection)

        asked: dict[str, Ask] = {
            "one connection without a pool": lambda: _fetch(lone),
            "ours": lambda: with_reconnect(ours, _fetch),
            "asyncpg's": by_theirs,
        }
        lines = list(await _in_turns(asked, _CALLERS[0]))
        ours.release(lone)
        del asked["one connection without a pool"]
        return lines + list(await _in_turns(asked, _CALLERS[1]))


async def _in_turns(asked: dict[str, Ask], callers: int) -> Iterator[str]:
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
    for number in range(_ROUNDS + 1):
        for name, ask in asked.items():
            found = await _microseconds(ask, callers)
            if number:  # the first round opens connections
                measured[name].append(found)
    words = "{:>2} callers, {}: {:.0f} µs a statement, of which {:.0f} µs of this process's processor time"
    return (
        words.format(callers, name, *(median(each) for each in zip(*found, strict=True)))
        for name, found in measured.items()
    )


async def _microseconds(ask: Ask, callers: int) -> tuple[float, float]:
    """Return the time and processor time of a statement, in microseconds, with `callers` that send in a loop each."""

    async def call() -> None:
        for _ in range(_STATEMENTS // callers):
            await ask()

    wall, busy = perf_counter(), process_time()
    await asyncio.gather(*(call() for _ in range(callers)))
    count = _STATEMENTS // callers * callers
    return (perf_counter() - wall) * 1e6 / count, (process_time() - busy) * 1e6 / count


async def _at_the_limit(url: str) -> list[str]:
    """Return the outcome for a caller while all connections are in use and the server accepts no more."""
    async with _pools(url) as pools:
        found = []
        for name, pool in zip(("ours", "asyncpg's"), pools, strict=True):
            used = [await pool.acquire() for _ in range(_CONNECTIONS - 1)]
            one_more = asyncio.ensure_future(pool.acquire())
            await asyncio.wait((one_more,), timeout=0.5)
            for each in used:
                released = pool.release(each)
                if released is not None:
                    await released
            outcome = (await asyncio.gather(one_more, return_exceptions=True))[0]
            failed = isinstance(outcome, Exception)
            words = type(outcome).__name__ if failed else "it waits, and gets the first released connection"
            found.append(f"at the server's limit, {name}: {words}")
            if not failed:
                pool.release(outcome)
                await pool.close()
                await asyncio.sleep(0.5)  # until the server has noticed
        return found


def main() -> None:
    """Start the PostgreSQL server of the benchmarks, and print the figures."""
    folder = Path(__file__).parent / ".data"
    folder.mkdir(exist_ok=True)
    server = Postgres(folder.resolve())
    server.start()
    try:
        lines = asyncio.run(_costs(server.url()))
        server.execute(f"DROP ROLE IF EXISTS {_LIMITED}")  # left by a run that was killed
        server.execute(f"CREATE ROLE {_LIMITED} LOGIN CONNECTION LIMIT {_CONNECTIONS - 1}")
        try:
            lines += asyncio.run(_at_the_limit(server.url(user=_LIMITED)))
        finally:
            server.execute(f"DROP ROLE {_LIMITED}")
        print("\n".join(lines))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
