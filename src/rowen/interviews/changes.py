"""What can happen to an interview, and how it is told: who did what, field by field, before and after.

Owns the kinds of changes, their actors and the comparison of two states. Must not know how changes are stored or
sent.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec

from rowen.interviews.interview import Interviewer, ScheduledInterview


class Kind(StrEnum):
    """What happened."""

    CREATED = "created"
    RESCHEDULED = "rescheduled"
    PANEL_CHANGED = "panel_changed"
    RESPONDED = "responded"
    UPDATED = "updated"
    STATUS_CHANGED = "status_changed"
    SCORED = "scored"
    SCORE_REMOVED = "score_removed"
    PERSON_RENAMED = "person_renamed"
    CANCELLED = "cancelled"
    IMPORTED = "imported"


class ActorKind(StrEnum):
    """What kind of actor did something."""

    USER = "user"
    CLOCK = "clock"
    IMPORT = "import"


class Actor(msgspec.Struct, frozen=True, gc=False):
    """Who did something: a user, by the API key named `api_key`; the clock; or an import."""

    kind: ActorKind
    id: int | None = None
    name: str | None = None
    api_key: str | None = None


class FieldChange(msgspec.Struct, frozen=True, gc=False):
    """One field before and after, as JSON values; null where there was nothing.

    `field` is its path; interviewers are told apart by their id, or by their e-mail address where they have none.
    """

    field: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened. `scorecard` is the document of the scorecard that was submitted, if that is it."""

    kind: Kind
    actor: Actor
    scorecard: bytes | None = None


_FIELDS = (
    "external_event_id",
    "start",
    "end",
    "location",
    "video_conferencing_url",
    "status",
    "interview",
    "organizer",
)
_SEAT_FIELDS = ("id", "employee_id", "name", "email", "response_status", "scorecard_id")


def differences(before: ScheduledInterview | None, after: ScheduledInterview | None) -> list[FieldChange]:
    """Return what differs between two states of one interview, in the order of its fields."""
    found = [
        FieldChange(name, old, new)
        for name in _FIELDS
        if (old := getattr(before, name, None)) != (new := getattr(after, name, None))
    ]
    return [*found, *_panel_differences(before, after)]


def _panel_differences(before: ScheduledInterview | None, after: ScheduledInterview | None) -> Iterator[FieldChange]:
    old, new = _seats(before), _seats(after)
    for seat in dict.fromkeys([*old, *new]):
        path = f"interviewers.{seat}"
        if seat not in old or seat not in new:
            yield FieldChange(path, old.get(seat), new.get(seat))
        elif old[seat] != new[seat]:
            for name in _SEAT_FIELDS:
                was, is_now = getattr(old[seat], name), getattr(new[seat], name)
                if was != is_now:
                    yield FieldChange(f"{path}.{name}", was, is_now)


def _seats(interview: ScheduledInterview | None) -> dict[str, Interviewer]:
    if interview is None:
        return {}
    return {str(each.id) if each.id is not None else str(each.email): each for each in interview.interviewers}


def kind_of(before: ScheduledInterview, after: ScheduledInterview) -> Kind:
    """Return what a client's change is above all: a new time, a new panel, an answer, or anything else."""
    if (before.start, before.end) != (after.start, after.end):
        return Kind.RESCHEDULED
    old, new = _seats(before), _seats(after)
    if old.keys() != new.keys():
        return Kind.PANEL_CHANGED
    if any(old[seat].response_status is not new[seat].response_status for seat in old):
        return Kind.RESPONDED
    return Kind.UPDATED
