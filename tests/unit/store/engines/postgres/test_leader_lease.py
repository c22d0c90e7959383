"""The leader among the processes of a PostgreSQL database: it stays one, gives it up, or loses it by hanging."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from rowen.store.engines.postgres import leader_lease, sessions
from tests.support.harness import FakeSeconds
from tests.support.postgres_engine import opened
from tests.support.sql import execute, fetch
from tests.support.storage import POSTGRES

_LEASES = "SELECT holder, expires_at FROM leases"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return a database without a leader."""
    return POSTGRES.new_database(tmp_path)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeSeconds:
    """Return the clock with which processes ask for the lease."""
    clock = FakeSeconds()
    monkeypatch.setattr(leader_lease, "monotonic", clock)
    return clock


async def test_a_leader_stays_the_leader(url: str, time: FakeSeconds) -> None:
    async with opened(url) as engine:
        assert await engine.try_lead()
        ((holder, first),) = fetch(url, _LEASES)
        async with opened(url) as other:
            assert not await other.try_lead()
        time.now += 0.5
        assert await engine.try_lead()
        assert fetch(url, _LEASES) == [(holder, first)], "it is not renewed all the time"
        time.now += 1
        assert await engine.try_lead()
        ((still, renewed),) = fetch(url, _LEASES)
        assert still == holder
        assert renewed >= first
        async with opened(url) as other:
            assert not await other.try_lead()


async def test_a_lease_that_was_not_renewed_passes_to_another(url: str, time: FakeSeconds) -> None:
    async with opened(url) as engine:
        assert await engine.try_lead()
        execute(url, "UPDATE leases SET expires_at = expires_at - 5001")  # five seconds pass in the server
        async with opened(url) as other:
            assert await other.try_lead()
            time.now += 5
            assert not await engine.try_lead()
            assert await other.try_lead()
            time.now += 2
            assert not await engine.try_lead()


async def test_a_process_that_hung_does_not_count_as_leader(
    url: str, time: FakeSeconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the response took so long that the lease may have expired, the process does not count as leader."""
    async with opened(url) as engine:

        async def slow(*given: object) -> object:
            time.now += 5
            return await alone(*given)  # type: ignore[arg-type]

        alone = sessions.execute_autonomously
        monkeypatch.setattr(leader_lease, "execute_autonomously", slow)
        assert not await engine.try_lead()


async def test_a_process_that_finds_it_taken_writes_nothing(url: str, time: FakeSeconds) -> None:
    async with opened(url) as engine:
        assert await engine.try_lead()
        before = await engine.read_state()
        async with opened(url) as other:
            assert not await other.try_lead()
        assert await engine.read_state() == before


async def test_a_lease_that_is_renewed_while_another_waits_for_it_is_kept(url: str, time: FakeSeconds) -> None:
    """The other one has found it expired; the expiry that it computed before is the earlier one."""
    async with opened(url) as engine:
        execute(url, "INSERT INTO leases VALUES ('tell', 'somebody', 0)")
        holder = await asyncpg.connect(url)
        async with holder.transaction():
            await holder.execute("UPDATE leases SET expires_at = 1")
            asked = asyncio.create_task(engine.try_lead())
            while not await holder.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.005)
            await holder.execute(
                "UPDATE leases SET expires_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 5000"
            )
        await holder.close()
        assert not await asked
        assert fetch(url, "SELECT holder FROM leases") == [("somebody",)]


async def test_the_lease_is_released_at_the_end(url: str, time: FakeSeconds) -> None:
    async with opened(url) as engine:
        async with opened(url) as first:
            assert await first.try_lead()
        assert fetch(url, _LEASES) == []
        assert await engine.try_lead()
