"""Rate limits counted across all workers and servers, in Redis.

Owns asking Redis, and counting in this process while Redis is away, so that no request fails or waits long
(docs/decisions/0019). Must not know more of a key than its identity, and never logs Redis's password.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, time
from typing import Any, Final, NamedTuple

import structlog
from limits.aio.storage import RedisStorage
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from rowen.app.keys import Identity
from rowen.http.rate_limit import WINDOW, RateLimiter, refusal_headers
from rowen.http.responses import RateState, RequestContext
from rowen.interviews.errors import Code, Refusal

TIMEOUT_SECONDS: Final = 0.25
"""How long Redis has to answer, in seconds, connecting included."""

_PAUSE: Final = 1.0  # seconds between two attempts while it is away
_CONNECTIONS: Final = 16
_MOST_ENDS: Final = 10_000
_ROUNDING: Final = 0.5  # seconds by which a window may exceed Redis's value, which is rounded to whole seconds
_PREFIX: Final = "rowen"
_OPTION: Final = r"(db|password|ssl_\w+)=[^&#\s]*"
_ADDRESS: Final = re.compile(
    r"(rediss?://([^/?#@\s]*@)?([\w.\-]+|\[[\da-fA-F:.]+\])(:\d+)?(/\d*)?|unix://([^/?#@\s]*@)?/[^?#\s]+)"
    rf"(\?{_OPTION}(&{_OPTION})*)?"
)
_SHAPE: Final = "must look like redis://[USER:PASSWORD@]HOST:PORT/0, rediss://HOST:PORT/0 or unix:///PATH"

_log = structlog.stdlib.get_logger("rowen.http")


class Counted(NamedTuple):
    """A request's number within its key's window, and the Unix time of the window's end, 0 if it is not known."""

    number: int
    ends: float


_Answer = asyncio.Future[Counted | None]


class SharedRateLimiter:
    """Counts the requests of each key in a shared Redis, and in this process while Redis is away."""

    def __init__(self, address: str, alone: RateLimiter) -> None:
        self._alone = alone
        self._counts = SharedCounts(address, window=alone.window, with_ends=alone.shows_reset)

    @property
    def shown(self) -> int:
        """The limit that responses show before a key is known."""
        return self._alone.shown

    def initial(self) -> RateState:
        """Return the state that a response shows before its key is known."""
        return self._alone.initial()

    async def admit(self, identity: Identity, context: RequestContext) -> None:
        """Count a request of a key, and store its count in the request's context. Raises Refusal (rate limited)."""
        limit = self._alone.limit_of(identity)
        counted = await self._counts.count(f"{identity.organization.id}:{identity.id}", limit) if limit else None
        if counted is None:
            await self._alone.admit(identity, context)
            return
        if counted.number <= limit:
            context.rate = self._alone.state(limit, limit - counted.number, counted.ends)
        else:
            context.rate = RateState(limit, 0)
            context.extra = refusal_headers(counted.ends, time())
            raise Refusal(Code.RATE_LIMITED)

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self._counts.close()


class SharedCounts:
    """The counts of all keys in Redis.

    Requests of a key that arrive during a round trip share the next one: a busy key costs few of them. `outage` is
    whether Redis is away, for all keys. Windows of different length (`window`, in seconds) are counted apart. With
    `with_ends` the end of the window is known of every request, and not only beyond the limit.
    """

    def __init__(
        self, address: str, clock: Callable[[], float] = monotonic, *, window: int = WINDOW, with_ends: bool = False
    ) -> None:
        self._window = window
        self._ends: dict[str, float] | None = {} if with_ends else None
        self._pool = connections(address)
        self._storage = _storage(self._pool)
        self.outage = Outage(clock, self._pool.connection_kwargs.get("password"))
        self._free = asyncio.Semaphore(_CONNECTIONS)
        self._waiting: dict[str, list[_Answer]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def count(self, key: str, limit: int) -> Counted | None:
        """Count a request of a key that may make `limit`; None if Redis does not answer."""
        if not self.outage.lets_ask():
            return None
        returning = self.outage.on
        answer: _Answer = asyncio.get_running_loop().create_future()
        if key in self._waiting:
            self._waiting[key].append(answer)
        else:
            self._waiting[key] = [answer]
            # A task of its own: the other requests must not depend on the first.
            task = asyncio.create_task(self._count_all(key, limit, returning=returning))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def close(self) -> None:
        """Close all connections, when no request is waiting."""
        with suppress(RedisError, OSError):  # a connection that does not close in time ends with the process
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._pool.aclose()

    async def _count_all(self, key: str, limit: int, *, returning: bool) -> None:
        """Count for the callers waiting for a key until there are none; `returning` means that Redis was away."""
        while waiting := self._waiting[key]:
            self._waiting[key] = []
            last = None
            if returning or not self.outage.on:
                last = await self._ask(key, limit, len(waiting), returning=returning)
            returning = False
            _answer(waiting, last)
        del self._waiting[key]

    async def _ask(self, key: str, limit: int, amount: int, *, returning: bool) -> Counted | None:
        """Add to the count of a key, and return the number of the last request; None if Redis does not answer."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), self._free:
                if returning:
                    # Old connections may be dead, and each would cost a timeout to find out.
                    await self._pool.disconnect(inuse_connections=False)
                name = key if self._window == WINDOW else f"{self._window}:{key}"
                number = await self._storage.incr(name, self._window, amount)
                ends = await self._end(name, number - amount) if number > limit or self._ends is not None else 0.0
        except Exception as error:  # whatever fails, requests go on
            self.outage.begin(error)
            return None
        if returning:
            self.outage.end()
        return Counted(number, min(ends, time() + self._window))

    async def _end(self, name: str, before: int) -> float:
        """Return the end of a window, in which `before` requests were counted earlier.

        It is kept where every request needs it, so that Redis is asked once for each window.
        """
        ends = None if self._ends is None or not before else self._ends.get(name)
        if ends is None or ends <= time():
            ends = await self._storage.get_expiry(name) + _ROUNDING
            if self._ends is not None:
                if len(self._ends) >= _MOST_ENDS:
                    self._ends.clear()
                self._ends[name] = ends
        return ends


class Outage:
    """Whether Redis is away, and when to try it again."""

    def __init__(self, clock: Callable[[], float], secret: str | None) -> None:
        self.on = False
        self._clock = clock
        self._secret = secret
        self._next = 0.0

    def lets_ask(self) -> bool:
        """Return whether to ask Redis: always, or once per pause while it is away."""
        if not self.on:
            return True
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + _PAUSE  # this request asks on behalf of all
        return True

    def begin(self, error: Exception) -> None:
        """Record that Redis did not answer."""
        self._next = self._clock() + _PAUSE
        if not self.on:
            self.on = True
            _log.warning("rate limits not shared", reason=self._reason(error))

    def end(self) -> None:
        """Record that Redis answers again."""
        self.on = False
        _log.info("rate limits shared again")

    def _reason(self, error: Exception) -> str:
        # Without the password: a server may repeat it in its error.
        text = str(error) or f"no answer within {TIMEOUT_SECONDS} seconds"
        return text.replace(self._secret, "[hidden]") if self._secret else text


def connections(address: str) -> ConnectionPool:
    """Return a pool for a Redis, without connecting. Raises ValueError, which does not repeat the address."""
    if _ADDRESS.fullmatch(address) is None:
        raise ValueError(_SHAPE)
    try:
        pool = ConnectionPool.from_url(
            address,
            max_connections=_CONNECTIONS,
            protocol=2,  # one round trip less to connect, and enough for counting
            retry=Retry(NoBackoff(), 0),  # a command that is sent twice would count twice
            socket_timeout=None,  # `TIMEOUT_SECONDS` is for all steps together
            socket_connect_timeout=TIMEOUT_SECONDS,
        )
        pool.connection_class(**pool.connection_kwargs)  # validates the options of the address, and does not connect
    except (ValueError, TypeError, RedisError):
        raise ValueError(_SHAPE) from None
    return pool


def _storage(pool: ConnectionPool) -> RedisStorage:
    options: dict[str, Any] = {"connection_pool": pool}  # missing in the library's types
    return RedisStorage("async+redis://", implementation="redispy", key_prefix=_PREFIX, **options)


def _answer(waiting: list[_Answer], last: Counted | None) -> None:
    """Give each waiting request its own number, in the order of arrival."""
    for place, answer in enumerate(waiting, 1):
        if not answer.done():  # the request may have been cancelled
            answer.set_result(last and Counted(last.number - len(waiting) + place, last.ends))
