"""The tables in PostgreSQL: created and migrated alike, upgraded with their content, and distributed by Citus.

Citus itself is not here: an extension with its name stands in for it, which records its calls and refuses what Citus
would refuse: uniqueness across machines.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection, text

from rowen.interviews.errors import Unavailable
from rowen.store.database import locate, upgrade
from rowen.store.engines.postgres.location import distribution
from rowen.store.schema.tables import PARTITIONS, SCHEMA_VERSION, metadata
from rowen.wiring import check
from tests.support import full_database, programs
from tests.support.command import rowen
from tests.support.old_schema import catalogs, set_back
from tests.support.postgres import PostgresServer, new_database, serving_postgres, shared_postgres
from tests.support.sql import execute, fetch
from tests.support.storage import POSTGRES

DIVIDED: Final = [name for name, table in metadata.tables.items() if table.kwargs.get("postgresql_partition_by")]

_CONTROL: Final = "default_version = '1'\nrelocatable = true\n"
_STAND_IN: Final = """
CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, partkey text, together text);
CREATE TABLE calls (number bigserial, distributed text);
GRANT ALL ON pg_dist_partition, calls TO PUBLIC;
GRANT ALL ON SEQUENCE calls_number_seq TO PUBLIC;

CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text,
    distribution_type text DEFAULT 'hash', colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indrelid = table_name AND indisunique AND NOT (
            SELECT attnum FROM pg_attribute WHERE attrelid = table_name AND attname = distribution_column
        ) = ANY (indkey)) THEN
        RAISE 'cannot create constraint on "%"', table_name;
    END IF;
    IF colocate_with <> 'default' AND NOT EXISTS (
            SELECT FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass AND partkey IS NOT NULL) THEN
        RAISE 'relation % is not distributed', colocate_with;
    END IF;
    INSERT INTO pg_dist_partition VALUES (table_name, distribution_column, colocate_with);
    INSERT INTO calls (distributed) VALUES (format('%s by %s with %s', table_name, distribution_column, colocate_with));
END $$;

CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_dist_partition VALUES (table_name, NULL, NULL);
    INSERT INTO calls (distributed) VALUES (format('%s everywhere', table_name));
END $$;
"""


def test_a_fresh_schema_equals_a_migrated_one(tmp_path: Path) -> None:
    def create(connection: Connection) -> None:
        metadata.create_all(connection)
        for table in DIVIDED:
            for number in range(PARTITIONS):
                bounds = f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
                connection.execute(text(f"CREATE TABLE {table}_{number} PARTITION OF {table} {bounds}"))

    fresh = new_database()
    locate(fresh).migrate(create)
    expected, found = catalogs(fresh), catalogs(POSTGRES.new_database(tmp_path))
    for name, rows in expected.items():
        assert rows, name
        assert _unnumbered(found[name]) == _unnumbered(rows), name


def _unnumbered(rows: set[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """Return rows without the number of a generated name, which depends on which of two indexes was made first."""
    number = re.compile(r"(?<=_idx)[0-9]+(?= )")
    return {tuple(number.sub("", each) if isinstance(each, str) else each for each in row) for row in rows}


def test_text_is_in_the_order_of_its_bytes(tmp_path: Path) -> None:
    columns = catalogs(POSTGRES.new_database(tmp_path))["columns"]
    assert {row[5] for row in columns if row[3].startswith(("character", "text"))} == {"C"}


# Upgrading

NEW = (
    *("clients", "mirrors", "mirror_positions", "mirror_rows", "mirror_pending", "account_writes"),
    *("calendars", "people", "sign_in_links", "sessions", "busy_sources"),
)
"""The tables that older schemas lack, and that nothing fills in an upgrade."""


@pytest.mark.parametrize("version", ["0002", "0003"])
def test_an_upgrade_from_an_older_schema_keeps_all(tmp_path: Path, version: str) -> None:
    database = POSTGRES.new_database(tmp_path)
    full_database.fill(database, 10)
    execute(
        database,
        "UPDATE webhooks SET allowed_host = NULL",
        "UPDATE deliveries SET last_attempt_at = NULL, last_answer = NULL",
        *(f"DELETE FROM {table}" for table in NEW),
        # An upgrade knows of no change but the last of the interview.
        "UPDATE interviewers AS i SET created_at = s.created_at, updated_at = coalesce(s.updated_at, s.created_at) "
        "FROM scheduled_interviews AS s WHERE s.organization_id = i.organization_id AND s.id = i.interview_id",
    )
    held = contents(database)
    assert all(held[table] for table in metadata.tables if table not in ("leases", *NEW))
    set_back(database, version)
    assert check(locate(database)) == [f"the schema is {version}, not {SCHEMA_VERSION}: run `rowen db upgrade`"]
    assert upgrade(locate(database))
    assert contents(database) == held
    assert check(locate(database)) == []
    assert without_numbers(database) == without_numbers(POSTGRES.new_database(tmp_path))


def without_numbers(database: str) -> dict[str, set[tuple[Any, ...]]]:
    """Return the catalogs without the numbers of columns, which count dropped ones, too."""
    found = catalogs(database)
    return {**found, "columns": {(table, *rest) for table, _, *rest in found["columns"]}}


def contents(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows except those of the leases."""
    tables = [table for table in metadata.tables if table != "leases"]
    return {table: sorted(fetch(database, f"SELECT * FROM {table}"), key=repr) for table in tables}


def test_a_migration_that_fails_leaves_nothing() -> None:
    database = new_database()

    def work(connection: Connection) -> None:
        metadata.create_all(connection)
        connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(Exception, match="division by zero"):
        locate(database).migrate(work)
    assert not locate(database).exists()
    assert upgrade(locate(database))


def test_databases_that_are_not_ours_are_refused_and_left_alone() -> None:
    database = new_database()
    execute(database, "CREATE TABLE notes (id integer)")
    for use in (upgrade, check):
        with pytest.raises(Unavailable, match="another program"):
            use(locate(database))
    assert locate(database).tables().names == {"notes"}


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    database = POSTGRES.new_database(tmp_path)
    execute(database, "UPDATE alembic_version SET version_num = '9999'")
    for use in (upgrade, check):
        with pytest.raises(Unavailable, match="made by a newer Rowen"):
            use(locate(database))


def test_a_file_is_not_made_of_it_here(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="pg_dump"):
        locate(POSTGRES.new_database(tmp_path)).backup(tmp_path / "copy.db", lambda *_: None)


# Distributing


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresServer]:
    """Return a server on which an extension named `citus` can be created."""
    if not shared_postgres().execute("SELECT name FROM pg_settings WHERE name = 'extension_control_path'"):
        pytest.skip("before PostgreSQL 18 an extension has to be installed")
    folder = programs.new_folder("extensions")
    (folder / "extension").mkdir()
    (folder / "extension" / "citus.control").write_text(_CONTROL)
    (folder / "extension" / "citus--1.sql").write_text(_STAND_IN)
    programs.give(folder)
    with serving_postgres(settings={"extension_control_path": f"$system:{folder}"}) as server:
        yield server
    programs.remove(folder)


@pytest.fixture
def distributable(cluster: PostgresServer) -> str:
    """Return a database with its tables, and the stand-in."""
    database = cluster.create_database()
    upgrade(locate(database))
    name = database.rpartition("/")[2]
    cluster.execute(
        "CREATE SCHEMA citus; CREATE EXTENSION citus SCHEMA citus; GRANT USAGE ON SCHEMA citus TO PUBLIC", name
    )
    cluster.execute(f"ALTER DATABASE {name} SET search_path = public, citus")
    return database


def test_without_citus_it_fails_with_a_message(cluster: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="its server has no Citus"):
        locate(POSTGRES.new_database(tmp_path)).distribute(print)
    with pytest.raises(Unavailable, match="CREATE EXTENSION citus"):
        locate(cluster.create_database()).distribute(print)
    said = rowen("db", "distribute", "--database", POSTGRES.new_database(tmp_path), status=1)
    assert "its server has no Citus" in said.stderr


def test_every_table_is_distributed_once(distributable: str) -> None:
    distributed: list[str] = []
    locate(distributable).distribute(distributed.append)
    assert distributed == list(distribution())
    assert {*distributed, "leases"} == set(metadata.tables)
    calls = [row[0] for row in fetch(distributable, "SELECT distributed FROM calls ORDER BY number")]
    everywhere = [f"{table} everywhere" for table in ("api_keys", "clients", "calendars")]
    assert calls[:4] == [*everywhere, "organizations by id with default"]
    assert calls[4:] == [f"{table} by organization_id with organizations" for table in distributed[4:]]
    locate(distributable).distribute(distributed.append)
    assert len(distributed) == len(calls), "those that are, stay"
    assert fetch(distributable, "SELECT count(*) FROM calls") == [(len(calls),)]
    assert not upgrade(locate(distributable))


def test_an_interrupted_copy_continues(distributable: str) -> None:
    distributed: list[str] = []

    def cut_off(table: str) -> None:
        distributed.append(table)
        if len(distributed) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        locate(distributable).distribute(cut_off)
    locate(distributable).distribute(distributed.append)
    assert distributed == list(distribution())
