"""Holds: slots that are kept for an application until they expire.

Owns what a hold is. Must not know how holds are stored, or what they keep from whom.
"""

import msgspec

from rowen.interviews.interview import Identifier


class HeldSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session at a time, in milliseconds, with the ids of its interviewers, and of its room.

    `scheduled_interview_id` is the interview that is moved; None for one that is new.
    """

    start: int
    end: int
    interviewers: tuple[int | None, ...]
    interview_id: int | None = None
    room_id: int | None = None
    scheduled_interview_id: int | None = None


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold; it keeps its people and rooms from all but its application, until `expires_at`, in milliseconds."""

    id: Identifier
    application_id: Identifier
    sessions: tuple[HeldSession, ...]
    created_at: int
    expires_at: int
