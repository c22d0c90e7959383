"""The outbox: what webhooks are to be told, written with the change that it tells of.

Owns the rows of deliveries, from the transaction that writes them to the sweep that removes them. Must not know
what is told, or how it is sent.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Select, bindparam, delete, false, insert, literal_column, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from rowen.app.telling import Action, DeliveryState, Due, Endpoint, Event, Outcome, Verdict, WebhookId
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engine import Engine, Row, Transaction
from rowen.store.tables import PENDING, PENDING_INDEX, deliveries, webhooks
from rowen.store.webhooks import COLUMNS, webhook_of

_SWEPT: Final = 500  # rows looked at in one transaction: a few milliseconds

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
            # By its event, too: of a webhook that was removed, the id may be another's by now.
            .where(*_OF_ENDPOINT, _columns.revision == bindparam("at_revision"), _columns.action == bindparam("told"))
            .where(_columns.event_id == bindparam("event"), PENDING)
            .values({name: bindparam(f"new_{name}") for name in _RECORDED})
        )
        self._disable = engine.prepare(
            update(webhooks)
            .where(webhooks.c.organization_id == bindparam("organization"), webhooks.c.id == bindparam("webhook"))
            .where(webhooks.c.url == bindparam("told_url"))
            .values(enabled=false(), reason=bindparam("new_reason"))
        )
        oldest = select(_columns.revision).where(*_OF_ENDPOINT).order_by(_columns.revision)
        settled = (~PENDING, _columns.settled_at < bindparam("before"))
        self._endpoints = engine.prepare(select(webhooks.c.organization_id, webhooks.c.id))
        self._oldest = engine.prepare(
            select(_columns.settled_at).where(*_OF_ENDPOINT).order_by(_columns.revision).limit(literal_column("1"))
        )
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
        events: Sequence[Event],
    ) -> None:
        """Write, within a transaction, what each webhook is to be told of a change; it is due at once."""
        if not events:
            return
        for identifier, actions in await transaction.rows(self._subscribers, {"organization": organization}):
            wanted = actions.split()
            for event in events:
                if event.action in wanted:
                    key = {"organization_id": organization, "webhook_id": identifier, "revision": revision}
                    await transaction.run(self._insert, {**key, **self._fresh(event, now)})

    def _fresh(self, event: Event, now: Instant) -> dict[str, Any]:
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
        }

    async def waiting(self) -> Sequence[tuple[Endpoint, Instant]]:
        """Return the enabled webhooks with something pending, and when each is to be tried."""
        return [
            (Endpoint(OrganizationId(organization), WebhookId(webhook)), Instant(next_attempt_at))
            for organization, webhook, next_attempt_at in await self._engine.rows(self._waiting, {})
            if next_attempt_at is not None
        ]

    async def next(self, endpoint: Endpoint) -> Due | None:
        """Return the first thing pending for a webhook; None where there is none or the webhook is disabled."""
        row = await self._engine.row(self._next, _named(endpoint))
        return None if row is None else _due(endpoint, row)

    async def record(self, due: Due, outcome: Outcome, verdict: Verdict) -> None:
        """Store how a try ended; the webhook is disabled where the verdict says so and it still has that URL."""
        endpoint = _named(due.endpoint)
        key = {**endpoint, "at_revision": due.revision, "told": due.action.value, "event": due.event_id}
        values = {
            "new_state": verdict.state.value,
            "new_attempts": verdict.attempts,
            "new_next_attempt_at": int(verdict.next_attempt_at),
            "new_last_status": outcome.status,
            "new_last_error": outcome.reason,
            "new_settled_at": None if verdict.settled_at is None else int(verdict.settled_at),
        }

        async def work(transaction: Transaction) -> None:
            await transaction.run(self._record, {**key, **values})
            if verdict.disabled is not None:
                told = {"told_url": due.webhook.url, "new_reason": verdict.disabled}
                await transaction.run(self._disable, {**endpoint, **told})

        await self._engine.write(work)

    async def sweep(self, before: Instant) -> int:
        """Remove some of what was settled before then, and return how many; 0 means there are no more."""
        removed = 0
        for organization, webhook in await self._engine.rows(self._endpoints, {}):
            endpoint = _named(Endpoint(organization, webhook))
            oldest = await self._engine.row(self._oldest, endpoint)
            if oldest is not None and oldest[0] is not None and oldest[0] < before:
                removed += await self._remove_settled({**endpoint, "before": int(before)})
        return removed

    async def _remove_settled(self, parameters: dict[str, int]) -> int:
        async def work(transaction: Transaction) -> int:
            return await transaction.run(self._sweep, parameters)

        return await self._engine.write(work)


_RECORDED: Final = ("state", "attempts", "next_attempt_at", "last_status", "last_error", "settled_at")


def _named(endpoint: Endpoint) -> dict[str, int]:
    return {"organization": endpoint.organization_id, "webhook": endpoint.webhook_id}


def _in_order(statement: Select[Any]) -> Select[Any]:
    """Return the first of the deliveries: of one revision, in the order of their actions."""
    statement = statement.with_hint(deliveries, f"INDEXED BY {PENDING_INDEX}", "sqlite")
    return statement.where(PENDING).order_by(_columns.revision, _columns.action).limit(literal_column("1"))


def _of_webhook() -> tuple[ColumnElement[bool], ...]:
    return _columns.organization_id == webhooks.c.organization_id, _columns.webhook_id == webhooks.c.id


def _waiting() -> Select[Any]:
    """Return each enabled webhook and when its first pending delivery is due: one look into the index for each."""
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


def _due(endpoint: Endpoint, row: Row) -> Due:
    revision, action, event_id, attempts, next_attempt_at, body = row[:6]
    return Due(
        endpoint,
        revision,
        Action(action),
        event_id,
        attempts,
        Instant(next_attempt_at),
        body,
        webhook_of(row[6:]),
    )
