"""Calendar addresses of people: when each is read, and what is stored of a reading.

Owns how often addresses are read, which window they cover, and the port that keeps them (contract section 16). Must not
know iCalendar or SQL, and of HTTP only how a server names a version.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from rowen.interviews.busy import Interval, Window
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

_DAY: Final = 86_400_000
_AHEAD: Final = 366 * _DAY
_READ_AGAIN: Final = 358 * _DAY
"""A calendar is read as a whole at least once a week: what recurs is known a year ahead only."""

_FIRST_PAUSE: Final = 60_000


class DueAddress(NamedTuple):
    """An address that is to be read.

    `etag` and `last_modified` are the validators of what is known, None if all of it is to be read. `zone` is the
    time zone of the user, and `emails` are the user's addresses, folded.
    """

    organization: OrganizationId
    user_id: int
    source: str
    url: str
    etag: str | None
    last_modified: str | None
    failures: int
    zone: str
    emails: frozenset[str]


class Reading(NamedTuple):
    """The result of reading an address at a time: busy times in a window, or an `error`.

    `busy` is None if the calendar has not changed: then only the time of the reading is new.
    """

    address: DueAddress
    window: Window
    busy: Sequence[Interval] | None = None
    etag: str | None = None
    last_modified: str | None = None
    error: str | None = None


class BusyAddresses(Protocol):
    """The addresses of a database."""

    async def due(self, now: Instant, most: int) -> Sequence[DueAddress]:
        """Return the addresses that are due, those due longest first."""
        ...

    async def record(self, readings: Sequence[Reading], next_read_at: Sequence[int]) -> None:
        """Store readings, each with the time of the next; one of an address that was replaced meanwhile is dropped."""
        ...


def window_at(now: int) -> Window:
    """Return the window that an address covers: from yesterday to a year ahead."""
    return Window((now // _DAY - 1) * _DAY, now + _AHEAD, now)


def is_whole(windows: Sequence[Window], now: int) -> bool:
    """Return whether what is known of an address reaches far enough ahead to be kept if nothing has changed."""
    return bool(windows) and windows[-1].ends >= now + _READ_AGAIN


def next_reading(reading: Reading, pause: int, random: float) -> int:
    """Return when an address is read next: after a `pause` in milliseconds, or sooner after its first failures.

    `random` is from 0 to 1: it spreads the readings over a tenth of the pause.
    """
    if reading.error is not None:
        pause = min(pause, _FIRST_PAUSE << min(reading.address.failures, 20))
    return reading.window.read_at + pause - int(pause * random / 10)
