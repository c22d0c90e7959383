"""Storing one thing while the next one is prepared.

Owns that one thing is stored at a time, how many are prepared beside it, and that nothing is left running after a
failure. Must not know what is stored.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")


class OneBehind:
    """Does work in the order in which it is given, one piece at a time, beside the one who gives it."""

    def __init__(self) -> None:
        self._running: asyncio.Task[None] | None = None

    async def give(self, work: Coroutine[Any, Any, None]) -> None:
        """Start work, after the piece before it has ended; raises what that one raised."""
        try:
            await self.finish()
        except BaseException:
            work.close()
            raise
        await self._start(work)

    async def append(self, work: Coroutine[Any, Any, None]) -> None:
        """Do work after the last piece, and as a part of it: its giver does not wait."""

        async def both(first: asyncio.Task[None] | None) -> None:
            try:
                if first is not None:
                    await first
            except BaseException:
                work.close()
                raise
            await work

        await self._start(both(self._running))

    async def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._running = asyncio.create_task(work, name="mirror: storing")
        await asyncio.sleep(0)  # so that it begins now, and not when its giver next waits

    async def finish(self) -> None:
        """Wait until all work is done; raises what the last piece raised."""
        running, self._running = self._running, None
        if running is not None:
            await running

    async def abandon(self) -> None:
        """Cancel what is still running."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def one_behind() -> AsyncIterator[OneBehind]:
    """Return a place for work, all of which is done at the end of the block, or abandoned if that fails."""
    work = OneBehind()
    try:
        yield work
        await work.finish()
    finally:
        await work.abandon()


@asynccontextmanager
async def ahead(
    works: AsyncGenerator[Coroutine[Any, Any, Item], None], count: int
) -> AsyncIterator[AsyncIterator[Item]]:
    """Return the results of works in their order; `count` of them are under way while one result is in use."""
    running: deque[asyncio.Task[Item]] = deque()

    async def results() -> AsyncIterator[Item]:
        async for work in works:
            running.append(asyncio.create_task(work, name="mirror: preparing"))
            if len(running) > count:
                yield await running.popleft()
        while running:
            yield await running.popleft()

    try:
        yield results()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await works.aclose()
