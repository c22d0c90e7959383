"""The bodies of writes of rooms, pools and availability.

Owns their fields and limits (contract section 16). Must not know the records that exist: problems that only they reveal
are found later, and reported together with these.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rowen.api import planning_examples as examples
from rowen.api.headers.acting_user import read_acting_user
from rowen.api.reading import values
from rowen.api.reading.body import Body
from rowen.api.reading.values import ValueReader, sequence, structure, whole
from rowen.api.request import ApiRequest
from rowen.api.schemas import DATE, TIME, closed
from rowen.interviews.availability import (
    WEEKDAYS,
    Availability,
    AvailabilityFields,
    Buffer,
    Hours,
    Limits,
    TimeOff,
)
from rowen.interviews.errors import Problems
from rowen.interviews.holidays import is_country
from rowen.interviews.moments import Instant
from rowen.interviews.pools import (
    LARGEST_WEIGHT,
    MOST_INTERVIEWS,
    MOST_MEMBERS,
    MOST_SEATS,
    PoolFields,
    PoolInterview,
    PoolMember,
)
from rowen.interviews.rooms import RoomFields

MOST_FEATURES: Final = 100
_MOST_HOURS: Final = 20
_MOST_TIMES_OFF: Final = 1_000
LARGEST_ROOM: Final = 100_000
DAY_MINUTES: Final = 1_440
LONGEST_NOTICE: Final = 366 * DAY_MINUTES
LARGEST_LIMIT: Final = 1_000
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_COUNTRY: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,6})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_ROOM: Final[Mapping[str, ValueReader[Any]]] = {
    "name": values.name.described("Unique in the organization; interviews with this `location` are in the room"),
    "site": values.or_blank(values.name),
    "capacity": values.nullable(whole(1, LARGEST_ROOM)).described("How many people it seats"),
    "features": sequence(values.name, MOST_FEATURES),
}
NEW_ROOM: Final = Body("NewRoom", _ROOM, examples.NEW_ROOM, ("name",))
ROOM_CHANGES: Final = Body("RoomChanges", _ROOM, examples.ROOM_CHANGES)


def _distinct(reader: ValueReader[tuple[str | None, ...]]) -> ValueReader[tuple[str | None, ...]]:
    """Return a reader that drops texts that were given before."""

    def read(problems: Problems, path: str, value: Any) -> tuple[str | None, ...] | None:
        found = reader.read(problems, path, value)
        return None if found is None else tuple(dict.fromkeys(found))

    return ValueReader(read, reader.schema)


_MEMBER: Final[Mapping[str, ValueReader[Any]]] = {
    "user_id": values.identifier,
    "weight": whole(1, LARGEST_WEIGHT).described("Of equally loaded members, the greatest weight is chosen"),
    "tags": _distinct(sequence(values.name, MOST_FEATURES)).described("Skills that a seat may ask for"),
}
_POOL_INTERVIEW: Final[Mapping[str, ValueReader[Any]]] = {
    "interview_id": values.identifier.described("The interview of a job stage"),
    "count": whole(1, MOST_SEATS).described("How many of its seats; 1 where it is left out"),
}
_POOL: Final[Mapping[str, ValueReader[Any]]] = {
    "name": values.name,
    "members": sequence(structure(PoolMember, _MEMBER, "user_id"), MOST_MEMBERS),
    "interviews": sequence(structure(PoolInterview, _POOL_INTERVIEW, "interview_id"), MOST_INTERVIEWS).described(
        "The interviews of plans whose seats it usually fills"
    ),
}
NEW_POOL: Final = Body("NewPool", _POOL, examples.NEW_POOL, ("name",))
POOL_CHANGES: Final = Body("PoolChanges", _POOL, examples.POOL_CHANGES)


def _checked(
    schema: dict[str, Any], is_right: Callable[[str], bool], message: str, longest: int = values.LONGEST_NAME
) -> ValueReader[str]:
    """Return the reader of text for which a check holds."""

    def read(problems: Problems, path: str, value: Any) -> str | None:
        if isinstance(value, str) and len(value) <= longest and is_right(value):
            return value
        problems.note(path, message)
        return None

    return ValueReader(read, schema)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_known_country(code: str) -> bool:
    return _COUNTRY.fullmatch(code) is not None and is_country(code)


_ZONE: Final = _checked(
    {"type": "string", "maxLength": values.LONGEST_NAME}, _is_zone, "Must be a time zone such as Europe/Berlin"
)
_TIME_OF_DAY: Final = _checked(
    {"type": "string", "pattern": f"^({_CLOCK.pattern})$"},
    lambda text: _CLOCK.fullmatch(text) is not None,
    "Must be a time of day from 00:00 to 24:00, such as 09:30",
)
_HOLIDAYS: Final = _checked(
    {"type": "string", "pattern": f"^{_COUNTRY.pattern}$"},
    _is_known_country,
    "Must be the code of a country, or of a part of one, such as DE or DE-BY",
)


def _read_hours(problems: Problems, path: str, value: Any) -> Hours | None:
    fields = _INTERVAL_OF_DAY.read(problems, path, value)
    if fields is None:
        return None
    starts, ends = (int(fields[name][:2]) * 60 + int(fields[name][3:]) for name in ("from", "to"))
    if starts >= ends:
        problems.note(f"{path}.to", "Must be after from")
        return None
    return Hours(starts, ends)


_INTERVAL_OF_DAY: Final[ValueReader[dict[str, Any]]] = structure(
    dict, {"from": _TIME_OF_DAY, "to": _TIME_OF_DAY}, "from", "to"
)
_ALL_HOURS: Final = sequence(ValueReader(_read_hours, _INTERVAL_OF_DAY.schema), _MOST_HOURS)


def _read_day(problems: Problems, path: str, value: Any) -> tuple[Hours, ...] | None:
    """Read the working hours of a day, which must not overlap."""
    found = _ALL_HOURS.read(problems, path, value)
    if found is None:
        return None
    known = sorted((hours, place) for place, hours in enumerate(found) if hours is not None)
    for (first, one), (second, other) in pairwise(known):
        if second.starts < first.ends:
            problems.note(f"{path}[{other}]", f"Must not overlap {path}[{one}]")
    return tuple(each for each in found if each is not None)


_WEEK: Final[ValueReader[dict[str, Any]]] = structure(
    dict, {day: ValueReader(_read_day, _ALL_HOURS.schema) for day in WEEKDAYS}
)


def _read_moment(problems: Problems, path: str, value: Any) -> date | Instant | None:
    try:
        if isinstance(value, str):
            return date.fromisoformat(value) if _DATE.fullmatch(value) else Instant.parse(value)
    except ValueError:
        pass
    problems.note(path, "Must be an ISO-8601 date or time")
    return None


_MOMENT: Final = ValueReader(_read_moment, {"anyOf": [*TIME["anyOf"][:1], DATE]})
_FROM_TO: Final[ValueReader[dict[str, Any]]] = structure(dict, {"from": _MOMENT, "to": _MOMENT}, "from", "to")


def _read_time_off(problems: Problems, path: str, value: Any) -> TimeOff | None:
    fields = _FROM_TO.read(problems, path, value)
    if fields is None:
        return None
    found = TimeOff(fields["from"], fields["to"])
    if isinstance(found.starts, date) != isinstance(found.ends, date):
        problems.note(f"{path}.to", "Must be a date if from is one, and a time if from is one")
    elif fields["from"] >= fields["to"]:
        problems.note(f"{path}.to", "Must be after from")
    return found


_MINUTES: Final = whole(0, DAY_MINUTES)
_COUNT: Final = values.nullable(whole(0, LARGEST_LIMIT))
AVAILABILITY: Final = Body(
    "AvailabilityBody",
    {
        "time_zone": _ZONE.described("An IANA time zone: working hours, dates and weeks are by its clock"),
        "working_hours": _WEEK.described("By the day of the week; a day that is not named is not worked"),
        "buffer_minutes": structure(Buffer, {"before": _MINUTES, "after": _MINUTES}),
        "limits": structure(Limits, {"per_day": _COUNT, "per_week": _COUNT}),
        "minimum_notice_minutes": whole(0, LONGEST_NOTICE),
        "holidays": values.nullable(_HOLIDAYS),
        "time_off": sequence(
            ValueReader(_read_time_off, closed({"from": _MOMENT.schema, "to": _MOMENT.schema})), _MOST_TIMES_OFF
        ),
    },
    examples.AVAILABILITY,
    ("time_zone", "working_hours"),
)


def read_room(request: ApiRequest, body: Body) -> RoomFields:
    """Read the POST or PATCH of a room. Raises Refusal."""
    return RoomFields(**_read(request, body))


def read_pool(request: ApiRequest, body: Body) -> PoolFields:
    """Read the POST or PATCH of a pool. Raises Refusal."""
    return PoolFields(**_read(request, body))


def read_availability(request: ApiRequest) -> AvailabilityFields:
    """Read the PUT of an availability. Raises Refusal."""
    fields = _read(request, AVAILABILITY)
    user, problems = fields.pop("on_behalf_of"), fields.pop("problems")
    if problems:
        return AvailabilityFields(None, user, problems)
    if "buffer_minutes" in fields:
        fields["buffer"] = fields.pop("buffer_minutes")
    return AvailabilityFields(Availability(**fields), user, problems)


def _read(request: ApiRequest, body: Body) -> dict[str, Any]:
    """Return the fields of a body, the acting user, and all problems of both. Raises Refusal."""
    problems = Problems()
    fields = body.read(request.body, problems)
    user = read_acting_user(request, problems)
    return {**fields, "on_behalf_of": user, "problems": tuple(problems.found)}
