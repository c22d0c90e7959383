"""The form of a person's availability: working hours, limits and time off, as people write them.

Owns how the fields become an availability, and back, and the page of one's own. Must not know how an availability is
stored: that is a call of the API.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from rowen.api.codec.setups import AvailabilityRecord, HoursRecord
from rowen.api.identifiers import read_identifier
from rowen.api.reading import setup_fields
from rowen.app.records import AVAILABILITY, RecordQuery
from rowen.app.roles import OWN_AVAILABILITY
from rowen.interviews.availability import WEEKDAYS
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId, ResponseStatus
from rowen.interviews.moments import Instant
from rowen.web.answering import Answering
from rowen.web.calls import Calls
from rowen.web.forms import Form
from rowen.web.interview_page import own_answer
from rowen.web.local_times import read_hours
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, Rendered, WebRequest, zone_of
from rowen.web.schedule import Entry
from rowen.web.time_off import fields_of, interviews_in, read_time_off, rows_of
from rowen.web.views import shown, when
from rowen.web.zones import zone_groups

REPLACE: Final = ("PUT", "/rowen/v1/users/{id}/availability")
_WORKED: Final = "9\u201317"
_HOUR: Final = 60
_FIELDS: Final = {"holidays": ("holidays", "availability.bad_holidays"), "time_zone": ("zone", "availability.bad_zone")}

_decode: Final = msgspec.json.Decoder(AvailabilityRecord).decode


class AvailabilityForm:
    """The form of the availability of a user: for oneself, and in the settings for others."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._calls = calls

    async def show(self, request: WebRequest, user: int) -> Form:
        """Return the form with the stored availability, or usual working hours for a user without one."""
        person, now = request.session.person, self._ports.now()
        zone = request.viewer.zone_key if user == person.user.id else person.organization.time_zone
        return Form(request.language, defaults=_given(zone, await self._stored(request, user), now))

    async def save(self, request: WebRequest, user: int, own: str | None = None) -> Form:
        """Replace the availability, and return the form: with problems if it was not accepted.

        `own` is the permission for one's own things, if that is what the form is for.
        """
        form, stored = Form(request.language, request.form), await self._stored(request, user)
        body = _body(form, stored) | {"time_off": read_time_off(form, request.language, stored, self._ports.now())}
        if not form.problems:
            try:
                await self._calls.make(request, REPLACE, body, own=own, id=user)
            except Refusal as refusal:
                if refusal.code is not Code.INVALID:
                    raise
                _note(form, refusal)
        return form

    def values(self, request: WebRequest, form: Form) -> dict[str, Any]:
        """Return what the template of the form needs."""
        likely = (form.value("zone"), request.device_zone, request.session.person.organization.time_zone)
        zones = zone_groups(request.language, *likely)
        days = [(day, request.language.weekday(number)) for number, day in enumerate(WEEKDAYS)]
        return {"form": form, "zones": zones, "days": days, "absences": rows_of(form)}

    async def own_interviews_off(self, request: WebRequest) -> Sequence[Entry]:
        """Return the interviews that the person of the session holds during the own time off."""
        person = request.session.person
        stored = await self._stored(request, person.user.id)
        return await interviews_in(self._ports.schedule, person, stored, self._ports.now())

    async def _stored(self, request: WebRequest, user: int) -> AvailabilityRecord | None:
        organization, records = request.session.person.organization, self._ports.services.records
        document = await records.document(organization, RecordQuery(AVAILABILITY), user)
        return None if document is None else _decode(document)


class OwnAvailability:
    """The page of a person's own availability."""

    def __init__(self, form: AvailabilityForm, answering: Answering) -> None:
        self._form = form
        self._answering = answering

    async def show(self, request: WebRequest) -> Answer:
        """Show the availability, or usual working hours for somebody without one."""
        return await self._page(request, await self._form.show(request, request.session.person.user.id))

    async def save(self, request: WebRequest) -> Answer:
        """Replace the availability, and return to the own interviews, unless some of them lie in the time off."""
        form = await self._form.save(request, request.session.person.user.id, OWN_AVAILABILITY)
        if form.problems:
            return await self._page(request, form)
        return await self._leave(request, "saved")

    async def decline(self, request: WebRequest) -> Answer:
        """Decline the interviews in the own time off that the page listed, and return as after saving."""
        seen = {read_identifier(each) for each in request.form.all("interview")}
        for each in await self._form.own_interviews_off(request):
            if each.interview.id in seen and own_answer(request.session.person, each) is not None:
                await self._answering.give(request, InterviewId(each.interview.id), ResponseStatus.DECLINED)
        return await self._leave(request, "declined")

    async def _leave(self, request: WebRequest, message: str) -> Answer:
        are_off = await self._form.own_interviews_off(request)
        return Redirected("/me/availability" if are_off else "/me", message=message)

    async def _page(self, request: WebRequest, form: Form) -> Rendered:
        person, viewer = request.session.person, request.viewer
        off = [
            (shown(viewer, each), when(viewer, each.interview), own_answer(person, each))
            for each in await self._form.own_interviews_off(request)
        ]
        return Rendered("availability.html", {**self._form.values(request, form), "off": off}, form.status)


def _given(zone: str, stored: AvailabilityRecord | None, now: Instant) -> dict[str, str]:
    """Return the fields of an availability; usual ones in a time zone without one."""
    if stored is None:
        worked = {day: _WORKED if number < 5 else "" for number, day in enumerate(WEEKDAYS)}
        return {"zone": zone, **worked, "before": "0", "after": "0", "notice": "0"}
    limits = stored.limits
    return {
        "zone": stored.time_zone,
        **{day: ", ".join(map(_written, stored.working_hours.get(day, ()))) for day in WEEKDAYS},
        "before": str(stored.buffer_minutes.before),
        "after": str(stored.buffer_minutes.after),
        "per_day": "" if limits.per_day is None else str(limits.per_day),
        "per_week": "" if limits.per_week is None else str(limits.per_week),
        "notice": str(stored.minimum_notice_minutes // _HOUR),
        "holidays": stored.holidays or "",
        **fields_of(stored, now),
    }


def _written(hours: HoursRecord) -> str:
    """Write working hours as short as people do, so that a phone shows those of a day: `9\u201312:30`."""
    return "\u2013".join(each.removeprefix("0").removesuffix(":00") for each in (hours.start, hours.end))


def _body(form: Form, stored: AvailabilityRecord | None) -> dict[str, Any]:
    """Return the body of the call but for the time off, after noting the problems."""
    notice = (form.whole("notice", 0, setup_fields.LONGEST_NOTICE // _HOUR, "form.minutes") or 0) * _HOUR
    if stored is not None and notice // _HOUR == stored.minimum_notice_minutes // _HOUR:
        notice = stored.minimum_notice_minutes
    zone = form.value("zone")
    if zone_of(zone) is None:
        form.note("zone", "availability.bad_zone")
    return {
        "time_zone": zone,
        "working_hours": {day: hours for day in WEEKDAYS if (hours := _hours(form, day))},
        "buffer_minutes": {
            name: form.whole(name, 0, setup_fields.DAY_MINUTES, "form.minutes") or 0 for name in ("before", "after")
        },
        "limits": {name: _count(form, name) for name in ("per_day", "per_week")},
        "minimum_notice_minutes": notice,
        "holidays": form.text("holidays").upper() or None,
    }


def _count(form: Form, name: str) -> int | None:
    return form.whole(name, 0, setup_fields.LARGEST_LIMIT, "availability.bad_count") if form.text(name) else None


def _hours(form: Form, day: str) -> list[dict[str, str]]:
    """Return the working hours of a day."""
    found = read_hours(form.text(day))
    if found is None:
        form.note(day, "availability.bad_hours")
    return [{"from": start, "to": end} for start, end in found or ()]


def _note(form: Form, refusal: Refusal) -> None:
    """Note what the API says is wrong, at the field of the form."""
    for problem in refusal.problems:
        head, _, rest = problem.field.partition(".")
        day = re.split(r"\W", rest)[0]
        if head == "working_hours" and day in WEEKDAYS:
            form.note(day, "availability.bad_hours")
        elif head.startswith("time_off"):
            form.note("time_off", "availability.bad_time_off")
        else:
            form.note_refused([problem], _FIELDS)
