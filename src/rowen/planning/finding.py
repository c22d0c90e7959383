"""Finding slots: the answer to a question.

Owns how the parts of planning work together: a search for people is needed only at ticks at which somebody would be
chosen twice. Must not know where people come from, or how an answer is written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, reduce
from itertools import chain
from operator import or_

from rowen.planning.bits import Coded, column, first_points, points
from rowen.planning.choices import Choices, Placed
from rowen.planning.fairness import Loads
from rowen.planning.loops import Arranged, Loop
from rowen.planning.panels import common_starts, room_starts
from rowen.planning.people import Grid, Person, free_starts
from rowen.planning.question import Chosen, Column, Question, Slots, Table
from rowen.planning.seating import (
    DeadEnds,
    DistinctSeating,
    RepeatedSeating,
    Seating,
    are_enough,
    is_free_of_conflicts,
    needs_search,
)

FreeStarts = Callable[[Person, int, Grid], int]
"""Returns the ticks of a grid at which a person can start an interview of some minutes, whatever the time is now."""


def find(question: Question, free: FreeStarts = free_starts, loads: Loads | None = None) -> Slots:
    """Return the slots of a question; the loads are those of its people. Raises TooManyOrdersError."""
    return _Search(question, free, loads or Loads(question.people)).slots()


class _Search:
    """One question, and what was found out for it."""

    def __init__(self, question: Question, free: FreeStarts, loads: Loads) -> None:
        self._question = question
        self._free = free
        self._starts = cache(self._starts_of)
        self._rooms = [room_starts(question, each) for each in question.sessions]
        self._common = common_starts(question, self._starts, self._rooms)
        self._room_columns = [self._first_rooms(each) for each in range(len(question.sessions))]
        self._choices = Choices(question, self._starts, self._common, loads)
        self._may_clash = not is_free_of_conflicts(question)
        self._dead_ends = DeadEnds()

    def slots(self) -> Slots:
        """Return the number of slots, and the first of them with their people."""
        question, is_searched = self._question, needs_search(self._question)
        if not all(self._common) or (is_searched and not question.repeats_people and not self._has_enough()):
            return Slots(0, ())
        loop = Loop(question, self._common, self._dead_ends)
        total, left, tables = 0, question.most_slots, list[Table]()
        for day, starts in loop.first_starts():
            arranged = list(loop.arranged(day, starts if is_searched else first_points(starts, left)))
            clashing = reduce(or_, map(self._clashing, arranged), 0)
            seated, impossible = self._seated(loop, day, clashing, left)
            total += (starts & ~impossible).bit_count()
            named = first_points(reduce(or_, (each.ticks for each in arranged), 0) & ~impossible, left)
            left -= named.bit_count()
            for each in arranged:
                if ticks := each.ticks & named & ~clashing:
                    tables.append(self._table(ticks, each.sessions))
            tables += [self._row(seating) for tick, seating in seated.items() if named >> tick & 1]
        return Slots(total, tables)

    def _clashing(self, arranged: Arranged) -> int:
        """Return the ticks at which somebody would be chosen twice."""
        clashing, seen = 0, dict[int, int]()
        for session, later in arranged.sessions if self._may_clash else ():
            for seat in range(len(self._question.sessions[session].seats)):
                for chosen, ticks in chain.from_iterable(self._choices.taken(session, seat)):
                    here, before = ticks >> later, seen.get(chosen.person, 0)
                    clashing |= before & here
                    seen[chosen.person] = before | here
        return clashing & arranged.ticks

    def _seated(self, loop: Loop, day: int, ticks: int, most: int) -> tuple[dict[int, Seating], int]:
        """Return the first seatings of ticks at which people have to be searched, and the ticks that have none."""
        kind = RepeatedSeating if self._question.repeats_people else DistinctSeating
        nobody = kind(self._question, self._choices, self._dead_ends)
        found, impossible = dict[int, Seating](), 0
        for tick in points(ticks):
            seating = next(loop.walk(day, tick, nobody), None)
            if seating is None:
                impossible |= 1 << tick
            elif len(found) < most:
                found[tick] = seating
        return found, impossible

    def _table(self, ticks: int, sessions: Sequence[Placed]) -> Table:
        """Return the slots at some ticks, with those who are chosen; sessions start some ticks later."""
        starts = list(points(ticks))
        return tuple(self._column(session, [tick + later for tick in starts]) for session, later in sessions)

    def _row(self, seating: Seating) -> Table:
        """Return a seating as a table of one slot."""
        return tuple(
            self._column(session, [tick], [Coded((None, each), (1,)) for each in people])
            for (session, tick), people in zip(seating.placed, seating.people(), strict=True)
        )

    def _column(
        self, session: int, ticks: Sequence[int], places: Sequence[Coded[Chosen | None]] | None = None
    ) -> Column:
        """Return a session that starts at some ticks, with people for its places, or with those who are chosen."""
        first, step, rooms = self._question.grid.first, self._question.grid.step, self._room_columns[session]
        if places is None:
            places = [place.at(ticks) for place in self._places(session)]
        return Column(
            session,
            self._question.sessions[session].minutes,
            [first + tick * step for tick in ticks],
            places,
            None if rooms is None else rooms.at(ticks),
        )

    def _places(self, session: int) -> Iterator[Coded[Chosen | None]]:
        """Yield, for each place of a session in the order of its seats, who is chosen at each tick."""
        for seat in range(len(self._question.sessions[session].seats)):
            yield from self._choices.columns(session, seat)

    def _first_rooms(self, session: int) -> Coded[int | None] | None:
        """Return, for each tick, the first of the wanted rooms that is free; None if none is wanted."""
        left, taken = self._common[session], list[tuple[int, int]]()
        for room, ticks in self._rooms[session].items():
            taken.append((room, ticks & left))
            left &= ~ticks
        return column(taken, self._common[session].bit_length()) if taken else None

    def _starts_of(self, minutes: int) -> Mapping[int, int]:
        """Return the ticks at which people can start an interview of `minutes`, by person."""
        question = self._question
        past = cache(lambda notice: question.grid.until(question.now + notice - 1))
        sessions = [each for each in question.sessions if each.minutes == minutes]
        wanted = {person for session in sessions for seat in session.seats for person in seat.people}
        wanted.update(person for session in sessions for person in session.guests)
        people = [(each, question.people[each]) for each in wanted]
        return {each: self._free(one, minutes, question.grid) & ~past(one.notice) for each, one in people}

    def _has_enough(self) -> bool:
        """Return whether there are different people for all seats, if each could come at any time of theirs."""
        return are_enough(self._question, lambda person, minutes: self._starts(minutes)[person] != 0)
