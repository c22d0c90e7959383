"""How much is done where something is proven by quantity.

`make test` does a quarter of what it might, to be done in a quarter of an hour; `ROWEN_QUANTITY=1 make test` does all
of it.
"""

import os
from math import ceil
from typing import Final

_SHARE: Final = float(os.environ.get("ROWEN_QUANTITY", "0.25"))


def quantity(whole: int) -> int:
    """Return how many of so many are done."""
    return ceil(whole * _SHARE)
