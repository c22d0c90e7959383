"""What is said where a PostgreSQL database cannot be used: the reason, in words, and never the password."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import asyncpg
import pytest

from rowen.interviews.errors import Unavailable
from rowen.store import postgres_pool, postgres_server
from rowen.store.database import locate
from rowen.store.engine import Prepared, Transaction
from rowen.store.postgres import PostgresEngine
from rowen.store.postgres_server import PostgresDatabase
from tests.support.postgres import new_database, shared_postgres
from tests.support.sql import execute
from tests.support.storage import POSTGRES
from tests.unit.store.test_postgres_engine import using

SECRET: Final = "s3cret"
_ONE: Final = Prepared("SELECT 1", ())


@pytest.fixture(scope="module")
def url() -> str:
    """Return an empty database."""
    return new_database()


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
        for use in (engine.row(_ONE, {}), engine.read(_one), engine.write(_one), engine.lead()):
            with pytest.raises(Unavailable, match=reason) as raised:
                await use
            assert SECRET not in str(raised.value)

    assert SECRET not in locate(wrong).name
    with pytest.raises(Unavailable, match=reason) as raised:
        locate(wrong).tables()
    assert SECRET not in str(raised.value)
    using(wrong, test)


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
        f"postgresql://rowen:a[{SECRET}]b@localhost/rowen",
        f"postgresql://rowen:{SECRET}\uff20@localhost/rowen",  # an @ once it is made ASCII
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


def test_an_option_of_other_clients_is_named(url: str) -> None:
    with pytest.raises(Unavailable, match='"connect_timeout"'):
        locate(f"{url}?connect_timeout=2").tables()

    async def test(engine: PostgresEngine) -> None:
        with pytest.raises(Unavailable, match='"connect_timeout"'):
            await engine.row(_ONE, {})

    using(f"{url}?connect_timeout=2", test)


def test_a_reader_that_waits_too_long_for_a_lock_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = POSTGRES.new_database(tmp_path)
    monkeypatch.setitem(cast(dict[str, str], postgres_pool._SESSION), "lock_timeout", "100ms")
    execute(url, "CREATE TABLE busy (id integer)")
    read = Prepared("SELECT id FROM busy", ())

    async def whole(transaction: Transaction) -> object:
        return await transaction.row(read, {})

    async def test(engine: PostgresEngine) -> None:
        upkeep = await asyncpg.connect(url)
        async with upkeep.transaction():
            await upkeep.execute("LOCK TABLE busy")
            for use in (engine.row(read, {}), engine.read(whole)):
                with pytest.raises(Unavailable, match="another transaction"):
                    await use
            await upkeep.execute("LOCK TABLE leases")
            with pytest.raises(Unavailable, match="another transaction"):
                await engine.lead()
        await upkeep.close()
        assert await engine.row(read, {}) is None

    using(url, test)


def test_upkeep_does_not_wait_for_a_host_that_hangs(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "_CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        here = f"127.0.0.1:{shared_postgres().port}"
        several = url.replace(here, f"127.0.0.1:{mute.getsockname()[1]},{here}")
        assert locate(several).tables() == locate(url).tables()


async def _one(transaction: Transaction) -> object:
    return await transaction.row(_ONE, {})
