"""The bodies of bookings and holds.

Owns their fields (contract section 17): the sessions of a slot are taken as they were returned. Must not know the
records that exist: problems that only they reveal are found later, and reported together with these.
"""

from typing import Any, Final

from rowen.api import planning_examples as examples
from rowen.api.headers.acting_user import read_acting_user
from rowen.api.reading import values
from rowen.api.reading.body import Body, read_object
from rowen.api.reading.slot_fields import LATEST_PLANNED, MOST_SESSIONS
from rowen.api.reading.values import ValueReader, sequence, structure, whole
from rowen.api.request import ApiRequest
from rowen.app.bookings import BookingInput
from rowen.app.holds import DEFAULT_MINUTES, LONGEST_MINUTES, HoldInput
from rowen.interviews.errors import Problems
from rowen.interviews.holds import HeldSession
from rowen.interviews.scheduling import MOST_INTERVIEWERS

_OF_SLOT: Final = frozenset({"start", "end", "local"})
"""Fields of a slot that a booking does not need: a client may send the slot as it was returned."""

_LONGEST: Final = 31 * 86_400_000
_SHOWN: Final = values.nullable(values.text).described("Of the slot; not read")
_INTERVIEWER: Final[ValueReader[dict[str, Any]]] = structure(
    dict,
    {"user_id": values.identifier, "seat": values.nullable(whole(0, 1_000)), "why": _SHOWN},
    "user_id",
)


def _read_interviewer(problems: Problems, path: str, value: Any) -> int | None:
    fields = _INTERVIEWER.read(problems, path, value)
    return None if fields is None else fields["user_id"]


_SESSION: Final[ValueReader[dict[str, Any]]] = structure(
    dict,
    {
        "interview_id": values.nullable(values.identifier),
        "start": values.instant,
        "end": values.instant,
        "interviewers": sequence(ValueReader(_read_interviewer, _INTERVIEWER.schema), MOST_INTERVIEWERS, 1),
        "room_id": values.nullable(values.identifier),
        "scheduled_interview_id": values.nullable(values.identifier).described("The interview that is moved"),
        "name": _SHOWN,
        "index": values.nullable(whole(0, 1_000)),
    },
    "start",
    "end",
    "interviewers",
)


def _read_session(problems: Problems, path: str, value: Any) -> HeldSession | None:
    fields = _SESSION.read(problems, path, value)
    if fields is None:
        return None
    if fields["end"] <= fields["start"]:
        problems.note(f"{path}.end", "Must be after start")
        return None
    if fields["end"] > LATEST_PLANNED:
        problems.note(f"{path}.end", "Must be before 9990")
        return None
    if fields["end"] - fields["start"] > _LONGEST:
        problems.note(f"{path}.end", "Must be at most 31 days after start")
        return None
    times = {name: int(fields[name]) for name in ("start", "end")}
    return HeldSession(**{name: each for name, each in fields.items() if name not in ("name", "index")} | times)


SESSIONS: Final = sequence(ValueReader(_read_session, _SESSION.schema), MOST_SESSIONS, 1)
BOOKING: Final = Body(
    "NewBooking",
    {
        "application_id": values.identifier,
        "sessions": SESSIONS,
        "force": values.boolean.described("Whether limits, hours and buffers do not count; needs `bookings:force`"),
    },
    examples.BOOKING,
    ("application_id", "sessions"),
)


def read_booking(request: ApiRequest) -> BookingInput:
    """Read the body of a booking. Raises Refusal (malformed); other problems are in what is returned."""
    problems = Problems()
    given = read_object(request.body, problems)
    fields = BOOKING.read_values({name: each for name, each in given.items() if name not in _OF_SLOT}, problems)
    user = read_acting_user(request, problems)
    return BookingInput(**fields, on_behalf_of=user, problems=tuple(problems.found))


HOLD: Final = Body(
    "NewHold",
    {
        "application_id": values.identifier,
        "sessions": SESSIONS,
        "minutes": whole(1, LONGEST_MINUTES).described(f"How long it is kept; {DEFAULT_MINUTES} where it is left out"),
    },
    examples.HOLD_BODY,
    ("application_id", "sessions"),
)


def read_hold(request: ApiRequest) -> HoldInput:
    """Read the body of a hold. Raises Refusal (malformed); other problems are in what is returned."""
    problems = Problems()
    given = read_object(request.body, problems)
    fields = HOLD.read_values({name: each for name, each in given.items() if name not in _OF_SLOT}, problems)
    minutes = fields.pop("minutes", DEFAULT_MINUTES)
    user = read_acting_user(request, problems)
    return HoldInput(BookingInput(**fields, on_behalf_of=user, problems=tuple(problems.found)), minutes)
