"""Single flight: concurrent identical queries are sent to the database once.

Owns that a result is never older than the call that gets it. Must not know what is queried.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class _Flight(Generic[Result]):
    """One execution of a query, and the callers that wait for its result."""

    def __init__(self) -> None:
        self.next: _Flight[Result] | None = None
        self.sharing: list[asyncio.Future[Result]] = []
        self.turn: asyncio.Future[None] | None = None
        self.is_over = False


class SingleFlight(Generic[Result]):
    """Runs each query at most once at a time; a caller that arrives while it runs shares the next flight.

    A flight that has begun may have read before the newest commit, so that later callers cannot use its result. Sixteen
    clients of one key cost the database one statement, and each sees everything that was committed before it asked.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[Result]] = {}

    async def ask(self, question: Hashable, put: Callable[[], Awaitable[Result]]) -> Result:
        """Return the result of a flight that begins now or later; raises what `put` raised in that flight."""
        running = self._flights.get(question)
        if running is None:
            return await self._run(question, _Flight(), put)
        following = running.next
        if following is None:
            following = running.next = _Flight()
            following.turn = asyncio.get_running_loop().create_future()
            try:
                await following.turn
            except BaseException:
                self._abandon(question, running, following)
                raise
            return await self._run(question, following, put)
        share: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        following.sharing.append(share)
        try:
            return await share
        except _AbandonedError:
            return await self.ask(question, put)

    async def _run(self, question: Hashable, this: "_Flight[Result]", put: Callable[[], Awaitable[Result]]) -> Result:
        self._flights[question] = this
        try:
            answer = await put()
        except BaseException as error:
            shared = error if isinstance(error, Exception) else _AbandonedError()
            for share in this.sharing:
                if not share.done():
                    share.set_exception(shared)
            raise
        else:
            for share in this.sharing:
                if not share.done():
                    share.set_result(answer)
            return answer
        finally:
            self._pass_on(question, this)

    def _pass_on(self, question: Hashable, ended: "_Flight[Result]") -> None:
        ended.is_over = True
        following = ended.next
        if following is None:
            self._flights.pop(question, None)
        elif following.turn is not None and not following.turn.done():
            following.turn.set_result(None)

    def _abandon(self, question: Hashable, running: "_Flight[Result]", following: "_Flight[Result]") -> None:
        """Forget a flight whose first caller was cancelled before it began: the callers that share it try again."""
        if running.next is following:
            running.next = None
        if running.is_over and self._flights.get(question) is running:
            self._flights.pop(question, None)  # it was about to begin
        for share in following.sharing:
            if not share.done():
                share.set_exception(_AbandonedError())


class _AbandonedError(Exception):
    """The caller that was to start this flight was cancelled."""
