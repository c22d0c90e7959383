"""People: when one of them can be in an interview.

Owns how working hours, absences, busy times, interviews, buffers, limits and notice add up (contract section 17). Must
not know panels, or where any of it is stored.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import chain
from typing import Final, NamedTuple

import msgspec

from rowen.planning.bits import Span, every, fits, mask, ones
from rowen.planning.wall_clock import DAY, days_of, local_day, minutes_showing, steady_times, week_of

Week = tuple[tuple[Span, ...], ...]
"""The working hours of each day of a week, Monday first, in minutes of the wall clock."""

ALWAYS: Final[Week] = ((Span(0, DAY),),) * 7
"""The working hours of someone who can always work."""


class LoadLimits(NamedTuple):
    """How many interviews a person may have, by the local date of their start; None is without a limit."""

    per_day: int | None = None
    per_week: int | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """A person who interviews, and what is known of them in a window and five weeks around it.

    `days_off` are local days since 1970, from the first up to the second. `away` is time off; `busy` are busy times;
    `unknown` is where nobody knows whether the person is busy. `interviews` are those that stand, and those held.
    `before` and `after` are the buffers of an interview, `notice` is the least time from now to a start; all in
    minutes. Compared by identity, so that what was made of a person is kept for as long as nothing changed.
    """

    id: int
    zone: str = "UTC"
    hours: Week = ALWAYS
    days_off: Collection[Span] = ()
    away: Collection[Span] = ()
    busy: Collection[Span] = ()
    unknown: Collection[Span] = ()
    interviews: Collection[Span] = ()
    before: int = 0
    after: int = 0
    limits: LoadLimits = LoadLimits()
    notice: int = 0

    @property
    def apart(self) -> int:
        """The least minutes between two interviews of the person: each keeps its buffers, and may share them."""
        return max(self.before, self.after)

    @cached_property
    def days(self) -> Counter[int]:
        """How many interviews there are on each local day."""
        return Counter(local_day(self.zone, start) for start, _ in self.interviews)

    @cached_property
    def last(self) -> int:
        """When the last interview starts; before all others for someone without any."""
        return max((start for start, _ in self.interviews), default=-(2**63))

    def load(self, week: int) -> int:
        """Return how many interviews there are in a local week and the two next to it."""
        weeks = self._interview_weeks
        return bisect_right(weeks, week + 1) - bisect_left(weeks, week - 1)

    @cached_property
    def _interview_weeks(self) -> "array[int]":
        """The local week of each interview, ascending: an array, as there are hundreds of thousands."""
        return array("i", sorted(week_of(local_day(self.zone, start)) for start, _ in self.interviews))

    @cached_property
    def weeks(self) -> Counter[int]:
        """How many interviews there are in each local week."""
        weeks: Counter[int] = Counter()
        for day, count in self.days.items():
            weeks[week_of(day)] += count
        return weeks


def are_same(one: Person, other: Person) -> bool:
    """Return whether the same is known of two people."""
    return msgspec.structs.astuple(one) == msgspec.structs.astuple(other)


class Grid(NamedTuple):
    """The ticks of a window: the minutes at which an interview may start, multiples of `step` since 1970."""

    window: Span
    step: int

    @property
    def first(self) -> int:
        """The first tick, in minutes since 1970."""
        return -(-self.window.start // self.step) * self.step

    def minute(self, tick: int) -> int:
        """Return the minute of a tick."""
        return self.first + tick * self.step

    def ticks(self, minutes: int) -> int:
        """Return the ticks of a set of minutes of the window."""
        return every(minutes, self.first - self.window.start, self.step)

    def until(self, minute: int) -> int:
        """Return the ticks up to and including a minute."""
        return ones((minute - self.first) // self.step + 1)


def free_minutes(person: Person, window: Span) -> int:
    """Return the minutes of a window in which a person can be in an interview."""
    blocked = mask(_blocked(person), window) | days_off_minutes(person, window)
    return working_minutes(person.zone, person.hours, window) & ~blocked


def free_starts(person: Person, minutes: int, grid: Grid) -> int:
    """Return the ticks at which a person can start an interview of `minutes`, whatever the time is now."""
    return grid.ticks(fits(free_minutes(person, grid.window), minutes) & ~full_minutes(person, grid.window))


@lru_cache(maxsize=512)
def working_minutes(zone: str, hours: Week, window: Span) -> int:
    """Return the minutes of a window whose wall clock is within working hours."""
    if hours == ALWAYS:
        return ones(window.end - window.start)
    times = steady_times(zone, *window)
    spans = (
        minutes_showing(times, day * DAY + begin, day * DAY + end)
        for day in days_of(times)
        for begin, end in hours[(day + 3) % 7]
    )
    return mask(chain.from_iterable(spans), window)


def days_off_minutes(person: Person, window: Span) -> int:
    """Return the minutes of a window that are on a person's days off."""
    if not person.days_off:
        return 0
    times = steady_times(person.zone, *window)
    spans = (minutes_showing(times, first * DAY, last * DAY) for first, last in person.days_off)
    return mask(chain.from_iterable(spans), window)


def _blocked(person: Person) -> Iterator[tuple[int, int]]:
    """Yield the minutes that a person cannot be in an interview, apart from working hours and days off."""
    yield from person.away
    yield from person.unknown
    before, after, apart = person.before, person.after, person.apart
    for start, end in person.busy:  # the interview's own buffers end before, and begin after, what is busy
        yield start - after, end + before
    for start, end in person.interviews:
        yield start - apart, end + apart


def full_minutes(person: Person, window: Span) -> int:
    """Return the minutes of a window on days, or in weeks, in which a person may have no more interviews."""
    per_day, per_week = person.limits
    if per_day is None and per_week is None:
        return 0
    days, weeks = person.days, person.weeks
    times = steady_times(person.zone, *window)
    full = (
        day
        for day in days_of(times)
        if (per_day is not None and days[day] >= per_day) or (per_week is not None and weeks[week_of(day)] >= per_week)
    )
    spans = (minutes_showing(times, day * DAY, (day + 1) * DAY) for day in full)
    return mask(chain.from_iterable(spans), window)


def exceeds(person: Person, added: Iterable[int]) -> bool:
    """Return whether a person would have too many interviews if some were added that start at these minutes."""
    per_day, per_week = person.limits
    if per_day is None and per_week is None:
        return False
    days, weeks = person.days.copy(), person.weeks.copy()
    for start in added:
        day = local_day(person.zone, start)
        days[day] += 1
        weeks[week_of(day)] += 1
        if per_day is not None and days[day] > per_day:
            return True
        if per_week is not None and weeks[week_of(day)] > per_week:
            return True
    return False
