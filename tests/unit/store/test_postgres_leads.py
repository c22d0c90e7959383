"""The lead among the processes of a PostgreSQL database: one has it, keeps it, gives it up, or loses it by hanging."""

from pathlib import Path

import pytest

from rowen.store import postgres
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
    monkeypatch.setattr(postgres, "monotonic", clock)
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

        alone = postgres._alone
        monkeypatch.setattr(postgres, "_alone", slow)
        assert not await engine.lead()

    using(url, test)


def test_the_lead_is_given_at_the_end(url: str, time: Time) -> None:
    async def test(engine: PostgresEngine) -> None:
        async with opened(url) as first:
            assert await first.lead()
        assert fetch(url, _LEASES) == []
        assert await engine.lead()

    using(url, test)
