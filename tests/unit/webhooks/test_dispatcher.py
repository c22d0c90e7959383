"""The outbox is emptied: in order, at least once, and no webhook waits for another."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any, TypeVar

import pytest
import structlog
from standardwebhooks import Webhook as Verifier

from rowen import wiring
from rowen.app.deliveries import DeliveryState
from rowen.app.delivery_attempts import AttemptResult, RetryDecision, decide_retry
from rowen.app.outbox import PendingDelivery, WebhookKey
from rowen.app.subscriptions import Action, WebhookChange, new_secret
from rowen.interviews.errors import Unavailable
from rowen.interviews.moments import Instant
from rowen.store.webhooks.outbox import Outbox
from rowen.webhooks.dispatcher import KEPT
from rowen.webhooks.sender import GONE, answer_result
from rowen.webhooks.signing import harvest_signature
from tests.support.receiver import Received, Reply, receiving
from tests.support.webhook_harness import START, event, webhook_harness

pytestmark = pytest.mark.slow

Result = TypeVar("Result")
PENDING, DELIVERED, FAILED = DeliveryState.PENDING, DeliveryState.DELIVERED, DeliveryState.FAILED


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Return the log."""
    caplog.set_level(logging.DEBUG, "rowen")
    processors = [structlog.stdlib.render_to_log_kwargs]
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory(), processors=processors)
    yield caplog
    structlog.reset_defaults()


def numbers(received: list[Received]) -> list[int]:
    return [each.json["payload"]["interview"]["id"] for each in received]


async def test_changes_are_sent_in_order(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving() as receiver:
            webhook = await here.add(receiver.url)
            for number in range(20):
                await here.enqueue(event(number))
            here.start()
            for number in range(20, 40):
                await here.enqueue(event(number))
            received = await asyncio.to_thread(receiver.wait_for, 40)
            found = await here.settled(webhook.id)
        assert numbers(received) == list(range(40))
        assert [each.event_id for each in found] == [each.event_id for each in received]
        assert {(each.state, each.attempts, each.last_status, each.last_error) for each in found} == {
            (DELIVERED, 1, 204, None)
        }


async def test_each_letter_is_signed_twice(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving() as receiver:
            webhook = await here.add(receiver.url)
            here.clock.instant = wiring.now()  # the library checks the time
            rotated = await here.table.rotate(here.organization, webhook.id, new_secret(), Instant(here.clock() + 1000))
            assert rotated is not None
            here.start()
            await here.enqueue(event(1))
            (received,) = await asyncio.to_thread(receiver.wait_for, 1)
            await here.settled(webhook.id)
        headers = dict(received.headers)
        for secret in (webhook.secret, rotated.secret):
            Verifier(secret).verify(received.body, headers)
        assert headers["signature"] == "sha256 " + harvest_signature(rotated.secret, received.body)
        assert headers["greenhouse-event-id"] == received.event_id


async def test_only_the_chosen_actions_are_sent(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving() as receiver, receiving() as other:
            chosen = await here.add(receiver.url, frozenset([Action.INTERVIEW_DELETED]))
            everything = await here.add(other.url)
            await here.enqueue(event(1), event(2, Action.SCORECARD_SUBMITTED))
            await here.enqueue(event(3, Action.INTERVIEW_DELETED))
            here.start()
            await here.settled(everything.id)
            await here.settled(chosen.id)
        assert numbers(receiver.received) == [3]
        assert numbers(other.received) == [1, 2, 3]
        assert len({each.event_id for each in receiver.received + other.received}) == 4


async def test_a_failed_delivery_is_tried_again_before_later_ones(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(Reply(500), Reply(302, {"Location": "/elsewhere"})) as receiver:
            webhook = await here.add(receiver.url)
            here.start()
            await here.enqueue(event(1))
            (first,) = await here.tried(webhook.id, 1)
            assert (first.state, first.last_status, first.last_error) == (PENDING, 500, "answered 500")
            assert first.next_attempt_at == here.clock() + 5_000
            await here.enqueue(event(2))
            here.clock.advance(5_000)
            await here.commit_unrelated()
            first, second = await here.tried(webhook.id, 2)
            assert (first.state, first.last_error) == (PENDING, "answered 302")
            assert second.attempts == 0, "it waits for the one before"
            here.clock.advance(60_000)
            await here.commit_unrelated()
            first, second = await here.settled(webhook.id)
        assert (first.state, first.attempts, second.state, second.attempts) == (DELIVERED, 3, DELIVERED, 1)
        assert numbers(receiver.received) == [1, 1, 1, 2]
        assert len({each.event_id for each in receiver.received[:3]}) == 1
        assert {each.path for each in receiver.received} == {"/hook"}


async def test_after_ten_attempts_the_next_delivery_is_sent(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(*[Reply(503)] * 10) as receiver:
            webhook = await here.add(receiver.url)
            await here.enqueue(event(1))
            await here.enqueue(event(2))
            here.start()
            for attempt in range(1, 10):
                first, _ = await here.tried(webhook.id, attempt)
                assert (first.state, first.attempts) == (PENDING, attempt)
                here.clock.instant = first.next_attempt_at
                await here.commit_unrelated()
            first, second = await here.settled(webhook.id)
        assert (first.state, first.attempts, first.settled_at) == (FAILED, 10, here.clock())
        assert (second.state, second.attempts) == (DELIVERED, 1)
        assert numbers(receiver.received) == [1] * 10 + [2]


async def test_gone_disables_until_it_is_enabled_again(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(Reply(410)) as receiver:
            webhook = await here.add(receiver.url)
            here.start()
            await here.enqueue(event(1))
            await here.enqueue(event(2))
            found = await here.once(
                lambda: here.table.find(here.organization, webhook.id), lambda each: not enabled(each)
            )
            assert found is not None
            assert (found.enabled, found.reason) == (False, GONE)
            await here.enqueue(event(3))
            assert [each.revision for each in await here.deliveries(webhook.id)] in ([1], [1, 2])
            back = await here.table.change(here.organization, webhook.id, WebhookChange(enabled=True), here.clock())
            assert back is not None
            assert (back.enabled, back.reason) == (True, None)
            await here.enqueue(event(4))
            await here.settled(webhook.id)
        delivered = numbers(receiver.received)
        assert delivered in ([1, 1, 4], [1, 1, 2, 4]), "pending events are sent first, at once"


def enabled(found: Any) -> bool:
    assert found is not None
    return bool(found.enabled)


async def test_a_dead_receiver_delays_nobody(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(otherwise=Reply(hangs=True)) as dead, receiving() as live:
            hanging = [await here.add(dead.url) for _ in range(20)]
            webhook = await here.add(live.url)
            here.start()
            for number in range(10):
                await here.enqueue(event(number))
            await asyncio.to_thread(dead.wait_for, 20)
            await here.enqueue(event(10))
            await here.settled(webhook.id)
            assert numbers(live.received) == list(range(11))
            assert len(dead.received) == 20, "each hangs on its first"
            for each in hanging:
                assert {found.attempts for found in await here.deliveries(each.id)} == {0}


async def test_no_more_webhooks_are_sent_to_at_a_time_than_the_limit(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(otherwise=Reply(hangs=True)) as dead:
            for _ in range(10):
                await here.add(dead.url)
            await here.enqueue(event(1))
            here.start(most=4)
            await asyncio.to_thread(dead.wait_for, 4)
            for _ in range(3):
                await here.commit_unrelated()
                await here.outbox.waiting()
            assert len(dead.received) == 4


async def test_receivers_that_failed_leave_room_for_those_that_answer(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(*[Reply(500)] * 8, otherwise=Reply(hangs=True)) as dead, receiving() as live:
            failing = [await here.add(dead.url) for _ in range(8)]
            webhook = await here.add(live.url)
            await here.enqueue(event(1))
            here.start(most=4, most_slow=3)
            for each in failing:
                await here.tried(each.id, 1)
            here.clock.advance(5_000)
            await here.enqueue(event(2))
            await asyncio.to_thread(dead.wait_for, 8 + 3)
            await here.enqueue(event(3))
            await here.settled(webhook.id)
            assert numbers(live.received) == [1, 2, 3]
            assert len(dead.received) == 8 + 3, "the others wait until one of these ends"


async def test_where_there_is_room_for_one_everybody_has_a_turn(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving() as one, receiving() as two:
            webhooks = [await here.add(each.url) for each in (one, two)]
            for number in range(10):
                await here.enqueue(event(number))
            here.start(most=1)
            for each in webhooks:
                await here.settled(each.id)
            for receiver in (one, two):
                assert numbers(receiver.received) == list(range(10))
            arrived = sorted((each.at, name) for name, of in (("one", one), ("two", two)) for each in of.received)
        assert [name for _, name in arrived] == ["one", "two"] * 10, "one after the other"


async def test_a_stop_leaves_pending_what_was_under_way(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(Reply(hangs=True)) as receiver:
            webhook = await here.add(receiver.url)
            await here.enqueue(event(1))
            task = here.start()
            await asyncio.to_thread(receiver.wait_for, 1)
            task.cancel()
            await asyncio.wait([task])
            (found,) = await here.deliveries(webhook.id)
            assert (found.state, found.attempts) == (PENDING, 0)
            here.start()
            await here.settled(webhook.id)
            first, second = receiver.received
        assert first.event_id == second.event_id == found.event_id


async def test_one_dispatcher_of_a_database_sends(database: str) -> None:
    async with webhook_harness(database) as here, webhook_harness(database, "beside") as beside:
        with receiving() as receiver:
            webhooks = [await each.add(receiver.url) for each in (here, beside)]
            assert await here.engine.try_lead()
            assert await here.engine.try_lead(), "kept"
            assert not await beside.engine.try_lead()
            beside.start()
            here.start()
            for number in range(10):
                await here.enqueue(event(number))
                await beside.enqueue(event(number))
            for each, webhook in zip((here, beside), webhooks, strict=True):
                await each.settled(webhook.id)
        assert sorted(numbers(receiver.received)) == sorted([*range(10), *range(10)])


class Stumbling(Outbox):
    """An outbox whose database sometimes does not respond, or that fails."""

    unavailable = 0
    faulty: int | None = None

    async def next(self, endpoint: WebhookKey) -> PendingDelivery | None:
        if endpoint.webhook_id == self.faulty:
            self.faulty = None
            raise ZeroDivisionError("a mistake")
        return await super().next(endpoint)

    async def record(self, due: PendingDelivery, outcome: AttemptResult, decision: RetryDecision) -> None:
        if self.unavailable:
            self.unavailable -= 1
            raise Unavailable("database rowen.db: the disk is full")
        await super().record(due, outcome, decision)


async def test_a_delivery_that_cannot_be_recorded_is_not_sent_again_meanwhile(database: str) -> None:
    async with webhook_harness(database) as here:
        here.outbox = outbox = Stumbling(here.engine)
        outbox.unavailable = 2
        with receiving() as receiver:
            webhook = await here.add(receiver.url)
            here.start()
            await here.enqueue(event(1))
            await here.enqueue(event(2))
            await here.settled(webhook.id)
        assert numbers(receiver.received) == [1, 2]


async def test_a_fault_of_ours_ends_nothing(database: str, logged: pytest.LogCaptureFixture) -> None:
    async with webhook_harness(database) as here:
        here.outbox = outbox = Stumbling(here.engine)
        with receiving() as receiver, receiving() as other:
            one, two = await here.add(receiver.url), await here.add(other.url)
            outbox.faulty = one.id
            here.start()
            await here.enqueue(event(1))
            await here.settled(two.id)
            await here.enqueue(event(2))
            await here.settled(two.id)
            assert receiver.received == [], "it is left alone for a while"
            here.clock.advance(30_000)
            await here.commit_unrelated()
            await here.settled(one.id)
        assert numbers(receiver.received) == numbers(other.received) == [1, 2]
    assert [record.exc_info[0] for record in logged.records if record.exc_info] == [ZeroDivisionError]


async def test_no_secret_is_logged_or_kept_as_an_error(database: str, logged: pytest.LogCaptureFixture) -> None:
    body = b"<p>whatever the receiver says</p>"
    async with webhook_harness(database) as here:
        with receiving(Reply(500, {"X-Told": "much"}, body), Reply(hangs=True)) as receiver:
            webhook = await here.add(receiver.url + "?token=hidden")
            await here.add("http://127.0.0.1:1/?token=hidden")
            here.start()
            await here.enqueue(event(1))
            found = await here.tried(webhook.id, 1)
        assert [each.last_error for each in found] == ["answered 500"]
    secrets = {webhook.secret, webhook.secret.removeprefix("whsec_"), "hidden", body.decode(), "much"}
    log = "".join(f"{each.getMessage()} {each.__dict__}" for each in logged.records if each.name.startswith("rowen"))
    assert "webhook not delivered" in log
    for secret in secrets:
        assert secret not in log


async def test_old_settled_deliveries_are_removed(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(Reply(410)) as receiver, receiving() as other:
            gone, webhook = await here.add(receiver.url), await here.add(other.url)
            await here.enqueue(event(1))
            task = here.start()
            await here.settled(webhook.id)
            await here.tried(gone.id, 1)
            here.clock.advance(KEPT)
            await here.enqueue(event(2))
            await here.settled(webhook.id)
            task.cancel()
            await asyncio.wait([task])
            assert await here.outbox.sweep(START) == 0
            here.clock.advance(1)
            here.start()  # begins with a sweep
            found = await here.once(lambda: here.deliveries(webhook.id), lambda found: len(found) == 1)
        assert [each.revision for each in found] == [2]
        assert [each.state for each in await here.deliveries(gone.id)] == [PENDING], "the event is still pending"


async def test_a_webhook_that_is_removed_meanwhile(database: str) -> None:
    async with webhook_harness(database) as here:
        with receiving(Reply(500)) as receiver:
            webhook = await here.add(receiver.url)
            await here.enqueue(event(1))
            due = await here.outbox.next(WebhookKey(here.organization, webhook.id))
            assert due is not None
            assert await here.table.remove(here.organization, webhook.id)
            again = await here.add(receiver.url)
            assert again.id == webhook.id, "its number is given again"
            await here.enqueue(event(2))
            await here.outbox.record(
                due, answer_result(410), decide_retry(1, answer_result(410), here.clock(), lambda: 0.5)
            )
            (found,) = await here.deliveries(again.id)
            assert (found.attempts, found.revision) == (0, 2)
