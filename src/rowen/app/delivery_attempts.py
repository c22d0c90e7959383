"""The attempts of a delivery: the message that is sent, its result, and when the next attempt is made.

Owns the schedule of attempts, and the port of what sends messages (`webhooks/sender.py`). Must not know JSON, SQL
or sockets, and of HTTP only the status and the wait that a receiver asks for.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from rowen.app.deliveries import DeliveryState
from rowen.interviews.moments import Instant

ATTEMPTS: Final = 10
"""How many attempts a delivery has."""

LARGEST_RETRY_AFTER: Final = 3_600_000
"""The longest `Retry-After` that is honoured, in milliseconds."""

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_PAUSES: Final = (
    5 * _SECOND,
    1 * _MINUTE,
    9 * _MINUTE,
    50 * _MINUTE,
    4 * _HOUR,
    8 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    25 * _HOUR,
)  # three days in all


class WebhookMessage(NamedTuple):
    """A message to send: `event_id` is the same on every attempt; the first of the `secrets` is the newest.

    `allowed_host` may be sent to whatever its address; `at` is the time of this attempt, now if it is None.
    """

    url: str
    event_id: str
    body: bytes
    secrets: tuple[str, ...]
    allowed_host: str | None = None
    at: Instant | None = None


class AttemptResult(NamedTuple):
    """The result of an attempt.

    `status` is the status code of the response, None if there was none; `reason` is why it was not delivered, in a few
    words, None if it was; `gone` is why the receiver wants nothing more, if so. `retry_after` is the receiver's
    `Retry-After` in seconds; `excerpt` is the beginning of its response's body, at most a thousand bytes; `sent_at` is
    the time of the attempt.
    """

    status: int | None
    reason: str | None = None
    gone: str | None = None
    retry_after: int | None = None
    excerpt: bytes = b""
    sent_at: Instant | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver accepted it."""
        return self.reason is None


class RetryDecision(NamedTuple):
    """The consequence of an attempt for its delivery; `disabled` is why its webhook is disabled, if it is."""

    state: DeliveryState
    attempts: int
    next_attempt_at: Instant
    settled_at: Instant | None
    disabled: str | None = None


def decide_retry(attempts: int, result: AttemptResult, now: Instant, random: Callable[[], float]) -> RetryDecision:
    """Return the consequence of a delivery's attempt number `attempts`.

    `random` returns numbers from 0 to 1, for jitter: receivers that failed together are not tried together.
    """
    if result.delivered:
        return RetryDecision(DeliveryState.DELIVERED, attempts, now, now)
    if attempts >= ATTEMPTS:
        return RetryDecision(DeliveryState.FAILED, attempts, now, now, result.gone)
    requested = min((result.retry_after or 0) * _SECOND, LARGEST_RETRY_AFTER)
    pause = max(pause_after(attempts, random), requested)
    return RetryDecision(DeliveryState.PENDING, attempts, Instant(now + pause), None, result.gone)


def pause_after(attempts: int, random: Callable[[], float]) -> int:
    """Return the pause after this many failed attempts, in milliseconds: a tenth more or less by chance."""
    return round(_PAUSES[attempts - 1] * (0.9 + 0.2 * random()))


class WebhookSender(Protocol):
    """Sends messages to their receivers."""

    async def url_error(self, url: str) -> str | None:
        """Return why nothing may be sent to a URL, worded to follow "url", or None."""
        ...

    async def send(self, message: WebhookMessage) -> AttemptResult:
        """Make one attempt; a failure of any kind is returned as a result."""
        ...
