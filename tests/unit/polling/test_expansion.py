"""Busy times from calendars: which events count, when they recur, and what is refused."""

from datetime import UTC, datetime
from typing import Final

import pytest

from rowen.polling.expansion import AskedWindow, CalendarError, answer, busy_times
from tests.support.foreign_calendars import ASKED, BERLIN, calendar, event


def found(*components: str, asked: AskedWindow = ASKED) -> list[tuple[str, str]]:
    """Return the busy times of a calendar as text, in UTC."""

    def text(milliseconds: int) -> str:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()[:16]

    return [(text(starts), text(ends)) for starts, ends in busy_times(calendar(*components), asked)]


ONCE: Final = [("2031-02-03T09:00", "2031-02-03T10:00")]


def test_an_event_keeps_its_owner_busy() -> None:
    assert found(event("SUMMARY:Secret")) == ONCE
    assert found(event(end="DURATION:PT1H")) == ONCE
    assert found(event(end="")) == []


@pytest.mark.parametrize(
    "lines",
    [
        ["TRANSP:TRANSPARENT"],
        ["STATUS:CANCELLED"],
        ["X-MICROSOFT-CDO-BUSYSTATUS:FREE"],
        ["ATTENDEE;PARTSTAT=DECLINED:mailto:Ada@team.example"],
        ["ATTENDEE;PARTSTAT=ACCEPTED:mailto:grace@team.example", "ATTENDEE;PARTSTAT=DECLINED:MAILTO:ada@team.example"],
    ],
)
def test_what_does_not_take_the_owners_time_is_left_out(lines: list[str]) -> None:
    assert found(event(*lines)) == []


@pytest.mark.parametrize(
    "lines",
    [
        ["TRANSP:OPAQUE"],
        ["STATUS:TENTATIVE"],
        ["ATTENDEE;PARTSTAT=DECLINED:mailto:grace@team.example"],
        ["ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@team.example"],
        ["ATTENDEE:mailto:ada@team.example"],
    ],
)
def test_everything_else_counts(lines: list[str]) -> None:
    assert found(event(*lines)) == ONCE


def test_all_day_events_last_from_midnight_to_midnight_of_the_person() -> None:
    day = event(start="DTSTART;VALUE=DATE:20310203", end="DTEND;VALUE=DATE:20310205")
    assert found(day) == [("2031-02-02T23:00", "2031-02-04T23:00")]
    assert found(event(start="DTSTART;VALUE=DATE:20310203", end="")) == [("2031-02-02T23:00", "2031-02-03T23:00")]
    assert found(event("TRANSP:TRANSPARENT", start="DTSTART;VALUE=DATE:20310203", end="")) == []


def test_times_without_a_zone_are_the_persons_own() -> None:
    local = event(start="DTSTART:20310203T090000", end="DTEND:20310203T100000")
    assert found(local) == [("2031-02-03T08:00", "2031-02-03T09:00")]
    assert found(local, asked=ASKED._replace(zone="America/New_York")) == [("2031-02-03T14:00", "2031-02-03T15:00")]


def test_hours_stay_the_same_when_clocks_change() -> None:
    weekly = event(
        "RRULE:FREQ=WEEKLY;COUNT=3",
        start=f"DTSTART;TZID={BERLIN}:20310323T090000",
        end=f"DTEND;TZID={BERLIN}:20310323T100000",
    )
    assert found(weekly) == [
        ("2031-03-23T08:00", "2031-03-23T09:00"),
        ("2031-03-30T07:00", "2031-03-30T08:00"),
        ("2031-04-06T07:00", "2031-04-06T08:00"),
    ]


def test_recurrence_ends_with_the_window() -> None:
    days = found(event("RRULE:FREQ=DAILY"))
    assert len(days) == 363
    assert days[-1][0] == "2032-01-31T09:00"
    assert len(found(event("RRULE:FREQ=DAILY;UNTIL=99991231T235959Z"))) == 363
    assert len(found(event("RRULE:FREQ=DAILY;UNTIL=20310205T090000Z"))) == 3
    assert len(found(event("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"))) == 1


def test_exceptions_and_additions_count() -> None:
    lines = ("RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20310204T090000Z", "RDATE:20310301T090000Z,20310302T090000Z")
    assert [start for start, _ in found(event(*lines))] == [
        *("2031-02-03T09:00", "2031-02-05T09:00", "2031-02-06T09:00"),
        *("2031-03-01T09:00", "2031-03-02T09:00"),
    ]
    assert found(event("RDATE;VALUE=PERIOD:20310301T090000Z/PT2H"))[1:] == [("2031-03-01T09:00", "2031-03-01T11:00")]


def test_a_changed_occurrence_replaces_its_own() -> None:
    whole = event("RRULE:FREQ=DAILY;COUNT=3")
    moved = event("RECURRENCE-ID:20310204T090000Z", start="DTSTART:20310204T150000Z", end="DTEND:20310204T160000Z")
    gone = event("RECURRENCE-ID:20310205T090000Z", "STATUS:CANCELLED")
    refused = event("RECURRENCE-ID:20310203T090000Z", "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@team.example")
    assert found(whole, moved, gone, refused) == [("2031-02-04T15:00", "2031-02-04T16:00")]
    assert len(found(whole, moved.replace("UID:one", "UID:two"))) == 4


def test_the_newest_version_of_an_event_counts() -> None:
    old = event("SEQUENCE:1")
    new = event("SEQUENCE:2", start="DTSTART:20310203T110000Z", end="DTEND:20310203T120000Z")
    assert found(new, old) == [("2031-02-03T11:00", "2031-02-03T12:00")]


def test_busy_times_are_joined_and_cut_to_the_window() -> None:
    second = event(start="DTSTART:20310203T093000Z", end="DTEND:20310203T110000Z").replace("UID:one", "UID:two")
    assert found(event(), second) == [("2031-02-03T09:00", "2031-02-03T11:00")]
    long = event(start="DTSTART:20300101T000000Z", end="DTEND:20400101T000000Z")
    assert found(long) == [("2031-02-01T00:00", "2032-02-01T00:00")]


def test_published_busy_times_count() -> None:
    lines = (
        "BEGIN:VFREEBUSY",
        "UID:three",
        "FREEBUSY;FBTYPE=BUSY:20310203T090000Z/PT1H,20310204T090000Z/20310204T100000Z",
        "FREEBUSY;FBTYPE=FREE:20310205T090000Z/PT1H",
        "END:VFREEBUSY",
    )
    assert found(*lines) == [*ONCE, ("2031-02-04T09:00", "2031-02-04T10:00")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a calendar"),
        (b"<html>Sign in</html>", "is not a calendar"),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n", "is not a calendar"),
        (calendar(event(start="DTSTART:tomorrow")), "DTSTART cannot be read"),
        (calendar(event(start="SUMMARY:x")), "without DTSTART"),
        (calendar(event("RRULE:FREQ=OFTEN")), "RRULE cannot be read"),
        (calendar(event("RRULE:FREQ=DAILY", "EXDATE:never")), "EXDATE cannot be read"),
        (calendar(event("RECURRENCE-ID;RANGE=THISANDFUTURE:20310204T090000Z")), "THISANDFUTURE"),
        (calendar(event("RRULE:FREQ=MINUTELY;UNTIL=99991231T000000Z")), "has more than 20,000 events"),
        pytest.param(
            calendar(*(event().replace("UID:one", f"UID:{number}") for number in range(20_001))),
            "has more than 20,000",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_is_not_understood_for_sure_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(CalendarError, match=message):
        busy_times(content, ASKED)


def test_an_answer_is_json_whatever_happens() -> None:
    header = b'{"zone":"UTC","emails":[],"starts":0,"ends":1}'
    assert answer(header, b"x") == b'{"error": "is not a calendar (iCalendar)"}'
    assert b'"error": "cannot be understood' in answer(header.replace(b"UTC", b"Nowhere"), calendar(event()))
