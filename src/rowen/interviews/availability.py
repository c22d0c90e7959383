"""Availability: when a person can hold interviews at all.

Owns the working hours, buffers, limits, notice, holidays and time off of a person, as typed values (contract section
16). Must not know JSON, storage or other people.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from rowen.interviews.errors import FieldProblem
from rowen.interviews.moments import Instant

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""The names of the days, in the order of `date.weekday()`."""


class Hours(NamedTuple):
    """Working hours of a day, in minutes after midnight by the person's own clock; `ends` is exclusive."""

    starts: int
    ends: int


class Buffer(NamedTuple):
    """Minutes before and after an interview without busy times or other interviews."""

    before: int = 0
    after: int = 0


class Limits(NamedTuple):
    """How many interviews a person has at most on a date, and in a week from Monday, by the own clock; or None."""

    per_day: int | None = None
    per_week: int | None = None


class TimeOff(NamedTuple):
    """Time off; `ends` is exclusive. Both are dates of the person's time zone, or both are instants."""

    starts: date | Instant
    ends: date | Instant


class Availability(NamedTuple):
    """When a person can hold interviews.

    `time_zone` is an IANA name. `working_hours` are by the name of the day, and a day that is not named is not worked;
    hours of a day do not overlap, and are in the order of the client. `holidays` is a country (`DE`) or a part of one
    (`DE-BY`), whose public holidays are not worked.
    """

    time_zone: str
    working_hours: Mapping[str, tuple[Hours, ...]]
    buffer: Buffer = Buffer()
    limits: Limits = Limits()
    minimum_notice_minutes: int = 0
    holidays: str | None = None
    time_off: tuple[TimeOff, ...] = ()


def usual_availability(time_zone: str) -> Availability:
    """Return the availability of somebody who works on weekdays from 9 to 17."""
    return Availability(time_zone, dict.fromkeys(WEEKDAYS[:5], (Hours(9 * 60, 17 * 60),)))


class AvailabilityFields(NamedTuple):
    """The availability that a client puts, None if it is among the `problems` of the request, and the acting user.

    `on_behalf_of` is None only if that is among the problems.
    """

    value: Availability | None
    on_behalf_of: int | None
    problems: tuple[FieldProblem, ...]
