"""The clock: what it costs when nothing is due. And the size of the database that it looks at.

Owns the two figures that know Rowen from the inside: no request shows a tick, and an import leaves nothing to wait for.
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
    """Time ticks of the clock on all interviews, a tenth of which have their time to come, and none a time past."""
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
    """Give every tenth interview a time in the next year for the clock to look at it; return how many there are."""
    tomorrow = time.time_ns() // 1_000_000 + _DAY
    with closing(sqlite3.connect(file)) as connection, connection:
        changed = connection.execute(
            "UPDATE scheduled_interviews SET due_at = :tomorrow + id * 7919 % :year WHERE id % 10 = 0",
            {"tomorrow": tomorrow, "year": _YEAR},
        )
        return changed.rowcount


async def _ticks(database: Database) -> list[float]:
    """Return the milliseconds of each of many ticks."""
    measured = []
    async with wiring.opened(locate(database.url)) as store:
        clock = wiring.status_updater(store)
        for _ in range(_TICKS):
            begin = time.perf_counter()
            moved = await clock.tick()
            measured.append((time.perf_counter() - begin) * 1000)
            if moved:
                raise BenchmarkError("the clock moved what was not due")
    return measured
