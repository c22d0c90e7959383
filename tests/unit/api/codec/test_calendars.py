"""The text of events: what makes an id, a sequence and a time."""

import datetime
from typing import Any, Final

import icalendar
import msgspec

from rowen.api.codec.calendars import event_for_candidate, event_for_team
from rowen.app.calendars import CalendarEvent
from rowen.interviews.moments import Instant

INTERVIEW: Final[dict[str, Any]] = {
    "id": 7,
    "application_id": 5,
    "external_event_id": None,
    "start": {"date_time": "2026-12-01T09:00:00.000Z"},
    "end": {"date_time": "2026-12-01T10:00:00.000Z"},
    "location": None,
    "video_conferencing_url": None,
    "status": "scheduled",
    "created_at": "2026-11-01T00:00:00.000Z",
    "updated_at": "2026-11-01T00:00:00.000Z",
    "interview": None,
    "organizer": None,
    "interviewers": [],
}


def event(cancelled_at: str | None = None, **changes: Any) -> icalendar.Event:
    """Return the event of an interview with other fields."""
    document = msgspec.json.encode({**INTERVIEW, **changes})
    at = None if cancelled_at is None else Instant.parse(cancelled_at)
    text = event_for_team(CalendarEvent(document, None, None, at), "1-2", "Acme")
    found = icalendar.Event.from_ical(text)
    assert isinstance(found, icalendar.Event)
    return found


def test_the_sequence_grows_with_each_change_and_with_the_cancellation() -> None:
    changed = ["2026-11-01T00:00:00.000Z", "2026-11-01T00:00:01.000Z", "2026-11-20T10:00:00.000Z"]
    sequences = [event(updated_at=each).sequence for each in changed]
    cancelled = [event(each, updated_at=changed[-1]).sequence for each in (changed[-1], "2026-11-21T00:00:00.000Z")]
    assert [*sequences, *cancelled] == sorted({*sequences, *cancelled})
    assert sequences[0] == 0


def test_an_interview_without_times_of_its_own_has_an_event() -> None:
    found = event(created_at=None, updated_at=None)
    assert (found.sequence, str(found["SUMMARY"])) == (0, "Interview")
    assert found.uid == "interview-7-1-2@rowen"


def test_an_interview_longer_than_a_century_still_has_a_sequence() -> None:
    assert event(created_at="1900-01-01T00:00:00.000Z", updated_at="9999-01-01T00:00:00.000Z").sequence == 2**31 - 1


def test_a_time_is_in_utc_to_the_second() -> None:
    found = event(start={"date_time": "2026-12-01T09:00:00.999Z"})
    assert found.start == datetime.datetime(2026, 12, 1, 9, tzinfo=datetime.UTC)


def test_a_candidate_without_a_name_leaves_no_trace() -> None:
    bare = CalendarEvent(msgspec.json.encode(INTERVIEW), b'{"id":5,"jobs":[]}', b'{"id":50}')
    assert b"SUMMARY:Interview\r\n" in event_for_team(bare, "1-2", "Acme")
    assert b"DESCRIPTION" not in event_for_team(bare, "1-2", "Acme")
    assert b"SUMMARY:Interview: Acme\r\n" in event_for_candidate(bare, "1-2", "Acme")
