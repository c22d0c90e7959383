"""The cost of Harvest v3, mirrors and the rest of v1 for clients that use none of them.

Owns the last commit before them.
"""

from collections.abc import Iterator
from typing import Final

from benchmarks import predecessor
from benchmarks.bench import Bench
from benchmarks.report import Result

BEFORE: Final = "cf7ad73"
"""The last commit before Harvest v3 was served."""


def before_v3(bench: Bench) -> Iterator[Result]:
    """Compare list, retrieve, create, start and import with that commit."""
    yield from predecessor.throughput(bench, BEFORE, "with v3 against before")
    yield from predecessor.start_and_import(bench, BEFORE, "with v3 against before")
