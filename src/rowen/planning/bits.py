"""Sets of points in time as bits of one integer.

Owns the operations on them. Bit t of a set stands for the t-th minute of a window, or for its t-th tick; that is for
the caller to know. Must not know people or clocks.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain, islice
from operator import or_
from typing import Final, Generic, NamedTuple, TypeVar

Value = TypeVar("Value")

_MOST_IN_BYTE: Final = 255


class Span(NamedTuple):
    """Minutes since 1970 in UTC, from `start` up to but not including `end`."""

    start: int
    end: int


class Spans(Collection[Span]):
    """Spans in eight bytes each, rather than in a hundred."""

    __slots__ = ("_minutes",)

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._minutes = array(
            "I", list(chain.from_iterable(spans))
        )  # a list, whose length is known: nothing is left over

    @classmethod
    def of(cls, minutes: "array[int]") -> "Spans":
        """Return spans from their starts and ends in turns, as unsigned integers."""
        found = cls()
        found._minutes = minutes
        return found

    def __iter__(self) -> Iterator[Span]:
        minutes = iter(self._minutes)
        return map(Span, minutes, minutes)

    def __len__(self) -> int:
        return len(self._minutes) // 2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spans) and self._minutes == other._minutes

    __hash__ = None  # type: ignore[assignment]

    def __contains__(self, span: object) -> bool:
        return any(each == span for each in self)


class Coded(Generic[Value]):
    """A few values that are repeated in many items: the values, and the number of each item's value."""

    __slots__ = ("numbers", "values")

    def __init__(self, values: Sequence[Value], numbers: Sequence[int]) -> None:
        self.values, self.numbers = values, numbers

    def __getitem__(self, index: int) -> Value:
        return self.values[self.numbers[index]]

    def __iter__(self) -> Iterator[Value]:
        return map(self.values.__getitem__, self.numbers)

    def at(self, indexes: Iterable[int]) -> "Coded[Value]":
        """Return the items at some indexes."""
        return Coded(self.values, list(map(self.numbers.__getitem__, indexes)))


NO_SPANS: Final = Spans()
"""None: most people have no time off, and they share this."""


def ones(count: int) -> int:
    """Return the set of the first `count` points; none if that is negative."""
    return (1 << count) - 1 if count > 0 else 0


def mask(spans: Iterable[tuple[int, int]], window: Span) -> int:
    """Return the minutes of a window that any of the spans covers."""
    length = window.end - window.start
    octets = bytearray(length // 8 + 1)  # a seventh of the time of the digits of a number
    for start, end in spans:
        first, last = max(start - window.start, 0), min(end - window.start, length)
        if first >= last:
            continue
        begin, stop = first // 8, last // 8
        if begin == stop:
            octets[begin] |= ones(last % 8) ^ ones(first % 8)
        else:
            octets[begin] |= 0xFF ^ ones(first % 8)
            octets[begin + 1 : stop] = b"\xff" * (stop - begin - 1)
            octets[stop] |= ones(last % 8)
    return int.from_bytes(octets, "little")


def fits(free: int, minutes: int) -> int:
    """Return the points from which `minutes` consecutive ones are free."""
    run = 1
    while run < minutes:
        shift = min(run, minutes - run)
        free &= free >> shift
        run += shift
    return free


def reach(goals: int, least: int, most: int) -> int:
    """Return the points that have a goal from `least` to `most` points after them."""
    if most < least:
        return 0
    goals >>= least
    run, width = 1, most - least + 1
    while run < width and goals:
        shift = min(run, width - run)
        goals |= goals >> shift
        run += shift
    return goals


def every(minutes: int, first: int, step: int) -> int:
    """Return each `step`-th point of a set, from the point `first` on."""
    minutes >>= first
    if step == 1 or not minutes:
        return minutes
    return int(bin(minutes)[:1:-step][::-1], 2)


def at_least(count: int, sets: Collection[int]) -> int:
    """Return the points that are in at least `count` of the sets."""
    if count > len(sets):
        return 0
    if count == 1:
        return reduce(or_, sets, 0)
    digits: list[int] = []  # digit k: the points whose number of sets has bit k
    for carry in sets:
        for place, digit in enumerate(digits):
            digits[place], carry = digit ^ carry, digit & carry
        if carry:
            digits.append(carry)
    more, equal = 0, -1  # than, and to, the count in the digits so far
    for place in reversed(range(max(len(digits), count.bit_length()))):
        digit = digits[place] if place < len(digits) else 0
        if count >> place & 1:
            equal &= digit
        else:
            more |= equal & digit
            equal &= ~digit
    return more | equal


def points(found: int) -> Iterator[int]:
    """Yield the points of a set, ascending."""
    digits = bin(found)[:1:-1]
    position = digits.find("1")
    while position >= 0:
        yield position
        position = digits.find("1", position + 1)


def first_points(found: int, most: int) -> int:
    """Return the first `most` points of a set."""
    if found.bit_count() <= most:
        return found
    return found & ones(next(islice(points(found), most, None)))


def column(sets: Iterable[tuple[Value, int]], length: int) -> Coded[Value | None]:
    """Return, for each of `length` points, the value whose set has it; None where no set has.

    The number of each point's value is made of one set of bits for each binary digit, all points at once: a fifth of
    the time of one run of points after another.
    """
    values: list[Value | None] = [None]
    blocks: list[bytes] = []
    its = list(sets)
    for first in range(0, len(its), _MOST_IN_BYTE):
        block = its[first : first + _MOST_IN_BYTE]
        values += [value for value, _ in block]
        blocks.append(_numbers([points for _, points in block], length))
    numbers: Sequence[int] = blocks[0] if blocks else bytes(length)
    for place, more in enumerate(blocks[1:], 1):
        numbers = [known or (one and place * _MOST_IN_BYTE + one) for known, one in zip(numbers, more, strict=True)]
    return Coded(values, numbers)


def _numbers(sets: Sequence[int], length: int) -> bytes:
    """Return, for each point, the number of the set that has it, the first one's being 1; 0 where none has."""
    digits = [0] * len(sets).bit_length()
    for number, points in enumerate(sets, 1):
        for place in range(number.bit_length()):
            if number >> place & 1:
                digits[place] |= points
    numbers, one = 0, int.from_bytes(b"\1" * length, "little")
    for place, points in enumerate(digits):
        numbers |= (int.from_bytes(f"{points:0{length}b}".encode(), "big") & one) << place  # "0" is 48, "1" is 49
    return numbers.to_bytes(length, "little")
