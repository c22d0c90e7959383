"""Sets of points in time, against sets of Python."""

import random

import pytest

from rowen.planning.bits import Span, at_least, column, every, first_points, fits, mask, ones, points, reach


def random_set(chance: random.Random, length: int = 200) -> set[int]:
    return {point for point in range(length) if chance.random() < chance.choice((0.2, 0.5, 0.9))}


def bits(found: set[int]) -> int:
    return sum(1 << point for point in found)


@pytest.mark.parametrize("seed", range(50))
def test_operations_are_those_of_sets(seed: int) -> None:
    chance = random.Random(seed)
    found, length = random_set(chance), chance.randrange(1, 20)
    assert set(points(bits(found))) == found
    assert set(points(fits(bits(found), length))) == {each for each in found if {*range(each, each + length)} <= found}
    least, most = chance.randrange(20), chance.randrange(25)
    reaching = {each for each in range(200) if found & {*range(each + least, each + most + 1)}}
    assert set(points(reach(bits(found), least, most))) == reaching
    first = chance.randrange(20)
    assert set(points(every(bits(found), first, length))) == {
        index for index in range(200) if first + index * length in found
    }
    many = [random_set(chance) for _ in range(6)]
    assert set(points(at_least(length % 6 + 1, [*map(bits, many)]))) == {
        each for each in range(200) if sum(each in some for some in many) > length % 6
    }


@pytest.mark.parametrize("seed", range(50))
def test_a_mask_is_the_minutes_of_its_spans(seed: int) -> None:
    chance = random.Random(seed)
    window = Span(1_000, 1_000 + chance.randrange(100))
    spans = [Span(start, start + chance.randrange(60)) for start in chance.choices(range(900, 1_200), k=5)]
    covered = {minute - 1_000 for start, end in spans for minute in range(start, end) if minute in range(*window)}
    assert set(points(mask(spans, window))) == covered


def test_nothing_is_in_no_points() -> None:
    assert ones(-3) == ones(0) == reach(0b1, 3, 2) == every(0, 3, 5) == at_least(2, []) == 0
    assert list(points(0)) == []


def test_the_first_points_are_the_earliest() -> None:
    assert first_points(0b110110, 3) == 0b10110
    assert first_points(0b110110, 4) == first_points(0b110110, 9) == 0b110110
    assert first_points(0b110110, 0) == first_points(0, 3) == 0


def test_a_column_has_the_values_of_sets_that_have_no_point_in_common() -> None:
    found = column([("a", 0b0110), ("b", 0b1000)], 5)
    assert list(found) == [None, "a", "a", "b", None]
    assert list(found.at([3, 0, 1])) == ["b", None, "a"]
    assert found[3] == "b"
    assert list(column([], 2)) == [None, None]


@pytest.mark.parametrize("count", [254, 255, 256, 511, 700])
def test_a_column_may_have_more_values_than_a_byte(count: int) -> None:
    values = [(number, 1 << 2 * number | 1 << 2 * count - 2 * number + 1) for number in range(count)]
    expected: list[int | None] = [None] * (2 * count + 2)
    for number in range(count):
        expected[2 * number] = expected[2 * count - 2 * number + 1] = number
    assert list(column(values, 2 * count + 2)) == expected
