"""The small and the large service on each engine; the large one has more organizations.

Owns where their databases are kept from run to run, as creating a large one takes minutes, and when they are created
again. Must not know how organizations are copied (`organization_copies.py`), or the figures.
"""

import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

from benchmarks import organization_copies
from benchmarks.data import Corpus
from benchmarks.places import Place, SqliteFile, fresh
from benchmarks.postgres import Postgres
from benchmarks.subject import Database

_TABLES: Final = "rowen.store.schema.tables"
_LARGE: Final = "large"
_SMALL: Final = "small"

Fill = Callable[[Place], object]
"""Fills a database with the small service, by Rowen."""


@dataclass(frozen=True)
class Growth:
    """The organizations of the small service, the interviews of each, and how many times as many the large one has."""

    organizations: int
    each: int
    times: int

    @property
    def grown(self) -> int:
        """The number of organizations of the large service."""
        return self.organizations * self.times

    def version(self, corpus: Corpus) -> str:
        """Return the beginning of database names; it changes with the growth, the data and the tables."""
        tables = find_spec(_TABLES)
        sources = [str(each) for each in (tables and tables.origin, organization_copies.__file__)]
        state = zlib.crc32(b"".join(Path(source).read_bytes() for source in sources))
        return f"{self._prefix}{zlib.crc32(corpus.home.name.encode(), state):08x}"

    @property
    def _prefix(self) -> str:
        return f"service_{self.organizations}_{self.each}_{self.times}_"

    def is_outdated(self, name: str, version: str) -> bool:
        """Return whether a database is of this growth, but of another version."""
        return name.startswith(self._prefix) and not name.startswith(version)


@dataclass(frozen=True)
class Services:
    """The two services on one engine, and the engine's name."""

    engine: str
    small: Database
    large: Database


class Keeper(Protocol):
    """Keeps the databases of one engine."""

    engine: str

    def kept(self, name: str) -> Place | None:
        """Return the place of a complete database, or None."""

    def make_small(self, name: str, fill: Fill) -> Place:
        """Create the database of the small service."""

    def make_large(self, name: str, small: str, growth: Growth) -> Place:
        """Create the database of the large service from that of the small one."""

    def remove(self, is_outdated: Callable[[str], bool]) -> None:
        """Remove the databases whose names are outdated."""


def prepare_services(keeper: Keeper, growth: Growth, corpus: Corpus, fill: Fill) -> Services:
    """Return both services on an engine, and create those that do not exist yet."""
    version = growth.version(corpus)
    keeper.remove(lambda name: growth.is_outdated(name, version))
    small, large = f"{version}_{_SMALL}", f"{version}_{_LARGE}"
    smaller = keeper.kept(small) or keeper.make_small(small, fill)
    larger = keeper.kept(large) or keeper.make_large(large, small, growth)
    keys = [organization_copies.key(organization) for organization in range(growth.grown)]
    few = keys[: growth.organizations]
    return Services(keeper.engine, Database(smaller, tuple(few)), Database(larger, tuple(keys)))


class OnPostgres:
    """Keeps the databases on a PostgreSQL server."""

    engine = "PostgreSQL"

    def __init__(self, server: Postgres) -> None:
        self._server = server

    def kept(self, name: str) -> Place | None:
        """Return the place of a complete database, or None."""
        place = self._server.place(name)
        return place if place.exists else None

    def make_small(self, name: str, fill: Fill) -> Place:
        """Create the database of the small service; `fill` copies it from SQLite, with its keys."""
        unfinished = self._server.place(f"{name}_unfinished")
        fill(unfinished)
        unfinished.tidy()
        return unfinished.rename(name)

    def make_large(self, name: str, small: str, growth: Growth) -> Place:
        """Create the database of the large service from that of the small one."""
        unfinished = self._server.place(f"{name}_unfinished")
        unfinished.copy(self._server.place(small))
        organization_copies.grow_on_postgres(unfinished, growth.organizations, growth.times)
        unfinished.tidy()
        self._server.settle()
        return unfinished.rename(name)

    def remove(self, is_outdated: Callable[[str], bool]) -> None:
        """Remove the databases whose names are outdated."""
        for name in self._server.execute("SELECT datname FROM pg_database").splitlines():
            if is_outdated(name):
                self._server.place(name).remove()


class InSqlite:
    """Keeps the databases as files in a folder."""

    engine = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self, name: str) -> Place | None:
        """Return the place of a complete database, or None."""
        file = self._file(name)
        return SqliteFile(file) if file.exists() else None

    def make_small(self, name: str, fill: Fill) -> Place:
        """Create the database of the small service."""
        unfinished = SqliteFile(self._file(f"{name}_unfinished"))
        fill(unfinished)
        organization_copies.name_keys(unfinished)
        return SqliteFile(unfinished.path.rename(self._file(name)))

    def make_large(self, name: str, small: str, growth: Growth) -> Place:
        """Create the database of the large service from that of the small one."""
        unfinished, original = SqliteFile(self._file(f"{name}_unfinished")), SqliteFile(self._file(small))
        unfinished.clear()
        shutil.copyfile(original.path, unfinished.path)
        organization_copies.grow_in_sqlite(unfinished, original, growth.organizations, growth.times)
        return SqliteFile(unfinished.path.rename(self._file(name)))

    def remove(self, is_outdated: Callable[[str], bool]) -> None:
        """Remove the databases whose names are outdated."""
        for file in self._folder.glob("*.db"):
            if is_outdated(file.stem):
                fresh(file)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.db"
