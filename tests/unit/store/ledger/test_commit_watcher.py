"""Noticing commits: at once, by any process, and with nothing running while nobody waits."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from rowen import wiring
from rowen.store.database import locate, open_engine, upgrade
from rowen.store.engines.base import Engine, Location
from rowen.store.engines.sqlite.location import SqliteFile
from rowen.store.ledger.commit_watcher import CommitWatcher
from tests.support.harness import NOW

LONG = 60.0


@pytest.fixture
def location(database: str) -> Location:
    found = locate(database)
    upgrade(found)
    return found


async def commit(location: Location, name: str) -> None:
    """Commit as another process does: through an engine of its own."""
    async with wiring.opened(location) as other:
        await other.organizations.create(name, "UTC", NOW)


def seen(watcher: CommitWatcher) -> bytes | None:
    return watcher.state


def is_polling() -> bool:
    """Return whether a watcher polls in this loop."""
    return any(task.get_name() == "commits: looking" for task in asyncio.all_tasks())


@asynccontextmanager
async def watching(location: Location, engine: Engine | None = None) -> AsyncIterator[CommitWatcher]:
    """Return a watcher; at the end of the block it must stop polling: nobody waits any more."""
    engine = engine or open_engine(location)
    watcher = CommitWatcher(engine)
    if watcher.state is None:
        await watcher.wait(None, 0.0)
    try:
        yield watcher
        async with asyncio.timeout(LONG):
            while is_polling():
                await asyncio.sleep(0.001)
    finally:
        await engine.close()


async def test_every_commit_changes_the_state(location: Location) -> None:
    async with watching(location) as watcher:
        seen = [watcher.state]
        for number in range(20):
            await commit(location, f"o{number}")
            await watcher.wait(seen[-1], LONG)
            seen.append(watcher.state)
        assert None not in seen
        assert len(set(seen)) == len(seen)


async def test_a_commit_wakes_all_waiters(location: Location) -> None:
    async with watching(location) as watcher:
        known = watcher.state
        waiters = [asyncio.create_task(watcher.wait(known, LONG)) for _ in range(50)]
        await asyncio.sleep(0)
        assert not any(waiter.done() for waiter in waiters)
        await commit(location, "one")
        async with asyncio.timeout(LONG / 2):
            await asyncio.gather(*waiters)


async def test_an_earlier_commit_is_not_waited_for(location: Location) -> None:
    async with watching(location) as watcher:
        known = watcher.state
        await commit(location, "one")
        async with asyncio.timeout(LONG / 2):
            await watcher.wait(known, LONG)


async def test_waiting_ends_with_its_time(location: Location) -> None:
    async with watching(location) as watcher:
        known = watcher.state
        await watcher.wait(known, 0.0)
        await watcher.wait(known, 0.02)


async def test_a_look_is_finished_although_nobody_waits_any_more(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelling it would cost a connection to the database."""
    engine = open_engine(location)
    async with watching(location, engine) as watcher:
        begun, go_on, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()
        read_state = engine.read_state

        async def slow() -> bytes | None:
            begun.set()
            await go_on.wait()
            found = await read_state()
            finished.set()
            return found

        monkeypatch.setattr(engine, "read_state", slow)
        waiter = asyncio.create_task(watcher.wait(watcher.state, LONG))
        await begun.wait()
        waiter.cancel()
        await asyncio.wait([waiter])
        go_on.set()
        await finished.wait()


async def test_a_cancelled_caller_leaves_nothing_behind(location: Location) -> None:
    async with watching(location) as watcher:
        waiters = [asyncio.create_task(watcher.wait(watcher.state, LONG)) for _ in range(2)]
        await asyncio.sleep(0)
        for waiter in waiters:
            assert is_polling()
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    """Return a database on an engine whose commits can be seen without a statement."""
    found = SqliteFile(tmp_path / "rowen.db")
    upgrade(found)
    return found


@pytest.fixture
def without_log(file: SqliteFile) -> Iterator[SqliteFile]:
    """Return a database without a write-ahead log: none of it is in shared memory."""
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    yield file


async def test_where_there_is_nothing_to_see_everyone_looks_for_himself(without_log: SqliteFile) -> None:
    async with watching(without_log) as watcher:
        assert watcher.state is None
        async with asyncio.timeout(LONG / 2):
            await watcher.wait(None, LONG)


async def test_a_database_that_is_gone_ends_the_waiting_and_not_the_watcher(file: SqliteFile) -> None:
    async with watching(file) as watcher:
        away = file.path.with_suffix(".away")
        file.path.rename(away)
        assert seen(watcher) is None
        await watcher.wait(b"what was known", LONG)
        away.rename(file.path)
        known = seen(watcher)
        assert known is not None
        waiter = asyncio.create_task(watcher.wait(known, LONG))
        await asyncio.sleep(0)
        await commit(file, "one")
        async with asyncio.timeout(LONG / 2):
            await waiter
