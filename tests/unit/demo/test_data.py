"""The demo's interviews are believable: in working hours, few scorecards are late, and two double bookings."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import combinations
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import pytest

from rowen.app.records import AVAILABILITY
from rowen.demo.data import ROOM_NAMES, TIME_ZONE, invented_interviews
from rowen.demo.setups import setup_records
from rowen.interviews.interview import Moment, ResponseStatus, ScheduledInterview, Status
from rowen.interviews.moments import Instant

TODAYS: Final = [date(2026, 11, 28 + number) for number in range(3)] + [
    date(2027, 3, 2 + number) for number in range(4)
]
"""One of each day of the week: the year looks different on each."""


@cache
def made_on(today: date) -> list[ScheduledInterview]:
    """Return the interviews that are invented on a day."""
    return list(invented_interviews(today))


def time_of(moment: Moment) -> datetime:
    if moment.date is not None:
        return datetime.combine(moment.date, datetime.min.time(), UTC)
    return datetime.fromisoformat(str(moment.date_time))


def twice_booked(interviews: list[ScheduledInterview]) -> Counter[str]:
    """Return the people, rooms and candidates in two interviews at a time, with the number of such pairs."""
    found: Counter[str] = Counter()
    by_need: dict[str, list[ScheduledInterview]] = {}
    for each in interviews:
        names = [one.name or "" for one in each.interviewers if one.response_status is not ResponseStatus.DECLINED]
        rooms = [each.location] if each.location in ROOM_NAMES else []
        for need in (*names, *rooms, f"application {each.application_id}"):
            by_need.setdefault(need or "", []).append(each)
    for need, its in by_need.items():
        for one, other in combinations(its, 2):
            if time_of(one.start) < time_of(other.end) and time_of(other.start) < time_of(one.end):
                found[need] += 1
    return found


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_two_double_bookings_are_to_come_and_no_others(today: date) -> None:
    made = made_on(today)
    to_come = [each for each in made if time_of(each.start).date() >= today]
    assert sum(twice_booked(to_come).values()) == sum(twice_booked(made).values()) == 2


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_the_weeks_around_today_are_busy_on_working_days(today: date) -> None:
    made = made_on(today)
    days = Counter(time_of(each.start).date() for each in made)
    assert not any(day.weekday() > 4 for day in days)
    assert sum(count for day, count in days.items() if 0 <= (day - today).days < 7) > 20
    assert len({each.id for each in made}) == len(made) == 600


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_interviews_keep_to_the_availability_of_their_people(today: date) -> None:
    rows = [row for row in setup_records(Instant(0)) if row.resource == AVAILABILITY]
    availability = msgspec.json.decode(rows[0].document or b"")
    days, weeks = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for each in made_on(today):
        if each.start.date is not None:
            continue
        start, end = (time_of(moment).astimezone(ZoneInfo(TIME_ZONE)) for moment in (each.start, each.end))
        (worked,) = availability["working_hours"][f"{start:%A}".lower()]
        assert worked["from"] <= f"{start:%H:%M}" < f"{end:%H:%M}" <= worked["to"]
        names = [one.name or "" for one in each.interviewers if one.response_status is not ResponseStatus.DECLINED]
        days.update((name, f"{start:%F}") for name in names)
        weeks.update((name, f"{start:%G-%V}") for name in names)
    assert max(days.values()) <= availability["limits"]["per_day"]
    assert max(weeks.values()) <= availability["limits"]["per_week"]


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_a_few_scorecards_are_overdue(today: date) -> None:
    made = [each for each in made_on(today) if each.status is Status.AWAITING_FEEDBACK]
    yesterday = datetime.combine(today, time(10), UTC) - timedelta(days=1)
    overdue = [time_of(each.end) for each in made if time_of(each.end) < yesterday]
    assert 5 <= len(overdue) <= 20
    assert min(overdue).date() > today - timedelta(days=61)
    assert "Kate Austen" in {one.name for each in made for one in each.interviewers}, "the interviewer of the demo"


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_a_few_interviews_have_no_place(today: date) -> None:
    soon = [each for each in made_on(today) if 0 < (time_of(each.start).date() - today).days < 14]
    assert 3 <= sum(each.location is None for each in soon) <= 12
