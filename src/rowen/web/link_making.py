"""The form that makes a booking link for a candidate, from the plan of the stage that the candidate is in.

Owns which question a plan becomes. Must not know how links are stored: it is a call of the API.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from rowen.api.identifiers import read_identifier
from rowen.app.slots import SeatInput, SessionInput, SlotsInput
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.moments import Instant
from rowen.web.calls import Calls
from rowen.web.directory import Applicant, Stage
from rowen.web.link_list import BOOKED, OPEN, REVOKE, links_of
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, PageRequest, Redirected, Rendered
from rowen.web.time_words import Asked, Times, written_times
from rowen.web.working_hours import give_usual

_MAKE: Final = ("POST", "/rowen/v1/booking_links")
_DAYS: Final = 14
_DAY: Final = 86_400_000  # milliseconds


class _Made(msgspec.Struct):
    id: int
    url: str


class LinkMaking:
    """Makes a booking link for an application, and shows its address once."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._calls = calls

    async def show(self, request: PageRequest) -> Answer:
        """Lead back to the page with the button: an address is shown only once, also if its page is loaded again."""
        identifier = read_identifier(request.parameters["id"])
        return Redirected(f"/interviews/new?application={identifier}" if identifier is not None else "/")

    async def make(self, request: PageRequest) -> Answer:
        """Make a link for the interviews of the current stage, which replaces those of the stage that are still open.

        Ask before if they are booked with a link already, or no time is free, with the reasons.
        Raises Refusal: not found; invalid if the plan has none that can be booked.
        """
        organization, now = request.session.person.organization, self._ports.now()
        identifier = read_identifier(request.parameters["id"])
        applicant = identifier and await self._ports.directory.applicant(organization, identifier)
        if not applicant or applicant.job is None:
            raise Refusal(Code.NOT_FOUND)
        stages = await self._ports.directory.plan(organization, applicant.job.id)
        people = {each.id for each in await self._ports.directory.people(organization)}
        sessions = sessions_of(applicant, stages, people)
        if not sessions:
            raise Refusal(Code.INVALID)
        if request.form.get("action") == "usual_hours":
            await give_usual(self._ports, request, {user for each in sessions for user in _users(each)})
        window = now, Instant(now + _DAYS * _DAY)
        listed = [(each["name"] or request.language.text("book.session"), each["minutes"]) for each in sessions]
        shown = {"applicant": applicant, "sessions": listed}
        covers = frozenset(each["interview_id"] for each in sessions)
        same = [each for each in await links_of(self._ports, request, applicant.application) if each.covers == covers]
        booked = next((each.details for each in same if each.state == BOOKED), None)
        if request.form.get("action") != "anyway":
            times = await self._times(request, applicant, sessions, window)
            if not times.total or booked:
                return _question(shown, times, booked)
        body = {
            "application_id": applicant.application,
            "window": {"from": str(window[0]), "to": str(window[1])},
            "time_zones": [organization.time_zone],
            "sessions": sessions,
            "order": "any",
        }
        made = await self._calls.make(request, _MAKE, body)
        link = msgspec.json.decode(made.body or b"", type=_Made)
        for each in await links_of(self._ports, request, applicant.application):  # one may have been booked meanwhile
            if each.covers == covers and each.state == OPEN and each.id != link.id:
                await self._revoke(request, each.id)
        return Rendered("booking_link.html", {**shown, "url": link.url})

    async def _revoke(self, request: PageRequest, identifier: int) -> None:
        """Revoke a link, if nobody else has done so."""
        try:
            await self._calls.make(request, REVOKE, id=identifier)
        except Refusal as refusal:
            if refusal.code is not Code.NOT_FOUND:
                raise

    async def _times(
        self,
        request: PageRequest,
        applicant: Applicant,
        sessions: Sequence[dict[str, Any]],
        window: tuple[Instant, Instant],
    ) -> Times:
        """Return the times that a link would offer, with the reasons if there are none."""
        asked = SlotsInput(
            window=window,
            sessions=tuple(
                SessionInput(
                    minutes=each["minutes"],
                    seats=tuple(SeatInput(users=tuple(seat["users"])) for seat in each["seats"]),
                    interview_id=each["interview_id"],
                )
                for each in sessions
            ),
            application_id=applicant.application,
            in_any_order=True,
            limit=1,
            ranked=True,
        )
        answer = await self._ports.services.planner.find(request.session.person.organization, asked)
        names: dict[int, str] = {}
        return written_times(request.viewer, Asked(asked, names, names, False, False), answer)


def _question(shown: dict[str, Any], times: Times, booked: str | None) -> Rendered:
    """Ask before a link is made that offers no time; `booked` says when the interviews are, if they are booked."""
    lacks_hours = any(each.value == "usual_hours" for each in times.missing)
    values = {**shown, "times": times, "lacks_hours": lacks_hours, "booked": booked}
    return Rendered("booking_link_check.html", values)


def _users(session: dict[str, Any]) -> list[int]:
    return [user for seat in session["seats"] for user in seat["users"]]


def sessions_of(applicant: Applicant, stages: Sequence[Stage], people: Collection[int]) -> list[dict[str, Any]]:
    """Return the sessions of a question: the interviews of the current stage, each with its usual interviewers.

    None if one of them has no length or nobody who usually holds it: no time could be found for it.
    """
    stage = next((each for each in stages if each.id == applicant.stage), None)
    found: list[dict[str, Any]] = []
    for each in stage.interviews if stage is not None else ():
        seats = [{"users": [user]} for user in each.defaults if user in people]
        if each.minutes is None or not seats:
            return []
        found.append({"name": each.name, "minutes": each.minutes, "interview_id": each.id, "seats": seats})
    return found
