"""Rate limits: so many requests of one key in each window of ten seconds.

Owns counting and the headers of a refusal (contract section 3). Must not know keys beyond an identity. The
counting is the `limits` library's, whose storages can also be shared between machines.
"""

from time import time
from typing import Final

from limits.storage import MemoryStorage

from rowen.app.ports import KeyAccess
from rowen.http.answers import Headers, RateState

WINDOW: Final = 10  # seconds
UNLIMITED: Final = 1_000_000_000
"""What `X-RateLimit-Limit` says where there is no limit: clients that pace themselves by it must not stop at 0."""


class RateLimiter:
    """Counts the requests of each key."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts = MemoryStorage()

    @property
    def shown(self) -> int:
        """The limit that answers show before a key is known."""
        return self._limit or UNLIMITED

    def count(self, access: KeyAccess) -> RateState | None:
        """Count a request of a key, and return where the key stands; None where it is over its limit."""
        limit = self._limit if access.rate_limit is None else access.rate_limit
        if not limit:
            return RateState(UNLIMITED, UNLIMITED)
        used = self._counts.incr(_name(access), WINDOW)
        return RateState(limit, limit - used) if used <= limit else None

    def refused(self, access: KeyAccess) -> tuple[RateState, Headers]:
        """Return where a key over its limit stands, and the headers that tell it when to come back."""
        limit = self._limit if access.rate_limit is None else access.rate_limit
        reset = self._counts.get_expiry(_name(access))
        wait = max(1, -int(-(reset - time()) // 1))
        headers = [(b"retry-after", b"%d" % wait), (b"x-ratelimit-reset", b"%d" % -int(-reset // 1))]
        return RateState(limit, 0), headers


def _name(access: KeyAccess) -> str:
    return f"{access.organization.id}/{access.key_id}"
