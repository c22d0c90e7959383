"""Questions that several ask at once, answered together.

Owns that an answer is never older than its question. Must not know what is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class _Round(Generic[Answer]):
    """One time that a question is put to the database, and those who wait for it."""

    def __init__(self) -> None:
        self.next: _Round[Answer] | None = None
        self.sharing: list[asyncio.Future[Answer]] = []
        self.turn: asyncio.Future[None] | None = None
        self.is_over = False


class SharedQuestions(Generic[Answer]):
    """Puts each question at most once at a time; who asks while it is being answered shares the next round.

    A round that has begun may have read before the newest commit: it is of no use to who comes later. So sixteen
    clients of one key cost the database one look at it, and each still sees all that was committed before it asked.
    """

    def __init__(self) -> None:
        self._rounds: dict[Hashable, _Round[Answer]] = {}

    async def ask(self, question: Hashable, put: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer of a round that begins now or later; raises what `put` raised in that round."""
        running = self._rounds.get(question)
        if running is None:
            return await self._run(question, _Round(), put)
        following = running.next
        if following is None:
            following = running.next = _Round()
            following.turn = asyncio.get_running_loop().create_future()
            try:
                await following.turn
            except BaseException:
                self._abandon(question, running, following)
                raise
            return await self._run(question, following, put)
        share: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        following.sharing.append(share)
        try:
            return await share
        except _Abandoned:
            return await self.ask(question, put)

    async def _run(self, question: Hashable, this: "_Round[Answer]", put: Callable[[], Awaitable[Answer]]) -> Answer:
        self._rounds[question] = this
        try:
            answer = await put()
        except BaseException as error:
            told = error if isinstance(error, Exception) else _Abandoned()
            for share in this.sharing:
                if not share.done():
                    share.set_exception(told)
            raise
        else:
            for share in this.sharing:
                if not share.done():
                    share.set_result(answer)
            return answer
        finally:
            self._pass_on(question, this)

    def _pass_on(self, question: Hashable, ended: "_Round[Answer]") -> None:
        ended.is_over = True
        following = ended.next
        if following is None:
            self._rounds.pop(question, None)
        elif following.turn is not None and not following.turn.done():
            following.turn.set_result(None)

    def _abandon(self, question: Hashable, running: "_Round[Answer]", following: "_Round[Answer]") -> None:
        """Forget a round whose turn nobody waits for any more: those who share it ask again."""
        if running.next is following:
            running.next = None
        if running.is_over and self._rounds.get(question) is running:
            self._rounds.pop(question, None)  # its turn had come
        for share in following.sharing:
            if not share.done():
                share.set_exception(_Abandoned())


class _Abandoned(Exception):  # noqa: N818  (no error: the question is put again)
    """Nobody is left to put the question of this round."""
