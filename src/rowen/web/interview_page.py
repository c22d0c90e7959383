"""The page of one interview, and the forms of answers to its invitation.

Owns what is shown of an interview, what the person can do with it, and where an answer leads. Must not know who may see
what, or the forms that change an interview.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from rowen.app.conflicts import ConflictQuery
from rowen.app.restoring import UNDO_TIME
from rowen.app.sessions import PersonAccess
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.web.answering import Answering
from rowen.web.cancelling import last_move
from rowen.web.editing import identifier_of
from rowen.web.link_list import links_of
from rowen.web.own_zone import own_zone
from rowen.web.ports import PagePorts
from rowen.web.repairing import KEPT, can_repair, undoable
from rowen.web.request import Answer, Redirected, Rendered, WebRequest
from rowen.web.request import zone_of as zone_of_key
from rowen.web.schedule import Detail, Entry
from rowen.web.views import (
    ANSWERS,
    Viewer,
    local,
    name_of,
    shown,
    shown_history,
    shown_scorecards,
    when,
    zone_of,
)

_RETURNS: Final = {"mine": "/me#answer-{id}", "one_of_mine": "/interviews/{id}?from=me", "off": "/me/availability"}
_MOST_CLASHES: Final = 5
_MOST_CHECKED: Final = 20
_KEPT: Final = {
    Code.STALE.value: "interview.kept_stale",
    Code.CONFLICT.value: "interview.kept_booked",
    KEPT: "repair.kept",
}


class Can(NamedTuple):
    """What a person can do with an interview: change it, undo its cancellation until a time, and undo its last move."""

    change: bool
    restore_until: str | None
    move_back: int | None


class InterviewPage:
    """The page of an interview."""

    def __init__(self, ports: PagePorts, answering: Answering) -> None:
        self._ports = ports
        self._answering = answering

    async def show(self, request: WebRequest) -> Answer:
        """Show an interview."""
        person = request.session.person
        detail = await self._ports.schedule.detail(person, identifier_of(request))
        values = _values(request.viewer, person, detail)
        values["scores"] = may_score(person, detail.entry.interview, self._ports.now())
        values["times"] = _times(request.viewer, person, detail.entry, await self._zones(person, detail))
        kept = _KEPT.get(request.query.get("kept", ""))
        clashes = await self._clashes(request, detail)
        can = self._can(request, detail)
        values |= {"can": can, "clashes": clashes, "kept": kept, "from_mine": request.query.get("from") == "me"}
        repairs = can.change and person.organization.mirrored_from is None
        values["undoable"] = undoable(request, detail) if repairs else None
        values["repairs"] = repairs and can_repair(detail.entry.interview)
        values["links"] = await links_of(self._ports, request, detail.entry.interview.application_id)
        return Rendered("interview.html", values)

    async def answer(self, request: WebRequest) -> Answer:
        """Store the person's answer, and return to the page that it was given on."""
        identifier = identifier_of(request)
        response = next((each for each in ANSWERS if each.value == request.form.get("answer")), None)
        if response is None:
            raise Refusal(Code.INVALID)
        await self._answering.give(request, identifier, response)
        return self._back(request)

    def _back(self, request: WebRequest) -> Answer:
        origin = request.form.get("from", "")
        # The script of these pages says it there, without loading the next page.
        message = "" if origin in ("mine", "off") else "answered"
        path = _RETURNS.get(origin, "/interviews/{id}").format(id=identifier_of(request))
        return Redirected(path, message=message)

    def _can(self, request: WebRequest, detail: Detail) -> Can:
        permissions = request.session.identity.permissions
        change = detail.entry.open and "scheduled_interviews:update" in permissions
        until = None
        if detail.cancelled_at is not None and request.session.person.organization.mirrored_from is None:
            last = Instant(detail.cancelled_at + UNDO_TIME)
            if self._ports.now() < last and "scheduled_interviews:create" in permissions:
                until = request.language.time(local(request.viewer, last))
        move = last_move(detail) if change else None
        return Can(change, until, None if move is None else move.revision)

    async def _zones(self, person: PersonAccess, detail: Detail) -> Mapping[str, Sequence[str]]:
        """Return the names of the panel's members by their time zones, of those who have set one."""
        found: dict[str, list[str]] = {}
        for each in detail.entry.interview.interviewers[:_MOST_CHECKED]:
            if each.id is None or each.id == person.user.id:
                continue
            zone = await own_zone(self._ports.services.records, person.organization, each.id)
            if zone:
                found.setdefault(zone, []).append(name_of(each))
        return found

    async def _clashes(self, request: WebRequest, detail: Detail) -> Mapping[int, Sequence[int]]:
        """Return the interviews that keep members of the panel busy at the same time, by the ids of users."""
        organization = request.session.person.organization
        if "conflicts:list" not in request.session.identity.permissions or detail.cancelled_at is not None:
            return {}
        interview = detail.entry.interview
        start, end = (each.instant(ZoneInfo(organization.time_zone)) for each in (interview.start, interview.end))
        found: dict[int, list[int]] = {}
        for each in interview.interviewers[:_MOST_CHECKED]:
            if each.id is None:
                continue
            query = ConflictQuery(each.id, None, start, end, _MOST_CLASHES)
            overlaps, _ = await self._ports.services.conflicts.find(organization, query)
            for one in overlaps:
                if interview.id in one.overlap.interviews:
                    found.setdefault(each.id, []).extend(set(one.overlap.interviews) - {interview.id})
        return found


def _values(viewer: Viewer, person: PersonAccess, detail: Detail) -> dict[str, Any]:
    entry = detail.entry
    interview = entry.interview
    organizer = interview.organizer
    return {
        "interview": shown(viewer, entry),
        "application": interview.application_id,
        "organizer": organizer.name if organizer else None,
        "own": own_answer(person, entry),
        "scorecards": None if detail.scorecards is None else shown_scorecards(viewer, detail.scorecards),
        "history": shown_history(viewer, entry, detail.history),
        "version": detail.version,
        "cancelled_by": _cancelled_by(viewer, detail),
        "ids": [each.id for each in interview.interviewers],
    }


def _cancelled_by(viewer: Viewer, detail: Detail) -> tuple[str, str] | None:
    """Return who cancelled an interview, and when."""
    if detail.cancelled_at is None:
        return None
    last = shown_history(viewer, detail.entry, detail.history[:1])[0]
    return last.actor, last.time


def own_answer(person: PersonAccess, entry: Entry) -> str | None:
    """Return the answer that a person may change; None if there is none."""
    seat = entry.seat(person.user.id)
    return seat.response_status.value if seat is not None and entry.open else None


def may_score(person: PersonAccess, interview: ScheduledInterview, now: Instant) -> bool:
    """Return whether a person is on the panel of an interview that has begun, and has not submitted a scorecard yet."""
    seat = next((each for each in interview.interviewers if each.id == person.user.id), None)
    has_begun = interview.start.instant(ZoneInfo(person.organization.time_zone)) <= now
    return seat is not None and seat.scorecard_id is None and has_begun and person.organization.mirrored_from is None


def _times(
    viewer: Viewer, person: PersonAccess, entry: Entry, zones: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, str]]:
    """Return when an interview is, once for each time zone, with whose it is: the viewer's, the team's, the panel's."""
    interview, language = entry.interview, viewer.language
    if interview.start.is_date:
        return [(when(viewer, interview), "", "")]
    whose = {viewer.zone_key: [language.text("interview.your_zone")]}
    whose.setdefault(person.organization.time_zone, []).append(language.text("interview.team_zone"))
    for key, names in zones.items():
        whose.setdefault(key, []).extend(names)
    if len(whose) == 1:
        whose = {viewer.zone_key: whose[viewer.zone_key][:1]}
    found: dict[str, tuple[str, list[str]]] = {}
    for key, names in whose.items():  # zones whose clocks show the same are one
        local = Viewer(language, zone_of_key(key) or viewer.zone, key)
        found.setdefault(when(local, interview), (zone_of(local, interview), []))[1].extend(names)
    return [(text, zone, ", ".join(names)) for text, (zone, names) in found.items()]
