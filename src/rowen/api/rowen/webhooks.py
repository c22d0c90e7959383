"""Managing webhooks: operations that Harvest does not have.

Owns what each does between an authorised request and its response, its bodies, and the JSON of webhooks. Must not know
HTTP's transport, authentication or SQL, nor how anything is sent.
"""

from typing import Any, Final

import msgspec

from rowen.api import examples
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.conditional import document_etag
from rowen.api.parameters import path_id
from rowen.api.reading import values
from rowen.api.reading.body import NOTHING, Body
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response, deleted
from rowen.app.services import Services
from rowen.app.subscriptions import Action, Webhook, WebhookChange, WebhookId
from rowen.interviews.errors import Problems
from rowen.interviews.moments import Instant

TAG: Final = "Webhooks"
WEBHOOK_ID: Final = path_id("webhook", examples.WEBHOOK_ID)

_MOST_ACTIONS: Final = 10
encode: Final = msgspec.json.Encoder(enc_hook=str).encode


class WebhookRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as served, without its secret. `reason` is why Rowen disabled it, if it did.

    `previous_secret_until` is when the previous secret expires, null if there is none.
    """

    id: int
    url: str
    actions: tuple[Action, ...]
    enabled: bool
    reason: str | None
    created_at: Instant
    previous_secret_until: Instant | None


class WebhookWithSecret(WebhookRecord, frozen=True, kw_only=True):
    """A webhook as served once, with its secret."""

    secret: str


class PingResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a test: the receiver's status if it responded, and the reason if it was not delivered."""

    delivered: bool
    status: int | None
    reason: str | None


_URL: Final = values.text.with_schema(values.web_address.schema)
"""The use case refuses a URL in words of its own: only a look at its address shows whether it may be used."""

_ACTIONS: Final = values.sequence(values.choice(Action), _MOST_ACTIONS, 1)
_NEW_WEBHOOK: Final = Body("NewWebhook", {"url": _URL, "actions": _ACTIONS}, examples.NEW_WEBHOOK, ("url",))
_WEBHOOK_CHANGES: Final = Body(
    "WebhookChanges", {"url": _URL, "actions": _ACTIONS, "enabled": values.boolean}, examples.WEBHOOK_CHANGES
)


async def list_webhooks(services: Services, request: ApiRequest) -> Response:
    """List the webhooks, ordered by id."""
    webhooks = await services.webhooks.all(request.organization.id)
    return shown(request, [_record(webhook) for webhook in webhooks])


async def create_webhook(services: Services, request: ApiRequest) -> Response:
    """Add a webhook; only this response contains its secret."""
    fields = await _read_webhook(services, request, _NEW_WEBHOOK)
    actions = frozenset(fields.get("actions", Action))
    return _with_secret(await services.webhooks.add(request.organization.id, fields["url"], actions))


async def retrieve_webhook(services: Services, request: ApiRequest) -> Response:
    """Return a webhook."""
    return shown(request, _record(await services.webhooks.find(request.organization.id, webhook_id(request))))


async def change_webhook(services: Services, request: ApiRequest) -> Response:
    """Change a webhook's URL or actions, enable or disable it."""
    fields = await _read_webhook(services, request, _WEBHOOK_CHANGES)
    if "actions" in fields:
        fields["actions"] = frozenset(fields["actions"])
    changed = await services.webhooks.change(request.organization.id, webhook_id(request), WebhookChange(**fields))
    return Response(encode(_record(changed)))


async def delete_webhook(services: Services, request: ApiRequest) -> Response:
    """Remove a webhook and its pending deliveries."""
    identifier = webhook_id(request)
    await services.webhooks.remove(request.organization.id, identifier)
    return Response(deleted("Webhook", identifier))


async def test_webhook(services: Services, request: ApiRequest) -> Response:
    """Send a signed `ping` at once, and return the result."""
    read_body(request, NOTHING)
    outcome = await services.webhooks.test(request.organization.id, webhook_id(request))
    result = PingResult(delivered=outcome.delivered, status=outcome.status, reason=outcome.reason)
    return Response(encode(result))


async def rotate_webhook(services: Services, request: ApiRequest) -> Response:
    """Rotate the secret of a webhook; only this response contains it. The previous one is valid for 24 hours."""
    read_body(request, NOTHING)
    return _with_secret(await services.webhooks.rotate(request.organization.id, webhook_id(request)))


def read_body(request: ApiRequest, body: Body) -> dict[str, Any]:
    """Return the fields of a body; none where it is optional and left out. Raises Refusal."""
    if body.optional and not request.body:
        return {}
    problems = Problems()
    fields = body.read(request.body, problems)
    problems.raise_any()
    return fields


async def _read_webhook(services: Services, request: ApiRequest, body: Body) -> dict[str, Any]:
    """Return the fields of a webhook. Raises Refusal with every problem, those of a well-formed URL among them."""
    problems = Problems()
    fields = body.read(request.body, problems)
    if problems.found and "url" in fields:
        problems.found.extend(await services.webhooks.objections(fields["url"]))
    problems.raise_any()
    return fields


def webhook_id(request: ApiRequest) -> WebhookId:
    """Return the id of the webhook in the path. Raises Refusal (not found) if it is not a valid id."""
    return WebhookId(request.identifier())


def shown(request: ApiRequest, value: Any) -> Response:
    """Return a value as JSON, or 304 where the client has it."""
    content = encode(value)
    etag = document_etag(content)
    return Response(None if request.has_copy(etag) else content, etag)


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


def _with_secret(webhook: Webhook) -> Response:
    return Response(encode(WebhookWithSecret(secret=webhook.secret, **_fields(webhook))))


_WEBHOOK: Final = Reply(WebhookRecord, examples.WEBHOOK, "The webhook as it is now")
_SECRET: Final = Reply(
    WebhookWithSecret, examples.WEBHOOK_WITH_SECRET, "The webhook, with the secret that is shown once"
)

OPERATIONS: Final = (
    Operation(
        "GET",
        "/rowen/v1/webhooks",
        "webhooks:list",
        list_webhooks,
        "List webhooks",
        TAG,
        Reply(list[WebhookRecord], [examples.WEBHOOK], "The webhooks, ordered by id"),
    ),
    Operation(
        "POST",
        "/rowen/v1/webhooks",
        "webhooks:create",
        create_webhook,
        "Add a webhook",
        TAG,
        _SECRET,
        body=_NEW_WEBHOOK,
        leads_to=("retrieve_webhook", "change_webhook", "rotate_webhook", "list_deliveries", "delete_webhook"),
    ),
    Operation(
        "GET",
        "/rowen/v1/webhooks/{id}",
        "webhooks:retrieve",
        retrieve_webhook,
        "Retrieve a webhook",
        TAG,
        _WEBHOOK,
        path_parameters=(WEBHOOK_ID,),
    ),
    Operation(
        "PATCH",
        "/rowen/v1/webhooks/{id}",
        "webhooks:update",
        change_webhook,
        "Change, enable or disable a webhook",
        TAG,
        _WEBHOOK,
        path_parameters=(WEBHOOK_ID,),
        body=_WEBHOOK_CHANGES,
    ),
    Operation(
        "DELETE",
        "/rowen/v1/webhooks/{id}",
        "webhooks:delete",
        delete_webhook,
        "Delete a webhook",
        TAG,
        Reply(Message, examples.WEBHOOK_DELETED, "The webhook is deleted"),
        path_parameters=(WEBHOOK_ID,),
    ),
    Operation(
        "POST",
        "/rowen/v1/webhooks/{id}/test",
        "webhooks:test",
        test_webhook,
        "Send a test to a webhook",
        TAG,
        Reply(PingResult, examples.PING, "How the test ended"),
        path_parameters=(WEBHOOK_ID,),
        body=NOTHING,
    ),
    Operation(
        "POST",
        "/rowen/v1/webhooks/{id}/rotate",
        "webhooks:rotate",
        rotate_webhook,
        "Rotate the secret of a webhook",
        TAG,
        _SECRET,
        path_parameters=(WEBHOOK_ID,),
        body=NOTHING,
    ),
)
