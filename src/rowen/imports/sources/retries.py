"""Whether to try a server again, and how long to wait before.

Owns the schedule of waits and the reading of `Retry-After` (RFC 9110, section 10.2.3). Must not know what is requested.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

from rowen.imports.errors import ServerUnavailableError

LONGEST_DELAY_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to try a server, and how long to wait between attempts; times are in seconds.

    `attempts` bounds how often one page is requested, and `connection_attempts` how often a server is tried that cannot
    be reached, or is too slow. Without a `Retry-After` the n-th wait is `first_wait` doubled n times, at most
    `longest_wait`, of which a random part between half and all is waited. A `Retry-After` is honoured in full plus a
    little, unless it exceeds `longest_asked_wait`: then the request fails. `on_retry` is called before each wait with
    the reason and the seconds.
    """

    attempts: int = 7
    connection_attempts: int = 3
    first_wait: float = 0.5
    longest_wait: float = 30.0
    longest_asked_wait: float = 900.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    chance: Callable[[], float] = field(default=random.random)
    on_retry: Callable[[str, float], None] = field(default=lambda _reason, _seconds: None)

    def delay(self, attempt: int, asked: float | None) -> float:
        """Return how long to wait after the n-th failed attempt (from 0), given the server's `Retry-After`."""
        if asked is not None:
            return asked + self.first_wait * self.chance()
        longest: float = min(self.longest_wait, self.first_wait * 2.0**attempt)
        return longest * (0.5 + self.chance() / 2)


class Retries:
    """The attempts at one request that have failed, one after the other."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._failures = 0

    def reset(self) -> None:
        """Forget the failed attempts: one has brought something."""
        self._failures = 0

    def wait(self, reason: str, asked: float | None = None, *, connected: bool = True) -> None:
        """Wait until the next attempt, after one that failed for a reason; `asked` is what `Retry-After` asks for.

        Raises ServerUnavailableError where there were too many attempts, or the server asks for too long a wait.
        """
        policy = self._policy
        if asked is not None and asked > policy.longest_asked_wait:
            raise ServerUnavailableError(f"{reason}; it asks to wait {asked:.0f} seconds: try again later", asked)
        self._failures += 1
        if self._failures >= (policy.attempts if connected else policy.connection_attempts):
            raise ServerUnavailableError(f"{reason}; gave up after {self._failures} attempts", asked)
        seconds = policy.delay(self._failures - 1, asked)
        policy.on_retry(reason, seconds)
        policy.sleep(seconds)


def retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds in a `Retry-After` header, given as number or date; None if there are none."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        # Longer than any sensible wait: not parsed, as it may have a million digits.
        return float(text) if len(text) <= LONGEST_DELAY_DIGITS else float(10**LONGEST_DELAY_DIGITS)
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, moment.timestamp() - now)
    except (ValueError, OverflowError, TypeError):
        return None
