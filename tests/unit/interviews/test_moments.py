"""Points in time: texts that were parsed are written again as every other instant is."""

import pytest

from rowen.interviews.moments import Instant, milliseconds_of

MONDAY = 1_704_103_200_000


@pytest.mark.parametrize("text", ["2024-W01-1T10:00:00.000Z", "2024-01-01T11:00:00+01:00", "2024-01-01T10:00:00.000Z"])
def test_an_instant_is_written_in_the_form_of_harvest_however_it_was_read(text: str) -> None:
    parsed = Instant.parse(text)
    assert parsed == MONDAY
    assert str(parsed) == "2024-01-01T10:00:00.000Z"


@pytest.mark.parametrize(
    "text",
    ["2024-01-01T10:00:00.000Z", "2024-W01-1T10:00:00.000Z", "1969-12-31T24:00:00.000Z", "2016-12-31T23:59:60.500Z"],
)
def test_milliseconds_are_those_of_the_instant(text: str) -> None:
    assert milliseconds_of(text) == Instant.parse(text)


@pytest.mark.parametrize("text", ["", "2024-13-01T10:00:00.000Z", "2024-01-01T10:00:00,000Z?"])
def test_there_are_no_milliseconds_of_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="ISO-8601"):
        milliseconds_of(text)


def test_more_instants_than_are_remembered_are_read_and_written_alike() -> None:
    texts = [str(Instant(MONDAY + number)) for number in range(10_000)]
    for text in (*texts, *texts):
        assert str(Instant.parse(text)) == text
