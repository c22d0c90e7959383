"""Two who read rows of one account and store them: neither overwrites what the other has stored meanwhile.

Owns the order of their commits. Must not know rows.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

Read = TypeVar("Read")


class Turns:
    """The right to store rows, and what follows from them: one task has it at a time."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self.interruptions = 0
        """How often somebody has interrupted the others so far."""

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Let nobody else store anything until the end of the block."""
        async with self._lock:
            yield

    @asynccontextmanager
    async def interrupting(self) -> AsyncIterator[None]:
        """Do so for a block that reads and stores: what others have read before its end is read again."""
        async with self._lock:
            try:
                yield
            finally:
                self.interruptions += 1

    async def read_and_store(
        self, read: Callable[[], Awaitable[Read]], store: Callable[[Read], Awaitable[None]]
    ) -> Read:
        """Read something, and store it unless it is outdated: then read it again; return what was stored."""
        while True:
            seen = self.interruptions
            found = await read()
            async with self._lock:
                if seen == self.interruptions:
                    await store(found)
                    return found
