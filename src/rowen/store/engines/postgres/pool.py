"""Connections to one PostgreSQL server: opened on demand, reused, and closed when they are of no more use.

Owns how many there are, and who waits for one. Must not know a statement beyond those that set up a session. It is our
own for its behaviour at the server's limit: where the server refuses another connection, callers wait for one of those
that are open, or use one of another pool; asyncpg's pool fails them. It is also the faster: see docs/decisions/0026.
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
from rowen.store.engines.postgres.address import connect, database_name
from rowen.store.engines.postgres.text_codec import hold_any_text

Connection = asyncpg.Connection

IDLE_SECONDS: Final = 6
"""How long a transaction may idle, in seconds: one of a node that hangs is ended, and its organization released."""

LOCK_SECONDS: Final = 10
"""How long a transaction waits for an organization, in seconds: longer than one that hangs can hold it."""

_CLOSE_SECONDS: Final = 3.0
PATIENCE_SECONDS: Final = 10.0
_BUSY: Final = "every connection to the database has been busy for too long"
APPLICATION: Final = "rowen"
"""The application name of our sessions, for people, and for nodes that look for one that hangs."""

SESSION_SETTINGS: Final[Mapping[str, str]] = {
    "application_name": APPLICATION,
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
    "jit": "off",  # no statement here runs long enough to be worth JIT compilation
    # Each statement here has one good plan, by an index, whatever its parameters. Planning it once saves half the time
    # of a short one (docs/decisions/0021), and works while tables are empty or their statistics old.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
}


class ServerBusyError(Unavailable):
    """The server works, but this statement has to be run elsewhere, or later."""


class SessionProperties(NamedTuple):
    """The properties of a session.

    `begin` opens a transaction. `lasting` means that the next statement reaches the same session: not behind a pooler
    in transaction mode, where nothing may be prepared for later.
    """

    begin: str
    lasting: bool


_DIRECT: Final = SessionProperties("BEGIN", True)
_POOLED: Final = SessionProperties(
    "; ".join(["BEGIN", *(f"SET LOCAL {name} = '{value}'" for name, value in SESSION_SETTINGS.items())]), False
)


def addresses(dsn: str) -> list[str]:
    """Return the addresses of the servers that an address names, in its order."""
    parts = urlsplit(dsn)
    user, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in hosts.split(",")]


async def connect_to_first(places: list[str], connect: Callable[[str], Awaitable[Connection]]) -> Connection:
    """Connect to the first suitable server, and move it to the front of the list. Raises what connecting does.

    The servers are tried one after the other, each with its own timeout: in asyncpg a dead one can use up the time of
    all.
    """
    failure: Exception | None = None
    for address in tuple(places):
        try:
            connection = await connect(address)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError) as error:
            failure = failure or error
        except asyncpg.TargetServerAttributeNotMatched:
            pass  # it is there, but not the primary: the errors of the others are more useful
        except (asyncpg.SyntaxOrAccessError, asyncpg.DataError) as error:  # an option that the server does not know
            raise Unavailable(f"database {database_name(address)}: {error}") from error
        else:
            places.remove(address)
            places.insert(0, address)
            return connection
    raise failure or Unavailable(
        f"database {', '.join(map(database_name, places))}: none of its servers is the primary"
    )


@dataclass
class ConnectionPool:
    """Up to `max_size` connections to the server of an address; `seconds` bounds each statement.

    With `accepts_standby` the server may be a standby, otherwise it must be the primary: a standby may be behind.
    `fallback_pool` is a pool of the same server. While the server refuses connections and this pool has none, callers
    use a connection of that pool, one caller at a time, so that its own callers are served as well.
    `generation` grows when a connection was lost: another server may answer afterwards, or the same after a crash.
    """

    dsn: str
    max_size: int
    seconds: float
    connect_seconds: float = 3.0
    accepts_standby: bool = False
    fallback_pool: "ConnectionPool | None" = None
    generation: int = 0
    _idle: list[Connection] = field(default_factory=list)
    _size: int = 0
    _opening: int = 0
    _expired: set[int] = field(default_factory=set)
    _in_use: set[Connection] = field(default_factory=set)
    _waiters: "deque[asyncio.Future[Connection | None]]" = field(default_factory=deque)
    _session: SessionProperties | None = None
    _fallback_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_closed: bool = False

    def __post_init__(self) -> None:
        self._addresses = addresses(self.dsn)
        self.name = database_name(self.dsn)

    @property
    def session(self) -> SessionProperties:
        """The properties of its sessions, known after the first `acquire`."""
        return self._session or _POOLED

    @property
    def size(self) -> int:
        """How many connections it has, those being opened included."""
        return self._size

    @property
    def waiting(self) -> int:
        """How many callers wait for a connection, with those that gave up since the last one was offered."""
        return len(self._waiters)

    async def acquire(self) -> Connection:
        """Return a connection that nobody uses. Raises what asyncpg raises, OSError, and Unavailable."""
        while True:
            connection = self._pop_idle()
            if connection is None and self._size < self.max_size:
                connection = await self._open()
            if connection is None:
                connection = self._pop_idle() or await self._wait()
            if connection is not None:
                self._in_use.add(connection)
                return connection

    def release(self, connection: Connection) -> None:
        """Return a connection to the pool."""
        if not connection.is_closed() and connection.is_in_transaction():
            connection.terminate()  # the state of its transaction is unknown
        if connection.is_closed() or self._is_closed or id(connection) in self._expired:
            self._in_use.discard(connection)
            self._discard(connection)
            self._offer(None)
        elif not self._offer(connection):
            self._in_use.discard(connection)
            self._idle.append(connection)

    @asynccontextmanager
    async def reserve_fallback(self) -> AsyncIterator[None]:
        """Let callers of another pool use this one, for the duration of the block, one at a time. Raises BusyError."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._fallback_lock.acquire()
        except TimeoutError as error:
            raise ServerBusyError(_BUSY) from error
        try:
            yield
        finally:
            self._fallback_lock.release()

    def expire(self) -> None:
        """Replace every connection, those in use when they are released: another server may answer by now."""
        idle, self._idle = self._idle, []
        for connection in idle:
            self._discard(connection)
        self._expired = {id(connection) for connection in self._in_use}

    def terminate(self) -> None:
        """Terminate every connection, even those in use: callers waiting for one or for a result get an error."""
        self.expire()
        for connection in self._in_use:
            connection.terminate()
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(asyncpg.ConnectionDoesNotExistError("its server was given up"))

    async def close(self) -> None:
        """Close every connection, those that are still being opened once they are released."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for connection in idle:
            try:
                await connection.close(timeout=_CLOSE_SECONDS)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                connection.terminate()
        for connection in self._in_use:
            connection.terminate()
        await asyncio.sleep(0)  # terminated transports are closed in the next iteration of the loop

    def _pop_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._discard(connection)
        return None

    async def _open(self) -> Connection | None:
        """Open one more connection; None if the server accepts no more, but there are others to wait for."""
        self._size += 1
        self._opening += 1
        try:
            if self._session is None:
                self._session = await self._detect_session()
            return await self.connect(self._session)
        except BaseException as error:
            self._size -= 1
            if isinstance(error, asyncpg.TooManyConnectionsError) and self._size >= self._opening:
                return None  # waiting callers do not try either: the server accepts no more
            self._offer(None)
            raise
        finally:
            self._opening -= 1

    async def _wait(self) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await waiter
        except TimeoutError as error:
            self._forward(waiter)
            raise ServerBusyError(_BUSY) from error
        except asyncio.CancelledError:
            self._forward(waiter)
            raise

    def _forward(self, waiter: "asyncio.Future[Connection | None]") -> None:
        """Offer to the next waiter what this one got after it had stopped waiting."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self._offer(None)
            else:
                self.release(connection)

    def _offer(self, connection: Connection | None) -> bool:
        """Give a connection, or the right to open one, to the caller that has waited longest; False if none waits."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _discard(self, connection: Connection) -> None:
        self._size -= 1
        self.generation += 1
        self._expired.discard(id(connection))
        if not connection.is_closed():
            connection.terminate()

    async def _detect_session(self) -> SessionProperties:
        """Detect a pooler in transaction mode: a session behind one uses several server processes."""
        connection = await self.connect(_POOLED)
        try:
            promised = connection.get_server_pid()
            async with connection.transaction():
                process = await connection.fetchval("SELECT pg_backend_pid()")
        finally:
            connection.terminate()
        return _DIRECT if process == promised else _POOLED

    async def connect(self, session: SessionProperties) -> Connection:
        """Connect to the first suitable server, beginning with the one used last."""
        return await connect_to_first(self._addresses, lambda address: self._connect_to(address, session))

    async def _connect_to(self, address: str, session: SessionProperties) -> Connection:
        options: dict[str, Any] = {} if session.lasting else {"statement_cache_size": 0}
        connection: Connection = await connect(
            address,
            self.connect_seconds,
            command_timeout=self.seconds,
            max_cached_statement_lifetime=0,
            **options,
        )
        try:
            await hold_any_text(connection)
            if not self.accepts_standby:
                await _require_primary(connection)
            if session.lasting:
                await connection.execute(
                    "; ".join(f"SET {name} = '{value}'" for name, value in SESSION_SETTINGS.items())
                )
        except BaseException:
            connection.terminate()
            raise
        return connection


async def _require_primary(connection: Connection) -> None:
    async with connection.transaction():  # behind a pooler only a transaction keeps all parts of a query on one server
        if await connection.fetchval("SELECT pg_is_in_recovery()"):
            raise asyncpg.TargetServerAttributeNotMatched("it is a standby")
