"""The write-ahead log of a real file is emptied when nobody writes, and kept within limits while somebody does."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from rowen.store.engines.base import Prepared, Transaction
from rowen.store.engines.sqlite import upkeep as sqlite_upkeep
from rowen.store.engines.sqlite.connections import LOG_BYTES, create
from rowen.store.engines.sqlite.engine import SqliteEngine

pytestmark = pytest.mark.slow

MEBIBYTE = 1024 * 1024
INSERT = Prepared("INSERT INTO notes VALUES (randomblob(?))", ("size",))
SECONDS = 60


class Kept:
    """An engine on a new file, and the size of its log."""

    def __init__(self, path: Path) -> None:
        create(path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE notes (text BLOB)")
        self.path = path
        self.engine = SqliteEngine(path)

    @property
    def size(self) -> int:
        """The size of the log."""
        return Path(f"{self.path}-wal").stat().st_size

    async def write(self, mebibytes: int) -> None:
        async def unit(transaction: Transaction) -> None:
            for _ in range(mebibytes):
                await transaction.run(INSERT, {"size": MEBIBYTE})

        await self.engine.write(unit)

    async def while_maintained(self, is_reached: Callable[[], bool]) -> None:
        """Return once a condition holds while the engine maintains its files."""
        upkeep = asyncio.create_task(self.engine.maintain())
        try:
            async with asyncio.timeout(SECONDS):
                while not is_reached():
                    await asyncio.sleep(0.01)
        finally:
            upkeep.cancel()
            with suppress(asyncio.CancelledError):
                await upkeep


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setattr(sqlite_upkeep, "PAUSE_SECONDS", 0.1)
    found = Kept(tmp_path / "notes.db")
    yield found
    asyncio.run(found.engine.close())


async def test_an_idle_log_is_emptied(kept: Kept) -> None:
    await kept.write(3)
    assert kept.size > 3 * MEBIBYTE
    await kept.while_maintained(lambda: kept.size == 0)
    await kept.write(1)


async def test_a_log_that_grew_is_cut_to_its_limit_by_the_next_writer(kept: Kept) -> None:
    await kept.write(2 * LOG_BYTES // MEBIBYTE)
    assert kept.size > 2 * LOG_BYTES
    await kept.write(1)
    assert kept.size <= LOG_BYTES


async def test_a_long_reader_keeps_the_log_for_as_long_as_it_reads_and_stops_nobody(kept: Kept) -> None:
    with closing(sqlite3.connect(kept.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == (0,)
        for _ in range(3):
            await kept.write(sqlite_upkeep.LARGE_LOG_BYTES // MEBIBYTE // 2)
        attempts = 0

        def write_now_and_then() -> bool:
            nonlocal attempts
            attempts += 1
            return attempts > 100

        await kept.while_maintained(write_now_and_then)
        assert kept.size > sqlite_upkeep.LARGE_LOG_BYTES
        await kept.write(1)
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == (0,)
        reader.execute("COMMIT")
    await kept.while_maintained(lambda: kept.size == 0)


async def test_a_large_log_is_emptied_though_others_go_on_writing(kept: Kept) -> None:
    with closing(sqlite3.connect(kept.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM notes").fetchone()
        for _ in range(3):
            await kept.write(sqlite_upkeep.LARGE_LOG_BYTES // MEBIBYTE // 2)
        reader.execute("COMMIT")
    done = asyncio.Event()

    async def go_on() -> None:
        while not done.is_set():
            await kept.engine.write(_nothing_much)

    writing = asyncio.create_task(go_on())
    await kept.while_maintained(lambda: kept.size <= LOG_BYTES)
    done.set()
    await writing


async def _nothing_much(transaction: Transaction) -> None:
    await transaction.run(INSERT, {"size": 1})
