"""Rate limits: so many requests of one key in each window of ten seconds.

Owns counting within a process, and the headers of a refusal (contract section 3). Must not know keys beyond an
identity. A request costs 0.5 µs, where the `limits` library takes 5 µs and a timer thread (docs/decisions/0007).
"""

from collections.abc import Callable
from time import time
from typing import Final, Protocol

from rowen.app.ports import KeyAccess
from rowen.http.answers import Exchange, Headers, RateState
from rowen.interviews.errors import Code, Refusal

WINDOW: Final = 10  # seconds
UNLIMITED: Final = 1_000_000_000
"""What `X-RateLimit-Limit` says where there is no limit: clients that pace themselves by it must not stop at 0."""

_MOST_WINDOWS: Final = 10_000  # past windows are forgotten when there are more than these


class Limiter(Protocol):
    """Counts the requests of each key."""

    @property
    def shown(self) -> int:
        """The limit that answers show before a key is known."""

    async def admit(self, access: KeyAccess, exchange: Exchange) -> None:
        """Count a request of a key, and note in its exchange where the key stands. Raises Refusal (rate limited)."""

    async def close(self) -> None:
        """Let go of what it counts with."""


class _Window:
    """The requests of one key since it made the first of them."""

    __slots__ = ("ends", "used")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.used = 0


class RateLimiter:
    """Counts the requests of each key in this process, by a clock that tells Unix time."""

    def __init__(self, limit: int, clock: Callable[[], float] = time) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[tuple[int, int], _Window] = {}

    @property
    def shown(self) -> int:
        """The limit that answers show before a key is known."""
        return self._limit or UNLIMITED

    async def admit(self, access: KeyAccess, exchange: Exchange) -> None:
        """Count a request of a key, and note in its exchange where the key stands. Raises Refusal (rate limited)."""
        state = self.count(access)
        if state is None:
            exchange.rate, exchange.extra = self.refused(access)
            raise Refusal(Code.RATE_LIMITED)
        exchange.rate = state

    async def close(self) -> None:
        """Do nothing: counts are in memory."""

    def limit_of(self, access: KeyAccess) -> int:
        """Return how many requests a key may make in a window, 0 for any number."""
        return self._limit if access.rate_limit is None else access.rate_limit

    def count(self, access: KeyAccess) -> RateState | None:
        """Count a request of a key, and return where the key stands; None where it is over its limit."""
        limit = self.limit_of(access)
        if not limit:
            return RateState(UNLIMITED, UNLIMITED)
        window = self._window(access)
        if window.used >= limit:
            return None
        window.used += 1
        return RateState(limit, limit - window.used)

    def refused(self, access: KeyAccess) -> tuple[RateState, Headers]:
        """Return where a key over its limit stands, and the headers that tell it when to come back."""
        return RateState(self.limit_of(access), 0), refusal_headers(self._window(access).ends, self._clock())

    def _window(self, access: KeyAccess) -> _Window:
        key = (access.organization.id, access.key_id)
        now = self._clock()
        window = self._windows.get(key)
        if window is None or not now < window.ends <= now + WINDOW:  # over, or the clock was set back
            if len(self._windows) >= _MOST_WINDOWS:
                self._windows = {key: each for key, each in self._windows.items() if each.ends > now}
            window = self._windows[key] = _Window(now + WINDOW)
        return window


def refusal_headers(ends: float, now: float) -> Headers:
    """Return the headers that tell when a window ends; both are Unix times."""
    wait = max(1, _up(ends - now))
    return [(b"retry-after", b"%d" % wait), (b"x-ratelimit-reset", b"%d" % _up(ends))]


def _up(seconds: float) -> int:
    return -int(-seconds // 1)
