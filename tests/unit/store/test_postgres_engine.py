"""The PostgreSQL engine on a real server: what is run again and what is not, and who waits for whom."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import asyncpg
import pytest

from rowen.interviews.errors import Unavailable
from rowen.store import postgres, postgres_pool
from rowen.store.engine import Prepared, Transaction
from rowen.store.postgres import PostgresEngine
from rowen.store.postgres_pool import APPLICATION
from tests.support.postgres import shared_postgres
from tests.support.sql import execute, fetch
from tests.support.storage import POSTGRES
from tests.unit.store.test_postgres_pool import end_sessions, limited, until

_COUNT: Final = Prepared("SELECT count(*) FROM notes", ())
_HERE: Final = Prepared("SELECT 1", ())
_LOCK: Final = Prepared("SELECT FROM notes WHERE id = $1 FOR UPDATE", ("id",))
_ADD: Final = Prepared("INSERT INTO notes VALUES ($1)", ("id",))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a database with a table of our own."""
    database = POSTGRES.new_database(tmp_path_factory.getbasetemp())
    name = database.rpartition("/")[2]
    shared_postgres().execute(f"ALTER DATABASE {name} SET deadlock_timeout = '10ms'")
    execute(database, "CREATE TABLE notes (id integer PRIMARY KEY)", "INSERT INTO notes VALUES (1), (2)")
    return database


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresEngine]:
    engine = PostgresEngine(url, "test")
    try:
        async with asyncio.timeout(60):
            yield engine
    finally:
        await engine.close()


def using(url: str, test: Callable[[PostgresEngine], Awaitable[None]]) -> None:
    """Run a test with an engine."""

    async def run() -> None:
        async with opened(url) as engine:
            await test(engine)

    asyncio.run(run())


def raising(state: str) -> Prepared:
    """Return a statement that fails with a code of PostgreSQL's."""
    return Prepared(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$", ())


def adding(identifier: int) -> Callable[[Transaction], Awaitable[int]]:
    """Return a unit that adds a row."""
    return lambda transaction: transaction.run(_ADD, {"id": identifier})


# What is run again


@pytest.mark.parametrize("state", ["40001", "40P01", "23505"])
def test_a_unit_that_lost_against_another_is_run_again(url: str, state: str) -> None:
    async def test(engine: PostgresEngine) -> None:
        runs = 0

        async def work(transaction: Transaction) -> int:
            nonlocal runs
            runs += 1
            await transaction.run(_ADD, {"id": 100})
            if runs < 3:
                await transaction.row(raising(state), {})
            return runs

        assert await engine.write(work) == 3
        assert await engine.row(_COUNT, {}) == (3,), "what was undone is not there"

    try:
        using(url, test)
    finally:
        execute(url, "DELETE FROM notes WHERE id = 100")


@pytest.mark.parametrize(("state", "error"), [("40001", Unavailable), ("23505", asyncpg.UniqueViolationError)])
def test_a_unit_that_always_loses_is_given_up(
    url: str, state: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_FIRST_PAUSE", 0.0)

    async def test(engine: PostgresEngine) -> None:
        runs = 0

        async def work(transaction: Transaction) -> None:
            nonlocal runs
            runs += 1
            await transaction.row(raising(state), {})

        with pytest.raises(error):
            await engine.write(work)
        assert runs == postgres._TRIES

    using(url, test)


def test_of_two_that_wait_for_each_other_both_are_done(url: str) -> None:
    async def test(engine: PostgresEngine) -> None:
        both = asyncio.Barrier(2)

        def work(first: int, second: int) -> Callable[[Transaction], Awaitable[None]]:
            met = False

            async def lock(transaction: Transaction) -> None:
                nonlocal met
                await transaction.row(_LOCK, {"id": first})
                if not met:
                    met = True
                    await both.wait()
                await transaction.row(_LOCK, {"id": second})

            return lock

        await asyncio.gather(engine.write(work(1, 2)), engine.write(work(2, 1)))

    using(url, test)


def test_who_was_too_late_sees_what_another_wrote(url: str) -> None:
    async def test(engine: PostgresEngine) -> None:
        seen: list[bool] = []

        async def work(transaction: Transaction) -> None:
            found = await transaction.row(Prepared("SELECT FROM notes WHERE id = 200", ()), {}) is not None
            seen.append(found)
            if not found:
                fetch(url, "INSERT INTO notes VALUES (200)")  # between the look and the write
                await transaction.run(_ADD, {"id": 200})

        await engine.write(work)
        assert seen == [False, True]

    try:
        using(url, test)
    finally:
        execute(url, "DELETE FROM notes WHERE id = 200")


def test_a_connection_that_is_lost_before_the_commit_is_replaced(url: str) -> None:
    async def test(engine: PostgresEngine) -> None:
        runs = 0

        async def work(transaction: Transaction) -> None:
            nonlocal runs
            runs += 1
            await transaction.run(_ADD, {"id": 300})
            if runs == 1:
                end_sessions(url)
            await transaction.row(_COUNT, {})

        await engine.write(work)
        assert runs == 2
        assert await engine.row(_COUNT, {}) == (3,)

    try:
        using(url, test)
    finally:
        execute(url, "DELETE FROM notes WHERE id = 300")


def test_a_reader_notices_nothing_of_a_lost_connection(url: str) -> None:
    async def test(engine: PostgresEngine) -> None:
        for _ in range(3):
            assert await engine.row(_COUNT, {}) == (2,)
            end_sessions(url)

    using(url, test)


def test_a_connection_on_which_the_server_has_just_said_farewell_is_replaced(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not closed yet, and the driver takes what is asked for a mistake of its own."""
    fetchrow = asyncpg.Connection.fetchrow
    asked: list[asyncpg.Connection] = []

    async def farewell(connection: asyncpg.Connection, *given: Any) -> Any:
        asked.append(connection)
        if asked[0] is connection:
            raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
        return await fetchrow(connection, *given)

    monkeypatch.setattr(asyncpg.Connection, "fetchrow", farewell)

    async def test(engine: PostgresEngine) -> None:
        for use in (engine.row(_COUNT, {}), engine.read(_count), engine.write(_count)):
            asked.clear()
            assert await use == (2,)
            assert len(asked) == 2
            assert asked[0].is_closed()

    using(url, test)


def test_what_may_have_been_kept_is_not_run_again(url: str) -> None:
    """Its connection ends while it commits: nobody can tell whether it did."""
    execute(
        url,
        "CREATE FUNCTION end_myself() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER last AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW WHEN (NEW.id = 400) EXECUTE FUNCTION end_myself()",
    )

    async def test(engine: PostgresEngine) -> None:
        runs = 0

        async def work(transaction: Transaction) -> None:
            nonlocal runs
            runs += 1
            await transaction.run(_ADD, {"id": 400})

        with pytest.raises(Unavailable):
            await engine.write(work)
        assert runs == 1
        assert await engine.row(_COUNT, {}) == (2,), "the engine goes on"

    using(url, test)


def test_a_unit_is_kept_although_its_caller_goes_away(url: str) -> None:
    async def test(engine: PostgresEngine) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def work(transaction: Transaction) -> None:
            await transaction.run(_ADD, {"id": 500})
            begun.set()
            await go_on.wait()

        caller = asyncio.create_task(engine.write(work))
        await begun.wait()
        caller.cancel()
        await asyncio.wait([caller])
        assert caller.cancelled()
        go_on.set()
        await engine.close()  # which waits for it
        assert fetch(url, "DELETE FROM notes WHERE id = 500 RETURNING id") == [(500,)]

    using(url, test)


# Who waits for whom


def test_writers_of_one_organization_come_one_after_the_other(url: str) -> None:
    async def test(engine: PostgresEngine) -> None:
        running, most = 0, 0

        async def work(transaction: Transaction) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await transaction.row(_COUNT, {})
            running -= 1

        async def write(left: int) -> None:
            await engine.write(work, 1)
            if left:
                await write(left - 1)

        await asyncio.gather(*(write(10) for _ in range(3)))
        assert most == 1
        assert not engine._queues

    using(url, test)


def test_who_waits_for_an_organization_takes_no_connection_from_others(url: str) -> None:
    async def test(engine: PostgresEngine) -> None:
        go_on = asyncio.Event()

        async def slow(transaction: Transaction) -> None:
            await go_on.wait()

        async def quick(transaction: Transaction) -> None:
            await transaction.row(_COUNT, {})

        writers = [asyncio.create_task(engine.write(slow, 1)) for _ in range(20)]
        await until(lambda: engine._writing._open > 0)
        await engine.write(quick, 2)
        await engine.write(quick)
        assert not any(each.done() for each in writers)
        go_on.set()
        await asyncio.gather(*writers)

    using(url, test)


# What is seen


def test_where_the_server_lets_no_more_in_one_connection_does_for_all(url: str) -> None:
    """Who has only read so far goes on to write, and to read at length, over the connection that it has."""

    async def test(engine: PostgresEngine) -> None:
        count = lambda transaction: transaction.row(_COUNT, {})  # noqa: E731  (one expression)
        (before,) = await engine.row(_COUNT, {}) or ()
        with limited(url, 1):
            assert await engine.read(count) == (before,)
            assert await engine.write(adding(300)) == 1
            assert await engine.read(count) == (before + 1,)
            units = [engine.write(adding(number), number) for number in range(301, 309)]
            reads = [engine.read(count) for _ in range(8)]
            assert await asyncio.gather(*units) == [1] * 8
            assert len(await asyncio.gather(*reads)) == 8

    try:
        using(url, test)
    finally:
        execute(url, "DELETE FROM notes WHERE id BETWEEN 300 AND 308")


def test_while_one_is_lent_the_others_read(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_pool, "_PATIENCE_SECONDS", 0.05)

    async def test(engine: PostgresEngine) -> None:
        await asyncio.gather(engine.row(_COUNT, {}), engine.row(_HERE, {}))  # two connections
        goes_on = asyncio.Event()

        async def slow(transaction: Transaction) -> None:
            await transaction.row(_COUNT, {})
            await goes_on.wait()

        with limited(url, 1):
            lent = asyncio.create_task(engine.write(slow))
            await until(lambda: engine._reading._loan.locked())
            with pytest.raises(Unavailable, match="busy for too long"):
                await engine.read(slow)
            assert await engine.row(_HERE, {}) == (1,)
            goes_on.set()
            await lent

    using(url, test)


def test_what_differs_after_a_commit_is_seen(url: str) -> None:
    async def test(engine: PostgresEngine) -> None:
        assert engine.state() is None
        before = await engine.look()
        assert await engine.look() == before
        await engine.write(_count)
        assert await engine.look() == before, "nothing was written"
        await engine.write(_touch)
        assert await engine.look() != before

    using(url, test)


async def _touch(transaction: Transaction) -> None:
    await transaction.row(_LOCK, {"id": 1})


def test_a_column_that_an_upgrade_adds_disturbs_nobody(url: str) -> None:
    """Statements that were prepared before are prepared anew."""
    execute(url, "CREATE TABLE grown (id integer)", "INSERT INTO grown VALUES (1)")
    everything = Prepared("SELECT * FROM grown", ())

    async def whole(transaction: Transaction) -> object:
        return tuple(await transaction.row(everything, {}) or ())

    async def test(engine: PostgresEngine) -> None:
        for expected in ((1,), (1, 2), (1, 2, 3)):
            row = await engine.row(everything, {})
            assert row is not None
            assert tuple(row) == expected
            assert await engine.read(whole) == expected
            assert await engine.write(whole) == expected
            execute(url, f"ALTER TABLE grown ADD COLUMN column_{len(expected)} integer DEFAULT {len(expected) + 1}")

    using(url, test)


async def _count(transaction: Transaction) -> object:
    return await transaction.row(_COUNT, {})


# Who hangs


@asynccontextmanager
async def hanging(url: str) -> AsyncIterator[asyncio.Task[Any]]:
    """Hold a row as a node does that hangs while it sends: the server waits for the rest of its rows."""
    connection = await asyncpg.connect(url, server_settings={"application_name": APPLICATION})
    begun = asyncio.Event()

    async def rows() -> AsyncIterator[bytes]:
        begun.set()
        yield b"101\n"
        await asyncio.Event().wait()

    async def work() -> None:
        await connection.execute("BEGIN")
        await connection.execute("SELECT FROM notes WHERE id = 1 FOR UPDATE")
        await connection.copy_to_table("notes", source=rows())

    task = asyncio.create_task(work())
    try:
        await begun.wait()
        yield task
    finally:
        connection.terminate()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_who_hangs_in_the_middle_of_a_statement_is_ended(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast(dict[str, str], postgres_pool._SESSION), "lock_timeout", "500ms")
    monkeypatch.setattr(postgres, "LOCK_SECONDS", 0.2)

    async def test(engine: PostgresEngine) -> None:
        async with hanging(url):
            await engine.write(lambda transaction: transaction.row(_LOCK, {"id": 1}))
        assert fetch(url, "SELECT count(*) FROM notes WHERE id = 101") == [(0,)]

    using(url, test)


def test_who_works_is_not_ended(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody holds the row and does something for longer than others wait: they are told so, and it is left alone."""
    monkeypatch.setitem(cast(dict[str, str], postgres_pool._SESSION), "lock_timeout", "500ms")
    monkeypatch.setattr(postgres, "LOCK_SECONDS", 0.2)

    async def test(engine: PostgresEngine) -> None:
        holder = await asyncpg.connect(url, server_settings={"application_name": APPLICATION})
        await holder.execute("BEGIN")
        await holder.execute("SELECT FROM notes WHERE id = 1 FOR UPDATE")
        working = asyncio.create_task(holder.execute("SELECT pg_sleep(60)"))
        with pytest.raises(Unavailable, match="another transaction has been writing for too long"):
            await engine.write(lambda transaction: transaction.row(_LOCK, {"id": 1}))
        assert not working.done()
        # Without its client it would sleep on, and hold the row before the other tests.
        execute(url, f"SELECT pg_terminate_backend({holder.get_server_pid()}, 10000)")
        await asyncio.gather(working, return_exceptions=True)

    using(url, test)
