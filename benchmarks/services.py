"""A service when it is small and when it has grown by new organizations, on each engine.

Owns where these databases are kept from run to run, as growing one takes minutes, and when one is made anew. Must not
know how organizations are copied (`organization_copies.py`), nor a figure.
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
"""Has Rowen put the small service into a database."""


@dataclass(frozen=True)
class Growth:
    """How many organizations a service has at first, of how many interviews each, and how many times that later."""

    organizations: int
    each: int
    times: int

    @property
    def grown(self) -> int:
        """How many organizations it has later."""
        return self.organizations * self.times

    def version(self, corpus: Corpus) -> str:
        """Return what tells databases of this growth from others, and from those with other data or other tables."""
        tables = find_spec(_TABLES)
        sources = [str(each) for each in (tables and tables.origin, organization_copies.__file__)]
        state = zlib.crc32(b"".join(Path(source).read_bytes() for source in sources))
        return f"{self._prefix}{zlib.crc32(corpus.home.name.encode(), state):08x}"

    @property
    def _prefix(self) -> str:
        return f"service_{self.organizations}_{self.each}_{self.times}_"

    def is_outdated(self, name: str, version: str) -> bool:
        """Tell whether a database is one of this growth, and of no use any more."""
        return name.startswith(self._prefix) and not name.startswith(version)


@dataclass(frozen=True)
class Services:
    """The two services on one engine, and its name."""

    engine: str
    small: Database
    large: Database


class Keeper(Protocol):
    """An engine that keeps the databases."""

    engine: str

    def kept(self, name: str) -> Place | None:
        """Return the place of a database that was made whole."""

    def make_small(self, name: str, fill: Fill) -> Place:
        """Make the small one."""

    def make_large(self, name: str, small: str, growth: Growth) -> Place:
        """Make the large one of the small one."""

    def forget(self, is_outdated: Callable[[str], bool]) -> None:
        """Remove databases by their names."""


def prepare_services(keeper: Keeper, growth: Growth, corpus: Corpus, fill: Fill) -> Services:
    """Return both services on an engine, made where they are not there yet."""
    version = growth.version(corpus)
    keeper.forget(lambda name: growth.is_outdated(name, version))
    small, large = f"{version}_{_SMALL}", f"{version}_{_LARGE}"
    smaller = keeper.kept(small) or keeper.make_small(small, fill)
    larger = keeper.kept(large) or keeper.make_large(large, small, growth)
    keys = [organization_copies.key(organization) for organization in range(growth.grown)]
    few = keys[: growth.organizations]
    return Services(keeper.engine, Database(smaller, tuple(few)), Database(larger, tuple(keys)))


class OnPostgres:
    """Keeps them on a PostgreSQL server."""

    engine = "PostgreSQL"

    def __init__(self, server: Postgres) -> None:
        self._server = server

    def kept(self, name: str) -> Place | None:
        """Return the place of a database that was made whole."""
        place = self._server.place(name)
        return place if place.exists else None

    def make_small(self, name: str, fill: Fill) -> Place:
        """Make the small one, of the one in SQLite, whose keys are named."""
        unfinished = self._server.place(f"{name}_unfinished")
        fill(unfinished)
        unfinished.tidy()
        return unfinished.rename(name)

    def make_large(self, name: str, small: str, growth: Growth) -> Place:
        """Make the large one of the small one."""
        unfinished = self._server.place(f"{name}_unfinished")
        unfinished.copy(self._server.place(small))
        organization_copies.grow_on_postgres(unfinished, growth.organizations, growth.times)
        unfinished.tidy()
        self._server.settle()
        return unfinished.rename(name)

    def forget(self, is_outdated: Callable[[str], bool]) -> None:
        """Remove databases by their names."""
        for name in self._server.execute("SELECT datname FROM pg_database").splitlines():
            if is_outdated(name):
                self._server.place(name).remove()


class InSqlite:
    """Keeps them as files in a folder."""

    engine = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self, name: str) -> Place | None:
        """Return the place of a database that was made whole."""
        file = self._file(name)
        return SqliteFile(file) if file.exists() else None

    def make_small(self, name: str, fill: Fill) -> Place:
        """Make the small one."""
        unfinished = SqliteFile(self._file(f"{name}_unfinished"))
        fill(unfinished)
        organization_copies.name_keys(unfinished)
        return SqliteFile(unfinished.path.rename(self._file(name)))

    def make_large(self, name: str, small: str, growth: Growth) -> Place:
        """Make the large one of the small one."""
        unfinished, original = SqliteFile(self._file(f"{name}_unfinished")), SqliteFile(self._file(small))
        unfinished.clear()
        shutil.copyfile(original.path, unfinished.path)
        organization_copies.grow_in_sqlite(unfinished, original, growth.organizations, growth.times)
        return SqliteFile(unfinished.path.rename(self._file(name)))

    def forget(self, is_outdated: Callable[[str], bool]) -> None:
        """Remove databases by their names."""
        for file in self._folder.glob("*.db"):
            if is_outdated(file.stem):
                fresh(file)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.db"
