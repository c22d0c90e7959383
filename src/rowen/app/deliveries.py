"""The deliveries of webhooks: inspecting them, sending them again, and skipping them.

Owns what a delivery is, how deliveries are chosen, and the port of `store/webhooks/deliveries.py`. Must not know how
anything is sent, HTTP or SQL. A delivery that is sent again keeps its event id and its body, so that a receiver
recognises one that it already has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from rowen.app.subscriptions import Action, WebhookId
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant


class DeliveryState(StrEnum):
    """The state of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of one event to one webhook.

    `interview_id` is None if the event concerns no single interview. `last_status`, `last_error` and `last_attempt_at`
    are those of the last attempt; `next_attempt_at` is when a pending one is due, `settled_at` when it was delivered,
    given up or skipped.
    """

    state: DeliveryState
    action: Action
    event_id: str
    revision: int
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: Instant
    next_attempt_at: Instant
    settled_at: Instant | None
    interview_id: int | None
    last_attempt_at: Instant | None


class OneDelivery(NamedTuple):
    """The delivery with an event id."""

    event_id: str


class OneRevision(NamedTuple):
    """The deliveries for one change: one, or two if a scorecard was submitted."""

    revision: int


class FailedSince(NamedTuple):
    """The deliveries that were given up at an instant or later."""

    instant: Instant


class AllPending(NamedTuple):
    """All pending deliveries."""


Resendable = OneDelivery | OneRevision | FailedSince
Skippable = OneDelivery | OneRevision | AllPending


@dataclass(frozen=True, slots=True)
class DeliveryDetail:
    """A delivery with the body that is sent, and the beginning of the body of the receiver's last response, if any."""

    delivery: Delivery
    body: bytes
    last_answer: bytes | None


class WebhookDisabledError(Exception):
    """A disabled webhook cannot be sent anything again."""


class DeliveryLog(Protocol):
    """The deliveries of a database."""

    async def newest(self, organization: OrganizationId, webhook: WebhookId, limit: int) -> Sequence[Delivery]:
        """Return the newest deliveries to a webhook, the newest first."""
        ...

    async def find(self, organization: OrganizationId, webhook: WebhookId, event_id: str) -> DeliveryDetail | None:
        """Return the delivery with an event id."""
        ...

    async def resend(
        self, organization: OrganizationId, webhook: WebhookId, chosen: Resendable, now: Instant
    ) -> int | None:
        """Make deliveries pending and due now, and return how many; None if no webhook has that id.

        Settled ones get all their attempts again; pending ones keep their count. Raises WebhookDisabledError.
        """
        ...

    async def skip(
        self, organization: OrganizationId, webhook: WebhookId, chosen: Skippable, now: Instant
    ) -> int | None:
        """Settle pending deliveries as skipped, and return how many; None if no webhook has that id."""
        ...
