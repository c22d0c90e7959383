"""The lead among the processes of a PostgreSQL database: one has it, keeps it, gives it up, or loses it by hanging."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from rowen.store import postgres_lease, postgres_use
from rowen.store.postgres import PostgresEngine
from tests.support.sql import execute, fetch
from tests.support.storage import POSTGRES
from tests.unit.store.test_postgres_engine import opened, using

_LEASES = "SELECT holder, expires_at FROM leases"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return a database in which nobody leads."""
    return POSTGRES.new_database(tmp_path)


class Time:
    """A monotonic clock that stands still."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Return the clock by which processes ask for the lead."""
    clock = Time()
    monkeypatch.setattr(postgres_lease, "monotonic", clock)
    return clock


def test_one_leads_and_keeps_it(url: str, time: Time) -> None:
    async def test(engine: PostgresEngine) -> None:
        assert await engine.lead()
        ((holder, first),) = fetch(url, _LEASES)
        async with opened(url) as other:
            assert not await other.lead()
        time.now += 0.5
        assert await engine.lead()
        assert fetch(url, _LEASES) == [(holder, first)], "it is not renewed all the time"
        time.now += 1
        assert await engine.lead()
        ((still, renewed),) = fetch(url, _LEASES)
        assert still == holder
        assert renewed >= first
        async with opened(url) as other:
            assert not await other.lead()

    using(url, test)


def test_a_lead_that_was_not_renewed_passes_on(url: str, time: Time) -> None:
    async def test(engine: PostgresEngine) -> None:
        assert await engine.lead()
        execute(url, "UPDATE leases SET expires_at = expires_at - 5001")  # five seconds have gone by in the server
        async with opened(url) as other:
            assert await other.lead()
            time.now += 5
            assert not await engine.lead()
            assert await other.lead()
            time.now += 2
            assert not await engine.lead()

    using(url, test)


def test_who_hung_does_not_believe_that_it_leads(url: str, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the answer to its question took so long that the lease may be over, it is not taken for granted."""

    async def test(engine: PostgresEngine) -> None:
        async def slow(*given: object) -> object:
            time.now += 5
            return await alone(*given)  # type: ignore[arg-type]

        alone = postgres_use.write_alone
        monkeypatch.setattr(postgres_lease, "write_alone", slow)
        assert not await engine.lead()

    using(url, test)


def test_who_finds_it_taken_writes_nothing(url: str, time: Time) -> None:
    async def test(engine: PostgresEngine) -> None:
        assert await engine.lead()
        before = await engine.look()
        async with opened(url) as other:
            assert not await other.lead()
        assert await engine.look() == before

    using(url, test)


def test_a_lease_that_is_renewed_while_another_waits_for_it_is_kept(url: str, time: Time) -> None:
    """The other has found it to be over, and its own end, which it reckoned before, is the earlier one."""

    async def test(engine: PostgresEngine) -> None:
        execute(url, "INSERT INTO leases VALUES ('tell', 'somebody', 0)")
        holder = await asyncpg.connect(url)
        async with holder.transaction():
            await holder.execute("UPDATE leases SET expires_at = 1")
            asked = asyncio.create_task(engine.lead())
            while not await holder.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.005)
            await holder.execute(
                "UPDATE leases SET expires_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 5000"
            )
        await holder.close()
        assert not await asked
        assert fetch(url, "SELECT holder FROM leases") == [("somebody",)]

    using(url, test)


def test_the_lead_is_given_at_the_end(url: str, time: Time) -> None:
    async def test(engine: PostgresEngine) -> None:
        async with opened(url) as first:
            assert await first.lead()
        assert fetch(url, _LEASES) == []
        assert await engine.lead()

    using(url, test)
