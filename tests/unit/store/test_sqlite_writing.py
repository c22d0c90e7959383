"""Group commit on a real file: units share a transaction, fail alone, and hear of nothing before the disk has it."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from rowen.interviews.errors import Code, Refusal, Unavailable
from rowen.store.engine import Prepared, Transaction
from rowen.store.sqlite import SqliteEngine, create
from rowen.store.sqlite_writing import _MOST, GroupWriter

Result = TypeVar("Result")

INSERT = Prepared("INSERT INTO notes VALUES (?, ?)", ("id", "text"))
READ = Prepared("SELECT id FROM notes ORDER BY rowid", ())


def note(number: int, text: str = "") -> Callable[[Transaction], Awaitable[int]]:
    """Return a unit that writes one row and returns its number."""

    async def unit(transaction: Transaction) -> int:
        await transaction.run(INSERT, {"id": number, "text": text})
        return number

    return unit


def failing(number: int, error: Exception) -> Callable[[Transaction], Awaitable[int]]:
    """Return a unit that writes one row and then fails."""

    async def unit(transaction: Transaction) -> int:
        await transaction.run(INSERT, {"id": number, "text": ""})
        raise error

    return unit


class Traced:
    """An engine on a new file, whose writing connection tells what it executes."""

    def __init__(self, path: Path) -> None:
        create(path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE notes (id INTEGER NOT NULL UNIQUE, text TEXT)")
        self.path = path
        self.engine = SqliteEngine(path)
        self.statements: list[str] = []
        self.engine._writing.get().set_trace_callback(self.statements.append)

    def count(self, statement: str) -> int:
        """Return how often a statement was executed."""
        return self.statements.count(statement)

    def notes(self) -> list[int]:
        """Return what another process finds in the file, in the order of writing."""
        with closing(sqlite3.connect(self.path)) as connection:
            return [row[0] for row in connection.execute(READ.text)]

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Keep the writing thread busy, so that all that is written in the block stands in the queue behind it."""
        going_on = threading.Event()
        self.engine._writer.submit(going_on.wait)
        try:
            yield
        finally:
            going_on.set()

    async def together(self, *units: Callable[[Transaction], Awaitable[Any]]) -> list[Any]:
        """Write units that stand in the queue at the same time, and return what became of each."""
        with self.busy():
            tasks = [asyncio.create_task(self.engine.write(unit)) for unit in units]
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Traced]:
    found = Traced(tmp_path / "notes.db")
    try:
        yield found
    finally:
        asyncio.run(found.engine.close())


def test_units_that_wait_together_share_a_transaction_in_their_order(traced: Traced) -> None:
    numbers = [(7 * each) % 50 for each in range(50)]
    assert asyncio.run(traced.together(*map(note, numbers))) == numbers
    assert (traced.count("BEGIN IMMEDIATE"), traced.count("COMMIT")) == (1, 1)
    assert traced.notes() == numbers


def test_a_unit_alone_needs_no_savepoint(traced: Traced) -> None:
    assert asyncio.run(traced.engine.write(note(1))) == 1
    assert traced.count("SAVEPOINT unit") == 0
    assert traced.notes() == [1]


def test_a_group_has_a_limit(traced: Traced) -> None:
    numbers = list(range(2 * _MOST + 1))
    assert asyncio.run(traced.together(*map(note, numbers))) == numbers
    assert traced.count("COMMIT") == 3
    assert traced.notes() == numbers


def test_nobody_is_told_before_the_commit(traced: Traced) -> None:
    found: list[list[int]] = []

    async def write(number: int) -> None:
        await traced.engine.write(note(number))
        found.append(traced.notes())

    async def both() -> None:
        with traced.busy():
            tasks = [asyncio.create_task(write(number)) for number in (1, 2)]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(both())
    assert found == [[1, 2], [1, 2]]


REFUSAL = Refusal(Code.CONFLICT)


@pytest.mark.parametrize("error", [REFUSAL, LookupError("gone"), ValueError("ours")], ids=lambda error: repr(error))
def test_a_unit_that_fails_is_undone_alone(traced: Traced, error: Exception) -> None:
    found = asyncio.run(traced.together(note(1), failing(2, error), note(3), failing(4, error), note(5)))
    assert found == [1, error, 3, error, 5]
    assert traced.count("COMMIT") == 1
    assert traced.notes() == [1, 3, 5]


def test_a_constraint_undoes_one_unit(traced: Traced) -> None:
    async def two_rows(transaction: Transaction) -> None:
        await transaction.run(INSERT, {"id": 8, "text": ""})
        await transaction.run(INSERT, {"id": 1, "text": "taken"})

    first, second, third = asyncio.run(traced.together(note(1), two_rows, note(3)))
    assert (first, third) == (1, 3)
    assert isinstance(second, sqlite3.IntegrityError)
    assert traced.notes() == [1, 3]


def test_a_mistake_in_a_statement_undoes_one_unit(traced: Traced) -> None:
    async def mistaken(transaction: Transaction) -> None:
        await transaction.run(INSERT, {"id": 2, "text": ""})
        await transaction.run(Prepared("INSERT INTO notes VALUES (?, ?)", ("id",)), {"id": 4})

    first, second, third = asyncio.run(traced.together(note(1), mistaken, note(3)))
    assert (first, third) == (1, 3)
    assert isinstance(second, sqlite3.ProgrammingError)
    assert traced.notes() == [1, 3]


def test_a_unit_that_fails_alone_is_undone(traced: Traced) -> None:
    with pytest.raises(Refusal):
        asyncio.run(traced.engine.write(failing(1, REFUSAL)))
    assert traced.count("COMMIT") == 0
    assert traced.notes() == []
    assert asyncio.run(traced.engine.write(note(2))) == 2


def test_a_group_of_failures_commits_nothing(traced: Traced) -> None:
    assert asyncio.run(traced.together(failing(1, REFUSAL), failing(2, REFUSAL))) == [REFUSAL, REFUSAL]
    assert traced.count("COMMIT") == 0


def test_units_see_those_before_them_but_not_what_was_undone(traced: Traced) -> None:
    async def read(transaction: Transaction) -> list[int]:
        return [row[0] for row in await transaction.rows(READ, {})]

    found = asyncio.run(traced.together(note(1), read, failing(2, REFUSAL), read))
    assert found == [1, [1], REFUSAL, [1]]


async def full(transaction: Transaction) -> None:
    """Write more than the file may hold: `PRAGMA max_page_count` is a disk that is full."""
    await transaction.row(Prepared("PRAGMA max_page_count = 1", ()), {})
    await transaction.run(INSERT, {"id": 100, "text": "x" * 1_000_000})


def test_a_fault_of_the_database_fails_the_whole_group(traced: Traced) -> None:
    found = asyncio.run(traced.together(note(1), full, note(3)))
    assert [type(each) for each in found] == [Unavailable] * 3
    assert {each.message for each in found} == {"database notes.db: the disk is full"}
    assert traced.notes() == []
    assert asyncio.run(traced.engine.write(note(4))) == 4, "on a fresh connection"
    assert traced.notes() == [4]


def test_a_unit_may_not_hide_that_its_transaction_is_gone(traced: Traced) -> None:
    """SQLite ends the transaction by itself where a disk is full; what comes next must not commit without it."""

    async def careless(transaction: Transaction) -> str:
        try:
            await full(transaction)
        except sqlite3.OperationalError:
            return "fine"
        return "not full"

    found = asyncio.run(traced.together(note(1), careless, note(3)))
    assert [type(each) for each in found] == [Unavailable] * 3
    assert traced.notes() == []


def test_a_commit_that_fails_fails_all(traced: Traced) -> None:
    path = traced.path
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE children (parent REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)")

    async def orphan(transaction: Transaction) -> None:
        await transaction.run(Prepared("INSERT INTO children VALUES (7)", ()), {})

    found = asyncio.run(traced.together(note(1), orphan, note(3)))
    assert [type(each) for each in found] == [sqlite3.IntegrityError] * 3
    assert traced.notes() == []
    assert asyncio.run(traced.engine.write(note(4))) == 4


def test_a_lock_that_is_never_let_go_fails_all_who_wait(traced: Traced) -> None:
    traced.engine._writing.get().execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(traced.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = asyncio.run(traced.together(note(1), note(2)))
        other.execute("ROLLBACK")
    assert {each.message for each in found} == {"database notes.db: another process has been writing for too long"}
    assert asyncio.run(traced.together(note(1), note(2))) == [1, 2]


def test_what_was_asked_is_done_although_its_caller_went_away(traced: Traced) -> None:
    async def run() -> list[Any]:
        with traced.busy():
            tasks = [asyncio.create_task(traced.engine.write(note(number))) for number in (1, 2, 3)]
            await asyncio.sleep(0)
            tasks[1].cancel()
            await asyncio.sleep(0)
            assert tasks[1].cancelled()
        return await asyncio.gather(*tasks, return_exceptions=True)

    one, two, three = asyncio.run(run())
    assert (one, three) == (1, 3)
    assert isinstance(two, asyncio.CancelledError)
    assert traced.notes() == [1, 2, 3]


def test_a_refusal_that_nobody_waits_for_is_no_fault(traced: Traced, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        with traced.busy():
            task = asyncio.create_task(traced.engine.write(failing(1, REFUSAL)))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert await traced.engine.write(note(2)) == 2

    asyncio.run(run())
    assert caplog.records == []


def test_a_loop_that_has_ended_is_not_told(traced: Traced) -> None:
    async def leave() -> None:
        task = asyncio.create_task(traced.engine.write(note(1)))
        await asyncio.sleep(0)
        task.cancel()

    with traced.busy():
        asyncio.run(leave())
    assert asyncio.run(traced.engine.write(note(2))) == 2
    assert traced.notes() == [1, 2]


def test_several_loops_share_one_writer(traced: Traced) -> None:
    begun = threading.Barrier(5)

    def run(loop: int) -> list[Any]:
        async def write_all() -> list[Any]:
            tasks = [asyncio.create_task(traced.engine.write(note(100 * loop + each))) for each in range(10)]
            await asyncio.sleep(0)
            await asyncio.to_thread(begun.wait)
            return await asyncio.gather(*tasks)

        return asyncio.run(write_all())

    with ThreadPoolExecutor(4) as pool:
        with traced.busy():
            futures = [pool.submit(run, loop) for loop in range(4)]
            begun.wait(30)
        found = [future.result(30) for future in futures]
    assert found == [[100 * loop + each for each in range(10)] for loop in range(4)]
    assert traced.count("COMMIT") == 1
    assert sorted(traced.notes()) == sorted(each for written in found for each in written)
    for loop in range(4):
        of_loop = [each for each in traced.notes() if each // 100 == loop]
        assert of_loop == sorted(of_loop)


def test_a_unit_that_waits_for_something_else_is_a_mistake(traced: Traced) -> None:
    async def waiting(transaction: Transaction) -> None:
        await transaction.run(INSERT, {"id": 1, "text": ""})
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="may await nothing but its transaction"):
        asyncio.run(traced.engine.write(waiting))
    assert traced.notes() == []


def test_a_connection_that_cannot_be_opened_fails_all(traced: Traced, tmp_path: Path) -> None:
    def nowhere() -> sqlite3.Connection:
        return sqlite3.connect(f"{(tmp_path / 'nowhere.db').as_uri()}?mode=rw", uri=True)

    def explained(error: sqlite3.Error) -> Unavailable:
        return Unavailable(str(error))

    with ThreadPoolExecutor(1) as executor:
        writer = GroupWriter(executor, nowhere, lambda _: pytest.fail("nothing was opened"), explained)
        with pytest.raises(Unavailable, match="unable to open"):
            asyncio.run(writer.write(note(1)))
        with pytest.raises(Unavailable, match="unable to open"):
            asyncio.run(writer.write(note(1)))
