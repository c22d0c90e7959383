"""The order in which people are chosen, and how much of it is kept."""

from rowen.planning.bits import Span
from rowen.planning.fairness import MOST_ORDERS, Loads
from rowen.planning.people import Person


def test_orders_are_kept_up_to_a_limit() -> None:
    loads = Loads({1: Person(id=1, interviews=(Span(0, 60),)), 2: Person(id=2)})
    week = 7 * 24 * 60
    turns = loads.turns((1, 2), {})
    first = loads.order(turns, 0)
    assert list(first.items()) == [(2, 0), (1, 1)]
    assert loads.order(turns, 60) is first
    for minute in range(week, (MOST_ORDERS + 1) * week, week):
        loads.order(turns, minute)
    again = loads.order(turns, 0)
    assert again == first
    assert again is not first


def test_turns_are_kept_up_to_a_limit() -> None:
    loads = Loads({1: Person(id=1, zone="Europe/Berlin"), 2: Person(id=2)})
    first = loads.turns((1, 2), {})
    assert first.people == (1, 2)
    assert first.zones == {"Europe/Berlin", "UTC"}
    assert loads.turns((1, 2), {2: 2}).people == (2, 1)
    assert loads.turns((1, 2), {}) is first
    for weight in range(2, MOST_ORDERS + 2):
        loads.turns((1, 2), {1: weight})
    assert loads.turns((1, 2), {}) is not first
