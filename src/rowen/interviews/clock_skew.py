"""How far ahead of the clock the times of a record may be.

Owns the limit and the comparison with it. Must not know where records come from, or read a clock.
"""

from typing import Final

LIMIT: Final = 86_400_000
"""How far ahead of the clock a record's times of creation and change may be, in milliseconds: one day.

Clocks of other systems differ, and times without a zone are off by hours. A time further ahead is a mistake: clients
sync from the newest `updated_at` that they have seen, so they would miss every change made before that time.
"""


def is_ahead(time: int | None, now: int) -> bool:
    """Return whether a time is further ahead of `now` than the limit; both in milliseconds since 1970."""
    return time is not None and time > now + LIMIT
