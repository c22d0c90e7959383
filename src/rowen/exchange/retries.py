"""When to ask a server again, and how long to wait before.

Owns the schedule of waiting and the reading of `Retry-After` (RFC 9110, section 10.2.3). Must not know what
is asked for.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_DELAY_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to wait for a server; times are in seconds.

    `attempts` bounds how often one page is asked for. Without word from the server the n-th wait is
    `first_wait` doubled n times, at most `longest_wait`, and of that a random part between half and all. What
    the server asks for in `Retry-After` is waited in full and a little longer, unless it exceeds
    `longest_asked_wait`: then we give up. `tell` is called before each wait with the reason and the seconds.
    """

    attempts: int = 7
    first_wait: float = 0.5
    longest_wait: float = 30.0
    longest_asked_wait: float = 900.0
    timeout: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    chance: Callable[[], float] = field(default=random.random)
    tell: Callable[[str, float], None] = field(default=lambda _reason, _seconds: None)

    def delay(self, attempt: int, asked: float | None) -> float:
        """Return how long to wait after the n-th failed attempt (from 0), given what the server asked for."""
        if asked is not None:
            return asked + self.first_wait * self.chance()
        longest: float = min(self.longest_wait, self.first_wait * 2.0**attempt)
        return longest * (0.5 + self.chance() / 2)

    def wait(self, reason: str, seconds: float) -> None:
        """Wait, and say so."""
        self.tell(reason, seconds)
        self.sleep(seconds)


def retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, as number or date; None if it does not."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        # More digits than any sensible wait has: as long as can be, without parsing a million of them.
        return float(text) if len(text) <= LONGEST_DELAY_DIGITS else float(10**LONGEST_DELAY_DIGITS)
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, moment.timestamp() - now)
    except (ValueError, OverflowError, TypeError):
        return None
