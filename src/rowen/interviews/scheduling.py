"""Scheduling: what clients ask to be written of an interview.

Owns the commands of clients as typed values. Must not know JSON, storage or who asks.
"""

from typing import Final

import msgspec

from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import Moment, ResponseStatus

MOST_INTERVIEWERS: Final = 100

UNSET: Final = msgspec.UNSET
Unset = msgspec.UnsetType


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """One member of the panel asked for: a user by id, e-mail address or employee id, or a guest by e-mail address.

    What is None was not given, or is among the problems of the command.
    """

    user_id: int | None = None
    email: str | None = None
    employee_id: str | None = None
    name: str | None = None
    response_status: ResponseStatus | None = None


class InterviewFields(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sets of an interview; what is UNSET it leaves as it is.

    `problems` are those of the request itself: they are told together with those that only the schedule can tell.
    `knows_guests` says that an unknown e-mail address is a guest, and no mistake.
    """

    application_id: int | Unset = UNSET
    interview_id: int | Unset = UNSET
    interviewers: tuple[Seat, ...] | Unset = UNSET
    start: Moment | Unset = UNSET
    end: Moment | Unset = UNSET
    external_event_id: str | Unset = UNSET
    location: str | Unset | None = UNSET
    video_conferencing_url: str | Unset | None = UNSET
    on_behalf_of: int | None = None
    knows_guests: bool = True
    problems: tuple[FieldProblem, ...] = ()
