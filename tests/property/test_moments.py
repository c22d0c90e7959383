"""Instants, for all times: every ISO-8601 form of one is parsed as it, and a bound is rounded as its filter needs."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rowen.interviews.moments import Instant
from tests.support.strategies import EARLIEST, LATEST, PROFILE, days, instants

DAY = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59)
"""Minutes east of Greenwich."""


@st.composite
def date_forms(draw: st.DrawFn, day: date) -> str:
    """Return a date in one of its forms."""
    basic = draw(st.booleans())
    dash = "" if basic else "-"
    year, week, weekday = day.isocalendar()
    forms = [f"{day.year:04}{dash}{day.month:02}{dash}{day.day:02}", f"{day.year:04}{dash}{day.timetuple().tm_yday:03}"]
    if 1 <= year <= 9999:
        forms.append(f"{year:04}{dash}W{week:02}{dash}{weekday}")
        if weekday == 1:
            forms.append(f"{year:04}{dash}W{week:02}")
    return draw(st.sampled_from(forms))


@st.composite
def time_forms(draw: st.DrawFn, nanoseconds: int) -> str:
    """Return a time of day, in nanoseconds since midnight, in one of its forms."""
    colon = draw(st.sampled_from([":", ""]))
    seconds, decimals = divmod(nanoseconds, 10**9)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    if decimals or draw(st.booleans()):
        needed = f"{decimals:09}".rstrip("0")
        digits = needed.ljust(draw(st.integers(len(needed), 9)), "0")
        comma = draw(st.sampled_from([".", ","]))
        return f"{hour:02}{colon}{minute:02}{colon}{second:02}" + (f"{comma}{digits}" if digits else "")
    if second or draw(st.booleans()):
        return f"{hour:02}{colon}{minute:02}{colon}{second:02}"
    if minute or draw(st.booleans()):
        return f"{hour:02}{colon}{minute:02}"
    return f"{hour:02}"


@st.composite
def zone_forms(draw: st.DrawFn, offset: int) -> str:
    """Return an offset from UTC, in minutes, in one of its forms."""
    hours, minutes = divmod(abs(offset), 60)
    sign = "-" if offset < 0 else "+"
    forms = [f"{sign}{hours:02}:{minutes:02}", f"{sign}{hours:02}{minutes:02}"]
    if not minutes:
        forms.append(f"{sign}{hours:02}")
    if not offset:
        forms += ["Z", "z", "", "-00:00"]
    return draw(st.sampled_from(forms))


@st.composite
def timestamps(draw: st.DrawFn, finer: bool = False) -> tuple[int, int, str]:
    """Draw an instant, its nanoseconds past the millisecond, and one of its spellings."""
    instant = int(draw(instants))
    past = draw(st.integers(0, 999_999)) if finer else 0
    offset = draw(st.one_of(st.just(0), offsets))
    local = instant + offset * 60_000
    assume(EARLIEST <= local <= LATEST)
    day_number, since_midnight = divmod(local, DAY)
    separator = draw(st.sampled_from(["T", "t", " "]))
    nanoseconds = since_midnight * 10**6 + past
    if not nanoseconds and local > EARLIEST and draw(st.booleans()):
        day_number -= 1  # the midnight at the end of the day before
        nanoseconds = DAY * 10**6
    day = EPOCH.date() + timedelta(days=day_number)
    text = draw(date_forms(day)) + separator + draw(time_forms(nanoseconds)) + draw(zone_forms(offset))
    return instant, past, text


@PROFILE
@given(timestamps())
def test_every_form_of_an_instant_is_read_as_it(written: tuple[int, int, str]) -> None:
    instant, _, text = written
    assert Instant.parse(text) == instant
    assert Instant.parse_bound(text) == instant


@PROFILE
@given(timestamps(finer=True))
def test_finer_fractions_are_cut_off_or_rounded_up(written: tuple[int, int, str]) -> None:
    instant, past, text = written
    assert Instant.parse(text) == instant
    assert Instant.parse_bound(text) == instant + (past > 0)


@PROFILE
@given(timestamps(finer=True), st.one_of(instants, st.integers(-2, 2)))
def test_a_rounded_bound_parts_whole_milliseconds_as_the_exact_one_does(
    written: tuple[int, int, str], value: int
) -> None:
    instant, past, text = written
    value = value if isinstance(value, Instant) else instant + value  # small numbers: close to the bound
    exact = instant * 10**6 + past
    assert (value * 10**6 >= exact) == (value >= Instant.parse_bound(text))
    assert (value * 10**6 < exact) == (value < Instant.parse_bound(text))


@PROFILE
@given(days, st.data())
def test_a_date_is_its_midnight(day: date, data: st.DataObject) -> None:
    expected = (day - EPOCH.date()).days * DAY
    assert Instant.parse(data.draw(date_forms(day))) == expected
    assert Instant.parse_bound(data.draw(date_forms(day))) == expected


@PROFILE
@given(instants)
def test_writing_and_reading_is_the_identity(instant: Instant) -> None:
    text = str(instant)
    assert len(text) == len("2024-01-15T10:00:00.000Z")
    assert Instant.parse(text) == instant
    assert Instant.parse_bound(text) == instant
    assert str(Instant.parse(text)) == text


@PROFILE
@given(
    st.datetimes(timezones=st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))),
)
def test_a_datetime_is_the_instant_of_its_text(moment: datetime) -> None:
    try:
        expected = (moment - EPOCH) // timedelta(milliseconds=1)
        assume(EARLIEST <= expected <= LATEST)
        moment.astimezone(UTC)
    except OverflowError:
        assume(False)
    assert Instant.of(moment) == Instant.parse(moment.isoformat()) == expected


ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Pacific/Apia", "Africa/Monrovia")


@PROFILE
@given(days, st.sampled_from(ZONES).map(ZoneInfo))
def test_midnight_is_when_the_zone_says(day: date, zone: ZoneInfo) -> None:
    found = Instant.at_midnight(day, zone)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    offset = midnight.utcoffset()
    assert offset is not None
    # In whole microseconds: a datetime does not reach either end of time.
    exact = (day - EPOCH.date()) // timedelta(microseconds=1) - offset // timedelta(microseconds=1)
    assert found == exact // 1000


ALPHABET = "0123456789-:+.,TtZzW \u0661\u00b2x\n\x00"


@PROFILE
@given(
    st.one_of(st.text(ALPHABET, max_size=30), st.text(max_size=12), timestamps().map(lambda drawn: drawn[2])), st.data()
)
def test_junk_is_a_value_error(text: str, data: st.DataObject) -> None:
    if text and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(text) - 1))
        text = text[:place] + data.draw(st.sampled_from(["", *ALPHABET])) + text[place + 1 :]
    for read in (Instant.parse, Instant.parse_bound):
        try:
            found = read(text)
        except ValueError as error:
            assert str(error)
        else:
            assert text.isascii()
            assert EARLIEST <= found <= LATEST + 1


@PROFILE
@given(st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", fullmatch=True))
def test_the_form_of_documents_is_read_like_any_other(text: str) -> None:
    """It takes a shorter path, which must give the same result."""
    try:
        expected = Instant.parse(text.replace("Z", "+00:00"))
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            Instant.parse(text)
    else:
        assert Instant.parse(text) == expected
