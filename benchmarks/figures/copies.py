"""A copy from SQLite to PostgreSQL, compared with PostgreSQL's own tool for filling a database, `pg_restore`.

Owns the figures of `rowen db copy`, which reads, converts and writes all rows, and compares them at the end.
`pg_restore` writes rows that `pg_dump` has prepared for it, and compares nothing.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.bench import Bench
from benchmarks.places import Place, SqliteFile
from benchmarks.postgres import PostgresPlace
from benchmarks.processes import Run, run
from benchmarks.report import Goal, Result, Unit
from tests.support.postgres import binary

_MEGABYTE: Final = 2**20
_COPY: Final = (sys.executable, "-m", "rowen", "db", "copy")
_AGAINST_RESTORE: Final = Goal(3.3, 1.7, more_is_better=False)


def copies(bench: Bench) -> Iterator[Result]:
    """Compare a copy from SQLite to PostgreSQL with `pg_restore` of a dump of that copy; then copy it back."""
    copied, restored = bench.postgres.place("copied"), bench.postgres.place("restored")
    dump = bench.folder / "databases" / "copied.dump"
    ours: list[Run] = []
    theirs: dict[int, list[Run]] = {1: [], 2: []}
    for _ in range(bench.scale.repeats):
        ours.append(_copied(bench, bench.many.place, copied))
        run("pg_dump", [binary("pg_dump"), "--format=custom", f"--file={dump}", copied.url])
        for jobs, runs in theirs.items():
            runs.append(_restored(bench, dump, restored, jobs))
    back = SqliteFile(bench.file("copied"))
    seconds = _copied(bench, copied, back).seconds
    for place in (restored, copied):
        place.remove()
    back.clear()
    dump.unlink()
    yield from _compared(bench, ours, theirs)
    yield Result("the same from PostgreSQL to SQLite", "once", seconds, None, Unit.SECONDS)


def _compared(bench: Bench, ours: list[Run], theirs: dict[int, list[Run]]) -> Iterator[Result]:
    mine = median(each.seconds for each in ours)
    for jobs, runs in theirs.items():
        other = median(each.seconds for each in runs)
        what = (
            f"copy of {bench.scale.interviews:,} interviews from SQLite to PostgreSQL, against pg_restore --jobs {jobs}"
        )
        yield Result(what, f"{mine:,.1f} s and {other:,.1f} s", mine / other, _AGAINST_RESTORE if jobs == 1 else None)
    memory = max(each.peak_memory for each in ours) / _MEGABYTE
    yield Result("peak memory of that copy", "without PostgreSQL's", memory, None, Unit.MEGABYTES)


def _copied(bench: Bench, source: Place, target: Place) -> Run:
    target.clear()
    _settle(bench)
    return run("rowen db copy", [*_COPY, source.url, target.url])


def _restored(bench: Bench, dump: Path, target: PostgresPlace, jobs: int) -> Run:
    target.clear()
    _settle(bench)
    return run("pg_restore", [binary("pg_restore"), f"--jobs={jobs}", f"--dbname={target.url}", dump])


def _settle(bench: Bench) -> None:
    """Write everything to disk, so that the next measurement does not include earlier writes."""
    bench.postgres.settle()
    os.sync()
