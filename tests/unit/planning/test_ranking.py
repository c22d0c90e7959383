"""Ranking slots, and leaving constraints out."""

from typing import Final

from rowen.planning.bits import Span
from rowen.planning.explanation import leave_out
from rowen.planning.finding import find
from rowen.planning.people import Grid, Person
from rowen.planning.question import Question, Seat, Session
from rowen.planning.ranking import ranked, same_day

_DAY: Final = 24 * 60


def _question(*people: Person, seats: tuple[Seat, ...]) -> Question:
    known = {each.id: each for each in people}
    return Question(
        grid=Grid(Span(0, 2 * _DAY), 60), sessions=(Session(60, seats),), people=known, now=0, most_slots=100
    )


def test_slots_with_more_people_come_first_then_quiet_days_then_early_ones() -> None:
    busy_first_day = Person(id=1, interviews=(Span(0, 60),))
    late = Person(id=2, busy=(Span(0, _DAY + 600),))
    question = _question(busy_first_day, late, seats=(Seat((1,)), Seat((2,), is_optional=True)))
    order = ranked(find(question).slots, question.people)
    starts = [each[0].span.start for each in order]
    assert starts[:2] == [_DAY + 600, _DAY + 660], "both are there"
    alone = starts[14:]
    assert alone[0] == _DAY, "nobody has another interview on the second day"
    assert alone[-1] == _DAY - 60
    assert same_day(order[-1], question.people) == 1
    assert len(order) == len(find(question).slots)


def test_only_the_constraints_that_are_named_are_left_out() -> None:
    person = Person(id=1, before=60, busy=(Span(600, 660),))
    question = _question(person, seats=(Seat((1,)),))
    before = find(question).total
    assert find(leave_out(question, [("buffers", 1)])).total == before + 1
    assert find(leave_out(question, [("buffers", 1), ("busy times", 1)])).total == 48
    for unknown in (("buffers", 2), ("anything", None), ("limits", 1)):
        assert leave_out(question, [unknown]) == question
