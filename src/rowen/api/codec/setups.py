"""The codec of rooms, pools and availability, which Harvest does not have.

Owns their documents, as served and stored, and the terms that they are found by. Must not know where they are stored,
or who sets what.
"""

from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec

from rowen.app.records import RecordRow
from rowen.app.setups import Setup
from rowen.interviews.availability import WEEKDAYS, Availability, Buffer, Hours, Limits, TimeOff
from rowen.interviews.moments import Instant
from rowen.interviews.pools import Pool
from rowen.interviews.rooms import Room

_DAY: Final = len("2031-02-03")
_Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


class HoursRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Working hours of a day by the person's own clock; the end is exclusive."""

    start: _Clock = msgspec.field(name="from")
    end: _Clock = msgspec.field(name="to")


class BufferRecord(msgspec.Struct, frozen=True):
    """Minutes that stay free before and after an interview."""

    before: int = 0
    after: int = 0


class LimitsRecord(msgspec.Struct, frozen=True):
    """How many interviews a person has at most; null for any number."""

    per_day: int | None = None
    per_week: int | None = None


class TimeOffRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Time off, in dates or in instants; the end is exclusive."""

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")


class AvailabilityRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The availability of a user."""

    time_zone: str
    working_hours: dict[str, list[HoursRecord]]
    buffer_minutes: BufferRecord = BufferRecord()
    limits: LimitsRecord = LimitsRecord()
    minimum_notice_minutes: int = 0
    holidays: str | None = None
    time_off: list[TimeOffRecord] = []


_rooms: Final = msgspec.json.Decoder(Room)
_pools: Final = msgspec.json.Decoder(Pool)
_availabilities: Final = msgspec.json.Decoder(AvailabilityRecord)


def row(resource: str, identifier: int, value: Setup, times: tuple[int, int]) -> RecordRow:
    """Return the row of a room, a pool or an availability, with the times of its creation and its last change."""
    document = _encode(_availability_record(value) if isinstance(value, Availability) else value)
    terms: tuple[tuple[str, str], ...] = ()
    if isinstance(value, Room):
        terms = (("name", value.name),)
    elif isinstance(value, Pool):
        terms = (("name", value.name), *(("user_id", str(member.user_id)) for member in value.members))
    return RecordRow(resource, identifier, *times, None, False, document, terms)


def room(document: bytes) -> Room:
    """Decode a stored room."""
    return _rooms.decode(document)


def pool(document: bytes) -> Pool:
    """Decode a stored pool."""
    return _pools.decode(document)


@lru_cache(maxsize=128)
def availability(document: bytes) -> Availability:
    """Decode the stored availability of a user; those of most users are the same as those of others."""
    found = _availabilities.decode(document)
    return Availability(
        found.time_zone,
        {
            day: tuple(Hours(minutes_of(each.start), minutes_of(each.end)) for each in hours)
            for day, hours in found.working_hours.items()
        },
        Buffer(found.buffer_minutes.before, found.buffer_minutes.after),
        Limits(found.limits.per_day, found.limits.per_week),
        found.minimum_notice_minutes,
        found.holidays,
        tuple(TimeOff(moment_of(each.start), moment_of(each.end)) for each in found.time_off),
    )


def minutes_of(text: str) -> int:
    """Return a time of day such as `09:30`, or `24:00`, in minutes after midnight."""
    return int(text[:2]) * 60 + int(text[3:])


def moment_of(text: str) -> date | Instant:
    """Return a date, or an instant. Raises ValueError if the text is neither."""
    return date.fromisoformat(text) if len(text) == _DAY else Instant.parse(text)


def _availability_record(value: Availability) -> dict[str, Any]:
    return {
        "time_zone": value.time_zone,
        "working_hours": {
            day: [{"from": _clock(each.starts), "to": _clock(each.ends)} for each in value.working_hours[day]]
            for day in WEEKDAYS
            if day in value.working_hours
        },
        "buffer_minutes": {"before": value.buffer.before, "after": value.buffer.after},
        "limits": {"per_day": value.limits.per_day, "per_week": value.limits.per_week},
        "minimum_notice_minutes": value.minimum_notice_minutes,
        "holidays": value.holidays,
        "time_off": [{"from": str(each.starts), "to": str(each.ends)} for each in value.time_off],
    }


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
