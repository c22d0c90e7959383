"""The connections of this process: the memory that each key uses, and the peers that exceed their time.

Owns the limits that protect the server from its peers, and closes connections that exceed them. Must not know what is
requested. docs/reference/limits.md lists the numbers.

The HTTP server takes a whole response from the application at once and keeps the part that the peer has not read. Its
size follows from two numbers: the bytes handed over on a connection, and the bytes that the kernel saw acknowledged.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import structlog
from starlette.types import Scope

from rowen.app.keys import Identity
from rowen.http.sockets import Peer, Sockets, SocketState
from rowen.interviews.errors import Code, Refusal
from rowen.settings import DEFAULT_CONNECTIONS

MEBIBYTE: Final = 2**20
_PASS_SECONDS: Final = 1.0
_SLICE: Final = 100  # connections checked before requests get a turn
_WAIT_SECONDS: Final = 0.05  # between two checks of a request that waits for room
_SHARE: Final = 20  # the supervisor rests this many times as long as it works

Report = Callable[[int, Mapping[str, int]], None]
"""Called after each pass with the number of open connections, and of closed ones by reason."""

_log = structlog.stdlib.get_logger("rowen.http")

Owner = tuple[int, int] | str
"""The ids of an organization and of one of its identities; without one, the address of the peer."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of what peers may use of one process: counts, seconds and bytes."""

    connections: int = DEFAULT_CONNECTIONS
    streams: int = 64  # of one HTTP/2 connection
    first_request_seconds: float = 10.0  # from connecting to a complete request head, TLS included
    idle_seconds: float = 75.0  # between requests
    stalled_seconds: float = 20.0  # without reading the response
    bytes_per_key: int = 16 * MEBIBYTE  # unread responses, and request bodies being read
    bytes_per_process: int = 128 * MEBIBYTE
    followers_per_key: int = 256
    room_seconds: float = 5.0  # how long a request waits while its key has too much to read
    waiting_per_key: int = 512


class MemoryAccount:
    """The memory that one key, or one address without a key, uses in this process.

    `load` counts bytes: responses that were not read, responses that wait to be sent, and bodies of requests.
    """

    __slots__ = ("connections", "followers", "held", "load", "measurable_from", "owner", "process", "waiting")

    def __init__(self, owner: Owner = "", process: "MemoryAccount | None" = None) -> None:
        self.owner = owner
        self.process = process or self
        self.connections: set[Connection] = set()
        self.followers = 0
        self.load = 0
        self.held = 0  # the part of the load that waits until other responses are read
        self.waiting = 0  # requests that wait for other responses to be read
        self.measurable_from = 0.0

    def add(self, size: int) -> None:
        """Count bytes; a negative size for bytes that were released."""
        self.load += size
        self.process.load += size

    @contextmanager
    def wait(self, size: int) -> Iterator[None]:
        """Count a request that waits, with a response of `size` bytes, until the end of the block."""
        self.waiting += 1
        self._hold(size)
        try:
            yield
        finally:
            self.waiting -= 1
            self._hold(-size)

    @contextmanager
    def receive(self) -> Iterator[Callable[[int], None]]:
        """Count the bytes of a request's body, passed to the yielded function, until the end of the block."""
        counted = 0

        def count(size: int) -> None:
            nonlocal counted
            counted += size
            self.add(size)

        try:
            yield count
        finally:
            self.add(-counted)

    def _hold(self, size: int) -> None:
        self.add(size)
        self.held += size
        self.process.held += size


class Connection:
    """One connection. Its bytes are charged to the key that last used it."""

    __slots__ = (
        *("account", "acked", "active", "begun", "bodies", "control", "http2", "idle_since", "moved", "peer"),
        *("received", "served", "unsent"),
    )

    def __init__(self, peer: Peer, account: MemoryAccount, now: float) -> None:
        self.peer = peer
        self.account = account
        self.active = 0  # requests in progress
        self.served = False  # whether there was any request
        self.http2 = False
        self.unsent = 0  # bytes handed to the HTTP server and, as far as is known, not read by the peer
        self.acked = self.received = 0  # the kernel's counters at the last look
        self.bodies = 0  # bytes of request bodies since then
        self.control = 0  # bytes of HTTP/2 frames that demand an answer, such as PING, and have none yet
        self.begun = self.idle_since = self.moved = now
        account.connections.add(self)

    def hand(self, size: int) -> None:
        """Count bytes of a response that was handed to the HTTP server."""
        self.unsent += size
        account = self.account  # account.add inlined: every response pays for this
        account.load += size
        account.process.load += size

    def charge(self, account: MemoryAccount) -> None:
        """Charge this connection to another account."""
        self.account.connections.discard(self)
        self.account.add(-self.unsent)
        self.account = account
        account.connections.add(self)
        account.add(self.unsent)

    def update(self, state: SocketState, now: float) -> None:
        """Update the counts from the kernel's counters."""
        gained, left = state.acked - self.acked, self.unsent
        if gained < 0:
            left = self.control = 0  # another connection of the same port
        elif self.http2:
            # Answers to PING are acknowledged, too. They are no longer than the frames they answer.
            control = max(0, self.control + state.received - self.received - self.bodies)
            self.control, gained = max(0, control - gained), max(0, gained - control)
        self.acked, self.received, self.bodies = state.acked, state.received, 0
        if gained > 0:
            self.moved = now
            left = max(0, left - gained)
        if not state.queued and not self.http2:
            left = 0  # HTTP/2 may hold back bytes that exceed the peer's window
        if left != self.unsent:
            self.account.add(left - self.unsent)
            self.unsent = left
        if not left and not state.queued:
            self.moved = now


class Connections:
    """The connections of a process that listens on a port."""

    def __init__(
        self,
        limits: ConnectionLimits,
        sockets: Sockets | None,
        report: Report,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """Supervise the accepted `sockets`; with None, as on systems that do not show them, no limit is enforced."""
        self.limits = limits
        self._sockets = sockets
        self._report = report
        self._clock = clock
        self._passed = 0.0  # when the last pass began
        self._process = MemoryAccount()
        self._accounts: dict[Owner, MemoryAccount] = {}
        self._by_peer: dict[Peer, Connection] = {}

    def begin(self, scope: Scope) -> Connection:
        """Return the connection of a request that has just arrived. Call `end` after its response."""
        peer = scope["client"]
        connection = self._by_peer.get(peer)
        if connection is None:
            connection = self._add(peer, self._clock())
        connection.served = True
        connection.http2 = scope["http_version"] == "2"  # each time: an earlier connection may have had the same port
        connection.active += 1
        return connection

    def end(self, connection: Connection, now: float) -> None:
        """Record the end of a request; `now` is by the clock of these connections."""
        connection.active -= 1
        connection.idle_since = now
        if self._sockets is None:
            self._forget(connection)

    def charge(self, connection: Connection, identity: Identity) -> None:
        """Charge a connection to the key of its current request."""
        owner = (identity.organization.id, identity.id)
        if connection.account.owner != owner:
            before = connection.account
            connection.charge(self._account(owner))
            self._drop_if_unused(before)

    def crowded(self, connection: Connection) -> bool:
        """Return whether a request on a connection may have to wait for room: a quick check that is enough for most."""
        account = connection.account
        return account.load > self.limits.bytes_per_key or account.process.load > self.limits.bytes_per_process

    def admit(self, connection: Connection) -> None:
        """Let a key continue while it reads its responses. Raises Refusal (unread, overloaded)."""
        code = self._excess_of(connection.account, with_held=False)
        if code is not None:
            raise Refusal(code)

    async def room(self, connection: Connection, size: int = 0) -> None:
        """Wait until a key has read enough to get more; `size` is that of a response which is ready.

        A client that reads steadily waits for moments only. Raises Refusal (unread, overloaded) for one that does not.
        """
        account, limits = connection.account, self.limits
        code = self._excess_of(account, with_held=not size)
        if code is None:
            return
        ends = self._clock() + limits.room_seconds
        if (
            account.waiting >= limits.waiting_per_key
            or account.held + size > limits.bytes_per_key
            or self._process.held + size > limits.bytes_per_process
        ):
            raise Refusal(code)
        with account.wait(size):
            while code is not None:
                if self._clock() > ends:
                    raise Refusal(code)
                await asyncio.sleep(_WAIT_SECONDS)
                code = self._excess_of(account, with_held=not size)

    def _excess_of(self, account: MemoryAccount, *, with_held: bool) -> Code | None:
        """Return the limit that an account exceeds, if any. Waiting responses do not count against each other."""
        for each, limit, code in (
            (account, self.limits.bytes_per_key, Code.UNREAD),
            (self._process, self.limits.bytes_per_process, Code.OVERLOADED),
        ):
            for measured in (False, True):
                if each.load - (0 if with_held else each.held) <= limit:
                    break
                if measured:
                    return code
                self._measure(each)
        return None

    @contextmanager
    def following(self, connection: Connection) -> Iterator[None]:
        """Count a live follower of the key until the end of the block. Raises Refusal (too many followers)."""
        account = connection.account
        if account.followers >= self.limits.followers_per_key:
            raise Refusal(Code.TOO_MANY_FOLLOWERS)
        account.followers += 1
        try:
            yield
        finally:
            account.followers -= 1

    async def supervise(self) -> None:
        """Close connections that exceed a limit, until cancelled."""
        while self._sockets is not None:
            started = self._clock()
            await self.check_all(self._sockets, started)
            await asyncio.sleep(max(_PASS_SECONDS, min(_SHARE * (self._clock() - started), 5 * _PASS_SECONDS)))

    async def check_all(self, sockets: Sockets, started: float) -> None:
        """Check every connection once, some at a time; `started` is the time by the clock of these connections."""
        closed: Counter[str] = Counter()
        seen = []
        self._discover(sockets, started)
        for number, connection in enumerate(list(self._by_peer.values()), 1):
            if number % _SLICE == 0:
                await asyncio.sleep(0)
            now = self._clock()
            state = sockets.read(connection.peer)
            if state is not None:
                seen.append(connection)
                connection.update(state, now)
                reason = self._excess(connection, state, now)
                if reason:
                    closed[reason] += 1
                    sockets.close(connection.peer)
            elif not connection.active and connection.idle_since < self._passed:
                # A newer connection may have the descriptor of a closed one, and is found only in the next pass.
                self._forget(connection)
        for connection in self._surplus(seen):
            closed["surplus"] += 1
            sockets.close(connection.peer)
        self._passed = started
        self._report(len(seen), closed)
        if closed["stalled"] or closed["surplus"]:
            _log.warning("connections closed", **closed)

    def _excess(self, connection: Connection, state: SocketState, now: float) -> str:
        """Return the limit that a connection exceeds, or empty text."""
        limits = self.limits
        if connection.unsent or state.queued:
            return "stalled" if now - connection.moved > limits.stalled_seconds else ""
        if connection.active:
            return ""
        if not connection.served:
            return "silent" if now - connection.begun > limits.first_request_seconds else ""
        return "idle" if now - connection.idle_since > limits.idle_seconds else ""

    def _surplus(self, opened: list[Connection]) -> list[Connection]:
        """Return the connections that have been idle longest, if the limit of connections is near."""
        most = self.limits.connections
        if len(opened) <= most * 7 // 8:
            return []
        idle = sorted((each for each in opened if not each.active), key=lambda each: each.idle_since)
        return idle[: len(opened) - most * 3 // 4]

    def _measure(self, account: MemoryAccount) -> None:
        """Update the unread bytes of an account from the kernel, unless that was done just now."""
        started = self._clock()
        if self._sockets is None or started < account.measurable_from:
            return
        connections = self._by_peer.values() if account is self._process else account.connections
        missing = self._update(self._sockets, list(connections), started)
        if missing:
            # After the update: descriptors of closed connections may be in use again.
            self._discover(self._sockets, started)
            for connection in self._update(self._sockets, missing, started):
                if not connection.active:
                    self._forget(connection)  # closed
        account.measurable_from = started + (_SHARE + 1) * (self._clock() - started)

    def _update(self, sockets: Sockets, connections: Iterable[Connection], now: float) -> list[Connection]:
        """Update connections from the kernel; return those that it no longer has."""
        missing = []
        for connection in connections:
            state = sockets.read(connection.peer)
            if state is None:
                missing.append(connection)
            else:
                connection.update(state, now)
        return missing

    def _discover(self, sockets: Sockets, now: float) -> None:
        for peer in sockets.discover():
            connection = self._by_peer.get(peer)
            if connection is None:
                self._add(peer, now)
            elif not connection.active:  # possibly an earlier connection of the same port
                connection.begun = connection.idle_since = connection.moved = now

    def _add(self, peer: Peer, now: float) -> Connection:
        connection = self._by_peer[peer] = Connection(peer, self._account(peer[0]), now)
        return connection

    def _account(self, owner: Owner) -> MemoryAccount:
        account = self._accounts.get(owner)
        if account is None:
            account = self._accounts[owner] = MemoryAccount(owner, self._process)
        return account

    def _drop_if_unused(self, account: MemoryAccount) -> None:
        if not account.connections and not account.load:
            self._accounts.pop(account.owner, None)

    def _forget(self, connection: Connection) -> None:
        """Forget a closed connection."""
        account = connection.account
        account.add(-connection.unsent)
        account.connections.discard(connection)
        if self._by_peer.get(connection.peer) is connection:
            del self._by_peer[connection.peer]
        self._drop_if_unused(account)
