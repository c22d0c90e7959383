"""The agenda: a week of interviews, day by day.

Owns which interviews a page shows, and its filters. Must not know who may see them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from rowen.app.roles import Role
from rowen.interviews.interview import Status
from rowen.interviews.moments import Instant
from rowen.interviews.overlaps import Booked, overlaps
from rowen.interviews.people import booked
from rowen.web.languages import zone_name
from rowen.web.ports import PagePorts
from rowen.web.request import Rendered, WebRequest
from rowen.web.schedule import Entry
from rowen.web.views import Shown, Viewer, day_of, is_overdue, is_unanswered, local, name_of, shown

_WEEK: Final = timedelta(days=7)
_MARGIN: Final = 86_400_000
"""All-day interviews start at midnight in the organization's zone, which may be a day away from the viewer's."""
_EARLIEST: Final = date(1970, 1, 10)
_LATEST: Final = date(9990, 1, 1)


class AgendaDay(NamedTuple):
    """A day with its interviews."""

    title: str
    is_today: bool
    interviews: Sequence[Shown]


class AgendaFilters(NamedTuple):
    """What the page is filtered by: empty for everything."""

    search: str
    person: str
    job: str
    candidate: str
    coordinator: str
    status: str
    unanswered: str
    overdue: str
    double: str

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Return the filters that the address of a page names."""
        return cls(*(query.get(name, "").strip() for name in cls._fields))

    @property
    def are_set(self) -> bool:
        """Whether anything is filtered."""
        return any(self)

    def match(self, entry: Entry, now: Instant, twice: Collection[int]) -> bool:
        """Return whether an interview is shown; `twice` are those at whose time somebody has another one."""
        interview = entry.interview
        organizer = interview.organizer
        panel = [name_of(each) for each in interview.interviewers]
        names = [entry.candidate or "", interview.interview.name or "" if interview.interview else "", *panel]
        return (
            (not self.search or any(self.search.casefold() in name.casefold() for name in names))
            and (not self.person or self.person in panel)
            and (not self.job or self.job == entry.job)
            and (not self.candidate or self.candidate == entry.candidate)
            and (not self.coordinator or self.coordinator == (organizer.name if organizer else None))
            and (not self.status or self.status == interview.status.value)
            and (not self.unanswered or is_unanswered(interview))
            and (not self.overdue or is_overdue(interview, now))
            and (not self.double or interview.id in twice)
        )


class AgendaPage:
    """The page of a week."""

    def __init__(self, ports: PagePorts, *, has_board: bool) -> None:
        self._ports = ports
        self._has_board = has_board

    async def show(self, request: WebRequest) -> Rendered:
        """Show the week of a day, by default of today."""
        viewer, person = request.viewer, request.session.person
        now = self._ports.now()
        today = local(viewer, now).date()
        first = viewer.language.week_of(read_day(request.query.get("week", ""), today))
        start = Instant(Instant.at_midnight(first, viewer.zone) - _MARGIN)
        end = Instant(Instant.at_midnight(first + _WEEK, viewer.zone) + _MARGIN)
        entries = await self._ports.schedule.visible(person, start, end)
        week = [each for each in entries.found if first <= day_of(viewer, each.interview.start) < first + _WEEK]
        filters = AgendaFilters.of(request.query)
        twice = twice_booked(entries.found, ZoneInfo(person.organization.time_zone))
        matching = [each for each in week if filters.match(each, now, twice)]
        values: dict[str, Any] = {
            "days": _days(viewer, matching, today),
            "count": len(matching),
            "twice": twice,
            "cut": len(entries.found) if entries.cut else 0,
            "week": first.isoformat(),
            "span": viewer.language.days(first, first + _WEEK - timedelta(days=1)),
            "previous": _address(first - _WEEK, filters),
            "next": _address(first + _WEEK, filters),
            "this_week": _address(None, filters),
            "is_this_week": first <= today < first + _WEEK,
            "zone": zone_name(viewer.zone_key, local(viewer, now)),
            "filters": filters,
            "people": _sorted(name_of(seat) for each in week for seat in each.interview.interviewers),
            "jobs": _sorted(each.job for each in week),
            "candidates": _sorted(each.candidate for each in week),
            "coordinators": _sorted(each.interview.organizer.name for each in week if each.interview.organizer),
            "has_board": self._has_board,
            "finds": person.role is not Role.INTERVIEWER,
            "revision": person.organization.revision,
            "statuses": [(each.value, viewer.language.text(f"status.{each.value}")) for each in Status],
        }
        return Rendered("agenda.html", values)


def twice_booked(entries: Iterable[Entry], zone: ZoneInfo) -> set[int]:
    """Return the ids of the interviews that somebody holds at the time of another one."""
    bookings = [
        Booked(person, interview.start.instant(zone), interview.end.instant(zone), interview.id)
        for interview in (each.interview for each in entries)
        for person in booked(interview.interviewers)
    ]
    return {each for overlap in overlaps(sorted(bookings)) for each in overlap.interviews}


def _days(viewer: Viewer, entries: Iterable[Entry], today: date) -> list[AgendaDay]:
    """Return the days that have interviews, those of all day first."""
    by_day: dict[date, list[Entry]] = {}
    for each in entries:
        by_day.setdefault(day_of(viewer, each.interview.start), []).append(each)
    return [
        AgendaDay(
            viewer.language.day(day),
            day == today,
            [shown(viewer, each) for each in sorted(found, key=lambda each: not each.interview.start.is_date)],
        )
        for day, found in sorted(by_day.items())
    ]


def _sorted(names: Iterable[str | None]) -> list[tuple[str, str]]:
    """Return names as the options of a choice."""
    return [(name, name) for name in sorted({name for name in names if name}, key=str.casefold)]


def read_day(text: str, otherwise: date) -> date:
    """Return a day, by default another one, within the years that calendars show."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = otherwise
    return min(max(day, _EARLIEST), _LATEST)


def _address(week: date | None, filters: AgendaFilters) -> str:
    """Return the query of another week with the same filters."""
    given = {"view": "agenda", **{name: value for name, value in filters._asdict().items() if value}}
    if week is not None:
        given = {"week": week.isoformat(), **given}
    return f"?{urlencode(given)}"
