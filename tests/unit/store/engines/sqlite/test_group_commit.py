"""Group commit on a real file: units share a transaction, fail alone, and succeed only after the disk has them."""

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
from rowen.store.engines.base import Prepared, Transaction
from rowen.store.engines.sqlite import connections
from rowen.store.engines.sqlite.connections import create
from rowen.store.engines.sqlite.engine import SqliteEngine
from rowen.store.engines.sqlite.group_commit import LARGEST_GROUP, GroupWriter

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


class Unwatched:
    """Considers every commit durable."""

    def is_sound(self) -> bool:
        return True

    def recover(self) -> None: ...

    def confirm(self) -> None: ...


class Traced:
    """An engine on a new file that records the statements of its writing connections."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        create(path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE notes (id INTEGER NOT NULL UNIQUE, text TEXT)")
        self.path = path
        self.statements: list[str] = []
        self.executors: dict[str, ThreadPoolExecutor] = {}
        connect = connections.connect

        def traced(*given: Any, read_only: bool, **options: Any) -> sqlite3.Connection:
            connection = connect(*given, read_only=read_only, **options)
            if not read_only:
                connection.set_trace_callback(self.statements.append)
            return connection

        def executor(workers: int, name: str) -> ThreadPoolExecutor:
            return self.executors.setdefault(name, ThreadPoolExecutor(workers, name))

        monkeypatch.setattr(connections, "connect", traced)
        monkeypatch.setattr("rowen.store.engines.sqlite.engine.ThreadPoolExecutor", executor)
        self.engine = SqliteEngine(path)

    def count(self, statement: str) -> int:
        """Return how often a statement was executed."""
        return self.statements.count(statement)

    def notes(self) -> list[int]:
        """Return what another process reads from the file, in the order of writing."""
        with closing(sqlite3.connect(self.path)) as connection:
            return [row[0] for row in connection.execute(READ.text)]

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Keep the writing thread busy, so that all writes in the block wait in the queue."""
        going_on = threading.Event()
        self.executors["rowen-write"].submit(going_on.wait)
        try:
            yield
        finally:
            going_on.set()

    async def together(self, *units: Callable[[Transaction], Awaitable[Any]]) -> list[Any]:
        """Write units that are in the queue at the same time, and return the result of each."""
        with self.busy():
            tasks = [asyncio.create_task(self.engine.write(unit)) for unit in units]
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traced]:
    found = Traced(tmp_path / "notes.db", monkeypatch)
    try:
        yield found
    finally:
        asyncio.run(found.engine.close())


async def test_units_that_wait_together_share_a_transaction_in_their_order(traced: Traced) -> None:
    numbers = [(7 * each) % 50 for each in range(50)]
    assert await traced.together(*map(note, numbers)) == numbers
    assert (traced.count("BEGIN IMMEDIATE"), traced.count("COMMIT")) == (1, 1)
    assert traced.notes() == numbers


async def test_a_unit_alone_needs_no_savepoint(traced: Traced) -> None:
    assert await traced.engine.write(note(1)) == 1
    assert traced.count("SAVEPOINT unit") == 0
    assert traced.notes() == [1]


async def test_a_group_has_a_limit(traced: Traced) -> None:
    numbers = list(range(2 * LARGEST_GROUP + 1))
    assert await traced.together(*map(note, numbers)) == numbers
    assert traced.count("COMMIT") == 3
    assert traced.notes() == numbers


async def test_no_unit_succeeds_before_the_commit(traced: Traced) -> None:
    found: list[list[int]] = []

    async def write(number: int) -> None:
        await traced.engine.write(note(number))
        found.append(traced.notes())

    with traced.busy():
        tasks = [asyncio.create_task(write(number)) for number in (1, 2)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert found == [[1, 2], [1, 2]]


REFUSAL = Refusal(Code.CONFLICT)


@pytest.mark.parametrize("error", [REFUSAL, LookupError("gone"), ValueError("ours")], ids=lambda error: repr(error))
async def test_a_unit_that_fails_is_undone_alone(traced: Traced, error: Exception) -> None:
    found = await traced.together(note(1), failing(2, error), note(3), failing(4, error), note(5))
    assert found == [1, error, 3, error, 5]
    assert traced.count("COMMIT") == 1
    assert traced.notes() == [1, 3, 5]


async def test_a_constraint_undoes_one_unit(traced: Traced) -> None:
    async def two_rows(transaction: Transaction) -> None:
        await transaction.run(INSERT, {"id": 8, "text": ""})
        await transaction.run(INSERT, {"id": 1, "text": "taken"})

    first, second, third = await traced.together(note(1), two_rows, note(3))
    assert (first, third) == (1, 3)
    assert isinstance(second, sqlite3.IntegrityError)
    assert traced.notes() == [1, 3]


async def test_a_mistake_in_a_statement_undoes_one_unit(traced: Traced) -> None:
    async def mistaken(transaction: Transaction) -> None:
        await transaction.run(INSERT, {"id": 2, "text": ""})
        await transaction.run(Prepared("INSERT INTO notes VALUES (?, ?)", ("id",)), {"id": 4})

    first, second, third = await traced.together(note(1), mistaken, note(3))
    assert (first, third) == (1, 3)
    assert isinstance(second, sqlite3.ProgrammingError)
    assert traced.notes() == [1, 3]


async def test_a_unit_that_fails_alone_is_undone(traced: Traced) -> None:
    with pytest.raises(Refusal):
        await traced.engine.write(failing(1, REFUSAL))
    assert traced.count("COMMIT") == 0
    assert traced.notes() == []
    assert await traced.engine.write(note(2)) == 2


async def test_a_group_of_failures_commits_nothing(traced: Traced) -> None:
    assert await traced.together(failing(1, REFUSAL), failing(2, REFUSAL)) == [REFUSAL, REFUSAL]
    assert traced.count("COMMIT") == 0


async def test_units_see_earlier_ones_except_those_rolled_back(traced: Traced) -> None:
    async def read(transaction: Transaction) -> list[int]:
        return [row[0] for row in await transaction.rows(READ, {})]

    found = await traced.together(note(1), read, failing(2, REFUSAL), read)
    assert found == [1, [1], REFUSAL, [1]]


async def full(transaction: Transaction) -> None:
    """Write more than the file may hold: `PRAGMA max_page_count` simulates a full disk."""
    await transaction.row(Prepared("PRAGMA max_page_count = 1", ()), {})
    await transaction.run(INSERT, {"id": 100, "text": "x" * 1_000_000})


async def test_a_fault_of_the_database_fails_the_whole_group(traced: Traced) -> None:
    found = await traced.together(note(1), full, note(3))
    assert [type(each) for each in found] == [Unavailable] * 3
    assert {each.message for each in found} == {f"database {traced.path}: the disk is full"}
    assert traced.notes() == []
    assert await traced.engine.write(note(4)) == 4, "on a fresh connection"
    assert traced.notes() == [4]


async def test_a_unit_may_not_hide_that_its_transaction_is_gone(traced: Traced) -> None:
    """SQLite ends the transaction by itself on a full disk; later statements must not commit without it."""

    async def careless(transaction: Transaction) -> str:
        try:
            await full(transaction)
        except sqlite3.OperationalError:
            return "fine"
        return "not full"

    found = await traced.together(note(1), careless, note(3))
    assert [type(each) for each in found] == [Unavailable] * 3
    assert traced.notes() == []


async def test_a_commit_that_fails_fails_all(traced: Traced) -> None:
    path = traced.path
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE children (parent REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)")

    async def orphan(transaction: Transaction) -> None:
        await transaction.run(Prepared("INSERT INTO children VALUES (7)", ()), {})

    found = await traced.together(note(1), orphan, note(3))
    assert [type(each) for each in found] == [sqlite3.IntegrityError] * 3
    assert traced.notes() == []
    assert await traced.engine.write(note(4)) == 4


async def test_a_lock_that_is_never_released_fails_all_waiters(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BUSY_MILLISECONDS", 0)
    with closing(sqlite3.connect(traced.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = await traced.together(note(1), note(2))
        other.execute("ROLLBACK")
    assert {each.message for each in found} == {
        f"database {traced.path}: another process has been writing for too long"
    }
    assert await traced.together(note(1), note(2)) == [1, 2]


async def test_a_write_is_done_even_if_its_caller_is_cancelled(traced: Traced) -> None:
    with traced.busy():
        tasks = [asyncio.create_task(traced.engine.write(note(number))) for number in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        assert tasks[1].cancelled()
    one, two, three = await asyncio.gather(*tasks, return_exceptions=True)
    assert (one, three) == (1, 3)
    assert isinstance(two, asyncio.CancelledError)
    assert traced.notes() == [1, 2, 3]


async def test_a_refusal_that_nobody_waits_for_is_not_a_fault(traced: Traced, caplog: pytest.LogCaptureFixture) -> None:
    with traced.busy():
        task = asyncio.create_task(traced.engine.write(failing(1, REFUSAL)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await traced.engine.write(note(2)) == 2
    assert caplog.records == []


def test_a_loop_that_has_ended_gets_no_result(traced: Traced) -> None:
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


async def test_a_unit_that_waits_for_something_else_is_a_mistake(traced: Traced) -> None:
    async def waiting(transaction: Transaction) -> None:
        await transaction.run(INSERT, {"id": 1, "text": ""})
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="may await nothing but its transaction"):
        await traced.engine.write(waiting)
    assert traced.notes() == []


async def test_a_connection_that_cannot_be_opened_fails_all(traced: Traced, tmp_path: Path) -> None:
    def nowhere() -> sqlite3.Connection:
        return sqlite3.connect(f"{(tmp_path / 'nowhere.db').as_uri()}?mode=rw", uri=True)

    def explained(error: sqlite3.Error) -> Unavailable:
        return Unavailable(str(error))

    with ThreadPoolExecutor(1) as executor:
        writer = GroupWriter(executor, nowhere, lambda _: pytest.fail("nothing was opened"), explained, Unwatched())
        with pytest.raises(Unavailable, match="unable to open"):
            await writer.write(note(1))
        with pytest.raises(Unavailable, match="unable to open"):
            await writer.write(note(1))
