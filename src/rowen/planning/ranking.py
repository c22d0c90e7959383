"""Ranking: which of the slots that were found come first where a person chooses.

Owns the order: the most people; then the fewest other interviews of theirs on that day, by their own clocks; then the
earliest. Must not know how slots are found, or how they are shown.
"""

from collections.abc import Mapping, Sequence

from rowen.planning.people import Person
from rowen.planning.question import Held
from rowen.planning.wall_clock import local_day


def ranked(slots: Sequence[tuple[Held, ...]], people: Mapping[int, Person]) -> tuple[tuple[Held, ...], ...]:
    """Return slots in their order."""
    return tuple(sorted(slots, key=lambda each: (-_count(each), same_day(each, people), each[0].span)))


def same_day(slot: tuple[Held, ...], people: Mapping[int, Person]) -> int:
    """Return how many other interviews the people of a slot have on the days of their sessions."""
    return sum(
        people[chosen.person].days[local_day(people[chosen.person].zone, held.span.start)]
        for held in slot
        for chosen in held.interviewers
    )


def _count(slot: tuple[Held, ...]) -> int:
    return sum(len(held.interviewers) for held in slot)
