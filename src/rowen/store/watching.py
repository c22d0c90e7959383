"""Noticing commits, by whichever process they are made.

Owns the one look after the other while anybody waits. Must not know what was committed.
"""

import asyncio
from typing import Final

from rowen.interviews.errors import Unavailable
from rowen.store.engine import Engine

_LOOK_SECONDS: Final = 0.02
_BLIND_SECONDS: Final = 0.1  # where there is nothing to look at, who waits asks the database this often


class CommitWatcher:
    """The `Commits` of one engine: all who wait share what looks, and without them nothing does.

    Looking takes 0.2 µs on SQLite (docs/decisions/0008) and one small statement on PostgreSQL, fifty times a second.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiters: dict[asyncio.Future[None], bytes] = {}
        self._looking: asyncio.Task[None] | None = None
        self._seen: bytes | None = None

    @property
    def state(self) -> bytes | None:
        """What differs after every commit; None where only a statement can tell, or the database cannot be read.

        It may be older than the newest commit, never newer than what is read after it.
        """
        try:
            return self._engine.state() or self._seen
        except Unavailable:
            return None  # who asks next is told why

    async def wait(self, known: bytes | None, seconds: float) -> None:
        """Return once `state` is not `known`, at the latest after so many seconds.

        Where there is no state to compare, return after a tenth of a second: the caller has to look for itself.
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
        """Look, for as long as anybody waits; a look that has begun is finished: to cut it off costs a connection."""
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
            return await self._engine.look()
        except Unavailable:
            return None
