"""From the text of a calendar (iCalendar, RFC 5545) to busy times. Runs in a process of its own: see `process.py`.

Owns which events keep a person busy, and when they recur. An event counts unless it is cancelled or transparent, or its
owner has declined it; all-day events last from midnight to midnight, and times without a zone are local, both in the
person's time zone. What cannot be understood for sure is an error: nobody may seem free by mistake. Titles are never
looked at. Must not know where a calendar comes from.

The process reads requests from its standard input and writes results to its standard output; each is a length in 4
bytes and JSON. After the JSON of a request comes the calendar, with a length of its own.
"""

import json
import os
import signal
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, BinaryIO, Final, NamedTuple
from zoneinfo import ZoneInfo

import icalendar
from dateutil.rrule import rrule, rruleset, rrulestr

MOST_EVENTS: Final = 20_000
"""How many events a calendar may have."""

MOST_OCCURRENCES: Final = 20_000
"""How many times in the window its events may take place."""

MOST_STEPS: Final = 500_000
"""How many times one event may take place from its beginning to the end of the window."""

LARGEST_MEMORY: Final = 1 << 30
"""How much memory, in bytes, the process may use."""

LONGEST_SECONDS: Final = 60
"""How many seconds one calendar may take before the process ends itself."""

_LENGTH: Final = struct.Struct(">I")
_TIMES: Final = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "TRANSP", "STATUS")
_BUSY_TYPES: Final = ("BUSY", "BUSY-UNAVAILABLE", "BUSY-TENTATIVE")


class CalendarError(Exception):
    """A calendar that cannot be used; the message names the fault, worded to follow the calendar."""


class AskedWindow(NamedTuple):
    """Whose busy times are wanted, and of which window, in milliseconds since 1970.

    `zone` is the person's time zone, and `emails` are the person's addresses, folded.
    """

    zone: str
    emails: frozenset[str]
    starts: int
    ends: int


class _Times(NamedTuple):
    """When an event takes place first, and how long: `length` is None for an all-day event of `days`."""

    start: date
    length: timedelta | None
    days: int


def busy_times(content: bytes, asked: AskedWindow) -> list[tuple[int, int]]:
    """Return the busy times in a window, in order and apart, in milliseconds since 1970. Raises CalendarError."""
    try:
        calendars = icalendar.Calendar.from_ical(content, multiple=True)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise CalendarError("is not a calendar (iCalendar)") from error
    if not calendars or any(each.name != "VCALENDAR" for each in calendars):
        raise CalendarError("is not a calendar (iCalendar)")
    zone = ZoneInfo(asked.zone)
    found: list[tuple[int, int]] = []
    for calendar in calendars:
        for times in _all_times(calendar, asked, zone):
            starts, ends = max(times[0], asked.starts), min(times[1], asked.ends)
            if starts < ends:
                found.append((starts, ends))
            if len(found) > MOST_OCCURRENCES:
                raise CalendarError(f"has more than {MOST_OCCURRENCES:,} events in a year")
    return _joined(sorted(found))


def _all_times(calendar: Any, asked: AskedWindow, zone: tzinfo) -> Iterator[tuple[int, int]]:
    events = [each for each in calendar.walk("VEVENT") if not isinstance(each, str)]
    if len(events) > MOST_EVENTS:
        raise CalendarError(f"has more than {MOST_EVENTS:,} events")
    for event in events:
        broken = [name for name, _ in event.errors if name in _TIMES]
        if broken:
            raise CalendarError(f"has an event whose {broken[0]} cannot be read")
    for series in _series(events):
        yield from _occurrences(series, asked, zone)
    for each in calendar.walk("VFREEBUSY"):
        yield from _free_busy(each, zone)


def _series(events: Iterable[Any]) -> list[list[Any]]:
    """Return the events by their UID, of each only the newest version: the event itself, and changed occurrences."""
    found: dict[str, dict[str, Any]] = {}
    for number, event in enumerate(events):
        versions = found.setdefault(str(event.get("UID", number)), {})
        moment = event.get("RECURRENCE-ID")
        if moment is not None and str(moment.params.get("RANGE", "")).upper() == "THISANDFUTURE":
            raise CalendarError("has an event that changes from one occurrence on (RANGE=THISANDFUTURE)")
        key = "" if moment is None else str(moment.dt)
        if key not in versions or int(event.get("SEQUENCE", 0)) >= int(versions[key].get("SEQUENCE", 0)):
            versions[key] = event
    return [list(versions.values()) for versions in found.values()]


def _occurrences(series: list[Any], asked: AskedWindow, zone: tzinfo) -> Iterator[tuple[int, int]]:
    """Yield the busy times of an event and of its changed occurrences."""
    changed = [each["RECURRENCE-ID"].dt for each in series if "RECURRENCE-ID" in each]
    for event in series:
        if _is_free(event, asked.emails):
            continue
        times = _times_of(event)
        if "RECURRENCE-ID" in event:
            yield _interval(times, times.start, zone)
            continue
        left_out = [*changed, *(each for exception in _listed(event, "EXDATE") for each in exception)]
        for start in _starts(event, times, asked, zone):
            if not any(_is_same(start, each, times, zone) for each in left_out):
                yield _interval(times, start, zone)
        yield from _extra(event, times, left_out, zone)


def _is_free(event: Any, emails: frozenset[str]) -> bool:
    """Return whether an event keeps nobody busy, or not this person."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED" or str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return True
    if str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper() == "FREE":
        return True
    attendees = event.get("ATTENDEE", [])
    for each in attendees if isinstance(attendees, list) else [attendees]:
        address = str(each).strip().casefold().removeprefix("mailto:")
        if address in emails and str(each.params.get("PARTSTAT", "")).upper() == "DECLINED":
            return True
    return False


def _times_of(event: Any) -> _Times:
    if "DTSTART" not in event:
        raise CalendarError("has an event without DTSTART")
    start, end = event["DTSTART"].dt, event["DTEND"].dt if "DTEND" in event else None
    duration = event["DURATION"].dt if "DURATION" in event else None
    if not isinstance(start, datetime):
        days = duration.days if duration is not None else 1
        if end is not None:
            last = end.date() if isinstance(end, datetime) else end
            days = (last - start).days
        return _Times(start, None, max(days, 1))
    if end is not None and not isinstance(end, datetime):
        raise CalendarError("has an event that starts at a time and ends on a date")
    if end is None:
        return _Times(start, duration or timedelta(), 0)
    if (start.tzinfo is None) != (end.tzinfo is None):
        raise CalendarError("has an event of which one end has no time zone")
    length = end - start if start.tzinfo is None else end.astimezone(UTC) - start.astimezone(UTC)
    return _Times(start, max(length, timedelta()), 0)


def _starts(event: Any, times: _Times, asked: AskedWindow, zone: tzinfo) -> Iterator[date]:
    """Yield the first start, and those of the rules of recurrence, by the wall clock of the event."""
    rules = event.get("RRULE")
    if rules is None:
        yield times.start
        return
    first = _wall_clock(times.start)
    every = rruleset()
    every.rdate(first)
    for rule in rules if isinstance(rules, list) else [rules]:
        every.rrule(_rule(rule, times.start, first))
    last = datetime.fromtimestamp(asked.ends / 1000, UTC).replace(tzinfo=None) + timedelta(days=2)
    for number, wall in enumerate(every):
        if wall > last:
            return
        if number > MOST_STEPS:
            raise CalendarError("has an event that recurs too often")
        yield wall.date() if times.length is None else wall.replace(tzinfo=_zone_of(times.start, zone))


def _rule(rule: Any, start: date, first: datetime) -> rrule:
    """Return a rule by the wall clock of its event: hours stay the same when clocks change."""
    parts = {name: list(values) for name, values in rule.items()}
    if "UNTIL" in parts:
        until = parts["UNTIL"][0]
        if not isinstance(until, datetime):
            until = datetime(until.year, until.month, until.day, 23, 59, 59)
        elif until.tzinfo is not None:
            zone = start.tzinfo if isinstance(start, datetime) else None
            with suppress(OverflowError):  # at the end of time, which no window reaches
                until = until.astimezone(zone or UTC)
            until = until.replace(tzinfo=None)
        parts["UNTIL"] = [until]
    try:
        text = icalendar.vRecur(parts).to_ical().decode()  # type: ignore[no-untyped-call]
        made = rrulestr(text, dtstart=first)
    except (ValueError, KeyError, TypeError) as error:
        raise CalendarError("has an event whose RRULE cannot be read") from error
    if not isinstance(made, rrule):
        raise CalendarError("has an event whose RRULE cannot be read")
    return made


def _extra(event: Any, times: _Times, left_out: list[Any], zone: tzinfo) -> Iterator[tuple[int, int]]:
    """Yield the busy times of the dates that recur apart from rules (RDATE)."""
    for each in (moment for dates in _listed(event, "RDATE") for moment in dates):
        if isinstance(each, tuple):
            yield _period(each, zone)
        elif not any(_is_same(each, other, times, zone) for other in left_out):
            yield _interval(times, each, zone)


def _listed(event: Any, name: str) -> Iterator[list[Any]]:
    """Yield the moments of a property that may be there several times, each with several."""
    found = event.get(name, [])
    for each in found if isinstance(found, list) else [found]:
        yield [moment.dt for moment in each.dts]


def _is_same(start: date, other: date, times: _Times, zone: tzinfo) -> bool:
    """Return whether an occurrence is the one that starts at a moment, or on a date."""
    if not isinstance(other, datetime):
        return (start.date() if isinstance(start, datetime) else start) == other
    if times.length is None:
        return start == other.date()
    return _instant(start, zone) == _instant(other, zone)


def _interval(times: _Times, start: date, zone: tzinfo) -> tuple[int, int]:
    begins = _instant(start, zone)
    if times.length is None:
        return begins, _instant(start + timedelta(days=times.days), zone)
    return begins, begins + times.length // timedelta(milliseconds=1)


def _period(period: tuple[Any, ...], zone: tzinfo) -> tuple[int, int]:
    start, end = period[:2]
    begins = _instant(start, zone)
    if isinstance(end, timedelta):
        return begins, begins + end // timedelta(milliseconds=1)
    return begins, _instant(end, zone)


def _free_busy(component: Any, zone: tzinfo) -> Iterator[tuple[int, int]]:
    """Yield the busy times of a component that has nothing else (VFREEBUSY)."""
    if any(name == "FREEBUSY" for name, _ in component.errors):
        raise CalendarError("has a FREEBUSY that cannot be read")
    found = component.get("FREEBUSY", [])
    for each in found if isinstance(found, list) else [found]:
        if str(each.params.get("FBTYPE", "BUSY")).upper() == "FREE":
            continue
        for period in each.dts if hasattr(each, "dts") else [each]:
            yield _period(period.dt, zone)


def _wall_clock(start: date) -> datetime:
    if isinstance(start, datetime):
        return start.replace(tzinfo=None)
    return datetime(start.year, start.month, start.day)


def _zone_of(start: date, zone: tzinfo) -> tzinfo:
    return zone if not isinstance(start, datetime) or start.tzinfo is None else start.tzinfo


def _instant(moment: date, zone: tzinfo) -> int:
    """Return a moment in milliseconds since 1970; a date is the midnight that begins it."""
    known = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)
    if known.tzinfo is None:
        known = known.replace(tzinfo=zone)
    return round(known.timestamp() * 1000)


def _joined(times: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for starts, ends in times:
        if found and starts <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], ends)
        else:
            found.append((starts, ends))
    return found


def answer(header: bytes, content: bytes) -> bytes:
    """Return the JSON that answers a request: `busy`, or the `error`."""
    asked = json.loads(header)
    try:
        wanted = AskedWindow(asked["zone"], frozenset(asked["emails"]), asked["starts"], asked["ends"])
        return json.dumps({"busy": busy_times(content, wanted)}).encode()
    except CalendarError as error:
        return json.dumps({"error": str(error)}).encode()
    except Exception as error:
        return json.dumps({"error": f"cannot be understood ({type(error).__name__})"}).encode()


def main(source: BinaryIO, target: BinaryIO) -> None:
    """Answer requests until the source ends."""
    with suppress(ImportError, ValueError, OSError):  # where there are no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY, LARGEST_MEMORY))
    while len(prefix := source.read(_LENGTH.size)) == _LENGTH.size:
        with suppress(AttributeError):  # where there are no such signals
            signal.alarm(LONGEST_SECONDS)  # this process must end even if nobody waits for it any more
        header = source.read(*_LENGTH.unpack(prefix))
        content = source.read(*_LENGTH.unpack(source.read(_LENGTH.size)))
        found = answer(header, content)
        target.write(_LENGTH.pack(len(found)) + found)
        target.flush()
        with suppress(AttributeError):
            signal.alarm(0)


if __name__ == "__main__":
    # With PYTHONUNBUFFERED, `sys.stdout.buffer` writes a part only if a signal comes.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:
        main(sys.stdin.buffer, output)
