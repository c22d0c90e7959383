"""Group commit: units of work that arrive during a commit share the next transaction.

Owns the queue of a process's only writing connection, and the results of its units. Must not know pragmas or a table. A
unit that fails is rolled back alone; none succeeds before its commit is on disk.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import suppress
from threading import Lock
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

from rowen.interviews.errors import Unavailable
from rowen.store.engines.base import Transaction

Result = TypeVar("Result")
Work = Callable[[Transaction], Awaitable[Any]]

LARGEST_GROUP: Final = 64  # units in one transaction: the first of them waits for the last


class _Pending(NamedTuple):
    work: Work
    result: "asyncio.Future[Any]"


class _Outcome(NamedTuple):
    result: Any
    error: BaseException | None = None


class Safety(Protocol):
    """Whether a commit survives a crash: SQLite does not notice that its files were removed."""

    def is_sound(self) -> bool:
        """Return whether a commit made now can be read back after a crash."""
        ...

    def recover(self) -> None:
        """Restore that, and let the connection be reopened. Raises Unavailable."""
        ...

    def confirm(self) -> None:
        """Return when the last commit survives a crash. Raises Unavailable if that is not certain."""
        ...


class GroupWriter:
    """Runs units of work on one connection, on one thread, in groups.

    `connect` returns the open connection, `transaction` wraps it for the units; `unavailable` returns what a database
    error means, or raises it if it is our own mistake. No unit is acknowledged before `safety` confirms it.
    """

    def __init__(
        self,
        executor: Executor,
        connect: Callable[[], sqlite3.Connection],
        transaction: Callable[[sqlite3.Connection], Transaction],
        unavailable: Callable[[sqlite3.Error], Unavailable],
        safety: Safety,
    ) -> None:
        self._executor = executor
        self._connect = connect
        self._transaction = transaction
        self._unavailable = unavailable
        self._safety = safety
        self._queue: deque[_Pending] = deque()
        self._lock = Lock()
        self._running = False

    async def write(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run a unit in a durable transaction, even if the caller is cancelled."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Result] = loop.create_future()
        with self._lock:
            self._queue.append(_Pending(work, result))
            starts, self._running = not self._running, True
        if starts:
            self._executor.submit(self._run)
        return await result

    def _run(self) -> None:
        """Empty the queue, group by group."""
        while group := self._next_group():
            results = [each.result for each in group]
            outcomes = self._commit(group)
            for loop in {each.get_loop() for each in results}:  # waking a loop costs as much as a statement: once
                with suppress(RuntimeError):  # the loop has ended, and nobody waits there any more
                    loop.call_soon_threadsafe(_resolve, loop, results, outcomes)

    def _next_group(self) -> list[_Pending]:
        with self._lock:
            group = [self._queue.popleft() for _ in range(min(len(self._queue), LARGEST_GROUP))]
            self._running = bool(group)
        return group

    def _commit(self, group: list[_Pending]) -> list[_Outcome]:
        try:
            connection = self._begun()
            try:
                outcomes = [self._carry_out(connection, each.work, alone=len(group) == 1) for each in group]
                commits = any(each.error is None for each in outcomes)
                connection.execute("COMMIT" if commits else "ROLLBACK")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            if commits:
                self._safety.confirm()
        except sqlite3.Error as error:
            return [_Outcome(None, self._explained(error)) for _ in group]
        except Exception as error:  # any error: the thread must go on, or every later write would wait for ever
            return [_Outcome(None, error) for _ in group]
        return outcomes

    def _begun(self) -> sqlite3.Connection:
        """Return the connection within a transaction that can be made durable."""
        connection = self._connect()
        connection.execute("BEGIN IMMEDIATE")
        # With the lock held no other process can recover and go on in other files before the commit.
        if not self._safety.is_sound():
            connection.execute("ROLLBACK")
            self._safety.recover()
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
        return connection

    def _carry_out(self, connection: sqlite3.Connection, work: Work, *, alone: bool) -> _Outcome:
        """Run one unit; its failure rolls back only itself, except for database faults, which roll back the group."""
        if not alone:
            connection.execute("SAVEPOINT unit")
        try:
            outcome = _Outcome(finish(work(self._transaction(connection))))
        except sqlite3.Error as error:
            if not isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise
            outcome = _Outcome(None, error)
        except Exception as error:  # any error belongs to the unit's caller
            outcome = _Outcome(None, error)
        if not alone:
            if outcome.error is not None:
                connection.execute("ROLLBACK TO unit")
            connection.execute("RELEASE unit")
        return outcome

    def _explained(self, error: sqlite3.Error) -> Exception:
        try:
            return self._unavailable(error)
        except sqlite3.Error as ours:
            return ours


def _resolve(loop: asyncio.AbstractEventLoop, results: "list[asyncio.Future[Any]]", outcomes: list[_Outcome]) -> None:
    """Deliver the outcomes of their units to the callers on one loop."""
    for each, outcome in zip(results, outcomes, strict=True):
        if each.get_loop() is not loop or each.cancelled():
            continue
        if outcome.error is None:
            each.set_result(outcome.result)
        else:
            each.set_exception(outcome.error)


def finish(work: Awaitable[Result]) -> Result:
    """Drive a unit of work to its end: on SQLite its statements never wait, so one step is enough."""
    try:
        cast(Coroutine[Any, Any, Result], work).send(None)
    except StopIteration as stop:
        return cast(Result, stop.value)
    raise RuntimeError("a unit of work may await nothing but its transaction")
