"""Overlaps: who is in two interviews at once.

Owns when bookings overlap: each lasts from its start up to but not at its end, so that touching ends do not. Must not
know where bookings come from.
"""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple


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
    """Return what overlaps of bookings in their order, each pair once; constant work for each booking and overlap."""
    person = None
    running: list[tuple[int, Booked]] = []  # a heap, the first to end first
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
