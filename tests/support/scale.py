"""How often a test repeats what is proven by repetition.

By default a quarter of the whole, so that `make test` takes a quarter of an hour; `ROWEN_TEST_SCALE=1 make test`
repeats all of it.
"""

import os
from math import ceil
from typing import Final

_SCALE: Final = float(os.environ.get("ROWEN_TEST_SCALE", "0.25"))


def scaled(whole: int) -> int:
    """Return how many of `whole` repetitions to do."""
    return ceil(whole * _SCALE)
