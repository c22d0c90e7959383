"""Webhooks: the URLs that an organization subscribes, and the actions that each gets.

Owns what a webhook is, its secrets, and the port of `store/webhooks/subscriptions.py`. Must not know deliveries, HTTP,
JSON or SQL.
"""

import secrets
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, NewType, Protocol

from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

WebhookId = NewType("WebhookId", int)

ROTATION: Final = 86_400_000
"""How long the previous secret stays valid, in milliseconds."""

MOST_WEBHOOKS: Final = 100
"""How many webhooks an organization may have: each costs every write a row."""

_SECRET_BYTES: Final = 32  # the Standard Webhooks allow 24 to 64


class Action(StrEnum):
    """The actions that webhooks get."""

    INTERVIEW_SCHEDULED = "interview_scheduled"
    INTERVIEW_UPDATED = "interview_updated"
    INTERVIEW_DELETED = "interview_deleted"
    SCORECARD_SUBMITTED = "scorecard_submitted"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook, and the events that it gets. `reason` is why Rowen disabled it, if it did.

    `allowed_host` is the host that an operator allowed for this URL even if its address is private.
    """

    organization_id: OrganizationId
    id: WebhookId
    url: str
    actions: frozenset[Action]
    secret: str = field(repr=False)
    previous_secret: str | None = field(repr=False)
    previous_secret_until: Instant | None
    enabled: bool
    reason: str | None
    created_at: Instant
    allowed_host: str | None = None

    def secrets(self, now: Instant) -> tuple[str, ...]:
        """Return the secrets that are valid, the newest first."""
        until = self.previous_secret_until
        if self.previous_secret is None or until is None or until <= now:
            return (self.secret,)
        return self.secret, self.previous_secret


class WebhookChange(NamedTuple):
    """A change to a webhook; None leaves a value as it is."""

    url: str | None = None
    actions: frozenset[Action] | None = None
    enabled: bool | None = None


def new_secret(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Return a new secret in the form of the Standard Webhooks: `whsec_` and random bytes in base64."""
    return "whsec_" + b64encode(random_bytes(_SECRET_BYTES)).decode()


class WebhookStore(Protocol):
    """The webhooks of a database."""

    async def add(
        self,
        organization: OrganizationId,
        url: str,
        actions: frozenset[Action],
        secret: str,
        now: Instant,
        allowed_host: str | None = None,
    ) -> Webhook | None:
        """Store a webhook, enabled; None if the organization has MOST_WEBHOOKS already."""
        ...

    async def all(self, organization: OrganizationId) -> Sequence[Webhook]:
        """Return an organization's webhooks, ordered by id."""
        ...

    async def find(self, organization: OrganizationId, webhook: WebhookId) -> Webhook | None:
        """Return a webhook."""
        ...

    async def change(
        self, organization: OrganizationId, webhook: WebhookId, change: WebhookChange, now: Instant
    ) -> Webhook | None:
        """Change a webhook and return it; when it is enabled again, its pending deliveries are due at once.

        A new URL removes the allowed host.
        """
        ...

    async def rotate(
        self, organization: OrganizationId, webhook: WebhookId, secret: str, until: Instant
    ) -> Webhook | None:
        """Rotate the secret of a webhook; the previous one stays valid until `until`."""
        ...

    async def remove(self, organization: OrganizationId, webhook: WebhookId) -> bool:
        """Remove a webhook with all its deliveries; False if none has that id."""
        ...
