"""A database as a whole: locating it by its address, preparing it, and its maintenance.

Owns choosing the engine, migrating and checking. Must not know an engine beyond its `Location`, or what the tables
contain.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowen.interviews.errors import Unavailable
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Location
from rowen.store.engines.sqlite.location import SqliteFile
from rowen.store.integrity.checks import ReadStored, faults_of, ledgers_ahead
from rowen.store.schema.tables import SCHEMA_VERSION, SCHEMA_VERSIONS

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

COPYING: Final = "copying"
"""The schema version of a database while a copy is being made, so that no server serves half of one."""


def locate(url: str, replicas: Sequence[str] = ()) -> Location:
    """Return the location of an address's database and of its replicas. Raises ValueError if it is not an address."""
    if url.startswith(("postgresql://", "postgres://")):
        # Imported here: only PostgreSQL needs its driver, which takes as long to import as everything else.
        from rowen.store.engines.postgres.location import PostgresDatabase

        return PostgresDatabase.parse(url, replicas)
    if replicas:
        raise ValueError("replicas are for a PostgreSQL database")
    return SqliteFile.parse(url)


def open_engine(location: Location) -> Engine:
    """Return the engine of a database that `upgrade` has prepared, without opening anything yet."""
    return location.open()


def upgrade(location: Location, *, create: bool = True) -> bool:
    """Create the database if it is missing, and bring its schema up to date; return whether anything was done.

    Raises Unavailable if it is missing and `create` is false, if it belongs to another program or a newer Rowen, and if
    it cannot be read or written.
    """
    if location.exists():
        version = schema_version(location)
    elif create:
        version = None
    else:
        raise Unavailable(f"there is no database {location.name}: `rowen serve` or `rowen import` creates one")
    if version == SCHEMA_VERSION:
        return False
    if version is None:  # also for a database that exists but is empty, as when its creation was interrupted
        location.create()
    location.migrate(_migrate)
    return True


def schema_version(location: Location) -> str | None:
    """Return the migration of the database, or None if it is still empty.

    Raises Unavailable if it belongs to another program or a newer Rowen, is still being copied, or cannot be read.
    """
    found = location.tables()
    if not found.names:
        return None
    if not {"alembic_version", "organizations"} <= found.names:
        raise Unavailable(f"database {location.name}: belongs to another program")
    version = found.version
    if version == COPYING:
        raise Unavailable(f"database {location.name}: is an unfinished copy: `rowen db copy --resume` continues it")
    if version is not None and version not in SCHEMA_VERSIONS:
        raise Unavailable(
            f"database {location.name}: was made by a newer Rowen (its schema is {version}, and this one knows "
            f"up to {SCHEMA_VERSION}): install that version"
        )
    return version


def _migrate(connection: "Connection") -> None:
    # Imported here: Alembic takes as long to import as everything else, and is needed once per schema version.
    from alembic import command

    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def alembic_config() -> "Config":
    """Return Alembic's configuration: the migrations of this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "schema" / "migrations").replace("%", "%%"))
    return config


def check(location: Location, read_stored: ReadStored, now: Instant | None) -> list[str]:
    """Return what is wrong with the database, a sentence each: an empty list if it is sound.

    Reads all of it, documents by `read_stored`. Without `now` nothing is compared with the clock. Raises Unavailable if
    it cannot be read.
    """
    faults = location.integrity_errors()  # first: opening a file may change the files next to it
    version = schema_version(location)
    if version != SCHEMA_VERSION:
        faults.append(f"the schema is {version}, not {SCHEMA_VERSION}: run `rowen db upgrade`")
    return faults or faults_of(location, read_stored, now)


def remarks(location: Location, now: Instant) -> list[str]:
    """Return what is unusual about a sound database, a sentence each."""
    return ledgers_ahead(location, now)


def backup(location: Location, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database, consistent as of one moment, while it is served and written.

    `progress` is called with the pages done and the pages in all. The target appears complete or not at all. Raises
    Unavailable, and FileExistsError if the target exists.
    """
    location.backup(target, progress)
