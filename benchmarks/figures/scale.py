"""The latency of a page in a service with a hundred times as many organizations.

Owns the figure that compares a large and a small service on each engine, in turns. The organizations of both have the
same number of interviews, and requests go to random organizations.
"""

import json
import random
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from statistics import median
from typing import Final

from benchmarks.bench import Bench
from benchmarks.client import Connection, Request
from benchmarks.figures.latency import FILTERS, WALK, in_turns
from benchmarks.report import Goal, Result, Unit
from benchmarks.subject import Database, listing, walk

_SEED: Final = 20140326
_EVENTS: Final = 40  # lookups in each organization

_Pair = tuple[float, float]
"""The seconds of the same kind of page in the large service, and in the small one."""


def scale(bench: Bench) -> Iterator[Result]:
    """Compare the p50 of a page in the large service and in the small one, unfiltered and with each filter."""
    for services in bench.services():
        with (
            bench.served(services.large) as large,
            bench.served(services.small) as small,
            large.connect() as here,
            small.connect() as there,
        ):
            sides = _Side(here, services.large), _Side(there, services.small)
            comparison = _Comparison(bench, services.engine, *sides)
            yield comparison.first_requests()
            for parameters in FILTERS:
                yield comparison.walks(parameters)
            yield comparison.lookups()


class _Side:
    """One of the two services, and the order of its organizations: random, each once before any is repeated."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self.connection = connection
        self.keys = database.keys
        order = list(range(len(self.keys)))
        random.Random(_SEED).shuffle(order)
        self._coming = cycle(order)

    def some(self, count: int) -> list[int]:
        """Return the numbers of the next organizations, counted from 0."""
        return list(islice(self._coming, count))

    def walks(self, organizations: Sequence[int], parameters: dict[str, str]) -> Iterator[tuple[float, bool]]:
        """Yield the seconds of each page of walks through organizations, and whether the page was full."""
        for organization in organizations:
            for _, answer in walk(self.connection, listing(self.keys[organization], per_page=100, **parameters)):
                yield answer.seconds, answer.link("next") is not None


class _Comparison:
    """Sends requests to equally many organizations of both services in turns; of the large one always to new ones."""

    def __init__(self, bench: Bench, engine: str, large: _Side, small: _Side) -> None:
        growth = bench.scale.growth
        self._sides = large, small
        self._asked = growth.organizations
        self._files = bench.small_corpus.organizations
        sizes = f"{growth.grown:,} organizations of {growth.each:,} against {growth.organizations:,}"
        self._where = f"{engine}, {sizes}"

    def first_requests(self) -> Result:
        """Compare first pages by keys that the server has not seen before; for information."""
        ours, theirs = (
            [listing(side.keys[organization]) for organization in side.some(self._asked)] for side in self._sides
        )
        return self._result("first request of an organization", [self._sent(ours, theirs)], None)

    def walks(self, parameters: dict[str, str]) -> Result:
        """Compare walks by `next`, page by page; only full pages count, unless there are none."""
        chosen = [(side, side.some(self._asked)) for side in self._sides]
        times = []
        for _ in range(2):
            walks = [side.walks(organizations, parameters) for side, organizations in chosen]
            pages = list(zip(*walks, strict=False))
            whole = [(large[0], small[0]) for large, small in pages if large[1] and small[1]]
            times.append(whole or [(large[0], small[0]) for large, small in pages])
        return self._result(", ".join(parameters) or "unfiltered", times, WALK)

    def lookups(self) -> Result:
        """Compare lookups by external event id; a copied organization has the ids of its original."""
        ours, theirs = (
            [
                listing(side.keys[organization], external_event_id=event)
                for organization in side.some(self._asked)
                for event in self._events(organization)
            ]
            for side in self._sides
        )
        times = [self._sent(ours, theirs) for _ in range(2)]
        return self._result("external_event_id", times, WALK)

    def _events(self, organization: int) -> Iterator[str]:
        with self._files[organization % len(self._files)].open("rb") as lines:
            for line in islice(lines, _EVENTS):
                yield json.loads(line)["external_event_id"]

    def _sent(self, ours: Sequence[Request], theirs: Sequence[Request]) -> list[_Pair]:
        large, small = self._sides
        return in_turns(large.connection, small.connection, ours, theirs)

    def _result(self, question: str, times: Sequence[Sequence[_Pair]], goal: Goal | None) -> Result:
        """Return the ratio of the medians of the first series; the text also contains the repetition."""
        first, *again = ([median(seconds) * 1000 for seconds in zip(*pairs, strict=True)] for pairs in times)
        words = " and ".join(map(Unit.MILLISECONDS.write, first))
        for both in again:
            repeated = " and ".join(map(Unit.MILLISECONDS.write, both))
            words += f"; repeated {repeated}, {Unit.TIMES.write(both[0] / both[1])}"
        return Result(f"page p50, {self._where}, {question}", words, first[0] / first[1], goal)
