"""Choices: who is free for a seat, and who of them is chosen.

Owns the choice for all ticks at once: between two beginnings of weeks the order of fairness does not change, so that
each person in it takes the ticks that are left. Must not know that somebody may be needed in another seat.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rowen.planning.bits import Coded, column, ones
from rowen.planning.fairness import FairOrder, Loads, week_bounds
from rowen.planning.question import Chosen, Question, Seat

Starts = Callable[[int], Mapping[int, int]]
"""Returns the ticks at which people can start an interview of some minutes, by person."""


class Placed(NamedTuple):
    """A session, by its index, that starts at a tick."""

    session: int
    tick: int


class Taken(NamedTuple):
    """Somebody with the ticks at which they are chosen for a place."""

    chosen: Chosen
    ticks: int


class Choices:
    """The people who are free for the seats of a question, and the choice among them."""

    def __init__(self, question: Question, starts: Starts, wanted: Sequence[int], loads: Loads) -> None:
        """Take the ticks at which each session may start, and the loads of the question's people."""
        self._question = question
        self._starts = starts
        self._wanted = wanted
        self._loads = loads
        self._weeks: dict[frozenset[str], list[int]] = {}
        self._ranks: dict[tuple[Placed, int], Sequence[int]] = {}
        self._taken: dict[tuple[int, int], list[list[Taken]]] = {}
        self._columns: dict[tuple[int, int], list[Coded[Chosen | None]]] = {}

    def ranked(self, placed: Placed, seat: int) -> Sequence[int]:
        """Return the people who are free for a seat of a placed session, those to be chosen first come first."""
        known = self._ranks.get((placed, seat))
        if known is None:
            session, tick = placed
            turns = self._turns(session, seat)
            bounds = self._bounds(turns.zones)
            order = self._order(turns, bounds[bisect_right(bounds, tick) - 1])
            starts = self._starts(self._question.sessions[session].minutes)
            known = self._ranks[placed, seat] = [each for each in order if starts[each] >> tick & 1]
        return known

    def first(self, placed: Placed, seat: int) -> Iterator[Chosen]:
        """Yield those who are chosen for the places of a seat, as long as nobody is needed elsewhere."""
        for copy in self.columns(placed.session, seat):
            if chosen := copy[placed.tick]:
                yield chosen

    def columns(self, session: int, seat: int) -> list[Coded[Chosen | None]]:
        """Return, for each place of a seat, who is chosen at each tick."""
        columns = self._columns.get((session, seat))
        if columns is None:
            length = self._wanted[session].bit_length()
            columns = [column(taken, length) for taken in self.taken(session, seat)]
            self._columns[session, seat] = columns
        return columns

    def taken(self, session: int, seat: int) -> list[list[Taken]]:
        """Return, for each place of a seat, those who are chosen for it."""
        taken = self._taken.get((session, seat))
        if taken is None:
            taken = self._taken[session, seat] = self._choose(session, seat)
        return taken

    def chosen(self, placed: Placed, seat: int, person: int) -> Chosen:
        """Return somebody who has to be chosen, with the reason."""
        load = self._loads.load(person, self._question.grid.minute(placed.tick))
        return Chosen(person, seat, f"Free, while others are needed elsewhere; {_interviews(load)} in the weeks around")

    def _choose(self, session: int, seat: int) -> list[list[Taken]]:
        asked, starts = self._seat(session, seat), self._starts(self._question.sessions[session].minutes)
        wanted, turns = self._wanted[session], self._turns(session, seat)
        found: list[list[Taken]] = [[] for _ in range(asked.count)]
        for begin, end in pairwise([*self._bounds(turns.zones), wanted.bit_length()]):
            left = [wanted & (ones(end) ^ ones(begin))] * asked.count
            for person, load in self._order(turns, begin).items() if left[0] else ():
                free = starts[person]
                for copy, ticks in enumerate(left):
                    if taken := free & ticks:
                        free ^= taken
                        left[copy] ^= taken
                        found[copy].append(Taken(self._fewest(asked, seat, person, load), taken))
                if not left[-1]:
                    break
        return found

    def _fewest(self, asked: Seat, seat: int, person: int, load: int) -> Chosen:
        if len(asked.people) == asked.count:
            return Chosen(person, seat, "Asked for by name" if asked.pool is None else "The whole pool is asked for")
        if person in self._question.kept:
            return Chosen(person, seat, "In the interview before it was moved")
        return Chosen(person, seat, _least_loaded(load))

    def _seat(self, session: int, seat: int) -> Seat:
        return self._question.sessions[session].seats[seat]

    def _turns(self, session: int, seat: int) -> FairOrder:
        asked = self._seat(session, seat)
        return self._loads.turns(asked.people, asked.weights)

    def _order(self, turns: FairOrder, tick: int) -> Mapping[int, int]:
        """Return people in their order from a tick on, until a week begins, and their loads."""
        order, kept = self._loads.order(turns, self._question.grid.minute(tick)), self._question.kept
        return dict(sorted(order.items(), key=lambda each: each[0] not in kept)) if kept else order

    def _bounds(self, zones: frozenset[str]) -> list[int]:
        """Return the ticks at which loads of people in some zones may change: the first, and where a week begins."""
        bounds = self._weeks.get(zones)
        if bounds is None:
            grid = self._question.grid
            ticks = {-(-(minute - grid.first) // grid.step) for minute in week_bounds(zones, grid.window)}
            bounds = self._weeks[zones] = [0, *sorted(tick for tick in ticks if tick > 0)]
        return bounds


@lru_cache(maxsize=256)
def _least_loaded(load: int) -> str:
    return f"The least loaded who is free: {_interviews(load)} in the weeks around"


def _interviews(count: int) -> str:
    return "1 interview" if count == 1 else f"{count} interviews"
