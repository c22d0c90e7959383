"""Wall clocks: which minutes of UTC a time zone's clocks show as which local minutes.

Owns the time between clock changes, found through `zoneinfo`: within it, local time is UTC and one offset, so that
nothing else needs to know of clock changes. Local minutes count from 1970-01-01 00:00 on the wall, local days likewise.
Must not know working hours or limits.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from rowen.planning.bits import Span

DAY: Final = 1_440
"""Minutes of a day."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SAMPLE: Final = 360  # minutes: no zone has changed its clocks twice within so short a time


class Steady(NamedTuple):
    """Minutes of UTC, from `start` up to `end`, in which the clocks are `offset` seconds ahead of UTC."""

    start: int
    end: int
    offset: int


def offset_at(zone: str, minute: int) -> int:
    """Return by how many seconds the clocks of a zone are ahead of UTC in a minute."""
    moment = _EPOCH + timedelta(minutes=minute)
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return offset // timedelta(seconds=1)


def local_minute(zone: str, minute: int) -> int:
    """Return what the clocks of a zone show in a minute of UTC."""
    return minute + offset_at(zone, minute) // 60


def local_day(zone: str, minute: int) -> int:
    """Return the local date of a minute of UTC."""
    return local_minute(zone, minute) // DAY


def week_of(day: int) -> int:
    """Return the week of a local day; weeks begin on Monday."""
    return (day + 3) // 7  # 1970-01-01 was a Thursday


@lru_cache(maxsize=1_024)
def steady_times(zone: str, start: int, end: int) -> tuple[Steady, ...]:
    """Return the times without clock changes that make up a window."""
    found: list[Steady] = []
    begins, offset, sampled = start, offset_at(zone, start), start
    while sampled < end:
        following = min(sampled + _SAMPLE, end)
        if offset_at(zone, following) != offset:
            changes = _change(zone, sampled, following)
            found.append(Steady(begins, changes, offset))
            begins, offset = changes, offset_at(zone, changes)
            following = changes
        sampled = following
    found.append(Steady(begins, end, offset))
    return tuple(each for each in found if each.start < each.end)


def _change(zone: str, before: int, after: int) -> int:
    """Return the first minute, after `before` and up to `after`, that has another offset than `before`."""
    offset = offset_at(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if offset_at(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def minutes_showing(times: tuple[Steady, ...], begin: int, end: int) -> Iterator[Span]:
    """Yield the minutes of UTC in which the wall clock shows local minutes from `begin` up to `end`."""
    for steady in times:
        shift = steady.offset // 60  # a clock that is seconds ahead shows the minute that it has begun
        start, stop = max(begin - shift, steady.start), min(end - shift, steady.end)
        if start < stop:
            yield Span(start, stop)


def days_of(times: tuple[Steady, ...]) -> range:
    """Return the local days that a window touches."""
    firsts = [(each.start + each.offset // 60) // DAY for each in times]
    lasts = [(each.end - 1 + each.offset // 60) // DAY for each in times]
    return range(min(firsts), max(lasts) + 1) if times else range(0)
