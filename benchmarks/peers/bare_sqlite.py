"""The upper bound for writes one by one: a loop over `sqlite3` that commits each row, and waits for the disk.

Owns the loop. The table, its indexes, its rows, and the pragmas for durability are those of Rowen. The loop checks
nothing, writes no panel, history or ledger, and has no clients.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count, cycle
from pathlib import Path
from typing import Any

from benchmarks.load import Measure
from benchmarks.processes import BenchmarkError

_TABLE = "scheduled_interviews"


@contextmanager
def committing(file: Path, rows_of: Path) -> Iterator[Measure]:
    """Yield a function that inserts rows into a database of Rowen for some seconds, and returns commits per second.

    The rows come from the database `rows_of`, where clients created them; they get new ids and external event ids.
    """
    columns, rows = _rows(rows_of)
    places = ", ".join("?" for _ in columns)
    statement = f"INSERT INTO {_TABLE} ({', '.join(columns)}) VALUES ({places})"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            raise BenchmarkError("the copy of the database is not in WAL mode")
        connection.execute("PRAGMA synchronous = FULL")
        (last,) = connection.execute(f"SELECT max(id) FROM {_TABLE}").fetchone()
        following = zip(count(last + 1), cycle(rows), strict=False)
        at_id, at_event = columns.index("id"), columns.index("external_event_id")

        def measure(seconds: int) -> float:
            begin = time.perf_counter()
            end, done = begin + seconds, 0
            while time.perf_counter() < end:
                identifier, row = next(following)
                row[at_id], row[at_event] = identifier, f"bare-{identifier:014}"
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(statement, row)
                connection.execute("COMMIT")
                done += 1
            return done / (time.perf_counter() - begin)

        yield measure


def _rows(file: Path) -> tuple[list[str], list[list[Any]]]:
    """Return the columns of the table and its newest rows."""
    with closing(sqlite3.connect(file)) as connection:
        newest = connection.execute(f"SELECT * FROM {_TABLE} WHERE due_at IS NOT NULL ORDER BY id DESC LIMIT 1000")
        return [column[0] for column in newest.description], [list(row) for row in newest]
