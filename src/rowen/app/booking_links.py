"""Booking links: secret addresses at which a candidate books the interviews of an application.

Owns what a link is, who may use it and until when, and which of the slots a candidate sees (contract section 17). Must
not know JSON, HTTP or SQL.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from rowen.app import scheduling
from rowen.app.bookings import BookingInput, book
from rowen.app.changes import InterviewDocuments
from rowen.app.holds import HoldCodec, release
from rowen.app.interviews import Codec
from rowen.app.keys import Identity, digest
from rowen.app.organizations import Organization
from rowen.app.planning import MINUTE
from rowen.app.records import ACTIVE, BOOKING_LINKS, RecordRow, ScorecardCodec
from rowen.app.scheduling import require_user
from rowen.app.slots import Planner, SlotsInput, check_references, wanted_by
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.errors import Code, FieldProblem, Problems, Refusal
from rowen.interviews.holds import HeldSession
from rowen.interviews.interview import Identifier, InterviewId, ScheduledInterview
from rowen.interviews.moments import Clock
from rowen.planning.question import Held
from rowen.planning.wall_clock import DAY, local_day, local_minute

APPLICATION: Final = "application_id"
"""The term by which the links of an application are found."""

USING: Final = "booking_links:use"
"""The permission to book at an address; the address has it, and nothing else."""

MOST_LINKS: Final = 10_000
DEFAULT_DAYS: Final = 14
LONGEST_DAYS: Final = 180
DEFAULT_NOTICE: Final = 1_440
DEFAULT_MOVES: Final = 2
_SECRET_BYTES: Final = 20
_A_DAY: Final = 6
_DATES: Final = 30
_MORNING: Final = 8 * 60
_EVENING: Final = 20 * 60
_LONGEST_DATE: Final = 25 * 60
"""The most minutes that a local date has, on all but a few historic ones."""

_TAKEN: Final = FieldProblem("start", "Is not free any more")
_BOOKED: Final = FieldProblem("start", "These interviews are already booked with another link")


class BookingLink(msgspec.Struct, frozen=True, kw_only=True):
    """A booking link; all times are milliseconds since 1970.

    `asked` is the question whose slots are offered. `organizer` is the user who made the link. `interviews` are those
    that were booked with it, in the order of its sessions, and `starts_at` is when the first of them starts. They can
    be moved `moves` more times, and cancelled, until `notice` minutes before.
    """

    id: Identifier
    application_id: Identifier
    digest: str
    asked: SlotsInput
    organizer: Identifier
    created_at: int
    expires_at: int
    notice: int = DEFAULT_NOTICE
    moves: int = DEFAULT_MOVES
    interviews: tuple[int, ...] = ()
    starts_at: int | None = None

    def may_change(self, now: int) -> bool:
        """Return whether the booking can be moved, if it has moves left, or cancelled."""
        return self.starts_at is not None and now + self.notice * MINUTE <= self.starts_at

    def require_movable(self, now: int) -> None:
        """Raise Refusal (forbidden) if it was booked and cannot be moved any more."""
        if self.interviews and not (self.may_change(now) and self.moves > 0):
            raise Refusal(Code.FORBIDDEN, "the booking cannot be moved any more")

    def may_start(self, start: int, now: int) -> bool:
        """Return whether a slot can start there, whoever is free: on a step in the window, and not in the past."""
        shortest = min(each.minutes for each in self.asked.sessions if each is not None)
        return (
            max(self.asked.window[0], now) <= start <= self.asked.window[1] - shortest * MINUTE
            and start % (self.asked.step_minutes * MINUTE) == 0
        )

    def overlaps(self, other: "BookingLink") -> bool:
        """Return whether both ask for the same interview of the plan."""
        mine, theirs = ({each.interview_id for each in link.asked.sessions if each} for link in (self, other))
        return not mine.isdisjoint(theirs - {None})

    def searched_from(self, start: int) -> tuple[int, int]:
        """Return the window of the slots that start at a time: of those on one date, no more than they can take."""
        longest = max(each.minutes for each in self.asked.sessions if each is not None)
        end = self.asked.window[1]
        return start, end if self.asked.days > 1 else min(end, start + (_LONGEST_DATE + longest) * MINUTE)


class LinkInput(NamedTuple):
    """What a client makes a link of; `on_behalf_of` is None only if that is among the problems of `asked`."""

    asked: SlotsInput
    on_behalf_of: int | None
    days: int
    notice: int
    moves: int


class LinkCodec(Protocol):
    """The documents of booking links."""

    def link(self, document: bytes) -> BookingLink:
        """Decode a stored link."""
        ...

    def link_row(self, link: BookingLink) -> RecordRow:
        """Return the row of a link."""
        ...


class LinkStore(Protocol):
    """The booking links of a database, for reading."""

    async def all(self, organization: Organization) -> Sequence[BookingLink]:
        """Return an organization's links, ordered by id."""
        ...

    async def of_application(self, organization: Organization, application: int) -> Sequence[BookingLink]:
        """Return the links of an application, ordered by id."""
        ...

    async def find(self, organization: Organization, digest: bytes) -> BookingLink | None:
        """Return the link whose secret has this SHA-256 digest."""
        ...

    async def authenticate(self, secret: str) -> Identity | None:
        """Return the identity of an address by its secret; None if there is none."""
        ...


class Offer(NamedTuple):
    """What a candidate sees: the link, its slots spread over the dates, and whether the booking can be changed.

    `is_booked_elsewhere` is whether another link has booked the same interviews: then there are no slots.
    """

    link: BookingLink
    slots: Sequence[tuple[Held, ...]]
    may_move: bool = False
    may_cancel: bool = False
    is_booked_elsewhere: bool = False


class Codecs(NamedTuple):
    """The documents that are read and written with a link."""

    links: LinkCodec
    interviews: Codec
    scorecards: ScorecardCodec
    holds: HoldCodec


@dataclass(frozen=True, slots=True)
class BookingLinks:
    """The use cases of booking links."""

    store: LinkStore
    codecs: Codecs
    planner: Planner
    documents: InterviewDocuments
    now: Clock
    random_hex: Callable[[int], str] = secrets.token_hex

    async def add(self, unit: UnitOfWork, wanted: LinkInput) -> tuple[BookingLink, str]:
        """Add a link; return it, and the secret of its address, which is not stored. Raises Refusal."""
        asked, user = wanted.asked, wanted.on_behalf_of
        if user is not None:
            await require_user(unit, user)
        facts = await unit.planning_facts(wanted_by(asked))
        problems = Problems(asked.problems)
        check_references(facts, asked, problems)
        if facts.application_status not in (None, ACTIVE):
            problems.note("application_id", f"Must be of an active application (it is {facts.application_status})")
        if problems.found or user is None or asked.application_id is None:
            raise problems.refusal()
        secret = f"{unit.organization.id}-{self.random_hex(_SECRET_BYTES)}"
        link = BookingLink(
            id=await unit.new_record_id(BOOKING_LINKS),
            application_id=asked.application_id,
            digest=digest(secret).hex(),
            asked=asked,
            organizer=user,
            created_at=int(unit.now),
            expires_at=int(unit.now) + wanted.days * 1_440 * MINUTE,
            notice=wanted.notice,
            moves=wanted.moves,
        )
        await unit.begin_change()
        await unit.save_record(self.codecs.links.link_row(link))
        return link, secret

    async def revoke(self, unit: UnitOfWork, identifier: int, on_behalf_of: int | None) -> None:
        """Remove a link: its address is unknown from then on. Raises Refusal (not found)."""
        if on_behalf_of is not None:
            await require_user(unit, on_behalf_of)
        if await unit.record(BOOKING_LINKS, identifier) is None:
            raise Refusal(Code.NOT_FOUND)
        await unit.begin_change()
        await unit.delete_record(BOOKING_LINKS, identifier)

    async def find(self, organization: Organization, secret: str) -> BookingLink:
        """Return the link of an address as it is now. Raises Refusal (not found)."""
        link = await self.store.find(organization, digest(secret))
        if link is None or link.expires_at <= self.now():
            raise Refusal(Code.NOT_FOUND)
        return _as_it_is(link, await self._booked(organization, link), organization)

    async def _booked(self, organization: Organization, link: BookingLink) -> list[ScheduledInterview]:
        """Return the interviews that were booked with a link, those that still exist."""
        found = [await self.documents.document(organization, InterviewId(each)) for each in link.interviews]
        return [self.codecs.interviews.decode(each) for each in found if each is not None]

    async def offer(self, organization: Organization, secret: str, zone: str) -> Offer:
        """Return what a candidate in a time zone sees at an address. Raises Refusal (not found)."""
        link = await self.find(organization, secret)
        others = () if link.interviews else await self.store.of_application(organization, link.application_id)
        for other in others:
            found = await self._booked(organization, other)
            if other.overlaps(link) and _is_to_come(other, found, organization, self.now()):
                return Offer(link, (), is_booked_elsewhere=True)
        may_change = link.may_change(self.now())
        may_move = may_change and link.moves > 0
        if link.interviews and not may_move:
            return Offer(link, (), may_move, may_change)
        slots = await self._slots(organization, link, link.asked.window, 5_000)
        return Offer(link, spread(slots, zone), may_move, may_change)

    async def choose(self, organization: Organization, link: BookingLink, start: int) -> tuple[HeldSession, ...]:
        """Return the sessions of the slot at a start. Raises Refusal: forbidden; conflict if there is none any more."""
        now = self.now()
        link.require_movable(now)
        if not link.may_start(start, now):
            raise Refusal(Code.CONFLICT, problems=(_TAKEN,))
        first = next(iter(await self._slots(organization, link, link.searched_from(start), 1)), None)
        if first is None or first[0].span.start * MINUTE != start:
            raise Refusal(Code.CONFLICT, problems=(_TAKEN,))
        return tuple(_session(link, held) for held in sorted(first, key=lambda each: each.session))

    async def _slots(
        self, organization: Organization, link: BookingLink, window: tuple[int, int], limit: int
    ) -> Sequence[tuple[Held, ...]]:
        """Return the slots of a link; none if a pool, a person or an interview of the plan is gone."""
        asked = replace(link.asked, window=window, limit=limit, reschedule=link.interviews, explain=False)
        try:
            return (await self.planner.find(organization, asked)).slots.slots
        except Refusal as refusal:
            if refusal.code is not Code.INVALID:
                raise
            return ()

    async def book(self, unit: UnitOfWork, secret: str, sessions: Sequence[HeldSession], api_key: str) -> BookingLink:
        """Book the sessions with a link, or move them there. Raises Refusal: not found; conflict; forbidden.

        It is a conflict, too, if something else was booked or cancelled since the sessions were chosen.
        """
        link, start = await self._locked(unit, secret), min(each.start for each in sessions)
        if link.starts_at == start:
            return link  # another request has booked the same
        if any(each.scheduled_interview_id not in (link.interviews or (None,)) for each in sessions):
            raise Refusal(Code.CONFLICT, problems=(_TAKEN,))
        link.require_movable(int(unit.now))
        await self._require_unbooked(unit, link)
        asked = BookingInput(application_id=link.application_id, sessions=tuple(sessions), on_behalf_of=link.organizer)
        try:
            booked = await book(unit, self.codecs.scorecards, asked, api_key, self.planner.freshness)
        except Refusal as refusal:
            if refusal.code not in (Code.CONFLICT, Code.INVALID):
                raise
            raise Refusal(Code.CONFLICT, problems=(_TAKEN,)) from None  # why is not for candidates
        await release(unit, self.codecs.holds, link.application_id, sessions)
        link = replace(
            link,
            interviews=tuple(each.interview for each in booked),
            starts_at=start,
            moves=link.moves - bool(link.interviews),
        )
        await unit.save_record(self.codecs.links.link_row(link))
        return link

    async def cancel(self, unit: UnitOfWork, secret: str, api_key: str) -> BookingLink:
        """Cancel what was booked with a link. Raises Refusal: not found; forbidden."""
        link = await self._locked(unit, secret)
        if not link.may_change(int(unit.now)):
            raise Refusal(Code.FORBIDDEN, "the booking cannot be cancelled any more")
        for each in link.interviews:
            stored = await unit.interview(InterviewId(each))
            if stored is not None:
                await scheduling.cancel(unit, stored, link.organizer, api_key)
        link = _not_booked(link)
        await unit.save_record(self.codecs.links.link_row(link))
        return link

    async def _require_unbooked(self, unit: UnitOfWork, link: BookingLink) -> None:
        """Raise Refusal (conflict) if a link is not booked, but another one has booked the same interviews."""
        others = await unit.records_by_term(BOOKING_LINKS, APPLICATION, str(link.application_id))
        for other in (self.codecs.links.link(row.document or b"") for row in others if not link.interviews):
            found = await _booked_in(unit, other)
            if other.overlaps(link) and _is_to_come(other, found, unit.organization, int(unit.now)):
                raise Refusal(Code.CONFLICT, problems=(_BOOKED,))

    async def _locked(self, unit: UnitOfWork, secret: str) -> BookingLink:
        for row in await unit.records_by_term(BOOKING_LINKS, "digest", digest(secret).hex()):
            link = self.codecs.links.link(row.document or b"")
            if link.expires_at > unit.now:
                return await _current(unit, link)
        raise Refusal(Code.NOT_FOUND)


async def _current(unit: UnitOfWork, link: BookingLink) -> BookingLink:
    """Return a link as it is now."""
    return _as_it_is(link, await _booked_in(unit, link), unit.organization)


async def _booked_in(unit: UnitOfWork, link: BookingLink) -> list[ScheduledInterview]:
    """Return the interviews that were booked with a link, those that still exist."""
    found = [await unit.interview(InterviewId(each)) for each in link.interviews]
    return [each.interview for each in found if each is not None]


def _is_to_come(
    link: BookingLink, interviews: Sequence[ScheduledInterview], organization: Organization, now: int
) -> bool:
    """Return whether a link is booked, nobody has cancelled an interview of it, and the last one has not ended."""
    zone = ZoneInfo(organization.time_zone)
    ends = [int(each.end.instant(zone)) for each in interviews]
    return 0 < len(ends) == len(link.interviews) and max(ends) > now


def _as_it_is(link: BookingLink, interviews: Sequence[ScheduledInterview], organization: Organization) -> BookingLink:
    """Return a link with when its interviews start now, or as not booked if one of them is gone."""
    if len(interviews) < len(link.interviews):
        return _not_booked(link)
    zone = ZoneInfo(organization.time_zone)
    return replace(link, starts_at=min((int(each.start.instant(zone)) for each in interviews), default=None))


def _not_booked(link: BookingLink) -> BookingLink:
    return replace(link, interviews=(), starts_at=None)


def _session(link: BookingLink, held: Held) -> HeldSession:
    asked = link.asked.sessions[held.session]
    return HeldSession(
        start=held.span.start * MINUTE,
        end=held.span.end * MINUTE,
        interviewers=tuple(dict.fromkeys(each.person for each in held.interviewers)),
        interview_id=None if asked is None else asked.interview_id,
        room_id=held.room,
        scheduled_interview_id=link.interviews[held.session] if link.interviews else None,
    )


def spread(slots: Sequence[tuple[Held, ...]], zone: str) -> list[tuple[Held, ...]]:
    """Return some slots of each of the first 30 dates, evenly spread over its daytime if that has any."""
    days: dict[int, list[tuple[Held, ...]]] = {}
    for slot in slots:
        days.setdefault(local_day(zone, slot[0].span.start), []).append(slot)
    found = []
    for all_day in list(days.values())[:_DATES]:
        by_day = [each for each in all_day if _is_by_day(each, zone)]
        its = by_day or [each for each in all_day if _is_by_day(each[:1], zone)] or all_day
        count = min(len(its), _A_DAY)
        found += [its[place * (len(its) - 1) // max(count - 1, 1)] for place in range(count)]
    return found


def _is_by_day(sessions: Sequence[Held], zone: str) -> bool:
    """Return whether each session is in the daytime of its date."""
    spans = (each.span for each in sessions)
    return all(_MORNING <= local_minute(zone, begin) % DAY <= _EVENING - (end - begin) for begin, end in spans)
