"""Intervals in an array, against a list of them."""

from rowen.interviews.busy import Interval, Intervals
from rowen.store.busy import packed

HOURS = [Interval(0, 10), Interval(5, 40), Interval(20, 30), Interval(50, 2**40)]


def test_intervals_are_those_that_were_given() -> None:
    found = Intervals(HOURS)
    assert list(found) == HOURS
    assert (len(found), Interval(5, 40) in found, Interval(5, 41) in found) == (4, True, False)
    assert list(Intervals.unpacked(packed(HOURS))) == HOURS
    assert list(Intervals()) == []


def test_those_until_a_time_begin_before_it() -> None:
    assert list(Intervals(HOURS).until(20)) == HOURS[:2]
    assert list(Intervals(HOURS).until(21)) == HOURS[:3]


def test_intervals_take_minutes_whole_that_they_take_a_part_of_and_none_before_1970() -> None:
    minute = 60_000
    times = [(-3 * minute, -minute), (-1, 1), (0, minute), (minute - 1, minute + 1), (2 * minute, 5 * minute)]
    assert list(Intervals(times).minutes()) == [0, 0, 0, 1, 0, 1, 0, 2, 2, 5]
