"""A database as a whole: which one an address names, whether it can be used, and its upkeep.

Owns choosing the engine, migrating and checking. Must not know an engine beyond its `Location`, or what the tables
hold.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowen.interviews.errors import Unavailable
from rowen.store.checks import faults_of
from rowen.store.engine import Engine, Location
from rowen.store.sqlite_file import SqliteFile
from rowen.store.tables import SCHEMA_VERSION, SCHEMA_VERSIONS

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

COPYING: Final = "copying"
"""What stands in place of the schema's version while a copy is being made: nobody serves half of one."""


def locate(url: str, replicas: Sequence[str] = ()) -> Location:
    """Return where the database of an address is, and those that follow it. Raises ValueError where it is none."""
    if url.startswith(("postgresql://", "postgres://")):
        # Here, not above: its driver is needed by nobody else, and takes as long to import as the rest.
        from rowen.store.postgres_server import PostgresDatabase

        return PostgresDatabase.parse(url, replicas)
    if replicas:
        raise ValueError("replicas are for a PostgreSQL database")
    return SqliteFile.parse(url)


def open_engine(location: Location) -> Engine:
    """Return the engine of a database that `upgrade` has prepared; nothing is opened yet."""
    return location.open()


def upgrade(location: Location, *, create: bool = True) -> bool:
    """Make the database if it is missing, and bring its schema up to date; return whether anything was done.

    Raises Unavailable where there is none and `create` is false, where it is no database of Rowen's or of a newer
    one, and where it cannot be read or written.
    """
    if location.exists():
        version = schema_version(location)
    elif create:
        version = None
    else:
        raise Unavailable(f"there is no database {location.name}: `rowen serve` or `rowen import` makes one")
    if version == SCHEMA_VERSION:
        return False
    if version is None:  # also where it exists but holds nothing, as one does whose making was killed
        location.create()
    location.migrate(_migrate)
    return True


def schema_version(location: Location) -> str | None:
    """Return the migration that the database stands at; None where it is still empty.

    Raises Unavailable where it is not Rowen's or newer than this Rowen, is still being copied, or cannot be read.
    """
    found = location.tables()
    if not found.names:
        return None
    if not {"alembic_version", "organizations"} <= found.names:
        raise Unavailable(f"database {location.name}: is a database of another program")
    version = found.version
    if version == COPYING:
        raise Unavailable(f"database {location.name}: is an unfinished copy: `rowen db copy --resume` goes on")
    if version is not None and version not in SCHEMA_VERSIONS:
        raise Unavailable(
            f"database {location.name}: was made by a newer Rowen (its schema is {version}, and this one knows "
            f"up to {SCHEMA_VERSION}): install that version"
        )
    return version


def _migrate(connection: "Connection") -> None:
    # Alembic takes as long to import as the rest together, and is needed once in a database's version.
    from alembic import command

    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def alembic_config() -> "Config":
    """Return Alembic's configuration: the migrations of this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def check(location: Location) -> list[str]:
    """Return what is wrong with the database, a sentence each: empty when it is sound.

    Reads all of it. Raises Unavailable where it cannot be read.
    """
    version = schema_version(location)
    faults = location.damage()
    if version != SCHEMA_VERSION:
        faults.append(f"the schema is {version}, not {SCHEMA_VERSION}: run `rowen db upgrade`")
    return faults or faults_of(location)


def backup(location: Location, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database, consistent as of one moment, while it is served and written.

    `progress` is told pages done and pages in all. The target appears whole or not at all. Raises Unavailable, and
    FileExistsError where there is a target already.
    """
    location.backup(target, progress)
