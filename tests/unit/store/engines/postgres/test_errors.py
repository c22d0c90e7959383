"""The errors of an unusable PostgreSQL database: the reason, in words, and never the password."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import asyncpg
import pytest

from rowen.interviews.errors import Unavailable
from rowen.store.database import locate
from rowen.store.engines.base import Prepared, Transaction
from rowen.store.engines.postgres import location, pool
from rowen.store.engines.postgres.location import PostgresDatabase
from tests.support.postgres import new_database, shared_postgres
from tests.support.postgres_engine import SELECT_ONE, opened
from tests.support.sql import execute
from tests.support.storage import POSTGRES

SECRET: Final = "s3cret"


@pytest.fixture(scope="module")
def url() -> str:
    """Return an empty database."""
    return new_database()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda port: (f":{port}/", ":1/"), "Connect|connect"),
        (lambda port: ("/rowen_", "/missing_"), "createdb"),
        (lambda port: ("/rowen_", "/missing?no_such_setting=1"), "createdb|no_such_setting"),
        (lambda port: (f"127.0.0.1:{port}", f"nowhere.invalid:{port}"), "Name|name|resolution"),
    ],
    ids=["nobody listens", "no such database", "no such setting", "no such host"],
)
async def test_errors_are_reported_without_the_password(
    url: str, change: Callable[[int], tuple[str, str]], reason: str
) -> None:
    wrong = url.replace("rowen@", f"rowen:{SECRET}@").replace(*change(shared_postgres().port))

    assert SECRET not in locate(wrong).name
    with pytest.raises(Unavailable, match=reason) as raised:
        locate(wrong).tables()
    assert SECRET not in str(raised.value)
    async with opened(wrong) as engine:
        for use in (engine.row(SELECT_ONE, {}), engine.read(_one), engine.write(_one), engine.try_lead()):
            with pytest.raises(Unavailable, match=reason) as raised:
                await use
            assert SECRET not in str(raised.value)


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
    assert Path(found.spool_dir).is_dir()


async def test_a_server_without_our_tables_explains_what_to_do(url: str) -> None:
    async with opened(url) as engine:
        with pytest.raises(Unavailable, match="rowen db upgrade"):
            await engine.row(Prepared("SELECT FROM missing", ()), {})


async def test_an_option_of_other_clients_is_named(url: str) -> None:
    with pytest.raises(Unavailable, match='"no_such_setting"'):
        locate(f"{url}?no_such_setting=2").tables()

    async with opened(f"{url}?no_such_setting=2") as engine:
        with pytest.raises(Unavailable, match='"no_such_setting"'):
            await engine.row(SELECT_ONE, {})


async def test_a_reader_that_waits_too_long_for_a_lock_gets_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = POSTGRES.new_database(tmp_path)
    monkeypatch.setitem(cast(dict[str, str], pool.SESSION_SETTINGS), "lock_timeout", "100ms")
    execute(url, "CREATE TABLE busy (id integer)")
    read = Prepared("SELECT id FROM busy", ())

    async def whole(transaction: Transaction) -> object:
        return await transaction.row(read, {})

    async with opened(url) as engine:
        upkeep = await asyncpg.connect(url)
        async with upkeep.transaction():
            await upkeep.execute("LOCK TABLE busy")
            for use in (engine.row(read, {}), engine.read(whole)):
                with pytest.raises(Unavailable, match="another transaction"):
                    await use
            await upkeep.execute("LOCK TABLE leases")
            with pytest.raises(Unavailable, match="another transaction"):
                await engine.try_lead()
        await upkeep.close()
        assert await engine.row(read, {}) is None


def test_upkeep_does_not_wait_for_a_host_that_hangs(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location, "CONNECT_SECONDS", 2.0)  # both hosts have that long
    with socket.create_server(("127.0.0.1", 0)) as mute:
        here = f"127.0.0.1:{shared_postgres().port}"
        several = url.replace(here, f"127.0.0.1:{mute.getsockname()[1]},{here}")
        assert locate(several).tables() == locate(url).tables()


async def _one(transaction: Transaction) -> object:
    return await transaction.row(SELECT_ONE, {})
