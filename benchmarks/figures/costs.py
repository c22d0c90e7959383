"""The cost of each kind of request on each engine, from which `benchmarks/sizing.py` computes the sizes of machines.

Owns figures without bars: the processor time of a request, in Rowen and in PostgreSQL, and memory and disk space.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from benchmarks import data, writes
from benchmarks.bench import Bench
from benchmarks.client import Request
from benchmarks.figures.engines import requests, some_pages
from benchmarks.figures.throughput import retrievals
from benchmarks.load import Load, Measure, throughput, write_throughput
from benchmarks.processes import Server, processor_seconds
from benchmarks.report import Result, Unit
from benchmarks.subject import Database, listing
from benchmarks.writes import MARK

_MEGABYTE: Final = 2**20
_SYNCS: Final = 20_000  # more than are sent, so that no request is repeated
_LATE: Final = data.END + timedelta(days=4)  # about ten of 80,000 interviews were updated after it
_BODIES: Final = 1_000


def costs(bench: Bench) -> Iterator[Result]:
    """Yield the costs of requests on SQLite and on PostgreSQL."""
    engines = (
        ("SQLite", bench.many, bench.copy(bench.many, "written"), None),
        ("PostgreSQL", bench.many_on_postgres, bench.copy_on_postgres(), bench.postgres.pid),
    )
    for engine, database, copy, beside in engines:
        meter = _Meter(engine, beside, bench.scale.rounds.seconds)
        yield from _reads(bench, meter, database)
        yield from _creates(bench, meter, copy)
    here, there = bench.many_on_postgres.place.size(), bench.many.place.size()
    what = f"database of {bench.scale.interviews:,} interviews, PostgreSQL against SQLite"
    yield Result(what, f"{here / _MEGABYTE:,.0f} MB and {there / _MEGABYTE:,.0f} MB", here / there, None)


class _Meter:
    """Measures the processor time of a server, and that of PostgreSQL if the server uses it."""

    def __init__(self, engine: str, beside: int | None, seconds: int) -> None:
        self.engine = engine
        self.answered = 0.0
        self._beside = beside
        self._seconds = seconds

    def cost(self, what: str, server: Server, measure: Measure) -> Result:
        """Put load on a server, and return the processor time of one response."""
        warm = measure(1)
        begin = self._read(server)
        rate = measure(self._seconds)
        self.answered += warm + rate * self._seconds
        rowen, postgres = (
            (after - before) * 1000 / (rate * self._seconds)
            for before, after in zip(begin, self._read(server), strict=True)
        )
        words = f"Rowen {rowen:.3f} ms, PostgreSQL {postgres:.3f} ms" if self._beside else f"Rowen {rowen:.3f} ms"
        label = f"processor time of {what}, {self.engine}"
        return Result(label, f"{words}; {rate:,.0f} requests/s", rowen + postgres, None, Unit.MILLISECONDS)

    def _read(self, server: Server) -> tuple[float, float]:
        return server.processor_seconds(), processor_seconds(self._beside) if self._beside else 0.0


def _reads(bench: Bench, meter: _Meter, database: Database) -> Iterator[Result]:
    chosen = some_pages(bench)
    with bench.served(database) as rowen:
        kinds = {
            "a page of 100, the same one": requests(database, None),
            "a page of 100, at random": requests(database, chosen),
            "a list of recent updates, not requested before": _syncs(database),
            "one interview, at random": retrievals(database, rowen, chosen),
        }
        for what, asked in kinds.items():
            yield meter.cost(what, rowen, partial(throughput, Load(rowen, asked)))
        memory = rowen.memory() / _MEGABYTE
    yield Result(f"memory of the server after these, {meter.engine}", "one worker", memory, None, Unit.MEGABYTES)


def _creates(bench: Bench, meter: _Meter, copy: AbstractContextManager[Database]) -> Iterator[Result]:
    with copy as database:
        size, before = database.place.size(), meter.answered
        with bench.served(database) as rowen:
            with rowen.connect() as connection:
                bodies = [writes.creations(writes.material(connection, key), _BODIES) for key in database.keys]
            for what, asked in (("in one organization", bodies[0]), ("over all organizations", _mixed(bodies))):
                measure = partial(write_throughput, Load(rowen, asked), MARK)
                yield meter.cost(f"a create, {what}", rowen, measure)
        taken = (database.place.size() - size) / (meter.answered - before) / 1000
    what = f"disk space of a create, {meter.engine}"
    yield Result(what, "interview, panel, history, and all indexes", taken, None, Unit.KILOBYTES)


def _syncs(database: Database) -> list[Request]:
    """Return requests for recently updated interviews, each with another value of `updated_after`."""
    chance = random.Random(_SYNCS)
    moments = [_LATE + timedelta(days=chance.random()) for _ in range(_SYNCS)]
    return [listing(chance.choice(database.keys), updated_after=_stamp(moment)) for moment in moments]


def _mixed(bodies: Sequence[Sequence[Request]]) -> list[Request]:
    """Return requests of all organizations in turns, in all as many as one organization has."""
    return [request for turn in zip(*bodies, strict=True) for request in turn][: len(bodies[0])]


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
