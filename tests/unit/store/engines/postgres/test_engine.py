"""The PostgreSQL engine on a real server: what is run again and what is not, and who waits for whom."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import asyncpg
import pytest

from rowen.interviews.errors import Unavailable
from rowen.store.engines.base import Prepared, Transaction
from rowen.store.engines.postgres import engine as postgres
from rowen.store.engines.postgres import pool
from rowen.store.engines.postgres.pool import APPLICATION
from tests.support.postgres import shared_postgres
from tests.support.postgres_engine import SELECT_ONE, end_sessions, limited, opened
from tests.support.sql import execute, fetch
from tests.support.storage import POSTGRES

_COUNT: Final = Prepared("SELECT count(*) FROM notes", ())
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


def raising(state: str) -> Prepared:
    """Return a statement that fails with a code of PostgreSQL's."""
    return Prepared(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$", ())


def adding(identifier: int) -> Callable[[Transaction], Awaitable[int]]:
    """Return a unit that adds a row."""
    return lambda transaction: transaction.run(_ADD, {"id": identifier})


# Repeated units


@pytest.mark.parametrize("state", ["40001", "40P01", "23505"])
async def test_a_unit_that_lost_against_another_is_run_again(url: str, state: str) -> None:
    try:
        async with opened(url) as engine:
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
    finally:
        execute(url, "DELETE FROM notes WHERE id = 100")


@pytest.mark.parametrize(("state", "error"), [("40001", Unavailable), ("23505", asyncpg.UniqueViolationError)])
async def test_a_unit_that_always_loses_is_given_up(
    url: str, state: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "FIRST_PAUSE_SECONDS", 0.0)

    async with opened(url) as engine:
        runs = 0

        async def work(transaction: Transaction) -> None:
            nonlocal runs
            runs += 1
            await transaction.row(raising(state), {})

        with pytest.raises(error):
            await engine.write(work)
        assert runs == postgres.TRIES


async def test_both_of_two_units_that_deadlock_are_done(url: str) -> None:
    async with opened(url) as engine:
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


async def test_a_late_writer_sees_the_earlier_write(url: str) -> None:
    try:
        async with opened(url) as engine:
            seen: list[bool] = []

            async def work(transaction: Transaction) -> None:
                found = await transaction.row(Prepared("SELECT FROM notes WHERE id = 200", ()), {}) is not None
                seen.append(found)
                if not found:
                    fetch(url, "INSERT INTO notes VALUES (200)")  # between the lookup and the write
                    await transaction.run(_ADD, {"id": 200})

            await engine.write(work)
            assert seen == [False, True]
    finally:
        execute(url, "DELETE FROM notes WHERE id = 200")


async def test_a_connection_that_is_lost_before_the_commit_is_replaced(url: str) -> None:
    try:
        async with opened(url) as engine:
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
    finally:
        execute(url, "DELETE FROM notes WHERE id = 300")


async def test_a_reader_notices_nothing_of_a_lost_connection(url: str) -> None:
    async with opened(url) as engine:
        for _ in range(3):
            assert await engine.row(_COUNT, {}) == (2,)
            end_sessions(url)


async def test_a_connection_that_the_server_is_about_to_close_is_replaced(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not closed yet, and the driver takes the next statement for its own mistake."""
    fetchrow = asyncpg.Connection.fetchrow
    asked: list[asyncpg.Connection] = []

    async def farewell(connection: asyncpg.Connection, *given: Any) -> Any:
        asked.append(connection)
        if asked[0] is connection:
            raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
        return await fetchrow(connection, *given)

    monkeypatch.setattr(asyncpg.Connection, "fetchrow", farewell)

    async with opened(url) as engine:
        for use in (engine.row(_COUNT, {}), engine.read(_count), engine.write(_count)):
            asked.clear()
            assert await use == (2,)
            assert len(asked) == 2
            assert asked[0].is_closed()


async def test_a_unit_that_may_have_been_committed_is_not_run_again(url: str) -> None:
    """Its connection ends during its commit: whether it succeeded is unknown."""
    execute(
        url,
        "CREATE FUNCTION end_myself() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER last AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW WHEN (NEW.id = 400) EXECUTE FUNCTION end_myself()",
    )

    async with opened(url) as engine:
        runs = 0

        async def work(transaction: Transaction) -> None:
            nonlocal runs
            runs += 1
            await transaction.run(_ADD, {"id": 400})

        with pytest.raises(Unavailable):
            await engine.write(work)
        assert runs == 1
        assert await engine.row(_COUNT, {}) == (2,), "the engine goes on"


async def test_a_unit_is_kept_although_its_caller_goes_away(url: str) -> None:
    async with opened(url) as engine:
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


# Waiting


async def test_writers_of_one_organization_come_one_after_the_other(url: str) -> None:
    async with opened(url) as engine:
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
        assert engine.queues == 0


async def test_waiting_for_an_organization_takes_no_connection(url: str) -> None:
    async with opened(url) as engine:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(transaction: Transaction) -> None:
            begun.set()
            await go_on.wait()

        async def quick(transaction: Transaction) -> None:
            await transaction.row(_COUNT, {})

        writers = [asyncio.create_task(engine.write(slow, 1)) for _ in range(20)]
        await begun.wait()
        await engine.write(quick, 2)
        await engine.write(quick)
        assert not any(each.done() for each in writers)
        go_on.set()
        await asyncio.gather(*writers)


# Reading


async def test_where_the_server_lets_no_more_in_one_connection_does_for_all(url: str) -> None:
    """A connection that has only read goes on to write, and to read at length."""
    try:
        async with opened(url) as engine:
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
    finally:
        execute(url, "DELETE FROM notes WHERE id BETWEEN 300 AND 308")


async def test_while_one_is_lent_the_others_read(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(url) as engine:
        await asyncio.gather(engine.row(_COUNT, {}), engine.row(SELECT_ONE, {}))  # two connections
        begun, goes_on = asyncio.Event(), asyncio.Event()

        async def slow(transaction: Transaction) -> None:
            await transaction.row(_COUNT, {})
            begun.set()
            await goes_on.wait()

        with limited(url, 1):
            lent = asyncio.create_task(engine.write(slow))
            await begun.wait()
            with monkeypatch.context() as impatient, pytest.raises(Unavailable, match="busy for too long"):
                impatient.setattr(pool, "PATIENCE_SECONDS", 0.05)
                await engine.read(slow)
            assert await engine.row(SELECT_ONE, {}) == (1,)
            goes_on.set()
            await lent


async def test_a_commit_changes_the_state(url: str) -> None:
    async with opened(url) as engine:
        assert engine.state() is None
        before = await engine.read_state()
        assert await engine.read_state() == before
        await engine.write(_count)
        assert await engine.read_state() == before, "nothing was written"
        await engine.write(_touch)
        assert await engine.read_state() != before


async def _touch(transaction: Transaction) -> None:
    await transaction.row(_LOCK, {"id": 1})


async def test_a_column_that_an_upgrade_adds_disturbs_nobody(url: str) -> None:
    """Statements that were prepared before are prepared again."""
    execute(url, "CREATE TABLE grown (id integer)", "INSERT INTO grown VALUES (1)")
    everything = Prepared("SELECT * FROM grown", ())

    async def whole(transaction: Transaction) -> object:
        return tuple(await transaction.row(everything, {}) or ())

    async with opened(url) as engine:
        for expected in ((1,), (1, 2), (1, 2, 3)):
            row = await engine.row(everything, {})
            assert row is not None
            assert tuple(row) == expected
            assert await engine.read(whole) == expected
            assert await engine.write(whole) == expected
            execute(url, f"ALTER TABLE grown ADD COLUMN column_{len(expected)} integer DEFAULT {len(expected) + 1}")


async def _count(transaction: Transaction) -> object:
    return await transaction.row(_COUNT, {})


# Hanging nodes


@asynccontextmanager
async def hanging(url: str) -> AsyncIterator[asyncio.Task[Any]]:
    """Hold a row like a node that hangs while it sends: the server waits for the rest of its rows."""
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


def test_a_session_hanging_in_a_statement_is_ended(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a loop of its own: asyncpg leaves an error that nobody retrieves where a copy is cut off."""
    monkeypatch.setitem(cast(dict[str, str], pool.SESSION_SETTINGS), "lock_timeout", "5s")
    monkeypatch.setattr(postgres, "LOCK_SECONDS", 0.2)

    async def test() -> None:
        async with opened(url) as engine:
            async with hanging(url):
                await engine.write(lambda transaction: transaction.row(_LOCK, {"id": 1}))
            assert fetch(url, "SELECT count(*) FROM notes WHERE id = 101") == [(0,)]

    asyncio.run(test())


async def test_a_working_session_is_not_ended(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session holds the row and works longer than others wait: they get an error, and it is left alone."""
    monkeypatch.setitem(cast(dict[str, str], pool.SESSION_SETTINGS), "lock_timeout", "500ms")
    monkeypatch.setattr(postgres, "LOCK_SECONDS", 0.2)
    async with opened(url) as engine:
        holder = await asyncpg.connect(url, server_settings={"application_name": APPLICATION})
        await holder.execute("BEGIN")
        await holder.execute("SELECT FROM notes WHERE id = 1 FOR UPDATE")
        working = asyncio.create_task(holder.execute("SELECT pg_sleep(60)"))
        with pytest.raises(Unavailable, match="another transaction has been writing for too long"):
            await engine.write(lambda transaction: transaction.row(_LOCK, {"id": 1}))
        assert not working.done()
        # Without its client it would sleep on, and block the other tests.
        execute(url, f"SELECT pg_terminate_backend({holder.get_server_pid()}, 10000)")
        await asyncio.gather(working, return_exceptions=True)
