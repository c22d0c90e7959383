"""The latency of one request on late pages and in large databases, with two kinds of requests in turns.

Owns the figures that the small client measures. A latency is a median (p50) over different pages.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import cycle, islice
from statistics import median
from typing import Final

from benchmarks.bench import Bench
from benchmarks.client import Connection, Request
from benchmarks.data import MIDDLE
from benchmarks.report import Goal, Result, Unit
from benchmarks.subject import Database, expect, listing, walk

_Side = tuple[Connection, Database]

_WINDOW: Final = 50
_DEEP_AFTER: Final = Goal(1.3, 1.0, more_is_better=False)
_DEEP_PAGE: Final = Goal(2.0, 1.2, more_is_better=False)
WALK: Final = Goal(1.5, 1.1, more_is_better=False)

FILTERS: Final[tuple[dict[str, str], ...]] = (
    {},
    *(
        {f"{moment}_{side}": MIDDLE}
        for moment in ("created", "updated", "starts", "ends")
        for side in ("before", "after")
    ),
    {"actionable": "true"},
)
"""The parameters of the walks: none, and each filter with a value near the middle of the schedule."""


def deep_by_after(bench: Bench) -> Iterator[Result]:
    """Compare the fifty pages up to the 10,000th, by `after`, with the first fifty."""
    size = bench.scale.interviews // 10_000
    with bench.served(bench.single) as rowen, rowen.connect() as connection:
        first = listing(bench.single.keys[0], per_page=size)
        requests = [request for request, _ in islice(walk(connection, first), 10_000)]
        near, far = requests[:_WINDOW], requests[-_WINDOW:]
        pairs = in_turns(connection, connection, near * 5, far * 5)
    what = f"page {len(requests):,} by after, {size} a page, against page 1"
    yield slower(what, far=[pair[1] for pair in pairs], near=[pair[0] for pair in pairs], goal=_DEEP_AFTER)


def deep_by_page(bench: Bench) -> Iterator[Result]:
    """Compare page 5,000 by `page` alone, after walking there page by page, with page 1."""
    size = bench.scale.interviews // 10_000
    key = bench.single.keys[0]
    with bench.served(bench.single) as rowen, rowen.connect() as connection:
        for number in range(1, 5_001 - _WINDOW):
            expect(connection, listing(key, page=number, per_page=size))
        near = [listing(key, page=number, per_page=size) for number in range(1, _WINDOW + 1)]
        far = [listing(key, page=number, per_page=size) for number in range(5_001 - _WINDOW, 5_001)]
        # Only once: the server has served the near pages before but not the far ones, which is to its disadvantage.
        pairs = in_turns(connection, connection, near, far)
    what = f"page 5,000 by page alone, {size} a page, against page 1"
    yield slower(what, far=[pair[1] for pair in pairs], near=[pair[0] for pair in pairs], goal=_DEEP_PAGE)


def many_rows_against_few(bench: Bench) -> Iterator[Result]:
    """Compare the p50 of a walk by `next`, including `last`, unfiltered and with each filter; only full pages count."""
    with (
        bench.served(bench.many) as many,
        bench.served(bench.few) as few,
        many.connect() as here,
        few.connect() as there,
    ):
        for parameters in FILTERS:
            name = ", ".join(parameters) or "unfiltered"
            what = f"walk p50, {_rows(bench)}, {name}"
            yield _walks(what, bench, (here, bench.many), (there, bench.few), parameters)
        yield _lookups(bench, (here, bench.many), (there, bench.few))
        yield _first_pages(bench, (here, bench.many), (there, bench.few))


def _walks(
    what: str,
    bench: Bench,
    many: _Side,
    few: _Side,
    parameters: dict[str, str],
) -> Result:
    """Walk two databases in turns, page by page; the walk of the small one is repeated until the other ends."""
    larger = _page_latencies(many, parameters, again=False)
    smaller = _page_latencies(few, parameters, again=True)
    enough = list(islice(zip(larger, smaller, strict=False), bench.scale.requests))
    whole_large = [seconds for (seconds, whole), _ in enough if whole]
    whole_small = [seconds for _, (seconds, whole) in enough if whole]
    if not whole_large or not whole_small:  # a filter that matches less than a page
        whole_large, whole_small = [large[0] for large, _ in enough], [small[0] for _, small in enough]
    return slower(what, far=whole_large, near=whole_small, goal=WALK)


def _page_latencies(side: _Side, parameters: dict[str, str], *, again: bool) -> Iterator[tuple[float, bool]]:
    """Yield the seconds of each page of a walk through all organizations, and whether the page was full."""
    connection, database = side
    for key in cycle(database.keys) if again else database.keys:
        for _, answer in walk(connection, listing(key, per_page=100, **parameters)):
            yield answer.seconds, answer.link("next") is not None


def _lookups(bench: Bench, many: _Side, few: _Side) -> Result:
    ours, theirs = (_event_requests(side, bench.scale.requests) for side in (many, few))
    pairs = in_turns(many[0], few[0], ours, list(islice(cycle(theirs), len(ours))))
    what = f"walk p50, {_rows(bench)}, external_event_id"
    return slower(what, far=[pair[0] for pair in pairs], near=[pair[1] for pair in pairs], goal=WALK)


def _event_requests(side: _Side, count: int) -> list[Request]:
    """Return lookups by external event id, spread over the whole database."""
    connection, database = side
    found: list[list[Request]] = []
    for key in database.keys:
        for _, answer in walk(connection, listing(key, per_page=500)):
            events = [interview["external_event_id"] for interview in json.loads(answer.body)]
            found.append([listing(key, external_event_id=event) for event in events])
    each = -(-count // len(found))
    return [request for page in found for request in page[:each]][:count]


def _first_pages(bench: Bench, many: _Side, few: _Side) -> Result:
    """Compare first pages of new filters, for which nothing can be cached; for information."""
    start = datetime.fromisoformat(MIDDLE)
    moments = [f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%M:%S.000Z}" for hour in range(_WINDOW)]
    ours, theirs = ([listing(side[1].keys[0], updated_after=moment) for moment in moments] for side in (many, few))
    pairs = in_turns(many[0], few[0], ours, theirs)
    what = f"first page of a new filter, {_rows(bench)}"
    return slower(what, far=[pair[0] for pair in pairs], near=[pair[1] for pair in pairs], goal=None)


def _rows(bench: Bench) -> str:
    return f"{bench.scale.interviews:,} rows against {bench.scale.few:,}"


def in_turns(
    first: Connection, second: Connection, requests: Sequence[Request], others: Sequence[Request]
) -> list[tuple[float, float]]:
    """Send two kinds of requests in turns, and return the seconds of each pair."""
    return [
        (expect(first, request).seconds, expect(second, other).seconds)
        for request, other in zip(requests, others, strict=True)
    ]


def slower(what: str, *, far: Sequence[float], near: Sequence[float], goal: Goal | None) -> Result:
    """Return the ratio of the medians of two series, `far` divided by `near`."""
    here, there = median(far), median(near)
    written = [Unit.MILLISECONDS.write(seconds * 1000) for seconds in (here, there)]
    return Result(what, f"{written[0]} and {written[1]}", here / there, goal)
