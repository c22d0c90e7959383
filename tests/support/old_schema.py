"""Databases of older schemas, and what PostgreSQL knows of its tables."""

from pathlib import Path
from typing import Any, Final

from alembic import command
from sqlalchemy import Connection

from rowen.store.database import alembic_config, locate
from tests.support.postgres import new_database
from tests.support.sql import execute, fetch
from tests.support.storage import SQLITE, Storage

_CATALOGS: Final = {
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


def database_of(version: str, storage: Storage, folder: Path) -> str:
    """Return the URL of a new database with the tables of a version of the schema."""
    folder.mkdir(exist_ok=True)
    database = f"sqlite:///{folder}/rowen.db" if storage is SQLITE else new_database()
    location = locate(database)

    def migrate(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)

    location.create()
    location.migrate(migrate)
    return database


def insert(database: str, table: str, *values: Any) -> None:
    """Insert one row with a value for every column."""
    fetch(database, f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", *values)


_UNDONE: Final = {
    "0014": (
        "DROP INDEX scheduled_interviews_awaiting",
        "ALTER TABLE sessions DROP COLUMN confirmed_at, DROP COLUMN asked_at, DROP COLUMN held_grant",
    ),
    "0013": (
        "DROP TABLE busy_sources",
        "ALTER TABLE organizations DROP COLUMN room_count, DROP COLUMN require_busy_source",
    ),
    "0012": ("ALTER TABLE mirrors DROP COLUMN write_through", "DROP TABLE account_writes"),
    "0011": ("DROP TABLE people, sign_in_links, sessions",),
    "0010": ("DROP TABLE calendars", "DROP INDEX changes_cancelled"),
    "0009": (
        "ALTER TABLE mirror_positions DROP COLUMN held",
        "ALTER TABLE mirror_rows DROP COLUMN other_person_id",
    ),
    "0008": (),
    "0007": ("DROP TABLE clients",),
    "0006": (
        "DROP TABLE mirrors, mirror_positions, mirror_rows, mirror_pending",
        "ALTER TABLE organizations DROP COLUMN mirrored_from",
    ),
    "0005": ("DROP TABLE interviewers", "ALTER TABLE organizations DROP COLUMN last_interviewer_id"),
    "0004": (
        "ALTER TABLE webhooks DROP COLUMN allowed_host",
        "ALTER TABLE deliveries DROP COLUMN last_attempt_at, DROP COLUMN last_answer",
    ),
    "0003": ("DROP TABLE leases",),
}
"""The statements that undo each migration, the newest first."""


def set_back(database: str, version: str) -> None:
    """Make an older schema of a PostgreSQL database that has the newest."""
    undone = [each for migration, statements in _UNDONE.items() if migration > version for each in statements]
    execute(database, *undone, f"UPDATE alembic_version SET version_num = '{version}'")


def catalogs(database: str) -> dict[str, set[tuple[Any, ...]]]:
    """Return what a PostgreSQL server knows of the tables, except for Alembic's."""
    found = {name: fetch(database, statement) for name, statement in _CATALOGS.items()}
    return {name: {row for row in rows if "alembic_version" not in str(row)} for name, rows in found.items()}
