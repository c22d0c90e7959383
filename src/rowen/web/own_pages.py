"""The pages of a person's own things: the interviews that they hold, and their preferences.

Owns what they show. Must not know how answers are stored.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from rowen.app.sessions import PersonAccess
from rowen.interviews.interview import ResponseStatus, Status
from rowen.interviews.moments import Instant
from rowen.web import cookies
from rowen.web.busy import OwnBusy
from rowen.web.interview_page import may_score, own_answer
from rowen.web.languages import LANGUAGES, zone_name
from rowen.web.own_calendar import OwnCalendar
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, Rendered, WebRequest, zone_of
from rowen.web.schedule import Entry
from rowen.web.signing_in import home_of
from rowen.web.views import Shown, Viewer, day_of, local, name_of, shown
from rowen.web.zones import zone_groups

_NO_ZONE: Final = "automatic"
_DAY: Final = 86_400_000
_AHEAD: Final = 28 * _DAY
_BEHIND: Final = 28 * _DAY


class OwnInterview(NamedTuple):
    """An interview that a person holds: with the own answer, None if it cannot change, and who else is on the panel.

    `clashes` are the candidates of the person's other interviews at that time.
    """

    interview: Shown
    own: str | None
    others: Sequence[str]
    clashes: Sequence[str]


class HeldDay(NamedTuple):
    """A day with the interviews that a person holds; `name` is `Today` or `Tomorrow`, or empty."""

    name: str
    day: str
    held: Sequence[OwnInterview]


class Next(NamedTuple):
    """The interview that a person holds next, or now; `wait` is `in 3 hours`, or empty if it is on another day."""

    day: str
    wait: str
    interview: Shown


class OwnPages:
    """The interviews and preferences of a person."""

    def __init__(self, ports: PagePorts, calendar: OwnCalendar, busy: OwnBusy) -> None:
        self._ports = ports
        self._busy = busy
        self._calendar = calendar

    async def mine(self, request: WebRequest) -> Answer:
        """Show the interviews that the person holds in the next four weeks, and those that lack a scorecard.

        The end decides, not the status alone: an imported interview stays `scheduled` after it (contract section 5).
        """
        viewer, person = request.viewer, request.session.person
        now = self._ports.now()
        today = Instant.at_midnight(local(viewer, now).date(), viewer.zone)
        zone = ZoneInfo(person.organization.time_zone)
        entries = await self._ports.schedule.own(person, Instant(today - _BEHIND), Instant(today + _AHEAD))
        ahead, owed = [], []
        for each in entries.found:
            seat = each.seat(person.user.id)
            declined = seat is None or seat.response_status is ResponseStatus.DECLINED
            if each.interview.status is Status.SCHEDULED and each.interview.end.instant(zone) > now:
                ahead.append(each)
            elif (
                not declined and each.interview.status is not Status.COMPLETE and may_score(person, each.interview, now)
            ):
                owed.append(each)
        values = {
            "next": _next(viewer, person, ahead, now),
            "ahead": _days(viewer, person, ahead, now),
            "owed": _days(viewer, person, owed, now),
            "zone": zone_name(viewer.zone_key, local(viewer, now)),
            "device_zone": _device_zone(request, now),
            "calendars": await self._calendar.held(request),
            "sources": await self._busy.held(request),
        }
        return Rendered("mine.html", values)

    async def preferences(self, request: WebRequest) -> Answer:
        """Show the preferences."""
        key = request.cookie(cookies.ZONE)
        chosen = key if zone_of(key) is not None else ""
        team_zone = request.session.person.organization.time_zone
        zones = zone_groups(request.language, chosen, request.device_zone, team_zone)
        return Rendered("preferences.html", {"zones": zones, "zone": key, "back": request.query.get("from", "")})

    async def save(self, request: WebRequest) -> Answer:
        """Keep the preferences in the browser; without a chosen zone, pages find one."""
        zone, tag = request.form.get("zone", ""), request.form.get("language", "")
        kept = []
        if zone_of(zone) is not None or zone == _NO_ZONE:
            kept.append(cookies.preference(request.origin, cookies.ZONE, "" if zone == _NO_ZONE else zone))
        if tag in LANGUAGES:
            kept.append(cookies.preference(request.origin, cookies.LANGUAGE, tag))
        back = request.form.get("from", home_of(request.session.person.role))
        return Redirected(cookies.own_path(back), tuple(kept), message="saved")


def _device_zone(request: WebRequest, now: Instant) -> tuple[str, str] | None:
    """Return the device's time zone and its city if its clock differs from that of the page, which nobody chose."""
    key = request.device_zone
    zone = None if request.cookie(cookies.ZONE) else zone_of(key)
    at = local(request.viewer, now)
    if zone is None or at.astimezone(zone).utcoffset() == at.utcoffset():
        return None
    return key, zone_name(key, at.astimezone(zone))


def _days(viewer: Viewer, person: PersonAccess, entries: Sequence[Entry], now: Instant) -> list[HeldDay]:
    """Return interviews by their days."""
    by_day: dict[date, list[OwnInterview]] = {}
    for each in entries:
        others = [name_of(seat) for seat in each.interview.interviewers if seat.id != person.user.id]
        interview = shown(viewer, each)
        clashes = [shown(viewer, other).candidate for other in entries if _clash(person, each, other)]
        held = OwnInterview(interview, own_answer(person, each), others, clashes)
        by_day.setdefault(held.interview.day, []).append(held)
    return [HeldDay(_name(viewer, day, now), viewer.language.day(day), held) for day, held in sorted(by_day.items())]


def _clash(person: PersonAccess, one: Entry, other: Entry) -> bool:
    """Return whether a person holds two interviews at once, and has declined neither."""
    (start, end), (begin, finish) = (
        (each.interview.start.date_time, each.interview.end.date_time) for each in (one, other)
    )
    if one is other or start is None or end is None or begin is None or finish is None:
        return False
    seats = (each.seat(person.user.id) for each in (one, other))
    free = any(seat is None or seat.response_status is ResponseStatus.DECLINED for seat in seats)
    return start < finish and begin < end and not free


def _name(viewer: Viewer, day: date, now: Instant) -> str:
    """Return what people call a day that is near: `Today` or `Tomorrow`; empty for others."""
    days = (day - local(viewer, now).date()).days
    return viewer.language.text(("agenda.is_today", "mine.tomorrow")[days]) if days in (0, 1) else ""


def _next(viewer: Viewer, person: PersonAccess, ahead: Sequence[Entry], now: Instant) -> Next | None:
    """Return the first interview with a time that the person has not declined."""
    for each in ahead:
        start, seat = each.interview.start.date_time, each.seat(person.user.id)
        if start is None or (seat is not None and seat.response_status is ResponseStatus.DECLINED):
            continue
        day = day_of(viewer, each.interview.start)
        wait = ""
        if start <= now:
            wait = viewer.language.text("mine.now")
        elif day == local(viewer, now).date():
            wait = viewer.language.wait(timedelta(milliseconds=start - now))
        return Next(_name(viewer, day, now) or viewer.language.day(day), wait, shown(viewer, each))
    return None
