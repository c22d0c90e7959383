"""Connections to a real PostgreSQL: how many there are, who gets one next, and what happens at the server's limit."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg
import pytest

from rowen.interviews.errors import Unavailable
from rowen.store import postgres_pool
from rowen.store.postgres_pool import Connection, Pool, Session
from tests.support.cluster import pgbouncer
from tests.support.postgres import new_database, shared_postgres
from tests.support.programs import SECONDS

_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'"


@pytest.fixture(scope="module")
def url() -> str:
    """Return the URL of a database."""
    return new_database()


class CountingPool(Pool):
    """A pool that counts how often it tries to connect."""

    attempts = 0

    async def _connect(self, session: Session) -> Connection:
        self.attempts += 1
        return await super()._connect(session)


async def until(condition: Callable[[], bool]) -> None:
    """Return once a condition holds, while others go on."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


async def waiting(pool: Pool, count: int = 1) -> list[asyncio.Task[Connection]]:
    """Return who wait for a connection, one behind the other, once they do."""
    tasks: list[asyncio.Task[Connection]] = []
    for _ in range(count):
        before = len(pool._waiters)
        tasks.append(asyncio.create_task(pool.take()))
        await until(lambda: len(pool._waiters) > before)  # noqa: B023  (awaited here)
    return tasks


async def close(pool: Pool, *taken: Connection) -> None:
    for each in taken:
        pool.give(each)
    await pool.close()


@contextmanager
def limited(url: str, most: int) -> Iterator[None]:
    """Let no more than so many connections into a database, as a server does that is full."""
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


def test_it_opens_no_more_than_it_may_and_hands_on_in_order(url: str) -> None:
    async def test() -> None:
        pool = Pool(url, 2, 10)
        one, two = await pool.take(), await pool.take()
        first, second, third = await waiting(pool, 3)
        pool.give(one)
        assert await first is one
        pool.give(two)
        assert await second is two
        pool.give(one)
        assert await third is one
        pool.give(two)
        assert await pool.take() is two, "one that nobody waits for is kept"
        await close(pool, one, two)

    asyncio.run(test())


def test_a_session_is_set_up_once(url: str) -> None:
    async def test() -> None:
        pool = Pool(url, 1, 10)
        connection = await pool.take()
        assert pool.session.lasting
        for name, value in postgres_pool._SESSION.items():
            assert await connection.fetchval(f"SHOW {name}") == value
        await close(pool, connection)

    asyncio.run(test())


def test_behind_a_pooler_each_transaction_is_set_up(url: str) -> None:
    async def test(pooled: str) -> None:
        pool = Pool(pooled, 1, 10)
        connection = await pool.take()
        assert not pool.session.lasting
        await connection.execute(pool.session.begin)
        for name, value in postgres_pool._SESSION.items():
            assert await connection.fetchval(f"SHOW {name}") == value
        await connection.execute("COMMIT")
        assert await connection.fetchval("SHOW enable_seqscan") == "on", "who comes next is not bound by it"
        await close(pool, connection)

    with pgbouncer(url) as pooled:
        asyncio.run(test(pooled))


def test_renewed_it_gives_none_that_it_had(url: str) -> None:
    async def test() -> None:
        pool = Pool(url, 2, 10)
        used, idle = await pool.take(), await pool.take()
        pool.give(idle)
        generation = pool.generation
        pool.renew()
        assert idle.is_closed()
        assert not used.is_closed(), "what is in use is used to the end"
        fresh = await pool.take()
        (waiter,) = await waiting(pool)
        pool.give(used)
        assert used.is_closed()
        last = await waiter
        assert not {used, idle} & {fresh, last}
        assert pool.generation == generation + 2
        pool.give(last)
        assert await pool.take() is last, "only what was open then"
        await close(pool, fresh, last)

    asyncio.run(test())


def test_one_that_is_on_its_way_to_who_waits_is_renewed_too(url: str) -> None:
    async def test() -> None:
        pool = Pool(url, 1, 10)
        one = await pool.take()
        (waiter,) = await waiting(pool)
        pool.give(one)
        pool.renew()
        pool.give(await waiter)
        assert one.is_closed()
        await close(pool)

    asyncio.run(test())


def test_one_that_the_server_has_ended_is_not_given(url: str) -> None:
    async def test() -> None:
        pool = Pool(url, 1, 10)
        one = await pool.take()
        pool.give(one)
        generation = pool.generation
        end_sessions(url)
        await until(one.is_closed)
        another = await pool.take()
        assert await another.fetchval("SELECT 1") == 1
        assert pool.generation > generation, "whoever knew something of the server is to look anew"
        await close(pool, another)

    asyncio.run(test())


def test_at_the_limit_of_the_server_it_goes_on_with_what_it_has(url: str) -> None:
    async def test() -> None:
        pool = CountingPool(url, 4, 10)
        only = await pool.take()
        with limited(url, 1):
            waiters = await waiting(pool, 3)
            attempts = pool.attempts
            for waiter in waiters:
                pool.give(only)
                assert await waiter is only
            assert pool.attempts == attempts, "who waits does not try again and again"
        others = [await pool.take() for _ in range(3)]
        assert len({only, *others}) == 4, "where there is room again, it is used"
        await close(pool, only, *others)

    asyncio.run(test())


def test_what_is_given_back_while_another_is_refused_is_taken(url: str) -> None:
    async def test() -> None:
        pool = Pool(url, 2, 10)
        only = await pool.take()
        with limited(url, 1):
            late = asyncio.create_task(pool.take())
            await until(lambda: pool._open == 2)
            pool.give(only)  # nobody waits: it becomes idle
            assert await late is only
        await close(pool, only)

    asyncio.run(test())


def test_with_none_at_the_limit_it_says_so(url: str) -> None:
    async def test() -> None:
        pool = Pool(url, 2, 10)
        with limited(url, 0):
            for _ in range(2):
                with pytest.raises(asyncpg.TooManyConnectionsError):
                    await pool.take()
        await close(pool, await pool.take())

    asyncio.run(test())


def test_nobody_waits_for_ever(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_pool, "_PATIENCE_SECONDS", 0.01)

    async def test() -> None:
        pool = Pool(url, 1, 10)
        one = await pool.take()
        with pytest.raises(Unavailable, match="busy for too long"):
            await pool.take()
        pool.give(one)
        assert await pool.take() is one
        await close(pool, one)

    asyncio.run(test())


def test_what_was_handed_to_one_who_went_away_goes_to_the_next(url: str) -> None:
    async def test() -> None:
        pool = Pool(url, 1, 10)
        one = await pool.take()
        gone, second = await waiting(pool, 2)
        pool.give(one)
        gone.cancel()
        if await asyncio.wait([gone]) and not gone.cancelled():
            pool.give(gone.result())  # it came before it could go
        assert await second is one
        (gone,) = await waiting(pool)
        gone.cancel()
        await asyncio.wait([gone])
        pool.give(one)
        assert await pool.take() is one
        await close(pool, one)

    asyncio.run(test())


def test_given_up_it_ends_the_waiting_too(url: str) -> None:
    """Who waits would otherwise be the next to find out that the server does not answer, each after the other."""

    async def test() -> None:
        pool = Pool(url, 1, 10)
        one = await pool.take()
        waiters = await waiting(pool, 3)
        pool.abandon()
        await asyncio.wait(waiters)
        for waiter in waiters:
            with pytest.raises(asyncpg.ConnectionDoesNotExistError):
                waiter.result()
        pool.give(one)
        again = await pool.take()
        assert again is not one
        await close(pool, again)

    asyncio.run(test())


def test_who_goes_away_while_it_connects_leaves_nothing(url: str) -> None:
    async def test() -> None:
        pool = Pool(url, 1, 10)
        for steps in range(40):
            task = asyncio.create_task(pool.take())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                pool.give(task.result())
        await close(pool, await pool.take())
        count = _SESSIONS.format(url.rpartition("/")[2])
        await until(lambda: shared_postgres().execute(count) == "0")

    asyncio.run(test())


def test_a_host_that_hangs_does_not_stand_before_the_next(url: str) -> None:
    """Its machine is gone, so that nobody refuses the connection: each host has its own time."""

    async def test(address: str) -> None:
        pool = CountingPool(address, 2, 10, connect_seconds=0.5)
        connection, other = await pool.take(), await pool.take()
        assert await connection.fetchval("SELECT 1") == 1
        await close(pool, connection, other)

    with socket.create_server(("127.0.0.1", 0)) as mute:
        hosts = f"@127.0.0.1:{mute.getsockname()[1]},127.0.0.1:{shared_postgres().port}/"
        asyncio.run(test(url.replace(f"@127.0.0.1:{shared_postgres().port}/", hosts) + "?target_session_attrs=primary"))


def test_where_no_host_answers_the_first_reason_is_told(url: str) -> None:
    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            closed = probe.getsockname()[1]
        standby = f"@127.0.0.1:{closed},127.0.0.1:{shared_postgres().port}/"
        address = url.replace(f"@127.0.0.1:{shared_postgres().port}/", standby)
        with pytest.raises(ConnectionRefusedError):
            await Pool(f"{address}?target_session_attrs=standby", 1, 10).take()
        with pytest.raises(Unavailable, match="none of its servers is the primary"):
            await Pool(f"{url}?target_session_attrs=standby", 1, 10).take()

    asyncio.run(test())


def test_closed_it_has_ended_what_is_in_use_too(url: str) -> None:
    async def test() -> None:
        pool = Pool(url, 2, 10)
        used, idle = await pool.take(), await pool.take()
        pool.give(idle)
        await pool.close()
        assert used.is_closed()
        assert idle.is_closed()

    asyncio.run(test())
