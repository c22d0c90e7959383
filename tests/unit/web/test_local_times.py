"""Local times, where clocks are changed."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from rowen.interviews.moments import Instant
from rowen.web.languages import language
from rowen.web.local_times import clock_at, instants_of, read_day, read_hours, read_local_time, read_time

_BERLIN = ZoneInfo("Europe/Berlin")


def test_an_ordinary_time_is_one_instant() -> None:
    assert instants_of(date(2026, 7, 1), time(9, 30), _BERLIN).instants == (Instant.parse("2026-07-01T07:30:00Z"),)


def test_a_time_that_clocks_skip_is_none_and_shows_the_gap() -> None:
    found = instants_of(date(2026, 3, 29), time(2, 30), _BERLIN)
    assert found == (datetime(2026, 3, 29, 2, 30), (), datetime(2026, 3, 29, 2), datetime(2026, 3, 29, 3))


def test_a_time_that_clocks_show_twice_is_two_the_earlier_first() -> None:
    first, second = instants_of(date(2026, 10, 25), time(2, 30), _BERLIN).instants
    assert (str(first), str(second)) == ("2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z")
    assert clock_at(first, _BERLIN) == clock_at(second, _BERLIN) == "2026-10-25T02:30"
    chosen = read_local_time("2026-10-25T02:30+01:00", _BERLIN)
    assert chosen is not None
    assert chosen.instants == (second,)


@pytest.mark.parametrize("text", ["", "2026-13-01T02:30", "1969-12-31T23:59", "9999-01-01T00:00", "2026-01-01" * 9])
def test_other_texts_are_no_local_time(text: str) -> None:
    assert read_local_time(text, _BERLIN) is None


def test_a_whole_day_can_be_skipped() -> None:
    found = instants_of(date(2011, 12, 30), time(9), ZoneInfo("Pacific/Apia"))
    assert (found.before, found.after) == (datetime(2011, 12, 30), datetime(2011, 12, 31))


@pytest.mark.parametrize(("day", "zone"), [(date(1, 1, 1), "Asia/Tokyo"), (date(9999, 12, 31), "America/Lima")])
def test_the_ends_of_time_are_refused(day: date, zone: str) -> None:
    with pytest.raises(ValueError, match="outside"):
        instants_of(day, time(0, 0) if day.year == 1 else time(23, 59), ZoneInfo(zone))


@pytest.mark.parametrize(
    "text", ["", "2026-3-29", "29.3.2026", "2026-02-30", "20260329ab", "\uff12026-03-29", "x" * 10]
)
def test_other_days_are_none(text: str) -> None:
    assert read_day(text) is None


def test_times_of_day_are_read_as_browsers_and_people_write_them() -> None:
    assert [read_time(text) for text in ("09:30", "9:30", "09:30:00")] == [time(9, 30)] * 3
    assert [read_time(text) for text in ("", "9", "24:00", "9.30", "09:30Z", "9:3", "a:30", "09:30+1")] == [None] * 8


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", []),
        ("9-17", [("09:00", "17:00")]),
        ("9 bis 17 Uhr", [("09:00", "17:00")]),
        ("von 9 Uhr bis 17.30 Uhr", [("09:00", "17:30")]),
        ("from 9 to 17", [("09:00", "17:00")]),
        ("9am to 5pm", [("09:00", "17:00")]),
        ("9-5 PM", [("09:00", "17:00")]),
        ("1-5pm", [("13:00", "17:00")]),
        ("12am-12pm", [("00:00", "12:00")]),
        ("9:15 \u2013 12; 13-24", [("09:15", "12:00"), ("13:00", "24:00")]),
        ("9-12, 13-17:30", [("09:00", "12:00"), ("13:00", "17:30")]),
        ("9-12 und 13 bis 17", [("09:00", "12:00"), ("13:00", "17:00")]),
        ("9-12 and 1-5pm", [("09:00", "12:00"), ("13:00", "17:00")]),
        ("9-12,", None),
        ("nine to five", None),
        ("9", None),
        ("9-17 or so", None),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, hours: object) -> None:
    assert read_hours(text) == hours


@pytest.mark.parametrize("text", ["9" + " " * 200_000 + "x", "9" + " " * 900 + "x", "9-17," * 50_000])
def test_hours_of_any_length_are_refused_at_once(text: str) -> None:
    assert read_hours(text) is None


@pytest.mark.parametrize(
    ("tag", "text", "day"),
    [
        ("de-DE", "24.12.2026", date(2026, 12, 24)),
        ("de-DE", "1. 1. 27", date(2027, 1, 1)),
        ("de-CH", "24.12.26", date(2026, 12, 24)),
        ("en-US", "12/24/2026", date(2026, 12, 24)),
        ("en-US", "24/12/2026", None),
        ("en-GB", "24/12/2026", date(2026, 12, 24)),
        ("en-US", "2026-12-24", date(2026, 12, 24)),
        ("de-DE", "2026-12-24", date(2026, 12, 24)),
        ("de-DE", "31.02.2026", None),
        ("de-DE", "24.12.", None),
        ("en-US", "tomorrow", None),
    ],
)
def test_days_are_read_as_people_of_a_region_write_them(tag: str, text: str, day: date | None) -> None:
    assert language(tag).read_day(text) == day
    if day is not None:
        assert language(tag).read_day(language(tag).numeric_day(day)) == day
