"""PostgreSQL compared with SQLite, and two workers with one.

Owns the figures that compare two setups of Rowen with the same interviews.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from benchmarks.bench import Bench
from benchmarks.client import Request
from benchmarks.figures.throughput import pages_at_random, ratio
from benchmarks.load import Load
from benchmarks.report import Goal, Result
from benchmarks.subject import Database, Page, listing

_LIST: Final = Goal(0.4, 0.7)
_WORKERS: Final = Goal(1.2, 1.6)


def list_on_postgres(bench: Bench) -> Iterator[Result]:
    """Compare a list page on PostgreSQL with the same on SQLite, one worker each."""
    ours, theirs = bench.many_on_postgres, bench.many
    chosen = some_pages(bench)
    with bench.served(ours) as here, bench.served(theirs) as there:
        for name, pages in (("one page", None), ("pages at random", chosen)):
            loads = Load(here, requests(ours, pages)), Load(there, requests(theirs, pages))
            yield ratio(bench, f"list of 100, {name}, PostgreSQL against SQLite", *loads, _LIST)


def workers(bench: Bench) -> Iterator[Result]:
    """Compare two workers with one, on each engine; the load generator runs on the same two cores."""
    chosen = some_pages(bench)
    for engine, database in (("SQLite", bench.many), ("PostgreSQL", bench.many_on_postgres)):
        asked = requests(database, chosen)
        with bench.served(database, workers=2) as two, bench.served(database) as one:
            what = f"list of 100, pages at random, two workers against one, {engine}"
            yield ratio(bench, what, Load(two, asked), Load(one, asked), _WORKERS)


@cache
def some_pages(bench: Bench) -> Sequence[Page]:
    """Return random pages of all interviews; they are the same in each database of these interviews."""
    with bench.served(bench.many) as rowen:
        return pages_at_random(bench.many, rowen)


def requests(database: Database, pages: Sequence[Page] | None) -> list[Request]:
    """Return requests for `pages` with the keys of a database, or one for its first page if there are none."""
    if pages is None:
        return [listing(database.keys[0])]
    return [Request(page.request.target, database.keys[page.organization]) for page in pages]
