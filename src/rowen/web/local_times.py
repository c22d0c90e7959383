"""Local times: what people type and browsers show, and the instants that it means in a time zone.

Owns which times the clocks of a zone skip, and which they show twice. Must not know a form or a page.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from rowen.interviews.moments import Instant

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK: Final = r"([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*(am|pm)?(?:\s*(?:uhr|h))?"
_HOURS: Final = re.compile(rf"(?:from|von)?\s*{_CLOCK}\s*(?:-|\u2013|to|until|bis)\s*{_CLOCK}", re.IGNORECASE)
_AND: Final = re.compile(r"[,;]|\b(?:and|und)\b", re.IGNORECASE)
_NOON: Final = 12
_LONGEST: Final = 40
_LONGEST_HOURS: Final = 1_000
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9990


class LocalTime(NamedTuple):
    """A local time and its instants: one, two where clocks are set back, none where they are set forward.

    `before` and `after` are the local times between which the clocks jump, if they skip it.
    """

    clock: datetime
    instants: tuple[Instant, ...]
    before: datetime | None = None
    after: datetime | None = None


def instants_of(day: date, at: time, zone: ZoneInfo) -> LocalTime:
    """Return the instants of a local time, the earlier one first. Raises ValueError outside the years 1 to 9999."""
    local = datetime.combine(day, at)
    try:
        found = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999") from None
    if found[0] == found[1]:
        return LocalTime(local, (Instant.of(found[0]),))
    back = [each.astimezone(zone).replace(tzinfo=None) for each in found]
    if back == [local, local]:
        return LocalTime(local, tuple(sorted(Instant.of(each) for each in found)))
    return LocalTime(local, (), *_gap(min(found), max(found), zone))


def read_local_time(text: str, zone: ZoneInfo) -> LocalTime | None:
    """Return a time such as `2026-10-25T02:30`; None for text that is none, or outside the years 1970 to 9990.

    With an offset, as in `2026-10-25T02:30+01:00`, it is one of the two instants that the time means.
    """
    try:
        moment = datetime.fromisoformat(text) if len(text) <= _LONGEST else None
    except ValueError:
        return None
    if moment is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    found = instants_of(moment.date(), moment.time(), zone)
    if moment.tzinfo is not None:
        found = found._replace(instants=tuple(each for each in found.instants if each == Instant.of(moment)))
    return found


def clock_at(instant: Instant, zone: ZoneInfo) -> str:
    """Return what the clocks of a zone show at an instant: `2026-12-01T09:30`, with seconds if there are any."""
    moment = datetime.fromtimestamp(instant // 1_000, UTC).astimezone(zone).replace(tzinfo=None)
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")


def _gap(earliest: datetime, latest: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the local times just before and just after the clocks jump, between two instants."""
    offset = earliest.astimezone(zone).utcoffset()
    while latest - earliest > timedelta(seconds=1):
        middle = (earliest + (latest - earliest) / 2).replace(microsecond=0)
        if middle in (earliest, latest):
            break
        if middle.astimezone(zone).utcoffset() == offset:
            earliest = middle
        else:
            latest = middle
    after = latest.astimezone(zone).replace(tzinfo=None)
    skipped = (latest.astimezone(zone).utcoffset() or timedelta()) - (offset or timedelta())
    return after - skipped, after


def read_day(text: str) -> date | None:
    """Return a day in the form of browsers, `2026-03-29`; None for other text."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def read_time(text: str) -> time | None:
    """Return a time of day in the form of browsers, `09:30`, `9:30` or `09:30:00`; None for other text."""
    padded = f"0{text}" if text[1:2] == ":" else text
    try:
        found = time.fromisoformat(padded) if len(padded) in (len("09:30"), len("09:30:00")) else None
    except ValueError:
        return None
    # From Python 3.14 on, 24:00 is read as midnight.
    return found if found is not None and found.tzinfo is None and not padded.startswith("24") else None


def read_hours(text: str) -> list[tuple[str, str]] | None:
    """Return hours of a day as people write them, `9-12, 13 bis 17:30 Uhr` or `9am to 5pm`, each as two `HH:MM`.

    None for other text. Nothing is checked of the hours but their form.
    """
    found = []
    words = " ".join(text.split()) if len(text) <= _LONGEST_HOURS else "?"  # runs of spaces would take long to match
    for part in _AND.split(words) if words else ():
        hours = _HOURS.fullmatch(part.strip())
        if hours is None:
            return None
        end = _minutes(hours[4], hours[5], hours[6])
        # In `1-5pm` the afternoon is meant of both, in `9-5pm` it cannot be.
        start = _minutes(hours[1], hours[2], hours[3] or hours[6])
        if hours[3] is None and start >= end:
            start = _minutes(hours[1], hours[2], None)
        found.append((_clock(start), _clock(end)))
    return found


def _minutes(hour: str, minute: str | None, half: str | None) -> int:
    """Return a time of day in minutes; `half` is `am` or `pm`, in any case, or None."""
    hours = int(hour)
    if half is not None and hours <= _NOON:
        hours = hours % _NOON + (_NOON if half.lower() == "pm" else 0)
    return hours * 60 + int(minute or 0)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
