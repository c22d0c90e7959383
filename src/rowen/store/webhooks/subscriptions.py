"""The webhooks of a database.

Owns their rows. Must not know how anything is sent. Changes here raise no revision, as webhooks are not part of the
schedule.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Update, bindparam, delete, func, insert, literal_column, select, update

from rowen.app.subscriptions import MOST_WEBHOOKS, Action, Webhook, WebhookChange, WebhookId
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Row, Transaction
from rowen.store.ledger.ledger import Ledger
from rowen.store.schema.tables import PENDING, deliveries, webhooks

COLUMNS: Final = tuple(webhooks.c)
"""The columns of a `Webhook`, in the order of its fields."""

_NAMED: Final = (
    webhooks.c.organization_id == bindparam("organization"),
    webhooks.c.id == bindparam("webhook"),
)
_OF_WEBHOOK: Final = (
    deliveries.c.organization_id == bindparam("organization"),
    deliveries.c.webhook_id == bindparam("webhook"),
)


def webhook_of(row: Row) -> Webhook:
    """Return a webhook from the values of `COLUMNS`."""
    organization, identifier, url, actions, secret, previous, previous_until, enabled, reason, *rest = row
    created_at, allowed_host = rest
    return Webhook(
        OrganizationId(organization),
        WebhookId(identifier),
        url,
        frozenset(Action(name) for name in actions.split()),
        secret,
        previous,
        None if previous_until is None else Instant(previous_until),
        bool(enabled),
        reason,
        Instant(created_at),
        allowed_host,
    )


class WebhookTable:
    """Reads and makes webhooks through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = Ledger(engine)
        self._all = engine.prepare(
            select(*COLUMNS).where(webhooks.c.organization_id == bindparam("organization")).order_by(webhooks.c.id)
        )
        self._find = engine.prepare(select(*COLUMNS).where(*_NAMED))
        self._standing = engine.prepare(
            select(func.coalesce(func.max(webhooks.c.id), literal_column("0")), func.count()).where(
                webhooks.c.organization_id == bindparam("organization")
            )
        )
        self._insert = engine.prepare(insert(webhooks).values({each.name: bindparam(each.name) for each in COLUMNS}))
        changed = ("url", "actions", "enabled", "reason", "allowed_host")
        self._change = engine.prepare(
            update(webhooks).where(*_NAMED).values({name: bindparam(f"new_{name}") for name in changed})
        )
        self._resume = engine.prepare(resumption())
        self._rotate = engine.prepare(
            update(webhooks)
            .where(*_NAMED)
            .values(
                previous_secret=webhooks.c.secret,
                previous_secret_until=bindparam("until"),
                secret=bindparam("new_secret"),
            )
        )
        self._forget = engine.prepare(delete(deliveries).where(*_OF_WEBHOOK))
        self._forget_answers = engine.prepare(
            update(deliveries)
            .where(*_OF_WEBHOOK, deliveries.c.last_answer.is_not(None))
            .values(last_answer=literal_column("NULL"))
        )
        self._remove = engine.prepare(delete(webhooks).where(*_NAMED))

    async def add(
        self,
        organization: OrganizationId,
        url: str,
        actions: frozenset[Action],
        secret: str,
        now: Instant,
        allowed_host: str | None = None,
    ) -> Webhook | None:
        """Store a webhook, enabled; None if the organization has as many as it may have."""

        async def work(transaction: Transaction) -> Webhook | None:
            await self._ledger.take(transaction, organization)
            last, count = await transaction.row(self._standing, {"organization": organization}) or (0, 0)
            if count >= MOST_WEBHOOKS:
                return None
            identifier = WebhookId(last + 1)
            added = Webhook(organization, identifier, url, actions, secret, None, None, True, None, now, allowed_host)
            await transaction.run(self._insert, _values(added))
            return added

        return await self._engine.write(work)

    async def all(self, organization: OrganizationId) -> Sequence[Webhook]:
        """Return an organization's webhooks, ordered by id."""
        rows = await self._engine.rows(self._all, {"organization": organization})
        return [webhook_of(row) for row in rows]

    async def find(self, organization: OrganizationId, webhook: WebhookId) -> Webhook | None:
        """Return a webhook."""
        row = await self._engine.row(self._find, {"organization": organization, "webhook": webhook})
        return None if row is None else webhook_of(row)

    async def change(
        self, organization: OrganizationId, webhook: WebhookId, change: WebhookChange, now: Instant
    ) -> Webhook | None:
        """Change a webhook and return it; when it is enabled again, its pending deliveries are due at once.

        A new URL removes the allowed host, and the responses of the receiver before, which may be private.
        """
        named = {"organization": organization, "webhook": webhook}

        async def work(transaction: Transaction) -> Webhook | None:
            await self._ledger.take(transaction, organization)
            before = await self._found(transaction, named)
            if before is None:
                return None
            enabled = before.enabled if change.enabled is None else change.enabled
            actions = before.actions if change.actions is None else change.actions
            url = change.url or before.url
            values = {
                "new_url": url,
                "new_actions": _written(actions),
                "new_enabled": enabled,
                "new_reason": before.reason if change.enabled is None else None,
                "new_allowed_host": before.allowed_host if url == before.url else None,
            }
            await transaction.run(self._change, {**named, **values})
            if url != before.url:
                await transaction.run(self._forget_answers, named)
            if enabled and (not before.enabled or url != before.url):
                await transaction.run(self._resume, {**named, "now": int(now)})
            return await self._found(transaction, named)

        return await self._engine.write(work)

    async def rotate(
        self, organization: OrganizationId, webhook: WebhookId, secret: str, until: Instant
    ) -> Webhook | None:
        """Rotate the secret of a webhook; the previous one stays valid until `until`."""
        named = {"organization": organization, "webhook": webhook}

        async def work(transaction: Transaction) -> Webhook | None:
            await transaction.run(self._rotate, {**named, "new_secret": secret, "until": int(until)})
            return await self._found(transaction, named)

        return await self._engine.write(work)

    async def remove(self, organization: OrganizationId, webhook: WebhookId) -> bool:
        """Remove a webhook with all its deliveries; False if none has that id."""
        named = {"organization": organization, "webhook": webhook}

        async def work(transaction: Transaction) -> int:
            # So that no concurrent writer that has seen the webhook adds to its outbox.
            await self._ledger.take(transaction, organization)
            await transaction.run(self._forget, named)
            return await transaction.run(self._remove, named)

        return await self._engine.write(work) > 0

    async def _found(self, transaction: Transaction, named: dict[str, int]) -> Webhook | None:
        row = await transaction.row(self._find, named)
        return None if row is None else webhook_of(row)


def resumption() -> Update:
    """Return the statement that makes the first pending delivery due; the others were due when written."""
    columns = deliveries.c
    first = select(columns.revision).where(*_OF_WEBHOOK, PENDING).order_by(columns.revision, columns.action)
    is_first = columns.revision == first.limit(literal_column("1")).scalar_subquery()
    return update(deliveries).where(*_OF_WEBHOOK, PENDING, is_first).values(next_attempt_at=bindparam("now"))


def _written(actions: frozenset[Action]) -> str:
    return " ".join(action for action in Action if action in actions)


def _values(webhook: Webhook) -> dict[str, Any]:
    return {
        "organization_id": webhook.organization_id,
        "id": webhook.id,
        "url": webhook.url,
        "actions": _written(webhook.actions),
        "secret": webhook.secret,
        "previous_secret": None,
        "previous_secret_until": None,
        "enabled": webhook.enabled,
        "reason": webhook.reason,
        "created_at": int(webhook.created_at),
        "allowed_host": webhook.allowed_host,
    }
