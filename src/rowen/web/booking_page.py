"""The page of a candidate at the secret address of a booking link.

Owns what it shows in each state, and how its forms become the calls that programs make at the same address (contract
section 17). Must not know how times are found. The address is the credential: there is no session, and nothing here
names an interviewer.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from rowen.api.operations import OPERATIONS
from rowen.api.request import ApiRequest
from rowen.api.rowen.booking_links import PATH, BookedInterview, OfferedSlot, OfferRecord
from rowen.app.keys import Identity
from rowen.app.planning import MINUTE
from rowen.http.responses import context_of
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.holds import HeldSession
from rowen.interviews.moments import Instant
from rowen.web import cookies
from rowen.web.languages import Language, city, offset_name, zone_name
from rowen.web.page import PageDeps
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, Rendered, WebRequest, zone_of
from rowen.web.views import Viewer, local
from rowen.web.zones import zone_groups

_offer: Final = msgspec.json.Decoder(OfferRecord, dec_hook=lambda _, text: Instant.parse(text)).decode
_OPERATIONS: Final = {each.method: each for each in OPERATIONS if each.path == PATH}
_GONE: Final = Rendered("book_gone.html", {}, 404)
_DONE: Final = frozenset({"booked", "moved", "cancelled", "kept"})


class ShownTime(NamedTuple):
    """A time to choose: `start` as the API names it, and when it begins and ends in the words of the candidate."""

    start: str
    begins: str
    ends: str


class ShownBooking(NamedTuple):
    """An interview that was booked."""

    name: str
    day: str
    time: str
    location: str
    video: str


class CandidateRequest(NamedTuple):
    """A request of a candidate: the identity of the address, how times are written, and what can be booked."""

    request: WebRequest
    identity: Identity
    viewer: Viewer
    offer: OfferRecord

    @property
    def is_moving(self) -> bool:
        """Whether a time is chosen for what has been booked already."""
        return bool(self.offer.booked)

    def path(self, **query: str) -> str:
        """Return the path of this page with a query, and with the time zone that was chosen."""
        return f"{self.request.path}?{urlencode({'zone': self.viewer.zone_key, **query})}"


class BookingPage:
    """The page at which a candidate books, moves and cancels."""

    def __init__(self, ports: PagePorts, deps: PageDeps) -> None:
        self._services = ports.services
        self._now = ports.now
        self._deps = deps

    async def show(self, request: WebRequest) -> Answer:
        """Show what can be chosen, what was chosen, or what has been booked."""
        candidate = await self._candidate(request)
        if candidate is None:
            return _GONE
        offer, change = candidate.offer, request.query.get("change")
        if offer.booked and change == "cancel" and offer.may_cancel:
            return _cancelling(candidate)
        if offer.booked and not (change == "move" and offer.may_move):
            return _booked(candidate)
        start = request.query.get("start")
        if start is None:
            return _choosing(candidate)
        chosen = await self._chosen(candidate, start)
        if chosen is None:
            return _choosing(candidate, Code.CONFLICT)
        return _confirming(candidate, chosen, self._now())

    async def _chosen(self, candidate: CandidateRequest, start: str) -> Sequence[HeldSession] | None:
        """Return the sessions of the slot at a start, even if the page would now show others; None if it is taken."""
        links, organization = self._services.booking_links, candidate.identity.organization
        if not candidate.offer.slots:
            return None
        try:
            link = await links.find(organization, candidate.request.parameters["token"])
            return await links.choose(organization, link, Instant.parse(start))
        except (Refusal, ValueError):
            return None

    async def submit(self, request: WebRequest) -> Answer:
        """Book, move or cancel."""
        candidate = await self._candidate(request)
        if candidate is None:
            return _GONE
        if request.form.get("do") == "cancel":
            return await self._cancel(candidate)
        return await self._book(candidate)

    async def _book(self, candidate: CandidateRequest) -> Answer:
        form, was_moving = candidate.request.form, candidate.is_moving
        start = form.get("start", "")
        if was_moving and (start == _first(candidate.offer.booked) or form.get("do") != "move"):
            return _again(candidate, start)
        try:
            await self._call(candidate.request, candidate.identity, "POST", {"start": start})
        except Refusal as refusal:
            if refusal.code not in (Code.CONFLICT, Code.FORBIDDEN):
                raise
            return await self._refused(candidate, refusal.code)
        return Redirected(candidate.path(done="moved" if was_moving else "booked"))

    async def _refused(self, before: CandidateRequest, code: Code) -> Answer:
        """Show the state as it is now, and say why the choice was not taken."""
        now = before._replace(offer=await self._read(before.request, before.identity))
        if now.is_moving and not before.is_moving:
            return _again(now, before.request.form.get("start", ""))
        if now.is_moving and not now.offer.may_move:
            return _booked(now, Code.FORBIDDEN)
        return _choosing(now, code)

    async def _cancel(self, candidate: CandidateRequest) -> Answer:
        if not candidate.offer.booked:
            return Redirected(candidate.path())
        try:
            await self._call(candidate.request, candidate.identity, "DELETE")
        except Refusal as refusal:
            if refusal.code is not Code.FORBIDDEN:
                raise
            return _booked(candidate, refusal.code)
        return Redirected(candidate.path(done="cancelled"))

    async def _candidate(self, request: WebRequest) -> CandidateRequest | None:
        """Return the candidate of an address; None if it is unknown or has expired. Raises Refusal (rate limited)."""
        identity = await self._services.booking_links.store.authenticate(request.parameters["token"])
        if identity is None:
            return None
        context = context_of(request.scope)
        context.key = identity.name
        self._deps.connections.charge(context.connection, identity)
        await self._deps.limiter.admit(identity, context)
        try:
            offer = await self._read(request, identity)
        except Refusal as refusal:
            if refusal.code is not Code.NOT_FOUND:
                raise
            return None
        return CandidateRequest(request, identity, _viewer(request, identity), offer)

    async def _read(self, request: WebRequest, identity: Identity) -> OfferRecord:
        zone = _viewer(request, identity).zone_key
        return _offer(await self._call(request, identity, "GET", query=urlencode({"time_zone": zone})))

    async def _call(
        self, request: WebRequest, identity: Identity, method: str, body: object = None, query: str = ""
    ) -> bytes:
        """Make the call that programs make at this address, and return the JSON. Raises Refusal as it does."""
        sent = ApiRequest(
            identity.organization,
            identity.id,
            identity.name,
            method,
            {"token": request.parameters["token"]},
            request.origin + request.path,
            query,
            {},
            b"" if body is None else msgspec.json.encode(body),
            None,
            identity.permissions,
        )
        return (await _OPERATIONS[method].handler(self._services, sent)).body or b""


def _viewer(request: WebRequest, identity: Identity) -> Viewer:
    """Return how times are written: in the zone of the address, of the browser's preference, or the organization's."""
    for key in (request.query.get("zone", ""), request.cookie(cookies.ZONE)):
        zone = zone_of(key)
        if zone is not None:
            return Viewer(request.language, zone, key)
    key = identity.organization.time_zone
    zone = zone_of(key) or zone_of("UTC")
    if zone is None:
        raise RuntimeError("there is no time zone UTC")
    return Viewer(request.language, zone, key)


def _again(candidate: CandidateRequest, start: str) -> Redirected:
    """Answer a form that was sent twice, or in another tab: there another time may have been chosen."""
    is_there = start == _first(candidate.offer.booked)
    return Redirected(candidate.path() if is_there else candidate.path(done="kept"))


def _choosing(candidate: CandidateRequest, problem: Code | None = None) -> Rendered:
    days = [
        (name, [_time(candidate.viewer, each) for each in slots])
        for name, slots in groupby(candidate.offer.slots, lambda each: _day(candidate.viewer, each.start))
    ]
    status = {Code.CONFLICT: 409, Code.FORBIDDEN: 403}[problem] if problem is not None else 200
    team_zone = candidate.identity.organization.time_zone
    likely = (candidate.viewer.zone_key, candidate.request.device_zone, team_zone)
    values = {
        "days": days,
        "bookings": _bookings(candidate),
        "taken": problem is not None,
        "zones": zone_groups(candidate.viewer.language, *likely),
        "zone_words": _zone_words(candidate.viewer, _starts((*candidate.offer.booked, *candidate.offer.slots))),
    }
    return _page("book.html", candidate, status, **values)


def _confirming(candidate: CandidateRequest, sessions: Sequence[HeldSession], now: Instant) -> Rendered:
    viewer = candidate.viewer
    start, end = Instant(min(each.start for each in sessions)), Instant(max(each.end for each in sessions))
    day, last_day = (viewer.language.full_day(local(viewer, each).date()) for each in (start, end))
    until = min(start - candidate.offer.change_notice_minutes * MINUTE, candidate.offer.expires_at)
    values: dict[str, Any] = {
        "chosen": ShownTime(str(start), _clock(viewer, start), _end(viewer, start, end)),
        "plan": _plan(candidate, sessions),
        "day": day,
        "last_day": last_day if last_day != day else "",
        "until": _then(viewer, Instant(until)) if until > now else "",
        "can_move": candidate.offer.moves > candidate.is_moving,
        "zone_words": _zone_words(viewer, [start]),
    }
    return _page("book_confirm.html", candidate, **values)


def _plan(candidate: CandidateRequest, sessions: Sequence[HeldSession]) -> list[tuple[str, str]]:
    """Return the names of sessions in the order of time, and when each is: with its day, if they are on several."""
    viewer = candidate.viewer
    days = {local(viewer, Instant(each.start)).date() for each in sessions}
    found = []
    for held, asked in sorted(zip(sessions, candidate.offer.sessions, strict=True), key=lambda pair: pair[0].start):
        start, end = Instant(held.start), Instant(held.end)
        begins = _clock(viewer, start) if len(days) == 1 else _then(viewer, start)
        found.append((_named(viewer.language, asked.name), f"{begins}\u2013{_end(viewer, start, end)}"))
    return found


def _booked(candidate: CandidateRequest, problem: Code | None = None) -> Rendered:
    shown = _bookings(candidate)
    valid = _then(candidate.viewer, candidate.offer.expires_at)
    status = 200 if problem is None else 403
    return _page("booked.html", candidate, status, bookings=shown, late=problem is not None, valid=valid)


def _cancelling(candidate: CandidateRequest) -> Rendered:
    return _page("book_cancel.html", candidate, bookings=_bookings(candidate))


def _page(template: str, candidate: CandidateRequest, status: int = 200, **values: Any) -> Rendered:
    viewer, offer, query = candidate.viewer, candidate.offer, candidate.request.query
    done = query.get("done", "")
    shared = {
        "organization": offer.organization,
        "job": offer.job,
        "contact": offer.contact,
        "elsewhere": offer.booked_elsewhere,
        "sessions": [(_named(viewer.language, each.name), each.minutes) for each in offer.sessions],
        "moving": candidate.is_moving,
        "may_move": offer.may_move,
        "may_cancel": offer.may_cancel,
        "done": done if done in _DONE and (done == "cancelled") != bool(offer.booked) and status == 200 else "",
        "zone": viewer.zone_key,
        "zone_words": _zone_words(viewer, _starts(offer.booked)),
        "detects": "zone" not in query,
        "own": candidate.request.base + candidate.request.path,
        "link": lambda **given: candidate.request.base + candidate.path(**given),
    }
    return Rendered(template, {**shared, **values}, status)


def _starts(shown: Iterable[BookedInterview | OfferedSlot]) -> list[Instant]:
    return [each.start for each in shown if each.start is not None]


def _zone_words(viewer: Viewer, moments: Iterable[Instant]) -> str:
    """Write the time zone, with its distance from UTC if that is the same at all moments that are shown."""
    words = {zone_name(viewer.zone_key, local(viewer, each)) for each in moments}
    return words.pop() if len(words) == 1 else city(viewer.zone_key)


def _bookings(candidate: CandidateRequest) -> Sequence[ShownBooking]:
    offer, viewer = candidate.offer, candidate.viewer
    names = [each.name for each in offer.sessions] if len(offer.sessions) == len(offer.booked) else []
    named = [(names[place] if names else None) or each.name for place, each in enumerate(offer.booked)]
    pairs = sorted(zip(offer.booked, named, strict=True), key=lambda pair: pair[0].start or 0)
    return [_booking(viewer, each, _named(viewer.language, name)) for each, name in pairs]


def _booking(viewer: Viewer, booked: BookedInterview, name: str) -> ShownBooking:
    day = time = ""
    if booked.start is not None and booked.end is not None:
        day = viewer.language.full_day(local(viewer, booked.start).date())
        time = f"{_clock(viewer, booked.start)}\u2013{_end(viewer, booked.start, booked.end)}"
    video = booked.video_conferencing_url or ""
    is_web = video.startswith(("https://", "http://"))
    return ShownBooking(name, day, time, booked.location or "", video if is_web else "")


def _time(viewer: Viewer, slot: OfferedSlot) -> ShownTime:
    return ShownTime(str(slot.start), _clock(viewer, slot.start), _end(viewer, slot.start, slot.end))


def _end(viewer: Viewer, start: Instant, end: Instant) -> str:
    """Write an end: with its day if that is another one."""
    same = local(viewer, start).date() == local(viewer, end).date()
    return _clock(viewer, end) if same else _then(viewer, end)


def _day(viewer: Viewer, instant: Instant) -> str:
    return viewer.language.day(local(viewer, instant).date())


def _then(viewer: Viewer, instant: Instant) -> str:
    """Write a day and a time."""
    return f"{_day(viewer, instant)}, {_clock(viewer, instant)}"


def _clock(viewer: Viewer, instant: Instant) -> str:
    """Write a time: with its distance from UTC if the clocks show it twice on that date."""
    moment = local(viewer, instant)
    is_twice = moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset()
    return f"{viewer.language.time(moment)} ({offset_name(moment)})" if is_twice else viewer.language.time(moment)


def _named(language: Language, name: str | None) -> str:
    return name or language.text("book.session")


def _first(booked: Sequence[BookedInterview]) -> str:
    """Return when the first interview starts, as the API names it; empty if nothing is booked."""
    return str(min(_starts(booked), default=""))
