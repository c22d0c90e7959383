"""Scheduling: what clients set of an interview.

Owns that as typed values. Must not know JSON or storage.
"""

from typing import Final

import msgspec

from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import Moment, ResponseStatus

MOST_INTERVIEWERS: Final = 100

UNSET: Final = msgspec.UNSET
Unset = msgspec.UnsetType


class InterviewerInput(msgspec.Struct, frozen=True, kw_only=True):
    """One interviewer as a client names it: a user by id, e-mail address or employee id, or a guest by e-mail address.

    A field is None if it was not given or is among the problems of the request.
    """

    user_id: int | None = None
    email: str | None = None
    employee_id: str | None = None
    name: str | None = None
    response_status: ResponseStatus | None = None


class InterviewFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of an interview that a client sets; those that are UNSET stay as they are.

    `problems` are those of the request itself: they are reported together with those that only the schedule reveals.
    `on_behalf_of` is the acting user, None only if that is among the problems, or if `by_integration` states that the
    client acts for no user: then an interview keeps its organizer, and a new one has none. `knows_guests` means that an
    unknown e-mail address is a guest, and not a mistake. With `is_free`, double bookings were looked for in the same
    transaction.
    """

    application_id: int | Unset = UNSET
    interview_id: int | Unset = UNSET
    interviewers: tuple[InterviewerInput, ...] | Unset = UNSET
    start: Moment | Unset = UNSET
    end: Moment | Unset = UNSET
    external_event_id: str | Unset = UNSET
    location: str | Unset | None = UNSET
    video_conferencing_url: str | Unset | None = UNSET
    on_behalf_of: int | None = None
    by_integration: bool = False
    knows_guests: bool = True
    is_free: bool = False
    problems: tuple[FieldProblem, ...] = ()
