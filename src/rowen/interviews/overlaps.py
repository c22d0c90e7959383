"""Overlaps: people who are booked for two interviews at once.

Owns when bookings overlap: each lasts from its start up to but not including its end, so that adjacent ones do not
overlap. Must not know where bookings come from.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Final, NamedTuple

_MOST_NAMED: Final = 20  # in one message: clients limit the length of some


class Booked(NamedTuple):
    """An interview that keeps a person busy, in epoch milliseconds; ordered by person and start."""

    person: int
    starts_at: int
    ends_at: int
    interview: int


class Overlap(NamedTuple):
    """Two interviews, by ascending id, that keep a person busy at once, from `starts_at` up to `ends_at`."""

    person: int
    starts_at: int
    ends_at: int
    interviews: tuple[int, int]


def overlaps(bookings: Iterable[Booked]) -> Iterator[Overlap]:
    """Yield the overlaps of bookings in their order, each pair once; constant work for each booking and overlap."""
    person = None
    running: list[tuple[int, Booked]] = []  # a heap: the first to end comes first
    for booked in bookings:
        if booked.person != person:
            person, running = booked.person, []
        while running and running[0][0] <= booked.starts_at:
            heappop(running)
        for _, other in sorted(running):
            starts_at, ends_at = booked.starts_at, min(booked.ends_at, other.ends_at)
            if starts_at < ends_at:
                first, second = sorted((booked.interview, other.interview))
                yield Overlap(booked.person, starts_at, ends_at, (first, second))
        heappush(running, (booked.ends_at, booked))


def name_interviews(identifiers: Sequence[int]) -> str:
    """Return ids for a message, separated by commas: the first 20, and how many more there are."""
    named = ", ".join(str(each) for each in identifiers[:_MOST_NAMED])
    return f"{named} and {len(identifiers) - _MOST_NAMED} more" if len(identifiers) > _MOST_NAMED else named
