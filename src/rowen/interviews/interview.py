"""The scheduled interview and its parts, as typed values.

Owns the fields, their order, their limits and the rules within one record (Harvest reference, "The scheduled interview
object"; contract section 1). Must not know how a record is stored or sent.
"""

import datetime
from enum import StrEnum
from typing import Annotated, Final, NewType

import msgspec

from rowen.interviews.errors import FieldProblem
from rowen.interviews.moments import Instant

OrganizationId = NewType("OrganizationId", int)
InterviewId = NewType("InterviewId", int)
ApplicationId = NewType("ApplicationId", int)

LARGEST_ID: Final = 2**53 - 1
"""The largest integer that JavaScript clients hold exactly."""

Identifier = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_ID)]


class Status(StrEnum):
    """The state of an interview."""

    SCHEDULED = "scheduled"
    AWAITING_FEEDBACK = "awaiting_feedback"
    COMPLETE = "complete"


class ResponseStatus(StrEnum):
    """An interviewer's answer to the invitation."""

    NEEDS_ACTION = "needs_action"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    ACCEPTED = "accepted"


class Moment(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One end of an interview: `date_time` when it is timed, `date` when it is all-day; never both."""

    date_time: Instant | None = None
    date: datetime.date | None = None

    def __post_init__(self) -> None:
        if (self.date_time is None) == (self.date is None):
            raise ValueError("must have either `date_time` or `date`")

    @property
    def is_date(self) -> bool:
        """Whether it is a date, not a time."""
        return self.date is not None

    def is_before(self, other: "Moment") -> bool:
        """Return whether it is earlier than another of its kind."""
        if self.date is not None and other.date is not None:
            return self.date < other.date
        return (self.date_time or 0) < (other.date_time or 0)

    def instant(self, zone: datetime.tzinfo) -> Instant:
        """Return the point in time; a date counts as the midnight that begins it in `zone`."""
        if self.date_time is not None:
            return self.date_time
        assert self.date is not None  # noqa: S101  (__post_init__ has seen to it)
        return Instant.at_midnight(self.date, zone)


class InterviewReference(msgspec.Struct, frozen=True, gc=False):
    """The interview of a job stage that is held: its id and name."""

    id: Identifier | None = None
    name: str | None = None


class Organizer(msgspec.Struct, frozen=True, gc=False):
    """The user who organizes the interview."""

    id: Identifier | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    employee_id: str | None = None


class Interviewer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One member of the panel. A guest, who is no user of the organization, has an e-mail address and no id."""

    id: Identifier | None = None
    employee_id: str | None = None
    name: str | None = None
    email: str | None = None
    response_status: ResponseStatus
    scorecard_id: Identifier | None = None


class ScheduledInterview(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One scheduled interview, its fields in the order in which they are served."""

    id: Identifier
    application_id: Identifier
    external_event_id: str | None = None
    start: Moment
    end: Moment
    location: str | None = None
    video_conferencing_url: str | None = None
    status: Status
    created_at: Instant | None = None
    updated_at: Instant | None = None
    interview: InterviewReference | None = None
    organizer: Organizer | None = None
    interviewers: tuple[Interviewer, ...] = ()


def problems(interview: ScheduledInterview) -> list[FieldProblem]:
    """Return what is wrong with a record whose single fields are valid: an empty list if nothing is."""
    found: list[FieldProblem] = []
    if interview.start.is_date != interview.end.is_date:
        found.append(FieldProblem("end", "must be a date if the start is a date, and a time if it is a time"))
    elif interview.end.is_before(interview.start):
        found.append(FieldProblem("end", "is before the start"))
    found.extend(
        FieldProblem(f"interviewers[{position}].email", "is needed where there is no id")
        for position, interviewer in enumerate(interview.interviewers)
        if interviewer.id is None and not interviewer.email
    )
    return found
