"""Noticing commits: at once, by any process, and with nothing running while nobody waits."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rowen import wiring
from rowen.store.database import locate, open_engine, upgrade
from rowen.store.engine import Location
from rowen.store.sqlite_file import SqliteFile
from rowen.store.watching import CommitWatcher
from tests.support.changes import NOW

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


def watching(location: Location, use: Callable[[CommitWatcher], Awaitable[None]]) -> None:
    """Run a use of a watcher to its end; no timer of its may outlive it."""

    async def whole() -> None:
        engine = open_engine(location)
        watcher = CommitWatcher(engine)
        if watcher.state is None:
            await watcher.wait(None, 0.0)
        try:
            await use(watcher)
            assert not watcher._waiters
            async with asyncio.timeout(LONG):
                while watcher._looking is not None:
                    await asyncio.sleep(0.001)
        finally:
            await engine.close()

    asyncio.run(whole())


def test_every_commit_changes_the_state(location: Location) -> None:
    async def use(watcher: CommitWatcher) -> None:
        seen = [watcher.state]
        for number in range(20):
            await commit(location, f"o{number}")
            await watcher.wait(seen[-1], LONG)
            seen.append(watcher.state)
        assert None not in seen
        assert len(set(seen)) == len(seen)

    watching(location, use)


def test_all_who_wait_hear_of_a_commit(location: Location) -> None:
    async def use(watcher: CommitWatcher) -> None:
        known = watcher.state
        waiters = [asyncio.create_task(watcher.wait(known, LONG)) for _ in range(50)]
        await asyncio.sleep(0)
        assert not any(waiter.done() for waiter in waiters)
        await commit(location, "one")
        async with asyncio.timeout(LONG / 2):
            await asyncio.gather(*waiters)

    watching(location, use)


def test_what_came_before_is_not_waited_for(location: Location) -> None:
    async def use(watcher: CommitWatcher) -> None:
        known = watcher.state
        await commit(location, "one")
        async with asyncio.timeout(LONG / 2):
            await watcher.wait(known, LONG)

    watching(location, use)


def test_waiting_ends_with_its_time(location: Location) -> None:
    async def use(watcher: CommitWatcher) -> None:
        known = watcher.state
        await watcher.wait(known, 0.0)
        await watcher.wait(known, 0.02)

    watching(location, use)


def test_a_look_is_finished_although_nobody_waits_any_more(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    """To cut it off would cost a connection to the database."""

    async def use(watcher: CommitWatcher) -> None:
        begun, go_on, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()
        look = watcher._engine.look

        async def slow() -> bytes | None:
            begun.set()
            await go_on.wait()
            found = await look()
            finished.set()
            return found

        monkeypatch.setattr(watcher._engine, "look", slow)
        waiter = asyncio.create_task(watcher.wait(watcher.state, LONG))
        await begun.wait()
        waiter.cancel()
        await asyncio.wait([waiter])
        go_on.set()
        await finished.wait()

    watching(location, use)


def test_who_leaves_leaves_nothing_behind(location: Location) -> None:
    async def use(watcher: CommitWatcher) -> None:
        waiters = [asyncio.create_task(watcher.wait(watcher.state, LONG)) for _ in range(2)]
        await asyncio.sleep(0)
        for waiter in waiters:
            assert watcher._looking is not None
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter

    watching(location, use)


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    """Return a database of an engine whose commits can be seen without a statement."""
    found = SqliteFile(tmp_path / "rowen.db")
    upgrade(found)
    return found


@pytest.fixture
def without_log(file: SqliteFile) -> Iterator[SqliteFile]:
    """Return a database without a write-ahead log: nothing of it is in shared memory."""
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    yield file


def test_where_there_is_nothing_to_see_everyone_looks_for_himself(without_log: SqliteFile) -> None:
    async def use(watcher: CommitWatcher) -> None:
        assert watcher.state is None
        async with asyncio.timeout(LONG / 2):
            await watcher.wait(None, LONG)

    watching(without_log, use)


def test_a_database_that_is_gone_ends_the_waiting_and_not_the_watcher(file: SqliteFile) -> None:
    async def use(watcher: CommitWatcher) -> None:
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

    watching(file, use)
