"""The use cases of webhooks.

Owns the use cases, and how many pings are sent at a time. Must not know HTTP, JSON, SQL or sockets.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rowen.app.deliveries import (
    AllPending,
    Delivery,
    DeliveryDetail,
    DeliveryLog,
    FailedSince,
    OneDelivery,
    OneRevision,
    Resendable,
    Skippable,
    WebhookDisabledError,
)
from rowen.app.delivery_attempts import AttemptResult, WebhookMessage, WebhookSender
from rowen.app.subscriptions import (
    MOST_WEBHOOKS,
    ROTATION,
    Action,
    Webhook,
    WebhookChange,
    WebhookId,
    WebhookStore,
    new_secret,
)
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Clock, Instant

MOST_PINGS: Final = 32
"""How many pings one process sends at a time."""

MOST_PINGS_OF_ORGANIZATION: Final = 4
"""How many of these may be of one organization; a webhook may have one."""


class RunningPings:
    """The pings that are being sent by this process."""

    def __init__(self) -> None:
        self._running: list[tuple[OrganizationId, WebhookId]] = []

    @contextmanager
    def admitted(self, organization: OrganizationId, webhook: WebhookId) -> Iterator[None]:
        """Count a ping for the duration of the block. Raises Refusal (rate limited) if there are too many."""
        this = (organization, webhook)
        of_organization = sum(each == organization for each, _ in self._running)
        crowded = len(self._running) >= MOST_PINGS or of_organization >= MOST_PINGS_OF_ORGANIZATION
        if crowded or this in self._running:
            raise Refusal(Code.RATE_LIMITED, "too many tests are under way: try again in 15 seconds")
        self._running.append(this)
        try:
            yield
        finally:
            self._running.remove(this)


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The use cases of an organization's webhooks. All of them raise Refusal (not found) for unknown ids."""

    store: WebhookStore
    log: DeliveryLog
    sender: WebhookSender
    ping_body: Callable[[WebhookId], bytes]
    now: Clock
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    running_pings: RunningPings = field(default_factory=RunningPings)

    async def add(
        self, organization: OrganizationId, url: str, actions: frozenset[Action], allowed_host: str | None = None
    ) -> Webhook:
        """Add a webhook. Raises Refusal (invalid) for a URL that nothing may be sent to, and for one webhook too many.

        `allowed_host` is the URL's host if an operator allows it: servers then send to it, whatever its address.
        """
        await self._require_address(url)
        secret = new_secret(self.random_bytes)
        added = await self.store.add(organization, url, actions, secret, self.now(), allowed_host)
        if added is None:
            problem = FieldProblem("url", f"Must be one of at most {MOST_WEBHOOKS} webhooks")
            raise Refusal(Code.INVALID, "too many webhooks", (problem,))
        return added

    async def all(self, organization: OrganizationId) -> Sequence[Webhook]:
        """Return the webhooks, ordered by id."""
        return await self.store.all(organization)

    async def find(self, organization: OrganizationId, webhook: WebhookId) -> Webhook:
        """Return a webhook."""
        return _found(await self.store.find(organization, webhook), webhook)

    async def change(self, organization: OrganizationId, webhook: WebhookId, change: WebhookChange) -> Webhook:
        """Change a webhook. Raises Refusal (invalid) for a URL that nothing may be sent to."""
        found = await self.find(organization, webhook)
        if change.url is not None and change.url != found.url:
            await self._require_address(change.url)
        return _found(await self.store.change(organization, webhook, change, self.now()), webhook)

    async def rotate(self, organization: OrganizationId, webhook: WebhookId) -> Webhook:
        """Rotate the secret of a webhook; the previous one stays valid for 24 hours."""
        until = Instant(self.now() + ROTATION)
        return _found(
            await self.store.rotate(organization, webhook, new_secret(self.random_bytes), until),
            webhook,
        )

    async def remove(self, organization: OrganizationId, webhook: WebhookId) -> None:
        """Remove a webhook and its pending deliveries."""
        if not await self.store.remove(organization, webhook):
            raise _not_found(webhook)

    async def deliveries(self, organization: OrganizationId, webhook: WebhookId, limit: int) -> Sequence[Delivery]:
        """Return the newest deliveries, the newest first."""
        await self.find(organization, webhook)
        return await self.log.newest(organization, webhook, limit)

    async def delivery(self, organization: OrganizationId, webhook: WebhookId, event_id: str) -> DeliveryDetail:
        """Return a delivery by its event id."""
        await self.find(organization, webhook)
        found = await self.log.find(organization, webhook, event_id)
        if found is None:
            raise _no_delivery(webhook, OneDelivery(event_id))
        return found

    async def resend(self, organization: OrganizationId, webhook: WebhookId, chosen: Resendable) -> int:
        """Send deliveries again, with the event ids they have, and return how many.

        Raises Refusal: conflict if the webhook is disabled, not found if a delivery or revision is unknown.
        """
        try:
            count = await self.log.resend(organization, webhook, chosen, self.now())
        except WebhookDisabledError:
            problem = FieldProblem("webhook", f"{webhook} is disabled: enable it first")
            raise Refusal(Code.CONFLICT, "the webhook is disabled", (problem,)) from None
        if count is None:
            raise _not_found(webhook)
        if not count and not isinstance(chosen, FailedSince):
            raise _no_delivery(webhook, chosen)
        return count

    async def skip(self, organization: OrganizationId, webhook: WebhookId, chosen: Skippable) -> int:
        """Give up pending deliveries, so that those after them are sent, and return how many.

        Raises Refusal (not found) if a delivery or revision is unknown, or not pending.
        """
        count = await self.log.skip(organization, webhook, chosen, self.now())
        if count is None:
            raise _not_found(webhook)
        if not count and not isinstance(chosen, AllPending):
            raise _no_delivery(webhook, chosen, "pending ")
        return count

    async def objections(self, url: str) -> tuple[FieldProblem, ...]:
        """Return what is wrong with a URL."""
        url_error = await self.sender.url_error(url)
        return () if url_error is None else (FieldProblem("url", url_error),)

    async def _require_address(self, url: str) -> None:
        problems = await self.objections(url)
        if problems:
            raise Refusal(Code.INVALID, "nothing may be sent to this URL", problems)

    async def test(self, organization: OrganizationId, webhook: WebhookId) -> AttemptResult:
        """Send a signed `ping` at once, enabled or not, and return the result, which is not stored.

        Raises Refusal (rate limited) if too many tests are running.
        """
        found = await self.find(organization, webhook)
        event_id = f"msg_{self.random_bytes(16).hex()}"
        body = self.ping_body(webhook)
        message = WebhookMessage(found.url, event_id, body, found.secrets(self.now()), found.allowed_host)
        with self.running_pings.admitted(organization, webhook):
            return await self.sender.send(message)


def _found(webhook: Webhook | None, identifier: WebhookId) -> Webhook:
    if webhook is None:
        raise _not_found(identifier)
    return webhook


def _not_found(identifier: WebhookId) -> Refusal:
    return Refusal(Code.NOT_FOUND, f"there is no webhook {identifier}")


def _no_delivery(webhook: WebhookId, chosen: Resendable | Skippable, which: str = "") -> Refusal:
    name = f"revision {chosen.revision}" if isinstance(chosen, OneRevision) else str(*chosen)
    return Refusal(Code.NOT_FOUND, f"webhook {webhook} has no {which}delivery {name}")
