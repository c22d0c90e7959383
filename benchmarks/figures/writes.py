"""Durable creates per second, and the cost of writes for concurrent reads.

Owns the figures of throughput that write to a database, each to its own copy.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from benchmarks import writes
from benchmarks.bench import Bench
from benchmarks.client import Request
from benchmarks.figures.throughput import pages_at_random
from benchmarks.load import CONNECTIONS, Load, in_turns, throughput, write_throughput
from benchmarks.peers.bare_sqlite import committing
from benchmarks.processes import Server
from benchmarks.report import Goal, Result
from benchmarks.subject import listing
from benchmarks.writes import MARK, Material

_BODIES: Final = 1_000
_WRITES_PER_SECOND: Final = 100
_CREATES: Final = Goal(0.4, 2.0)
_READS: Final = Goal(0.7, 0.95)


def creates(bench: Bench) -> Iterator[Result]:
    """Compare creates over HTTP with a loop of single-row commits in bare `sqlite3`, equally durable, on one disk."""
    with (
        bench.copy(bench.few, "creates") as ours,
        bench.copy(bench.few, "bare-creates"),
        bench.served(ours) as rowen,
    ):
        with rowen.connect() as connection:
            some = writes.material(connection, ours.keys[0])
        load = Load(rowen, writes.creations(some, _BODIES))
        write_throughput(load, MARK, 1)  # also creates the rows that the loop inserts
        with committing(bench.file("bare-creates"), bench.file("creates")) as bare:
            mine, other = in_turns(partial(write_throughput, load, MARK), bare, bench.scale.rounds)
    what = f"durable creates, {CONNECTIONS} clients, against single-row commits in bare sqlite3"
    yield Result(what, f"{mine:,.0f} and {other:,.0f} creates/s", mine / other, _CREATES)


def reads_under_writes(bench: Bench) -> Iterator[Result]:
    """Compare reads during writes to one organization with reads without: its first page, and random pages."""
    with bench.copy(bench.many, "written") as database, bench.served(database) as rowen:
        first = listing(database.keys[0])
        with rowen.connect() as connection:
            some = writes.material(connection, database.keys[0])
        at_random = [page.request for page in pages_at_random(database, rowen)]
        for name, requests in (("one page", [first]), ("pages at random", at_random)):
            yield _reads(bench, name, (rowen, some), requests)


def _reads(bench: Bench, name: str, written: tuple[Server, Material], requests: Sequence[Request]) -> Result:
    rowen, some = written
    load = Load(rowen, requests)

    def beside_writes(seconds: int) -> float:
        with writes.steady_writes(rowen, some, _WRITES_PER_SECOND):
            return throughput(load, seconds)

    busy, quiet = in_turns(beside_writes, partial(throughput, load), bench.scale.rounds)
    what = f"list of 100, {name}, during {_WRITES_PER_SECOND} writes/s, against none"
    return Result(what, f"{busy:,.0f} and {quiet:,.0f} requests/s", busy / quiet, _READS)
