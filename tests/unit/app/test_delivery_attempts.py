"""The events of a change, and the schedule of attempts."""

import msgspec
import pytest

from rowen.api.codec.documents import event_body
from rowen.app.deliveries import DeliveryState
from rowen.app.delivery_attempts import ATTEMPTS, LARGEST_RETRY_AFTER, AttemptResult, decide_retry, pause_after
from rowen.app.outbox import events_of
from rowen.app.subscriptions import Action, Webhook, WebhookId
from rowen.interviews.changes import Actor, ActorKind, Change, Kind
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.webhooks.sender import GONE, answer_result

NOW = Instant(1_700_000_000_000)
DOCUMENT = '{"id":7,"location":"Größe"}'.encode()
HOUR = 3_600_000


def change(kind: Kind, scorecard: bytes | None = None) -> Change:
    return Change(kind, Actor(ActorKind.USER, 1), scorecard)


ACTIONS = {
    Kind.CREATED: "interview_scheduled",
    Kind.CANCELLED: "interview_deleted",
    Kind.IMPORTED: None,
    Kind.RECORDED: None,
}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_change_is_sent_with_the_whole_interview(kind: Kind) -> None:
    events = events_of(change(kind), DOCUMENT, event_body)
    action = ACTIONS.get(kind, "interview_updated")
    if action is None:
        assert events == []
        return
    (event,) = events
    assert event.action == action
    assert event.body == b'{"action":"%b","payload":{"interview":%b}}' % (action.encode(), DOCUMENT)


def test_a_scorecard_is_sent_in_addition() -> None:
    updated, submitted = events_of(change(Kind.SCORED, b'{"id":5}'), DOCUMENT, event_body)
    assert msgspec.json.decode(updated.body)["action"] == "interview_updated"
    assert submitted.action is Action.SCORECARD_SUBMITTED
    assert msgspec.json.decode(submitted.body) == {
        "action": "scorecard_submitted",
        "payload": {"scorecard": {"id": 5}},
    }
    assert len(events_of(change(Kind.SCORE_REMOVED, b'{"id":5}'), DOCUMENT, event_body)) == 1


@pytest.mark.parametrize(("chance", "days"), [(0.0, 2.7), (0.5, 3.0), (1.0, 3.3)])
def test_ten_tries_take_three_days(chance: float, days: float) -> None:
    attempts, now = 0, NOW
    pauses = []
    while True:
        attempts += 1
        decision = decide_retry(attempts, answer_result(500), now, lambda: chance)
        if decision.state is DeliveryState.FAILED:
            break
        assert decision.attempts == attempts
        pauses.append(decision.next_attempt_at - now)
        now = decision.next_attempt_at
    assert attempts == ATTEMPTS == 10
    assert now - NOW == pytest.approx(days * 24 * HOUR, rel=0.001)
    assert pauses == sorted(pauses)
    assert (decision.settled_at, decision.disabled) == (now, None)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_answer_in_the_two_hundreds_is_delivery(status: int) -> None:
    decision = decide_retry(3, answer_result(status), NOW, lambda: 0.5)
    assert (decision.state, decision.attempts, decision.settled_at) == (DeliveryState.DELIVERED, 3, NOW)
    assert answer_result(status).reason is None


@pytest.mark.parametrize(
    "outcome", [AttemptResult(None, "no answer"), *(answer_result(s) for s in (101, 300, 302, 400, 404, 503))]
)
def test_whatever_else_is_tried_again(outcome: AttemptResult) -> None:
    decision = decide_retry(1, outcome, NOW, lambda: 0.5)
    assert (decision.state, decision.settled_at, decision.disabled) == (DeliveryState.PENDING, None, None)
    assert decision.next_attempt_at == NOW + pause_after(1, lambda: 0.5) == NOW + 5_000
    assert outcome.reason


def test_gone_disables() -> None:
    assert decide_retry(1, answer_result(410), NOW, lambda: 0.5)[::4] == (DeliveryState.PENDING, GONE)
    assert decide_retry(10, answer_result(410), NOW, lambda: 0.5)[::4] == (DeliveryState.FAILED, GONE)


def test_a_receiver_may_ask_for_more_time_but_not_for_any() -> None:
    def wait(attempts: int, retry_after: int) -> int:
        return decide_retry(attempts, answer_result(503, retry_after), NOW, lambda: 0.5).next_attempt_at - NOW

    assert wait(1, 0) == 5_000
    assert wait(1, 120) == 120_000
    assert wait(1, 10**8) == LARGEST_RETRY_AFTER
    assert wait(9, 1) == 25 * HOUR, "no earlier than the schedule says"


def test_two_secrets_are_valid_during_a_rotation() -> None:
    webhook = Webhook(
        *(OrganizationId(1), WebhookId(1), "https://a.example/", frozenset(Action), "new", "old"),
        *(Instant(NOW + 1), True, None, NOW),
    )
    assert webhook.secrets(NOW) == ("new", "old")
    assert webhook.secrets(Instant(NOW + 1)) == ("new",)
    assert "new" not in repr(webhook)
    assert "'old'" not in repr(webhook)
