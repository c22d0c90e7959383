"""Replicas of a PostgreSQL server: hot standbys that answer queries for which they are new enough.

Owns the choice of a replica, and leaving out those that do not respond. Must not know the tables, except the ledger,
which shows how far a replica has come. The promise: a reader sees everything that was committed before through any
node. The primary has just returned an organization's newest version with the key of the request; a replica that has not
reached it is skipped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final, TypeVar

import structlog

from rowen.app.organizations import Version
from rowen.interviews.errors import Unavailable
from rowen.store.engines.base import Parameters, Prepared, ReadTarget, Row, Transaction
from rowen.store.engines.postgres.engine import PostgresEngine, PostgresReader
from rowen.store.engines.postgres.pool import Connection, ConnectionPool, ServerBusyError
from rowen.store.engines.postgres.sessions import once

Result = TypeVar("Result")

_READERS: Final = 4
_SCANNERS: Final = 2
_SECONDS: Final = 1.0  # how much a replica that hangs costs the requests that first query it
SCAN_SECONDS: Final = 15.0
_REST_SECONDS: Final = 0.02  # a replica that lags is tried again after this
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 5.0
_MOST_KNOWN: Final = 20_000  # organizations for which a replica's progress is cached

_LEDGER: Final = Prepared("SELECT revision, last_updated_at FROM organizations WHERE id = $1", ("organization",))
_ALIVE: Final = Prepared("SELECT 1", ())

_log = structlog.stdlib.get_logger("rowen.store")


class Replica(PostgresReader):
    """One replica, and how far it can be trusted."""

    def __init__(self, dsn: str, number: int) -> None:
        reading = ConnectionPool(dsn, _READERS, _SECONDS, connect_seconds=_SECONDS, accepts_standby=True)
        scanning = ConnectionPool(
            dsn, _SCANNERS, SCAN_SECONDS, connect_seconds=_SECONDS, accepts_standby=True, fallback_pool=reading
        )
        super().__init__(reading, scanning)
        self._number = number
        self._reached: dict[int, Version] = {}
        self._as_of = self.generation
        self._rests_until = 0.0
        self._returning: asyncio.Task[None] | None = None

    @property
    def generation(self) -> int:
        """Grows when a connection was lost: what was known about the server is no longer valid."""
        return self._reading.generation + self._scanning.generation

    @property
    def is_asked(self) -> bool:
        """Return whether it may be queried now."""
        return self._returning is None and monotonic() >= self._rests_until

    async def reached(self, organization: int, version: Version) -> Version | None:
        """Return the version of an organization that it has reached, if that is far enough. Raises Unavailable."""
        if self._as_of != self.generation:
            self._reached.clear()
            self._as_of = self.generation
        known = self._reached.get(organization)
        if known is None or known[0] < version[0]:
            row = await self.row(_LEDGER, {"organization": organization})
            if row is None:
                return None
            known = (row[0], row[1])
            if len(self._reached) >= _MOST_KNOWN:
                self._reached.clear()
            self._reached[organization] = known
        if known[0] < version[0]:
            self._rests_until = monotonic() + _REST_SECONDS
            return None
        return known

    async def read(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run work that may take long on one snapshot, if the replica responds. Raises Unavailable."""
        await self.row(_ALIVE, {})
        return await super().read(work)

    def leave_out(self, reason: str) -> None:
        """Stop using it until it responds again; queries that wait for it are sent elsewhere."""
        if self._returning is None:
            self._reading.terminate()
            self._scanning.terminate()
            _log.warning("replica left out", replica=self._number, reason=reason)
            self._returning = asyncio.create_task(self._return(), name=f"replica {self._number}: returning")

    async def _return(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            await asyncio.sleep(pause)
            try:
                await self.row(_ALIVE, {})
            except Unavailable:
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                _log.info("replica is back", replica=self._number)
                self._returning = None
                return

    async def _use(self, pool: ConnectionPool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
        return await once(pool, use)  # after a crash it may have fallen back: its progress is checked again

    async def close(self) -> None:
        """Close the connections."""
        if self._returning is not None:
            self._returning.cancel()
        await super().close()


class ReplicatedEngine(PostgresEngine):
    """The `Engine` on a PostgreSQL server and its `replicas`."""

    def __init__(self, dsn: str, name: str, replicas: Sequence[str]) -> None:
        super().__init__(dsn, name)
        self.replicas = [Replica(each, number) for number, each in enumerate(replicas, 1)]
        self._turn = 0

    def reader_for(self, organization: int, version: Version) -> ReadTarget:
        """Return a copy that has an organization as of a version or newer."""
        return _ReplicaChoice(self, organization, version)

    async def choose(self, organization: int, version: Version) -> Replica | None:
        """Return a replica that has reached a version of an organization, in turn, or None."""
        self._turn += 1
        for step in range(len(self.replicas)):
            replica = self.replicas[(self._turn + step) % len(self.replicas)]
            if not replica.is_asked:
                continue
            try:
                known = await replica.reached(organization, version)
            except ServerBusyError:
                continue
            except Unavailable as error:
                replica.leave_out(error.message)
                continue
            if known is not None and await self._is_ours(organization, version, known):
                return replica
        return None

    async def _is_ours(self, organization: int, version: Version, known: Version) -> bool:
        """Return whether a replica's version belongs to the primary's history, not to one abandoned by a failover.

        A revision alone is not enough: the abandoned history has one with that number, too.
        """
        if known[0] == version[0]:
            return known == version
        newest = await self.row(_LEDGER, {"organization": organization})  # there was a commit since the last query
        return newest is not None and (newest[0], newest[1]) == known

    async def close(self) -> None:
        """Finish pending writes and close all connections."""
        for replica in self.replicas:
            await replica.close()
        await super().close()


class _ReplicaChoice:
    """The `ReadTarget` for the queries of one request: a replica, or the primary if none is suitable."""

    def __init__(self, engine: ReplicatedEngine, organization: int, version: Version) -> None:
        self._engine = engine
        self._of = (organization, version)
        self._replica: Replica | None = None
        self._is_chosen = False

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        """Run one short reading statement and return its first row."""
        return await self._ask(lambda reader: reader.row(statement, parameters))

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        """Run one short reading statement and return its rows."""
        return await self._ask(lambda reader: reader.rows(statement, parameters))

    async def read(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run work that may take long on one snapshot."""
        return await self._ask(lambda reader: reader.read(work))

    async def _ask(self, question: Callable[[PostgresReader], Awaitable[Result]]) -> Result:
        if not self._is_chosen:
            self._replica = await self._engine.choose(*self._of)
            self._is_chosen = True
        replica = self._replica
        if replica is not None:
            generation = replica.generation
            try:
                answer = await question(replica)
                if replica.generation == generation:
                    return answer
            except ServerBusyError:
                pass
            except Unavailable as error:
                replica.leave_out(error.message)
            self._replica = None
        return await question(self._engine)
