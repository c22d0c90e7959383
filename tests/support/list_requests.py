"""The strategies of lists: records and requests from few possibilities, so that they match.

Owns their values, around a change of New York's clocks. Must not know a store or a server.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support.model.lists import ListRequest, written
from tests.support.records import Record, record

SEASON = datetime(2024, 3, 9, tzinfo=UTC)
ZONES = ("UTC", "America/New_York", "Pacific/Auckland")
EVENTS = (None, "", "event-1", "Größe, 1/2 + 100%&a=b", "😀", "a\x00b", "true")
NAMES = ("Kate Austen", "Łukasz Żółć", "😀\x7f\x00\u2028", '"\\')


def text_of(microseconds: int) -> str:
    """Return a point in time with six decimals."""
    return (SEASON + timedelta(microseconds=microseconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(half_hours: int) -> str:
    """Return one of the times that records have."""
    return text_of(half_hours * 1_800_000_000)[:-4] + "Z"


half_hours = st.sampled_from([0, 1, 10, 21, 26, 38, 48, 56, 57, 96])
"""Few, so that records and bounds coincide; around a change of New York's clocks, and its midnights."""

moments = half_hours.map(moment)
ids = st.one_of(st.integers(1, 12), st.integers(1, 40), st.just(2**53 - 1))
application_ids = st.integers(1, 3)


@st.composite
def small_records(draw: st.DrawFn) -> Record:
    """Draw a record from few possibilities, so that records and queries match."""
    first, second = sorted(draw(st.tuples(half_hours, half_hours)))
    if draw(st.booleans()):
        start, end = {"date_time": moment(first)}, {"date_time": moment(second)}
    else:
        start, end = {"date": moment(first)[:10]}, {"date": moment(second)[:10]}
    return record(
        draw(ids),
        application_id=draw(application_ids),
        external_event_id=draw(st.sampled_from(EVENTS)),
        start=start,
        end=end,
        status=draw(st.sampled_from(["scheduled", "awaiting_feedback", "complete"])),
        created_at=draw(st.none() | moments),
        updated_at=draw(st.none() | moments),
        location=draw(st.sampled_from(NAMES)),
        interviewers=record(1)["interviewers"] * draw(st.integers(0, 2)),
    )


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    """Draw filters with their values as the model has them."""
    chosen: dict[str, Any] = {}
    for what in draw(st.lists(st.sampled_from(["created", "updated", "starts", "ends"]), max_size=3, unique=True)):
        sides = draw(st.sampled_from([("after",), ("before",), ("after", "before")]))
        for side in sides:
            finer = draw(st.sampled_from([0, 0, 0, 0, 1, 999, 1000, -1]))
            chosen[f"{what}_{side}"] = draw(half_hours) * 1_800_000_000 + finer
    if draw(st.integers(0, 4)) == 0:
        chosen["external_event_id"] = draw(st.sampled_from(EVENTS[1:]))
    if draw(st.integers(0, 2)) == 0:
        chosen["actionable"] = draw(st.sampled_from([True, True, False]))
    return chosen


@st.composite
def requests(draw: st.DrawFn) -> ListRequest:
    """Draw a list's request."""
    chosen = draw(filters())
    counted = draw(st.booleans())
    echo = [written(name, _spelled(value)) for name, value in chosen.items()]
    echo += ["skip_count=true"] * (not counted) + ["ours=%2C%20x"] * draw(st.booleans())
    return ListRequest(
        draw(st.none() | st.none() | st.integers(1, 5)),
        {name: _since_epoch(value) for name, value in chosen.items()},
        tuple(draw(st.permutations(echo))),
        page=draw(st.sampled_from([1, 1, 1, 2, 3, 7, 2**63 - 2])),
        size=draw(st.sampled_from([1, 2, 3, 5, 100, 500])),
        after=draw(st.sampled_from([None, None, 0, 3, 11, 2**53 - 1, 2**63 - 1])),
        counted=counted,
    )


def _spelled(value: Any) -> str:
    return (
        ("true" if value else "false")
        if isinstance(value, bool)
        else value
        if isinstance(value, str)
        else text_of(value)
    )


def _since_epoch(value: Any) -> Any:
    if isinstance(value, bool | str):
        return value
    return round(SEASON.timestamp()) * 1_000_000 + value
