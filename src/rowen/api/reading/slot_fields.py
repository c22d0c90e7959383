"""The bodies of questions for slots.

Owns their fields, limits and defaults (contract section 17). Must not know the records that exist: problems that only
they reveal are found later, and reported together with these.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from rowen.api import planning_examples as examples
from rowen.api.headers.acting_user import read_acting_user
from rowen.api.reading import values
from rowen.api.reading.body import Body
from rowen.api.reading.values import ValueReader, sequence, structure, whole
from rowen.api.request import ApiRequest
from rowen.app.booking_links import DEFAULT_DAYS, DEFAULT_MOVES, DEFAULT_NOTICE, LONGEST_DAYS, LinkInput
from rowen.app.slots import DEFAULT_GAP, RoomInput, SeatInput, SessionInput, SlotsInput
from rowen.interviews.errors import Problems
from rowen.interviews.moments import Instant
from rowen.planning.question import Lunch

MOST_SLOTS: Final = 5_000
MOST_SESSIONS: Final = 8
MOST_SEATS: Final = 20
MOST_DAYS: Final = 10
MOST_MOVES: Final = 100
LONGEST_NOTICE: Final = 43_200  # minutes
_MOST_USERS: Final = 500
_MOST_TAGS: Final = 100
_MOST_ZONES: Final = 20
_MOST_TIMES: Final = 500
_DAY: Final = 1_440
_MINUTE: Final = 60_000
_LONGEST_WINDOW: Final = 26 * 7 * _DAY * _MINUTE
_LARGEST: Final = 100_000
_YEAR_9999: Final = Instant.parse("9999-01-01")
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")


def _read_zone(problems: Problems, path: str, value: Any) -> str | None:
    try:
        if isinstance(value, str) and len(value) <= values.LONGEST_NAME:
            ZoneInfo(value)
            return value
    except (ValueError, OSError, LookupError):
        pass
    problems.note(path, "Must be a time zone such as Europe/Berlin")
    return None


def _read_clock(problems: Problems, path: str, value: Any) -> int | None:
    """Read a time of day as minutes after midnight."""
    if isinstance(value, str) and _CLOCK.fullmatch(value):
        return int(value[:2]) * 60 + int(value[3:])
    problems.note(path, "Must be a time of day from 00:00 to 24:00, such as 09:30")
    return None


LATEST_PLANNED: Final = Instant.parse("9990-01-01T00:00:00Z")
"""The end of what is planned: limits and fairness look some weeks further, which must have dates."""

ZONE: Final = ValueReader(_read_zone, {"type": "string", "maxLength": values.LONGEST_NAME})
_TIME_OF_DAY: Final = ValueReader(_read_clock, {"type": "string", "pattern": f"^({_CLOCK.pattern})$"})
_FROM_TO: Final[ValueReader[dict[str, Any]]] = structure(
    dict, {"from": values.instant, "to": values.instant}, "from", "to"
)


def _read_times(problems: Problems, path: str, value: Any) -> tuple[int, int] | None:
    fields = _FROM_TO.read(problems, path, value)
    if fields is None:
        return None
    if fields["from"] >= fields["to"]:
        problems.note(f"{path}.to", "Must be after from")
        return None
    return int(fields["from"]), int(fields["to"])


def _read_window(problems: Problems, path: str, value: Any) -> tuple[int, int] | None:
    times = _read_times(problems, path, value)
    if times is None:
        return None
    if times[0] < 0:
        problems.note(f"{path}.from", "Must not be before 1970")
    elif times[1] > LATEST_PLANNED:
        problems.note(f"{path}.to", "Must be before 9990")
    elif times[1] - times[0] > _LONGEST_WINDOW:
        problems.note(f"{path}.to", "Must be at most 26 weeks after from")
    else:
        return times
    return None


_TIMES: Final = ValueReader(_read_times, _FROM_TO.schema)
_WINDOW: Final = ValueReader(_read_window, _FROM_TO.schema).described("A slot lies whole in it; at most 26 weeks")


def _read_gap(problems: Problems, path: str, value: Any) -> tuple[int, int] | None:
    fields = _GAP.read(problems, path, value)
    if fields is None:
        return None
    least = fields.get("min", 0)
    most = fields.get("max", max(least, DEFAULT_GAP))
    if most < least:
        problems.note(f"{path}.max", "Must not be less than min")
        return None
    return least, most


_GAP: Final[ValueReader[dict[str, Any]]] = structure(dict, {"min": whole(0, _DAY), "max": whole(0, _DAY)})


def _read_lunch(problems: Problems, path: str, value: Any) -> Lunch | None:
    fields = _LUNCH.read(problems, path, value)
    if fields is None:
        return None
    lunch = Lunch(fields["from"], fields["to"], fields["minutes"])
    if lunch.end <= lunch.begin:
        problems.note(f"{path}.to", "Must be after from")
    elif lunch.minutes > lunch.end - lunch.begin:
        problems.note(f"{path}.minutes", "Must not be longer than from `from` to `to`")
    else:
        return lunch
    return None


_LUNCH: Final[ValueReader[dict[str, Any]]] = structure(
    dict, {"from": _TIME_OF_DAY, "to": _TIME_OF_DAY, "minutes": whole(1, _DAY)}, "from", "to", "minutes"
)


def _read_seat(problems: Problems, path: str, value: Any) -> SeatInput | None:
    """Read a seat, which has either users or a pool."""
    seat = _SEAT.read(problems, path, value)
    if not isinstance(value, dict):
        return seat
    if "users" in value and "pool" in value:
        problems.note(f"{path}.pool", "Must not be given together with users")
    elif "users" not in value and "pool" not in value:
        problems.note(path, "Must have users or a pool")
    elif value.get("tags") and "pool" not in value:
        problems.note(f"{path}.tags", "Must be given together with a pool")
    return seat


_SEAT: Final = structure(
    SeatInput,
    {
        "users": sequence(values.identifier, _MOST_USERS, 1).described("Any of these users"),
        "pool": values.identifier.described("Any member of this pool"),
        "count": whole(1, 100).described("How many different ones of them; 1 where it is left out"),
        "tags": sequence(values.name, _MOST_TAGS).described("All of these tags must be those of the member"),
        "optional": values.boolean.described("Whether it is left out rather than costs a start"),
    },
)
_ROOM: Final[Mapping[str, ValueReader[Any]]] = {
    "capacity": values.nullable(whole(1, _LARGEST)),
    "site": values.nullable(values.name),
    "features": sequence(values.name, _MOST_TAGS),
}
_SESSION: Final[Mapping[str, ValueReader[Any]]] = {
    "name": values.nullable(values.name),
    "minutes": whole(1, _DAY),
    "interview_id": values.nullable(values.identifier).described("The interview of a job stage that is held"),
    "seats": sequence(ValueReader(_read_seat, _SEAT.schema), MOST_SEATS, 1),
    "room": values.nullable(structure(RoomInput, _ROOM)).described("A room that is needed; the smallest one is taken"),
}


def _read_candidate(problems: Problems, path: str, value: Any) -> tuple[tuple[int, int] | None, ...] | None:
    fields = _CANDIDATE.read(problems, path, value)
    return None if fields is None else fields.get("free")


_CANDIDATE: Final[ValueReader[dict[str, Any]]] = structure(
    dict, {"free": values.nullable(sequence(_TIMES, _MOST_TIMES))}
)


def _word(words: tuple[str, ...]) -> ValueReader[str]:
    """Return the reader of one of some words."""

    def read(problems: Problems, path: str, value: Any) -> str | None:
        if isinstance(value, str) and value in words:
            return value
        problems.note(path, f"Must be one of {', '.join(words)}")
        return None

    return ValueReader(read, {"type": "string", "enum": list(words)})


SLOTS: Final = Body(
    "SlotQuestion",
    {
        "window": _WINDOW,
        "step_minutes": whole(1, _DAY).described("Slots start at multiples of it in UTC; 15 where it is left out"),
        "time_zones": sequence(ZONE, _MOST_ZONES).described("Those of `local`; the first is that of lunch and days"),
        "application_id": values.nullable(values.identifier).described("Its interviews keep the candidate busy"),
        "candidate": values.nullable(ValueReader(_read_candidate, _CANDIDATE.schema)),
        "sessions": sequence(structure(SessionInput, _SESSION, "minutes", "seats"), MOST_SESSIONS, 1),
        "order": _word(("given", "any")),
        "gap_minutes": ValueReader(_read_gap, _GAP.schema).described("Between sessions of a day; 0 to 30 if left out"),
        "days": whole(1, MOST_DAYS).described("On how many dates at most the sessions are; 1 where it is left out"),
        "lunch": values.nullable(ValueReader(_read_lunch, _LUNCH.schema)).described("A break that each day needs"),
        "repeat_people": values.boolean.described("Whether a person may be in two sessions; false if left out"),
        "reschedule": sequence(values.identifier, MOST_SESSIONS).described("Interviews that are moved"),
        "choose": _word(("least_loaded",)),
        "limit": whole(1, MOST_SLOTS).described("How many slots are returned; 50 where it is left out"),
        "explain": values.boolean.described("Whether to say why there are none; true where it is left out"),
    },
    examples.QUESTION,
    ("window", "sessions"),
)


def _read_link_window(problems: Problems, path: str, value: Any) -> tuple[int, int] | None:
    """Read a window that will be searched again and again: it has a minute, and is not at the end of time."""
    window = _read_window(problems, path, value)
    if window is None:
        return None
    if window[1] >= _YEAR_9999:
        problems.note(f"{path}.to", "Must be before the year 9999")
    elif -(-window[0] // _MINUTE) >= window[1] // _MINUTE:
        problems.note(f"{path}.to", "Must be a whole minute after from")
    else:
        return window
    return None


_ONLY_QUESTIONS: Final = ("limit", "explain", "reschedule")
_LINK_WINDOW: Final = ValueReader(_read_link_window, _WINDOW.schema)
LINK: Final = Body(
    "NewBookingLink",
    {
        **{name: reader for name, reader in SLOTS.fields.items() if name not in _ONLY_QUESTIONS},
        "application_id": values.identifier,
        "window": _LINK_WINDOW,
        "expires_in_days": whole(1, LONGEST_DAYS).described(f"{DEFAULT_DAYS} where it is left out"),
        "change_notice_minutes": whole(0, LONGEST_NOTICE).described(
            "Until when before its start a booking can be changed"
        ),
        "moves": whole(0, MOST_MOVES).described(
            f"How often a booking can be moved; {DEFAULT_MOVES} where it is left out"
        ),
    },
    examples.LINK_BODY,
    ("application_id", "window", "sessions"),
)


def read_slots(request: ApiRequest) -> SlotsInput:
    """Read the body of a request. Raises Refusal (malformed); other problems are in what is returned."""
    return read_question(request.body)


def read_question(content: bytes) -> SlotsInput:
    """Read a question as JSON. Raises Refusal (malformed); other problems are in what is returned."""
    problems = Problems()
    return _question(SLOTS.read(content, problems), problems)


def read_link(request: ApiRequest) -> LinkInput:
    """Read the body of a booking link. Raises Refusal (malformed); other problems are in what is returned."""
    problems = Problems()
    fields = LINK.read(request.body, problems)
    user = read_acting_user(request, problems)
    days = fields.pop("expires_in_days", DEFAULT_DAYS)
    notice, moves = fields.pop("change_notice_minutes", DEFAULT_NOTICE), fields.pop("moves", DEFAULT_MOVES)
    return LinkInput(_question(fields, problems), user, days, notice, moves)


def _question(fields: Mapping[str, Any], problems: Problems) -> SlotsInput:
    given = {
        {"candidate": "free", "gap_minutes": "gap"}.get(name, name): value
        for name, value in fields.items()
        if name not in ("order", "choose")
    }
    return SlotsInput(**given, in_any_order=fields.get("order") == "any", problems=tuple(problems.found))
