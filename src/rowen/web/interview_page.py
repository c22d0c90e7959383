"""The page of one interview, and the answers to its invitation.

Owns what is shown of an interview, and storing an answer. Must not know who may see what.
"""

from typing import Final
from zoneinfo import ZoneInfo

from rowen.api.identifiers import read_identifier
from rowen.app.answers import answer
from rowen.app.sessions import Person
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId
from rowen.web.page import Answer, PageRequest, Redirected, Rendered
from rowen.web.ports import PagePorts
from rowen.web.schedule import Detail, Entry
from rowen.web.views import (
    ANSWERS,
    Viewer,
    shown,
    shown_history,
    shown_scorecards,
    when,
    zone_of,
)

_RETURNS: Final = {"mine": "/me"}


class InterviewPage:
    """The page of an interview."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports

    async def show(self, request: PageRequest) -> Answer:
        """Show an interview."""
        person = request.session.person
        detail = await self._ports.schedule.detail(person, _identifier(request))
        return Rendered("interview.html", _values(request.viewer, person, detail))

    async def answer(self, request: PageRequest) -> Answer:
        """Store the person's answer, and return to the page that it was given on."""
        identifier = _identifier(request)
        response = next((each for each in ANSWERS if each.value == request.form.get("answer")), None)
        if response is None:
            raise Refusal(Code.INVALID)
        session = request.session
        organization = session.person.organization
        if organization.mirrored_from is not None:
            raise Refusal(Code.READ_ONLY)

        async def work(unit: UnitOfWork) -> WriteResult:
            return WriteResult(await answer(unit, identifier, session.person.user.id, response, session.name))

        await self._ports.writing.write(organization, work)
        return Redirected(_RETURNS.get(request.form.get("from", ""), f"/interviews/{identifier}"))


def _identifier(request: PageRequest) -> InterviewId:
    """Return the id in the path. Raises Refusal (not found) if it is none."""
    identifier = read_identifier(request.parameters["id"])
    if identifier is None:
        raise Refusal(Code.NOT_FOUND)
    return InterviewId(identifier)


def _values(viewer: Viewer, person: Person, detail: Detail) -> dict[str, object]:
    entry = detail.entry
    interview = entry.interview
    organizer = interview.organizer
    return {
        "interview": shown(viewer, entry),
        "times": _times(viewer, person, entry),
        "organizer": organizer.name if organizer else None,
        "own": own_answer(person, entry),
        "scorecards": None if detail.scorecards is None else shown_scorecards(viewer, detail.scorecards),
        "history": shown_history(viewer, entry, detail.history),
    }


def own_answer(person: Person, entry: Entry) -> str | None:
    """Return the answer that a person may change; None if there is none."""
    seat = entry.seat(person.user.id)
    return seat.response_status.value if seat is not None and entry.open else None


def _times(viewer: Viewer, person: Person, entry: Entry) -> list[tuple[str, str, str]]:
    """Return when an interview is, once for each time zone: the viewer's, and the organization's if it is another."""
    interview = entry.interview
    if interview.start.is_date:
        return [(when(viewer, interview), "", "")]
    team_key = person.organization.time_zone
    team = Viewer(viewer.language, ZoneInfo(team_key), team_key)
    found = [(when(viewer, interview), zone_of(viewer, interview), "interview.your_zone")]
    if team.zone.key != viewer.zone.key:
        found.append((when(team, interview), zone_of(team, interview), "interview.team_zone"))
    return found
