"""Slots: single rules, each in the smallest example that shows it."""

from datetime import UTC, datetime
from itertools import chain, combinations, product
from typing import Any, Final

import pytest

from rowen.planning.bits import Span
from rowen.planning.explanation import reasons
from rowen.planning.finding import find
from rowen.planning.people import Grid, LoadLimits, Person, Week
from rowen.planning.question import Lunch, Question, Seat, Session, TooManyOrdersError

MONDAY: Final = int(datetime(2031, 2, 3, tzinfo=UTC).timestamp()) // 60
NINE, FIVE = MONDAY + 540, MONDAY + 1_020
OFFICE: Final[Week] = ((Span(540, 1_020),),) * 5 + ((), ())


def at(hour: int, minute: int = 0) -> int:
    """Return a minute of the Monday."""
    return MONDAY + hour * 60 + minute


def person(identifier: int, **given: Any) -> Person:
    return Person(id=identifier, **{"hours": OFFICE, **given})


def ask(people: list[Person], *sessions: Session, **given: Any) -> Question:
    asked = {"grid": Grid(Span(MONDAY, MONDAY + 1_440), 15), "now": 0, **given}
    return Question(sessions=sessions, people={each.id: each for each in people}, **asked)


def session(*people: int, minutes: int = 60, **given: Any) -> Session:
    return Session(minutes, tuple(Seat((each,)) for each in people), **given)


def starts(question: Question) -> list[int]:
    return [slot[0].span.start for slot in find(question).slots]


def chosen(question: Question) -> list[list[int]]:
    """Return the people of the sessions of the first slot."""
    return [[each.person for each in held.interviewers] for held in find(question).slots[0]]


def test_a_buffer_keeps_busy_times_away_and_is_shared_between_interviews() -> None:
    busy = person(1, before=7, after=3, busy=(Span(at(12), at(13)),))
    assert at(10, 45) in starts(ask([busy], session(1)))  # it ends at 11:45; three minutes are kept free
    assert at(11) not in starts(ask([busy], session(1)))
    assert at(13) not in starts(ask([busy], session(1)))
    assert at(13, 15) in starts(ask([busy], session(1)))
    booked = person(1, before=10, after=15, interviews=(Span(at(12), at(13)),))
    assert {at(10, 45), at(13, 15)} <= set(starts(ask([booked], session(1))))


def test_the_edges_of_working_hours_need_no_buffer() -> None:
    found = starts(ask([person(1, before=30, after=30)], session(1)))
    assert (found[0], found[-1]) == (at(9), at(16))


@pytest.mark.slow
def test_seats_with_common_people_are_filled_if_any_assignment_exists() -> None:
    """All panels of up to three seats out of three people, against all assignments."""
    subsets = [each for size in (1, 2, 3) for each in combinations((1, 2, 3), size)]
    for seats in chain(product(subsets, repeat=2), product(subsets, repeat=3)):
        possible = any(len(set(each)) == len(each) for each in product(*seats))
        question = ask([person(each) for each in (1, 2, 3)], Session(60, tuple(Seat(each) for each in seats)))
        assert (find(question).total > 0) == possible
        if possible:
            assert len(set(chosen(question)[0])) == len(seats)


def test_the_least_loaded_are_chosen_then_the_greater_weight_then_who_waited_longest() -> None:
    week = [Span(at(9) - 7 * 1_440 * each, at(10) - 7 * 1_440 * each) for each in range(4)]
    people = [person(1, interviews=(week[1], week[0])), person(2, interviews=(week[1],)), person(3)]
    assert chosen(ask(people, Session(60, (Seat((1, 2, 3), 2),)))) == [[3, 2]]
    equal = [person(1), person(2)]
    assert chosen(ask(equal, Session(60, (Seat((1, 2), weights={2: 5}),)))) == [[2]]
    waiting = [person(1, interviews=(week[2],)), person(2, interviews=(week[3],))]
    assert chosen(ask(waiting, Session(60, (Seat((1, 2)),)))) == [[2]]


def test_the_reason_is_kept_with_the_choice() -> None:
    held = find(ask([person(1), person(2)], Session(60, (Seat((1, 2)),)))).slots[0][0]
    assert held.interviewers[0].why == "The least loaded who is free: 0 interviews in the weeks around"


def test_only_where_somebody_would_sit_twice_somebody_else_is_found() -> None:
    before = (Span(at(9) - 7 * 1_440, at(10) - 7 * 1_440),)
    people = [person(1, busy=(Span(MONDAY, at(12)),)), person(2, interviews=before), person(3, interviews=before)]
    question = ask(people, Session(60, (Seat((1, 2)), Seat((1, 3)))))
    found = {slot[0].span.start: slot[0].interviewers for slot in find(question).slots}
    assert len(found) == find(question).total == 29
    assert [each.person for each in found[at(9)]] == [2, 3]
    assert [each.person for each in found[at(12)]] == [1, 3]
    assert found[at(12)][1].why == "Free, while others are needed elsewhere; 1 interview in the weeks around"


def test_slots_are_in_the_order_of_their_starts_though_their_orders_differ() -> None:
    early, late = person(1, busy=(Span(at(13), at(17)),)), person(2, busy=(Span(at(9), at(11)),))
    both = find(ask([early, late], session(1), session(2), in_any_order=True, most_slots=100))
    assert len(both.tables) > 1
    assert [slot[0].span.start for slot in both.slots] == sorted(slot[0].span.start for slot in both.slots)
    assert len(both.slots) == both.total


def test_an_optional_seat_costs_no_start_and_leaves_those_who_are_needed() -> None:
    shadow = Seat((2,), is_optional=True)
    busy = person(2, busy=(Span(MONDAY, at(12)),))
    found = find(ask([person(1), busy], Session(60, (Seat((1,)), shadow))))
    assert found.total == 29
    assert [len(slot[0].interviewers) for slot in found.slots] == [1] * 12 + [2] * 17
    both = find(ask([person(1), person(2)], Session(60, (Seat((1, 2)), shadow))))
    assert [each.person for each in both.slots[0][0].interviewers] == [1, 2]


def test_limits_count_by_the_date_in_the_zone_of_the_person() -> None:
    berlin = {"zone": "Europe/Berlin", "hours": ((Span(0, 1_440),),) * 7, "interviews": (Span(at(23, 45), at(24)),)}
    half_an_hour = session(1, minutes=30)
    free = starts(ask([person(1, **berlin)], half_an_hour, most_slots=500))
    limited = starts(ask([person(1, limits=LoadLimits(per_day=1), **berlin)], half_an_hour, most_slots=500))
    assert [each for each in free if each not in limited] == [at(23), at(23, 15)]  # it is Tuesday in Berlin


def test_a_loop_has_its_gaps_and_lunch() -> None:
    people = [person(1), person(2)]
    two = [session(1), session(2)]
    question = ask(people, *two, least_gap=10, most_gap=20, lunch=Lunch(720, 840, 45))
    assert starts(question)[0] == at(9)
    apart = [
        (slot[1].span.start - slot[0].span.end, slot[0].span.end) for slot in find(question).slots if len(slot) == 2
    ]
    assert all(gap == 15 or (gap >= 45 and end <= at(13, 15)) for gap, end in apart)


def test_a_loop_may_be_held_in_any_order_or_over_several_days() -> None:
    early, late = person(1, hours=((Span(540, 600),),) * 7), person(2, hours=((Span(600, 660),),) * 7)
    assert starts(ask([early, late], session(2), session(1))) == []
    assert starts(ask([early, late], session(2), session(1), in_any_order=True)) == [at(9)]
    two_days = Grid(Span(MONDAY, MONDAY + 2 * 1_440), 15)
    assert starts(ask([early, late], session(2), session(1), days=2, grid=two_days)) == [at(10)]


def test_people_are_repeated_only_if_that_is_asked_for() -> None:
    both = [session(1), session(1)]
    assert find(ask([person(1)], *both)).total == 0
    assert find(ask([person(1)], *both, repeats_people=True)).total > 0
    assert find(ask([person(1, limits=LoadLimits(per_day=1))], *both, repeats_people=True)).total == 0
    assert find(ask([person(1, before=40)], *both, repeats_people=True)).total == 0  # the largest gap is 30


def test_a_search_that_has_no_end_is_given_up() -> None:
    evening = person(3, hours=((Span(960, 1_020),),) * 7)
    crowd = [Session(60, (Seat((1, 2, 3)),))] * 3
    with pytest.raises(TooManyOrdersError):
        find(ask([person(1), person(2), evening], *crowd, in_any_order=True, grid=Grid(Span(NINE, FIVE), 1)))


def test_what_costs_most_is_named() -> None:
    busy = person(1, busy=(Span(NINE, FIVE),), before=15, after=15)
    found = reasons(ask([busy, person(2)], session(1, 2)))
    assert [(each.without, each.person, each.slots) for each in found] == [
        ("sessions[0].seats[0]", None, 29),
        ("busy times", 1, 29),
    ]


def test_one_more_person_in_a_pool_is_proposed() -> None:
    pool = Seat((1,), 2, pool="Backend")
    found = reasons(ask([person(1)], Session(60, (pool,))))
    assert ("one more person in pool Backend", None, 29) in found
