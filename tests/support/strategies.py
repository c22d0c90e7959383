"""The strategies of the property tests: interviews, records, instants and invalid values in their place.

Owns the form of generated data and the profile of the tests. Must not know a store or a server. Texts contain what
people's names and tools do: accents, other scripts, emoji, control characters; no lone surrogates, which UTF-8 cannot
encode.
"""

import datetime
from typing import Any, Final

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from rowen.api.codec.documents import encode
from rowen.interviews.interview import (
    LARGEST_ID,
    Interviewer,
    InterviewReference,
    Moment,
    Organizer,
    ResponseStatus,
    ScheduledInterview,
    Status,
)
from rowen.interviews.moments import Instant
from tests.support.scale import scaled

EARLIEST: Final = -62_135_596_800_000
"""0001-01-01T00:00:00.000Z, in milliseconds since 1970."""

LATEST: Final = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z, in milliseconds since 1970."""

PROFILE: Final = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=scaled(160),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The same examples on every run: a failure in CI is the same failure here."""

identifiers = st.one_of(
    st.integers(1, 50), st.sampled_from([2**31, 40387397003, LARGEST_ID]), st.integers(1, LARGEST_ID)
)
texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "Łukasz Żółć", "東京", "😀👩‍💻", "\x00\x1f\x7f", "\u2028", 'a\\"/b', "Kate Austen", "\U0010ffff"]
    ),
)
instants = st.one_of(
    st.integers(1_690_000_000_000, 1_700_000_000_000),
    st.sampled_from([0, -1, 1, EARLIEST, LATEST]),
    st.integers(EARLIEST, LATEST),
).map(Instant)
"""From year 1 to year 9999, whole milliseconds; many of one season, so that some are close together."""

days = st.one_of(st.dates(datetime.date(2023, 7, 1), datetime.date(2023, 12, 31)), st.dates())


@st.composite
def spans(draw: st.DrawFn) -> tuple[Moment, Moment]:
    """Draw a start and an end that belong together."""
    if draw(st.booleans()):
        first, second = sorted(draw(st.tuples(instants, instants)))
        return Moment(date_time=first), Moment(date_time=second)
    from_day, to_day = sorted(draw(st.tuples(days, days)))
    return Moment(date=from_day), Moment(date=to_day)


_users = st.builds(
    Interviewer,
    id=identifiers,
    employee_id=st.none() | texts,
    name=st.none() | texts,
    email=st.none() | texts,
    response_status=st.sampled_from(ResponseStatus),
    scorecard_id=st.none() | identifiers,
)
_guests = st.builds(
    Interviewer,
    id=st.none(),
    employee_id=st.none(),
    name=st.none() | texts,
    email=texts.filter(bool),
    response_status=st.sampled_from(ResponseStatus),
    scorecard_id=st.none(),
)
_organizers = st.builds(
    Organizer,
    id=st.none() | identifiers,
    first_name=st.none() | texts,
    last_name=st.none() | texts,
    name=st.none() | texts,
    employee_id=st.none() | texts,
)


@st.composite
def interviews(draw: st.DrawFn) -> ScheduledInterview:
    """Draw a valid interview, any of its optional fields null."""
    start, end = draw(spans())
    return ScheduledInterview(
        id=draw(identifiers),
        application_id=draw(identifiers),
        external_event_id=draw(st.none() | texts),
        start=start,
        end=end,
        location=draw(st.none() | texts),
        video_conferencing_url=draw(st.none() | texts),
        status=draw(st.sampled_from(Status)),
        created_at=draw(st.none() | instants),
        updated_at=draw(st.none() | instants),
        interview=draw(st.none() | st.builds(InterviewReference, id=st.none() | identifiers, name=st.none() | texts)),
        organizer=draw(st.none() | _organizers),
        interviewers=tuple(draw(st.lists(_users | _guests, max_size=6))),
    )


records = interviews().map(lambda interview: dict[str, Any](msgspec.json.decode(encode(interview))))
"""Valid records as plain JSON values, their fields in canonical order."""

junk: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
        st.sampled_from(["2024-02-30", "2024-02-29", "9999-366", "24:00", "scheduled", "accepted", "5"]),
        instants.map(str),
        days.map(str),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(texts | st.sampled_from(["id", "name", "date", "date_time", "email"]), inner, max_size=3),
    ),
    max_leaves=6,
)
"""Any JSON value, with a preference for those that look almost right."""
