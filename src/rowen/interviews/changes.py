"""What can happen to an interview, and how it is described: who did what, field by field, before and after.

Owns the kinds of changes, their actors and the comparison of two states. Must not know how changes are stored or sent.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from rowen.interviews.interview import Interviewer, ScheduledInterview
from rowen.interviews.moments import Instant


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
    REPAIRED = "repaired"
    RECORDED = "recorded"


class ActorKind(StrEnum):
    """The kind of an actor.

    An operator is a person who runs a command of `rowen`, a mirror follows an account, and an integration is a client
    that acts for no user.
    """

    USER = "user"
    CLOCK = "clock"
    IMPORT = "import"
    OPERATOR = "operator"
    MIRROR = "mirror"
    INTEGRATION = "integration"


class Actor(msgspec.Struct, frozen=True, gc=False):
    """The author of a change.

    A user, or an integration, by the API key or client named `api_key`; the clock; an import; or the operator.
    """

    kind: ActorKind
    id: int | None = None
    name: str | None = None
    api_key: str | None = None


class FieldChange(msgspec.Struct, frozen=True, gc=False):
    """One field before and after, as JSON values; null if there was no value.

    `field` is its path; interviewers are identified by their id, or by their e-mail address where they have none.
    """

    field: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True, gc=False):
    """One change. `scorecard` is the document of the scorecard that was submitted, if that is the change.

    `of_account` states that it was made in a mirrored account, whoever the actor is.
    """

    kind: Kind
    actor: Actor
    scorecard: bytes | None = None
    of_account: bool = False

    @property
    def is_mirrored(self) -> bool:
        """Whether it happened in a mirrored account: its interviews are neither changed by clients nor by time here."""
        return self.of_account or self.actor.kind is ActorKind.MIRROR


class Counts(msgspec.Struct, frozen=True, gc=False):
    """How many records an import, or a client, added and replaced."""

    new: int
    changed: int


class ChangeSummary(msgspec.Struct, frozen=True, gc=False):
    """A change as served, without the document after it; its fields are in the order in which they are served.

    `resource` is the changed resource, by its name in URLs (`scheduled_interviews`). `counts` is how many records were
    added and replaced; it is null for the changes of interviews.
    """

    revision: int
    time: Instant
    kind: Kind
    actor: Actor
    scheduled_interview_id: int | None
    resource: str = "scheduled_interviews"
    counts: Counts | None = None
    fields: Sequence[FieldChange] = ()


_NOT_COMPARED = frozenset({"id", "application_id", "created_at", "updated_at", "interviewers"})  # people: one by one
_FIELDS = tuple(name for name in ScheduledInterview.__struct_fields__ if name not in _NOT_COMPARED)
_MEMBER_FIELDS = ("id", "employee_id", "name", "email", "response_status", "scorecard_id")


def differences(before: ScheduledInterview | None, after: ScheduledInterview | None) -> list[FieldChange]:
    """Return the fields that differ between two states of one interview, in the order of its fields."""
    found = [
        FieldChange(name, old, new)
        for name in _FIELDS
        if (old := getattr(before, name, None)) != (new := getattr(after, name, None))
    ]
    return [*found, *_panel_differences(before, after)]


def _panel_differences(before: ScheduledInterview | None, after: ScheduledInterview | None) -> Iterator[FieldChange]:
    old, new = _members(before), _members(after)
    for member in dict.fromkeys([*old, *new]):
        path = f"interviewers.{member}"
        if member not in old or member not in new:
            yield FieldChange(path, old.get(member), new.get(member))
        elif old[member] != new[member]:
            for name in _MEMBER_FIELDS:
                was, is_now = getattr(old[member], name), getattr(new[member], name)
                if was != is_now:
                    yield FieldChange(f"{path}.{name}", was, is_now)


def _members(interview: ScheduledInterview | None) -> dict[str, Interviewer]:
    if interview is None:
        return {}
    return {str(each.id) if each.id is not None else str(each.email): each for each in interview.interviewers}


def kind_of(before: ScheduledInterview, after: ScheduledInterview) -> Kind:
    """Return the most important kind of a client's change: a new time, a new panel, an answer, or anything else."""
    if (before.start, before.end) != (after.start, after.end):
        return Kind.RESCHEDULED
    old, new = _members(before), _members(after)
    if old.keys() != new.keys():
        return Kind.PANEL_CHANGED
    if any(old[member].response_status is not new[member].response_status for member in old):
        return Kind.RESPONDED
    return Kind.UPDATED
