"""Noticing the commits of any process.

Owns polling while any caller waits. Must not know what was committed.
"""

import asyncio
from typing import Final

from rowen.interviews.errors import Unavailable
from rowen.store.engines.base import Engine

_LOOK_SECONDS: Final = 0.02
_BLIND_SECONDS: Final = 0.1  # without a state to compare, waiting callers query the database this often


class CommitWatcher:
    """The `Commits` of one engine: all waiting callers share one polling task; when nobody waits, nothing polls.

    A poll takes 0.2 µs on SQLite (docs/decisions/0008) and one small statement on PostgreSQL, fifty times a second.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiters: dict[asyncio.Future[None], bytes] = {}
        self._looking: asyncio.Task[None] | None = None
        self._seen: bytes | None = None

    @property
    def state(self) -> bytes | None:
        """A value that differs after every commit; None if only a statement can find out, or reading it fails.

        It may be older than the newest commit, but never newer than what is read after it.
        """
        try:
            return self._engine.state() or self._seen
        except Unavailable:
            return None  # the next statement reports the reason

    async def wait(self, known: bytes | None, seconds: float) -> None:
        """Return once `state` differs from `known`, or after `seconds`.

        Without a state to compare, return after a tenth of a second: the caller has to query the database itself.
        """
        if self.state != known:
            return
        if known is None:
            await asyncio.sleep(min(seconds, _BLIND_SECONDS))
            self._seen = await self._look()
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = known
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on(), name="commits: looking")
        try:
            await asyncio.wait((waiter,), timeout=seconds)
        finally:
            del self._waiters[waiter]

    async def _look_on(self) -> None:
        """Poll while any caller waits; a poll that has begun is finished, as cancelling it costs a connection."""
        try:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                if not self._waiters:
                    return
                state = self._seen = await self._look()
                for waiter, known in self._waiters.items():
                    if state != known and not waiter.done():
                        waiter.set_result(None)
        finally:
            self._looking = None

    async def _look(self) -> bytes | None:
        try:
            return await self._engine.read_state()
        except Unavailable:
            return None
