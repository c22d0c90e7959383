"""Text with U+0000 in PostgreSQL: every text is read as it was written, and different texts stay different."""

from hypothesis import given
from hypothesis.strategies import lists, sampled_from, text

from rowen.store.engines.postgres.text_codec import read, written

TEXTS = lists(sampled_from(["\x00", "\ue000", "0", "a", "é"]), max_size=8).map("".join) | text()


@given(TEXTS)
def test_text_is_read_as_it_was_written(original: str) -> None:
    assert "\x00" not in written(original)
    assert read(written(original)) == original


def test_ordinary_text_stays_as_it_is() -> None:
    assert written("Zoë 0") == read("Zoë 0") == "Zoë 0"
