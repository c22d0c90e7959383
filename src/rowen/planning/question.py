"""What is asked, and what is found: sessions with their seats, and the slots for them.

Owns the types. Must not know how slots are found.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import NamedTuple

import msgspec

from rowen.planning.bits import Coded, Span
from rowen.planning.people import Grid, Person


class Seat(msgspec.Struct, frozen=True):
    """Places on a panel: `count` different ones of `people`. `weights` are those of a pool's members, 1 if left out."""

    people: tuple[int, ...]
    count: int = 1
    is_optional: bool = False
    weights: Mapping[int, int] = {}
    pool: str | None = None


class Session(msgspec.Struct, frozen=True):
    """One interview: how long, with whom, and in which rooms it can be; None if it needs none.

    `guests` have no seat, and must be free of what else they have, apart from other sessions of the question.
    """

    minutes: int
    seats: tuple[Seat, ...]
    rooms: tuple[int, ...] | None = None
    guests: tuple[int, ...] = ()


class Lunch(NamedTuple):
    """A break of `minutes` on each day, between two local minutes of it."""

    begin: int
    end: int
    minutes: int


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: slots for sessions, on a grid.

    Between two sessions of a day are `least_gap` to `most_gap` minutes, or a lunch break. `zone` is that of `lunch`
    and `days`. `rooms` are the times at which rooms are taken, `candidate_busy` those of the candidate, who has time in
    `candidate_free` only, unless that is None. Nothing starts before `now`, in minutes since 1970. People who
    are `kept` are chosen before all others.
    """

    grid: Grid
    sessions: tuple[Session, ...]
    people: Mapping[int, Person]
    now: int
    zone: str = "UTC"
    in_any_order: bool = False
    least_gap: int = 0
    most_gap: int = 30
    days: int = 1
    lunch: Lunch | None = None
    repeats_people: bool = False
    kept: frozenset[int] = frozenset()
    rooms: Mapping[int, tuple[Span, ...]] = {}
    candidate_busy: tuple[Span, ...] = ()
    candidate_free: tuple[Span, ...] | None = None
    most_slots: int = 50


class Chosen(NamedTuple):
    """A person in a seat, by the seat's index in its session, with the reason for the choice."""

    person: int
    seat: int
    why: str


class Held(NamedTuple):
    """A session of a slot, by its index in the question: its minutes, its people and its room."""

    session: int
    span: Span
    interviewers: tuple[Chosen, ...]
    room: int | None


class Column(NamedTuple):
    """A session, by its index in the question, in many slots: what has the same index is of the same slot.

    `places` are those of its seats, in order, each with who is chosen, or None where it stays empty. `rooms` are None
    if none was asked for.
    """

    session: int
    minutes: int
    starts: Sequence[int]
    places: Sequence[Coded[Chosen | None]]
    rooms: Coded[int | None] | None


Table = tuple[Column, ...]
"""Slots whose sessions are in the same order, by their columns."""


class Slots(NamedTuple):
    """How many starts there are, and tables of the slots, one for each of the first starts.

    Thousands of slots are a few tables, and never objects of their own unless somebody asks for `slots`.
    """

    total: int
    tables: Sequence[Table]

    @property
    def slots(self) -> Sequence[tuple[Held, ...]]:
        """The slots by start, each with its sessions in order of time."""
        rows = chain.from_iterable(zip(*map(_held, table), strict=True) for table in self.tables)
        return sorted(rows, key=lambda slot: slot[0].span.start)


def _held(column: Column) -> Iterator[Held]:
    """Yield a session in each of its slots."""
    for start, room, *people in zip(column.starts, column.rooms or repeat(None), *column.places, strict=False):
        yield Held(column.session, Span(start, start + column.minutes), tuple(filter(None, people)), room)


class TooManyOrdersError(Exception):
    """The sessions of a question can be arranged in more ways than are tried."""
