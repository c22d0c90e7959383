"""The JSON of busy times.

Owns how a source is served. Must not know where it is stored.
"""

from typing import Any, Final

import msgspec

from rowen.interviews.busy import BusySource
from rowen.interviews.moments import Instant

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


class TimesRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time; the end is exclusive."""

    start: Instant = msgspec.field(name="from")
    end: Instant = msgspec.field(name="to")


class WindowRecord(TimesRecord, frozen=True, kw_only=True):
    """A stretch of time of which the source knows all busy times, as of when it was read."""

    read_at: Instant


class BusySourceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A source of a user's busy times: an address that is read, or what a client pushes, which has no `url`.

    `window` reaches from the first to the last of `windows`. `read_at` is null for an address that was not read yet,
    `error` the reason why reading it failed last.
    """

    user_id: int
    source: str
    url: str | None
    read_at: Instant | None
    error: str | None
    window: TimesRecord | None
    windows: list[WindowRecord]


class BusyTimesRecord(BusySourceRecord, frozen=True, kw_only=True):
    """A source with its busy times."""

    busy: list[TimesRecord]


def source(found: BusySource) -> bytes:
    """Return a source with its busy times."""
    busy = [TimesRecord(start=Instant(each.starts), end=Instant(each.ends)) for each in found.busy]
    return _encode(BusyTimesRecord(busy=busy, **_fields(found)))


def sources(found: list[BusySource]) -> bytes:
    """Return sources without their busy times."""
    return _encode([BusySourceRecord(**_fields(each)) for each in found])


def _fields(found: BusySource) -> dict[str, Any]:
    windows = [
        WindowRecord(start=Instant(each.starts), end=Instant(each.ends), read_at=Instant(each.read_at))
        for each in found.windows
    ]
    return {
        "user_id": found.user_id,
        "source": found.source,
        "url": found.url,
        "read_at": found.read_at,
        "error": found.error,
        "window": TimesRecord(start=windows[0].start, end=windows[-1].end) if windows else None,
        "windows": windows,
    }
