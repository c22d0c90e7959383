"""Deliveries, one by one: read for people, sent again, and skipped.

Owns the queries over past and pending deliveries. Must not know how anything is sent: the dispatcher sends what is
pending, whoever made it so. Many rows are changed in steps, so that writers do not wait for all of them.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Select, and_, bindparam, case, literal_column, null, select, true, tuple_, update
from sqlalchemy.sql.elements import ColumnElement

from rowen.app.deliveries import (
    AllPending,
    Delivery,
    DeliveryDetail,
    DeliveryState,
    FailedSince,
    OneDelivery,
    OneRevision,
    Resendable,
    Skippable,
    WebhookDisabledError,
)
from rowen.app.subscriptions import Action, WebhookId
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Prepared, Row, Transaction, constant
from rowen.store.schema.tables import PENDING, PENDING_INDEX, changes, deliveries, webhooks
from rowen.store.webhooks.subscriptions import resumption

STEP: Final = 500
"""How many deliveries are read or changed in one transaction: a few milliseconds.

No index covers event ids or failed deliveries: all deliveries of the webhook are read, and other readers get their turn
between two steps.
"""

_columns = deliveries.c
_OF_WEBHOOK: Final = (
    _columns.organization_id == bindparam("organization"),
    _columns.webhook_id == bindparam("webhook"),
)
_KEY: Final = tuple_(_columns.revision, _columns.action)
_BEGINNING: Final = (-1, "")
_END: Final = (2**63 - 1, "")
_LISTED: Final = (
    _columns.state,
    _columns.action,
    _columns.event_id,
    _columns.revision,
    _columns.attempts,
    _columns.last_status,
    _columns.last_error,
    _columns.created_at,
    _columns.next_attempt_at,
    _columns.settled_at,
    changes.c.interview_id,
    _columns.last_attempt_at,
)
_FAILED_SINCE: Final = (_columns.state == constant(DeliveryState.FAILED)) & (_columns.settled_at >= bindparam("since"))
_FIRST: Final = tuple_(bindparam("first_revision"), bindparam("first_action"))
_LAST: Final = tuple_(bindparam("last_revision"), bindparam("last_action"))


class DeliveryTable:
    """The `DeliveryLog` of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._newest = engine.prepare(
            _with_interviews(*_LISTED)
            .where(*_OF_WEBHOOK)
            .order_by(_columns.revision.desc(), _columns.action.desc())
            .limit(bindparam("size"))
        )
        self._detail = engine.prepare(
            _with_interviews(*_LISTED, _columns.body, _columns.last_answer).where(*_OF_WEBHOOK, *_at_key())
        )
        self._enabled = engine.prepare(
            select(webhooks.c.enabled).where(
                webhooks.c.organization_id == bindparam("organization"), webhooks.c.id == bindparam("webhook")
            )
        )
        self._resumption = engine.prepare(resumption())
        self._older = engine.prepare(_step(_KEY < _FIRST, descending=True))
        self._newer = engine.prepare(_step(_KEY > _FIRST))
        at_revision = select(*_key()).where(*_OF_WEBHOOK, _columns.revision == bindparam("at_revision"))
        self._by_revision = engine.prepare(at_revision.order_by(*_key()))
        pending = _step((_KEY > _FIRST) & PENDING)
        self._pending = engine.prepare(pending.with_hint(deliveries, PENDING_INDEX))
        self._resend = engine.prepare(_resending(true()))
        self._resend_failed = engine.prepare(_resending(_FAILED_SINCE))
        self._skip = engine.prepare(
            update(deliveries)
            .where(*_OF_WEBHOOK, _KEY >= _FIRST, _KEY <= _LAST, PENDING)
            .values(state=constant(DeliveryState.SKIPPED), settled_at=bindparam("now"))
        )

    async def newest(self, organization: OrganizationId, webhook: WebhookId, limit: int) -> Sequence[Delivery]:
        """Return the newest deliveries to a webhook, the newest first."""
        named = {"organization": organization, "webhook": webhook, "size": limit}
        return [_delivery_of(row) for row in await self._engine.rows(self._newest, named)]

    async def find(self, organization: OrganizationId, webhook: WebhookId, event_id: str) -> DeliveryDetail | None:
        """Return the delivery with an event id."""
        named = {"organization": organization, "webhook": webhook}
        for revision, action, *_ in await self._of_event(named, event_id):
            at = {**named, "at_revision": revision, "at_action": action}
            row = await self._engine.row(self._detail, at)
            if row is not None:
                *listed, body, answer = row
                return DeliveryDetail(_delivery_of(listed), body, answer)
        return None

    async def resend(
        self, organization: OrganizationId, webhook: WebhookId, chosen: Resendable, now: Instant
    ) -> int | None:
        """Make deliveries pending and due now, and return how many; None if no webhook has that id.

        Settled ones get all their attempts again; pending ones keep their count. Raises WebhookDisabledError.
        """
        values = {"organization": organization, "webhook": webhook, "now": int(now)}
        if not isinstance(chosen, FailedSince):
            return await self._change(self._resend, values, await self._keys_of(chosen, values))
        values["since"] = since = int(chosen.instant)

        def failed(row: Row) -> bool:
            *_, state, settled_at = row
            return bool(state == DeliveryState.FAILED and settled_at >= since)

        count = await self._in_steps(self._newer, self._resend_failed, values, failed)
        if count == 0:
            await self._engine.write(lambda transaction: transaction.run(self._resumption, values))
        return count

    async def skip(
        self, organization: OrganizationId, webhook: WebhookId, chosen: Skippable, now: Instant
    ) -> int | None:
        """Settle pending deliveries as skipped, and return how many; None if no webhook has that id."""
        values = {"organization": organization, "webhook": webhook, "now": int(now)}
        if not isinstance(chosen, AllPending):
            return await self._change(self._skip, values, await self._keys_of(chosen, values))
        return await self._in_steps(self._pending, self._skip, values, lambda _: True)

    async def _keys_of(self, chosen: OneDelivery | OneRevision, values: dict[str, Any]) -> Sequence[Row]:
        if isinstance(chosen, OneDelivery):
            return await self._of_event(values, chosen.event_id)
        return await self._engine.rows(self._by_revision, {**values, "at_revision": chosen.revision})

    async def _of_event(self, values: dict[str, Any], event_id: str) -> Sequence[Row]:
        """Return the key of the delivery with an event id, if it exists: the newest are searched first."""
        before: Row = _END
        while True:
            rows = await self._look(self._older, values, before)
            if found := [row for row in rows if row[2] == event_id]:
                return found
            if len(rows) < STEP:
                return ()
            before = rows[-1]

    async def _in_steps(
        self, look: Prepared, change: Prepared, values: dict[str, Any], applies: Callable[[Row], bool]
    ) -> int | None:
        """Change everything that a statement finds and a criterion accepts, step by step in the order of changes."""
        count = await self._change(change, values, ())
        after: Row = _BEGINNING
        while count is not None:
            rows = await self._look(look, values, after)
            if chosen := [row for row in rows if applies(row)]:
                changed = await self._change(change, values, chosen)
                count = None if changed is None else count + changed
            if len(rows) < STEP:
                break
            after = rows[-1]
        return count

    async def _look(self, look: Prepared, values: dict[str, Any], place: Row) -> Sequence[Row]:
        """Return the next deliveries from a position on."""
        placed = {**values, "first_revision": place[0], "first_action": place[1]}

        async def work(transaction: Transaction) -> Sequence[Row]:
            return await transaction.rows(look, placed)

        return await self._engine.read(work)

    async def _change(self, change: Prepared, values: dict[str, Any], keys: Sequence[Row]) -> int | None:
        """Change the rows from the first key to the last that the statement applies to."""

        async def work(transaction: Transaction) -> int | None:
            found = await transaction.row(self._enabled, values)
            if found is None:
                return None
            if change is not self._skip and not found[0]:
                raise WebhookDisabledError
            if not keys:
                return 0
            if change is not self._skip:
                # A delivery that waits for its next attempt may follow those sent again: it is due then.
                await transaction.run(self._resumption, values)
            span = {"first_revision": keys[0][0], "first_action": keys[0][1]}
            span |= {"last_revision": keys[-1][0], "last_action": keys[-1][1]}
            return await transaction.run(change, {**values, **span})

        return await self._engine.write(work)


def _key() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return _columns.revision, _columns.action


def _at_key() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _columns.revision == bindparam("at_revision"), _columns.action == bindparam("at_action")


def _with_interviews(*columns: ColumnElement[Any]) -> Select[Any]:
    """Select columns of deliveries and of their changes."""
    of_change = and_(changes.c.organization_id == _columns.organization_id, changes.c.revision == _columns.revision)
    return select(*columns).select_from(deliveries.outerjoin(changes, of_change))


def _step(criterion: ColumnElement[bool], *, descending: bool = False) -> Select[Any]:
    """Select the next deliveries in the order of changes or in reverse: their keys, and the columns of the criteria."""
    order = [column.desc() for column in _key()] if descending else [*_key()]
    chosen = select(*_key(), _columns.event_id, _columns.state, _columns.settled_at).where(*_OF_WEBHOOK, criterion)
    return chosen.order_by(*order).limit(literal_column(str(STEP)))


def _resending(criterion: ColumnElement[bool]) -> Any:
    """Make the deliveries between two keys pending and due."""
    return (
        update(deliveries)
        .where(*_OF_WEBHOOK, _KEY >= _FIRST, _KEY <= _LAST, criterion)
        .values(
            attempts=case((PENDING, _columns.attempts), else_=literal_column("0")),
            state=constant(DeliveryState.PENDING),
            next_attempt_at=bindparam("now"),
            settled_at=null(),
        )
    )


def _delivery_of(row: Row) -> Delivery:
    state, action, event_id, revision, attempts, status, error, created_at, next_attempt_at, settled_at, *more = row
    interview_id, last_attempt_at = more
    return Delivery(
        DeliveryState(state),
        Action(action),
        event_id,
        revision,
        attempts,
        status,
        error,
        Instant(created_at),
        Instant(next_attempt_at),
        None if settled_at is None else Instant(settled_at),
        interview_id,
        None if last_attempt_at is None else Instant(last_attempt_at),
    )
