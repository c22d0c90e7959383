"""The sets of criteria of lists whose plans are tested."""

from itertools import combinations
from typing import Final

from rowen.interviews.query import CRITERIA
from rowen.store.interviews import statements

WIDE: Final = tuple(name for name in CRITERIA if name not in statements.NARROW)
SETS: Final = [
    *((name,) for name in CRITERIA),
    *combinations(WIDE, 2),
    *((narrow, wide) for narrow in sorted(statements.NARROW) for wide in WIDE),
    CRITERIA,
]
"""Each alone, those that go together badly, and all."""
