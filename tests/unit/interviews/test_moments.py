"""Points in time: texts that were parsed are written again as every other instant is."""

import pytest

from rowen.interviews.moments import Instant

MONDAY = 1_704_103_200_000


@pytest.mark.parametrize("text", ["2024-W01-1T10:00:00.000Z", "2024-01-01T11:00:00+01:00", "2024-01-01T10:00:00.000Z"])
def test_an_instant_is_written_in_the_form_of_harvest_however_it_was_read(text: str) -> None:
    parsed = Instant.parse(text)
    assert parsed == MONDAY
    assert str(parsed) == "2024-01-01T10:00:00.000Z"


def test_more_instants_than_are_remembered_are_read_and_written_alike() -> None:
    texts = [str(Instant(MONDAY + number)) for number in range(10_000)]
    for text in (*texts, *texts):
        assert str(Instant.parse(text)) == text
