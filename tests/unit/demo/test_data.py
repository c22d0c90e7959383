"""The demo's interviews are believable: in working hours, few scorecards are late, and two double bookings."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from typing import Final

import pytest

from rowen.demo.data import ROOM_NAMES, invented_interviews
from rowen.interviews.interview import Moment, ResponseStatus, ScheduledInterview, Status

TODAYS: Final = [date(2026, 11, 28 + number) for number in range(3)] + [
    date(2027, 3, 2 + number) for number in range(4)
]
"""One of each day of the week: the year looks different on each."""


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
    made = list(invented_interviews(today))
    to_come = [each for each in made if time_of(each.start).date() >= today]
    assert sum(twice_booked(to_come).values()) == sum(twice_booked(made).values()) == 2


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_the_weeks_around_today_are_busy_on_working_days(today: date) -> None:
    made = list(invented_interviews(today))
    days = Counter(time_of(each.start).date() for each in made)
    assert not any(day.weekday() > 4 for day in days)
    assert sum(count for day, count in days.items() if 0 <= (day - today).days < 7) > 20
    assert len({each.id for each in made}) == len(made) == 600


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_interviews_are_in_working_hours(today: date) -> None:
    for each in invented_interviews(today):
        if each.start.date is None:
            assert time(9) <= time_of(each.start).time() < time_of(each.end).time() <= time(18)


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_a_few_scorecards_are_overdue(today: date) -> None:
    made = [each for each in invented_interviews(today) if each.status is Status.AWAITING_FEEDBACK]
    yesterday = datetime.combine(today, time(10), UTC) - timedelta(days=1)
    overdue = [time_of(each.end) for each in made if time_of(each.end) < yesterday]
    assert 5 <= len(overdue) <= 20
    assert min(overdue).date() > today - timedelta(days=61)
    assert "Kate Austen" in {one.name for each in made for one in each.interviewers}, "the interviewer of the demo"


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_a_few_interviews_have_no_place(today: date) -> None:
    soon = [each for each in invented_interviews(today) if 0 < (time_of(each.start).date() - today).days < 14]
    assert 3 <= sum(each.location is None for each in soon) <= 12
