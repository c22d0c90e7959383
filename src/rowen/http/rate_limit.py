"""Rate limits: so many requests of one key in each window of ten seconds.

Owns counting and the headers of a refusal (contract section 3). Must not know keys beyond an identity. Counts are this
process's own: 0.5 µs a request, where the `limits` library takes 5 µs and a timer thread (docs/decisions/0007).
"""

from collections.abc import Callable
from time import time
from typing import Final

from rowen.app.ports import KeyAccess
from rowen.http.answers import Headers, RateState

WINDOW: Final = 10  # seconds
UNLIMITED: Final = 1_000_000_000
"""What `X-RateLimit-Limit` says where there is no limit: clients that pace themselves by it must not stop at 0."""

_MOST_WINDOWS: Final = 10_000  # past windows are forgotten when there are more than these


class _Window:
    """The requests of one key since it made the first of them."""

    __slots__ = ("ends", "used")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.used = 0


class RateLimiter:
    """Counts the requests of each key, by a clock that tells Unix time."""

    def __init__(self, limit: int, clock: Callable[[], float] = time) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[tuple[int, int], _Window] = {}

    @property
    def shown(self) -> int:
        """The limit that answers show before a key is known."""
        return self._limit or UNLIMITED

    def count(self, access: KeyAccess) -> RateState | None:
        """Count a request of a key, and return where the key stands; None where it is over its limit."""
        limit = self._limit if access.rate_limit is None else access.rate_limit
        if not limit:
            return RateState(UNLIMITED, UNLIMITED)
        window = self._window(access)
        if window.used >= limit:
            return None
        window.used += 1
        return RateState(limit, limit - window.used)

    def refused(self, access: KeyAccess) -> tuple[RateState, Headers]:
        """Return where a key over its limit stands, and the headers that tell it when to come back."""
        limit = self._limit if access.rate_limit is None else access.rate_limit
        ends = self._window(access).ends
        wait = max(1, _up(ends - self._clock()))
        headers = [(b"retry-after", b"%d" % wait), (b"x-ratelimit-reset", b"%d" % _up(ends))]
        return RateState(limit, 0), headers

    def _window(self, access: KeyAccess) -> _Window:
        key = (access.organization.id, access.key_id)
        now = self._clock()
        window = self._windows.get(key)
        if window is None or not now < window.ends <= now + WINDOW:  # over, or the clock was set back
            if len(self._windows) >= _MOST_WINDOWS:
                self._windows = {key: each for key, each in self._windows.items() if each.ends > now}
            window = self._windows[key] = _Window(now + WINDOW)
        return window


def _up(seconds: float) -> int:
    return -int(-seconds // 1)
