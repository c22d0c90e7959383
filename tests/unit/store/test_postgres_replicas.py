"""Reading from replicas that really follow: each answers what it is new enough for, and the primary does the rest."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import asyncpg
import pytest

from rowen.interviews.errors import Unavailable
from rowen.store import postgres_replicas
from rowen.store.database import locate, upgrade
from rowen.store.engine import Copy, Prepared, Transaction
from rowen.store.postgres_pool import Connection
from rowen.store.postgres_replicas import ReplicatedEngine
from tests.support.cluster import Cluster
from tests.support.postgres import PostgresServer
from tests.support.sql import execute, fetch
from tests.unit.store.test_postgres_pool import until

Version = tuple[int, int]
ONE: Final = 1
_WHO: Final = Prepared("SELECT current_setting('cluster_name')", ())
_INSERT: Final = "INSERT INTO organizations VALUES (?, ?, 'UTC', 0, 0, 0, 0, 0)"
_RAISE: Final = """
    UPDATE organizations SET revision = revision + 1, last_updated_at = last_updated_at + 7 WHERE id = ?
    RETURNING revision, last_updated_at
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a primary with two replicas."""
    with Cluster(2) as running:
        yield running


@pytest.fixture(scope="module")
def template(cluster: Cluster) -> str:
    """Return a database with one organization, to be copied."""
    database = cluster.primary.create_database()
    upgrade(locate(database))
    fetch(database, _INSERT, ONE, "one")
    return database


@pytest.fixture
def url(cluster: Cluster, template: str) -> Iterator[str]:
    """Return such a database, which the replicas have, too."""
    database = cluster.primary.create_database(template)
    cluster.wait_until_caught_up()
    yield database
    cluster.primary.drop_database(database)


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def grown(url: str, organization: int = ONE) -> Version:
    """Commit something, and return the version it has made."""
    ((revision, time),) = fetch(url, _RAISE, organization)
    return revision, time


@asynccontextmanager
async def opened(url: str, replicas: list[PostgresServer]) -> AsyncIterator[ReplicatedEngine]:
    engine = ReplicatedEngine(url, "test", [each.url(name_of(url)) for each in replicas])
    try:
        async with asyncio.timeout(60):
            yield engine
    finally:
        await engine.close()


def using(url: str, replicas: list[PostgresServer], test: Callable[[ReplicatedEngine], Awaitable[None]]) -> None:
    """Run a test with an engine that has these replicas."""

    async def run() -> None:
        async with opened(url, replicas) as engine:
            await test(engine)

    asyncio.run(run())


async def who(copy: Copy) -> str:
    """Return the name of the server that answers."""
    row = await copy.row(_WHO, {})
    assert row is not None
    name: str = row[0]
    return name


async def until_answers(engine: ReplicatedEngine, version: Version, server: PostgresServer) -> None:
    """Return once a server answers what is as new as that."""
    async with asyncio.timeout(60):
        while await who(engine.at(ONE, version)) != server.name:
            await asyncio.sleep(0.005)


@contextmanager
def paused(*replicas: PostgresServer) -> Iterator[None]:
    """Let replicas receive what is committed, but not show it."""
    for each in replicas:
        each.execute("SELECT pg_wal_replay_pause()")
    try:
        yield
    finally:
        for each in replicas:
            each.execute("SELECT pg_wal_replay_resume()")


def test_each_replica_answers_in_turn(cluster: Cluster, url: str) -> None:
    async def test(engine: ReplicatedEngine) -> None:
        version = grown(url)
        for replica in cluster.replicas:
            await until_answers(engine, version, replica)
        answers = [await who(engine.at(ONE, version)) for _ in range(4)]
        assert answers[:2] == answers[2:]
        assert set(answers) == {replica.name for replica in cluster.replicas}
        assert await who(engine) == cluster.primary.name, "what names no organization is for the primary"
        row = await engine.at(ONE, version).read(_who)
        assert row in answers

    using(url, cluster.replicas, test)


async def _who(transaction: Transaction) -> str:
    return await who(transaction)  # type: ignore[arg-type]  # it asks by the same method


def test_one_request_has_one_copy(cluster: Cluster, url: str) -> None:
    async def test(engine: ReplicatedEngine) -> None:
        copy = engine.at(ONE, (0, 0))
        answers = {await who(copy), *[(await copy.rows(_WHO, {}))[0][0] for _ in range(3)], await copy.read(_who)}
        assert len(answers) == 1

    using(url, cluster.replicas, test)


def test_who_is_behind_is_passed_over(cluster: Cluster, url: str) -> None:
    one, other = cluster.replicas

    async def test(engine: ReplicatedEngine) -> None:
        old = grown(url)
        for replica in cluster.replicas:
            await until_answers(engine, old, replica)
        with paused(one):
            for _ in range(20):
                new = grown(url)
                assert await who(engine.at(ONE, new)) != one.name
            await until_answers(engine, new, other)
            await until_answers(engine, old, one)
        await until_answers(engine, new, one)

    using(url, cluster.replicas, test)


def test_where_all_are_behind_the_primary_answers(cluster: Cluster, url: str) -> None:
    async def test(engine: ReplicatedEngine) -> None:
        with paused(*cluster.replicas):
            for _ in range(20):
                assert await who(engine.at(ONE, grown(url))) == cluster.primary.name

    using(url, cluster.replicas, test)


def test_what_it_has_reached_is_remembered_for_each_organization(cluster: Cluster, url: str) -> None:
    one = cluster.replicas[0]
    fetch(url, _INSERT, 2, "two")
    cluster.wait_until_caught_up()

    async def test(engine: ReplicatedEngine) -> None:
        first, second = grown(url, 1), grown(url, 2)
        await until_answers(engine, first, one)
        with paused(one):
            later = grown(url, 2)
            assert await who(engine.at(1, first)) == one.name
            await until(lambda: engine._replicas[0].is_asked)
            assert await who(engine.at(2, second)) == one.name
            await until(lambda: engine._replicas[0].is_asked)
            assert await who(engine.at(2, later)) == cluster.primary.name
            await until(lambda: engine._replicas[0].is_asked)
            assert await who(engine.at(1, first)) == one.name
        assert await who(engine.at(9, (1, 1))) == cluster.primary.name, "it has not heard of that organization"

    using(url, [one], test)


def test_a_version_of_another_history_is_not_taken_for_ours(cluster: Cluster, url: str) -> None:
    """The same revision at another time: of a primary that was given up, or of a database that was restored."""
    one = cluster.replicas[0]

    async def test(engine: ReplicatedEngine) -> None:
        revision, time = grown(url)
        await until_answers(engine, (revision, time), one)
        assert await who(engine.at(ONE, (revision, time + 1))) == cluster.primary.name
        assert await who(engine.at(ONE, (revision, time))) == one.name

    using(url, [one], test)


def test_a_later_version_of_another_history_is_not_taken_for_ours(
    cluster: Cluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ahead of what the request was told, and the primary has come further by now: nobody can tell."""
    one = cluster.replicas[0]

    async def test(engine: ReplicatedEngine) -> None:
        version = grown(url)
        later = grown(url)
        await until_answers(engine, later, one)
        assert await who(engine.at(ONE, version)) == one.name, "the primary has said that it is there, too"
        engine._replicas[0]._reached[ONE] = (later[0], later[1] + 1)
        grown(url)
        assert await who(engine.at(ONE, version)) == cluster.primary.name

    using(url, [one], test)


def test_one_with_an_address_that_makes_no_sense_disturbs_nobody(cluster: Cluster, url: str) -> None:
    async def run() -> None:
        wrong = cluster.replicas[0].url(name_of(url)) + "?connect_timeout=2"
        engine = ReplicatedEngine(url, "test", [wrong])
        try:
            assert await who(engine.at(ONE, grown(url))) == cluster.primary.name
        finally:
            await engine.close()

    asyncio.run(run())


def test_one_that_is_stopped_is_left_out_and_taken_back(cluster: Cluster, url: str) -> None:
    one, other = cluster.replicas

    async def test(engine: ReplicatedEngine) -> None:
        version = grown(url)
        for replica in cluster.replicas:
            await until_answers(engine, version, replica)
        one.stop()
        answers = {await who(engine.at(ONE, version)) for _ in range(4)}
        assert answers <= {other.name, cluster.primary.name}
        assert not engine._replicas[0].is_asked
        assert {await who(engine.at(ONE, version)) for _ in range(4)} == {other.name}
        one.start()
        await until_answers(engine, version, one)

    using(url, cluster.replicas, test)


def test_one_that_hangs_is_left_out_and_taken_back(cluster: Cluster, url: str) -> None:
    one = cluster.replicas[0]

    async def test(engine: ReplicatedEngine) -> None:
        version = grown(url)
        await until_answers(engine, version, one)
        one.freeze()
        try:
            assert await who(engine.at(ONE, version)) == cluster.primary.name
            assert await engine.at(ONE, version).read(_who) == cluster.primary.name
        finally:
            one.thaw()
        await until_answers(engine, version, one)

    using(url, [one], test)


def test_who_asked_for_much_does_not_wait_for_one_that_hangs(cluster: Cluster, url: str) -> None:
    """What may take long has much time; but where small questions find out that nobody answers, it waits no longer."""
    one = cluster.replicas[0]

    async def test(engine: ReplicatedEngine) -> None:
        version = grown(url)
        await until_answers(engine, version, one)
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def long(transaction: Transaction) -> str:
            begun.set()
            await go_on.wait()
            return await _who(transaction)

        reading = asyncio.create_task(engine.at(ONE, version).read(long))
        await begun.wait()
        one.freeze()
        try:
            go_on.set()
            assert await who(engine.at(ONE, version)) == cluster.primary.name
            async with asyncio.timeout(postgres_replicas._SCAN_SECONDS / 2):
                assert await reading == cluster.primary.name
        finally:
            one.thaw()
        await until_answers(engine, version, one)

    using(url, [one], test)


def test_one_that_was_never_there_disturbs_nobody(cluster: Cluster, url: str) -> None:
    async def test(engine: ReplicatedEngine) -> None:
        assert await who(engine.at(ONE, grown(url))) == cluster.primary.name

    missing = PostgresServer(cluster.primary.folder, 1)
    using(url, [missing], test)


def test_what_was_checked_on_a_connection_that_is_lost_is_not_read_on_another(cluster: Cluster, url: str) -> None:
    """A replica that crashed may show less than before: it counts as new enough again once it was asked again."""
    one = cluster.replicas[0]

    async def test(engine: ReplicatedEngine) -> None:
        version = grown(url)
        await until_answers(engine, version, one)
        copy = engine.at(ONE, version)
        assert await who(copy) == one.name
        end_sessions_of(one, name_of(url))
        await until(lambda: all(each.is_closed() for each in engine._replicas[0]._reading._idle))
        assert await who(copy) == cluster.primary.name
        assert await who(copy) == cluster.primary.name, "one request does not go back and forth"
        assert not engine._replicas[0]._reached or engine._replicas[0]._as_of != engine._replicas[0].generation
        await until_answers(engine, version, one)

    using(url, [one], test)


def end_sessions_of(server: PostgresServer, database: str) -> None:
    """End the connections to a database of one server, and return once they are gone."""
    server.execute(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{database}'")


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.SerializationError,
        asyncpg.DeadlockDetectedError,
        asyncpg.UndefinedColumnError,
        asyncpg.LockNotAvailableError,
    ],
)
def test_a_question_that_it_cannot_answer_is_put_to_the_primary_and_it_stays(
    cluster: Cluster, url: str, error: type[asyncpg.PostgresError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica cancels what needs rows that the primary has removed; or its tables are older, or locked.

    Other questions it answers as before.
    """
    one = cluster.replicas[0]

    async def test(engine: ReplicatedEngine) -> None:
        version = grown(url)
        await until_answers(engine, version, one)
        fails = True

        async def failing(connection: Connection, *given: Any) -> Any:
            nonlocal fails
            if fails and connection.get_settings().in_hot_standby == "on":
                fails = False
                raise error("not here")
            return await fetchrow(connection, *given)

        fetchrow = asyncpg.Connection.fetchrow
        monkeypatch.setattr(asyncpg.Connection, "fetchrow", failing)
        assert await who(engine.at(ONE, version)) == cluster.primary.name
        assert engine._replicas[0].is_asked
        assert await who(engine.at(ONE, version)) == one.name

    using(url, [one], test)


def test_without_the_primary_it_says_so_although_replicas_answer(cluster: Cluster, url: str) -> None:
    async def test() -> None:
        closed = url.replace(f":{cluster.primary.port}/", ":1/")
        async with opened(closed, cluster.replicas) as engine:
            assert await who(engine.at(ONE, (0, 0))) in {each.name for each in cluster.replicas}
            for use in (engine.row(_WHO, {}), engine.at(ONE, (1, 1)).row(_WHO, {}), engine.write(_who)):
                with pytest.raises(Unavailable):
                    await use

    asyncio.run(test())


def test_a_standby_is_not_taken_for_the_primary(cluster: Cluster, url: str) -> None:
    async def test() -> None:
        async def touch(transaction: Transaction) -> None:
            await transaction.run(Prepared("DELETE FROM webhooks", ()), {})

        async with opened(cluster.replicas[0].url(name_of(url)), []) as engine:
            with pytest.raises(Unavailable, match="none of its servers is the primary"):
                await engine.write(touch)

    asyncio.run(test())
    execute(url, "DELETE FROM webhooks")
