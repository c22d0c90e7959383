"""Many organizations from a few: Rowen imports the few, and SQL copies them within the database.

Owns that SQL, which depends on Rowen's tables: all but one begin with `organization_id`, and two organizations must
differ in their names and in the digests of their keys. The rows of a copied organization are adjacent in each table, as
after an import.
"""

import hashlib
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Final

from benchmarks.places import SqliteFile
from benchmarks.postgres import PostgresPlace

_SESSIONS: Final = 2  # one for each core; the machine has at least two
_KEY: Final = "key-of-organization-"
_ORGANIZATIONS: Final = "organizations"
_ORGANIZATION: Final = "organization_id"
_SORTED_BY: Final = 5  # no primary key is longer

_POSTGRES_TABLES: Final = """
    SELECT relname, string_agg(attname, ',' ORDER BY attnum)
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace GROUP BY relname
"""
_SQLITE_TABLES: Final = """
    SELECT tables.name, group_concat(columns.name)
    FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns
    WHERE tables.type = 'table' GROUP BY tables.name
"""
_POSTGRES_INDEXES: Final = """
    SELECT indexrelid::regclass, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE relkind = 'p' AND NOT indisunique
"""
_POSTGRES_DIGEST: Final = "sha256(convert_to({}, 'UTF8'))"
_SQLITE_DIGEST: Final = "sha256({})"
_HASTY: Final = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000")

_Tables = Mapping[str, Sequence[str]]


def key(organization: int) -> str:
    """Return the API key that `name_keys` gives to an organization, counted from 0."""
    return f"{_KEY}{organization + 1}"


def name_keys(place: SqliteFile) -> None:
    """Replace the digests of a database's keys by those of the keys that `key` returns."""
    with closing(_connect(place)) as connection, connection:
        connection.execute(f"UPDATE api_keys SET digest = {_SQLITE_DIGEST.format(_key_of(_ORGANIZATION))}")


def grow_on_postgres(place: PostgresPlace, organizations: int, times: int) -> None:
    """Copy all organizations until there are `times` as many; several sessions share the work.

    Indexes are dropped before and created again after it, which takes half the time and gives equally good indexes.
    """
    tables = tables_on_postgres(place)
    indexes = _asked(place, _POSTGRES_INDEXES)
    _shared(place, [[f"DROP INDEX {name};" for name, _ in indexes]])
    shares = [range(1, times)[session::_SESSIONS] for session in range(_SESSIONS)]
    _shared(place, [_session(tables, organizations, share) for share in shares])
    _shared(place, [[f"{making};" for _, making in indexes[session::_SESSIONS]] for session in range(_SESSIONS)])


def tables_on_postgres(place: PostgresPlace) -> _Tables:
    """Return the columns of each table whose rows belong to organizations."""
    return _divided(_asked(place, _POSTGRES_TABLES))


def grow_in_sqlite(place: SqliteFile, original: SqliteFile, organizations: int, times: int) -> None:
    """Copy all organizations of the original into its copy, until there are `times` as many."""
    with closing(_connect(place)) as connection:
        tables = _divided(connection.execute(_SQLITE_TABLES))
        for pragma in _HASTY:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("ATTACH ? AS original", [str(original.path)])
        for step in range(1, times):
            for table, columns in tables.items():
                connection.execute(_copy(table, columns, f"original.{table}", step * organizations, _SQLITE_DIGEST))
                connection.commit()
        connection.execute("PRAGMA journal_mode = WAL")  # as before


def _connect(place: SqliteFile) -> sqlite3.Connection:
    connection = sqlite3.connect(place.path)
    connection.create_function("sha256", 1, lambda text: hashlib.sha256(text.encode()).digest(), deterministic=True)
    return connection


def _key_of(organization: str) -> str:
    return f"'{_KEY}' || ({organization})"


def _divided(found: Iterable[Sequence[str]]) -> _Tables:
    tables = {table: columns.split(",") for table, columns in found}
    return {table: columns for table, columns in tables.items() if table == _ORGANIZATIONS or _ORGANIZATION in columns}


def _session(tables: _Tables, organizations: int, steps: Iterable[int]) -> Iterator[str]:
    """Yield the statements of one session: it first puts the originals into temporary tables, to read nothing else."""
    for table, columns in tables.items():
        order = ", ".join(str(place + 1) for place in range(min(_SORTED_BY, len(columns))))
        organization = "id" if table == _ORGANIZATIONS else _ORGANIZATION
        few = f"SELECT * FROM {table} WHERE {organization} <= {organizations} ORDER BY {order}"
        yield f"CREATE TEMP TABLE original_{table} AS {few};"
    for step in steps:
        for table, columns in tables.items():
            yield _copy(table, columns, f"original_{table}", step * organizations, _POSTGRES_DIGEST) + ";"


def _copy(table: str, columns: Sequence[str], source: str, further: int, digest: str) -> str:
    """Return the statement that copies rows to organizations with higher ids."""
    organization = f"{'id' if table == _ORGANIZATIONS else _ORGANIZATION} + {further}"
    changed = {_ORGANIZATION: organization}
    if table == _ORGANIZATIONS:
        changed = {"id": organization, "name": f"'Organization ' || ({organization})"}
    elif table == "api_keys":
        changed["digest"] = digest.format(_key_of(organization))
    values = ", ".join(changed.get(column, column) for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {source}"


def _asked(place: PostgresPlace, question: str) -> list[list[str]]:
    return [line.split("|") for line in place.server.execute(question, database=place.name).splitlines()]


def _shared(place: PostgresPlace, scripts: Sequence[Iterable[str]]) -> None:
    """Run scripts concurrently, each in its own session."""
    with ThreadPoolExecutor(len(scripts)) as pool:
        list(pool.map(partial(_run, place), scripts))


def _run(place: PostgresPlace, script: Iterable[str]) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.writelines(f"{statement}\n" for statement in script)
        file.flush()
        place.server.psql(place.name, "--file", file.name)
