"""The pages of a person's own things: the interviews that they hold, and their preferences.

Owns what they show. Must not know how answers are stored.
"""

from typing import Final
from zoneinfo import available_timezones

from rowen.interviews.interview import Status
from rowen.interviews.moments import Instant
from rowen.web import cookies
from rowen.web.interview_page import own_answer
from rowen.web.languages import LANGUAGES, zone_name
from rowen.web.page import Answer, PageRequest, Redirected, Rendered, zone_of
from rowen.web.ports import PagePorts
from rowen.web.views import local, shown

_DAY: Final = 86_400_000
_AHEAD: Final = 28 * _DAY
_BEHIND: Final = 28 * _DAY
_AREAS: Final = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


class OwnPages:
    """The interviews and preferences of a person."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports
        self._zones = sorted(each for each in available_timezones() if each.partition("/")[0] in _AREAS)

    async def mine(self, request: PageRequest) -> Answer:
        """Show the interviews that the person holds in the next four weeks, and those that lack a scorecard."""
        viewer, person = request.viewer, request.session.person
        now = self._ports.now()
        today = Instant.at_midnight(local(viewer, now).date(), viewer.zone)
        entries = await self._ports.schedule.own(person, Instant(today - _BEHIND), Instant(today + _AHEAD))
        ahead, owed = [], []
        for each in entries.found:
            item = (viewer.language.day(shown(viewer, each).day), shown(viewer, each), own_answer(person, each))
            seat = each.seat(person.user.id)
            if each.interview.status is Status.SCHEDULED:
                ahead.append(item)
            elif each.interview.status is Status.AWAITING_FEEDBACK and seat is not None and seat.scorecard_id is None:
                owed.append(item)
        zone = zone_name(viewer.zone_key, local(viewer, now))
        return Rendered("mine.html", {"ahead": ahead, "owed": owed, "zone": zone})

    async def preferences(self, request: PageRequest) -> Answer:
        """Show the preferences."""
        key = request.viewer.zone_key
        zones = self._zones if key in self._zones else [key, *self._zones]
        return Rendered("preferences.html", {"zones": zones, "zone": key})

    async def save(self, request: PageRequest) -> Answer:
        """Keep the preferences in the browser."""
        zone, tag = request.form.get("zone", ""), request.form.get("language", "")
        kept = []
        if zone_of(zone) is not None:
            kept.append(cookies.preference(request.origin, cookies.ZONE, zone))
        if tag in LANGUAGES:
            kept.append(cookies.preference(request.origin, cookies.LANGUAGE, tag))
        return Redirected("/", tuple(kept))
