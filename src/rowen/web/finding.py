"""The page that searches the interviews of all weeks by names: of candidates, jobs and interviewers.

Owns what is searched, and how much of it is shown. Must not know the board, whose search knows the week that it shows.
Every look-up is by an index and bounded: the newest applications, and for those that match and a few people their
interviews.
"""

from collections.abc import Sequence
from datetime import UTC
from typing import Final, NamedTuple

from rowen.app.agenda import MOST_FOUND
from rowen.interviews.moments import Instant
from rowen.web.directory import person_name
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Rendered, WebRequest
from rowen.web.schedule import Entry
from rowen.web.views import Shown, Viewer, day_of, shown, when

_MOST: Final = 50
_MOST_PEOPLE: Final = 5
_LONGEST: Final = 200


class Found(NamedTuple):
    """An interview that was found, when it is, and the day at which the board shows it."""

    interview: Shown
    when: str
    day: str


class FindPage:
    """The page that searches interviews."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports

    async def show(self, request: WebRequest) -> Answer:
        """Show the interviews that a text names: those to come, the next first, then those that are over."""
        text, now = request.query.get("search", "").strip()[:_LONGEST], self._ports.now()
        entries, cut = await self._find(request, text, now) if text else ((), False)
        coming = [each for each in entries if each.interview.end.instant(UTC) >= now]
        past = [each for each in reversed(entries) if each.interview.end.instant(UTC) < now]
        parts = [("coming", coming), ("past", past)]
        values = {
            "search": text,
            "parts": [(name, _found(request.viewer, found[:_MOST])) for name, found in parts if found],
            "cut": cut or any(len(found) > _MOST for _, found in parts),
        }
        return Rendered("find.html", values)

    async def _find(self, request: WebRequest, text: str, now: Instant) -> tuple[Sequence[Entry], bool]:
        """Return the interviews that a text names, ordered by start, and whether there may be more."""
        organization, directory = request.session.person.organization, self._ports.directory
        applicants, more = await directory.search(organization, text, status=None)
        words = text.casefold().split()
        users = await directory.users(organization)
        named = [each.id for each in users if all(word in person_name(each).casefold() for word in words)]
        applications = [each.application for each in applicants]
        found = await self._ports.schedule.found(organization, applications, named[:_MOST_PEOPLE], now)
        return found, more or len(named) > _MOST_PEOPLE or len(found) >= MOST_FOUND


def _found(viewer: Viewer, entries: Sequence[Entry]) -> list[Found]:
    return [
        Found(shown(viewer, each), when(viewer, each.interview), day_of(viewer, each.interview.start).isoformat())
        for each in entries
    ]
