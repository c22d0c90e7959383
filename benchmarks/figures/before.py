"""The cost of a capability for clients that do not use it.

Owns the last commits before them.
"""

from collections.abc import Iterator
from typing import Final

from benchmarks import predecessor
from benchmarks.bench import Bench
from benchmarks.report import Result

BEFORE_V3: Final = "cf7ad73"
"""The last commit before Harvest v3 was served."""

BEFORE_PAGES: Final = "fed0f31"
"""The last commit before the pages, and before finding times."""


def before_v3(bench: Bench) -> Iterator[Result]:
    """Compare list, retrieve, create, start and import with the last commit before Harvest v3 and mirrors."""
    yield from predecessor.throughput(bench, BEFORE_V3, "with v3 against before")
    yield from predecessor.start_and_import(bench, BEFORE_V3, "with v3 against before")


def instructions_v3(bench: Bench) -> Iterator[Result]:
    """Compare the instructions of list and retrieve with those of the last commit before Harvest v3 and mirrors."""
    yield from predecessor.executed(bench, BEFORE_V3, "with v3 against before, in instructions")


def before_pages(bench: Bench) -> Iterator[Result]:
    """Compare list, retrieve and create with the last commit before the pages and finding times."""
    yield from predecessor.throughput(bench, BEFORE_PAGES, "with pages and planning against before")
