"""Booking links, and what a candidate does at their addresses: operations that Harvest does not have.

Owns what each does between an authorised request and its response, and what a candidate sees: whom to write to, but
never an interviewer's name or calendar (contract section 17). Must not know HTTP's transport, authentication or SQL.
"""

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import anyio
import msgspec

from rowen.api import planning_examples as examples
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF, require_acting_user
from rowen.api.headers.conditional import document_etag
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, perform, write_once
from rowen.api.parameters import Parameter, path_id
from rowen.api.reading import values
from rowen.api.reading.body import Body
from rowen.api.reading.query import by_name, read_values, text_parameter
from rowen.api.reading.slot_fields import LINK, ZONE, read_link
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response, deleted
from rowen.api.rowen.slots import TAG
from rowen.api.schemas import TEXT
from rowen.app.booking_links import USING, BookingLink
from rowen.app.calendars import CalendarEvent, CalendarKind
from rowen.app.planning import MINUTE
from rowen.app.records import ACTIVE, APPLICATIONS, USERS, RecordQuery
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.interview import Identifier, InterviewId, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.planning.question import Held

_COLLECTION: Final = "/rowen/v1/booking_links"
PATH: Final = "/book/{token}"
_CALENDAR: Final = f"{PATH}/calendar.ics"
_MEDIA_TYPE: Final = "text/calendar"


class BookingLinkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A booking link as served; its address is shown once, when it is made."""

    id: Identifier
    application_id: Identifier
    created_at: Instant
    expires_at: Instant
    scheduled_interview_ids: list[Identifier]
    moves: int


class BookingLinkWithAddress(BookingLinkRecord, frozen=True, kw_only=True):
    """A booking link with its secret address."""

    url: str


class OfferedSession(msgspec.Struct, frozen=True):
    """A session that is to be booked."""

    name: str | None
    minutes: int


class OfferedSlot(msgspec.Struct, frozen=True):
    """A time that can be booked, and its start by the clock of the candidate."""

    start: Instant
    end: Instant
    local: str


class BookedInterview(msgspec.Struct, frozen=True):
    """An interview that was booked."""

    name: str | None
    start: Instant | None
    end: Instant | None
    location: str | None
    video_conferencing_url: str | None


class Contact(msgspec.Struct, frozen=True):
    """The user who made the link, to whom a candidate can write."""

    name: str | None
    email: str | None


class OfferRecord(msgspec.Struct, frozen=True):
    """What a candidate sees."""

    organization: str
    job: str | None
    contact: Contact | None
    sessions: list[OfferedSession]
    time_zone: str
    slots: list[OfferedSlot]
    booked: list[BookedInterview]
    may_move: bool
    may_cancel: bool
    moves: int
    change_notice_minutes: int
    booked_elsewhere: bool
    expires_at: Instant


class _Job(msgspec.Struct):
    name: str | None = None


class _Application(msgspec.Struct):
    status: str | None = None
    jobs: tuple[_Job, ...] = ()


_encode: Final = msgspec.json.Encoder(enc_hook=str).encode
_application: Final = msgspec.json.Decoder(_Application).decode
_interview: Final = msgspec.json.Decoder(ScheduledInterview, dec_hook=lambda _, text: Instant.parse(text)).decode
_PARAMETERS: Final = by_name(text_parameter("time_zone", "The IANA time zone of `local`; UTC where it is left out"))
_CHOICE: Final = Body("Choice", {"start": values.instant}, {"start": "2031-02-03T08:00:00.000Z"}, ("start",))


async def create_booking_link(services: Services, request: ApiRequest) -> Response:
    """Add a booking link; only this response contains its address."""
    wanted = read_link(request)

    async def work(unit: UnitOfWork) -> WriteResult:
        link, secret = await services.booking_links.add(unit, wanted)
        url = request.address.removesuffix(_COLLECTION) + PATH.format(token=secret)
        return WriteResult(_encode(BookingLinkWithAddress(url=url, **_fields(link))))

    return await perform(services, request, work)


async def list_booking_links(services: Services, request: ApiRequest) -> Response:
    """List the booking links, ordered by id."""
    found = await services.booking_links.store.all(request.organization)
    content = _encode([BookingLinkRecord(**_fields(each)) for each in found])
    etag = document_etag(content)
    return Response(None if request.has_copy(etag) else content, etag)


async def delete_booking_link(services: Services, request: ApiRequest) -> Response:
    """Remove a booking link: its address is unknown from then on."""
    identifier = request.identifier()
    user = require_acting_user(request)

    async def work(unit: UnitOfWork) -> WriteResult:
        await services.booking_links.revoke(unit, identifier, user)
        return WriteResult(deleted("Booking link", identifier))

    return await perform(services, request, work)


async def show_offer(services: Services, request: ApiRequest) -> Response:
    """Return what a candidate can book, or has booked, at a secret address."""
    content = await _offer(services, request)
    etag = document_etag(content)
    return Response(None if request.has_copy(etag) else content, etag)


async def book_offer(services: Services, request: ApiRequest) -> Response:
    """Book the slot at a start, or move what was booked to it."""
    _require_writable(request)
    problems = Problems()
    fields = _CHOICE.read(request.body, problems)
    problems.raise_any()
    start = int(fields["start"])
    try:
        await _book(services, request, start)
    except Refusal as refusal:
        changed = refusal.code in (Code.CONFLICT, Code.FORBIDDEN)
        if not changed or (await _link(services, await _anew(services, request))).starts_at != start:
            raise
    return Response(await _offer(services, await _anew(services, request)))


async def _link(services: Services, request: ApiRequest) -> BookingLink:
    return await services.booking_links.find(request.organization, request.identifiers["token"])


async def _book(services: Services, request: ApiRequest, start: int) -> None:
    link = await _link(services, request)
    if link.starts_at == start:
        return  # a client that got no answer may send it again
    sessions = await services.booking_links.choose(request.organization, link, start)

    async def work(unit: UnitOfWork) -> WriteResult:
        await services.booking_links.book(unit, request.identifiers["token"], sessions, request.key_name)
        return WriteResult(b"")

    await write_once(services, request, work, None)


async def _anew(services: Services, request: ApiRequest) -> ApiRequest:
    """Return a request with the organization after a write. Raises Refusal (not found)."""
    identity = await services.booking_links.store.authenticate(request.identifiers["token"])
    if identity is None:
        raise Refusal(Code.NOT_FOUND)
    return request._replace(organization=identity.organization)


async def cancel_offer(services: Services, request: ApiRequest) -> Response:
    """Cancel what was booked at a secret address."""
    _require_writable(request)
    secret = request.identifiers["token"]

    async def work(unit: UnitOfWork) -> WriteResult:
        await services.booking_links.cancel(unit, secret, request.key_name)
        return WriteResult(_encode(Message("The interviews have been cancelled.")))

    return await write_once(services, request, work, None)


async def retrieve_booked_calendar(services: Services, request: ApiRequest) -> Response:
    """Return what was booked at a secret address as iCalendar; it is not found while nothing is."""
    from rowen.api.codec.calendars import calendar_text  # a server without calendars starts sooner

    organization = request.organization
    link = await services.booking_links.find(organization, request.identifiers["token"])
    events = [CalendarEvent(each, None, None) for each in await _documents(services, request, link)]
    if not events:
        raise Refusal(Code.NOT_FOUND)
    content = await anyio.to_thread.run_sync(calendar_text, organization, CalendarKind.APPLICATION, None, events)
    etag = f"W/{document_etag(content)}"
    return Response(None if request.has_copy(etag) else content, etag, media_type=f"{_MEDIA_TYPE};charset=utf-8")


def _require_writable(request: ApiRequest) -> None:
    """Raise Refusal (read only) in a mirror: what an address books is never passed on to the account."""
    if request.organization.mirrored_from is not None:
        raise Refusal(Code.READ_ONLY)


async def _offer(services: Services, request: ApiRequest) -> bytes:
    problems = Problems()
    given = read_values(request.query, _PARAMETERS).get("time_zone", "UTC")
    name = ZONE.read(problems, "time_zone", given)
    problems.raise_any()
    organization, zone = request.organization, name or "UTC"
    offer = await services.booking_links.offer(organization, request.identifiers["token"], zone)
    link, documents = offer.link, await _documents(services, request, offer.link)
    application = await services.records.document(organization, RecordQuery(APPLICATIONS), link.application_id)
    found = _application(application or b"{}")
    is_active = found.status in (None, ACTIVE)  # for another one nothing can be booked
    maker = await services.records.document(organization, RecordQuery(USERS), link.organizer)
    user = services.user_codec.user(maker) if maker is not None else None
    return _encode(
        OfferRecord(
            organization.name,
            next((each.name for each in found.jobs if each.name), None),
            Contact(user.name, user.email) if user and not user.disabled else None,
            [OfferedSession(each.name, each.minutes) for each in link.asked.sessions if each is not None],
            zone,
            [_slot(each, ZoneInfo(zone)) for each in offer.slots if is_active],
            [_booked(_interview(each)) for each in documents],
            offer.may_move and bool(documents),
            offer.may_cancel and bool(documents),
            link.moves,
            link.notice,
            offer.is_booked_elsewhere,
            Instant(link.expires_at),
        )
    )


async def _documents(services: Services, request: ApiRequest, link: BookingLink) -> list[bytes]:
    """Return the interviews that were booked, those that still are."""
    found = [await services.interviews.document(request.organization, InterviewId(each)) for each in link.interviews]
    return [each for each in found if each is not None]


def _slot(slot: tuple[Held, ...], zone: ZoneInfo) -> OfferedSlot:
    start, end = slot[0].span.start, slot[-1].span.end
    local = datetime.fromtimestamp(start * 60, UTC).astimezone(zone).isoformat()
    return OfferedSlot(Instant(start * MINUTE), Instant(end * MINUTE), local)


def _booked(interview: ScheduledInterview) -> BookedInterview:
    return BookedInterview(
        None if interview.interview is None else interview.interview.name,
        interview.start.date_time,
        interview.end.date_time,
        interview.location,
        interview.video_conferencing_url,
    )


def _fields(link: BookingLink) -> dict[str, Any]:
    return {
        "id": link.id,
        "application_id": link.application_id,
        "created_at": Instant(link.created_at),
        "expires_at": Instant(link.expires_at),
        "scheduled_interview_ids": list(link.interviews),
        "moves": link.moves,
    }


_HEADERS: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)
_TOKEN: Final = (Parameter("token", "The secret of the address", TEXT, required=True),)
_OFFER: Final = Reply(OfferRecord, examples.OFFER, "What a candidate sees")

OPERATIONS: Final = (
    Operation(
        "GET",
        _COLLECTION,
        "booking_links:list",
        list_booking_links,
        "List booking links",
        TAG,
        Reply(list[BookingLinkRecord], [examples.LINK], "The booking links, ordered by id"),
    ),
    Operation(
        "POST",
        _COLLECTION,
        "booking_links:create",
        create_booking_link,
        "Add a booking link",
        TAG,
        Reply(BookingLinkWithAddress, {**examples.LINK, "url": examples.LINK_URL}, "The link, with its address"),
        headers=_HEADERS,
        body=LINK,
        leads_to=("delete_booking_link",),
    ),
    Operation(
        "DELETE",
        f"{_COLLECTION}/{{id}}",
        "booking_links:delete",
        delete_booking_link,
        "Remove a booking link",
        TAG,
        Reply(Message, {"message": "Booking link 1 has been deleted."}, "The link is removed"),
        path_parameters=(path_id("booking link", examples.LINK_ID),),
        headers=_HEADERS,
    ),
    Operation(
        "GET",
        PATH,
        USING,
        show_offer,
        "See what can be booked",
        TAG,
        _OFFER,
        path_parameters=_TOKEN,
        query=_PARAMETERS,
        secret_path=True,
    ),
    Operation(
        "POST",
        PATH,
        USING,
        book_offer,
        "Book, or move what was booked",
        TAG,
        _OFFER,
        path_parameters=_TOKEN,
        query=_PARAMETERS,
        body=_CHOICE,
        can_conflict=True,
        secret_path=True,
    ),
    Operation(
        "DELETE",
        PATH,
        USING,
        cancel_offer,
        "Cancel what was booked",
        TAG,
        Reply(Message, {"message": "The interviews have been cancelled."}, "The interviews are cancelled"),
        path_parameters=_TOKEN,
        secret_path=True,
    ),
    Operation(
        "GET",
        _CALENDAR,
        USING,
        retrieve_booked_calendar,
        "Read what was booked as a calendar",
        TAG,
        Reply(str, "BEGIN:VCALENDAR\r\n", "The interviews as iCalendar", media_type=_MEDIA_TYPE),
        path_parameters=_TOKEN,
        secret_path=True,
    ),
)
