"""The tables in PostgreSQL: made and migrated alike, brought forward with all that they hold, and distributed by Citus.

Citus itself is not here: an extension of its name stands in for it, which notes what it is told and refuses what Citus
would refuse, that something be unique across machines.
"""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import pytest
from alembic import command
from sqlalchemy import Connection, text

from rowen.harvest.documents import decode, draft
from rowen.interviews.errors import Unavailable
from rowen.store.database import alembic_config, check, locate, upgrade
from rowen.store.postgres_server import distribution
from rowen.store.tables import PARTITIONS, metadata
from tests.concurrency.writer import writing
from tests.support import everything, programs
from tests.support.command import rowen
from tests.support.postgres import PostgresServer, new_database, serving_postgres, shared_postgres
from tests.support.records import canonical
from tests.support.sql import execute, fetch
from tests.support.storage import POSTGRES
from tests.unit.store.test_gathering import AROUND, interviews

DIVIDED: Final = [name for name, table in metadata.tables.items() if table.kwargs.get("postgresql_partition_by")]

CATALOGS: Final = {
    "tables": """
        SELECT relname, relkind::text, relpersistence::text, pg_get_expr(relpartbound, oid), pg_get_partkeydef(oid)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    """,
    "columns": """
        SELECT attrelid::regclass::text, attnum, attname, format_type(atttypid, atttypmod), attnotnull, collname,
               pg_get_expr(adbin, adrelid), attidentity::text
        FROM pg_attribute
        JOIN pg_class AS t ON t.oid = attrelid
        LEFT JOIN pg_collation AS c ON c.oid = attcollation
        LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
    "indexes": """
        SELECT indrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid FROM pg_index
        JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
    """,
}

_DOCUMENTS: Final = """
    SELECT resource, id, (convert_from(document, 'UTF8')::jsonb - 'created_at' - 'updated_at')::text
    FROM records WHERE document IS NOT NULL ORDER BY 1, 2
"""

_CONTROL: Final = "default_version = '1'\nrelocatable = true\n"
_STAND_IN: Final = """
CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, partkey text, together text);
CREATE TABLE calls (number bigserial, told text);
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
    INSERT INTO calls (told) VALUES (format('%s by %s with %s', table_name, distribution_column, colocate_with));
END $$;

CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_dist_partition VALUES (table_name, NULL, NULL);
    INSERT INTO calls (told) VALUES (format('%s everywhere', table_name));
END $$;
"""


def catalogs(database: str) -> dict[str, set[tuple[Any, ...]]]:
    """Return what the server knows of the tables; those of Alembic aside."""
    found = {name: fetch(database, statement) for name, statement in CATALOGS.items()}
    return {name: {row for row in rows if "alembic_version" not in str(row)} for name, rows in found.items()}


def migrate_to(database: str, version: str) -> None:
    """Bring an empty database to a version of the schema."""

    def work(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)

    locate(database).migrate(work)


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
        assert found[name] == rows, name


def test_text_is_in_the_order_of_its_bytes(tmp_path: Path) -> None:
    columns = catalogs(POSTGRES.new_database(tmp_path))["columns"]
    assert {row[5] for row in columns if row[3].startswith(("character", "text"))} == {"C"}


# Bringing forward


@pytest.fixture
def old() -> str:
    """Return a database of schema 0001 with interviews in it, and an application that was closed."""
    database = new_database()
    migrate_to(database, "0001")
    execute(database, "INSERT INTO organizations VALUES (1, 'one', 'UTC', 0, 5, 1700000000000, 5, 5)")
    execute(database, "INSERT INTO organizations VALUES (17, 'empty', 'UTC', 0, 0, 0, 0, 0)")
    for each in interviews():
        made = draft(decode(canonical(each)), UTC)
        values = made._asdict() | {"organization_id": 1, "created_through_api": False}
        del values["panel"]
        marks = ", ".join("?" for _ in values)
        fetch(database, f"INSERT INTO scheduled_interviews ({', '.join(values)}) VALUES ({marks})", *values.values())
    for application, active in ((7, True), (8, False), (9, True), (10, True)):
        fetch(database, "INSERT INTO applications VALUES (1, ?, ?)", application, active)
    return database


def around(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return what stands around the interviews; when a derived user was made is not part of it."""
    tables = {
        "applications": "records WHERE resource = 'applications'",
        "others": "records WHERE resource != 'applications'",
    }
    return {
        name: sorted(fetch(database, f"SELECT {columns} FROM {tables.get(name, name)}"), key=repr)
        for name, columns in AROUND.items()
    }


def test_an_upgrade_from_the_first_schema_gathers_what_an_import_gathers(old: str, tmp_path: Path) -> None:
    documents = fetch(old, "SELECT id, document FROM scheduled_interviews ORDER BY id")
    assert upgrade(locate(old))
    assert not upgrade(locate(old))
    assert check(locate(old)) == []
    assert fetch(old, "SELECT id, document FROM scheduled_interviews ORDER BY id") == documents
    fresh = POSTGRES.new_database(tmp_path)
    with writing(fresh) as writer:
        writer.merge(writer.new_client("one"), interviews())
    execute(
        fresh,
        "UPDATE records SET status = 'rejected' WHERE resource = 'applications' AND id = 8",
        "INSERT INTO records VALUES (1, 'applications', 10, NULL, NULL, 'active', TRUE, NULL, NULL)",
    )
    assert around(old) == around(fresh)
    assert fetch(old, _DOCUMENTS) == fetch(fresh, _DOCUMENTS)
    assert catalogs(old) == catalogs(fresh)


def test_an_upgrade_from_the_second_schema_keeps_all(tmp_path: Path) -> None:
    database = POSTGRES.new_database(tmp_path)
    everything.fill(database, 10)
    set_back(database)
    held = contents(database)
    assert all(held[table] for table in metadata.tables if table != "leases")
    assert check(locate(database)) == ["the schema is 0002, not 0003: run `rowen db upgrade`"]
    assert upgrade(locate(database))
    assert contents(database) == held
    assert check(locate(database)) == []
    assert catalogs(database) == catalogs(POSTGRES.new_database(tmp_path))


def set_back(database: str) -> None:
    """Make the newest schema the one before it."""
    execute(database, "DROP TABLE leases", "UPDATE alembic_version SET version_num = '0002'")


def contents(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows but those of the leases."""
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
    """Return a server on which an extension named `citus` can be made."""
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
    """Return a database with its tables made, and the stand-in."""
    database = cluster.create_database()
    upgrade(locate(database))
    name = database.rpartition("/")[2]
    cluster.execute(
        "CREATE SCHEMA citus; CREATE EXTENSION citus SCHEMA citus; GRANT USAGE ON SCHEMA citus TO PUBLIC", name
    )
    cluster.execute(f"ALTER DATABASE {name} SET search_path = public, citus")
    return database


def test_without_citus_it_says_so(cluster: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="its server has no Citus"):
        locate(POSTGRES.new_database(tmp_path)).distribute(print)
    with pytest.raises(Unavailable, match="CREATE EXTENSION citus"):
        locate(cluster.create_database()).distribute(print)
    said = rowen("db", "distribute", "--database", POSTGRES.new_database(tmp_path), status=1)
    assert "its server has no Citus" in said.stderr


def test_every_table_is_distributed_once(distributable: str) -> None:
    told: list[str] = []
    locate(distributable).distribute(told.append)
    assert told == list(distribution())
    assert {*told, "leases"} == set(metadata.tables)
    calls = [row[0] for row in fetch(distributable, "SELECT told FROM calls ORDER BY number")]
    assert calls[:2] == ["api_keys everywhere", "organizations by id with default"]
    assert calls[2:] == [f"{table} by organization_id with organizations" for table in told[2:]]
    locate(distributable).distribute(told.append)
    assert len(told) == len(calls), "those that are, stay"
    assert fetch(distributable, "SELECT count(*) FROM calls") == [(len(calls),)]
    assert not upgrade(locate(distributable))


def test_what_was_cut_off_goes_on(distributable: str) -> None:
    told: list[str] = []

    def cut_off(table: str) -> None:
        told.append(table)
        if len(told) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        locate(distributable).distribute(cut_off)
    locate(distributable).distribute(told.append)
    assert told == list(distribution())
