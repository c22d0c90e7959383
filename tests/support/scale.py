"""How often a test repeats what is proven by repetition.

By default an eighth of the whole, so that `make test` takes less than half an hour on two slow cores;
`ROWEN_TEST_SCALE=1 make test` repeats all of it, as the nightly run does.
"""

import os
from collections.abc import Sequence
from math import ceil
from typing import Final, TypeVar

_SCALE: Final = float(os.environ.get("ROWEN_TEST_SCALE", "0.125"))

Item = TypeVar("Item")


def scaled(whole: int) -> int:
    """Return how many of `whole` repetitions to do: at least one."""
    return ceil(whole * _SCALE)


def sample(items: Sequence[Item], number: int = 0) -> Sequence[Item]:
    """Return some of the items, at equal distances: different ones for each `number`, and in the end all of them."""
    step = max(1, len(items) // max(1, scaled(len(items))))
    return items[number % step :: step]
