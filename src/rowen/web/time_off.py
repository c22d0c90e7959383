"""Time off in the form of an availability: a row of two days each, and the interviews that lie in it.

Owns how rows become time off, and back. Must not know the other fields, or a page.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from rowen.api.codec.setups import AvailabilityRecord, TimeOffRecord, moment_of
from rowen.app.sessions import PersonAccess
from rowen.interviews.interview import ResponseStatus, Status
from rowen.interviews.moments import Instant
from rowen.web.forms import Form
from rowen.web.languages import Language
from rowen.web.local_times import read_day
from rowen.web.schedule import Entry, Schedule

_MOST_ROWS: Final = 50
_BLANK_ROWS: Final = 2
_EXAMPLE: Final = date(2027, 12, 24)
_DAY: Final = timedelta(days=1)
_MILLISECONDS_OF_DAY: Final = 86_400_000
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.*")


class TimeOffRow(NamedTuple):
    """A row of the form: the names of its two fields, and what browsers show: a `date`, or else `text`."""

    first: str
    last: str
    kind: str


def fields_of(stored: AvailabilityRecord, now: Instant) -> dict[str, str]:
    """Return the fields of the time off to come."""
    fields = {}
    for number, each in enumerate(_split(stored, now)[0]):
        row = _row(number)
        behind = read_day(each.end)
        fields[row.first] = each.start
        fields[row.last] = each.end if behind is None else str(behind - _DAY)
    return fields


def rows_of(form: Form) -> list[TimeOffRow]:
    """Return the rows that a form shows: those that are filled in, and some to fill in."""
    rows = [_row(number) for number in range(_MOST_ROWS + _BLANK_ROWS)]
    filled = [row for row in rows if form.text(row.first) or form.text(row.last)]
    shown = [*filled, *[row for row in rows if row not in filled][:_BLANK_ROWS]]
    return [row._replace(kind=_kind(form.text(row.first), form.text(row.last))) for row in shown]


def read_time_off(
    form: Form, language: Language, stored: AvailabilityRecord | None, now: Instant
) -> list[dict[str, str]]:
    """Return the time off of a form, with that which the form does not show; notes the problems."""
    kept = [] if stored is None else _split(stored, now)[1]
    found = [{"from": each.start, "to": each.end} for each in kept]
    for row in rows_of(form):
        first, last = form.text(row.first), form.text(row.last)
        if not first and not last:
            continue
        if _INSTANT.fullmatch(first) and _INSTANT.fullmatch(last):
            found.append({"from": first, "to": last})
            continue
        starts = language.read_day(first)
        ends = language.read_day(last) if last else starts
        if starts is None or ends is None:
            example = language.numeric_day(_EXAMPLE)
            form.note(row.last if starts is not None else row.first, "availability.bad_day", day=example)
        elif ends < starts or ends == date.max:
            form.note(row.last, "edit.last_day")
        else:
            found.append({"from": starts.isoformat(), "to": (ends + _DAY).isoformat()})
    return found


async def interviews_in(
    schedule: Schedule, person: PersonAccess, stored: AvailabilityRecord | None, now: Instant
) -> Sequence[Entry]:
    """Return the interviews to come that a person has not declined, and that lie in the person's time off."""
    spans = [] if stored is None else [_span(each, stored.time_zone) for each in stored.time_off]
    until = max((end for _, end in spans), default=now)
    if until <= now:
        return []
    team_zone = ZoneInfo(person.organization.time_zone)
    entries = await schedule.own(person, Instant(now - _MILLISECONDS_OF_DAY), until)

    def lies_in(entry: Entry) -> bool:
        begins, ends = (each.instant(team_zone) for each in (entry.interview.start, entry.interview.end))
        seat = entry.seat(person.user.id)
        is_held = seat is not None and seat.response_status is not ResponseStatus.DECLINED
        is_ahead = entry.interview.status is Status.SCHEDULED and ends > now
        return is_held and is_ahead and any(start < ends and begins < end for start, end in spans)

    return [each for each in entries.found if lies_in(each)]


def _row(number: int) -> TimeOffRow:
    return TimeOffRow(f"off_{number}_from", f"off_{number}_to", "date")


def _kind(*texts: str) -> str:
    """Return the kind of fields that can show some texts."""
    return "date" if all(read_day(each) for each in texts if each) else "text"


def _split(stored: AvailabilityRecord, now: Instant) -> tuple[list[TimeOffRecord], list[TimeOffRecord]]:
    """Return the time off that the form shows, the next first, and the rest: the past, and what is too much to show."""
    ahead: list[TimeOffRecord] = []
    rest: list[TimeOffRecord] = []
    for each in sorted(stored.time_off, key=lambda each: each.start):
        is_shown = _span(each, stored.time_zone)[1] > now and len(ahead) < _MOST_ROWS
        (ahead if is_shown else rest).append(each)
    return ahead, rest


def _span(off: TimeOffRecord, time_zone: str) -> tuple[Instant, Instant]:
    return _instant(moment_of(off.start), time_zone), _instant(moment_of(off.end), time_zone)


def _instant(moment: date | Instant, time_zone: str) -> Instant:
    return Instant.at_midnight(moment, ZoneInfo(time_zone)) if isinstance(moment, date) else moment
