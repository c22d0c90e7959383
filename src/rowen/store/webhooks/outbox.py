"""The outbox: deliveries to webhooks, written with their change.

Owns the rows of deliveries, from the transaction that writes them to the sweep that removes them. Must not know the
content of an event, or how it is sent.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Select, bindparam, delete, false, func, insert, literal_column, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from rowen.app.deliveries import DeliveryState
from rowen.app.delivery_attempts import AttemptResult, RetryDecision
from rowen.app.outbox import PendingDelivery, WebhookEvent, WebhookKey
from rowen.app.subscriptions import Action, WebhookId
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Row, Transaction
from rowen.store.schema.tables import PENDING, PENDING_INDEX, deliveries, webhooks
from rowen.store.webhooks.subscriptions import COLUMNS, webhook_of

_SWEPT: Final = 500  # rows read in one transaction: a few milliseconds

_columns = deliveries.c
_OF_ENDPOINT: Final = (
    _columns.organization_id == bindparam("organization"),
    _columns.webhook_id == bindparam("webhook"),
)


class Outbox:
    """Fills and empties the outbox through one engine."""

    def __init__(self, engine: Engine, random_hex: Callable[[int], str] = secrets.token_hex) -> None:
        self._engine = engine
        self._random_hex = random_hex
        self._subscribers = engine.prepare(
            select(webhooks.c.id, webhooks.c.actions).where(
                webhooks.c.organization_id == bindparam("organization"), webhooks.c.enabled.is_(true())
            )
        )
        self._insert = engine.prepare(insert(deliveries).values({each.name: bindparam(each.name) for each in _columns}))
        self._waiting = engine.prepare(_waiting())
        self._next = engine.prepare(_next())
        self._record = engine.prepare(
            update(deliveries)
            .where(*_OF_ENDPOINT, _columns.revision == bindparam("at_revision"))
            # By its event, too: the id of a removed webhook may belong to another by now.
            .where(_columns.action == bindparam("at_action"), _columns.event_id == bindparam("event"), PENDING)
            # Unless it was skipped and made pending again meanwhile.
            .where(_columns.attempts == bindparam("known_attempts"))
            .values({name: bindparam(f"new_{name}") for name in _RECORDED})
        )
        self._disable = engine.prepare(
            update(webhooks)
            .where(webhooks.c.organization_id == bindparam("organization"), webhooks.c.id == bindparam("webhook"))
            .where(webhooks.c.url == bindparam("sent_url"))
            .values(enabled=false(), reason=bindparam("new_reason"))
        )
        oldest = select(_columns.revision).where(*_OF_ENDPOINT).order_by(_columns.revision)
        settled = (~PENDING, _columns.settled_at < bindparam("before"))
        self._endpoints = engine.prepare(select(webhooks.c.organization_id, webhooks.c.id))
        # The oldest ones, not only the first: a delivery that was sent again is settled later than those after it.
        settling = select(_columns.settled_at).where(*_OF_ENDPOINT).order_by(_columns.revision)
        first = settling.limit(literal_column(str(_SWEPT))).subquery()
        self._oldest = engine.prepare(select(func.min(first.c.settled_at)))
        self._sweep = engine.prepare(
            delete(deliveries).where(
                *_OF_ENDPOINT,
                _columns.revision.in_(oldest.limit(literal_column(str(_SWEPT)))),
                *settled,
            )
        )

    async def enqueue(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        revision: int,
        now: Instant,
        events: Sequence[WebhookEvent],
    ) -> None:
        """Write, within a transaction, the deliveries of a change to each webhook; they are due at once."""
        if not events:
            return
        for identifier, actions in await transaction.rows(self._subscribers, {"organization": organization}):
            wanted = actions.split()
            for event in events:
                if event.action in wanted:
                    key = {"organization_id": organization, "webhook_id": identifier, "revision": revision}
                    await transaction.run(self._insert, {**key, **self._fresh(event, now)})

    def _fresh(self, event: WebhookEvent, now: Instant) -> dict[str, Any]:
        return {
            "action": event.action.value,
            "event_id": f"msg_{self._random_hex(16)}",
            "state": DeliveryState.PENDING.value,
            "attempts": 0,
            "next_attempt_at": int(now),
            "last_status": None,
            "last_error": None,
            "created_at": int(now),
            "settled_at": None,
            "body": event.body,
            "last_attempt_at": None,
            "last_answer": None,
        }

    async def waiting(self) -> Sequence[tuple[WebhookKey, Instant]]:
        """Return the enabled webhooks with pending deliveries, and when each is due."""
        return [
            (WebhookKey(OrganizationId(organization), WebhookId(webhook)), Instant(next_attempt_at))
            for organization, webhook, next_attempt_at in await self._engine.rows(self._waiting, {})
            if next_attempt_at is not None
        ]

    async def next(self, key: WebhookKey) -> PendingDelivery | None:
        """Return the first pending delivery to a webhook; None if there is none or the webhook is disabled."""
        row = await self._engine.row(self._next, _named(key))
        return None if row is None else _due(key, row)

    async def record(self, due: PendingDelivery, result: AttemptResult, decision: RetryDecision) -> None:
        """Store the result of an attempt; disable the webhook if the decision is to, and the URL is unchanged."""
        endpoint = _named(due.key)
        delivery = {**endpoint, "at_revision": due.revision, "at_action": due.action.value, "event": due.event_id}
        values = {
            "new_state": decision.state.value,
            "new_attempts": decision.attempts,
            "new_next_attempt_at": int(decision.next_attempt_at),
            "new_last_status": result.status,
            "new_last_error": result.reason,
            "new_settled_at": None if decision.settled_at is None else int(decision.settled_at),
            "new_last_attempt_at": None if result.sent_at is None else int(result.sent_at),
            "new_last_answer": result.excerpt or None,
            "known_attempts": due.attempts,
        }

        async def work(transaction: Transaction) -> None:
            await transaction.run(self._record, {**delivery, **values})
            if decision.disabled is not None:
                disabling = {"sent_url": due.webhook.url, "new_reason": decision.disabled}
                await transaction.run(self._disable, {**endpoint, **disabling})

        await self._engine.write(work)

    async def sweep(self, before: Instant) -> int:
        """Delete some deliveries that were settled before `before`, and return how many; 0 means that none are left."""
        removed = 0
        for organization, webhook in await self._engine.rows(self._endpoints, {}):
            endpoint = _named(WebhookKey(organization, webhook))
            oldest = await self._engine.row(self._oldest, endpoint)
            if oldest is not None and oldest[0] is not None and oldest[0] < before:
                removed += await self._remove_settled({**endpoint, "before": int(before)})
        return removed

    async def _remove_settled(self, parameters: dict[str, int]) -> int:
        async def work(transaction: Transaction) -> int:
            return await transaction.run(self._sweep, parameters)

        return await self._engine.write(work)


_RECORDED: Final = (
    *("state", "attempts", "next_attempt_at", "last_status", "last_error", "settled_at"),
    *("last_attempt_at", "last_answer"),
)


def _named(key: WebhookKey) -> dict[str, int]:
    return {"organization": key.organization_id, "webhook": key.webhook_id}


def _in_order(statement: Select[Any]) -> Select[Any]:
    """Return the first of the deliveries: within one revision, in the order of their actions."""
    statement = statement.with_hint(deliveries, PENDING_INDEX)
    return statement.where(PENDING).order_by(_columns.revision, _columns.action).limit(literal_column("1"))


def _of_webhook() -> tuple[ColumnElement[bool], ...]:
    return _columns.organization_id == webhooks.c.organization_id, _columns.webhook_id == webhooks.c.id


def _waiting() -> Select[Any]:
    """Return each enabled webhook and when its first pending delivery is due: one index lookup for each."""
    head = _in_order(select(_columns.next_attempt_at).where(*_of_webhook())).correlate(webhooks).scalar_subquery()
    return select(webhooks.c.organization_id, webhooks.c.id, head).where(webhooks.c.enabled.is_(true()))


def _next() -> Select[Any]:
    """Return the first pending delivery to a webhook, and the webhook."""
    columns = (_columns.revision, _columns.action, _columns.event_id, _columns.attempts, _columns.next_attempt_at)
    statement = select(*columns, _columns.body, *COLUMNS).join_from(deliveries, webhooks, *_both())
    return _in_order(statement.where(*_OF_ENDPOINT, webhooks.c.enabled.is_(true())))


def _both() -> tuple[ColumnElement[bool]]:
    one, other = _of_webhook()
    return (one & other,)


def _due(key: WebhookKey, row: Row) -> PendingDelivery:
    revision, action, event_id, attempts, next_attempt_at, body = row[:6]
    return PendingDelivery(
        key,
        revision,
        Action(action),
        event_id,
        attempts,
        Instant(next_attempt_at),
        body,
        webhook_of(row[6:]),
    )
