"""What moving and renaming the code cost.

Owns the commit that came before it.
"""

from collections.abc import Iterator
from typing import Final

from benchmarks import predecessor
from benchmarks.bench import Bench
from benchmarks.report import Result

BEFORE: Final = "c15be1e"
"""The commit before the packages of docs/architecture.md."""


def moves(bench: Bench) -> Iterator[Result]:
    """Yield what list, retrieve, create, start and import cost now against then."""
    yield from predecessor.throughput(bench, BEFORE, "after the moves against before")
    yield from predecessor.start_and_import(bench, BEFORE, "after the moves against before")
