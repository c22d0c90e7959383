"""Panels: when a session has people for all of its seats.

Owns the starts of one session. Seats may want the same people: by Hall's theorem all of them can be filled if, and only
if, any of them together have as many free people as they need; each such condition is one set of bits, so that no start
is tried by itself. Must not know orders or days.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, reduce
from itertools import combinations
from operator import and_, or_
from typing import Final

from rowen.planning.bits import at_least, fits, mask, ones
from rowen.planning.question import Question, Seat, Session

MOST_MIXED: Final = 7
"""How many seats of one session may have people in common, so that each start need not be tried."""

Starts = Mapping[int, int]
"""By person, the ticks at which they can start a session."""


def panel_starts(session: Session, starts: Starts) -> int:
    """Return the ticks at which all seats that are not optional can be filled with different people; -1 for none."""
    conditions = (
        at_least(sum(seat.count for seat in seats), [starts[each] for each in people])
        for seats, people in _conditions(session.seats)
    )
    return reduce(and_, conditions, -1)


def _conditions(seats: Sequence[Seat]) -> Iterator[tuple[Sequence[Seat], set[int]]]:
    """Yield seats that together need as many of some people as they count: all of Hall's conditions that matter.

    Of groups that are too large there are only some of them.
    """
    for group in mixed_seats(seats):
        sizes = range(1, len(group) + 1) if len(group) <= MOST_MIXED else (1, len(group))
        for size in sizes:
            for chosen in combinations(group, size):
                yield chosen, set().union(*(seat.people for seat in chosen))


def mixed_seats(seats: Sequence[Seat]) -> list[list[Seat]]:
    """Return the seats that are not optional in groups, so that those of different groups have no people in common.

    Seats for the same people are one seat with their counts.
    """
    counts: Counter[frozenset[int]] = Counter()
    for seat in seats:
        if not seat.is_optional:
            counts[frozenset(seat.people)] += seat.count
    groups: list[tuple[set[int], list[Seat]]] = []
    for same, count in counts.items():
        people, members = set(same), [Seat(tuple(same), count)]
        apart = []
        for group in groups:
            if people.isdisjoint(group[0]):
                apart.append(group)
            else:
                people |= group[0]
                members = group[1] + members
        groups = [*apart, (people, members)]
    return [members for _, members in groups]


def room_starts(question: Question, session: Session) -> dict[int, int]:
    """Return, by room, the ticks at which a session can start in it."""
    window = question.grid.window
    everything = ones(window.end - window.start)
    free = {room: everything & ~mask(question.rooms.get(room, ()), window) for room in session.rooms or ()}
    return {room: question.grid.ticks(fits(minutes, session.minutes)) for room, minutes in free.items()}


def candidate_minutes(question: Question) -> int:
    """Return the minutes of the window that the candidate has time in."""
    window = question.grid.window
    wanted = ones(window.end - window.start)
    if question.candidate_free is not None:
        wanted = mask(question.candidate_free, window)
    return wanted & ~mask(question.candidate_busy, window) if question.candidate_busy else wanted


def common_starts(question: Question, starts: Callable[[int], Starts], rooms: Iterable[Mapping[int, int]]) -> list[int]:
    """Return, by session, the ticks at which it can start if it is held alone.

    `starts` returns those of people for minutes; `rooms` are, by session, the starts of its rooms.
    """
    minutes = candidate_minutes(question)
    window = question.grid.window
    notice = ones(question.now - window.start)
    ticks = cache(lambda length: question.grid.ticks(fits(minutes, length) & ~notice))
    found = []
    for session, its_rooms in zip(question.sessions, rooms, strict=True):
        possible = ticks(session.minutes)
        if session.rooms is not None:
            possible &= reduce(or_, its_rooms.values(), 0)
        free = starts(session.minutes)
        possible = reduce(and_, map(free.__getitem__, session.guests), possible)
        found.append(possible & panel_starts(session, free))
    return found
