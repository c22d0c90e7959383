"""Reading the calendar addresses of people, in one process of a database.

Owns how many are read at a time, and that one that hangs holds up no other. Must not know how an address is read, what
a calendar contains, or where busy times are stored.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from rowen.app.busy_addresses import BusyAddresses, DueAddress, Reading, next_reading, window_at
from rowen.interviews.errors import Unavailable
from rowen.interviews.moments import Clock
from rowen.polling.expansion import AskedWindow, CalendarError
from rowen.polling.fetching import Fetched, FetchError
from rowen.polling.process import Expander

MOST_AT_ONCE: Final = 20
"""How many addresses are read at a time."""

_TICK: Final = 1.0
_PAUSE_AFTER_FAILURE: Final = 5.0
_log = structlog.stdlib.get_logger("rowen.polling")


class Fetcher(Protocol):
    """Reads calendars."""

    async def fetch(self, url: str, etag: str | None, last_modified: str | None) -> Fetched:
        """Return a calendar, unless it is as its validators say. Raises FetchError."""
        ...


@dataclass(frozen=True, slots=True)
class PollerDeps:
    """What a poller needs of its process.

    `try_lead` returns whether this process reads addresses; `pause` is the time between two readings of an address, in
    milliseconds; `random` returns numbers from 0 to 1, and `sleep` sleeps for seconds.
    """

    try_lead: Callable[[], Awaitable[bool]]
    now: Clock
    pause: int
    random: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class BusyPoller:
    """Reads due addresses, and stores what they say."""

    def __init__(self, addresses: BusyAddresses, fetcher: Fetcher, expander: Expander, deps: PollerDeps) -> None:
        self._addresses = addresses
        self._fetcher = fetcher
        self._expander = expander
        self._deps = deps
        self._running: dict[tuple[int, int, str], asyncio.Task[Reading]] = {}

    async def run(self) -> None:
        """Read due addresses until cancelled; a reading that is cut off is made again."""
        try:
            while True:
                try:
                    await self.turn()
                except Unavailable as error:
                    _log.warning("addresses of calendars cannot be read now", reason=str(error))
                    await self._deps.sleep(_PAUSE_AFTER_FAILURE)
                await self._deps.sleep(_TICK)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            self._expander.close()

    async def turn(self) -> None:
        """Store the readings that have ended, and start those that are due, if this process leads."""
        if not await self._deps.try_lead():
            return
        await self._store()
        free = MOST_AT_ONCE - len(self._running)
        if free <= 0:
            return
        for address in await self._addresses.due(self._deps.now(), MOST_AT_ONCE + len(self._running)):
            key = address[:3]
            if key not in self._running and len(self._running) < MOST_AT_ONCE:
                self._running[key] = asyncio.create_task(self._read(address), name="polling: an address")

    async def _store(self) -> None:
        ended = {key: task.result() for key, task in self._running.items() if task.done()}
        if ended:
            readings = list(ended.values())
            times = [next_reading(each, self._deps.pause, self._deps.random()) for each in readings]
            await self._addresses.record(readings, times)
        for key in ended:
            del self._running[key]

    async def _read(self, address: DueAddress) -> Reading:
        """Return what an address says now; a failure of any kind is a result, too."""
        window = window_at(int(self._deps.now()))
        try:
            found = await self._fetcher.fetch(address.url, address.etag, address.last_modified)
            if found.content is None:
                return Reading(address, window, None, found.etag, found.last_modified)
            asked = AskedWindow(address.zone, address.emails, window.starts, window.ends)
            busy = await self._expander.busy_times(found.content, asked)
        except FetchError as error:
            return Reading(address, window, error=f"The server of the address {error}")
        except CalendarError as error:
            return Reading(address, window, error=f"What the address returns {error}")
        except Exception:  # no server that is read may stop the others
            _log.exception("reading the address of a calendar failed", user_id=address.user_id)
            return Reading(address, window, error="The address could not be read")
        return Reading(address, window, busy, found.etag, found.last_modified)
