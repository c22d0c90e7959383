"""The last step of scheduling: panel, time and place become an interview.

Owns how these fields are read, what is asked back, and how a refusal is put into words. Must not know the steps before,
or who may schedule. The use case is that of the API.
"""

import re
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from rowen.api.codec.documents import decode
from rowen.api.identifiers import read_identifier
from rowen.api.reading import values
from rowen.api.response import Response
from rowen.api.v2.interviews import schedule as schedule_by_call
from rowen.app.organizations import DoubleBooking
from rowen.app.scheduling import plan_new, schedule
from rowen.app.unit_of_work import IdempotentRequest, UnitOfWork, WriteResult
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.interview import InterviewId, Moment, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import MOST_INTERVIEWERS, UNSET, InterviewerInput, InterviewFields
from rowen.web.calls import Calls
from rowen.web.directory import LONGEST_MINUTES, person_name
from rowen.web.forms import Form
from rowen.web.page import OF_ACCOUNT
from rowen.web.ports import PagePorts
from rowen.web.request import WebRequest
from rowen.web.submissions import once, write_once
from rowen.web.time_fields import ends_of
from rowen.web.views import shown, times_of

CREATE: Final = ("POST", "/v2/scheduled_interviews")

MINUTES: Final = 60
"""How long an interview is whose plan does not name it, in minutes."""

_LEAST_MINUTES: Final = 5
_EARLIER: Final = 7 * 86_400_000
"""How long before a time an interview may begin that lasts until then, where people are shown who is booked."""

_TO: Final = "\u2013"
_KEYS: Final = {
    "application_id": ("form", "new.closed"),
    "interview_id": ("form", "new.plan_changed"),
    "interviewers": ("panel", "new.not_available"),
}


class ScheduleForm(NamedTuple):
    """The form of the last step, and what was chosen before."""

    form: Form
    application: int
    interview: int | None
    panel: tuple[int, ...]


class _BookedError(Exception):
    """Somebody would be in two interviews, and nobody has confirmed it."""


class Scheduling:
    """Schedules interviews from forms."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._calls = calls

    async def schedule(self, request: WebRequest, wanted: ScheduleForm) -> InterviewId | None:
        """Schedule an interview, and return its id; None, with the problems noted in the form."""
        fields = self._fields(request, wanted)
        if fields is None:
            return None
        try:
            document = await self._write(request, fields, confirmed=wanted.form.value("anyway") == "1")
        except _BookedError:
            await self._note_booked(request, wanted, fields)
            return None
        except Refusal as refusal:
            if refusal.code is Code.CONFLICT:
                await self._note_booked(request, wanted, fields)
            elif refusal.code is Code.INVALID:
                wanted.form.note_refused(refusal.problems, _KEYS)
            elif refusal.code in OF_ACCOUNT:
                wanted.form.note("form", f"error.{refusal.code.value}_hint")
            else:
                raise
            return None
        return InterviewId(decode(document).id)

    async def _write(self, request: WebRequest, fields: InterviewFields, *, confirmed: bool) -> bytes:
        """Schedule an interview, in a mirror in its account, and return its document. Raises Refusal, _BookedError."""

        async def work(unit: UnitOfWork) -> WriteResult:
            made = await schedule(unit, fields, request.session.name)
            if made.overlapping and not confirmed:
                raise _BookedError
            return WriteResult(made.document)

        async def check(unit: UnitOfWork) -> WriteResult:
            if (await plan_new(unit, fields)).overlapping and not confirmed:
                raise _BookedError
            return WriteResult(b"")

        async def pass_on(key: IdempotentRequest) -> Response:
            sent = self._calls.request(request, CREATE, headers={b"idempotency-key": key.key.encode()})
            return await schedule_by_call(self._ports.services, sent, fields)

        if request.session.person.organization.mirrored_from is None:
            return (await write_once(self._ports.writing, request, "interview", work)).body
        await write_once(self._ports.writing, request, "check", check)
        return (await once(request, "interview", pass_on)).body or b""

    def _fields(self, request: WebRequest, wanted: ScheduleForm) -> InterviewFields | None:
        """Return the fields of the interview; None, with the problems noted."""
        form = wanted.form
        ends = ends_of(request.viewer, form, _LEAST_MINUTES, LONGEST_MINUTES)
        guests = _guests(form)
        if not wanted.panel and not guests:
            form.note("panel", "new.panel_needed")
        elif len(wanted.panel) + len(guests) > MOST_INTERVIEWERS:
            form.note("panel", "new.panel_large", most=MOST_INTERVIEWERS)
        location = form.read_optional("location", values.text, "form.text")
        video = form.read_optional("video", values.web_address, "form.address")
        organizer = read_identifier(form.value("organizer")) or request.session.person.user.id
        if form.problems or ends is None:
            return None
        return InterviewFields(
            application_id=wanted.application,
            interview_id=UNSET if wanted.interview is None else wanted.interview,
            interviewers=(
                *(InterviewerInput(user_id=each) for each in wanted.panel),
                *(InterviewerInput(email=each) for each in guests),
            ),
            start=ends[0],
            end=ends[1],
            location=location,
            video_conferencing_url=video,
            on_behalf_of=organizer,
            knows_guests=True,
        )

    async def _note_booked(self, request: WebRequest, wanted: ScheduleForm, fields: InterviewFields) -> None:
        """Note who is in which other interview at that time; where that is allowed, it can be confirmed."""
        viewer, organization = request.viewer, request.session.person.organization
        names = {each.id: person_name(each) for each in await self._ports.directory.people(organization)}
        zone = ZoneInfo(organization.time_zone)
        start, end = _instant(fields.start, zone), _instant(fields.end, zone)
        found = []
        for user in wanted.panel:
            others = await self._ports.schedule.of_user(organization, user, Instant(start - _EARLIER), end)
            for each in others.found:
                if _overlaps(each.interview, start, end, zone):
                    one = shown(viewer, each)
                    begins, ends = times_of(viewer, each.interview)
                    found.append(
                        f"{names.get(user, user)}: {one.title}, {one.candidate}, {begins}{ends and _TO + ends}"
                    )
        taken = await self._others_in_room(request, fields.location, (start, end))
        rejects = organization.double_booking is DoubleBooking.REJECT
        suffix = "" if rejects else "_confirm"
        if found:
            wanted.form.note("panel", f"new.booked{suffix}", others="; ".join(found))
        elif not taken:
            wanted.form.note("panel", "new.booked_somebody")
        if taken:
            wanted.form.note("location", f"new.taken{suffix}", others="; ".join(taken))
        if not rejects:
            wanted.form.offer("anyway", [("1", "")])

    async def _others_in_room(self, request: WebRequest, location: object, times: tuple[Instant, Instant]) -> list[str]:
        """Return the interviews at the same place and time, in words, if the place is a room."""
        viewer, person = request.viewer, request.session.person
        if location not in [each.name for each in await self._ports.directory.rooms(person.organization)]:
            return []
        (start, end), zone = times, ZoneInfo(person.organization.time_zone)
        others = await self._ports.schedule.visible(person, Instant(start - _EARLIER // 7), end)
        return [
            f"{one.title}, {one.candidate}, {one.time}"
            for each in others.found
            if each.interview.location == location and _overlaps(each.interview, start, end, zone)
            for one in (shown(viewer, each),)
        ]


def _guests(form: Form) -> list[str]:
    """Return the addresses of guests, once each, after noting those that are none."""
    found = list(dict.fromkeys(each for each in re.split(r"[\s,;]+", form.text("guests")) if each))
    for each in found:
        if values.email.read(Problems(), "guests", each) is None:
            form.note("guests", "new.bad_guest", address=each)
    return found


def _instant(moment: object, zone: ZoneInfo) -> Instant:
    return moment.instant(zone) if isinstance(moment, Moment) else Instant(0)


def _overlaps(interview: ScheduledInterview, start: Instant, end: Instant, zone: ZoneInfo) -> bool:
    return interview.start.instant(zone) < end and start < interview.end.instant(zone)
