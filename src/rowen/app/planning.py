"""What is known of people, pools and rooms for finding times, and for booking them.

Owns the port of it, and how it becomes people as planning knows them: how old a source of busy times may be, and who is
not offered (contract section 17). Must not know JSON, HTTP or SQL, or how slots are found.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple, Protocol

import msgspec

from rowen.app.organizations import Organization
from rowen.interviews.availability import WEEKDAYS, Availability, Hours, usual_availability
from rowen.interviews.busy import BusySource, Intervals
from rowen.interviews.holds import Hold
from rowen.interviews.holidays import holidays_of
from rowen.interviews.moments import LATEST, Instant
from rowen.interviews.pools import Pool
from rowen.interviews.rooms import Room, person_of_room
from rowen.planning.bits import NO_SPANS, Span, Spans
from rowen.planning.objections import overlaps
from rowen.planning.people import LoadLimits, Person, Week
from rowen.planning.wall_clock import DAY, days_of, steady_times

MINUTE: Final = 60_000
"""Milliseconds of a minute."""

_EPOCH: Final = date(1970, 1, 1)
_NONE: Final = Intervals()
_HOUR: Final = 60 * MINUTE
BEFORE: Final = 35 * 24 * _HOUR
"""How long before a window interviews are read: for limits of weeks, and for fairness. In milliseconds."""

AFTER: Final = 21 * 24 * _HOUR
"""How long after a window they are read, in milliseconds."""

NEAR: Final = 48 * _HOUR
"""How far from a window an interview can be whose buffer reaches into it, and more. In milliseconds."""


class PlanningRequest(NamedTuple):
    """What is asked for: users and pools by id, the interviews of an application, and the window in milliseconds.

    With `rooms` all rooms are, and their bookings. `without` are interviews that count as if they were not there. With
    `usual_hours`, users without availability are to get it from `with_usual_hours`. Interviews far from the window are
    read only if someone `chooses` between people, or for those who have limits.
    """

    users: tuple[int, ...]
    pools: tuple[int, ...]
    starts: int
    ends: int
    application: int | None = None
    stage_interviews: tuple[int, ...] = ()
    rooms: bool = False
    without: frozenset[int] = frozenset()
    without_hold: int | None = None
    usual_hours: bool = False
    chooses: bool = True


class Guest(NamedTuple):
    """A guest of an interview, as a person by the address, and the user whose address it has become, if any."""

    email: str
    person: int
    user: int | None = None


class MovedInterview(NamedTuple):
    """An interview that is to be moved: its times in milliseconds, who is on its panel, and the room it is in."""

    starts: int
    ends: int
    users: tuple[int, ...] = ()
    guests: tuple[Guest, ...] = ()
    room: int | None = None


class HeldTime(NamedTuple):
    """A hold that takes somebody's time until it expires, in milliseconds."""

    starts: int
    ends: int
    expires_at: int


class Facts(NamedTuple):
    """What is known, as of one state of the organization.

    `names` are those of the known users, members of the pools included; `bookings` and `holds` are by person, or by the
    number by which a room is booked. What does not exist is missing. `application_status` is None for an unknown
    application. `moved` are the application's interviews among those that do not count, by id.
    """

    organization: Organization
    names: Mapping[int, str]
    disabled: frozenset[int]
    pools: Mapping[int, Pool]
    rooms: Sequence[Room]
    availability: Mapping[int, Availability]
    sources: Mapping[int, Sequence[BusySource]]
    bookings: Mapping[int, Intervals]
    holds: Mapping[int, Sequence[HeldTime]]
    application_status: str | None
    candidate: Intervals
    stage_interviews: frozenset[int]
    moved: Mapping[int, MovedInterview] = {}

    def moved_room(self, interview: int | None) -> int | None:
        """Return the room of an interview that is moved; None if it is in none, or not moved."""
        moved = self.moved.get(interview or 0)
        return None if moved is None else moved.room

    def guests(self, interview: int | None) -> tuple[Guest, ...]:
        """Return the guests of an interview that is moved."""
        moved = self.moved.get(interview or 0)
        return () if moved is None else moved.guests

    def without_people(self) -> "Facts":
        """Return what is needed of the facts once people were made of them: most of it is not."""
        rooms = {person_of_room(each.id) for each in self.rooms}
        bookings = {room: its for room, its in self.bookings.items() if room in rooms}
        return self._replace(disabled=frozenset(), availability={}, sources={}, bookings=bookings)

    def room_times(self, room: int, now: int) -> Spans:
        """Return when a room is taken, in minutes; `now` is in milliseconds."""
        return self.booked(person_of_room(room), now)

    def booked(self, person: int, now: int) -> Spans:
        """Return when a person or a room has interviews and holds, in minutes; `now` is in milliseconds."""
        bookings = self.bookings.get(person, _NONE)
        holds = [each[:2] for each in self.holds.get(person, ()) if each.expires_at > now]
        return spans(Intervals(chain(bookings, holds)) if holds else bookings)


class PlanningFacts(Protocol):
    """What is known for planning."""

    async def read(self, organization: Organization, wanted: PlanningRequest) -> Facts:
        """Return what is known, all of it as of one state."""
        ...

    async def holds(self, organization: Organization) -> Sequence[Hold]:
        """Return all holds, ordered by id."""
        ...

    async def availability(self, organization: Organization, users: Sequence[int]) -> Mapping[int, Availability]:
        """Return the availability of those users who have one, by their ids; nothing else is read."""
        ...


class NotOffered(NamedTuple):
    """A user who is not offered, or not in all of the window, the reason, and when its source was read."""

    user: int
    why: str
    read_at: Instant | None = None


class Freshness(NamedTuple):
    """How old, in milliseconds, what a source says may be: what was pushed, and what was read from an address."""

    pushed: int = 24 * _HOUR
    address: int = _HOUR


DEFAULT_FRESHNESS: Final = Freshness()


class People(NamedTuple):
    """The people of some facts, as planning knows them, and those who are not offered.

    Both are right until a time in milliseconds: until a hold expires, or a source is too old.
    """

    people: Mapping[int, Person]
    not_offered: Sequence[NotOffered]
    until: int


def with_usual_hours(facts: Facts) -> Facts:
    """Return facts in which users without availability work on weekdays from 9 to 17 in the organization's zone."""
    usual = usual_availability(facts.organization.time_zone)
    return facts._replace(availability={**dict.fromkeys(facts.names, usual), **facts.availability})


def people_of(facts: Facts, window: Span, now: int, freshness: Freshness) -> People:
    """Return the people of facts for a window, in minutes; `now` is in milliseconds.

    Those who are not offered at all are there with a window of which nothing is known. Guests of moved interviews are
    there, too.
    """
    people: dict[int, Person] = {}
    not_offered: list[NotOffered] = []
    for user in facts.names:
        gaps, reason = _unknown(facts, user, window, (now, freshness))
        if reason is not None:
            not_offered.append(reason)
        people[user] = _person(facts, user, window, (gaps, now))
    for guest in chain.from_iterable(each.guests for each in facts.moved.values()):
        people[guest.person] = _guest(facts, guest, people, now)
    return People(people, not_offered, min(_changes(facts, now, freshness), default=LATEST))


def _changes(facts: Facts, now: int, freshness: Freshness) -> Iterator[int]:
    """Yield the times from now on at which something changes by itself."""
    for holds in facts.holds.values():
        yield from (each.expires_at for each in holds if now < each.expires_at)
    for sources in facts.sources.values():
        for source in sources:
            most = freshness.pushed if source.url is None else freshness.address
            yield from (each.read_at + most + 1 for each in source.windows if each.read_at + most >= now)


def _person(facts: Facts, user: int, window: Span, known: tuple[Sequence[Span], int]) -> Person:
    gaps, now = known
    bookings = facts.booked(user, now)
    availability = facts.availability.get(user)
    if availability is None:
        return Person(id=user, unknown=Spans(gaps), interviews=bookings)
    around = Span(window.start - 2 * DAY, window.end + 2 * DAY)
    return Person(
        id=user,
        zone=availability.time_zone,
        hours=_week(tuple([availability.working_hours.get(day, ()) for day in WEEKDAYS])),
        days_off=Spans(_days_off(availability, around)) or NO_SPANS,
        away=spans(_away(availability)) if availability.time_off else NO_SPANS,
        busy=spans(_busy(facts.sources.get(user, ()), around.end * MINUTE)),
        unknown=Spans(gaps) if gaps else NO_SPANS,
        interviews=bookings,
        before=availability.buffer.before,
        after=availability.buffer.after,
        limits=LoadLimits(*availability.limits),
        notice=availability.minimum_notice_minutes,
    )


def _guest(facts: Facts, guest: Guest, people: Mapping[int, Person], now: int) -> Person:
    """Return a guest: only interviews take time, unless the address is of a user who has availability."""
    person = guest.person if guest.user is None else guest.user
    if person in facts.availability and person not in facts.disabled:
        return msgspec.structs.replace(people[person], id=guest.person)
    return Person(id=guest.person, interviews=facts.booked(person, now))


def _away(availability: Availability) -> Intervals:
    """Return the time off that is not of whole dates."""
    times = ((starts, ends) for starts, ends in availability.time_off)
    return Intervals((a, b) for a, b in times if isinstance(a, int) and isinstance(b, int))


def _busy(sources: Sequence[BusySource], until: int) -> Intervals:
    """Return the busy times of all sources up to a time in milliseconds: they know of no long past."""
    found = [each.busy.until(until) for each in sources]
    return found[0] if len(found) == 1 else Intervals(chain.from_iterable(found))


def spans(times: Intervals) -> Spans:
    """Return times in milliseconds as minutes: each takes the minutes whole that it takes a part of."""
    return Spans.of(times.minutes()) if times else NO_SPANS


@lru_cache(maxsize=512)
def _week(hours: tuple[tuple[Hours, ...], ...]) -> Week:
    return tuple(tuple(Span(*each) for each in day) for day in hours)


def _days_off(availability: Availability, around: Span) -> Iterator[Span]:
    """Yield the local days of time off, and of public holidays in a window."""
    for each in availability.time_off:
        if not isinstance(each.starts, int) and not isinstance(each.ends, int):
            yield Span(max((each.starts - _EPOCH).days, 0), max((each.ends - _EPOCH).days, 0))
    if availability.holidays is not None:
        days = days_of(steady_times(availability.time_zone, *around))
        for year in range((_EPOCH + timedelta(days[0])).year, (_EPOCH + timedelta(days[-1])).year + 1):
            for holiday in holidays_of(availability.holidays, year):
                if (day := (holiday - _EPOCH).days) in days:
                    yield Span(day, day + 1)


def _unknown(
    facts: Facts, user: int, window: Span, at: tuple[int, Freshness]
) -> tuple[Sequence[Span], NotOffered | None]:
    """Return the parts of a window in which nobody knows whether a user is busy, and the reason."""
    sources = facts.sources.get(user, ())
    if user in facts.disabled:
        return [window], NotOffered(user, "Is disabled")
    if user not in facts.availability:
        return [window], NotOffered(user, "Has no availability")
    if not sources:
        required = facts.organization.require_busy_source
        return ([window], NotOffered(user, "Has no source of busy times")) if required else ([], None)
    for source in sources:
        if source.read_at is None:
            return [window], NotOffered(user, f"Source {source.source} has not been read yet{_failure(source)}")
        if _is_too_old(source, int(source.read_at), at):
            return [window], _too_old(source, source.read_at, at[0])
    gaps = _gaps(window, (each for source in sources for each in _covered(source, at)))
    return (gaps, _missing(user, sources, (gaps, window), at)) if gaps else ([], None)


def _missing(
    user: int, sources: Sequence[BusySource], where: tuple[Sequence[Span], Span], at: tuple[int, Freshness]
) -> NotOffered:
    """Return why no source covers parts of a window: a reading that is too old, or none."""
    gaps, window = where
    for source in sources:
        for known in source.windows:
            times = Span(known.starts // MINUTE, known.ends // MINUTE)
            if _is_too_old(source, known.read_at, at) and overlaps(gaps, times):
                return _too_old(source, Instant(known.read_at), at[0])
    part = "any" if list(gaps) == [window] else "all"
    latest = max(source.read_at for source in sources if source.read_at is not None)
    return NotOffered(user, f"No source of busy times covers {part} of the window", latest)


def _too_old(source: BusySource, read_at: Instant, now: int) -> NotOffered:
    why = f"Source {source.source} was read {_age(now - read_at)} ago, which is too long{_failure(source)}"
    return NotOffered(source.user_id, why, read_at)


def _failure(source: BusySource) -> str:
    return f" ({source.error})" if source.error else ""


def _is_too_old(source: BusySource, read_at: int, at: tuple[int, Freshness]) -> bool:
    now, freshness = at
    return now - read_at > (freshness.pushed if source.url is None else freshness.address)


def _covered(source: BusySource, at: tuple[int, Freshness]) -> Iterator[Span]:
    """Yield the minutes that a source covers as a whole, and was read for not too long ago."""
    for window in source.windows:
        if not _is_too_old(source, window.read_at, at):
            yield Span(-(-window.starts // MINUTE), window.ends // MINUTE)


def _gaps(window: Span, covered: Iterable[Span]) -> list[Span]:
    """Return the parts of a window that nothing covers."""
    gaps, reached = [], window.start
    for start, end in sorted(covered):
        if start > reached:
            gaps.append(Span(reached, min(start, window.end)))
        reached = max(reached, end)
        if reached >= window.end:
            break
    if reached < window.end:
        gaps.append(Span(reached, window.end))
    return [gap for gap in gaps if gap.start < gap.end]


def _age(milliseconds: int) -> str:
    """Return an age in words: `3 days`, `25 hours` or `70 minutes`."""
    for unit, size, least in (("days", 24 * _HOUR, 3), ("hours", _HOUR, 3), ("minutes", MINUTE, 0)):
        if (count := milliseconds // size) >= least:
            return f"{count} {unit}"
    return "0 minutes"
