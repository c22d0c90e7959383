"""The code of an earlier commit, taken from this clone, measured in turns with the current code.

Owns how two versions of Rowen are compared. Must not know how they differ. Two processes of the same code differ by up
to 4%, which may be more than the difference to be found, so both are started several times.
"""

import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Final

from benchmarks import data, subject, writes
from benchmarks.bench import Bench, organization_name
from benchmarks.client import Request
from benchmarks.figures.throughput import pages_at_random, retrievals
from benchmarks.instructions import COMMAND, check_valgrind, instructions
from benchmarks.load import Load, Rounds, compare, in_turns, write_throughput
from benchmarks.places import SqliteFile
from benchmarks.processes import BenchmarkError, Server
from benchmarks.report import Goal, Result
from benchmarks.subject import Database, listing
from benchmarks.writes import MARK

_STARTS: Final = 5  # of both servers, for each round of the scale
_ROUNDS: Final = Rounds(2, 1)
_REPEATS: Final = 5
_BODIES: Final = 1_000
_SAME: Final = Goal(0.97, 1.0)

_Side = tuple[Server, Database]
_Pair = tuple[str, float, float]
"""The name of a kind of request, and the requests per second of two servers."""


def throughput(bench: Bench, commit: str, label: str) -> Iterator[Result]:
    """Compare requests per second for list, retrieve and create, on 10,000 interviews."""
    source = _checked_out(bench, commit)
    log = bench.folder / "logs" / "before.log"
    with _databases(bench, source) as (now, then):
        measured = defaultdict[str, list[tuple[float, float]]](list)
        for compared in (_reads, _creates):  # reads first: afterwards the databases differ
            for _ in range(_STARTS * bench.scale.rounds.count):
                with bench.served(now) as ours, subject.served(then, log, source=source) as theirs:
                    for name, mine, other in compared((ours, now), (theirs, then)):
                        measured[name].append((mine, other))
    for name, pairs in measured.items():
        yield _result(f"{name}, {label}", pairs, "requests/s", faster=lambda mine, other: mine / other)


def executed(bench: Bench, commit: str, label: str) -> Iterator[Result]:
    """Compare the instructions of list and retrieve, on 10,000 interviews."""
    check_valgrind()
    source = _checked_out(bench, commit)
    logs = bench.folder / "logs"
    with _databases(bench, source) as (now, then):
        with bench.served(now) as server:
            kinds = dict(_kinds(now, server))
        earlier = {name: _asked_by(then, now, requests) for name, requests in kinds.items()}
        with ThreadPoolExecutor(2) as pool:  # the load of a machine does not change what is counted
            ours = pool.submit(instructions, partial(subject.served, now, under=COMMAND), logs / "now.log", kinds)
            theirs = pool.submit(
                instructions, partial(subject.served, then, source=source, under=COMMAND), logs / "then.log", earlier
            )
        mine, other = ours.result(), theirs.result()
    for name in kinds:
        measured = f"{mine[name]:,.0f} and {other[name]:,.0f} instructions"
        yield Result(f"{name}, {label}", measured, other[name] / mine[name], _SAME)


def start_and_import(bench: Bench, commit: str, label: str) -> Iterator[Result]:
    """Compare the seconds from start to first response, and those of an import of a tenth of all interviews."""
    source = _checked_out(bench, commit)
    log = bench.folder / "logs" / "before.log"
    with _databases(bench, source) as (now, then):
        starts = []
        for _ in range(_REPEATS):
            with bench.served(now) as ours, subject.served(then, log, source=source) as theirs:
                starts.append((ours.first_answer, theirs.first_answer))
    yield _result(f"start to first response, {label}", starts, "s", faster=_sooner)
    size = bench.scale.interviews // 10
    file = data.corpus(size, bench.folder).combined
    place = SqliteFile(bench.file("imported"))
    imports = []
    for _ in range(_REPEATS):
        pair = []
        for code in (None, source):
            os.sync()  # the next measurement must not include earlier writes
            place.clear()
            subject.make_organization(place, "Everybody", code)
            pair.append(subject.import_file(file, place, "Everybody", code=code).seconds)
        imports.append((pair[0], pair[1]))
    place.clear()
    yield _result(f"import of {size:,} JSON Lines, {label}", imports, "s", faster=_sooner)


def _sooner(mine: float, other: float) -> float:
    return other / mine


def _result(
    what: str, pairs: Sequence[tuple[float, float]], unit: str, faster: Callable[[float, float], float]
) -> Result:
    mine, other = (mean(each) for each in zip(*pairs, strict=True))
    digits = 0 if unit == "requests/s" else 2
    measured = f"{mine:,.{digits}f} and {other:,.{digits}f} {unit}"
    return Result(what, measured, median(faster(*pair) for pair in pairs), _SAME)


def _checked_out(bench: Bench, commit: str) -> Path:
    """Return the folder with the sources of a commit. Raises BenchmarkError if the clone does not contain it."""
    folder = bench.folder / "before" / commit
    if not folder.exists():
        folder.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", commit, "src"], capture_output=True, check=False)
        if archive.returncode:
            folder.rmdir()
            raise BenchmarkError(f"commit {commit} is not in this clone")
        subprocess.run(["tar", "x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder / "src"


@contextmanager
def _databases(bench: Bench, source: Path) -> Iterator[tuple[Database, Database]]:
    """Create the same database with both commits, as each has its own schema."""
    files = data.corpus(bench.scale.few, bench.folder).organizations
    sources = {organization_name(number): file for number, file in enumerate(files)}
    then = subject.load_by(source, SqliteFile(bench.file("before")), sources)
    now = subject.load(SqliteFile(bench.file("now")), sources)
    try:
        yield now, then
    finally:
        then.place.clear()
        now.place.clear()


def _kinds(database: Database, server: Server) -> Iterator[tuple[str, Sequence[Request]]]:
    """Yield the names of what is read, each with its requests."""
    chosen = pages_at_random(database, server)
    found = retrievals(database, server, chosen)
    yield "list of 100, one page", [listing(database.keys[0])]
    yield "list of 100, pages at random", [page.request for page in chosen]
    yield "retrieve one, the same one", found[:1]
    yield "retrieve one, at random", found


def _reads(ours: _Side, theirs: _Side) -> Iterator[_Pair]:
    (now, database), (then, earlier) = ours, theirs
    for name, requests in _kinds(database, now):
        yield name, *compare(Load(now, requests), Load(then, _asked_by(earlier, database, requests)), _ROUNDS)


def _creates(ours: _Side, theirs: _Side) -> Iterator[_Pair]:
    (now, database), (then, earlier) = ours, theirs
    with now.connect() as connection:
        bodies = writes.creations(writes.material(connection, database.keys[0]), _BODIES)
    mine = partial(write_throughput, Load(now, bodies), MARK)
    other = partial(write_throughput, Load(then, _asked_by(earlier, database, bodies)), MARK)
    yield "durable creates", *in_turns(mine, other, _ROUNDS)


def _asked_by(earlier: Database, database: Database, requests: Sequence[Request]) -> list[Request]:
    """Return the requests with the keys of the earlier database."""
    keys = dict(zip(database.keys, earlier.keys, strict=True))
    return [replace(each, key=keys[each.key or ""]) for each in requests]
