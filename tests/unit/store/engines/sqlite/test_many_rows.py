"""Adding many rows with few statements: all of them, or none."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from rowen.store.engines.base import Insertion, Prepared, Transaction
from rowen.store.engines.sqlite.connections import create
from rowen.store.engines.sqlite.engine import SqliteEngine

Note = tuple[int, str | None]
INSERTION: Final = Insertion("notes", Prepared("INSERT INTO notes (id, text) VALUES (?, ?)", ("id", "text")))


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    create(tmp_path / "notes.db")
    with closing(sqlite3.connect(tmp_path / "notes.db")) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER NOT NULL UNIQUE, text TEXT)")
    engine = SqliteEngine(tmp_path / "notes.db")
    yield engine
    await engine.close()


async def add(engine: SqliteEngine, notes: Sequence[Note]) -> None:
    """Add notes in one transaction."""

    async def work(transaction: Transaction) -> None:
        await transaction.insert(INSERTION, notes)

    await engine.write(work)


async def stored(engine: SqliteEngine) -> list[Note]:
    """Return the notes in the order in which they were added."""
    return [
        (row[0], row[1]) for row in await engine.rows(Prepared("SELECT id, text FROM notes ORDER BY rowid", ()), {})
    ]


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 2_500])
async def test_all_rows_are_added_in_their_order(engine: SqliteEngine, count: int) -> None:
    notes = [(number, f"{number}?)") for number in reversed(range(count))]
    await add(engine, notes)
    assert await stored(engine) == notes


@pytest.mark.parametrize("text", [None, "same", "?1"])
async def test_what_all_rows_share_is_the_same_in_each(engine: SqliteEngine, text: str | None) -> None:
    notes = [(number, text) for number in range(2_500)]
    await add(engine, notes)
    assert await stored(engine) == notes


async def test_ends_that_are_alike_are_not_all(engine: SqliteEngine) -> None:
    notes = [(number, "middle" if number == 500 else "end") for number in range(1_000)]
    await add(engine, notes)
    assert await stored(engine) == notes


@pytest.mark.parametrize("known", [430, 1_430])  # within a statement for many rows, and after it
async def test_one_that_exists_keeps_all_others_out(engine: SqliteEngine, known: int) -> None:
    await add(engine, [(known, "first")])
    with pytest.raises(sqlite3.IntegrityError):
        await add(engine, [(number, "second") for number in range(1_450)])
    assert await stored(engine) == [(known, "first")]


async def test_one_that_exists_keeps_out_its_own_unit_of_a_group_only(engine: SqliteEngine) -> None:
    known = (430, "first")
    await add(engine, [known])
    units = ([(2_000, "before")], [(number, "second") for number in range(1_450)], [(2_001, "after")])
    results = await asyncio.gather(*(add(engine, each) for each in units), return_exceptions=True)
    assert [type(each) for each in results] == [type(None), sqlite3.IntegrityError, type(None)]
    assert await stored(engine) == [known, (2_000, "before"), (2_001, "after")]
