"""Renaming: a user gets another name, employee id or address, and the interviews that name the user follow.

Owns which changes of a user count as renaming, and how an interview changes then. Must not know where users come from.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from rowen.interviews.interview import ScheduledInterview
from rowen.interviews.people import User, fold

Renaming = Mapping[str, str]
"""The fields of a user that have changed, with their new values."""

_FIELDS: Final = ("name", "first_name", "last_name", "employee_id", "email")
_OF_ORGANIZER: Final = frozenset({"name", "first_name", "last_name", "employee_id"})
_OF_INTERVIEWER: Final = frozenset({"name", "employee_id", "email"})


def renaming(before: User, after: User) -> Renaming:
    """Return the fields of a user that have another value. A field that is new, or gone, renames nobody."""
    values = ((field, getattr(before, field), getattr(after, field)) for field in _FIELDS)
    return {
        field: new for field, old, new in values if old is not None and new is not None and _differ(field, old, new)
    }


def _differ(field: str, old: str, new: str) -> bool:
    return fold(old) != fold(new) if field == "email" else old != new


def renamed(interview: ScheduledInterview, people: Mapping[int, Renaming]) -> ScheduledInterview:
    """Return an interview with people, by their ids, renamed; the same if it names none of them."""
    organizer = interview.organizer
    if organizer is not None and (found := _of(organizer.id, people)):
        organizer = msgspec.structs.replace(organizer, **_only(found, _OF_ORGANIZER))
    interviewers = tuple(
        msgspec.structs.replace(each, **_only(found, _OF_INTERVIEWER)) if (found := _of(each.id, people)) else each
        for each in interview.interviewers
    )
    return msgspec.structs.replace(interview, organizer=organizer, interviewers=interviewers)


def _of(identifier: int | None, people: Mapping[int, Renaming]) -> Renaming | None:
    return None if identifier is None else people.get(identifier)


def _only(found: Renaming, fields: frozenset[str]) -> Renaming:
    return {field: value for field, value in found.items() if field in fields}
