"""Bookings, holds and booking links in plain Python: what is free for whom, and what each command does.

Owns the rules of contract section 17, for people in UTC, minute by minute. Must not use anything of Rowen's, as Rowen
is compared with it. All times are minutes since 1970.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final, NamedTuple

DAY: Final = 1_440
STEP: Final = 30
HOUR: Final = 60
LONGEST_GAP: Final = 30


class Person(NamedTuple):
    """When somebody works, in minutes of a day, the minutes between two interviews, and how many a day and a week."""

    begins: int
    ends: int
    apart: int
    per_day: int | None
    per_week: int | None


class Session(NamedTuple):
    """A session at a time; `moves` is the interview that is moved there."""

    start: int
    end: int
    users: tuple[int, ...]
    room: int | None = None
    moves: int | None = None


class Interview(NamedTuple):
    """A booked session."""

    application: int
    start: int
    end: int
    users: tuple[int, ...]
    room: int | None


class Hold(NamedTuple):
    """A slot that is kept."""

    application: int
    sessions: tuple[Session, ...]
    expires_at: int


@dataclass(frozen=True)
class Link:
    """A booking link: sessions of an hour, each with one of some users, in a window."""

    application: int
    seats: tuple[tuple[int, ...], ...]
    window: tuple[int, int]
    expires_at: int
    moves: int
    notice: int
    interviews: tuple[int, ...] = ()


@dataclass
class PlanningModel:
    """One organization, whose interviews are all booked."""

    people: dict[int, Person]
    now: int
    interviews: dict[int, Interview] = field(default_factory=dict)
    holds: dict[int, Hold] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)

    def standing_holds(self) -> dict[int, Hold]:
        """Return the holds that have not expired."""
        return {each: hold for each, hold in self.holds.items() if hold.expires_at > self.now}

    def problems(self, application: int, sessions: Sequence[Session]) -> list[str]:
        """Return the fields of a booking that are taken, or against the rules; sorted."""
        moved = {each.moves for each in sessions}
        taken = [(each.application, each) for i, each in self.interviews.items() if i not in moved]
        others = [
            each for hold in self.standing_holds().values() if hold.application != application for each in hold.sessions
        ]
        found = []
        earlier: list[Session] = []
        for place, session in enumerate(map(self.kept_room, sessions)):
            known: list[Interview | Session] = [*(each for _, each in taken), *others, *earlier]
            of_candidate = [each for owner, each in taken if owner == application]
            if _meets(session, [*of_candidate, *earlier]):
                found.append(f"sessions[{place}]")
            if session.room is not None and _meets(session, [each for each in known if each.room == session.room]):
                found.append(f"sessions[{place}].room_id")
            for number, user in enumerate(session.users):
                if not self._can_sit(user, session, [each for each in known if user in each.users]):
                    found.append(f"sessions[{place}].interviewers[{number}]")
            earlier.append(session)
        return sorted(found)

    def kept_room(self, session: Session) -> Session:
        """Return a session with the room of the interview that is moved to it, unless it names another."""
        if session.moves is None or session.room is not None:
            return session
        return session._replace(room=self.interviews[session.moves].room)

    def _can_sit(self, user: int, session: Session, known: Sequence[Interview | Session]) -> bool:
        person = self.people[user]
        day, begin, end = session.start // DAY, session.start % DAY, session.end % DAY or DAY
        if session.start < self.now or session.end > (day + 1) * DAY or begin < person.begins or end > person.ends:
            return False
        if _meets(session._replace(start=session.start - person.apart, end=session.end + person.apart), known):
            return False
        days = Counter(each.start // DAY for each in known)
        weeks = Counter(_week(each.start) for each in known)
        return (person.per_day is None or days[day] < person.per_day) and (
            person.per_week is None or weeks[_week(session.start)] < person.per_week
        )

    def book(self, application: int, sessions: Sequence[Session], ids: Sequence[int]) -> None:
        """Book sessions, of which the interviews have these ids."""
        for identifier, each in zip(ids, map(self.kept_room, sessions), strict=True):
            self.interviews[identifier] = Interview(application, each.start, each.end, each.users, each.room)
        self.holds = {
            each: hold
            for each, hold in self.standing_holds().items()
            if hold.application != application or not any(_meets(session, hold.sessions) for session in sessions)
        }

    def link(self, secret: str) -> Link | None:
        """Return the link of an address, as not booked if an interview of it is gone."""
        link = self.links.get(secret)
        if link is None or link.expires_at <= self.now:
            return None
        return link if set(link.interviews) <= self.interviews.keys() else replace(link, interviews=())

    def is_booked(self, link: Link, start: int) -> bool:
        """Return whether what was booked with a link begins at a time."""
        return bool(link.interviews) and start == min(self.interviews[each].start for each in link.interviews)

    def may_change(self, link: Link) -> bool:
        """Return whether what was booked with a link can be cancelled, and moved if it has moves left."""
        starts = [self.interviews[each].start for each in link.interviews]
        return bool(starts) and self.now + link.notice <= min(starts)

    def may_choose(self, link: Link) -> bool:
        """Return whether the candidate can book, or move."""
        return not link.interviews or (self.may_change(link) and link.moves > 0)

    def has_slot(self, link: Link, start: int) -> bool:
        """Return whether the sessions of a link can begin at a time."""
        return (
            start % STEP == 0
            and start >= link.window[0]
            and any(not self.problems(link.application, each) for each in self._arranged(link, start))
        )

    def starts(self, link: Link) -> list[int]:
        """Return when the sessions of a link can begin."""
        return [each for each in range(*link.window, STEP) if self.has_slot(link, each)]

    def _arranged(self, link: Link, start: int) -> Iterator[list[Session]]:
        moved: tuple[int | None, ...] = link.interviews or (None,) * len(link.seats)
        gaps = product(range(0, LONGEST_GAP + 1, STEP), repeat=len(link.seats) - 1)
        for users, between in product(product(*link.seats), gaps):
            begins = [start + place * HOUR + sum(between[:place]) for place in range(len(users))]
            if (
                len({*users}) == len(users)
                and begins[-1] + HOUR <= link.window[1]
                and begins[-1] // DAY == start // DAY
            ):
                yield [
                    Session(begin, begin + HOUR, (user,), None, interview)
                    for begin, user, interview in zip(begins, users, moved, strict=True)
                ]


def _meets(session: Session, others: Iterable[Interview | Session]) -> bool:
    return any(each.start < session.end and session.start < each.end for each in others)


def _week(minute: int) -> int:
    """Return the number of a week that begins on a Monday, as 1970-01-05 did."""
    return (minute // DAY + 3) // 7
