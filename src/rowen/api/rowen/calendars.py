"""Calendars: making their secret addresses, and reading them there. Operations that Harvest does not have.

Owns what each does between an authorised request and its response, its bodies, and the JSON of calendars. Must not know
HTTP's transport, authentication or SQL, nor the text of a calendar.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import anyio.to_thread
import msgspec

from rowen.api import examples
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.conditional import document_etag
from rowen.api.parameters import Parameter, path_id
from rowen.api.reading import values
from rowen.api.reading.body import Body
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response, deleted
from rowen.api.schemas import TEXT
from rowen.app.calendars import READING, Calendar, CalendarEvent, CalendarKind, CalendarSubject
from rowen.app.organizations import Organization
from rowen.app.records import JOBS, ROOMS, USERS, RecordQuery
from rowen.app.services import Services
from rowen.interviews.errors import Problems
from rowen.interviews.moments import Instant

PATH: Final = "/calendars/{secret}.ics"

_TAG: Final = "Calendars"
_COLLECTION: Final = "/rowen/v1/calendars"
_FIELDS: Final = {
    "user_id": CalendarKind.USER,
    "job_id": CalendarKind.JOB,
    "application_id": CalendarKind.APPLICATION,
    "room_id": CalendarKind.ROOM,
}
_RESOURCES: Final = {CalendarKind.USER: USERS, CalendarKind.JOB: JOBS, CalendarKind.ROOM: ROOMS}
_MEDIA_TYPE: Final = "text/calendar"
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode

_EXAMPLE: Final = {
    "id": 1,
    "user_id": examples.INTERVIEWER_ID,
    "job_id": None,
    "application_id": None,
    "room_id": None,
    "created_at": examples.V3_ROW["created_at"],
    "last_used_at": None,
}
_URL: Final = "https://rowen.example.com/calendars/d2f1c0a9b8e7f6a5d4c3b2a1908f7e6d5c4b3a29.ics"
_TEXT: Final = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Rowen//Interview schedule//EN\r\nEND:VCALENDAR\r\n"


class CalendarRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar as served, without its address.

    Of the four ids at most one is set: without any it contains the interviews of the whole organization.
    """

    id: int
    user_id: int | None
    job_id: int | None
    application_id: int | None
    room_id: int | None
    created_at: Instant
    last_used_at: Instant | None


class CalendarWithAddress(CalendarRecord, frozen=True, kw_only=True):
    """A calendar as served once, with its secret address."""

    url: str


_NEW_CALENDAR: Final = Body(
    "NewCalendar", dict.fromkeys(_FIELDS, values.identifier), {"user_id": examples.INTERVIEWER_ID}, optional=True
)


async def list_calendars(services: Services, request: ApiRequest) -> Response:
    """List the calendars, ordered by id."""
    found = await services.calendars.store.all(request.organization.id)
    content = _encode([CalendarRecord(**_fields(each)) for each in found])
    etag = document_etag(content)
    return Response(None if request.has_copy(etag) else content, etag)


async def create_calendar(services: Services, request: ApiRequest) -> Response:
    """Add a calendar; only this response contains its address."""
    calendar, secret = await services.calendars.add(request.organization, _read_subject(request))
    url = request.address.removesuffix(_COLLECTION) + PATH.format(secret=secret)
    return Response(_encode(CalendarWithAddress(url=url, **_fields(calendar))))


async def delete_calendar(services: Services, request: ApiRequest) -> Response:
    """Remove a calendar: its address is unknown from the next request on."""
    identifier = request.identifier()
    await services.calendars.remove(request.organization.id, identifier)
    return Response(deleted("Calendar", identifier))


async def retrieve_calendar(services: Services, request: ApiRequest) -> Response:
    """Return the interviews of a calendar as iCalendar, at its secret address."""
    organization = request.organization
    calendar, events = await services.calendars.read(organization, request.identifiers["secret"])
    kind, subject = calendar.subject
    document = None
    if kind in _RESOURCES and subject is not None:
        document = await services.records.document(organization, RecordQuery(_RESOURCES[kind]), subject)
    content = await anyio.to_thread.run_sync(_render, organization, kind, document, events, limiter=_one_at_a_time())
    etag = f"W/{document_etag(content)}"
    return Response(None if request.has_copy(etag) else content, etag, media_type=f"{_MEDIA_TYPE};charset=utf-8")


@cache
def _one_at_a_time() -> anyio.CapacityLimiter:
    """Return the limit of calendars that are rendered at a time: a large one takes a second the first time."""
    return anyio.CapacityLimiter(1)


def _render(
    organization: Organization, kind: CalendarKind, subject: bytes | None, events: Sequence[CalendarEvent]
) -> bytes:
    from rowen.api.codec.calendars import calendar_text  # a server without calendars starts sooner

    return calendar_text(organization, kind, subject, events)


def _read_subject(request: ApiRequest) -> CalendarSubject:
    if not request.body:
        return CalendarSubject(CalendarKind.ORGANIZATION)
    problems = Problems()
    fields = _NEW_CALENDAR.read(request.body, problems)
    if len(fields) > 1:
        problems.note("body", f"Must have at most one of {', '.join(_FIELDS)}")
    problems.raise_any()
    for name, identifier in fields.items():
        return CalendarSubject(_FIELDS[name], identifier)
    return CalendarSubject(CalendarKind.ORGANIZATION)


def _fields(calendar: Calendar) -> dict[str, Any]:
    kind, subject = calendar.subject
    return {
        "id": calendar.id,
        **{name: subject if kind is each else None for name, each in _FIELDS.items()},
        "created_at": calendar.created_at,
        "last_used_at": calendar.last_used_at,
    }


OPERATIONS: Final = (
    Operation(
        "GET",
        _COLLECTION,
        "calendars:list",
        list_calendars,
        "List calendars",
        _TAG,
        Reply(list[CalendarRecord], [_EXAMPLE], "The calendars, ordered by id"),
    ),
    Operation(
        "POST",
        _COLLECTION,
        "calendars:create",
        create_calendar,
        "Add a calendar",
        _TAG,
        Reply(CalendarWithAddress, {**_EXAMPLE, "url": _URL}, "The calendar, with the address that is shown once"),
        body=_NEW_CALENDAR,
        leads_to=("delete_calendar",),
    ),
    Operation(
        "DELETE",
        f"{_COLLECTION}/{{id}}",
        "calendars:delete",
        delete_calendar,
        "Remove a calendar",
        _TAG,
        Reply(Message, {"message": "Calendar 1 has been deleted."}, "A confirmation"),
        path_parameters=(path_id("calendar", 1),),
    ),
    Operation(
        "GET",
        PATH,
        READING,
        retrieve_calendar,
        "Read a calendar",
        _TAG,
        Reply(str, _TEXT, "The interviews as iCalendar", media_type=_MEDIA_TYPE),
        path_parameters=(Parameter("secret", "The secret of the address", TEXT, required=True),),
        secret_path=True,
    ),
)
