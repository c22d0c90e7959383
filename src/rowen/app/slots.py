"""Asking for slots.

Owns what a client asks, what of it must exist, and the answer (contract section 17). Must not know JSON, HTTP or SQL,
or how slots are found.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from time import monotonic
from typing import Final, NamedTuple

import msgspec

from rowen.app.organizations import Organization, Version
from rowen.app.planning import (
    DEFAULT_FRESHNESS,
    MINUTE,
    Facts,
    Freshness,
    NotOffered,
    People,
    PlanningFacts,
    PlanningRequest,
    people_of,
    spans,
    with_usual_hours,
)
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal
from rowen.interviews.holds import Hold
from rowen.interviews.moments import Clock
from rowen.interviews.rooms import Room
from rowen.planning.bits import Span
from rowen.planning.explanation import Reason, leave_out, reasons
from rowen.planning.fairness import Loads
from rowen.planning.finding import find
from rowen.planning.people import Grid, Person, are_same, free_starts
from rowen.planning.question import Held, Lunch, Question, Seat, Session, Slots, TooManyOrdersError
from rowen.planning.ranking import ranked, same_day
from rowen.planning.seating import needs_search

DEFAULT_STEP: Final = 15
DEFAULT_LIMIT: Final = 50
DEFAULT_GAP: Final = 30

MOST_WORK: Final = 200_000_000
"""How many starts of people a question may look at: a window of 26 weeks by quarters of an hour has 17,472."""
_LITTLE_WORK: Final = 5_000_000
_FEW_PEOPLE: Final = 250
"""How many people are prepared on the thread that serves requests, which have to wait meanwhile."""

EXPLAINED_SECONDS: Final = 2.0
"""How long constraints are left out in turn, to say which of them cost most."""


class SeatInput(msgspec.Struct, frozen=True, kw_only=True):
    """A seat as a client asks for it: `count` different ones of some users, or of a pool with all of some tags."""

    users: tuple[int | None, ...] | None = None
    pool: int | None = None
    count: int = 1
    tags: tuple[str | None, ...] = ()
    optional: bool = False


class RoomInput(msgspec.Struct, frozen=True, kw_only=True):
    """A room as a client asks for it; `name` is that of the only one that will do."""

    name: str | None = None
    capacity: int | None = None
    site: str | None = None
    features: tuple[str | None, ...] = ()


class SessionInput(msgspec.Struct, frozen=True, kw_only=True):
    """A session as a client asks for it."""

    minutes: int
    seats: tuple[SeatInput | None, ...]
    name: str | None = None
    interview_id: int | None = None
    room: RoomInput | None = None


class SlotsInput(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks: sessions in a window, in milliseconds; see `Question`. `free` is the candidate's time.

    Reasons are given for at most `few` slots. With `usual_hours`, users without availability work on weekdays from 9
    to 17 in the organization's time zone. `left_out` are constraints that do not count, as reasons name them. With
    `ranked`, the best slots come first, of the first `limit`.
    """

    window: tuple[int, int] = (0, 0)
    sessions: tuple[SessionInput | None, ...] = ()
    step_minutes: int = DEFAULT_STEP
    time_zones: tuple[str | None, ...] = ()
    application_id: int | None = None
    free: tuple[tuple[int, int], ...] | None = None
    in_any_order: bool = False
    gap: tuple[int, int] = (0, DEFAULT_GAP)
    days: int = 1
    lunch: Lunch | None = None
    repeat_people: bool = False
    reschedule: tuple[int | None, ...] = ()
    limit: int = DEFAULT_LIMIT
    explain: bool = True
    few: int = 0
    usual_hours: bool = False
    left_out: tuple[tuple[str, int | None], ...] = ()
    ranked: bool = False
    problems: tuple[FieldProblem, ...] = ()


class FoundSlots(NamedTuple):
    """The slots that were found, and why others were not; `names` are those of users.

    If slots are ranked, `ranked` has each with how many other interviews its people have on that day.
    """

    slots: Slots
    not_offered: Sequence[NotOffered]
    reasons: Sequence[Reason]
    names: Mapping[int, str]
    ranked: Sequence[tuple[tuple[Held, ...], int]] = ()


class KnownFacts(NamedTuple):
    """What is known for a question: facts, apart from those that people were made of, and the people."""

    facts: Facts
    people: People
    loads: Loads


class StartsCache:
    """The memory of planning: the ticks at which people can start, and the people of questions that are repeated.

    A person of whom nothing has changed is the same object, so that what was made of others need not be made again.
    """

    def __init__(self, most_bytes: int = 24 * 2**20, most_people: int = 10_000) -> None:
        self._most_bytes, self._most_people = most_bytes, most_people
        self._bytes = 0
        self._starts: OrderedDict[tuple[Person, int, Grid], int] = OrderedDict()
        self._people: OrderedDict[tuple[int, int, Span], Person] = OrderedDict()
        self._known: OrderedDict[tuple[int, PlanningRequest], tuple[Version, KnownFacts]] = OrderedDict()

    def starts(self, person: Person, minutes: int, grid: Grid) -> int:
        """Return the ticks at which a person can start an interview of some minutes."""
        key = person, minutes, grid
        known = self._starts.get(key)
        if known is None:
            known = self._starts[key] = free_starts(person, minutes, grid)
            self._bytes += _size(known)
            while self._bytes > self._most_bytes and self._starts:
                self._bytes -= _size(self._starts.popitem(last=False)[1])
        return known

    def known(self, organization: Organization, wanted: PlanningRequest, now: int) -> KnownFacts | None:
        """Return what is known for a question that was asked before, unless anything has changed since."""
        version, known = self._known.get((organization.id, wanted), (None, None))
        return known if known is not None and version == organization.version and now < known.people.until else None

    def keep(self, facts: Facts, wanted: PlanningRequest, window: Span, people: People) -> KnownFacts:
        """Keep the people of a question, and return them; those that are unchanged are the same objects as before."""
        organization = facts.organization
        kept = {each: self._unchanged((organization.id, each, window), one) for each, one in people.people.items()}
        known = KnownFacts(facts.without_people(), people._replace(people=kept), Loads(kept))
        self._known[organization.id, wanted] = organization.version, known
        if len(self._known) > _MOST_QUESTIONS:
            self._known.popitem(last=False)
        return known

    def _unchanged(self, key: tuple[int, int, Span], person: Person) -> Person:
        before = self._people.get(key)
        if before is not None and are_same(before, person):
            return before
        self._people[key] = person
        if len(self._people) > self._most_people:
            self._people.popitem(last=False)
        return person


_MOST_QUESTIONS: Final = 32


def _size(number: int) -> int:
    return 400 + number.bit_length() // 8


@dataclass(frozen=True, slots=True)
class Planner:
    """Finds slots. Two new questions at a time are worked on, on other threads."""

    facts: PlanningFacts
    now: Clock
    freshness: Freshness = DEFAULT_FRESHNESS
    cache: StartsCache = field(default_factory=StartsCache)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    async def holds(self, organization: Organization) -> Sequence[Hold]:
        """Return the holds that have not expired, ordered by id."""
        now = self.now()
        return [each for each in await self.facts.holds(organization) if each.expires_at > now]

    async def find(self, organization: Organization, asked: SlotsInput) -> FoundSlots:
        """Return the slots of a question. Raises Refusal (invalid), with every problem."""
        wanted, now = wanted_by(asked), int(self.now())
        known = self.cache.known(organization, wanted, now)
        was_known = known is not None
        known = known or await self._learn(organization, wanted, now)
        problems = Problems(asked.problems)
        check_references(known.facts, asked, problems)
        problems.raise_any()
        question = _question(known.facts, asked, known.people.people, -(-now // MINUTE))
        work = _work(question)
        if work > MOST_WORK:
            message = "Has too many starts for these people: ask for a shorter window, or a longer step"
            raise Refusal(Code.INVALID, problems=(FieldProblem("window", message),))
        if (
            was_known and work < _LITTLE_WORK and not needs_search(question)
        ):  # a few milliseconds, and twice as many on another thread
            answer = self._answer(msgspec.structs.replace(asked, explain=False), question, known)
            if not asked.explain or answer.slots.total > asked.few:
                return answer
        async with self.turns:
            return await asyncio.to_thread(self._answer, asked, question, known)

    async def _learn(self, organization: Organization, wanted: PlanningRequest, now: int) -> KnownFacts:
        """Read what is known for a question, and keep it."""
        facts = await self.facts.read(organization, wanted)
        facts = with_usual_hours(facts) if wanted.usual_hours else facts
        window = within((wanted.starts, wanted.ends))
        if len(facts.names) <= _FEW_PEOPLE:
            people = people_of(facts, window, now, self.freshness)
        else:
            async with self.turns:
                people = await asyncio.to_thread(people_of, facts, window, now, self.freshness)
        return self.cache.keep(facts, wanted, window, people)

    def _answer(self, asked: SlotsInput, question: Question, known: KnownFacts) -> FoundSlots:
        names, loads = known.facts.names, None if asked.left_out else known.loads
        question = leave_out(question, asked.left_out)
        try:
            slots = find(question, self.cache.starts, loads)
        except TooManyOrdersError:
            message = "Can be arranged in too many ways: ask for a shorter window, or for smaller gaps"
            raise Refusal(Code.INVALID, problems=(FieldProblem("sessions", message),)) from None
        wanted = {each for session in question.sessions for seat in session.seats for each in seat.people}
        not_offered = [each for each in known.people.not_offered if each.user in wanted]
        until = monotonic() + EXPLAINED_SECONDS
        asks = asked.explain and slots.total <= asked.few
        found = reasons(question, self.cache.starts, lambda: monotonic() < until) if asks else []
        found = [each for each in found if each.slots > slots.total]
        if not asked.ranked:
            return FoundSlots(slots, not_offered, found, names)
        order = [(each, same_day(each, question.people)) for each in ranked(slots.slots, question.people)]
        return FoundSlots(slots, not_offered, found, names, order)


def _work(question: Question) -> int:
    """Return how many starts are looked at, over all people of all seats."""
    window, step = question.grid.window, question.grid.step
    people = sum(len(seat.people) for session in question.sessions for seat in session.seats)
    return (window.end - window.start) // step * people


def wanted_by(asked: SlotsInput) -> PlanningRequest:
    """Return what has to be known for a question."""
    seats = [seat for session in asked.sessions if session for seat in session.seats if seat]
    return PlanningRequest(
        users=tuple(dict.fromkeys(user for seat in seats for user in seat.users or () if user is not None)),
        pools=tuple(dict.fromkeys(seat.pool for seat in seats if seat.pool is not None)),
        starts=asked.window[0],
        ends=asked.window[1],
        application=asked.application_id,
        stage_interviews=tuple(each.interview_id for each in asked.sessions if each and each.interview_id is not None),
        rooms=bool(asked.reschedule) or any(each.room is not None for each in asked.sessions if each),
        without=frozenset(each for each in asked.reschedule if each is not None),
        usual_hours=asked.usual_hours,
    )


def check_references(facts: Facts, asked: SlotsInput, problems: Problems) -> None:
    """Note what is asked for and does not exist."""
    for place, interview in enumerate(asked.reschedule):
        if interview not in facts.moved:
            problems.note(f"reschedule[{place}]", "Must be the id of an interview of the application")
    if asked.application_id is not None and facts.application_status is None:
        problems.note("application_id", "Must be the id of an application")
    for place, session in enumerate(asked.sessions):
        if session is None:
            continue
        if session.interview_id is not None and session.interview_id not in facts.stage_interviews:
            problems.note(f"sessions[{place}].interview_id", "Must be the id of an interview of a job stage")
        for number, seat in enumerate(session.seats):
            if seat is not None:
                _check_seat(facts, seat, f"sessions[{place}].seats[{number}]", problems)


def _check_seat(facts: Facts, seat: SeatInput, path: str, problems: Problems) -> None:
    if seat.pool is not None and seat.pool not in facts.pools:
        problems.note(f"{path}.pool", "Must be the id of a pool")
    for index, user in enumerate(seat.users or ()):
        if user is not None and user not in facts.names:
            problems.note(f"{path}.users[{index}]", "Must be the id of a user")


def _question(facts: Facts, asked: SlotsInput, people: Mapping[int, Person], now: int) -> Question:
    return Question(
        grid=Grid(within(asked.window), asked.step_minutes),
        sessions=tuple(_session(facts, each, moved) for each, moved in _with_moved(asked) if each),
        people=people,
        now=now,
        zone=next((each for each in asked.time_zones if each), "UTC"),
        in_any_order=asked.in_any_order,
        least_gap=asked.gap[0],
        most_gap=asked.gap[1],
        days=asked.days,
        lunch=asked.lunch,
        repeats_people=asked.repeat_people,
        kept=frozenset(user for each in facts.moved.values() for user in each.users),
        rooms={room.id: tuple(facts.room_times(room.id, now * MINUTE)) for room in facts.rooms},
        candidate_busy=tuple(spans(facts.candidate)),
        candidate_free=None if asked.free is None else tuple(within(each) for each in asked.free),
        most_slots=asked.limit,
    )


def within(times: tuple[int, int]) -> Span:
    """Return the whole minutes of a time; none of one that lies within a minute."""
    start = -(-times[0] // MINUTE)
    return Span(start, max(start, times[1] // MINUTE))


def _with_moved(asked: SlotsInput) -> Iterator[tuple[SessionInput | None, int | None]]:
    """Yield the sessions, each with the interview that is moved to it, if each has one."""
    moved = asked.reschedule if len(asked.reschedule) == len(asked.sessions) else ()
    return zip_longest(asked.sessions, moved)


def _session(facts: Facts, asked: SessionInput, moved: int | None) -> Session:
    """Return a session; an interview that is moved to it keeps its guests, and its room if no other is asked for."""
    seats = tuple(_seat(facts, each) for each in asked.seats if each)
    room = facts.moved_room(moved)
    kept = None if room is None else (room,)
    rooms = kept if asked.room is None else fitting_rooms(facts.rooms, asked.room)
    return Session(asked.minutes, seats, rooms, tuple(each.person for each in facts.guests(moved)))


def _seat(facts: Facts, asked: SeatInput) -> Seat:
    if asked.pool is None:
        users = tuple(dict.fromkeys(each for each in asked.users or () if each is not None))
        return Seat(users, asked.count, asked.optional)
    pool = facts.pools[asked.pool]
    members = [each for each in pool.members if each.user_id in facts.names and {*asked.tags} <= {*each.tags}]
    weights = {each.user_id: each.weight for each in members}
    return Seat(tuple(weights), asked.count, asked.optional, weights, pool.name)


def fitting_rooms(rooms: Iterable[Room], asked: RoomInput) -> tuple[int, ...]:
    """Return the rooms that are as asked for, the smallest first."""
    fitting = [
        each
        for each in rooms
        if asked.name in (None, each.name)
        and (asked.capacity is None or (each.capacity or 0) >= asked.capacity)
        and asked.site in (None, each.site)
        and {*asked.features} <= {*each.features}
    ]
    return tuple(each.id for each in sorted(fitting, key=lambda each: (each.capacity or 0, each.id)))
