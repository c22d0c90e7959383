"""Connections to one PostgreSQL server: opened when needed, kept, and given up when they are of no more use.

Owns how many there are, and who waits for one. Must not know a statement beyond what sets up a session. It is our own
because of what happens at the server's limit: a pool that has one connection goes on with that, where asyncpg's
fails; and because nothing is reset between two uses, which would cost each a round trip.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import asyncpg

from rowen.interviews.errors import Unavailable
from rowen.store.postgres_text import hold_any_text

Connection = asyncpg.Connection

IDLE_SECONDS: Final = 6
"""How long a transaction may wait for its node: one that hangs loses it, and with it the organization it holds."""

LOCK_SECONDS: Final = 10
"""How long a transaction waits for an organization: longer than one that hangs can hold it."""

_CLOSE_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 10.0
_BUSY: Final = "every connection to the database has been busy for too long"
APPLICATION: Final = "rowen"
"""What our sessions call themselves, for people who look, and for those of ours that look for one that hangs."""

_SESSION: Final[Mapping[str, str]] = {
    "application_name": APPLICATION,
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
    "jit": "off",  # no statement here runs long enough to be worth compiling
    # Each statement here has one good plan, by an index, whatever it is asked: made once, it saves half the time of a
    # short one (docs/decisions/0021); also where the tables are still empty, or their statistics old.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
}


class Busy(Unavailable):
    """The server is well, but this question has to be put elsewhere, or later."""


class Session(NamedTuple):
    """How to talk over a connection.

    `begin` opens a transaction. `lasting` says that the next statement reaches the same session: not so behind a
    pooler in transaction mode, where nothing may be prepared for later.
    """

    begin: str
    lasting: bool


_DIRECT: Final = Session("BEGIN", True)
_POOLED: Final = Session(
    "; ".join(["BEGIN", *(f"SET LOCAL {name} = '{value}'" for name, value in _SESSION.items())]), False
)


def addresses(dsn: str) -> list[str]:
    """Return the address of each server that an address names, in its order."""
    parts = urlsplit(dsn)
    user, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in hosts.split(",")]


async def first_that_will_do(places: list[str], connect: Callable[[str], Awaitable[Connection]]) -> Connection:
    """Connect to the first server that will do, and have it come first from now on. Raises what connecting does.

    One after the other, each with its own time: to asyncpg one that is dead could take the time of all.
    """
    failure: Exception | None = None
    for address in tuple(places):
        try:
            connection = await connect(address)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError) as error:
            failure = failure or error
        except asyncpg.TargetServerAttributeNotMatched:
            pass  # it is there, but not the primary: of what the others say more is to be learnt
        except (asyncpg.SyntaxOrAccessError, asyncpg.DataError) as error:  # an option that the server does not know
            raise Unavailable(f"the PostgreSQL database: {error}") from error
        else:
            places.remove(address)
            places.insert(0, address)
            return connection
    raise failure or Unavailable("the PostgreSQL database: none of its servers is the primary")


@dataclass
class Pool:
    """At most so many connections to the server of an address; `seconds` bounds each statement.

    With `follows` it may be a standby, otherwise only the primary will do: a standby would answer with what was.
    `lender` is a pool of the same server, of which a connection serves while the server lets no more in and this has
    none: one at a time, so that those whose it is go on.
    `generation` grows when a connection was lost: what answers then may be another server, or the same after a crash.
    """

    dsn: str
    most: int
    seconds: float
    connect_seconds: float = 3.0
    follows: bool = False
    lender: "Pool | None" = None
    generation: int = 0
    _idle: list[Connection] = field(default_factory=list)
    _open: int = 0
    _opening: int = 0
    _outdated: set[int] = field(default_factory=set)
    _used: set[Connection] = field(default_factory=set)
    _waiters: "deque[asyncio.Future[Connection | None]]" = field(default_factory=deque)
    _session: Session | None = None
    _loan: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._addresses = addresses(self.dsn)

    @property
    def session(self) -> Session:
        """How to talk to this server: known once a connection was taken."""
        return self._session or _POOLED

    async def take(self) -> Connection:
        """Return a connection that nobody uses. Raises what asyncpg does, OSError, and Unavailable."""
        while True:
            connection = self._kept()
            if connection is None and self._open < self.most:
                connection = await self._opened()
            if connection is None:
                connection = self._kept() or await self._handed_over()
            if connection is not None:
                self._used.add(connection)
                return connection

    def give(self, connection: Connection) -> None:
        """Take back a connection."""
        if not connection.is_closed() and connection.is_in_transaction():
            connection.terminate()  # its end was not heard of
        if connection.is_closed() or id(connection) in self._outdated:
            self._used.discard(connection)
            self._drop(connection)
            self._hand(None)
        elif not self._hand(connection):
            self._used.discard(connection)
            self._idle.append(connection)

    @asynccontextmanager
    async def lending(self) -> AsyncIterator[None]:
        """Lend a connection for the length of the block, once nobody else has one lent. Raises Busy."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._loan.acquire()
        except TimeoutError as error:
            raise Busy(_BUSY) from error
        try:
            yield
        finally:
            self._loan.release()

    def renew(self) -> None:
        """Open every connection anew: what was known of the server no longer holds."""
        idle, self._idle = self._idle, []
        for connection in idle:
            self._drop(connection)
        self._outdated = {id(connection) for connection in self._used}

    def abandon(self) -> None:
        """End every connection, also those in use: who waits for one, or for an answer, is told that it was lost."""
        self.renew()
        for connection in self._used:
            connection.terminate()
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(asyncpg.ConnectionDoesNotExistError("its server was given up"))

    async def close(self) -> None:
        """Close every connection."""
        idle, self._idle = self._idle, []
        for connection in idle:
            try:
                await connection.close(timeout=_CLOSE_SECONDS)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                connection.terminate()
        for connection in self._used:
            connection.terminate()
        await asyncio.sleep(0)  # what was cut off is let go of in the next round of the loop

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._drop(connection)
        return None

    async def _opened(self) -> Connection | None:
        """Open one more connection; None where the server has no room, but we have others to wait for."""
        self._open += 1
        self._opening += 1
        try:
            if self._session is None:
                self._session = await self._recognize()
            return await self._connect(self._session)
        except BaseException as error:
            self._open -= 1
            if isinstance(error, asyncpg.TooManyConnectionsError) and self._open >= self._opening:
                return None  # and who waits does not try: there is no room
            self._hand(None)
            raise
        finally:
            self._opening -= 1

    async def _handed_over(self) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await waiter
        except TimeoutError as error:
            self._hand_on(waiter)
            raise Busy(_BUSY) from error
        except asyncio.CancelledError:
            self._hand_on(waiter)
            raise

    def _hand_on(self, waiter: "asyncio.Future[Connection | None]") -> None:
        """Give to the next what came for one who no longer waits."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self._hand(None)
            else:
                self.give(connection)

    def _hand(self, connection: Connection | None) -> bool:
        """Hand a connection, or the room for one, to who has waited longest; False where nobody waits."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _drop(self, connection: Connection) -> None:
        self._open -= 1
        self.generation += 1
        self._outdated.discard(id(connection))
        if not connection.is_closed():
            connection.terminate()

    async def _recognize(self) -> Session:
        """Find out whether a pooler in transaction mode stands between: then a session has more than one process."""
        connection = await self._connect(_POOLED)
        try:
            promised = connection.get_server_pid()
            async with connection.transaction():
                process = await connection.fetchval("SELECT pg_backend_pid()")
        finally:
            connection.terminate()
        return _DIRECT if process == promised else _POOLED

    async def _connect(self, session: Session) -> Connection:
        """Connect to the first server that will do, beginning with the one that did last."""
        return await first_that_will_do(self._addresses, lambda address: self._connect_to(address, session))

    async def _connect_to(self, address: str, session: Session) -> Connection:
        options: dict[str, Any] = {} if session.lasting else {"statement_cache_size": 0}
        connection: Connection = await asyncpg.connect(
            address,
            timeout=self.connect_seconds,
            command_timeout=self.seconds,
            max_cached_statement_lifetime=0,
            **options,
        )
        try:
            await hold_any_text(connection)
            if not self.follows:
                await _require_primary(connection)
            if session.lasting:
                await connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in _SESSION.items()))
        except BaseException:
            connection.terminate()
            raise
        return connection


async def _require_primary(connection: Connection) -> None:
    async with connection.transaction():  # behind a pooler only so does all of a question reach one server
        if await connection.fetchval("SELECT pg_is_in_recovery()"):
            raise asyncpg.TargetServerAttributeNotMatched("it is a standby")
