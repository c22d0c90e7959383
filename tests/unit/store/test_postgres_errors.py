"""What is said where a PostgreSQL database cannot be used: the reason, in words, and never the password."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from rowen.interviews.errors import Unavailable
from rowen.store.database import locate
from rowen.store.engine import Prepared, Transaction
from rowen.store.postgres import PostgresEngine
from rowen.store.postgres_server import PostgresDatabase
from tests.support.postgres import new_database, shared_postgres
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


async def _one(transaction: Transaction) -> object:
    return await transaction.row(_ONE, {})
