"""Planning against a model that tries everything, minute by minute, on random questions."""

import random
from typing import Final

import msgspec
import pytest

from rowen.planning.bits import Span
from rowen.planning.finding import find
from rowen.planning.people import ALWAYS, Grid, LoadLimits, Person, Week
from rowen.planning.question import Lunch, Question, Seat, Session
from tests.support.planning_oracle import Oracle
from tests.support.scale import scaled

ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
CASES: Final = 10_000
GUEST: Final = -7
_AROUND: Final = (
    29_100_000,  # an ordinary week of 2025
    29_580_540,  # 2026-03-29: clocks change in Europe
    29_883_000,  # 2026-10-25: and back
    29_560_380,  # 2026-03-08: and in America
)


def random_week(chance: random.Random) -> Week:
    if chance.random() < 0.6:
        return ALWAYS
    days = []
    for _ in range(7):
        begin = chance.randrange(0, 600, 30)
        middle = begin + chance.randrange(200, 500)
        end = min(middle + chance.randrange(0, 420), 1_440)
        spans = (Span(begin, middle),) if chance.random() < 0.5 else (Span(begin, middle), Span(middle, end))
        days.append(spans if chance.random() < 0.9 else ())
    return tuple(days)


def random_spans(chance: random.Random, window: Span, most: int, longest: int) -> tuple[Span, ...]:
    found = []
    for _ in range(chance.randrange(most + 1)):
        start = chance.randrange(window.start - 120, window.end + 120)
        found.append(Span(start, start + chance.randrange(1, longest)))
    return tuple(found)


def random_person(chance: random.Random, identifier: int, window: Span) -> Person:
    day = window.start // 1_440
    return Person(
        id=identifier,
        zone=chance.choice(ZONES),
        hours=random_week(chance),
        days_off=(Span(day, day + 1),) if chance.random() < 0.1 else (),
        away=random_spans(chance, window, 1, 200) if chance.random() < 0.3 else (),
        busy=random_spans(chance, window, 1, 120),
        unknown=random_spans(chance, window, 1, 200) if chance.random() < 0.1 else (),
        interviews=random_spans(chance, window, 2, 90),
        before=chance.choice((0, 0, 7, 15)),
        after=chance.choice((0, 0, 5, 20)),
        limits=LoadLimits(
            chance.choice((None, None, None, None, 0, 1, 2, 3)), chance.choice((None, None, None, 1, 2, 4))
        ),
        notice=chance.choice((0, 0, 90)),
    )


def random_seat(chance: random.Random, people: int) -> Seat:
    size = max(chance.randrange(1, people + 1), chance.randrange(1, people + 1))
    count = chance.randrange(1, min(size, 3) + 1) if chance.random() < 0.3 else 1
    chosen = tuple(chance.sample(range(1, people + 1), size))
    return Seat(chosen, count, is_optional=chance.random() < 0.2, weights={chosen[0]: 3})


def random_question(chance: random.Random) -> Question:
    sessions = chance.choice((1, 1, 1, 2, 2, 3))
    step = chance.choice((5, 15, 30) if sessions == 1 else (30, 45, 60) if sessions == 2 else (60, 75))
    start = chance.choice(_AROUND) + chance.randrange(-720, 720)
    length = chance.randrange(60, 700) if chance.random() < 0.7 else chance.randrange(700, 1_600 // sessions + 500)
    window = Span(start, start + length)
    people = max(chance.randrange(1, 6), chance.randrange(1, 7))
    least = chance.choice((0, 0, 5, 15))
    days = chance.choice((1, 1, 2)) if sessions > 1 else 1
    noon = chance.randrange(300, 1_200, 30)
    return Question(
        grid=Grid(window, step),
        sessions=tuple(
            Session(
                chance.choice((15, 30, 37, 60)),
                tuple(random_seat(chance, people) for _ in range(chance.choice((1, 1, 2, 3)))),
                chance.choice((None, None, None, (1,), (1, 2))),
                chance.choice(((), (), (), (GUEST,), (GUEST, people))),
            )
            for _ in range(sessions)
        ),
        people={each: random_person(chance, each, window) for each in (*range(1, people + 1), GUEST)},
        now=window.start + chance.choice((-10_000, 0, 100)),
        zone=chance.choice(ZONES),
        in_any_order=chance.random() < 0.5,
        least_gap=least,
        most_gap=least + chance.choice((0, 15, 30, 60)),
        days=days,
        lunch=Lunch(noon, noon + 120, chance.choice((30, 45, 60, 120))) if chance.random() < 0.3 else None,
        repeats_people=chance.random() < 0.5,
        rooms={1: random_spans(chance, window, 2, 90), 2: random_spans(chance, window, 2, 90)},
        candidate_busy=random_spans(chance, window, 1, 60),
        candidate_free=random_spans(chance, window, 5, 1_200) if chance.random() < 0.15 else None,
        most_slots=5_000,
    )


def random_onsite(chance: random.Random) -> Question:
    """Return a loop in a window of several dates, that most often has a night, and no person twice."""
    start = chance.choice(_AROUND) + chance.randrange(-720, 720)
    window = Span(start, start + chance.randrange(1_500, 4_000))
    opens = chance.choice((0, 500, 600, 1_200))
    week = tuple((Span(opens, min(opens + chance.randrange(180, 500), 1_440)),) for _ in range(7))
    people = [msgspec.structs.replace(random_person(chance, each, window), hours=week) for each in range(1, 7)]
    seats = [Seat(each, is_optional=chance.random() < 0.1) for each in ((1, 2), (3, 4), (5, chance.choice((1, 6))))]
    sessions = [Session(chance.choice((30, 60, 60)), (seat,)) for seat in seats[: chance.choice((2, 3))]]
    return Question(
        grid=Grid(window, 60),
        sessions=tuple(sessions),
        people={each.id: each for each in people},
        now=0,
        zone=chance.choice(ZONES),
        in_any_order=chance.random() < 0.7,
        most_gap=chance.choice((0, 60, 120, 600)),
        days=chance.choice((1, 1, 1, 2)),
        lunch=Lunch(720, 840, 30) if chance.random() < 0.2 else None,
        most_slots=5_000,
    )


@pytest.mark.parametrize("part", range(20))
@pytest.mark.slow
def test_random_questions_have_the_answers_of_the_model(part: int) -> None:
    for case in range(part, scaled(CASES), 20):
        question = random_question(random.Random(case))
        check(question, f"case {case}")


def test_some_random_questions_have_the_answers_of_the_model() -> None:
    for case in range(CASES, CASES + 100):
        check(random_question(random.Random(case)), f"case {case}")


def test_some_random_onsites_have_the_answers_of_the_model() -> None:
    for case in range(60):
        check(random_onsite(random.Random(case)), f"case {case}")


def check(question: Question, name: str) -> None:
    oracle = Oracle(question)
    answer = find(question)
    assert [slot[0].span.start for slot in answer.slots] == oracle.found(), name
    assert answer.total == len(answer.slots), name
    for slot in answer.slots:
        oracle.check(slot)
