"""The figures of processes: imports, memory, and the time to start.

Owns the figures that are measured on whole processes rather than on requests.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks import organization_copies, subject
from benchmarks.bench import Bench
from benchmarks.client import Connection
from benchmarks.load import Load, throughput
from benchmarks.places import SqliteFile, fresh
from benchmarks.postgres import PostgresPlace
from benchmarks.processes import Run
from benchmarks.report import Goal, Result, Unit
from benchmarks.subject import listing, pages, walk

_MEGABYTE: Final = 2**20
_STARTS: Final = 5
_IMPORT: Final = Goal(1.2, 3.0)
_IMPORT_MEMORY: Final = Goal(200, None, Unit.MEGABYTES, more_is_better=False)
_SERVER_MEMORY: Final = Goal(150, None, Unit.MEGABYTES, more_is_better=False)
_IMPORT_POSTGRES: Final = Goal(0.3, 0.6)
_POSTGRES_REPEATS: Final = 2  # each takes minutes
_START: Final = Goal(1.0, 0.4, Unit.SECONDS, more_is_better=False)


def imports(bench: Bench) -> Iterator[Result]:
    """Compare an import, with all indexes and checks, with `sqlite-utils insert --nl` without any; then its memory."""
    ours: list[Run] = []
    theirs: list[Run] = []
    source, place = bench.corpus.combined, SqliteFile(bench.file("import"))
    for _ in range(bench.scale.repeats):
        os.sync()  # the next measurement must not include earlier writes
        place.clear()
        ours.append(subject.import_file(source, place, "Everybody"))
        os.sync()
        theirs.append(bench.peers.sqlite_utils_insert(source, bench.file("sqlite-utils")))
    for name in ("import", "sqlite-utils"):
        fresh(bench.file(name))
    mine, other = (median(run.seconds for run in runs) for runs in (ours, theirs))
    what = f"import of {bench.scale.interviews:,} JSON Lines, against sqlite-utils insert"
    yield Result(what, f"{mine:,.1f} s and {other:,.1f} s", other / mine, _IMPORT)
    peaks = [max(run.peak_memory for run in runs) / _MEGABYTE for runs in (ours, theirs)]
    yield Result("peak memory of that import", f"sqlite-utils: {peaks[1]:,.0f} MB", peaks[0], _IMPORT_MEMORY)


def imports_into_postgres(bench: Bench) -> Iterator[Result]:
    """Compare an import into PostgreSQL with `COPY` by psql of the rows that it wrote, into the same tables."""
    server = bench.postgres
    place, plain = server.place("imported"), server.place("copied_in")
    ours: list[float] = []
    theirs: list[float] = []
    with TemporaryDirectory(dir=bench.folder) as folder:
        for _ in range(min(bench.scale.repeats, _POSTGRES_REPEATS)):
            _prepare(place)
            ours.append(subject.import_file(bench.corpus.combined, place, "Everybody").seconds)
            files = _rows(place, Path(folder))
            _prepare(plain)
            server.psql(plain.name, "-c", f"TRUNCATE {', '.join(files)}")  # the organization that came with the tables
            commands = [f"\\copy {table} from {file}" for table, file in files.items()]
            theirs.append(server.psql(plain.name, *(part for each in commands for part in ("-c", each))).seconds)
    for each in (place, plain):
        each.remove()
    mine, other = median(ours), median(theirs)
    what = f"import of {bench.scale.interviews:,} JSON Lines into PostgreSQL, against COPY of the same rows"
    yield Result(what, f"{mine:,.1f} s and {other:,.1f} s", other / mine, _IMPORT_POSTGRES)


def _prepare(place: PostgresPlace) -> None:
    """Create the tables, and write everything to disk, so that the next measurement does not include it."""
    subject.make_tables(place)
    place.server.settle()
    os.sync()


def _rows(place: PostgresPlace, folder: Path) -> dict[str, Path]:
    """Export the rows of each table in the format of `COPY`."""
    files = {table: folder / table for table in organization_copies.tables_on_postgres(place)}
    commands = [f"\\copy (SELECT * FROM {table}) TO {file}" for table, file in files.items()]
    place.server.psql(place.name, *(part for each in commands for part in ("-c", each)))
    return files


def memory_after_load(bench: Bench) -> Iterator[Result]:
    """Measure the memory of all processes of the server after walks through all organizations, and after load."""
    with bench.served(bench.many) as rowen:
        before = rowen.memory() / _MEGABYTE
        with rowen.connect() as connection:
            known = [page.request for page in pages(connection, bench.many)]
            _ask_filtered(connection, bench)
        throughput(Load(rowen, known), bench.scale.rounds.seconds * bench.scale.rounds.count)
        after = rowen.memory() / _MEGABYTE
    yield Result("memory of the server after load", f"before it: {before:,.0f} MB", after, _SERVER_MEMORY)


def _ask_filtered(connection: Connection, bench: Bench) -> None:
    """Walk with filters, so that the memory includes the ids that filters cache."""
    for key in bench.many.keys:
        for month in range(1, 13):
            first = listing(key, per_page=500, updated_after=f"2025-{month:02}-01T00:00:00.000Z")
            for _ in walk(connection, first):
                pass


def start(bench: Bench) -> Iterator[Result]:
    """Time from the start of the program to its first page of 100, including the check of the key and the count."""
    seconds: list[float] = []
    for _ in range(_STARTS):
        with bench.served(bench.many) as rowen:
            seconds.append(rowen.first_answer)
    spread = f"{min(seconds):.2f} to {max(seconds):.2f} s in {_STARTS} starts"
    yield Result("start to first response", spread, median(seconds), _START)
