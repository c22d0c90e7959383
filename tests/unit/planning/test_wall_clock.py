"""Wall clocks: clock changes of every time zone, against `zoneinfo` asked for each minute."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import pytest

from rowen.planning.bits import Span, points
from rowen.planning.people import Week, working_minutes
from rowen.planning.wall_clock import DAY, days_of, local_day, local_minute, minutes_showing, steady_times, week_of

_YEARS: Final = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC))
_SOME: Final = (
    "Africa/Casablanca",
    "America/New_York",
    "America/Nuuk",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Chatham",
)
_HOURS: Final[Week] = tuple((Span(0, 75 + day), Span(115, 185), Span(1_300, DAY)) for day in range(7))


def transitions(zone: ZoneInfo) -> Iterator[int]:
    """Yield a minute less than half a day before each change of a zone's clocks."""
    moment, half_a_day = _YEARS[0], timedelta(hours=12)
    while moment < _YEARS[1]:
        if moment.astimezone(zone).utcoffset() != (moment + half_a_day).astimezone(zone).utcoffset():
            yield int(moment.timestamp()) // 60
        moment += half_a_day


def shown(zone: ZoneInfo, minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).replace(tzinfo=None)


def check(name: str) -> int:
    zone, found = ZoneInfo(name), 0
    for before in transitions(zone):
        window = Span(before - 130, before + 850)
        clocks = [shown(zone, minute) for minute in range(*window)]
        worked = {
            index
            for index, clock in enumerate(clocks)
            if any(begin <= clock.hour * 60 + clock.minute < end for begin, end in _HOURS[clock.weekday()])
        }
        assert set(points(working_minutes(name, _HOURS, window))) == worked, (name, before)
        epoch = datetime(1970, 1, 1)
        days = [(clock - epoch).days for clock in clocks]
        assert [local_day(name, minute) for minute in range(*window)] == days
        times = steady_times(name, *window)
        assert set(days_of(times)) >= set(days)
        for day in set(days):
            spans = minutes_showing(times, day * DAY, (day + 1) * DAY)
            assert {minute for span in spans for minute in range(*span)} == {
                window.start + index for index, its in enumerate(days) if its == day
            }
        found += 1
    return found


@pytest.mark.slow
def test_every_change_of_clocks_from_2026_to_2030_is_right_to_the_minute() -> None:
    assert sum(check(name) for name in sorted(available_timezones())) > 1_000


@pytest.mark.parametrize("name", _SOME)
def test_changes_of_clocks_in_some_zones_are_right_to_the_minute(name: str) -> None:
    assert check(name) >= 2  # time zone data of later years have fewer for some


def test_a_clock_that_is_seconds_ahead_shows_the_minute_it_has_begun() -> None:
    long_ago = int(datetime(1960, 1, 1, tzinfo=UTC).timestamp()) // 60
    assert local_minute("Africa/Monrovia", long_ago) == long_ago - 45  # it was 44 minutes and 30 seconds behind


def test_weeks_begin_on_monday() -> None:
    monday = (datetime(2031, 2, 3) - datetime(1970, 1, 1)).days
    assert week_of(monday) == week_of(monday + 6) == week_of(monday - 1) + 1


def test_a_skipped_date_has_no_minutes() -> None:
    day = (datetime(2011, 12, 30) - datetime(1970, 1, 1)).days  # Samoa crossed the date line
    times = steady_times("Pacific/Apia", (day - 3) * DAY, (day + 3) * DAY)
    assert list(minutes_showing(times, day * DAY, (day + 1) * DAY)) == []
