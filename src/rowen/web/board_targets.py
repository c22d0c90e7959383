"""Where an interview of the board can be dropped: the times of a week at which its people and its room are free.

Owns which question an interview becomes. Must not know how times are found, or the board.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from rowen.api.identifiers import read_identifier
from rowen.app.organizations import Organization
from rowen.app.planning import MINUTE
from rowen.app.slots import RoomInput, SeatInput, SessionInput, SlotsInput
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId, ResponseStatus, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.web.agenda_page import read_day
from rowen.web.directory import LONGEST_MINUTES
from rowen.web.local_times import clock_at
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Data, WebRequest
from rowen.web.views import Viewer, local

_WEEK: Final = timedelta(days=7)
_STEP: Final = 15
"""The minutes by which interviews are dragged."""

_FINE_STEP: Final = 5
"""The step for an interview that does not begin at a quarter of an hour."""

_MOST: Final = 7 * 24 * 60 // _FINE_STEP


class DropTarget(msgspec.Struct, frozen=True):
    """Times at which an interview can start, from `first` to `last`; the latest ends at `until`. All are wall clock."""

    first: str
    last: str
    until: str


class BoardTargets:
    """Finds where interviews can be dropped."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports

    async def find(self, request: WebRequest) -> Answer:
        """Return the targets of an interview in the week of a day. Raises Refusal: not found; forbidden."""
        request.require("slots:find")
        person, identifier = request.session.person, read_identifier(request.parameters["id"])
        found = [] if identifier is None else await self._ports.schedule.now(person, [InterviewId(identifier)])
        if not found:
            raise Refusal(Code.NOT_FOUND)
        asked = await self._question(request, found[0].interview)
        starts = [] if asked is None else await self._starts(person.organization, asked)
        return Data(msgspec.json.encode([] if asked is None else list(_targets(request.viewer, asked, starts))))

    async def _question(self, request: WebRequest, interview: ScheduledInterview) -> SlotsInput | None:
        """Return the question for when an interview can be; None of one without times of day, or without users."""
        viewer, organization = request.viewer, request.session.person.organization
        start, end = interview.start.date_time, interview.end.date_time
        users = [each.id for each in interview.interviewers if each.response_status is not ResponseStatus.DECLINED]
        seats = tuple(SeatInput(users=(each,)) for each in users if each is not None)
        minutes = 0 if start is None or end is None else (end - start) // MINUTE
        if start is None or not 0 < minutes <= LONGEST_MINUTES or not seats:
            return None
        rooms = [each.name for each in await self._ports.directory.rooms(organization)]
        room = RoomInput(name=interview.location) if interview.location in rooms else None
        today = local(viewer, self._ports.now()).date()
        first = viewer.language.week_of(read_day(request.query.get("week", ""), today))
        window = (Instant.at_midnight(first, viewer.zone), Instant.at_midnight(first + _WEEK, viewer.zone))
        return SlotsInput(
            window=window,
            sessions=(SessionInput(minutes=minutes, seats=seats, room=room),),
            step_minutes=_FINE_STEP if start % (_STEP * MINUTE) else _STEP,
            application_id=interview.application_id,
            reschedule=(interview.id,),
            limit=_MOST,
            explain=False,
            usual_hours=True,
        )

    async def _starts(self, organization: Organization, asked: SlotsInput) -> list[int]:
        """Return when the interview can start, in milliseconds; never if the panel has somebody who is unknown."""
        try:
            answer = await self._ports.services.planner.find(organization, asked)
        except Refusal as refusal:
            if refusal.code is not Code.INVALID:
                raise
            return []
        return [slot[0].span.start * MINUTE for slot in answer.slots.slots]


def _targets(viewer: Viewer, asked: SlotsInput, starts: Sequence[int]) -> Iterator[DropTarget]:
    """Yield the targets of starts: one for all that follow each other."""
    step = asked.step_minutes * MINUTE
    length = next(each.minutes for each in asked.sessions if each is not None) * MINUTE
    first = 0
    for place, start in enumerate(starts, 1):
        if place == len(starts) or starts[place] != start + step:
            ends = (starts[first], start, start + length)
            yield DropTarget(*(clock_at(Instant(each), viewer.zone) for each in ends))
            first = place
