"""The sizes of a run, and the servers and databases that figures share.

Owns the sizes, the PostgreSQL server, and Rowen's databases; each run creates a database when a figure first needs it.
Must not know the figures.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks import data, subject
from benchmarks.load import Rounds
from benchmarks.peers.programs import Peers
from benchmarks.places import Place, SqliteFile, fresh
from benchmarks.postgres import Postgres
from benchmarks.processes import Server
from benchmarks.services import Fill, Growth, InSqlite, Keeper, OnPostgres, Services, prepare_services
from benchmarks.subject import Database


@dataclass(frozen=True)
class Scale:
    """The size of a run: numbers of interviews, rounds, requests and writes.

    `interviews` is the size of the large databases, `few` of the small ones that they are compared with, and
    `json_server` holds the sizes for json-server. `requests` is the largest number of pages or lookups in one median of
    the figure `walk`, `writes` the number of writes that the figure `webhooks` times.
    """

    interviews: int
    few: int
    json_server: tuple[int, ...]
    rounds: Rounds
    requests: int
    repeats: int
    writes: int
    growth: Growth

    def __str__(self) -> str:
        """Describe the size, for the report."""
        rounds = f"{self.rounds.count} × {self.rounds.seconds} s a side in turns"  # noqa: RUF001
        return f"{self.interviews:,} interviews over {data.ORGANIZATIONS} organizations, {rounds}"


_MANY: Final = "many"

FULL: Final = Scale(
    interviews=1_000_000,
    few=10_000,
    json_server=(10_000, 100_000),
    rounds=Rounds(3, 5),
    requests=800,
    repeats=3,
    writes=300,
    growth=Growth(organizations=20, each=5_000, times=100),
)
QUICK: Final = Scale(
    interviews=20_000,
    few=4_000,
    json_server=(1_000,),
    rounds=Rounds(1, 1),
    requests=100,
    repeats=1,
    writes=30,
    growth=Growth(organizations=3, each=500, times=4),
)


def organization_name(number: int) -> str:
    """Return the name of an organization, counted from 0."""
    return f"Organization {number + 1}"


class Bench:
    """The servers, peers and databases to measure with, until the end of the `with` block."""

    def __init__(self, scale: Scale, folder: Path) -> None:
        self.scale = scale
        self.peers = Peers(folder)
        self.folder = folder
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.close()

    @cached_property
    def postgres(self) -> Postgres:
        """The PostgreSQL server; it starts at its first use and runs to the end."""
        server = Postgres(self.folder)
        server.start()
        self._ending.callback(server.stop)
        return server

    @cached_property
    def corpus(self) -> data.Corpus:
        """The interviews of the large databases."""
        return data.corpus(self.scale.interviews, self.folder)

    @cached_property
    def small_corpus(self) -> data.Corpus:
        """The interviews of the small service; the large service contains many copies of them."""
        growth = self.scale.growth
        return data.corpus(growth.organizations * growth.each, self.folder, growth.organizations)

    @cached_property
    def many(self) -> Database:
        """Rowen's database of all interviews, spread over the organizations."""
        return self._loaded(SqliteFile(self.file(_MANY)), self.corpus)

    @cached_property
    def many_on_postgres(self) -> Database:
        """The same database on PostgreSQL."""
        place = self.postgres.place(_MANY)
        database = self._loaded(place, self.corpus)
        place.tidy()
        self.postgres.settle()
        return database

    @contextmanager
    def copy_on_postgres(self) -> Iterator[Database]:
        """Copy that PostgreSQL database for the length of the block, so that a figure can write to it."""
        keys, place = self.many_on_postgres.keys, self.postgres.place("written")
        try:
            place.copy(self.postgres.place(_MANY))
            yield Database(place, keys)
        finally:
            place.remove()

    @cached_property
    def few(self) -> Database:
        """Rowen's database of the few interviews, spread over the organizations."""
        return self._loaded(SqliteFile(self.file("few")), data.corpus(self.scale.few, self.folder))

    @cached_property
    def single(self) -> Database:
        """Rowen's database of all interviews in one organization: 10,000 pages, as large as possible."""
        return subject.load(SqliteFile(self.file("single")), {"Everybody": self.corpus.combined})

    def services(self) -> Iterator[Services]:
        """Yield the small and the large service on each engine; their databases are kept from run to run."""
        keeper = InSqlite(self.folder / "databases")
        sqlite = self._services(keeper, lambda place: self._loaded(place, self.small_corpus))
        yield sqlite
        # A copy, not another import: an import starts a process for each organization.
        yield self._services(OnPostgres(self.postgres), lambda place: subject.copy_over(place, sqlite.small.place))

    def file(self, name: str) -> Path:
        """Return the path of a SQLite database."""
        return self.folder / "databases" / f"{name}.db"

    def served(self, database: Database, workers: int = 1) -> AbstractContextManager[Server]:
        """Serve a database with Rowen for the length of the block."""
        return subject.served(database, self.folder / "logs" / "rowen.log", workers)

    @contextmanager
    def copy(self, database: Database, name: str) -> Iterator[Database]:
        """Copy a SQLite database for the length of the block, so that writes do not change what other figures read."""
        file = self.file(name)
        try:
            yield subject.copied(database, file)
        finally:
            fresh(file)

    def _services(self, keeper: Keeper, fill: Fill) -> Services:
        return prepare_services(keeper, self.scale.growth, self.small_corpus, fill)

    def _loaded(self, place: Place, corpus: data.Corpus) -> Database:
        sources = {organization_name(number): file for number, file in enumerate(corpus.organizations)}
        return subject.load(place, sources)
