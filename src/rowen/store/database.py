"""A database as a whole: where it is, whether it can be used, and its upkeep.

Owns opening, migrating, checking and backing up. Must not know what the tables hold.
"""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowen.interviews.errors import Unavailable
from rowen.store import sqlite
from rowen.store.checks import CHECKS
from rowen.store.engine import Engine
from rowen.store.tables import SCHEMA_VERSION, SCHEMA_VERSIONS

if TYPE_CHECKING:
    from alembic.config import Config

_SQLITE: Final = "sqlite:///"
_BACKUP_PAGES: Final = 1_024  # 16 MiB between two reports of progress


@dataclass(frozen=True, slots=True)
class Location:
    """Where a database is: today, a SQLite file."""

    path: Path

    @classmethod
    def parse(cls, url: str) -> "Location":
        """Read `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises ValueError for anything else."""
        if not url.startswith(_SQLITE) or url == _SQLITE:
            raise ValueError("must look like sqlite:///rowen.db (relative) or sqlite:////var/lib/rowen.db")
        return cls(Path(url.removeprefix(_SQLITE)))


def open_engine(location: Location) -> Engine:
    """Return the engine of a database that `upgrade` has prepared; nothing is opened yet."""
    return sqlite.SqliteEngine(location.path)


def upgrade(location: Location, *, create: bool = True) -> bool:
    """Make the database if it is missing, and bring its schema up to date; return whether anything was done.

    Raises Unavailable where there is none and `create` is false, where it is no database of Rowen's or of a newer
    one, and where it cannot be read or written.
    """
    path = location.path
    try:
        if not path.exists():
            if not create:
                raise Unavailable(f"there is no database {path.name}: `rowen serve` or `rowen import` makes one")
            version = None
        else:
            version = schema_version(location)
        if version == SCHEMA_VERSION:
            return False
        if version is None:  # also where it exists but holds nothing, as one does whose making was killed
            sqlite.create(path)
        _migrate(path)
    except sqlite3.Error as error:
        raise Unavailable(sqlite.explain(path, error)) from error
    except OSError as error:
        raise Unavailable(f"database {path.name}: {error.strerror}") from error
    return True


def schema_version(location: Location) -> str | None:
    """Return the migration that the database stands at; None where it is still empty.

    Raises Unavailable where it is not Rowen's or newer than this Rowen; sqlite3.Error where it cannot be read.
    """
    connection = sqlite.connect(location.path)
    try:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not names:
            return None
        if not {"alembic_version", "organizations"} <= names:
            raise Unavailable(f"database {location.path.name}: is a database of another program")
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    finally:
        connection.close()
    version: str | None = row[0] if row else None
    if version is not None and version not in SCHEMA_VERSIONS:
        raise Unavailable(
            f"database {location.path.name}: was made by a newer Rowen (its schema is {version}, and this one knows "
            f"up to {SCHEMA_VERSION}): install that version"
        )
    return version


def _migrate(path: Path) -> None:
    # Alembic takes as long to import as the rest together, and is needed once in a database's version.
    from alembic import command
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import DBAPIError

    engine = create_engine("sqlite://", creator=lambda: sqlite.connect(path))

    @event.listens_for(engine, "begin")
    def _begin(connection: object) -> None:
        # All of a migration or nothing; of two processes that start together one migrates.
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]  # SQLAlchemy's event is untyped

    try:
        with engine.begin() as connection:
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from error
        raise
    finally:
        engine.dispose()


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
    try:
        version = schema_version(location)
        connection = sqlite.connect(location.path, read_only=True)
        try:
            faults = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
            if version != SCHEMA_VERSION:
                faults.append(f"the schema is {version}, not {SCHEMA_VERSION}: run `rowen db upgrade`")
            elif not faults:
                faults.extend(row[0] for statement in CHECKS for row in connection.execute(statement))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Unavailable(sqlite.explain(location.path, error)) from error
    return faults


def backup(location: Location, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database, consistent as of one moment, while it is served and written.

    `progress` is told pages done and pages in all. The target appears whole or not at all. Raises Unavailable, and
    FileExistsError where there is a target already.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    partial = target.with_name(target.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        source = sqlite.connect(location.path, read_only=True)
        copy = sqlite3.connect(partial, isolation_level=None)
        try:
            # One read transaction holds the moment still, so that writers neither wait nor make the copy start over.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(copy, pages=_BACKUP_PAGES, progress=lambda _, left, total: progress(total - left, total))
        finally:
            copy.close()
            source.close()
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.rename(target)
    except sqlite3.Error as error:
        partial.unlink(missing_ok=True)
        raise Unavailable(sqlite.explain(location.path, error)) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
