"""Busy times of people: what a source knows of when a person is busy.

Owns windows and intervals, and how a new reading of a window replaces what was known of it. All times are milliseconds
since 1970, and every end is exclusive. Must not know where busy times come from or are stored.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from rowen.interviews.moments import Instant

_MINUTE: Final = 60_000


class Interval(NamedTuple):
    """A stretch of time."""

    starts: int
    ends: int


class Intervals(Collection[Interval]):
    """Intervals in sixteen bytes each, rather than in two hundred: an organization has hundreds of thousands."""

    __slots__ = ("_times",)

    def __init__(self, intervals: Iterable[tuple[int, int]] = ()) -> None:
        self._times = array(
            "q", list(chain.from_iterable(intervals))
        )  # a list, so that it is no longer than it must be

    @classmethod
    def unpacked(cls, content: bytes) -> "Intervals":
        """Return intervals from 64-bit integers, the lowest byte first."""
        found = cls()
        found._times = array("q", content)
        if sys.byteorder == "big":
            found._times.byteswap()
        return found

    def until(self, end: int) -> "Intervals":
        """Return those that begin before a time, of intervals that are in order."""
        found = Intervals()
        found._times = self._times[: 2 * bisect_left(self._times[::2], end)]
        return found

    def minutes(self) -> "array[int]":
        """Return starts and ends in turns, in minutes since 1970: each takes the minutes whole that it takes a part of.

        Nothing is before 1970. Arrays, as an object for each interval would take ten times as long.
        """
        times = self._times
        if times and min(times) < 0:
            times = array("q", [max(each, 0) for each in times])
        found = array("I", bytes(4 * len(times)))
        found[::2] = array("I", [each // _MINUTE for each in times[::2]])
        found[1::2] = array("I", [(each + _MINUTE - 1) // _MINUTE for each in times[1::2]])
        return found

    def __iter__(self) -> Iterator[Interval]:
        return (Interval(*each) for each in self._pairs())

    def __len__(self) -> int:
        return len(self._times) // 2

    def __contains__(self, interval: object) -> bool:
        return any(each == interval for each in self._pairs())

    def _pairs(self) -> Iterator[tuple[int, int]]:
        times = iter(self._times)
        return zip(times, times, strict=True)


class Window(NamedTuple):
    """A stretch of time of which a source knows all busy times, as of when it was read."""

    starts: int
    ends: int
    read_at: int


class BusySource(NamedTuple):
    """What is stored of one source of a user.

    `url` is the address that is read; None for a source that a client pushes. `read_at` is None for an address that was
    not read yet, and `error` why reading it failed last. `windows` are in order and apart; `busy` are in order, may
    overlap, and lie in the windows.
    """

    user_id: int
    source: str
    read_at: Instant | None
    url: str | None = None
    error: str | None = None
    windows: tuple[Window, ...] = ()
    busy: Intervals = Intervals()


def clipped(intervals: Iterable[Interval], window: Window) -> list[Interval]:
    """Return the parts of intervals that are in a window, in order and each once."""
    parts = (Interval(max(each.starts, window.starts), min(each.ends, window.ends)) for each in intervals)
    return sorted({each for each in parts if each.starts < each.ends})


def replaced(known: BusySource, window: Window, busy: Sequence[Interval], since: int) -> BusySource:
    """Return a source after a reading of a window: the window has these busy times, and no others.

    What else is known, and ended before `since`, is dropped.
    """
    outside = [Window(*part, each.read_at) for each in known.windows for part in _outside(each[:2], window)]
    windows = sorted([window, *(each for each in outside if each.ends > since)])
    kept = [Interval(*part) for each in known.busy for part in _outside(each, window) if part[1] > since]
    newest = max(window.read_at, known.read_at or window.read_at)
    return known._replace(
        read_at=Instant(newest),
        windows=tuple(_joined(windows)),
        busy=Intervals(sorted({*kept, *clipped(busy, window)})),
    )


def _outside(stretch: tuple[int, int], window: Window) -> Iterator[tuple[int, int]]:
    """Yield the parts of a stretch of time before and after a window."""
    starts, ends = stretch
    for part in ((starts, min(ends, window.starts)), (max(starts, window.ends), ends)):
        if part[0] < part[1]:
            yield part


def _joined(windows: Iterable[Window]) -> list[Window]:
    """Return windows in order, those joined that touch and were read at once."""
    found: list[Window] = []
    for each in windows:
        if found and found[-1].ends == each.starts and found[-1].read_at == each.read_at:
            found[-1] = found[-1]._replace(ends=each.ends)
        else:
            found.append(each)
    return found
