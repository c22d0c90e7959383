"""Deliveries are inspected, sent again with the same event id, and skipped, while a dispatcher runs."""

import asyncio
from typing import Any, TypeVar

import pytest

from rowen.api.rowen.deliveries import sent_headers
from rowen.app.deliveries import (
    AllPending,
    DeliveryState,
    FailedSince,
    OneDelivery,
    OneRevision,
    Resendable,
    Skippable,
    WebhookDisabledError,
)
from rowen.app.delivery_attempts import AttemptResult, decide_retry
from rowen.app.outbox import WebhookKey
from rowen.app.subscriptions import Action, WebhookChange, WebhookId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Transaction
from rowen.store.schema.tables import deliveries
from rowen.store.webhooks.deliveries import STEP
from rowen.webhooks.dispatcher import KEPT
from rowen.webhooks.sender import answer_result
from tests.support.receiver import Received, Reply, receiving
from tests.support.webhook_harness import START, WebhookHarness, event, webhook_harness

pytestmark = pytest.mark.slow

Result = TypeVar("Result")
PENDING, DELIVERED, FAILED, SKIPPED = (
    DeliveryState.PENDING,
    DeliveryState.DELIVERED,
    DeliveryState.FAILED,
    DeliveryState.SKIPPED,
)


def numbers(received: list[Received]) -> list[int]:
    return [each.json["payload"]["interview"]["id"] for each in received]


async def resend(here: WebhookHarness, webhook: WebhookId, chosen: Resendable) -> int | None:
    return await here.log.resend(here.organization, webhook, chosen, here.clock())


async def skip(here: WebhookHarness, webhook: WebhookId, chosen: Skippable) -> int | None:
    return await here.log.skip(here.organization, webhook, chosen, here.clock())


async def fail(here: WebhookHarness, webhook: WebhookId, count: int = 1) -> None:
    """Give up the first pending deliveries, as after ten attempts."""
    for _ in range(count):
        due = await here.outbox.next(WebhookKey(here.organization, webhook))
        assert due is not None
        outcome = answer_result(500)._replace(excerpt=b"out of order", sent_at=here.clock())
        await here.outbox.record(due, outcome, decide_retry(10, outcome, here.clock(), lambda: 0.5))


def states(found: Any) -> list[DeliveryState]:
    return [each.state for each in found]


async def test_delivered_messages_are_sent_again_with_their_event_id(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving() as receiver:
            webhook = await here.add(receiver.url)
            here.start()
            for number in range(3):
                await here.enqueue(event(number))
            first, second, _ = await here.settled(webhook.id)
            here.clock.advance(1_000)
            assert await resend(here, webhook.id, OneDelivery(second.event_id)) == 1
            await asyncio.to_thread(receiver.wait_for, 4)
            again = (await here.settled(webhook.id))[1]
            assert (again.state, again.attempts, again.event_id) == (DELIVERED, 1, second.event_id)
            assert again.last_attempt_at == again.settled_at == here.clock()
            assert await resend(here, webhook.id, OneRevision(first.revision)) == 1
            received = await asyncio.to_thread(receiver.wait_for, 5)
            await here.settled(webhook.id)
        assert numbers(received) == [0, 1, 2, 1, 0]
        assert [received[number].body for number in (3, 4)] == [received[number].body for number in (1, 0)]
        assert [received[number].event_id for number in (3, 4)] == [second.event_id, first.event_id]


async def test_deliveries_failed_since_a_time_are_sent_again_in_order(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving() as receiver:
            webhook = await here.add(receiver.url)
            for number in range(6):
                await here.enqueue(event(number))
            await fail(here, webhook.id, 2)
            here.clock.advance(1)
            since = here.clock()
            await fail(here, webhook.id, 3)
            assert await resend(here, webhook.id, FailedSince(since)) == 3
            found = await here.deliveries(webhook.id)
            assert states(found) == [FAILED, FAILED, PENDING, PENDING, PENDING, PENDING]
            assert {each.attempts for each in found[2:]} == {0}
            here.start()
            await here.settled(webhook.id)
            assert await resend(here, webhook.id, FailedSince(since)) == 0, "it is delivered by now"
        assert numbers(receiver.received) == [2, 3, 4, 5]


async def test_after_an_outage_deliveries_waiting_for_their_next_attempt_are_due_too(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(Reply(500)) as receiver:
            webhook = await here.add(receiver.url)
            await here.enqueue(event(1))
            await here.enqueue(event(2))
            await fail(here, webhook.id)
            here.start()
            await here.tried(webhook.id, 11)
            assert await resend(here, webhook.id, FailedSince(START)) == 1
            await here.settled(webhook.id)
        assert numbers(receiver.received) == [2, 1, 2]


async def test_if_nothing_was_given_up_waiting_deliveries_are_due(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(Reply(500)) as receiver:
            webhook = await here.add(receiver.url)
            await here.enqueue(event(1))
            here.start()
            await here.tried(webhook.id, 1)
            assert await resend(here, webhook.id, FailedSince(START)) == 0
            (found,) = await here.settled(webhook.id)
            assert (found.state, found.attempts) == (DELIVERED, 2)


async def test_a_thousand_that_failed_are_sent_again_in_steps(database: str) -> None:
    count = 2 * STEP + 1

    async with webhook_harness(database) as here:
        webhook = await here.add("http://127.0.0.1:9/")
        await fill(here, webhook.id, count, "failed")
        for number in (1, STEP, STEP + 1, count):
            found = await here.log.find(here.organization, webhook.id, f"msg_{number}")
            assert found is not None
            assert found.delivery.revision == number
        assert await here.log.find(here.organization, webhook.id, "msg_0") is None
        assert await resend(here, webhook.id, OneDelivery("msg_1")) == 1
        assert await skip(here, webhook.id, OneDelivery("msg_1")) == 1
        assert await resend(here, webhook.id, FailedSince(Instant(START + 1))) == 0
        assert await resend(here, webhook.id, FailedSince(START)) == count - 1
        assert await resend(here, webhook.id, FailedSince(START)) == 0
        assert await skip(here, webhook.id, AllPending()) == count - 1
        assert set(states(await here.deliveries(webhook.id))) == {SKIPPED}


async def fill(here: WebhookHarness, webhook: WebhookId, count: int, state: str) -> None:
    insertion = here.engine.prepare_insert(deliveries)
    values = {"organization_id": here.organization, "webhook_id": webhook, "action": "interview_updated"}
    values |= {"state": state, "attempts": 10, "next_attempt_at": int(START), "last_status": 500, "last_error": "no"}
    values |= {"created_at": int(START), "settled_at": int(START), "body": b"{}"}
    values |= {"last_attempt_at": None, "last_answer": None}
    rows = [
        insertion.bind({**values, "revision": number, "event_id": f"msg_{number}"}) for number in range(1, count + 1)
    ]

    async def work(transaction: Transaction) -> None:
        await transaction.insert(insertion, rows)

    await here.engine.write(work)


async def test_skipped_deliveries_are_not_sent_and_later_ones_are(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(Reply(500)) as receiver:
            webhook = await here.add(receiver.url)
            await here.enqueue(event(1))
            await here.enqueue(event(2), event(3, Action.SCORECARD_SUBMITTED))
            here.start()
            blocking = (await here.tried(webhook.id, 1))[0]
            assert await skip(here, webhook.id, OneDelivery(blocking.event_id)) == 1
            found = await here.settled(webhook.id)
            assert states(found) == [SKIPPED, DELIVERED, DELIVERED]
            assert (found[0].attempts, found[0].last_status, found[0].settled_at) == (1, 500, here.clock())
            assert await skip(here, webhook.id, OneDelivery(blocking.event_id)) == 0
            assert await skip(here, webhook.id, OneRevision(2)) == 0, "it was delivered"
            assert await resend(here, webhook.id, OneDelivery(blocking.event_id)) == 1
            await here.settled(webhook.id)
        assert numbers(receiver.received) == [1, 2, 3, 1]


async def test_both_deliveries_of_a_change_are_chosen_by_its_revision(database: str) -> None:
    async with webhook_harness(database) as here:
        webhook = await here.add("http://127.0.0.1:9/")
        await here.enqueue(event(1))
        revision = await here.enqueue(event(2), event(3, Action.SCORECARD_SUBMITTED))
        assert await skip(here, webhook.id, OneRevision(revision)) == 2
        assert states(await here.deliveries(webhook.id)) == [PENDING, SKIPPED, SKIPPED]
        assert await resend(here, webhook.id, OneRevision(revision)) == 2
        assert await skip(here, webhook.id, AllPending()) == 3


async def test_an_attempt_in_progress_does_not_undo_a_later_request(database: str) -> None:
    async with webhook_harness(database) as here:
        webhook = await here.add("http://127.0.0.1:9/")
        await here.enqueue(event(1))
        endpoint = WebhookKey(here.organization, webhook.id)
        failed = answer_result(500)
        first = await here.outbox.next(endpoint)
        assert first is not None
        await here.outbox.record(first, failed, decide_retry(1, failed, here.clock(), lambda: 0.5))
        under_way = await here.outbox.next(endpoint)
        assert under_way is not None
        assert await skip(here, webhook.id, OneDelivery(first.event_id)) == 1
        await here.outbox.record(
            under_way, AttemptResult(200), decide_retry(2, AttemptResult(200), here.clock(), lambda: 0.5)
        )
        assert states(await here.deliveries(webhook.id)) == [SKIPPED]
        assert await resend(here, webhook.id, OneDelivery(first.event_id)) == 1
        await here.outbox.record(under_way, failed, decide_retry(10, failed, here.clock(), lambda: 0.5))
        (found,) = await here.deliveries(webhook.id)
        assert (found.state, found.attempts) == (PENDING, 0)


async def test_a_pending_delivery_sent_again_keeps_its_attempts_and_is_due_at_once(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(Reply(500)) as receiver:
            webhook = await here.add(receiver.url)
            await here.enqueue(event(1))
            here.start()
            (waiting,) = await here.tried(webhook.id, 1)
            assert waiting.next_attempt_at > here.clock()
            assert await resend(here, webhook.id, OneDelivery(waiting.event_id)) == 1
            (found,) = await here.settled(webhook.id)
        assert (found.state, found.attempts, found.event_id) == (DELIVERED, 2, waiting.event_id)


async def test_nothing_is_sent_again_to_a_webhook_that_is_disabled_or_unknown(database: str) -> None:
    async with webhook_harness(database) as here, webhook_harness(database, "beside") as beside:
        webhook = await here.add("http://127.0.0.1:9/")
        await here.enqueue(event(1))
        await fail(here, webhook.id)
        (failed,) = await here.deliveries(webhook.id)
        await here.table.change(here.organization, webhook.id, WebhookChange(enabled=False), here.clock())
        for chosen in (OneDelivery(failed.event_id), OneRevision(1), FailedSince(START)):
            with pytest.raises(WebhookDisabledError):
                await resend(here, webhook.id, chosen)
            assert await resend(here, WebhookId(99), chosen) is None
            assert await resend(beside, webhook.id, chosen) is None
        assert await skip(beside, webhook.id, AllPending()) is None
        assert await beside.log.find(beside.organization, webhook.id, failed.event_id) is None
        assert states(await here.deliveries(webhook.id)) == [FAILED]


async def test_a_delivery_is_shown_with_its_body_and_the_answer(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(Reply(500, body=b"x" * 5_000)) as receiver:
            webhook = await here.add(receiver.url)
            here.start()
            await here.enqueue(event(1))
            (tried,) = await here.tried(webhook.id, 1)
            detail = await here.log.find(here.organization, webhook.id, tried.event_id)
            assert detail is not None
            (received,) = receiver.received
            assert detail.delivery == tried
            assert detail.body == received.body
            assert detail.last_answer == b"x" * 1_000
            headers = {name.lower(): value for name, value in sent_headers(detail.delivery).items()}
            assert headers.items() <= received.headers.items()
            assert not any("signature" in name for name in headers)
            assert await here.log.find(here.organization, webhook.id, "msg_unknown") is None


async def test_a_delivery_sent_again_does_not_keep_old_ones(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving() as receiver:
            webhook = await here.add(receiver.url)
            task = here.start()
            for number in range(3):
                await here.enqueue(event(number))
            oldest = (await here.settled(webhook.id))[0]
            here.clock.advance(KEPT)
            assert await resend(here, webhook.id, OneDelivery(oldest.event_id)) == 1
            await here.settled(webhook.id)
            task.cancel()
            await asyncio.wait([task])
            here.clock.advance(1)
            assert await here.outbox.sweep(Instant(here.clock() - KEPT)) == 2
            (left,) = await here.deliveries(webhook.id)
        assert left.event_id == oldest.event_id
