"""The speed of reading one large JSON array, as other tools export it.

Owns the figure that justifies Rowen's own array splitter (decision 0030).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import msgspec

from benchmarks.bench import Bench
from benchmarks.places import fresh
from benchmarks.processes import BenchmarkError
from benchmarks.report import Goal, Result
from rowen.imports.formats.json_array import ArraySplitter
from rowen.imports.sources.streams import BLOCK

_RECORDS: Final = 50_000
_WIDE: Final = b"," + b" " * 300  # too much whitespace for the fast way, so that each record is read the exact way
_IJSON: Final = Goal(2.0, 3.0)
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])


def arrays(bench: Bench) -> Iterator[Result]:
    """Compare Rowen's splitter with ijson, and with decoders that hold the whole document in memory."""
    count = min(_RECORDS, bench.scale.interviews)
    with bench.corpus.combined.open("rb") as lines:
        records = [line.rstrip() for line in islice(lines, count)]
    dense = _write(bench.file("array").with_suffix(".json"), b",".join(records))
    wide = _write(bench.file("wide-array").with_suffix(".json"), _WIDE.join(records))
    readers: dict[str, Callable[[], float]] = {
        "ijson on yajl2": lambda: bench.peers.ijson_array(dense, count),
        "msgspec, whole in memory": _timed(lambda: len(_elements.decode(dense.read_bytes())), count),
        "json, whole in memory": _timed(lambda: len(json.loads(dense.read_bytes())), count),
        "its exact way alone": _timed(lambda: _split(wide), count),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ("ours", *readers)}
    ours = _timed(lambda: _split(dense), count)
    for _ in range(bench.scale.repeats):
        seconds["ours"].append(ours())
        for name, read in readers.items():
            seconds[name].append(read())
    for file in (dense, wide):
        fresh(file)
    mine = median(seconds.pop("ours"))
    for name, taken in seconds.items():
        other = median(taken)
        words = f"{mine / count * 1e6:.1f} µs and {other / count * 1e6:.1f} µs a record"
        goal = _IJSON if name.startswith("ijson") else None
        yield Result(f"split of a JSON array of {count:,} interviews, against {name}", words, other / mine, goal)


def _write(file: Path, elements: bytes) -> Path:
    fresh(file).write_bytes(b"[" + elements + b"]")
    return file


def _split(path: Path) -> int:
    splitter = ArraySplitter(path.name, Counter())
    with path.open("rb") as file:
        return sum(len(splitter.feed(block)) for block in iter(lambda: file.read(BLOCK), b""))


def _timed(read: Callable[[], int], count: int) -> Callable[[], float]:
    """Return a function that reads an array and returns the seconds it took."""

    def timed() -> float:
        begun = perf_counter()
        if read() != count:
            raise BenchmarkError("an array was not read to its end")
        return perf_counter() - begun

    return timed
