"""The PostgreSQL engine on a real server: what is run again and what is not, who waits for whom, and who leads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from rowen.interviews.errors import Unavailable
from rowen.store import postgres
from rowen.store.database import locate
from rowen.store.engine import Prepared, Transaction
from rowen.store.postgres import PostgresEngine
from rowen.store.postgres_server import PostgresDatabase
from tests.support.postgres import shared_postgres
from tests.support.sql import execute, fetch
from tests.support.storage import POSTGRES
from tests.unit.store.test_postgres_pool import end_sessions, until

SECRET: Final = "s3cret"
_COUNT: Final = Prepared("SELECT count(*) FROM notes", ())
_LOCK: Final = Prepared("SELECT FROM notes WHERE id = $1 FOR UPDATE", ("id",))
_ADD: Final = Prepared("INSERT INTO notes VALUES ($1)", ("id",))
_LEASES: Final = "SELECT holder, expires_at FROM leases"


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


# Who leads


class Time:
    """A monotonic clock that stands still."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(url: str, monkeypatch: pytest.MonkeyPatch) -> Time:
    """Return the clock by which processes ask for the lead."""
    execute(url, "DELETE FROM leases")
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


# What its errors say


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda port: (f":{port}/", ":1/"), "Connect|connect"),
        (lambda port: ("/rowen_", "/missing_"), "createdb"),
        (lambda port: ("/rowen_", "/missing?sslmode=perhaps&b="), "sslmode"),
        (lambda port: (f"127.0.0.1:{port}", f"nowhere.invalid:{port}"), "Name|name|resolution"),
    ],
    ids=["nobody listens", "no such database", "no such setting", "no such host"],
)
def test_what_is_wrong_is_said_without_the_password(
    url: str, change: Callable[[int], tuple[str, str]], reason: str
) -> None:
    wrong = url.replace("rowen@", f"rowen:{SECRET}@").replace(*change(shared_postgres().port))

    async def test(engine: PostgresEngine) -> None:
        for use in (engine.row(_COUNT, {}), engine.read(_count), engine.write(_count), engine.lead()):
            with pytest.raises(Unavailable, match=reason) as raised:
                await use
            assert SECRET not in str(raised.value)

    assert SECRET not in locate(wrong).name
    with pytest.raises(Unavailable, match=reason) as raised:
        locate(wrong).tables()
    assert SECRET not in str(raised.value)
    using(wrong, test)


async def _count(transaction: Transaction) -> object:
    return await transaction.row(_COUNT, {})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://",
        "postgresql://localhost",
        "postgresql://localhost/",
        f"postgresql://rowen:{SECRET}@localhost:5432",
        f"postgresql://rowen:{SECRET}@localhost:port/rowen",
        f"postgresql://rowen:{SECRET}/@localhost/rowen",
        f"postgresql://rowen:{SECRET}@localhost:65536/rowen",
        f"postgresql://rowen:{SECRET}@one:1,two:port/rowen",
        "mysql://localhost/rowen",
    ],
)
def test_other_addresses_are_refused_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="must") as raised:
        PostgresDatabase.parse(url)
    assert SECRET not in str(raised.value)


def test_of_several_hosts_the_primary_is_meant() -> None:
    found = PostgresDatabase.parse("postgresql://rowen:pass@one:1,two:2/schedule")
    assert found.dsn.endswith("?target_session_attrs=primary")
    assert found.name == "one:1,two:2/schedule"
    assert Path(found.folder).is_dir()


def test_a_server_without_tables_of_ours_says_what_to_do(url: str) -> None:
    async def test(engine: PostgresEngine) -> None:
        with pytest.raises(Unavailable, match="rowen db upgrade"):
            await engine.row(Prepared("SELECT FROM missing", ()), {})

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
