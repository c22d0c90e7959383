"""Overlaps, compared with the definition."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from rowen.interviews.overlaps import Booked, Overlap, overlaps

BOOKINGS = st.lists(
    st.builds(
        lambda person, start, length: (person, start, start + length),
        st.integers(-1, 2),
        st.integers(0, 20),
        st.integers(0, 8),
    ),
    max_size=12,
)


def test_touching_ends_do_not_overlap() -> None:
    assert not list(overlaps([Booked(1, 0, 10, 1), Booked(1, 10, 20, 2)]))


def test_two_persons_never_overlap() -> None:
    assert not list(overlaps([Booked(1, 0, 10, 1), Booked(2, 0, 10, 2)]))


@given(BOOKINGS)
def test_every_pair_that_overlaps_is_found_once(times: list[tuple[int, int, int]]) -> None:
    bookings = sorted(Booked(*each, number) for number, each in enumerate(times))
    expected = {
        Overlap(
            one.person,
            max(one.starts_at, other.starts_at),
            min(one.ends_at, other.ends_at),
            (min(one.interview, other.interview), max(one.interview, other.interview)),
        )
        for one, other in combinations(bookings, 2)
        if one.person == other.person and max(one.starts_at, other.starts_at) < min(one.ends_at, other.ends_at)
    }
    found = list(overlaps(bookings))
    assert len(found) == len(set(found))
    assert set(found) == expected
