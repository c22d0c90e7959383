"""The lease by which one of all the processes of a PostgreSQL database leads.

Owns its row of `leases`: the holder, and the expiry by the server's clock. Must not know what the leader does.
"""

import secrets
from contextlib import suppress
from time import monotonic
from typing import Final

from rowen.interviews.errors import Unavailable
from rowen.store.engines.postgres.pool import ConnectionPool
from rowen.store.engines.postgres.sessions import execute_autonomously, with_reconnect, with_reconnect_no_retry

_LEASE_SECONDS: Final = 5.0
_RENEWAL_SECONDS: Final = 1.0

_NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
# A lease that ends further ahead than we ever grant was written before the server's clock was set back, or by another
# server: ignore it.
_IS_HELD_ELSEWHERE: Final = f"holder <> $2 AND leases.expires_at BETWEEN {_NOW} AND {_NOW} + $3"
# A process that finds it taken writes nothing. One that waited for the row lock compares the expiry with the time at
# which it obtained the lock.
_ACQUIRE: Final = f"""
    INSERT INTO leases (name, holder, expires_at)
    SELECT $1::varchar, $2::varchar, {_NOW} + $3
    WHERE NOT EXISTS (SELECT FROM leases WHERE name = $1 AND {_IS_HELD_ELSEWHERE})
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = {_NOW} + $3
    WHERE NOT (leases.{_IS_HELD_ELSEWHERE})
    RETURNING holder
"""  # noqa: S608  (nothing but our own words)
_RELEASE: Final = "DELETE FROM leases WHERE name = $1 AND holder = $2"


class LeaderLease:
    """The lease by which one process leads: it lasts some seconds, and is renewed long before it expires.

    A process that hangs loses it to another; time is the server's, whatever the clocks of the nodes show.
    """

    def __init__(self, pool: ConnectionPool, name: str, role: str) -> None:
        self._pool = pool
        self._role = role
        self._holder = f"{name} {secrets.token_hex(8)}"
        self._held = False
        self._until = 0.0
        self._asks_again = 0.0

    async def try_acquire(self) -> bool:
        """Become or stay the leader; return whether this process is. Raises Unavailable."""
        now = monotonic()
        if now < self._asks_again:
            return self._held and now < self._until
        asked = (self._role, self._holder, round(_LEASE_SECONDS * 1000))
        found = await with_reconnect_no_retry(
            self._pool, lambda connection: execute_autonomously(self._pool, connection, _ACQUIRE, asked)
        )
        self._held = found is not None
        # counted from before the query, so that it expires here before it expires in the server
        self._until = now + _LEASE_SECONDS - _RENEWAL_SECONDS
        self._asks_again = monotonic() + _RENEWAL_SECONDS
        return self._held and monotonic() < self._until

    async def release(self) -> None:
        """Let another process lead at once."""
        if not self._held:
            return
        self._held = False
        with suppress(Unavailable):
            await with_reconnect(
                self._pool,
                lambda connection: execute_autonomously(self._pool, connection, _RELEASE, (self._role, self._holder)),
            )
