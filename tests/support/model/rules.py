"""Small rules of the schedule in plain Python, each a function of records as JSON has them.

Owns the form of times and documents, the identity of panel members, the differences between two states, and the effect
of a renamed user. Must not use anything of Rowen's, as Rowen is compared with it.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from tests.support.model.lists import EPOCH
from tests.support.records import Record

RATINGS: Final = ("definitely_not", "no", "mixed", "yes", "strong_yes")
COMPARED: Final = (
    "external_event_id",
    "start",
    "end",
    "location",
    "video_conferencing_url",
    "status",
    "interview",
    "organizer",
)
_OF_ORGANIZER: Final = ("id", "first_name", "last_name", "name", "employee_id")
_OF_INTERVIEWER: Final = ("id", "employee_id", "name", "email")

Person = tuple[str, int | str]
"""A user by id, or a guest by e-mail address."""


def json_text(value: Any) -> bytes:
    """Return JSON as it is served."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def time_text(milliseconds: int) -> str:
    """Return a point in time as it is served."""
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds") + "Z"


def moment(value: Any) -> Record:
    """Return an end of an interview as it is served: plain text is a time."""
    return {"date_time": value} if isinstance(value, str) else dict(value)


def organizer(user: Record) -> Record:
    """Return a user as the organizer of an interview."""
    return {name: user[name] for name in _OF_ORGANIZER}


def interviewer(person: Record, seat: Record) -> Record:
    """Return a panel member, without a scorecard."""
    named = {name: person[name] for name in _OF_INTERVIEWER}
    return {**named, "response_status": seat.get("response_status"), "scorecard_id": None}


def is_named(user: Record, by: str, value: Any) -> bool:
    """Return whether a requested panel member is this user."""
    if by == "email":
        return fold(value) in map(fold, user["emails"])
    return bool(user["id" if by == "user_id" else by] == value)


def fold(email: str) -> str:
    """Return an address in the form used for comparisons."""
    return email.strip().casefold()


def who(seat: Record) -> Person:
    """Return the person on a panel."""
    return ("user", seat["id"]) if seat["id"] is not None else ("guest", fold(seat["email"]))


def busy(record: Record) -> set[Person]:
    """Return the persons that the interview keeps busy."""
    return {who(seat) for seat in record["interviewers"] if seat["response_status"] != "declined"}


def ratings(attributes: Iterable[Record]) -> Record:
    """Return the names of the attributes by rating."""
    found = [(each["rating"], each["name"]) for each in attributes]
    return {rating: [name for given, name in found if given == rating] for rating in RATINGS}


def differences(before: Record | None, after: Record | None) -> list[Record]:
    """Return what differs between two states, field by field."""
    old, new = before or {}, after or {}
    found = [_difference(name, old.get(name), new.get(name)) for name in COMPARED if old.get(name) != new.get(name)]
    old_seats, new_seats = seats(before), seats(after)
    for seat in dict.fromkeys([*old_seats, *new_seats]):
        was, is_now = old_seats.get(seat), new_seats.get(seat)
        if was is None or is_now is None:
            found.append(_difference(f"interviewers.{seat}", was, is_now))
        else:
            found += [
                _difference(f"interviewers.{seat}.{name}", was[name], is_now[name])
                for name in ("id", "employee_id", "name", "email", "response_status", "scorecard_id")
                if was[name] != is_now[name]
            ]
    return found


def _difference(name: str, before: Any, after: Any) -> Record:
    return {"field": name, "before": before, "after": after}


def seats(record: Record | None) -> dict[str, Record]:
    """Return the panel by the names of its members in the history."""
    panel = [] if record is None else record["interviewers"]
    return {str(each["id"]) if each["id"] is not None else each["email"]: each for each in panel}


def kind_of(before: Record, after: Record) -> str:
    """Return the most important kind of a client's change."""
    if (before["start"], before["end"]) != (after["start"], after["end"]):
        return "rescheduled"
    old, new = seats(before), seats(after)
    if old.keys() != new.keys():
        return "panel_changed"
    answered = any(old[seat]["response_status"] != new[seat]["response_status"] for seat in old)
    return "responded" if answered else "updated"


def renaming(before: Record, after: Record) -> Record:
    """Return the new names of a user; a value that is unknown before or after renames nobody."""
    pairs = {
        name: (before[key], after[key])
        for name, key in (
            ("name", "name"),
            ("first_name", "first_name"),
            ("last_name", "last_name"),
            ("employee_id", "employee_id"),
            ("email", "primary_email_address"),
        )
    }
    return {name: new for name, (old, new) in pairs.items() if old is not None and new is not None and old != new}


def with_names(record: Record, renamed: Mapping[int, Record]) -> Record:
    """Return an interview with the new names of people."""
    panel = [_renamed(each, renamed.get(each["id"], {})) for each in record["interviewers"]]
    of = record["organizer"]
    return {**record, "organizer": _renamed(of, renamed.get(of["id"], {})), "interviewers": panel}


def _renamed(person: Record, names: Record) -> Record:
    return {**person, **{name: value for name, value in names.items() if name in person}}
