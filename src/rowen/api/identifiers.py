"""Ids as text, in paths, headers and bodies.

Owns how clients may write an id. Must not know what it identifies.
"""

from typing import Final

from rowen.interviews.interview import LARGEST_ID

_MOST_DIGITS: Final = 16  # those of the largest id; leading zeros count


def read_identifier(text: str) -> int | None:
    """Return the id that text spells in decimal digits; None where it spells none."""
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        number = int(text)
        if 0 < number <= LARGEST_ID:
            return number
    return None
