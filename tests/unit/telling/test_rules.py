"""What webhooks are told of a change, and how often that is tried."""

import msgspec
import pytest

from rowen.app.telling import (
    ATTEMPTS,
    GONE,
    LARGEST_RETRY_AFTER,
    Action,
    DeliveryState,
    Outcome,
    Webhook,
    WebhookId,
    events_of,
    judge,
    pause_after,
)
from rowen.interviews.changes import Actor, ActorKind, Change, Kind
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

NOW = Instant(1_700_000_000_000)
DOCUMENT = '{"id":7,"location":"Größe"}'.encode()
HOUR = 3_600_000


def change(kind: Kind, scorecard: bytes | None = None) -> Change:
    return Change(kind, Actor(ActorKind.USER, 1), scorecard)


TOLD = {
    Kind.CREATED: "interview_scheduled",
    Kind.CANCELLED: "interview_deleted",
    Kind.IMPORTED: None,
}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_change_is_told_with_the_whole_interview(kind: Kind) -> None:
    events = events_of(change(kind), DOCUMENT)
    action = TOLD.get(kind, "interview_updated")
    if action is None:
        assert events == []
        return
    (event,) = events
    assert event.action == action
    assert event.body == b'{"action":"%b","payload":{"interview":%b}}' % (action.encode(), DOCUMENT)


def test_a_scorecard_is_told_besides() -> None:
    updated, submitted = events_of(change(Kind.SCORED, b'{"id":5}'), DOCUMENT)
    assert msgspec.json.decode(updated.body)["action"] == "interview_updated"
    assert submitted.action is Action.SCORECARD_SUBMITTED
    assert msgspec.json.decode(submitted.body) == {
        "action": "scorecard_submitted",
        "payload": {"scorecard": {"id": 5}},
    }
    assert len(events_of(change(Kind.SCORE_REMOVED, b'{"id":5}'), DOCUMENT)) == 1


@pytest.mark.parametrize(("chance", "days"), [(0.0, 2.7), (0.5, 3.0), (1.0, 3.3)])
def test_ten_tries_take_three_days(chance: float, days: float) -> None:
    attempts, now = 0, NOW
    pauses = []
    while True:
        attempts += 1
        verdict = judge(attempts, Outcome(500), now, lambda: chance)
        if verdict.state is DeliveryState.FAILED:
            break
        assert verdict.attempts == attempts
        pauses.append(verdict.next_attempt_at - now)
        now = verdict.next_attempt_at
    assert attempts == ATTEMPTS == 10
    assert now - NOW == pytest.approx(days * 24 * HOUR, rel=0.001)
    assert pauses == sorted(pauses)
    assert (verdict.settled_at, verdict.disabled) == (now, None)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_answer_in_the_two_hundreds_is_delivery(status: int) -> None:
    verdict = judge(3, Outcome(status), NOW, lambda: 0.5)
    assert (verdict.state, verdict.attempts, verdict.settled_at) == (DeliveryState.DELIVERED, 3, NOW)
    assert Outcome(status).reason is None


@pytest.mark.parametrize("outcome", [Outcome(None, "no answer"), *(Outcome(s) for s in (101, 300, 302, 400, 404, 503))])
def test_whatever_else_is_tried_again(outcome: Outcome) -> None:
    verdict = judge(1, outcome, NOW, lambda: 0.5)
    assert (verdict.state, verdict.settled_at, verdict.disabled) == (DeliveryState.PENDING, None, None)
    assert verdict.next_attempt_at == NOW + pause_after(1, lambda: 0.5) == NOW + 5_000
    assert outcome.reason


def test_gone_disables() -> None:
    assert judge(1, Outcome(410), NOW, lambda: 0.5)[::4] == (DeliveryState.PENDING, GONE)
    assert judge(10, Outcome(410), NOW, lambda: 0.5)[::4] == (DeliveryState.FAILED, GONE)


def test_a_receiver_may_ask_for_more_time_but_not_for_any() -> None:
    def wait(attempts: int, retry_after: int) -> int:
        return judge(attempts, Outcome(503, retry_after=retry_after), NOW, lambda: 0.5).next_attempt_at - NOW

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
