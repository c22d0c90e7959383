"""Keeping webhooks: Rowen's own calls.

Owns what each call does between an authorised request and its answer, and the JSON of webhooks and deliveries. Must
not know HTTP's transport, authentication or SQL, nor how anything is sent.
"""

from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from rowen.app.services import Services
from rowen.app.telling import Action, Delivery, Webhook, WebhookChange, WebhookId
from rowen.harvest import bodies
from rowen.harvest.bodies import Problems
from rowen.harvest.calls import Answer, Call, has_copy
from rowen.harvest.conditional import document_etag
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.moments import Instant

DEFAULT_DELIVERIES: Final = 100
MOST_DELIVERIES: Final = 500

_MOST_ACTIONS: Final = 10
_encoder: Final = msgspec.json.Encoder(enc_hook=str)


class WebhookRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it is served: without its secret. `reason` says why Rowen disabled it, if Rowen did.

    `previous_secret_until` is when the secret before the last rotation ends, null where there is none.
    """

    id: int
    url: str
    actions: tuple[Action, ...]
    enabled: bool
    reason: str | None
    created_at: Instant
    previous_secret_until: Instant | None


class WebhookWithSecret(WebhookRecord, frozen=True, kw_only=True):
    """A webhook as it is served once, with its secret."""

    secret: str


class DeliveryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of telling a webhook one thing."""

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


class PingResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a test ended: the receiver's status if it answered, and why it is not delivered if it is not."""

    delivered: bool
    status: int | None
    reason: str | None


async def list_webhooks(services: Services, call: Call) -> Answer:
    """List the webhooks, ordered by id."""
    found = await services.webhooks.all(call.organization.id)
    return _read(call, [_record(each) for each in found])


async def create_webhook(services: Services, call: Call) -> Answer:
    """Add a webhook; its secret is in this answer only."""
    problems = Problems()
    found = bodies.read_object(call.body, problems)
    bodies.require(problems, "", found, ("url",))
    fields = bodies.read_fields(problems, "", found, {name: _READERS[name] for name in ("url", "actions")})
    await _refuse(services, fields, problems)
    actions = frozenset(fields.get("actions", Action))
    added = await services.webhooks.add(call.organization.id, fields["url"], actions)
    return _with_secret(added)


async def retrieve_webhook(services: Services, call: Call) -> Answer:
    """Return a webhook."""
    return _read(call, _record(await services.webhooks.find(call.organization.id, _identifier(call))))


async def change_webhook(services: Services, call: Call) -> Answer:
    """Change a webhook's URL or actions, enable or disable it."""
    problems = Problems()
    fields = bodies.read_fields(problems, "", bodies.read_object(call.body, problems), _READERS)
    await _refuse(services, fields, problems)
    if "actions" in fields:
        fields["actions"] = frozenset(fields["actions"])
    changed = await services.webhooks.change(call.organization.id, _identifier(call), WebhookChange(**fields))
    return Answer(_encoder.encode(_record(changed)))


async def delete_webhook(services: Services, call: Call) -> Answer:
    """Remove a webhook, and what it was still to be told."""
    identifier = _identifier(call)
    await services.webhooks.remove(call.organization.id, identifier)
    return Answer(_encoder.encode({"message": f"Webhook {identifier} has been deleted."}))


async def test_webhook(services: Services, call: Call) -> Answer:
    """Send a signed `ping` at once, and say how that ended."""
    _refuse_fields(call)
    outcome = await services.webhooks.test(call.organization.id, _identifier(call))
    result = PingResult(delivered=outcome.delivered, status=outcome.status, reason=outcome.reason)
    return Answer(_encoder.encode(result))


async def rotate_webhook(services: Services, call: Call) -> Answer:
    """Give a webhook a new secret, which is in this answer only; the one before stays valid for 24 hours."""
    _refuse_fields(call)
    return _with_secret(await services.webhooks.rotate(call.organization.id, _identifier(call)))


async def list_deliveries(services: Services, call: Call) -> Answer:
    """List the newest deliveries to a webhook, the newest first."""
    limit = _limit(call.query)
    found = await services.webhooks.deliveries(call.organization.id, _identifier(call), limit)
    return _read(call, [_delivery(each) for each in found])


_READERS: Final[dict[str, bodies.Reader[Any]]] = {
    "url": bodies.text,
    "actions": bodies.sequence(bodies.choice(Action), _MOST_ACTIONS, 1),
    "enabled": bodies.boolean,
}


async def _refuse(services: Services, fields: dict[str, Any], problems: Problems) -> None:
    """Raise all problems there are; those of a well-formed URL among them, if there are any others."""
    if problems.found:
        if "url" in fields:
            problems.found.extend(await services.webhooks.objections(fields["url"]))
        raise Refusal(Code.INVALID, problems=tuple(problems.found))


def _refuse_fields(call: Call) -> None:
    """Refuse whatever stands in a body that need not be there: nothing is silently lost."""
    if call.body:
        problems = Problems()
        bodies.read_fields(problems, "", bodies.read_object(call.body, problems), {})
        if problems.found:
            raise Refusal(Code.INVALID, problems=tuple(problems.found))


def _identifier(call: Call) -> WebhookId:
    return WebhookId(call.identifier)


def _limit(query: str) -> int:
    text = dict(parse_qsl(query, keep_blank_values=True)).get("limit", str(DEFAULT_DELIVERIES))
    if text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST_DELIVERIES:
        return int(text)
    problem = FieldProblem("limit", f"Must be an integer between 1 and {MOST_DELIVERIES}")
    raise Refusal(Code.INVALID, problems=(problem,))


def _read(call: Call, found: Any) -> Answer:
    body = _encoder.encode(found)
    etag = document_etag(body)
    return Answer(None if has_copy(call, etag) else body, etag)


def _fields(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "actions": tuple(action for action in Action if action in webhook.actions),
        "enabled": webhook.enabled,
        "reason": webhook.reason,
        "created_at": webhook.created_at,
        "previous_secret_until": webhook.previous_secret_until,
    }


def _record(webhook: Webhook) -> WebhookRecord:
    return WebhookRecord(**_fields(webhook))


def _with_secret(webhook: Webhook) -> Answer:
    return Answer(_encoder.encode(WebhookWithSecret(secret=webhook.secret, **_fields(webhook))))


def _delivery(delivery: Delivery) -> DeliveryRecord:
    return DeliveryRecord(
        state=delivery.state,
        action=delivery.action,
        event_id=delivery.event_id,
        revision=delivery.revision,
        attempts=delivery.attempts,
        last_status=delivery.last_status,
        last_error=delivery.last_error,
        created_at=delivery.created_at,
        next_attempt_at=delivery.next_attempt_at if delivery.settled_at is None else None,
        settled_at=delivery.settled_at,
    )
