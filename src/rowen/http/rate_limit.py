"""Rate limits: the requests of each key, counted in windows: of ten seconds, or thirty for tokens of v3.

Owns counting within a process, and the headers of a refusal (contract sections 3 and 11). Must not know more of a key
than its identity. A request costs 0.5 µs; the `limits` library takes 5 µs and a timer thread (docs/decisions/0007).
"""

from collections.abc import Callable
from time import time
from typing import Final, Protocol

from rowen.app.keys import Identity
from rowen.http.responses import Headers, RateState, RequestContext
from rowen.interviews.errors import Code, Refusal

WINDOW: Final = 10
"""How long a window of an API key is, in seconds."""

V3_WINDOW: Final = 30
"""How long a window of tokens is, in seconds; responses to them show when it ends."""

UNLIMITED: Final = 1_000_000_000
"""`X-RateLimit-Limit` without a limit: clients that pace themselves by it must not stop at 0."""

_MOST_WINDOWS: Final = 10_000  # past windows are removed if there are more than these


class Limiter(Protocol):
    """Counts the requests of each key."""

    @property
    def shown(self) -> int:
        """The limit that responses show before a key is known."""

    def initial(self) -> RateState:
        """Return the state that a response shows before its key is known."""

    async def admit(self, identity: Identity, context: RequestContext) -> None:
        """Count a request of a key, and store its count in the request's context. Raises Refusal (rate limited)."""

    async def close(self) -> None:
        """Release its connections."""


class _Window:
    """The requests of one key since the window began with the first of them."""

    __slots__ = ("ends", "used")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.used = 0


class RateLimiter:
    """Counts the requests of each key in this process; `clock` returns Unix time, `window` is in seconds.

    With `shows_reset` every response shows when the window ends.
    """

    def __init__(
        self, limit: int, clock: Callable[[], float] = time, *, window: int = WINDOW, shows_reset: bool = False
    ) -> None:
        self.window = window
        self.shows_reset = shows_reset
        self._limit = limit
        self._clock = clock
        self._windows: dict[tuple[int, int], _Window] = {}

    @property
    def shown(self) -> int:
        """The limit that responses show before a key is known."""
        return self._limit or UNLIMITED

    def initial(self) -> RateState:
        """Return the state that a response shows before its key is known."""
        return self.state(self.shown, self.shown)

    @property
    def windows(self) -> int:
        """How many keys have a window in memory."""
        return len(self._windows)

    async def admit(self, identity: Identity, context: RequestContext) -> None:
        """Count a request of a key, and store its count in the request's context. Raises Refusal (rate limited)."""
        state = self.count(identity)
        if state is None:
            context.rate, context.extra = self.refused(identity)
            raise Refusal(Code.RATE_LIMITED)
        context.rate = state

    async def close(self) -> None:
        """Do nothing: counts are in memory."""

    def limit_of(self, identity: Identity) -> int:
        """Return how many requests a key may make in a window, or 0 for no limit."""
        return self._limit if identity.rate_limit is None else identity.rate_limit

    def count(self, identity: Identity) -> RateState | None:
        """Count a request of a key, and return its state; None if it is over its limit."""
        limit = self.limit_of(identity)
        if not limit:
            return self.state(UNLIMITED, UNLIMITED)
        window = self._window(identity)
        if window.used >= limit:
            return None
        window.used += 1
        if self.shows_reset:
            return self.state(limit, limit - window.used, window.ends)
        return RateState(limit, limit - window.used)  # what `state` returns: each request of v1 would call it

    def state(self, limit: int, remaining: int, ends: float | None = None) -> RateState:
        """Return the state that a response shows; `ends` is the end of the window, None for that of a new one."""
        if not self.shows_reset:
            return RateState(limit, remaining)
        return RateState(limit, remaining, _up(self._clock() + self.window if ends is None else ends))

    def refused(self, identity: Identity) -> tuple[RateState, Headers]:
        """Return the state of a key over its limit, and the headers that name the end of the window."""
        return RateState(self.limit_of(identity), 0), refusal_headers(self._window(identity).ends, self._clock())

    def _window(self, identity: Identity) -> _Window:
        key = (identity.organization.id, identity.id)
        now = self._clock()
        window = self._windows.get(key)
        if window is None or not now < window.ends <= now + self.window:  # it has ended, or the clock was set back
            if len(self._windows) >= _MOST_WINDOWS:
                self._windows = {key: each for key, each in self._windows.items() if each.ends > now}
            window = self._windows[key] = _Window(now + self.window)
        return window


def refusal_headers(ends: float, now: float) -> Headers:
    """Return the headers that name the end of a window; both arguments are Unix times."""
    wait = max(1, _up(ends - now))
    return [(b"retry-after", b"%d" % wait), (b"x-ratelimit-reset", b"%d" % _up(ends))]


def _up(seconds: float) -> int:
    return -int(-seconds // 1)
