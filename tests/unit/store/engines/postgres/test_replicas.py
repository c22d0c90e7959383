"""Reading from real replicas: each serves what it is new enough for, and the primary does the rest."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final
from unittest.mock import patch

import asyncpg
import pytest

from rowen.interviews.errors import Unavailable
from rowen.store.database import locate, upgrade
from rowen.store.engines.base import Prepared, ReadTarget, Transaction
from rowen.store.engines.postgres import replicas as postgres_replicas
from rowen.store.engines.postgres.pool import Connection
from rowen.store.engines.postgres.replicas import ReplicatedEngine
from tests.support.cluster import Cluster
from tests.support.postgres import PostgresServer
from tests.support.postgres_engine import until
from tests.support.sql import execute, fetch

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
    """Return a copy of that database, which the replicas have, too."""
    database = cluster.primary.create_database(template)
    cluster.wait_until_caught_up()
    yield database
    cluster.primary.drop_database(database)


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def grown(url: str, organization: int = ONE) -> Version:
    """Commit something, and return the new version."""
    ((revision, time),) = fetch(url, _RAISE, organization)
    return revision, time


@asynccontextmanager
async def opened(url: str, replicas: list[PostgresServer], seconds: float = 60) -> AsyncIterator[ReplicatedEngine]:
    """Open a database with replicas, which are waited for as long as a busy machine requires, or some seconds."""
    with patch.object(postgres_replicas, "_SECONDS", seconds):
        engine = ReplicatedEngine(url, "test", [each.url(name_of(url)) for each in replicas])
    try:
        async with asyncio.timeout(60):
            yield engine
    finally:
        await engine.close()


async def who(target: ReadTarget) -> str:
    """Return the name of the server that responds."""
    row = await target.row(_WHO, {})
    assert row is not None
    name: str = row[0]
    return name


async def until_answers(engine: ReplicatedEngine, version: Version, server: PostgresServer) -> None:
    """Return once a server serves that version."""
    async with asyncio.timeout(60):
        while await who(engine.reader_for(ONE, version)) != server.name:
            await asyncio.sleep(0.005)


@contextmanager
def paused(*replicas: PostgresServer) -> Iterator[None]:
    """Make replicas receive commits without showing them."""
    for each in replicas:
        each.execute("SELECT pg_wal_replay_pause()")
    try:
        yield
    finally:
        for each in replicas:
            each.execute("SELECT pg_wal_replay_resume()")


async def test_each_replica_answers_in_turn(cluster: Cluster, url: str) -> None:
    async with opened(url, cluster.replicas) as engine:
        version = grown(url)
        for replica in cluster.replicas:
            await until_answers(engine, version, replica)
        answers = [await who(engine.reader_for(ONE, version)) for _ in range(4)]
        assert answers[:2] == answers[2:]
        assert set(answers) == {replica.name for replica in cluster.replicas}
        assert await who(engine) == cluster.primary.name, "what names no organization is for the primary"
        row = await engine.reader_for(ONE, version).read(_who)
        assert row in answers


async def _who(transaction: Transaction) -> str:
    return await who(transaction)  # type: ignore[arg-type]  # it asks by the same method


async def test_one_request_has_one_copy(cluster: Cluster, url: str) -> None:
    async with opened(url, cluster.replicas) as engine:
        copy = engine.reader_for(ONE, (0, 0))
        answers = {await who(copy), *[(await copy.rows(_WHO, {}))[0][0] for _ in range(3)], await copy.read(_who)}
        assert len(answers) == 1


async def test_a_lagging_replica_is_skipped(cluster: Cluster, url: str) -> None:
    one, other = cluster.replicas

    async with opened(url, cluster.replicas) as engine:
        old = grown(url)
        for replica in cluster.replicas:
            await until_answers(engine, old, replica)
        with paused(one):
            for _ in range(20):
                new = grown(url)
                assert await who(engine.reader_for(ONE, new)) != one.name
            await until_answers(engine, new, other)
            await until_answers(engine, old, one)
        await until_answers(engine, new, one)


async def test_if_all_replicas_lag_the_primary_serves(cluster: Cluster, url: str) -> None:
    async with opened(url, cluster.replicas) as engine:
        with paused(*cluster.replicas):
            for _ in range(20):
                assert await who(engine.reader_for(ONE, grown(url))) == cluster.primary.name


async def test_the_reached_version_is_cached_for_each_organization(cluster: Cluster, url: str) -> None:
    one = cluster.replicas[0]
    fetch(url, _INSERT, 2, "two")
    cluster.wait_until_caught_up()

    async with opened(url, [one]) as engine:
        first, second = grown(url, 1), grown(url, 2)
        await until_answers(engine, first, one)
        with paused(one):
            later = grown(url, 2)
            assert await who(engine.reader_for(1, first)) == one.name
            await until(lambda: engine.replicas[0].is_asked)
            assert await who(engine.reader_for(2, second)) == one.name
            await until(lambda: engine.replicas[0].is_asked)
            assert await who(engine.reader_for(2, later)) == cluster.primary.name
            await until(lambda: engine.replicas[0].is_asked)
            assert await who(engine.reader_for(1, first)) == one.name
        assert await who(engine.reader_for(9, (1, 1))) == cluster.primary.name, "it does not know that organization"


async def test_a_version_of_another_history_is_not_taken_for_ours(cluster: Cluster, url: str) -> None:
    """The same revision at another time: of a former primary, or of a restored database."""
    one = cluster.replicas[0]

    async with opened(url, [one]) as engine:
        revision, time = grown(url)
        await until_answers(engine, (revision, time), one)
        assert await who(engine.reader_for(ONE, (revision, time + 1))) == cluster.primary.name
        assert await who(engine.reader_for(ONE, (revision, time))) == one.name


async def test_a_later_version_of_another_history_is_not_taken_for_ours(
    cluster: Cluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ahead of the request's version, and the primary has come further by now: its history is unknown."""
    one = cluster.replicas[0]

    async with opened(url, [one]) as engine:
        version = grown(url)
        later = grown(url)
        await until_answers(engine, later, one)
        assert await who(engine.reader_for(ONE, version)) == one.name, "the primary has reached that version, too"

        async def reached(*_: object) -> Version:
            return later[0], later[1] + 1

        monkeypatch.setattr(engine.replicas[0], "reached", reached)
        grown(url)
        assert await who(engine.reader_for(ONE, version)) == cluster.primary.name


async def test_one_with_an_address_that_makes_no_sense_disturbs_nobody(cluster: Cluster, url: str) -> None:
    wrong = cluster.replicas[0].url(name_of(url)) + "?no_such_setting=2"
    engine = ReplicatedEngine(url, "test", [wrong])
    try:
        assert await who(engine.reader_for(ONE, grown(url))) == cluster.primary.name
    finally:
        await engine.close()


async def test_one_that_is_stopped_is_left_out_and_taken_back(cluster: Cluster, url: str) -> None:
    one, other = cluster.replicas

    async with opened(url, cluster.replicas) as engine:
        version = grown(url)
        for replica in cluster.replicas:
            await until_answers(engine, version, replica)
        one.stop()
        answers = {await who(engine.reader_for(ONE, version)) for _ in range(4)}
        assert answers <= {other.name, cluster.primary.name}
        assert not engine.replicas[0].is_asked
        assert {await who(engine.reader_for(ONE, version)) for _ in range(4)} == {other.name}
        one.start()
        await until_answers(engine, version, one)


async def test_one_that_hangs_is_left_out_and_taken_back(cluster: Cluster, url: str) -> None:
    one = cluster.replicas[0]

    async with opened(url, [one], 1) as engine:
        version = grown(url)
        await until_answers(engine, version, one)
        one.freeze()
        try:
            assert await who(engine.reader_for(ONE, version)) == cluster.primary.name
            assert await engine.reader_for(ONE, version).read(_who) == cluster.primary.name
        finally:
            one.thaw()
        await until_answers(engine, version, one)


async def test_a_long_read_does_not_wait_for_a_hanging_replica(cluster: Cluster, url: str) -> None:
    """Long reads have much time; but when short queries find that nobody responds, they stop waiting."""
    one = cluster.replicas[0]

    async with opened(url, [one], 1) as engine:
        version = grown(url)
        await until_answers(engine, version, one)
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def long(transaction: Transaction) -> str:
            begun.set()
            await go_on.wait()
            return await _who(transaction)

        reading = asyncio.create_task(engine.reader_for(ONE, version).read(long))
        await begun.wait()
        one.freeze()
        try:
            go_on.set()
            assert await who(engine.reader_for(ONE, version)) == cluster.primary.name
            async with asyncio.timeout(postgres_replicas.SCAN_SECONDS / 2):
                assert await reading == cluster.primary.name
        finally:
            one.thaw()
        await until_answers(engine, version, one)


async def test_one_that_was_never_there_disturbs_nobody(cluster: Cluster, url: str) -> None:
    missing = PostgresServer(cluster.primary.folder, 1)
    async with opened(url, [missing]) as engine:
        assert await who(engine.reader_for(ONE, grown(url))) == cluster.primary.name


async def test_a_check_on_a_lost_connection_does_not_count_for_another(
    cluster: Cluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crashed replica may show less than before: it is used again only after it was checked again."""
    one = cluster.replicas[0]
    fetchrow = asyncpg.Connection.fetchrow
    asked: list[tuple[Connection, str]] = []

    async def noted(connection: Connection, statement: str, *given: Any) -> Any:
        if connection.get_settings().in_hot_standby == "on":
            asked.append((connection, statement))
        return await fetchrow(connection, statement, *given)

    monkeypatch.setattr(asyncpg.Connection, "fetchrow", noted)

    async with opened(url, [one]) as engine:
        version = grown(url)
        await until_answers(engine, version, one)
        copy = engine.reader_for(ONE, version)
        assert await who(copy) == one.name
        end_sessions_of(one, name_of(url))
        await until(lambda: all(connection.is_closed() for connection, _ in asked))
        assert await who(copy) == cluster.primary.name
        assert await who(copy) == cluster.primary.name, "one request does not go back and forth"
        asked.clear()
        await until_answers(engine, version, one)
        assert any("FROM organizations" in statement for _, statement in asked), "it was checked again"


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
async def test_a_query_that_it_cannot_serve_goes_to_the_primary_and_it_stays_in_use(
    cluster: Cluster, url: str, error: type[asyncpg.PostgresError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica cancels queries that need rows which the primary has removed; or its tables are older, or locked.

    It serves other queries as before.
    """
    one = cluster.replicas[0]

    async with opened(url, [one]) as engine:
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
        assert await who(engine.reader_for(ONE, version)) == cluster.primary.name
        assert engine.replicas[0].is_asked
        assert await who(engine.reader_for(ONE, version)) == one.name


async def test_without_the_primary_it_is_unavailable_even_if_replicas_respond(cluster: Cluster, url: str) -> None:
    closed = url.replace(f":{cluster.primary.port}/", ":1/")
    async with opened(closed, cluster.replicas) as engine:
        assert await who(engine.reader_for(ONE, (0, 0))) in {each.name for each in cluster.replicas}
        for use in (engine.row(_WHO, {}), engine.reader_for(ONE, (1, 1)).row(_WHO, {}), engine.write(_who)):
            with pytest.raises(Unavailable):
                await use


async def test_a_standby_is_not_taken_for_the_primary(cluster: Cluster, url: str) -> None:
    async def touch(transaction: Transaction) -> None:
        await transaction.run(Prepared("DELETE FROM webhooks", ()), {})

    async with opened(cluster.replicas[0].url(name_of(url)), []) as engine:
        with pytest.raises(Unavailable, match="none of its servers is the primary"):
            await engine.write(touch)
    execute(url, "DELETE FROM webhooks")
