"""The codec of holds, which Harvest does not have.

Owns their documents, as stored and as served. Must not know where they are stored.
"""

from typing import Final

import msgspec

from rowen.app.records import HOLDS, RecordRow
from rowen.interviews.holds import HeldSession, Hold
from rowen.interviews.interview import Identifier
from rowen.interviews.moments import Instant


class HeldInterviewer(msgspec.Struct, frozen=True):
    """An interviewer of a session."""

    user_id: Identifier


class HeldSessionRecord(msgspec.Struct, frozen=True):
    """A session as bookings take it."""

    interview_id: Identifier | None
    start: Instant
    end: Instant
    interviewers: list[HeldInterviewer]
    room_id: Identifier | None


class HoldRecord(msgspec.Struct, frozen=True):
    """A hold as served."""

    id: Identifier
    application_id: Identifier
    sessions: list[HeldSessionRecord]
    created_at: Instant
    expires_at: Instant


_encode: Final = msgspec.json.Encoder(enc_hook=str).encode
_decoder: Final = msgspec.json.Decoder(Hold)


def hold(document: bytes) -> Hold:
    """Decode a stored hold."""
    return _decoder.decode(document)


def hold_row(value: Hold) -> RecordRow:
    """Return the row of a hold; all of them have one term, by which they are listed."""
    document = msgspec.json.encode(value)
    return RecordRow(HOLDS, value.id, value.created_at, value.created_at, None, False, document, (("kind", "slot"),))


def served(value: Hold) -> bytes:
    """Return a hold as served."""
    return _encode(_record(value))


def all_served(values: list[Hold]) -> bytes:
    """Return holds as served."""
    return _encode([_record(each) for each in values])


def _record(value: Hold) -> HoldRecord:
    sessions = [_session(each) for each in value.sessions]
    return HoldRecord(value.id, value.application_id, sessions, Instant(value.created_at), Instant(value.expires_at))


def _session(value: HeldSession) -> HeldSessionRecord:
    people = [HeldInterviewer(each) for each in value.interviewers if each is not None]
    return HeldSessionRecord(value.interview_id, Instant(value.start), Instant(value.end), people, value.room_id)
