"""Connections to a real PostgreSQL: how many there are, who gets one next, and what happens at the server's limit."""

import asyncio
import socket

import asyncpg
import pytest

from rowen.interviews.errors import Unavailable
from rowen.store.engines.postgres import pool as postgres_pool
from rowen.store.engines.postgres.pool import Connection, ConnectionPool, SessionProperties
from tests.support.cluster import pgbouncer
from tests.support.postgres import new_database, shared_postgres
from tests.support.postgres_engine import end_sessions, limited, until

_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'"


@pytest.fixture(scope="module")
def url() -> str:
    """Return the URL of a database."""
    return new_database()


class CountingPool(ConnectionPool):
    """A pool that counts how often it tries to connect."""

    attempts = 0

    async def connect(self, session: SessionProperties) -> Connection:
        self.attempts += 1
        return await super().connect(session)


async def waiting(pool: ConnectionPool, count: int = 1) -> list[asyncio.Task[Connection]]:
    """Return tasks that wait for a connection, one after the other, once they do."""
    tasks: list[asyncio.Task[Connection]] = []
    for _ in range(count):
        before = pool.waiting
        tasks.append(asyncio.create_task(pool.acquire()))
        await until(lambda: pool.waiting > before)  # noqa: B023  (awaited here)
    return tasks


async def close(pool: ConnectionPool, *taken: Connection) -> None:
    for each in taken:
        pool.release(each)
    await pool.close()


async def test_it_opens_no_more_than_it_may_and_hands_on_in_order(url: str) -> None:
    pool = ConnectionPool(url, 2, 10)
    one, two = await pool.acquire(), await pool.acquire()
    first, second, third = await waiting(pool, 3)
    pool.release(one)
    assert await first is one
    pool.release(two)
    assert await second is two
    pool.release(one)
    assert await third is one
    pool.release(two)
    assert await pool.acquire() is two, "one that nobody waits for is kept"
    await close(pool, one, two)


async def test_a_session_is_set_up_once(url: str) -> None:
    pool = ConnectionPool(url, 1, 10)
    connection = await pool.acquire()
    assert pool.session.lasting
    for name, value in postgres_pool.SESSION_SETTINGS.items():
        assert await connection.fetchval(f"SHOW {name}") == value
    await close(pool, connection)


async def test_behind_a_pooler_each_transaction_is_set_up(url: str) -> None:
    async def test(pooled: str) -> None:
        pool = ConnectionPool(pooled, 1, 10)
        connection = await pool.acquire()
        assert not pool.session.lasting
        await connection.execute(pool.session.begin)
        for name, value in postgres_pool.SESSION_SETTINGS.items():
            assert await connection.fetchval(f"SHOW {name}") == value
        await connection.execute("COMMIT")
        assert await connection.fetchval("SHOW enable_seqscan") == "on", "who comes next is not bound by it"
        await close(pool, connection)

    with pgbouncer(url) as pooled:
        await test(pooled)


async def test_after_a_renewal_it_returns_none_of_its_old_connections(url: str) -> None:
    pool = ConnectionPool(url, 2, 10)
    used, idle = await pool.acquire(), await pool.acquire()
    pool.release(idle)
    generation = pool.generation
    pool.expire()
    assert idle.is_closed()
    assert not used.is_closed(), "what is in use is used to the end"
    fresh = await pool.acquire()
    (waiter,) = await waiting(pool)
    pool.release(used)
    assert used.is_closed()
    last = await waiter
    assert not {used, idle} & {fresh, last}
    assert pool.generation == generation + 2
    pool.release(last)
    assert await pool.acquire() is last, "only what was open then"
    await close(pool, fresh, last)


async def test_a_connection_on_its_way_to_a_waiter_is_replaced_too(url: str) -> None:
    pool = ConnectionPool(url, 1, 10)
    one = await pool.acquire()
    (waiter,) = await waiting(pool)
    pool.release(one)
    pool.expire()
    pool.release(await waiter)
    assert one.is_closed()
    await close(pool)


async def test_one_that_the_server_has_ended_is_not_given(url: str) -> None:
    pool = ConnectionPool(url, 1, 10)
    one = await pool.acquire()
    pool.release(one)
    generation = pool.generation
    end_sessions(url)
    await until(one.is_closed)
    another = await pool.acquire()
    assert await another.fetchval("SELECT 1") == 1
    assert pool.generation > generation, "facts cached about the server must be read again"
    await close(pool, another)


async def test_at_the_limit_of_the_server_it_goes_on_with_what_it_has(url: str) -> None:
    pool = CountingPool(url, 4, 10)
    only = await pool.acquire()
    with limited(url, 1):
        waiters = await waiting(pool, 3)
        attempts = pool.attempts
        for waiter in waiters:
            pool.release(only)
            assert await waiter is only
        assert pool.attempts == attempts, "who waits does not try again and again"
    others = [await pool.acquire() for _ in range(3)]
    assert len({only, *others}) == 4, "where there is room again, it is used"
    await close(pool, only, *others)


async def test_a_connection_returned_while_another_is_refused_is_used(url: str) -> None:
    pool = ConnectionPool(url, 2, 10)
    only = await pool.acquire()
    with limited(url, 1):
        late = asyncio.create_task(pool.acquire())
        await until(lambda: pool.size == 2)
        pool.release(only)  # nobody waits: it becomes idle
        assert await late is only
    await close(pool, only)


async def test_without_a_connection_at_the_limit_it_fails_with_the_reason(url: str) -> None:
    pool = ConnectionPool(url, 2, 10)
    with limited(url, 0):
        for _ in range(2):
            with pytest.raises(asyncpg.TooManyConnectionsError):
                await pool.acquire()
    await close(pool, await pool.acquire())


async def test_nobody_waits_for_ever(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_pool, "PATIENCE_SECONDS", 0.01)

    pool = ConnectionPool(url, 1, 10)
    one = await pool.acquire()
    with pytest.raises(Unavailable, match="busy for too long"):
        await pool.acquire()
    pool.release(one)
    assert await pool.acquire() is one
    await close(pool, one)


async def test_a_connection_given_to_a_cancelled_caller_goes_to_the_next(url: str) -> None:
    pool = ConnectionPool(url, 1, 10)
    one = await pool.acquire()
    gone, second = await waiting(pool, 2)
    pool.release(one)
    gone.cancel()
    if await asyncio.wait([gone]) and not gone.cancelled():
        pool.release(gone.result())  # it arrived before the cancellation
    assert await second is one
    (gone,) = await waiting(pool)
    gone.cancel()
    await asyncio.wait([gone])
    pool.release(one)
    assert await pool.acquire() is one
    await close(pool, one)


async def test_given_up_it_ends_the_waiting_too(url: str) -> None:
    """Otherwise the waiting callers would find out one after the other that the server does not respond."""
    pool = ConnectionPool(url, 1, 10)
    one = await pool.acquire()
    waiters = await waiting(pool, 3)
    pool.terminate()
    await asyncio.wait(waiters)
    for waiter in waiters:
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            waiter.result()
    pool.release(one)
    again = await pool.acquire()
    assert again is not one
    await close(pool, again)


def test_a_caller_cancelled_while_connecting_leaves_nothing(url: str) -> None:
    """On a loop of its own: asyncpg leaves an error that nobody retrieves where it is cut off while it connects."""

    async def test() -> None:
        pool = ConnectionPool(url, 1, 10)
        for steps in range(40):
            task = asyncio.create_task(pool.acquire())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                pool.release(task.result())
        await close(pool, await pool.acquire())
        count = _SESSIONS.format(url.rpartition("/")[2])
        await until(lambda: shared_postgres().execute(count) == "0")

    asyncio.run(test())


async def test_a_host_that_hangs_does_not_stand_before_the_next(url: str) -> None:
    """Its machine is gone, so that nobody refuses the connection: each host has its own time limit."""

    async def test(address: str) -> None:
        pool = CountingPool(address, 2, 10, connect_seconds=2.0)
        connection, other = await pool.acquire(), await pool.acquire()
        assert await connection.fetchval("SELECT 1") == 1
        await close(pool, connection, other)

    with socket.create_server(("127.0.0.1", 0)) as mute:
        hosts = f"@127.0.0.1:{mute.getsockname()[1]},127.0.0.1:{shared_postgres().port}/"
        await test(url.replace(f"@127.0.0.1:{shared_postgres().port}/", hosts) + "?target_session_attrs=primary")


async def test_if_no_host_responds_the_first_reason_is_reported(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        closed = probe.getsockname()[1]
    standby = f"@127.0.0.1:{closed},127.0.0.1:{shared_postgres().port}/"
    address = url.replace(f"@127.0.0.1:{shared_postgres().port}/", standby)
    with pytest.raises(ConnectionRefusedError):
        await ConnectionPool(f"{address}?target_session_attrs=standby", 1, 10).acquire()
    with pytest.raises(Unavailable, match="none of its servers is the primary"):
        await ConnectionPool(f"{url}?target_session_attrs=standby", 1, 10).acquire()


async def test_closing_it_ends_connections_in_use_too(url: str) -> None:
    pool = ConnectionPool(url, 2, 10)
    used, idle = await pool.acquire(), await pool.acquire()
    pool.release(idle)
    await pool.close()
    assert used.is_closed()
    assert idle.is_closed()


async def test_a_connection_that_is_opened_while_the_pool_closes_is_not_kept(url: str) -> None:
    pool = ConnectionPool(url, 1, 10)
    opening = asyncio.create_task(pool.acquire())
    await until(lambda: pool.size == 1)
    await pool.close()
    connection = await opening
    pool.release(connection)
    assert connection.is_closed()
    assert pool.size == 0
