"""The lease by which one of all the processes of a PostgreSQL database leads.

Owns its row of `leases`: who has it, and until when, by the clock of the server. Must not know what leading is for.
"""

import secrets
from contextlib import suppress
from time import monotonic
from typing import Final

from rowen.interviews.errors import Unavailable
from rowen.store.postgres_pool import Pool
from rowen.store.postgres_use import use_patiently, use_unrepeated, write_alone

_LEASE_SECONDS: Final = 5.0
_RENEWAL_SECONDS: Final = 1.0

_LEASE: Final = "tell"
_NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
# What ends later than anybody is given it is of a clock that was set back, or of another server's.
_IS_ANOTHERS: Final = f"holder <> $2 AND leases.expires_at BETWEEN {_NOW} AND {_NOW} + $3"
# Who finds it taken writes nothing. Who waited for its row sees by the time of then whether it still may have it.
_TAKE_LEASE: Final = f"""
    INSERT INTO leases (name, holder, expires_at)
    SELECT $1::varchar, $2::varchar, {_NOW} + $3
    WHERE NOT EXISTS (SELECT FROM leases WHERE name = $1 AND {_IS_ANOTHERS})
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = {_NOW} + $3
    WHERE NOT (leases.{_IS_ANOTHERS})
    RETURNING holder
"""  # noqa: S608  (nothing but our own words)
_GIVE_LEASE: Final = "DELETE FROM leases WHERE name = $1 AND holder = $2"


class Lease:
    """The lead, as far as one process has it: for some seconds, and renewed long before they are over.

    A process that hangs loses it to another; the time is that of the server, whatever the clocks of the nodes say.
    """

    def __init__(self, pool: Pool, name: str) -> None:
        self._pool = pool
        self._holder = f"{name} {secrets.token_hex(8)}"
        self._held = False
        self._until = 0.0
        self._asks_again = 0.0

    async def take(self) -> bool:
        """Take the lead, or keep it; tell whether this process has it. Raises Unavailable."""
        now = monotonic()
        if now < self._asks_again:
            return self._held and now < self._until
        asked = (_LEASE, self._holder, round(_LEASE_SECONDS * 1000))
        take = lambda connection: write_alone(self._pool, connection, _TAKE_LEASE, asked)  # noqa: E731  (one expression)
        found = await use_unrepeated(self._pool, take)
        self._held = found is not None
        # From before the question, so that it ends here before it ends in the server.
        self._until = now + _LEASE_SECONDS - _RENEWAL_SECONDS
        self._asks_again = monotonic() + _RENEWAL_SECONDS
        return self._held and monotonic() < self._until

    async def give(self) -> None:
        """Let another lead at once."""
        if not self._held:
            return
        self._held = False
        with suppress(Unavailable):
            await use_patiently(
                self._pool, lambda connection: write_alone(self._pool, connection, _GIVE_LEASE, (_LEASE, self._holder))
            )
