"""A model of planning that tries everything, minute by minute, in plain Python.

It is written from the rules alone (contract section 17): it knows the types of questions and people, and nothing of how
slots are found.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise, permutations
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rowen.planning.people import Person
from rowen.planning.question import Held, Question


class Session(NamedTuple):
    """A session at a time."""

    session: int
    start: int
    end: int


@lru_cache(maxsize=200_000)
def wall(zone: str, minute: int) -> datetime:
    """Return what the clocks of a zone show."""
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def week(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def is_at_work(person: Person, minute: int) -> bool:
    """Return whether a minute is within a person's working hours, and on no day off."""
    shown = wall(person.zone, minute)
    of_day = shown.hour * 60 + shown.minute
    if not any(begin <= of_day < end for begin, end in person.hours[shown.weekday()]):
        return False
    day = (shown.date() - date(1970, 1, 1)).days
    return not any(first <= day < last for first, last in person.days_off)


def can_sit(person: Person, start: int, end: int, now: int) -> bool:
    """Return whether a person can be in an interview, next to everything that is known of them."""
    if start < now + person.notice:
        return False
    for minute in range(start, end):
        if not is_at_work(person, minute):
            return False
        if any(first <= minute < last for first, last in (*person.away, *person.unknown)):
            return False
    for busy in person.busy:
        if busy.start < end + person.after and start - person.before < busy.end:
            return False
    apart = max(person.before, person.after)
    for other in person.interviews:
        if other.start < end + apart and start - apart < other.end:
            return False
    return keeps_limits(person, [start])


def keeps_limits(person: Person, added: Sequence[int]) -> bool:
    """Return whether a person may have some more interviews, by their starts."""
    days = [wall(person.zone, each).date() for each in (*(span.start for span in person.interviews), *added)]
    for start in added:
        day = wall(person.zone, start).date()
        if person.limits.per_day is not None and days.count(day) > person.limits.per_day:
            return False
        weeks = [week(each) for each in days]
        if person.limits.per_week is not None and weeks.count(week(day)) > person.limits.per_week:
            return False
    return True


class Oracle:
    """Answers one question by trying everything."""

    def __init__(self, question: Question) -> None:
        self.question = question
        window, step = question.grid.window, question.grid.step
        self.starts = [minute for minute in range(window.start, window.end) if minute % step == 0]
        # The answers that are needed many times.
        self.can_be_held = cache(self._can_be_held)
        self.can_sit = cache(self._can_sit)
        self.is_lunch = cache(self._is_lunch)
        self.has_people = cache(self._has_people)

    def found(self) -> list[int]:
        """Return the minutes at which there is a slot."""
        return [start for start in self.starts if self.has_slot(start)]

    def has_slot(self, start: int) -> bool:
        """Return whether the sessions can begin at a minute."""
        indexes = range(len(self.question.sessions))
        orders = permutations(indexes) if self.question.in_any_order else [tuple(indexes)]
        return any(
            self.is_seatable(sessions)
            for order in orders
            for sessions in self._times(order, start, ())
            if self.has_lunch(sessions)
        )

    def _times(self, order: Sequence[int], start: int, so_far: tuple[Session, ...]) -> Iterator[tuple[Session, ...]]:
        """Yield the times of sessions in an order."""
        if not order:
            yield so_far
            return
        session = Session(order[0], start, start + self.question.sessions[order[0]].minutes)
        if not self.can_be_held(session) or not self.has_people(session):
            return
        sessions = (*so_far, session)
        if len({self.day(each.start) for each in sessions}) > self.question.days:
            return
        if len(order) == 1:
            yield sessions
            return
        for following in self.starts:
            if self.may_follow(session, following):
                yield from self._times(order[1:], following, sessions)

    def day(self, minute: int) -> date:
        """Return the date in the zone of the question."""
        return wall(self.question.zone, minute).date()

    def may_follow(self, session: Session, start: int) -> bool:
        """Return whether the next session may start at a minute."""
        gap = start - session.end
        if gap < self.question.least_gap:
            return False
        if self.day(start) != self.day(session.start):
            return self.day(start) > self.day(session.start)
        return gap <= self.question.most_gap or self.is_lunch(self.day(start), session.end, start)

    def _is_lunch(self, day: date, begin: int, end: int) -> bool:
        """Return whether lunch can be held on a day between two minutes."""
        lunch = self.question.lunch
        if lunch is None:
            return False
        eaten = 0
        for minute in range(max(begin, self._noon(day) - 1_440), min(end, self._noon(day) + 1_440)):
            shown = wall(self.question.zone, minute)
            is_time = shown.date() == day and lunch.begin <= shown.hour * 60 + shown.minute < lunch.end
            eaten = eaten + 1 if is_time else 0
            if eaten >= lunch.minutes:
                return True
        return False

    def _noon(self, day: date) -> int:
        return (day - date(1970, 1, 1)).days * 1_440 + 720

    def has_lunch(self, sessions: Sequence[Session]) -> bool:
        """Return whether lunch can be held on each date of some sessions."""
        if self.question.lunch is None:
            return True
        for day in {self.day(each.start) for each in sessions}:
            its = [each for each in sessions if self.day(each.start) == day]
            ends = [self._noon(day) - 2_000, *(each.end for each in its)]
            begins = [*(each.start for each in its), self._noon(day) + 2_000]
            if not any(self.is_lunch(day, begin, end) for begin, end in zip(ends, begins, strict=True)):
                return False
        return True

    def _can_be_held(self, session: Session) -> bool:
        """Return whether a session can be held, apart from its people."""
        question = self.question
        if session.start < question.now or session.end > question.grid.window.end:
            return False
        minutes = range(session.start, session.end)
        if any(busy.start <= minute < busy.end for minute in minutes for busy in question.candidate_busy):
            return False
        free = question.candidate_free
        if free is not None and not all(any(each.start <= minute < each.end for each in free) for minute in minutes):
            return False
        asked = question.sessions[session.session]
        if not all(can_sit(question.people[each], session.start, session.end, question.now) for each in asked.guests):
            return False
        rooms = asked.rooms
        return rooms is None or any(self.is_free(room, session) for room in rooms)

    def is_free(self, room: int, session: Session) -> bool:
        """Return whether a room is free."""
        return not any(each.start < session.end and session.start < each.end for each in self.question.rooms[room])

    def _can_sit(self, person: int, session: Session) -> bool:
        """Return whether a person can be in a session alone."""
        return can_sit(self.question.people[person], session.start, session.end, self.question.now)

    def _has_people(self, session: Session) -> bool:
        """Return whether each seat of a session has people if nobody is needed elsewhere."""
        return all(
            seat.is_optional or sum(self.can_sit(each, session) for each in seat.people) >= seat.count
            for seat in self.question.sessions[session.session].seats
        )

    def is_seatable(self, sessions: Sequence[Session]) -> bool:
        """Return whether there are people for all seats of sessions that are not optional."""
        places = [
            (session, seat.people)
            for session in sessions
            for seat in self.question.sessions[session.session].seats
            if not seat.is_optional
            for _ in range(seat.count)
        ]
        return self._is_seatable(places, [])

    def _is_seatable(
        self, places: Sequence[tuple[Session, tuple[int, ...]]], seated: list[tuple[int, Session]]
    ) -> bool:
        if not places:
            return True
        session, people = places[0]
        return any(
            self._is_seatable(places[1:], [*seated, (person, session)])
            for person in people
            if self.can_sit(person, session) and self.may_join(person, session, seated)
        )

    def may_join(self, person: int, session: Session, seated: Sequence[tuple[int, Session]]) -> bool:
        """Return whether a person can be in a session next to others of the slot."""
        others = [each for who, each in seated if who == person]
        if not others:
            return True
        if session in others or not self.question.repeats_people:
            return False
        known = self.question.people[person]
        apart = max(known.before, known.after)
        if any(each.start < session.end + apart and session.start < each.end + apart for each in others):
            return False
        return keeps_limits(known, [*(each.start for each in others), session.start])

    def check(self, slot: Sequence[Held]) -> None:
        """Assert that a slot keeps all rules."""
        sessions = [Session(each.session, *each.span) for each in slot]
        given = sorted(each.session for each in sessions)
        assert given == list(range(len(self.question.sessions)))
        assert self.question.in_any_order or [each.session for each in sessions] == given
        assert all(each.start in self.starts and self.can_be_held(each) for each in sessions)
        assert all(each.end - each.start == self.question.sessions[each.session].minutes for each in sessions)
        assert len({self.day(each.start) for each in sessions}) <= self.question.days
        assert all(self.may_follow(one, other.start) for one, other in pairwise(sessions))
        assert self.has_lunch(sessions)
        seated: list[tuple[int, Session]] = []
        for session, held in zip(sessions, slot, strict=True):
            asked = self.question.sessions[session.session]
            assert asked.rooms is None if held.room is None else held.room in (asked.rooms or ())
            assert held.room is None or self.is_free(held.room, session)
            for chosen in held.interviewers:
                assert chosen.person in asked.seats[chosen.seat].people
                assert self.can_sit(chosen.person, session)
                assert self.may_join(chosen.person, session, seated)
                seated.append((chosen.person, session))
            for index, seat in enumerate(asked.seats):
                count = sum(chosen.seat == index for chosen in held.interviewers)
                assert count <= seat.count if seat.is_optional else count == seat.count
