"""Group commit: units of work that arrive while one is made durable share the next transaction.

Owns the queue of the one writing connection of a process, and what each unit's caller is told. Must not know
pragmas or a table. A unit that fails is undone alone; none is told of its success before the disk has it.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import suppress
from threading import Lock
from typing import Any, Final, NamedTuple, TypeVar, cast

from rowen.interviews.errors import Unavailable
from rowen.store.engine import Transaction

Result = TypeVar("Result")
Work = Callable[[Transaction], Awaitable[Any]]

_MOST: Final = 64  # units in one transaction: the first of them waits for the last


class _Pending(NamedTuple):
    work: Work
    told: "asyncio.Future[Any]"


class _Outcome(NamedTuple):
    result: Any
    error: BaseException | None = None


class GroupWriter:
    """Runs units of work on one connection, on one thread, in groups.

    `connect` returns the open connection, `transaction` wraps it for the units; `unavailable` says what an error of the
    database means, or raises it where it is our own mistake.
    """

    def __init__(
        self,
        executor: Executor,
        connect: Callable[[], sqlite3.Connection],
        transaction: Callable[[sqlite3.Connection], Transaction],
        unavailable: Callable[[sqlite3.Error], Unavailable],
    ) -> None:
        self._executor = executor
        self._connect = connect
        self._transaction = transaction
        self._unavailable = unavailable
        self._queue: deque[_Pending] = deque()
        self._lock = Lock()
        self._running = False

    async def write(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run a unit in a durable transaction; it is carried out even if the caller goes away."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[Result] = loop.create_future()
        with self._lock:
            self._queue.append(_Pending(work, told))
            starts, self._running = not self._running, True
        if starts:
            self._executor.submit(self._run)
        return await asyncio.shield(told)

    def _run(self) -> None:
        """Empty the queue, group after group."""
        while group := self._next_group():
            told = [each.told for each in group]
            outcomes = self._commit(group)
            for loop in {each.get_loop() for each in told}:  # waking a loop costs as much as a statement: once
                with suppress(RuntimeError):  # the loop has ended, and nobody waits there any more
                    loop.call_soon_threadsafe(_tell, loop, told, outcomes)

    def _next_group(self) -> list[_Pending]:
        with self._lock:
            group = [self._queue.popleft() for _ in range(min(len(self._queue), _MOST))]
            self._running = bool(group)
        return group

    def _commit(self, group: list[_Pending]) -> list[_Outcome]:
        try:
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                outcomes = [self._carry_out(connection, each.work, alone=len(group) == 1) for each in group]
                connection.execute("COMMIT" if any(each.error is None for each in outcomes) else "ROLLBACK")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            return [_Outcome(None, self._explained(error)) for _ in group]
        except Exception as error:  # whatever it is: the thread goes on, or every later write would wait for ever
            return [_Outcome(None, error) for _ in group]
        return outcomes

    def _carry_out(self, connection: sqlite3.Connection, work: Work, *, alone: bool) -> _Outcome:
        """Run one unit; what it fails with undoes it alone, but for faults of the database, which undo all."""
        if not alone:
            connection.execute("SAVEPOINT unit")
        try:
            outcome = _Outcome(finish(work(self._transaction(connection))))
        except sqlite3.Error as error:
            if not isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise
            outcome = _Outcome(None, error)
        except Exception as error:  # whatever it is, it belongs to the unit's caller
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


def _tell(loop: asyncio.AbstractEventLoop, told: "list[asyncio.Future[Any]]", outcomes: list[_Outcome]) -> None:
    """Tell the callers of one loop what became of their units."""
    for each, outcome in zip(told, outcomes, strict=True):
        if each.get_loop() is not loop or each.cancelled():
            continue
        if outcome.error is None:
            each.set_result(outcome.result)
        else:
            each.set_exception(outcome.error)


def finish(work: Awaitable[Result]) -> Result:
    """Drive a unit of work to its end: on SQLite its statements never wait, so one step is all of it."""
    try:
        cast(Coroutine[Any, Any, Result], work).send(None)
    except StopIteration as stop:
        return cast(Result, stop.value)
    raise RuntimeError("a unit of work may await nothing but its transaction")
