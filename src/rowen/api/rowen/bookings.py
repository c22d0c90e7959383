"""Booking the sessions of a slot: an operation that Harvest does not have.

Owns what it does between an authorised request and its response (contract section 17). Must not know HTTP's transport,
authentication or SQL.
"""

from typing import Final

import msgspec

from rowen.api import examples
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.acting_user import ON_BEHALF_OF
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY, perform
from rowen.api.reading.booking_fields import BOOKING, read_booking
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.api.rowen.slots import TAG
from rowen.app.bookings import book
from rowen.app.holds import release
from rowen.app.services import Services
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import ScheduledInterview

FORCE: Final = "bookings:force"


class BookingRecord(msgspec.Struct, frozen=True):
    """The scheduled interviews of a booking, in the order of its sessions."""

    scheduled_interviews: list[ScheduledInterview]


async def create_booking(services: Services, request: ApiRequest) -> Response:
    """Schedule all interviews of a slot, or none."""
    asked = read_booking(request)
    if asked.force and FORCE not in request.permissions:
        raise Refusal(Code.FORBIDDEN)

    async def work(unit: UnitOfWork) -> WriteResult:
        booked = await book(unit, services.scorecard_codec, asked, request.key_name, services.planner.freshness)
        await release(unit, services.hold_codec, asked.application_id or 0, asked.sessions)
        return WriteResult(b'{"scheduled_interviews":[%b]}' % b",".join(each.document for each in booked))

    return await perform(services, request, work)


_EXAMPLE: Final = {"scheduled_interviews": [examples.TIMED]}

OPERATIONS: Final = (
    Operation(
        "POST",
        "/rowen/v1/bookings",
        "bookings:create",
        create_booking,
        "Book the sessions of a slot",
        TAG,
        Reply(BookingRecord, _EXAMPLE, "The scheduled interviews"),
        headers=(ON_BEHALF_OF, IDEMPOTENCY_KEY),
        body=BOOKING,
        can_conflict=True,
    ),
)
