"""Seating: who sits where, when the times of sessions are known.

Owns that different seats have different people: a matching that is enlarged seat by seat along augmenting paths, so
that a seat stays empty only if no assignment exists. With repeated people it is a search. Must not know orders or gaps.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from rowen.planning.choices import Choices, Placed
from rowen.planning.panels import MOST_MIXED, mixed_seats
from rowen.planning.people import Person, exceeds
from rowen.planning.question import Chosen, Question, Seat, TooManyOrdersError

MOST_DEAD_ENDS: Final = 50_000
"""After how many arrangements that cannot be continued a search is given up."""


class DeadEnds:
    """Counts what was tried in vain, to bound the work of one question."""

    def __init__(self) -> None:
        self._left = MOST_DEAD_ENDS

    def count(self) -> None:
        """Count one more. Raises TooManyOrdersError."""
        self._left -= 1
        if self._left < 0:
            raise TooManyOrdersError


class Place(NamedTuple):
    """One place at a seat of a session that was placed."""

    placed: Placed
    seat: int
    copy: int


class Seating(Protocol):
    """The sessions placed so far, and their people."""

    @property
    def placed(self) -> tuple[Placed, ...]:
        """The sessions, in order of time."""
        ...

    def place(self, placed: Placed) -> Iterator["Seating"]:
        """Yield the seatings with one more session; nothing if its seats cannot be filled."""
        ...

    def people(self) -> list[tuple[Chosen, ...]]:
        """Return who sits in each of the sessions, in the order of their seats, optional seats included."""
        ...


class Unseated:
    """A seating that takes any sessions, without people."""

    def __init__(self, placed: tuple[Placed, ...] = ()) -> None:
        self.placed = placed

    def place(self, placed: Placed) -> Iterator[Seating]:
        """Yield the seating with one more session."""
        yield Unseated((*self.placed, placed))

    def people(self) -> list[tuple[Chosen, ...]]:
        """Return nobody for each of the sessions."""
        return [() for _ in self.placed]


class DistinctSeating:
    """A seating in which nobody sits twice."""

    def __init__(self, question: Question, choices: Choices, dead_ends: DeadEnds) -> None:
        self._question = question
        self._choices = choices
        self._dead_ends = dead_ends
        self._places: dict[int, Place] = {}  # by person
        self.placed: tuple[Placed, ...] = ()

    def place(self, placed: Placed) -> Iterator[Seating]:
        """Yield the seating with one more session, unless its seats cannot be filled."""
        places = dict(self._places)
        for index, seat in enumerate(self._question.sessions[placed.session].seats):
            if not seat.is_optional and not self._fill_seat(placed, index, places):
                self._dead_ends.count()
                return
        seated = DistinctSeating(self._question, self._choices, self._dead_ends)
        seated._places, seated.placed = places, (*self.placed, placed)
        yield seated

    def people(self) -> list[tuple[Chosen, ...]]:
        """Return who sits in each of the sessions, in the order of their seats, optional seats included."""
        places = dict(self._places)
        for place in optional_places(self._question, self.placed):
            self._fill(place, places, set())
        return described(self._choices, self.placed, {place: person for person, place in places.items()})

    def _fill_seat(self, placed: Placed, seat: int, places: dict[int, Place]) -> bool:
        """Seat those who are to be chosen, or others where they are needed elsewhere."""
        firsts = self._choices.first(placed, seat)
        for copy in range(self._question.sessions[placed.session].seats[seat].count):
            first, place = next(firsts, None), Place(placed, seat, copy)
            if first is not None and first.person not in places:
                places[first.person] = place
            elif not self._fill(place, places, set()):
                return False
        return True

    def _fill(self, place: Place, places: dict[int, Place], tried: set[int]) -> bool:
        """Seat somebody at a place; others change places if need be. Return whether that is possible."""
        free = self._choices.ranked(place.placed, place.seat)
        for person in free:
            if person not in places:
                places[person] = place
                return True
        for person in free:
            if person not in tried:
                tried.add(person)
                if self._fill(places[person], places, tried):
                    places[person] = place
                    return True
        return False


class RepeatedSeating:
    """A seating in which people may sit in several sessions, with their buffers between and within their limits."""

    def __init__(self, question: Question, choices: Choices, dead_ends: DeadEnds) -> None:
        self._question = question
        self._choices = choices
        self._dead_ends = dead_ends
        self._people: dict[Place, int] = {}
        self.placed: tuple[Placed, ...] = ()

    def place(self, placed: Placed) -> Iterator[Seating]:
        """Yield the seatings with one more session: all ways to fill its seats."""
        seats = enumerate(self._question.sessions[placed.session].seats)
        places = [Place(placed, i, copy) for i, seat in seats if not seat.is_optional for copy in range(seat.count)]
        is_possible = False
        for people in self._ways(places, self._people):
            seated = RepeatedSeating(self._question, self._choices, self._dead_ends)
            seated._people, seated.placed = people, (*self.placed, placed)
            is_possible = True
            yield seated
        if not is_possible:
            self._dead_ends.count()

    def people(self) -> list[tuple[Chosen, ...]]:
        """Return who sits in each of the sessions, in the order of their seats, optional seats included."""
        people = self._people
        for place in optional_places(self._question, self.placed):
            people = next(self._ways([place], people), people)
        return described(self._choices, self.placed, people)

    def _ways(self, places: Sequence[Place], people: dict[Place, int]) -> Iterator[dict[Place, int]]:
        if not places:
            yield people
            return
        for person in self._choices.ranked(places[0].placed, places[0].seat):
            if self._may_sit(person, places[0], people):
                yield from self._ways(places[1:], {**people, places[0]: person})
            else:
                self._dead_ends.count()

    def _may_sit(self, person: int, place: Place, people: dict[Place, int]) -> bool:
        """Return whether a person can sit at a place next to the others that they have."""
        others = {each.placed for each, its in people.items() if its == person}
        if not others:
            return True
        known = self._question.people[person]
        if place.placed in others or any(not self._are_apart(known, place.placed, each) for each in others):
            return False
        return not exceeds(known, [self._question.grid.minute(each.tick) for each in (*others, place.placed)])

    def _are_apart(self, person: Person, one: Placed, other: Placed) -> bool:
        first, second = sorted((one, other), key=lambda each: each.tick)
        grid = self._question.grid
        end = grid.minute(first.tick) + self._question.sessions[first.session].minutes
        return end + person.apart <= grid.minute(second.tick)


def optional_places(question: Question, placed: Sequence[Placed]) -> Iterator[Place]:
    """Yield the optional places of sessions, in order."""
    for each in placed:
        for index, seat in enumerate(question.sessions[each.session].seats):
            if seat.is_optional:
                yield from (Place(each, index, copy) for copy in range(seat.count))


def described(choices: Choices, placed: Sequence[Placed], people: Mapping[Place, int]) -> list[tuple[Chosen, ...]]:
    """Return the people of sessions, in the order of their seats, with the reasons for their choice."""
    found: dict[Placed, list[Chosen]] = {each: [] for each in placed}
    for place, person in sorted(people.items()):
        firsts = choices.first(place.placed, place.seat)
        known = next((each for each in firsts if each.person == person), None)
        found[place.placed].append(known or choices.chosen(place.placed, place.seat, person))
    return [tuple(found[each]) for each in placed]


def is_free_of_conflicts(question: Question) -> bool:
    """Return whether nobody is asked for in two seats."""
    asked = [each for session in question.sessions for seat in session.seats for each in seat.people]
    return len(asked) == len(set(asked))


def needs_search(question: Question) -> bool:
    """Return whether sessions can each be filled, and yet not all of them, as two want the same person."""
    seen: set[int] = set()
    for session in question.sessions:
        if any(len(group) > MOST_MIXED for group in mixed_seats(session.seats)):
            return True
        people = {each for seat in session.seats if not seat.is_optional for each in seat.people}
        if not seen.isdisjoint(people):
            return True
        seen |= people
    return False


def are_enough(question: Question, can: Callable[[int, int], bool]) -> bool:
    """Return whether the sessions can have different people if they could be at the same time.

    `can` returns whether a person can be in an interview of some minutes at any time.
    """
    seated: dict[int, tuple[Seat, int]] = {}

    def fill(seat: Seat, minutes: int, tried: set[int]) -> bool:
        for person in seat.people:
            if person not in tried and can(person, minutes):
                tried.add(person)
                if person not in seated or fill(*seated[person], tried):
                    seated[person] = seat, minutes
                    return True
        return False

    wanted = ((seat, each.minutes) for each in question.sessions for seat in each.seats if not seat.is_optional)
    return all(fill(seat, minutes, set()) for seat, minutes in wanted for _ in range(seat.count))
