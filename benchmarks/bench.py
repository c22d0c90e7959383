"""The bench: how much is measured, and what all figures share.

Owns the sizes, and the databases of Rowen's, each made by this run when it is first needed. Must not know a figure.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from benchmarks import data, subject
from benchmarks.load import Rounds
from benchmarks.peers.running import Peers
from benchmarks.processes import Server
from benchmarks.subject import Database


@dataclass(frozen=True)
class Scale:
    """How much: interviews in all, the few they are compared with, those json-server is given, and rounds.

    `requests` is how many requests a latency is the median of, at the least; `writes` how many are told of.
    """

    interviews: int
    few: int
    json_server: tuple[int, ...]
    rounds: Rounds
    requests: int
    repeats: int
    writes: int

    def __str__(self) -> str:
        """Say how much, for the report."""
        rounds = f"{self.rounds.count} × {self.rounds.seconds} s a side in turns"  # noqa: RUF001
        return f"{self.interviews:,} interviews over {data.ORGANIZATIONS} organizations, {rounds}"


FULL: Final = Scale(1_000_000, 10_000, (10_000, 100_000), Rounds(3, 5), requests=800, repeats=3, writes=300)
QUICK: Final = Scale(20_000, 4_000, (1_000,), Rounds(1, 1), requests=100, repeats=1, writes=30)


def organization_name(number: int) -> str:
    """Return the name of an organization, counted from 0."""
    return f"Organization {number + 1}"


class Bench:
    """What figures are measured with."""

    def __init__(self, scale: Scale, folder: Path) -> None:
        self.scale = scale
        self.peers = Peers(folder)
        self._folder = folder

    @cached_property
    def corpus(self) -> data.Corpus:
        """The many interviews."""
        return data.corpus(self.scale.interviews, self._folder)

    @cached_property
    def many(self) -> Database:
        """The many interviews in Rowen, over all organizations."""
        return self._loaded("many", self.corpus)

    @cached_property
    def few(self) -> Database:
        """The few interviews in Rowen, over all organizations."""
        return self._loaded("few", data.corpus(self.scale.few, self._folder))

    @cached_property
    def single(self) -> Database:
        """The many interviews in Rowen, all in one organization: ten thousand pages, as large as they can be."""
        return subject.load(self.file("single"), {"Everybody": self.corpus.combined})

    def file(self, name: str) -> Path:
        """Return the path of a database."""
        return self._folder / "databases" / f"{name}.db"

    def served(self, database: Database) -> AbstractContextManager[Server]:
        """Serve a database with Rowen."""
        return subject.served(database, self._folder / "logs" / "rowen.log")

    @contextmanager
    def copy(self, database: Database, name: str) -> Iterator[Database]:
        """Copy a database for the length of the block: what writes must not change what others read."""
        file = self.file(name)
        try:
            yield subject.copied(database, file)
        finally:
            subject.fresh(file)

    def _loaded(self, name: str, corpus: data.Corpus) -> Database:
        sources = {organization_name(number): file for number, file in enumerate(corpus.organizations)}
        return subject.load(self.file(name), sources)
