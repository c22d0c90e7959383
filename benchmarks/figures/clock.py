"""The cost of a tick of the clock when no interview is due, and the size of the database.

Owns the two figures that use Rowen's code and tables: a tick is not visible in any request, and an import leaves no
interviews that become due.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from benchmarks.bench import Bench
from benchmarks.processes import BenchmarkError
from benchmarks.report import Goal, Result, Unit
from benchmarks.subject import Database
from rowen import wiring
from rowen.store.database import locate

_TICKS: Final = 500
_DAY: Final = 86_400_000
_YEAR: Final = 366 * _DAY
_MEGABYTE: Final = 2**20
_TICK: Final = Goal(1.0, None, Unit.MILLISECONDS, more_is_better=False)


def clock(bench: Bench) -> Iterator[Result]:
    """Time ticks of the clock on all interviews, of which a tenth become due within a year, and none is due now."""
    with bench.copy(bench.many, "clock") as database:
        waiting = _await_feedback(bench.file("clock"))
        milliseconds = asyncio.run(_ticks(database))
    what = f"a tick of the clock, {bench.scale.interviews:,} interviews, {waiting:,} to come due, 0 due"
    worst = quantiles(milliseconds, n=100)[98]
    yield Result(what, f"p50 of {_TICKS}; p99 {worst:.3f} ms", median(milliseconds), _TICK)


def size(bench: Bench) -> Iterator[Result]:
    """Compare the size of the database with that of its interviews as JSON Lines, for information."""
    database, lines = bench.many.place.size(), bench.corpus.combined.stat().st_size
    written = f"{database / _MEGABYTE:,.0f} MB and {lines / _MEGABYTE:,.0f} MB"
    yield Result(
        f"database of {bench.scale.interviews:,} interviews, against JSON Lines", written, database / lines, None
    )


def _await_feedback(file: Path) -> int:
    """Set a time in the next year at which every tenth interview becomes due, and return how many these are."""
    tomorrow = time.time_ns() // 1_000_000 + _DAY
    with closing(sqlite3.connect(file)) as connection, connection:
        changed = connection.execute(
            "UPDATE scheduled_interviews SET due_at = :tomorrow + id * 7919 % :year WHERE id % 10 = 0",
            {"tomorrow": tomorrow, "year": _YEAR},
        )
        return changed.rowcount


async def _ticks(database: Database) -> list[float]:
    """Return the duration of each tick, in milliseconds."""
    measured = []
    async with wiring.opened(locate(database.url)) as store:
        clock = wiring.status_updater(store)
        for _ in range(_TICKS):
            begin = time.perf_counter()
            moved = await clock.tick()
            measured.append((time.perf_counter() - begin) * 1000)
            if moved:
                raise BenchmarkError("the clock changed interviews that were not due")
    return measured
