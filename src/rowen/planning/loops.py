"""Loops: the orders and times in which the sessions of an application can be held.

Owns gaps, lunch and days. `LoopDay` knows the starts of one local date, as a dynamic program over subsets of
sessions: the first starts of a subset are those of each of its sessions from which the others can follow. Sets of
sessions are bits of an integer, too. The first order from each start is found for all of them at once; a walk tries
all orders from one start. Must not know people: a `Seating` finds those of each session during a walk.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce
from operator import or_
from typing import Final, NamedTuple

from rowen.planning.bits import Span, ones, points, reach
from rowen.planning.choices import Placed
from rowen.planning.people import Grid
from rowen.planning.question import Question
from rowen.planning.seating import DeadEnds, Seating, Unseated
from rowen.planning.wall_clock import DAY, days_of, minutes_showing, steady_times

ENDLESS: Final = 1 << 62


Until = tuple[bool, int]
"""Whether lunch was before, or has to follow; and the latest minute at which the last session of the day may end."""


class Rules(NamedTuple):
    """What holds between sessions: their minutes, the gaps in minutes, and the length of lunch, 0 for none.

    `twins` are the sets of earlier sessions that are equal to each: their order makes no difference.
    """

    grid: Grid
    minutes: tuple[int, ...]
    twins: tuple[int, ...]
    in_any_order: bool
    least_gap: int
    most_gap: int
    lunch: int

    def gap(self, minutes: int) -> tuple[int, int]:
        """Return the least and the most ticks from the start of a session of `minutes` to that of the next."""
        return -(-(minutes + self.least_gap) // self.grid.step), (minutes + self.most_gap) // self.grid.step

    def firsts(self, sessions: int) -> Iterator[int]:
        """Yield the sessions of a set, by index, of which the first one held may be each; of equal ones, one."""
        if not self.in_any_order:
            return points(sessions & -sessions)
        return (index for index in points(sessions) if not sessions & self.twins[index])


class Arranged(NamedTuple):
    """Ticks from which a loop starts in the same way: its sessions in order, each with its ticks after the first."""

    ticks: int
    sessions: tuple[Placed, ...]


class LoopDay:
    """A local date, or some: where sessions can start on it. `starts` are their ticks, as they are if held alone."""

    def __init__(self, rules: Rules, starts: Sequence[int], breaks: Sequence[Span]) -> None:
        """Take what holds for all days, and the times at which lunch may be on this one."""
        union = reduce(or_, starts, 0)
        self._rules = rules
        self._offset = (union & -union).bit_length() - 1 if union else 0
        self._starts = [each >> self._offset for each in starts]
        self._breaks = [each for each in breaks if each.end - each.start >= rules.lunch] if rules.lunch else ()
        self._known: dict[tuple[int, Until], int] = {}
        self._ways: dict[tuple[int, int, Until], int] = {}
        self.last = union.bit_length() - 1

    def first_starts(self, sessions: int, latest_end: int = ENDLESS) -> int:
        """Return the ticks at which the first of a set of sessions can start, if all of them end by `latest_end`."""
        early, late = self._by_lunch(sessions, latest_end)
        return (early | late) << self._offset

    def arranged(self, sessions: int, ticks: int) -> Iterator[Arranged]:
        """Yield the first order in which a walk holds a set of sessions, from each of some ticks."""
        own = ticks >> self._offset
        for has_eaten, found in zip((False, True), self._by_lunch(sessions, ENDLESS), strict=True):
            for each in self._arranged(sessions, own & found, (has_eaten, ENDLESS)):
                yield Arranged(each.ticks << self._offset, each.sessions)

    def walk(self, sessions: int, tick: int, seating: Seating, latest_end: int = ENDLESS) -> Iterator[Seating]:
        """Yield the seatings of a set of sessions of which the first starts at a tick, those with short gaps first."""
        own = tick - self._offset
        for has_eaten, found in zip((False, True), self._by_lunch(sessions, latest_end), strict=True):
            if own >= 0 and found >> own & 1:
                yield from self._walk(sessions, own, seating, (has_eaten, latest_end))

    def _by_lunch(self, sessions: int, latest_end: int) -> tuple[int, int]:
        """Return the first starts with lunch among or after the sessions, and those with lunch before them or none."""
        if not self._rules.lunch:
            return 0, self._from(sessions, (True, latest_end))
        eaten = 0
        if self._breaks:
            before = min(each.start for each in self._breaks) + self._rules.lunch
            eaten = self._from(sessions, (True, latest_end)) & ~self._up_to(before - 1)
        return self._from(sessions, (False, latest_end)) & ~eaten, eaten

    def _from(self, sessions: int, until: Until) -> int:
        """Return the first starts of a set of sessions."""
        known = self._known.get((sessions, until))
        if known is None:
            ways = (self._way(index, sessions & ~(1 << index), until) for index in self._rules.firsts(sessions))
            known = self._known[sessions, until] = reduce(or_, ways, 0)
        return known

    def _way(self, index: int, others: int, until: Until) -> int:
        """Return the ticks of a session that can start there, and be followed by a set of others."""
        known = self._ways.get((index, others, until))
        if known is None:
            known = self._ways[index, others, until] = self._starts[index] & self._followed(index, others, until)
        return known

    def _followed(self, index: int, others: int, until: Until) -> int:
        """Return the ticks at which a session can start if a set of others follows it on the day."""
        minutes, (has_eaten, latest_end) = self._rules.minutes[index], until
        if not others:
            return self._up_to((latest_end if has_eaten else min(latest_end, self._lunch_from(ENDLESS))) - minutes)
        least, most = self._rules.gap(minutes)
        found = reach(self._from(others, until), least, most)
        if self._breaks and (later := self._from(others, (True, latest_end))):
            last = self._minute(later.bit_length() - 1)  # if lunch fits before any of them, then before the last
            found |= self._up_to(min(self._lunch_from(last), last - self._rules.least_gap) - minutes)
        return found

    def _arranged(self, sessions: int, ticks: int, until: Until) -> Iterator[Arranged]:
        for index in self._rules.firsts(sessions) if ticks else ():
            others = sessions & ~(1 << index)
            here, first = ticks & self._way(index, others, until), Placed(index, 0)
            ticks ^= here
            if not others and here:
                yield Arranged(here, (first,))
            for later, has_eaten, found in self._followers(index, others, until) if here and others else ():
                followed = here & found
                here ^= followed
                for each in self._arranged(others, followed << later, (has_eaten, until[1])):
                    placed = (Placed(session, tick + later) for session, tick in each.sessions)
                    yield Arranged(each.ticks >> later, (first, *placed))
                if not here:
                    break

    def _walk(self, sessions: int, tick: int, seating: Seating, until: Until) -> Iterator[Seating]:
        for index in self._rules.firsts(sessions):
            others = sessions & ~(1 << index)
            if not self._way(index, others, until) >> tick & 1:
                continue
            for seated in seating.place(Placed(index, tick + self._offset)):
                if not others:
                    yield seated
                    continue
                for later, has_eaten, found in self._followers(index, others, until):
                    if found >> tick & 1:
                        yield from self._walk(others, tick + later, seated, (has_eaten, until[1]))

    def _followers(self, index: int, others: int, until: Until) -> Iterator[tuple[int, bool, int]]:
        """Yield after how many ticks a set of sessions can follow one, ascending, whether lunch was before, and where.

        Where lunch can be between them, it is.
        """
        least, most = self._rules.gap(self._rules.minutes[index])
        hungry, eaten = self._from(others, until), self._from(others, (True, until[1]))
        for later in range(least, (eaten if self._breaks else hungry).bit_length()):
            fed = eaten >> later & self._with_lunch(self._rules.minutes[index], later) if self._breaks else 0
            if fed:
                yield later, True, fed
            if later <= most:
                yield later, until[0], hungry >> later & ~fed
            elif not self._breaks:
                break

    def _with_lunch(self, minutes: int, later: int) -> int:
        """Return the ticks at which a session of `minutes` can start if lunch follows it, and the next session then."""
        lunch, length, found = self._rules.lunch, later * self._rules.grid.step, 0
        if length >= minutes + lunch:
            for start, end in self._breaks:
                found |= self._up_to(end - lunch - minutes) & ~self._up_to(start + lunch - length - 1)
        return found

    def _lunch_from(self, until: int) -> int:
        """Return the latest minute from which lunch can be held before another one; 0 if it cannot."""
        lunch = self._rules.lunch
        latest = (min(until, each.end) - lunch for each in self._breaks if min(until, each.end) - each.start >= lunch)
        return max(latest, default=0)

    def _minute(self, tick: int) -> int:
        return self._rules.grid.minute(tick + self._offset)

    def _up_to(self, minute: int) -> int:
        """Return the ticks up to and including a minute; all of the day for one that is far off."""
        ticks = (minute - self._rules.grid.first) // self._rules.grid.step - self._offset + 1
        return ones(min(ticks, self.last - self._offset + 1))


class Loop:
    """The sessions of a question on one date, or spread over several."""

    def __init__(self, question: Question, starts: Sequence[int], dead_ends: DeadEnds) -> None:
        """Take the ticks at which each session can start if it is held alone."""
        lunch = question.lunch
        minutes = tuple(each.minutes for each in question.sessions)
        self._rules = Rules(
            question.grid,
            minutes,
            tuple(
                sum(1 << other for other in range(index) if question.sessions[other] == session)
                for index, session in enumerate(question.sessions)
            ),
            question.in_any_order,
            question.least_gap,
            question.most_gap,
            0 if lunch is None else lunch.minutes,
        )
        self._all = ones(len(minutes))
        self._most_days = question.days
        self._longest = max(minutes)
        self._dead_ends = dead_ends
        self._days = [
            LoopDay(self._rules, [each & ticks for each in starts], _breaks(question, date))
            for date, ticks in _apart(question, reduce(or_, starts, 0), self._rules.gap(max(minutes))[1])
        ]
        self._latest_known: dict[tuple[int, int], tuple[int, int]] = {}
        self._starts_known: dict[tuple[int, int, int], int] = {}

    def first_starts(self) -> Iterator[tuple[int, int]]:
        """Yield the days, by index, and the ticks at which a loop can start on each."""
        for day in range(len(self._days)):
            yield day, self._starts_on(day, self._all, self._most_days)

    def arranged(self, day: int, ticks: int) -> Iterator[Arranged]:
        """Yield the first order in which a walk holds the loop, from each of some ticks of a day."""
        today = ticks & self._days[day].first_starts(self._all)
        yield from self._days[day].arranged(self._all, today)
        for tick in points(ticks ^ today):
            placed = next(self.walk(day, tick, Unseated())).placed
            yield Arranged(1 << tick, tuple(Placed(session, start - tick) for session, start in placed))

    def walk(self, day: int, tick: int, seating: Seating) -> Iterator[Seating]:
        """Yield the seatings of the loop that starts at a tick of a day: those on fewer days first."""
        return self._walk(day, tick, self._all, self._most_days, seating)

    def _starts_on(self, day: int, sessions: int, most_days: int) -> int:
        """Return the first starts of a set of sessions, held from this day on, on at most some days."""
        known = self._starts_known.get((day, sessions, most_days))
        if known is None:
            known = 0
            for today, latest_end in self._divisions(day, sessions, most_days):
                known |= self._days[day].first_starts(today, latest_end)
            self._starts_known[day, sessions, most_days] = known
        return known

    def _divisions(self, day: int, sessions: int, most_days: int) -> Iterator[tuple[int, int]]:
        """Yield what of a set of sessions can be held on a day, and until when, so that the rest can follow."""
        yield sessions, ENDLESS
        if most_days == 1:
            return
        for today in self._parts(sessions):
            self._dead_ends.count()
            following, tick = self._latest(sessions & ~today, most_days - 1)
            if following > day:
                latest_end = self._rules.grid.minute(tick) - self._rules.least_gap
                last_end = self._rules.grid.minute(self._days[day].last) + self._longest
                yield today, ENDLESS if last_end <= latest_end else latest_end

    def _parts(self, sessions: int) -> Iterator[int]:
        """Yield the sets, larger ones first, that may come before the rest of a set of sessions."""
        if self._rules.in_any_order:
            part = sessions & (sessions - 1)
            while part:
                yield part
                part = (part - 1) & sessions
        else:
            yield from sorted(
                (sessions & ones(count) for count in points(sessions) if sessions & ones(count)), reverse=True
            )

    def _latest(self, sessions: int, most_days: int) -> tuple[int, int]:
        """Return the last day, and its last tick, at which a set of sessions can begin; -1 if at none."""
        known = self._latest_known.get((sessions, most_days))
        if known is None:
            known = (-1, -1)
            for day in reversed(range(len(self._days))):
                if found := self._starts_on(day, sessions, most_days):
                    known = day, found.bit_length() - 1
                    break
            self._latest_known[sessions, most_days] = known
        return known

    def _walk(self, day: int, tick: int, sessions: int, most_days: int, seating: Seating) -> Iterator[Seating]:
        for today, latest_end in self._divisions(day, sessions, most_days):
            others = sessions & ~today
            for seated in self._days[day].walk(today, tick, seating, latest_end):
                if not others:
                    yield seated
                    continue
                last = seated.placed[-1]
                end = self._rules.grid.minute(last.tick) + self._rules.minutes[last.session] + self._rules.least_gap
                for following in range(day + 1, len(self._days)):
                    for again in points(self._starts_on(following, others, most_days - 1)):
                        if self._rules.grid.minute(again) >= end:
                            yield from self._walk(following, again, others, most_days - 1, seated)


@lru_cache(maxsize=16)
def dates(grid: Grid, zone: str) -> Sequence[tuple[int, int]]:
    """Return the local dates of a window, and the ticks on each of them."""
    times, found = steady_times(zone, *grid.window), []
    for day in days_of(times):
        ticks = 0
        for start, end in minutes_showing(times, day * DAY, (day + 1) * DAY):
            ticks |= grid.until(end - 1) & ~grid.until(start - 1)
        if ticks:
            found.append((day, ticks))
    return found


def _apart(question: Question, starts: int, reach: int) -> Iterator[tuple[int, int]]:
    """Yield the local dates, and those of some starts that are on them; most dates have a night between them.

    Dates are one unless a gap, by its ticks, could reach from one to the next, or each has a lunch or sessions of its
    own: what is found out for many dates at once takes as long as for one.
    """
    is_one_by_one = question.lunch is not None or question.days > 1
    first, found = 0, 0
    for date, ticks in dates(question.grid, question.zone):
        if not (own := starts & ticks):
            continue
        if found and (is_one_by_one or (own & -own).bit_length() - found.bit_length() <= reach):
            yield first, found
            found = 0
        first, found = date, found | own
    if found:
        yield first, found


def _breaks(question: Question, date: int) -> list[Span]:
    """Return the times at which lunch may be on a date."""
    if question.lunch is None:
        return []
    begin, end, _ = question.lunch
    around = steady_times(question.zone, (date - 2) * DAY, (date + 3) * DAY)
    return list(minutes_showing(around, date * DAY + begin, date * DAY + end))
