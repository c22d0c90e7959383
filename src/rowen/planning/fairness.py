"""Fairness: who of those who are free is chosen.

Owns the order: the fewest interviews in the local weeks before, of and after a start; then the greater weight; then who
has not had an interview for longest; then the smaller id. Must not know when anybody is free.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple

from rowen.planning.bits import Span
from rowen.planning.people import Person
from rowen.planning.wall_clock import DAY, days_of, local_day, minutes_showing, steady_times, week_of

MOST_ORDERS: Final = 256
"""How many orders are kept: one for each seat and week, each with all people of the seat."""


class FairOrder(NamedTuple):
    """People in the order in which they are chosen if all have the same load, and the time zones they are in."""

    people: tuple[int, ...]
    zones: frozenset[str]


class Loads:
    """The loads of people, at any minute: how many interviews they have in the local weeks before, of and after it.

    It is kept as long as nothing changes, as the order of a pool in a week takes longer than its choices.
    """

    def __init__(self, people: Mapping[int, Person]) -> None:
        self._people = people
        self._zones = sorted({each.zone for each in people.values()})
        self._week_of = lru_cache(maxsize=4_096)(lambda zone, minute: week_of(local_day(zone, minute)))
        self._turns: dict[tuple[tuple[int, ...], tuple[int | None, ...]], FairOrder] = {}
        self._orders: dict[tuple[tuple[int, ...], tuple[int, ...]], Mapping[int, int]] = {}

    def load(self, person: int, minute: int) -> int:
        """Return the load of a person."""
        known = self._people[person]
        return known.load(self._week_of(known.zone, minute))

    def turns(self, people: tuple[int, ...], weights: Mapping[int, int]) -> FairOrder:
        """Return the turns of people; the weight of those without one is 1."""
        key = people, tuple(map(weights.get, people))
        turns = self._turns.get(key)
        if turns is None:
            if len(self._turns) >= MOST_ORDERS:
                self._turns.clear()
            known = self._people
            order = sorted(people, key=lambda each: (-weights.get(each, 1), known[each].last, each))
            turns = self._turns[key] = FairOrder(tuple(order), frozenset(known[each].zone for each in people))
        return turns

    def order(self, turns: FairOrder, minute: int) -> Mapping[int, int]:
        """Return people in the order in which they are chosen for a start at a minute, with their loads."""
        weeks = tuple([self._week_of(zone, minute) for zone in self._zones])
        order = self._orders.get((turns.people, weeks))
        if order is None:
            if len(self._orders) >= MOST_ORDERS:
                self._orders.clear()
            loads = {each: self.load(each, minute) for each in turns.people}
            order = self._orders[turns.people, weeks] = dict(sorted(loads.items(), key=itemgetter(1)))
        return order


@lru_cache(maxsize=128)
def week_bounds(zones: frozenset[str], window: Span) -> Sequence[int]:
    """Return the minutes of a window at which a week begins in any of some zones: loads change only there."""
    found: set[int] = set()
    for zone in zones:
        times = steady_times(zone, *window)
        for day in days_of(times):
            if week_of(day) != week_of(day - 1):
                found.update(start for start, _ in minutes_showing(times, day * DAY, (day + 1) * DAY))
    return sorted(found)
