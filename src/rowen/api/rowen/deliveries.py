"""Deliveries to webhooks: operations that Harvest does not have.

Owns what each does between an authorised request and its response, its bodies, and the JSON of deliveries. Must not
know HTTP's transport, authentication or SQL, nor how anything is sent.
"""

from typing import Any, Final

import msgspec

from rowen.api import examples
from rowen.api.declarations import Operation, Reply
from rowen.api.parameters import Parameter
from rowen.api.reading import values
from rowen.api.reading.body import Body
from rowen.api.reading.query import by_name, limit_parameter, read_values
from rowen.api.reading.values import LONGEST_NAME, ValueReader
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.api.rowen.webhooks import TAG, WEBHOOK_ID, encode, read_body, shown, webhook_id
from rowen.api.schemas import TIME
from rowen.app.deliveries import (
    AllPending,
    Delivery,
    DeliveryDetail,
    FailedSince,
    OneDelivery,
    OneRevision,
    Resendable,
    Skippable,
)
from rowen.app.services import Services
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.moments import Instant
from rowen.interviews.query import DEFAULT_PAGE_SIZE


class DeliveryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The delivery of one event to a webhook; `interview_id` is null if it concerns no single interview."""

    state: str
    action: str
    event_id: str
    revision: int
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: Instant
    next_attempt_at: Instant | None
    settled_at: Instant | None
    interview_id: int | None
    last_attempt_at: Instant | None


class DeliveryDetailRecord(DeliveryRecord, frozen=True, kw_only=True):
    """A delivery with its request: the headers of its last attempt without the signatures, and the body."""

    headers: dict[str, str]
    body: msgspec.Raw


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many deliveries were changed."""

    count: int


_PARAMETERS: Final = by_name(limit_parameter(DEFAULT_PAGE_SIZE))
_EVENT_ID: Final = Parameter(
    "event_id",
    "The event id of the delivery, as its receiver got it in `webhook-id`",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": r"^[A-Za-z0-9_\-]+$"},
    required=True,
    example=examples.EVENT_ID,
)


def _read_event(problems: Problems, path: str, value: Any) -> OneDelivery | None:
    event_id = values.name.read(problems, path, value)
    return None if event_id is None else OneDelivery(event_id)


def _read_revision(problems: Problems, path: str, value: Any) -> OneRevision | None:
    revision = values.identifier.read(problems, path, value)
    return None if revision is None else OneRevision(revision)


def _read_failed_since(problems: Problems, path: str, value: Any) -> FailedSince | None:
    try:
        if isinstance(value, str):
            return FailedSince(Instant.parse(value))
    except ValueError:
        pass
    problems.note(path, "Must be an ISO-8601 time, such as 2027-01-18T10:00:00Z")
    return None


def _read_pending(problems: Problems, path: str, value: Any) -> AllPending | None:
    if value is True:
        return AllPending()
    problems.note(path, "Must be true")
    return None


_EVENT: Final = ValueReader(_read_event, {**values.name.schema, "pattern": r"^[\x20-\x7e]+$"})
_REVISION: Final = ValueReader(_read_revision, values.identifier.schema)
_RESENDING: Final = Body(
    "Resending",
    {"event_id": _EVENT, "revision": _REVISION, "failed_since": ValueReader(_read_failed_since, TIME)},
    examples.RESENDING,
    exactly_one=True,
)
_SKIPPING: Final = Body(
    "Skipping",
    {
        "event_id": _EVENT,
        "revision": _REVISION,
        "pending": ValueReader(_read_pending, {"type": "boolean", "enum": [True]}),
    },
    examples.SKIPPING,
    exactly_one=True,
)


async def list_deliveries(services: Services, request: ApiRequest) -> Response:
    """List the newest deliveries to a webhook, the newest first."""
    limit: int = read_values(request.query, _PARAMETERS)["limit"]
    deliveries = await services.webhooks.deliveries(request.organization.id, webhook_id(request), limit)
    return shown(request, [delivery_record(delivery) for delivery in deliveries])


async def retrieve_delivery(services: Services, request: ApiRequest) -> Response:
    """Return a delivery with its body.

    The receiver's response is left out: a client that may set a webhook's URL could read the responses of private
    hosts.
    """
    event_id = request.identifiers[_EVENT_ID.name]
    if len(event_id) > LONGEST_NAME:
        raise Refusal(Code.NOT_FOUND)
    detail = await services.webhooks.delivery(request.organization.id, webhook_id(request), event_id)
    return shown(request, detail_record(detail))


async def resend_deliveries(services: Services, request: ApiRequest) -> Response:
    """Send deliveries again: one, those of a revision, or all that were given up since a time."""
    chosen: Resendable
    (chosen,) = read_body(request, _RESENDING).values()
    count = await services.webhooks.resend(request.organization.id, webhook_id(request), chosen)
    return Response(encode(Count(count=count)))


async def skip_deliveries(services: Services, request: ApiRequest) -> Response:
    """Give up pending deliveries: one, those of a revision, or all."""
    chosen: Skippable
    (chosen,) = read_body(request, _SKIPPING).values()
    count = await services.webhooks.skip(request.organization.id, webhook_id(request), chosen)
    return Response(encode(Count(count=count)))


def delivery_record(delivery: Delivery) -> DeliveryRecord:
    """Return a delivery as served."""
    return DeliveryRecord(**_delivery_fields(delivery))


def sent_headers(delivery: Delivery) -> dict[str, str]:
    """Return the headers of a delivery's last attempt, without the signatures, which are not stored."""
    event_id, at = delivery.event_id, delivery.last_attempt_at
    sent = {"Content-Type": "application/json", "Greenhouse-Event-ID": event_id, "webhook-id": event_id}
    return sent if at is None else {**sent, "webhook-timestamp": str(at // 1000)}


def detail_record(detail: DeliveryDetail) -> DeliveryDetailRecord:
    """Return a delivery as served with its body."""
    fields = _delivery_fields(detail.delivery)
    return DeliveryDetailRecord(headers=sent_headers(detail.delivery), body=msgspec.Raw(detail.body), **fields)


def _delivery_fields(delivery: Delivery) -> dict[str, Any]:
    return {
        "state": delivery.state,
        "action": delivery.action,
        "event_id": delivery.event_id,
        "revision": delivery.revision,
        "attempts": delivery.attempts,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.next_attempt_at if delivery.settled_at is None else None,
        "settled_at": delivery.settled_at,
        "interview_id": delivery.interview_id,
        "last_attempt_at": delivery.last_attempt_at,
    }


_COUNT: Final = Reply(Count, examples.COUNT, "How many deliveries it concerns")

OPERATIONS: Final = (
    Operation(
        "GET",
        "/rowen/v1/webhooks/{id}/deliveries",
        "webhooks:list_deliveries",
        list_deliveries,
        "List the deliveries to a webhook",
        TAG,
        Reply(list[DeliveryRecord], [examples.DELIVERY], "The newest deliveries, the newest first"),
        path_parameters=(WEBHOOK_ID,),
        query=_PARAMETERS,
    ),
    Operation(
        "GET",
        "/rowen/v1/webhooks/{id}/deliveries/{event_id}",
        "webhooks:retrieve_delivery",
        retrieve_delivery,
        "Retrieve a delivery with its request",
        TAG,
        Reply(DeliveryDetailRecord, examples.DELIVERY_DETAIL, "The delivery, with its request"),
        path_parameters=(WEBHOOK_ID, _EVENT_ID),
    ),
    Operation(
        "POST",
        "/rowen/v1/webhooks/{id}/resend",
        "webhooks:resend",
        resend_deliveries,
        "Send deliveries to a webhook again",
        TAG,
        _COUNT,
        path_parameters=(WEBHOOK_ID,),
        body=_RESENDING,
        can_conflict=True,
    ),
    Operation(
        "POST",
        "/rowen/v1/webhooks/{id}/skip",
        "webhooks:skip",
        skip_deliveries,
        "Skip pending deliveries to a webhook",
        TAG,
        _COUNT,
        path_parameters=(WEBHOOK_ID,),
        body=_SKIPPING,
    ),
)
