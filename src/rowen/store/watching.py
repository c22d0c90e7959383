"""Noticing commits, by whichever process they are made.

Owns the one timer that looks while anybody waits. Must not know what was committed.
"""

import asyncio
from typing import Final

from rowen.interviews.errors import Unavailable
from rowen.store.engine import Engine

_LOOK_SECONDS: Final = 0.02
_BLIND_SECONDS: Final = 0.1  # where there is nothing to look at, who waits asks the database this often


class CommitWatcher:
    """The `Commits` of one engine: all who wait share a timer, and without them there is none.

    Looking takes 0.2 µs (docs/decisions/0008), fifty times a second.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiters: dict[asyncio.Future[None], bytes] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def state(self) -> bytes | None:
        """What differs after every commit; None where only a statement can tell, or the database cannot be read."""
        try:
            return self._engine.state()
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
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = known
        self._look_soon()
        try:
            await asyncio.wait((waiter,), timeout=seconds)
        finally:
            del self._waiters[waiter]
            if not self._waiters and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _look_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        state = self.state
        for waiter, known in self._waiters.items():
            if state != known and not waiter.done():
                waiter.set_result(None)
        self._look_soon()
