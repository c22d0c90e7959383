"""The cost of moving the code into packages.

Owns the last commit before that.
"""

from collections.abc import Iterator
from typing import Final

from benchmarks import predecessor
from benchmarks.bench import Bench
from benchmarks.report import Result

BEFORE: Final = "c15be1e"
"""The last commit before the packages of docs/explanation/architecture.md."""


def moves(bench: Bench) -> Iterator[Result]:
    """Compare list, retrieve, create, start and import with that commit."""
    yield from predecessor.throughput(bench, BEFORE, "after the moves against before")
    yield from predecessor.start_and_import(bench, BEFORE, "after the moves against before")
