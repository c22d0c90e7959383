"""The texts by which a record can be found.

Owns how long they may be: every database indexes them, and PostgreSQL takes no longer ones. Must not know which they
are, or what is done with one that is too long.
"""

from typing import Final

LONGEST: Final = 1_000
"""How many bytes of UTF-8 a text may have by which a record is found (contract section 2)."""

_SURE: Final = LONGEST // 4


def is_too_long(text: str | None) -> bool:
    """Return whether a text has too many bytes to find a record by it."""
    return text is not None and len(text) > _SURE and len(text.encode(errors="surrogatepass")) > LONGEST
