"""The board: a week of interviews as a calendar, and what its modules in the browser ask for.

Owns the page, the data of a week, and the changes as they happen. Must not know who may see what, or how a calendar is
drawn. Where the calendar is not installed, the board is the agenda.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from rowen.api.codec.documents import decode
from rowen.app.changes import FeedEntry, Subscription, follow
from rowen.app.roles import Role
from rowen.app.sessions import PersonAccess
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId, Status
from rowen.interviews.moments import Instant
from rowen.web import cookies
from rowen.web.agenda_page import AgendaFilters, AgendaPage, read_day
from rowen.web.authentication import SessionFinder
from rowen.web.board_items import BoardInterview, BoardPerson, board_interview, board_interviews, for_script
from rowen.web.directory import person_name
from rowen.web.languages import zone_name
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Data, Events, Rendered, WebRequest
from rowen.web.schedule import Entries
from rowen.web.views import OVERDUE_AFTER, Viewer, local

CALENDAR: Final = "event-calendar.min.js"
"""The file without which there is no board."""

AGENDA: Final = "agenda"
_VIEWS: Final = ("week", "day", AGENDA)
_ROWS: Final = ("people", "rooms", "time")
_YES: Final = "1"
_NO: Final = "0"
_FEW: Final = 50
"""Up to how many users everybody has a row unless the person chose otherwise."""

_WEEK: Final = timedelta(days=7)
_MARGIN: Final = 86_400_000
"""All-day interviews start at midnight in the organization's zone, which may be a day away from the viewer's."""
_BEAT_SECONDS: Final = 5.0
"""How often a browser gets a sign of life, so that it notices a lost connection soon."""
_RETRY: Final = b"retry: 1000\n\n"
_BEAT: Final = b"event: beat\ndata: {}\n\n"
_LARGEST_REVISION: Final = 2**63 - 1
_TEXTS: Final = (
    "board.",
    "status.",
    "answer.",
    "filter.any",
    "filter.overdue",
    "agenda.is_today",
    "agenda.empty",
    "interview.all_day",
)


class Week(msgspec.Struct, frozen=True):
    """The interviews of a week that begins with the day `first`; `cut` is how many are shown if there are more.

    Changes after `revision` are not in it. `disabled` are the keys of those on panels who are disabled.
    """

    first: str
    revision: int
    cut: int
    interviews: list[BoardInterview]
    disabled: list[str]


class BoardChanges(msgspec.Struct, frozen=True):
    """What has changed: interviews as they are now, those that are gone, and whether to load everything again."""

    interviews: list[BoardInterview]
    gone: list[int]
    everything: bool


class BoardPage:
    """The board."""

    def __init__(self, ports: PagePorts, finder: SessionFinder, agenda: AgendaPage, *, installed: bool) -> None:
        self._ports = ports
        self._finder = finder
        self._agenda = agenda
        self._installed = installed

    async def show(self, request: WebRequest) -> Answer:
        """Show the week of a day, by default of today; the chosen view is remembered."""
        view, rows, everybody = _chosen(request)
        kept: tuple[cookies.Cookie, ...] = ()
        if {"view", "rows", "everybody"} & request.query.keys():
            kept = (cookies.preference(request.origin, cookies.VIEW, f"{view}.{rows}.{everybody}"),)
        if view == AGENDA or not self._installed:
            shown = await self._agenda.show(request)
            return shown._replace(cookies=kept)
        viewer, person, now = request.viewer, request.session.person, self._ports.now()
        today = local(viewer, now).date()
        day = read_day(request.query.get("week", ""), today)
        week = await self._week(viewer, person, viewer.language.week_of(day))
        people = await self._everybody(person, everybody)
        settings = {
            **_settings(viewer, person, now),
            "may_move": request.writable and person.role is not Role.INTERVIEWER,
            "view": view,
            "rows": rows,
            "day": day.isoformat(),
            "chosen": "view" in request.query or bool(request.cookie(cookies.VIEW)),
            "base": request.base,
            "rooms": await self._rooms(person),
            "everybody": people is not None,
            "people": people,
            "filters": AgendaFilters.of(request.query)._asdict(),
        }
        values = {
            "settings": for_script(settings),
            "data": for_script(week),
            "zone": viewer.zone_key,
            "zone_name": zone_name(viewer.zone_key, local(viewer, now)),
            "team_zone": person.organization.time_zone,
            "view": view,
            "rows": rows,
            "day": day.isoformat(),
            "plans": settings["may_move"],
            "finds": person.role is not Role.INTERVIEWER,
            "statuses": [each.value for each in Status],
        }
        return Rendered("board.html", values, cookies=kept)

    async def week(self, request: WebRequest) -> Answer:
        """Return the interviews of the week of a day."""
        viewer = request.viewer
        today = local(viewer, self._ports.now()).date()
        day = read_day(request.query.get("week", ""), today)
        week = await self._week(viewer, request.session.person, viewer.language.week_of(day))
        return Data(msgspec.json.encode(week))

    async def people(self, request: WebRequest) -> Answer:
        """Return everybody who can have a row."""
        return Data(msgspec.json.encode(await self._everybody(request.session.person, _YES)))

    async def changes(self, request: WebRequest) -> Answer:
        """Return the changes after a revision as they happen."""
        given = request.query.get("after", "")
        is_number = given.isascii() and given.isdecimal() and len(given) <= len(str(_LARGEST_REVISION))
        if not is_number or int(given) > _LARGEST_REVISION:
            raise Refusal(Code.INVALID)
        role = request.session.person.role

        async def current() -> PersonAccess:
            visit = await self._finder.find(request.scope)
            if visit is None or visit.session.person.role is not role:
                raise Refusal(Code.UNAUTHENTICATED)
            return visit.session.person

        return Events(self._events(request, int(given)), current)

    async def _events(self, request: WebRequest, after: int) -> AsyncGenerator[bytes, None]:
        yield _RETRY + _BEAT
        organization = request.session.person.organization
        subscription, services = Subscription(after, _BEAT_SECONDS), self._ports.services
        async with aclosing(follow(services.feed, services.commits, organization, subscription)) as runs:
            async for entries in runs:
                if not entries:
                    yield b"" if entries is not None else _BEAT
                    continue
                visit = await self._finder.find(request.scope)
                if visit is None:
                    return
                changed = await self._changed(request.viewer, visit.session.person, entries)
                body = msgspec.json.encode(changed)
                yield b"id: %d\nevent: changed\ndata: %b\n\n" % (entries[-1].revision, body)

    async def _changed(self, viewer: Viewer, person: PersonAccess, entries: Sequence[FeedEntry]) -> BoardChanges:
        touched = {each: entry for entry in entries if (each := _interview_of(entry)) is not None}
        found = await self._ports.schedule.now(person, map(InterviewId, touched))
        team_zone = ZoneInfo(person.organization.time_zone)
        shown = [board_interview(viewer, each, team_zone) for each in found]
        gone = touched.keys() - {each.id for each in shown}
        if person.role is Role.INTERVIEWER:
            gone = {each for each in gone if _concerned(person, touched[each])}
        return BoardChanges(shown, sorted(gone), everything=any(each.document is None for each in entries))

    async def _everybody(self, person: PersonAccess, wanted: str) -> list[BoardPerson] | None:
        """Return everybody, for those who plan; None if they want no such rows, or chose nothing and are many."""
        if person.role is Role.INTERVIEWER or wanted == _NO:
            return None
        directory, organization = self._ports.directory, person.organization
        found = await (directory.users(organization) if wanted else directory.users(organization, _FEW + 1))
        if not wanted and len(found) > _FEW:
            return None
        return [BoardPerson(str(each.id), person_name(each)) for each in found if not each.disabled]

    async def _rooms(self, person: PersonAccess) -> list[str]:
        """Return the names of the rooms, for those who plan."""
        if person.role is Role.INTERVIEWER:
            return []
        return [each.name for each in await self._ports.directory.rooms(person.organization)]

    async def _week(self, viewer: Viewer, person: PersonAccess, first: date) -> Week:
        start = Instant(Instant.at_midnight(first, viewer.zone) - _MARGIN)
        end = Instant(Instant.at_midnight(first + _WEEK, viewer.zone) + _MARGIN)
        entries: Entries = await self._ports.schedule.visible(person, start, end)
        team_zone = ZoneInfo(person.organization.time_zone)
        last = (first + _WEEK).isoformat()
        found = [
            each
            for each in board_interviews(viewer, entries.found, team_zone)
            if each.start < last and (each.end > first.isoformat() or each.start >= first.isoformat())
        ]
        cut = len(entries.found) if entries.cut else 0
        users = {int(member.user) for each in found for member in each.panel if member.user}
        disabled = map(str, await self._ports.directory.disabled(person.organization, users))
        return Week(first.isoformat(), person.organization.revision, cut, found, list(disabled))


def _chosen(request: WebRequest) -> tuple[str, str, str]:
    """Return the view, the rows and for whom there are rows, as a request names them, or else the browser remembers.

    The third is empty if nobody has chosen it.
    """
    view, rows, everybody, *_ = [*request.cookie(cookies.VIEW).split("."), "", ""]
    view, rows = request.query.get("view", view), request.query.get("rows", rows)
    everybody = request.query.get("everybody", everybody)
    return (
        view if view in _VIEWS else _VIEWS[0],
        rows if rows in _ROWS else _ROWS[0],
        everybody if everybody in (_YES, _NO) else "",
    )


def _settings(viewer: Viewer, person: PersonAccess, now: Instant) -> dict[str, Any]:
    """Return what the modules know of the viewer."""
    moment = local(viewer, now)
    offset = f"{moment:%z}"
    return {
        "language": viewer.language.tag,
        "zone": viewer.zone_key,
        "offset": f"{offset[:3]}:{offset[3:5]}",
        "today": moment.date().isoformat(),
        "first_day": (viewer.language.week_of(moment.date()).weekday() + 1) % 7,
        "user": str(person.user.id),
        "overdue_after": OVERDUE_AFTER,
        "texts": viewer.language.texts(_TEXTS),
    }


def _interview_of(entry: FeedEntry) -> int | None:
    return None if entry.document is None else decode(entry.document).id


def _concerned(person: PersonAccess, entry: FeedEntry) -> bool:
    """Return whether an interviewer was on the panel that a change is about, before or after it."""
    panel = decode(entry.document).interviewers if entry.document is not None else ()
    seat = f'"interviewers.{person.user.id}"'.encode()
    return seat in entry.summary or any(each.id == person.user.id for each in panel)
