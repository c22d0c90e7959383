"""The page that makes a booking link for a candidate, and shows its address once.

Owns what is asked before a link is made that offers no time. Must not know the fields of the form (`link_form.py`), or
how links are stored: making one is a call of the API.
"""

from datetime import timedelta
from typing import Any, Final

import msgspec

from rowen.api.identifiers import read_identifier
from rowen.api.reading.slot_fields import read_question
from rowen.interviews.errors import Code, Refusal
from rowen.web.calls import Calls
from rowen.web.directory import person_name
from rowen.web.forms import Form
from rowen.web.link_form import PlanChoices, add_defaults, first_fields, link_body, offered
from rowen.web.link_list import OPEN, REVOKE, ShownLink, links_of
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Rendered, WebRequest
from rowen.web.time_search import DAYS
from rowen.web.time_words import AskedTimes, TimesInWords, written_times
from rowen.web.views import local
from rowen.web.working_hours import give_usual

_MAKE: Final = ("POST", "/rowen/v1/booking_links")
_OF_LINKS: Final = ("expires_in_days", "moves", "change_notice_minutes")
"""The fields of a link that a question for slots does not have."""


class _Made(msgspec.Struct):
    id: int
    url: str


class LinkMaking:
    """Makes a booking link for an application."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._calls = calls

    async def show(self, request: WebRequest) -> Answer:
        """Show the form, with the interviews of the candidate's stage chosen."""
        plan = await self._plan(request)
        return await self._page(request, plan, Form(request.language, first_fields(plan)))

    async def make(self, request: WebRequest) -> Answer:
        """Make a link, which replaces those for the same interviews that are still open.

        Ask before if they are booked with a link already, or no time is free, with the reasons.
        Raises Refusal: not found.
        """
        plan, form = await self._plan(request), Form(request.language, request.form)
        body = link_body(request, form, plan)
        if body is None:
            return await self._page(request, plan, form)
        if form.value("action") == "usual_hours":
            await give_usual(self._ports, request, _users(body, plan))
        covers = frozenset(each["interview_id"] for each in body["sessions"])
        links = await links_of(self._ports, request, plan.applicant.application)
        booked = next((each.details for each in links if each.is_to_come and each.covers & covers), "")
        try:
            if form.value("action") != "anyway":
                times = await self._times(request, plan, body)
                if not times.total or booked:
                    return await self._page(request, plan, form, times, booked)
            made = await self._calls.make(request, _MAKE, body)
        except Refusal as refusal:
            if refusal.code is not Code.INVALID:
                raise
            form.note_refused(refusal.problems, {"sessions": ("interview", "book.link_complex")})
            return await self._page(request, plan, form)
        link = msgspec.json.decode(made.body or b"", type=_Made)
        await self._replace(request, plan.applicant.application, covers, link.id)
        text = request.language.text
        listed = [(each["name"] or text("book.session"), each["minutes"]) for each in body["sessions"]]
        values = {"applicant": plan.applicant, "sessions": listed, "url": link.url, "days": body["expires_in_days"]}
        return Rendered("booking_link.html", values)

    async def _plan(self, request: WebRequest) -> PlanChoices:
        """Return what the form chooses from.

        Raises Refusal: not found without a candidate who has a job; read-only in a mirror.
        """
        request.require_own_records()
        organization, directory = request.session.person.organization, self._ports.directory
        identifier = read_identifier(request.parameters["id"])
        applicant = identifier and await directory.applicant(organization, identifier)
        if not applicant or applicant.job is None:
            raise Refusal(Code.NOT_FOUND)
        people = {each.id: person_name(each) for each in await directory.people(organization)}
        stages = await directory.plan(organization, applicant.job.id)
        return PlanChoices(applicant, stages, people, await directory.pools(organization))

    async def _page(
        self, request: WebRequest, plan: PlanChoices, form: Form, times: TimesInWords | None = None, booked: str = ""
    ) -> Answer:
        """Show the form; `times` say why no time is free, `booked` when the interviews are that are booked already."""
        today = local(request.viewer, self._ports.now()).date()
        add_defaults(form, today, today + timedelta(days=DAYS - 1))
        values = {
            "form": form,
            "applicant": plan.applicant,
            "offered": offered(request, form, plan),
            "has_rooms": bool(await self._ports.directory.rooms(request.session.person.organization)),
            "today": today.isoformat(),
            "times": times,
            "booked": booked,
            "lacks_hours": times is not None and any(each.value == "usual_hours" for each in times.missing),
        }
        return Rendered("booking_link_form.html", values, form.status)

    async def _replace(self, request: WebRequest, application: int, covers: frozenset[int], made: int) -> None:
        """Revoke the other links for the same interviews, unless one was booked meanwhile."""
        for each in await links_of(self._ports, request, application):
            if each.covers == covers and each.state == OPEN and each.id != made:
                await self._revoke(request, each)

    async def _revoke(self, request: WebRequest, link: ShownLink) -> None:
        """Revoke a link, if nobody else has done so."""
        try:
            await self._calls.make(request, REVOKE, id=link.id)
        except Refusal as refusal:
            if refusal.code is not Code.NOT_FOUND:
                raise

    async def _times(self, request: WebRequest, plan: PlanChoices, body: dict[str, Any]) -> TimesInWords:
        """Return the times that a link would offer, with the reasons if there are none. Raises Refusal (invalid)."""
        question = {name: value for name, value in body.items() if name not in _OF_LINKS}
        asked = msgspec.structs.replace(read_question(msgspec.json.encode(question)), limit=1, ranked=True)
        answer = await self._ports.services.planner.find(request.session.person.organization, asked)
        pools = {each.id: each.name for each in plan.pools}
        return written_times(request.viewer, AskedTimes(asked, pools, {}, False, False), answer)


def _users(body: dict[str, Any], plan: PlanChoices) -> set[int]:
    """Return everybody who may hold an interview of a link."""
    seats = [seat for session in body["sessions"] for seat in session["seats"]]
    pools = {seat["pool"] for seat in seats if "pool" in seat}
    members = {one.user_id for each in plan.pools if each.id in pools for one in each.members}
    return members.union(*(seat.get("users", ()) for seat in seats))
