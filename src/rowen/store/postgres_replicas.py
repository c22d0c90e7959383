"""Replicas of a PostgreSQL server: hot standbys that answer what they are new enough for.

Owns which of them may be asked what, and leaving out those that do not answer. Must not know the tables, but for the
ledger by which a replica tells how far it has come. The promise: whoever reads sees all that was committed before,
by whichever node. What an organization's newest version is, the primary has just said with the key of the request;
a replica that has not reached it is passed over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final, TypeVar

import structlog

from rowen.interviews.errors import Unavailable
from rowen.store.engine import Copy, Parameters, Prepared, Row, Transaction
from rowen.store.postgres import PostgresEngine, PostgresReader
from rowen.store.postgres_pool import Busy, Connection, Pool
from rowen.store.postgres_use import use_once

Result = TypeVar("Result")
Version = tuple[int, int]

_READERS: Final = 4
_SCANNERS: Final = 2
_SECONDS: Final = 1.0  # a replica that hangs costs those who ask it first so much
_SCAN_SECONDS: Final = 15.0
_REST_SECONDS: Final = 0.02  # a replica that is behind is asked again after this
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 5.0
_MOST_KNOWN: Final = 20_000  # organizations of which it is remembered how far a replica has come

_LEDGER: Final = Prepared("SELECT revision, last_updated_at FROM organizations WHERE id = $1", ("organization",))
_ALIVE: Final = Prepared("SELECT 1", ())

_log = structlog.stdlib.get_logger("rowen.store")


class _Replica(PostgresReader):
    """One replica, as far as it can be trusted."""

    def __init__(self, dsn: str, number: int) -> None:
        reading = Pool(dsn, _READERS, _SECONDS, connect_seconds=_SECONDS, follows=True)
        scanning = Pool(dsn, _SCANNERS, _SCAN_SECONDS, connect_seconds=_SECONDS, follows=True, lender=reading)
        super().__init__(reading, scanning)
        self._number = number
        self._reached: dict[int, Version] = {}
        self._as_of = self.generation
        self._rests_until = 0.0
        self._returning: asyncio.Task[None] | None = None

    @property
    def generation(self) -> int:
        """What grows when a connection was lost: what was known of the server holds no longer."""
        return self._reading.generation + self._scanning.generation

    @property
    def is_asked(self) -> bool:
        """Tell whether it is worth asking now."""
        return self._returning is None and monotonic() >= self._rests_until

    async def reached(self, organization: int, version: Version) -> Version | None:
        """Return to which version of an organization it has come, if that far or further. Raises Unavailable."""
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
        """Run work that may take long on one snapshot, if it answers at all. Raises Unavailable."""
        await self.row(_ALIVE, {})
        return await super().read(work)

    def leave_out(self, reason: str) -> None:
        """Ask it nothing more until it answers again; those who still wait for an answer ask elsewhere."""
        if self._returning is None:
            self._reading.abandon()
            self._scanning.abandon()
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

    async def _use(self, pool: Pool, use: Callable[[Connection], Awaitable[Result]]) -> Result:
        return await use_once(pool, use)  # after a crash it may have fallen back: whoever asks is to look anew

    async def close(self) -> None:
        """Let go of the server."""
        if self._returning is not None:
            self._returning.cancel()
        await super().close()


class ReplicatedEngine(PostgresEngine):
    """The `Engine` on a PostgreSQL server and those that follow it."""

    def __init__(self, dsn: str, name: str, replicas: Sequence[str]) -> None:
        super().__init__(dsn, name)
        self._replicas = [_Replica(each, number) for number, each in enumerate(replicas, 1)]
        self._turn = 0

    def at(self, organization: int, version: Version) -> Copy:
        """Return where an organization can be read as of a version or newer."""
        return _Choice(self, organization, version)

    async def choose(self, organization: int, version: Version) -> _Replica | None:
        """Return a replica that has reached a version of an organization, each in turn; None where none has."""
        self._turn += 1
        for step in range(len(self._replicas)):
            replica = self._replicas[(self._turn + step) % len(self._replicas)]
            if not replica.is_asked:
                continue
            try:
                known = await replica.reached(organization, version)
            except Busy:
                continue
            except Unavailable as error:
                replica.leave_out(error.message)
                continue
            if known is not None and await self._is_ours(organization, version, known):
                return replica
        return None

    async def _is_ours(self, organization: int, version: Version, known: Version) -> bool:
        """Tell whether a version that a replica has come to is of the primary's history, not one given up.

        A revision alone does not tell: in the history that was given up there was one of that number, too.
        """
        if known[0] == version[0]:
            return known == version
        newest = await self.row(_LEDGER, {"organization": organization})  # there was a commit since we asked last
        return newest is not None and (newest[0], newest[1]) == known

    async def close(self) -> None:
        """Finish what is being written and let go of all servers."""
        for replica in self._replicas:
            await replica.close()
        await super().close()


class _Choice:
    """The `Copy` that answers the questions of one request: a replica, or the primary where none will do."""

    def __init__(self, engine: ReplicatedEngine, organization: int, version: Version) -> None:
        self._engine = engine
        self._of = (organization, version)
        self._replica: _Replica | None = None
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
            except Busy:
                pass
            except Unavailable as error:
                replica.leave_out(error.message)
            self._replica = None
        return await question(self._engine)
