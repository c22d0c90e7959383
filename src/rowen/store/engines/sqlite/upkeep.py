"""Upkeep of the files of a SQLite database while it is served: watching them, and keeping the log small.

Owns when the write-ahead log is emptied. Must not know how. Every process does this; the first does it for all.
"""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import Final

from rowen.interviews.errors import Unavailable
from rowen.store.engines.sqlite.connections import LOG_BYTES
from rowen.store.engines.sqlite.recovery import Recovery
from rowen.store.engines.sqlite.write_ahead_log import WriteAheadLog

LARGE_LOG_BYTES: Final = 4 * LOG_BYTES
"""The size in bytes from which the log is emptied even while others are writing."""

_WATCH_SECONDS: Final = 0.25
_IDLE_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 5.0  # after an attempt that a reader prevented


class Upkeep:
    """Checks four times a second, which costs 20 µs; longer work has a thread of its own."""

    def __init__(self, log: WriteAheadLog, recovery: Recovery) -> None:
        self._log = log
        self._recovery = recovery
        self._seen: bytes | None = None
        self._changed_at = monotonic()
        self._not_before = 0.0

    async def run(self) -> None:
        """Run until cancelled."""
        thread = ThreadPoolExecutor(1, "rowen-log")
        try:
            while True:
                await asyncio.sleep(_WATCH_SECONDS)
                with suppress(Unavailable):  # logged already, and recovery is in progress
                    self._recovery.require_sound()
                    if self._is_due(monotonic()):
                        await asyncio.get_running_loop().run_in_executor(thread, self._shrink)
        finally:
            thread.shutdown(wait=False)

    def _is_due(self, now: float) -> bool:
        header = self._log.header
        if header != self._seen:
            self._seen, self._changed_at = header, now
        size = self._log.size
        is_idle = now - self._changed_at >= _IDLE_SECONDS
        return now >= self._not_before and (size >= LARGE_LOG_BYTES or (is_idle and size > 0))

    def _shrink(self) -> None:
        with suppress(sqlite3.Error):  # a full or failing disk: the next write reports it
            if self._log.shrink():
                return
        self._not_before = monotonic() + PAUSE_SECONDS
