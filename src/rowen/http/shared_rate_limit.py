"""Rate limits that all workers and servers count together, in Redis.

Owns asking Redis, and what happens while it is away: then this process counts for itself, and no request fails or
waits long (docs/decisions/0019). Must not know keys beyond an identity, and logs nothing of Redis's password.
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

from rowen.app.ports import KeyAccess
from rowen.http.answers import Exchange, RateState
from rowen.http.rate_limit import WINDOW, RateLimiter, refusal_headers
from rowen.interviews.errors import Code, Refusal

_PATIENCE: Final = 0.25  # seconds that Redis has for an answer, connecting included
_PAUSE: Final = 1.0  # seconds between two attempts while it is away
_CONNECTIONS: Final = 16
_ROUNDING: Final = 0.5  # seconds by which a window may last longer than Redis says: it rounds to whole ones
_PREFIX: Final = "rowen"
_OPTION: Final = r"(db|password|ssl_\w+)=[^&#\s]*"
_ADDRESS: Final = re.compile(
    r"(rediss?://([^/?#@\s]*@)?([\w.\-]+|\[[\da-fA-F:.]+\])(:\d+)?(/\d*)?|unix://([^/?#@\s]*@)?/[^?#\s]+)"
    rf"(\?{_OPTION}(&{_OPTION})*)?"
)
_SHAPE: Final = "must look like redis://[USER:PASSWORD@]HOST:PORT/0, rediss://HOST:PORT/0 or unix:///PATH"

_log = structlog.stdlib.get_logger("rowen.http")


class Counted(NamedTuple):
    """The number of a request within its key's window, and the Unix time when that ends, 0 if it was not needed."""

    number: int
    ends: float


_Answer = asyncio.Future[Counted | None]


class SharedRateLimiter:
    """Counts the requests of each key together with all who use the same Redis; alone, while it is away."""

    def __init__(self, address: str, alone: RateLimiter) -> None:
        self._alone = alone
        self._counts = SharedCounts(address)

    @property
    def shown(self) -> int:
        """The limit that answers show before a key is known."""
        return self._alone.shown

    async def admit(self, access: KeyAccess, exchange: Exchange) -> None:
        """Count a request of a key, and note in its exchange where the key stands. Raises Refusal (rate limited)."""
        limit = self._alone.limit_of(access)
        counted = await self._counts.count(f"{access.organization.id}:{access.key_id}", limit) if limit else None
        if counted is None:
            await self._alone.admit(access, exchange)
            return
        exchange.rate = RateState(limit, max(0, limit - counted.number))
        if counted.number > limit:
            exchange.extra = refusal_headers(counted.ends, time())
            raise Refusal(Code.RATE_LIMITED)

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self._counts.close()


class SharedCounts:
    """The counts of all keys in Redis.

    Requests of a key that come while it is being counted share the next round trip: a busy key costs few of them.
    """

    def __init__(self, address: str, clock: Callable[[], float] = monotonic) -> None:
        self._pool = connections(address)
        self._storage = _storage(self._pool)
        self._outage = _Outage(clock, self._pool.connection_kwargs.get("password"))
        self._free = asyncio.Semaphore(_CONNECTIONS)
        self._waiting: dict[str, list[_Answer]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def count(self, key: str, limit: int) -> Counted | None:
        """Count a request of a key that may make `limit`; None where Redis does not answer."""
        if not self._outage.lets_ask():
            return None
        returning = self._outage.on
        answer: _Answer = asyncio.get_running_loop().create_future()
        if key in self._waiting:
            self._waiting[key].append(answer)
        else:
            self._waiting[key] = [answer]
            # A task of its own: whoever else waits must not depend on the one who came first.
            task = asyncio.create_task(self._count_all(key, limit, returning=returning))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def close(self) -> None:
        """Close all connections; nobody may be waiting."""
        with suppress(RedisError, OSError):  # what does not close in time ends with the process
            async with asyncio.timeout(_PATIENCE):
                await self._pool.aclose()

    async def _count_all(self, key: str, limit: int, *, returning: bool) -> None:
        """Count for those who wait for a key until nobody does; `returning` to a Redis that was away."""
        while waiting := self._waiting[key]:
            self._waiting[key] = []
            last = None
            if returning or not self._outage.on:
                last = await self._ask(key, limit, len(waiting), returning=returning)
            returning = False
            _tell(waiting, last)
        del self._waiting[key]

    async def _ask(self, key: str, limit: int, amount: int, *, returning: bool) -> Counted | None:
        """Add to the count of a key, and return the number of the last request; None where Redis does not answer."""
        try:
            async with asyncio.timeout(_PATIENCE), self._free:
                if returning:
                    # What was connected before it went may lead nowhere, and would cost a second each to find out.
                    await self._pool.disconnect(inuse_connections=False)
                number = await self._storage.incr(key, WINDOW, amount)
                ends = await self._storage.get_expiry(key) + _ROUNDING if number > limit else 0.0
        except Exception as error:  # whatever is wrong with it, requests go on
            self._outage.begin(error)
            return None
        if returning:
            self._outage.end()
        return Counted(number, min(ends, time() + WINDOW))


class _Outage:
    """Whether Redis is away, and when to ask it again."""

    def __init__(self, clock: Callable[[], float], secret: str | None) -> None:
        self.on = False
        self._clock = clock
        self._secret = secret
        self._next = 0.0

    def lets_ask(self) -> bool:
        """Tell whether Redis may be asked: always, and while it is away once in a pause."""
        if not self.on:
            return True
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + _PAUSE  # who asks now asks for all
        return True

    def begin(self, error: Exception) -> None:
        """Note that Redis did not answer."""
        self._next = self._clock() + _PAUSE
        if not self.on:
            self.on = True
            _log.warning("rate limits not shared", reason=self._reason(error))

    def end(self) -> None:
        """Note that Redis answers again."""
        self.on = False
        _log.info("rate limits shared again")

    def _reason(self, error: Exception) -> str:
        # Without the password: a server may repeat it in its complaint.
        text = str(error) or f"no answer within {_PATIENCE} seconds"
        return text.replace(self._secret, "[hidden]") if self._secret else text


def connections(address: str) -> ConnectionPool:
    """Return connections to a Redis, none made yet. Raises ValueError, which does not repeat the address."""
    if _ADDRESS.fullmatch(address) is None:
        raise ValueError(_SHAPE)
    try:
        pool = ConnectionPool.from_url(
            address,
            max_connections=_CONNECTIONS,
            protocol=2,  # a round trip less to connect, and all that counting needs
            retry=Retry(NoBackoff(), 0),  # what was sent twice would be counted twice
            socket_timeout=None,  # `_PATIENCE` is for all steps together
            socket_connect_timeout=_PATIENCE,
        )
        pool.connection_class(**pool.connection_kwargs)  # looks at the options of the address, and does not connect
    except (ValueError, TypeError, RedisError):
        raise ValueError(_SHAPE) from None
    return pool


def _storage(pool: ConnectionPool) -> RedisStorage:
    options: dict[str, Any] = {"connection_pool": pool}  # which the library's types leave out
    return RedisStorage("async+redis://", implementation="redispy", key_prefix=_PREFIX, **options)


def _tell(waiting: list[_Answer], last: Counted | None) -> None:
    """Give each of those who waited their own number, in the order in which they came."""
    for place, answer in enumerate(waiting, 1):
        if not answer.done():  # the request may be gone
            answer.set_result(last and Counted(last.number - len(waiting) + place, last.ends))
