"""The outbox: the events of a change, and the deliveries that are still to be sent.

Owns the events that a change has, and the port of `store/webhooks/outbox.py`. Must not know HTTP, JSON, SQL or sockets.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from rowen.app.delivery_attempts import AttemptResult, RetryDecision
from rowen.app.subscriptions import Action, Webhook, WebhookId
from rowen.interviews.changes import Change, Kind
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant


class WebhookEvent(NamedTuple):
    """One event for webhooks, with the body that is sent to them."""

    action: Action
    body: bytes


WriteBody = Callable[[str, str, bytes], bytes]
"""Returns the body for an action: its payload is one document, under a name."""


def events_of(change: Change, document: bytes, write_body: WriteBody) -> list[WebhookEvent]:
    """Return the events of a change, for webhooks; `document` is the interview after it, or before it was cancelled."""
    if change.kind in (Kind.IMPORTED, Kind.RECORDED):
        return []
    action = _ACTIONS.get(change.kind, Action.INTERVIEW_UPDATED)
    events = [WebhookEvent(action, write_body(action, "interview", document))]
    if change.kind is Kind.SCORED and change.scorecard is not None:
        submitted = Action.SCORECARD_SUBMITTED
        events.append(WebhookEvent(submitted, write_body(submitted, "scorecard", change.scorecard)))
    return events


_ACTIONS: Final = {Kind.CREATED: Action.INTERVIEW_SCHEDULED, Kind.CANCELLED: Action.INTERVIEW_DELETED}


class WebhookKey(NamedTuple):
    """The ids that identify a webhook."""

    organization_id: OrganizationId
    webhook_id: WebhookId


class PendingDelivery(NamedTuple):
    """The next delivery to a webhook, after `attempts` attempts, not before `next_attempt_at`."""

    key: WebhookKey
    revision: int
    action: Action
    event_id: str
    attempts: int
    next_attempt_at: Instant
    body: bytes
    webhook: Webhook


class DeliveryQueue(Protocol):
    """The outbox of a database, as the dispatcher empties it."""

    async def waiting(self) -> Sequence[tuple[WebhookKey, Instant]]:
        """Return the enabled webhooks with pending deliveries, and when each is due."""
        ...

    async def next(self, key: WebhookKey) -> PendingDelivery | None:
        """Return the first pending delivery; None if there is none or the webhook is disabled."""
        ...

    async def record(self, due: PendingDelivery, result: AttemptResult, decision: RetryDecision) -> None:
        """Store the result of an attempt."""
        ...

    async def sweep(self, before: Instant) -> int:
        """Delete some deliveries that were settled before `before`, and return how many; 0 means that none are left."""
        ...
