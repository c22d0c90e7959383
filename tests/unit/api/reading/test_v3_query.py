"""Query strings of Harvest v3's lists: what they select, and that a cursor continues them."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.api.reading.v3_query import next_link, read_v3_list
from rowen.api.reading.v3_values import DateRange, TimeRange
from rowen.api.v3.lists import LISTS
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import LARGEST_ID
from rowen.interviews.moments import Instant

INTERVIEWS: Final = LISTS["interviews"]
START: Final = Instant.parse("2024-01-01T00:00:00.000Z")
NEXT: Final = Instant(START + 1)


def filters(query: str) -> Mapping[str, Any]:
    """Return the filters of a query for interviews."""
    return read_v3_list(INTERVIEWS, query).filters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gte|2024-01-01T00:00:00Z", TimeRange(START, None)),
        ("gt|2024-01-01T00:00:00Z", TimeRange(NEXT, None)),
        ("lt|2024-01-01T00:00:00Z", TimeRange(None, START)),
        ("lte|2024-01-01T00:00:00Z", TimeRange(None, NEXT)),
        # Bounds finer than a millisecond.
        ("gte|2024-01-01T00:00:00.0001Z", TimeRange(NEXT, None)),
        ("gt|2024-01-01T00:00:00.0001Z", TimeRange(NEXT, None)),
        ("lt|2024-01-01T00:00:00.0001Z", TimeRange(None, NEXT)),
        ("lte|2024-01-01T00:00:00.0001Z", TimeRange(None, NEXT)),
        ("gte|2024-01-01T01:00:00 01:00", TimeRange(START, None)),
        ("gte|2024-01-01T01:00:00+01:00", TimeRange(START, None)),
        ("gte|2023-01-01T00:00:00Z|gte|2024-01-01T00:00:00Z", TimeRange(START, None)),
        ("gte|2024-01-01T00:00:00Z|lt|2024-01-01T00:00:00.001Z", TimeRange(START, NEXT)),
    ],
)
def test_a_range_of_times_is_half_open(text: str, expected: TimeRange) -> None:
    assert filters(f"starts_at={text}") == {"starts_at": expected}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("all_day_start_on=gte|2024-01-01", DateRange(date(2024, 1, 1), None)),
        ("all_day_start_on=gt|2024-01-01|lt|2024-01-03", DateRange(date(2024, 1, 2), date(2024, 1, 2))),
        ("all_day_start_on[lte]=2024-01-03", DateRange(None, date(2024, 1, 3))),
    ],
)
def test_a_range_of_dates_includes_both(query: str, expected: DateRange) -> None:
    assert filters(query) == {"all_day_start_on": expected}


def test_brackets_and_bars_are_one_range() -> None:
    both = filters("starts_at=gte|2024-01-01T00:00:00Z&starts_at[lt]=2024-01-01T00:00:00.001Z")
    assert both == {"starts_at": TimeRange(START, NEXT)}


def test_values_have_types() -> None:
    found = read_v3_list(INTERVIEWS, "ids=3,1%2C2&status=complete&per_page=7&fields=starts_at,id&external_event_id=a+b")
    assert found.filters == {"ids": (3, 1, 2), "status": "complete", "external_event_id": "a b"}
    assert (found.size, found.fields, found.below) == (7, ("id", "starts_at"), None)
    assert read_v3_list(LISTS["users"], "deactivated=true&employee_ids=a,b").filters == {
        "deactivated": True,
        "employee_ids": ("a", "b"),
    }


@given(
    st.integers(1, LARGEST_ID),
    st.lists(
        st.sampled_from(["per_page=3", "ids=1,2", "updated_at=gte|2024-01-01T00:00:00Z", "status=complete"]),
        unique=True,
    ),
)
def test_a_cursor_continues_the_same_query(last: int, parts: list[str]) -> None:
    query = "&".join(parts)
    first = read_v3_list(INTERVIEWS, query)
    link = next_link(INTERVIEWS, "https://x/v3/interviews", first, last)
    cursor = link.removeprefix("<https://x/v3/interviews?cursor=").removesuffix('>; rel="next"')
    second = read_v3_list(INTERVIEWS, f"cursor={cursor}")
    assert (second.filters, second.size, second.fields, second.query) == (first.filters, first.size, None, query)
    assert second.below == last
    third = next_link(INTERVIEWS, "https://x/v3/interviews", second, last)
    assert third == link, "cursors do not grow"


@given(st.integers(0, 60), st.sampled_from("AZaz09-_!."))
def test_a_cursor_with_another_character_is_refused(place: int, character: str) -> None:
    link = next_link(INTERVIEWS, "", read_v3_list(INTERVIEWS, "per_page=3&status=complete"), 4)
    cursor = link.partition("=")[2].partition(">")[0]
    changed = cursor[:place] + character + cursor[place + 1 :]
    if changed == cursor:
        return
    with pytest.raises(Refusal) as caught:
        read_v3_list(INTERVIEWS, f"cursor={changed}")
    assert caught.value.code is Code.INVALID


def test_the_longest_query_has_a_cursor_that_fits_into_an_address() -> None:
    ids = "&".join(f"{name}=" + ",".join(["9007199254740991"] * 50) for name in ("job_ids", "application_ids", "ids"))
    link = next_link(INTERVIEWS, "", read_v3_list(INTERVIEWS, ids + "&" * (4_096 - len(ids))), LARGEST_ID)
    assert len(link) < 5_600
