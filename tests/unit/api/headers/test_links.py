"""The `Link` header, case by case."""

import pytest

from rowen.api.headers.links import link_header
from rowen.interviews.moments import Instant
from rowen.interviews.query import PageRequest

HERE = "https://a.example/v1/scheduled_interviews"


def link(relation: str, query: str) -> str:
    return f'<{HERE}?{query}>; rel="{relation}"'


@pytest.mark.parametrize(
    ("request_", "total", "following", "expected"),
    [
        (PageRequest(), 0, None, []),
        (PageRequest(), 100, None, []),
        (PageRequest(number=2), 100, None, []),
        (PageRequest(counted=False), None, None, []),
        (PageRequest(), 101, 7, [("next", "page=2&per_page=100&after=7"), ("last", "page=2&per_page=100")]),
        (PageRequest(number=2), 101, None, [("prev", "page=1&per_page=100"), ("last", "page=2&per_page=100")]),
        (
            PageRequest(number=2, size=1),
            3,
            5,
            [("next", "page=3&per_page=1&after=5"), ("prev", "page=1&per_page=1"), ("last", "page=3&per_page=1")],
        ),
        (PageRequest(number=9, size=2), 3, None, [("prev", "page=2&per_page=2"), ("last", "page=2&per_page=2")]),
        (PageRequest(counted=False), None, 7, [("next", "page=2&per_page=100&after=7")]),
        (
            PageRequest(number=3, after=5, counted=False),
            None,
            7,
            [("next", "page=4&per_page=100&after=7"), ("prev", "page=2&per_page=100")],
        ),
    ],
)
def test_links_are_there_where_they_apply(
    request_: PageRequest, total: int | None, following: int | None, expected: list[tuple[str, str]]
) -> None:
    header = link_header(HERE, (), request_, total=total, following=following)
    assert header == (",".join(link(*each) for each in expected) or None)


@pytest.mark.parametrize(
    ("given", "echoed"),
    [
        ("updated_after=2024-01-01T00:00:00+02:00", "updated_after=2024-01-01T00:00:00+02:00"),
        ("a=1,2", "a=1%2C2"),
        ("a=%2c%zz", "a=%2c%zz"),
        ('a=">< ', "a=%22%3E%3C%20"),
        ("a=é", "a=%E9"),
        ("a=\r\nX: y", "a=%0D%0AX:%20y"),
        ("a=#b", "a=%23b"),
        ("a[]={}|\\^`", "a%5B%5D=%7B%7D%7C%5C%5E%60"),
    ],
)
def test_parameters_are_echoed_except_what_breaks_a_header(given: str, echoed: str) -> None:
    header = link_header(HERE, (given,), PageRequest(), total=None, following=1)
    assert header == link("next", f"{echoed}&page=2&per_page=100&after=1")


def test_a_sync_goes_on_as_of_its_first_page() -> None:
    """In milliseconds, however that would be written elsewhere; only in `next`."""
    request = PageRequest(number=2, size=10)
    made = link_header(
        HERE, ["updated_after=2024-01-01"], request, total=30, following=5, as_of=Instant(1_700_000_000_123)
    )
    assert made is not None
    following, *others = made.split(",")
    page = "updated_after=2024-01-01&page=3&per_page=10&after=5&as_of=1700000000123"
    assert following == link("next", page)
    assert not any("as_of" in other for other in others)
