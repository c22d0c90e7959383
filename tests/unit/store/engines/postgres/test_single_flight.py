"""Concurrent identical queries: run once at a time, with results that are never older than the call."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from rowen.store.engines.postgres.single_flight import SingleFlight

STEPS = 400
QUESTIONS = ("?", "one", "another")


class Database:
    """Responds on demand: `open` are the running queries, each with its future result."""

    def __init__(self) -> None:
        self.shared: SingleFlight[str] = SingleFlight()
        self.open: list[asyncio.Future[str]] = []

    async def put(self) -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.open.append(answer)
        try:
            return await answer
        finally:
            self.open.remove(answer)

    def ask(self, question: str = "?") -> asyncio.Task[str]:
        return asyncio.create_task(self.shared.ask(question, self.put))

    async def require_nothing_left(self) -> None:
        """Require that nothing runs, and that every question of these tests would be put at once."""
        for question in QUESTIONS:
            assert not self.open
            asked = self.ask(question)
            await settled()
            self.open[0].set_result("at once")
            assert await asked == "at once"


@asynccontextmanager
async def driven() -> AsyncIterator[Database]:
    """Return a database, and require at the end of the block that no question is left behind."""
    database = Database()
    async with asyncio.timeout(30):
        yield database
        await database.require_nothing_left()


async def settled() -> None:
    """Return once nothing can continue without a result."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_caller_during_a_round_waits_for_the_next() -> None:
    async with driven() as database:
        first = database.ask()
        await settled()
        second, third, fourth = database.ask(), database.ask(), database.ask()
        await settled()
        assert len(database.open) == 1
        database.open[0].set_result("before")
        assert await first == "before"
        await settled()
        fifth = database.ask()
        await settled()
        assert [each.done() for each in (second, third, fourth, fifth)] == [False] * 4
        database.open[0].set_result("after")
        assert [await each for each in (second, third, fourth)] == ["after"] * 3
        await settled()
        assert not fifth.done(), "it asked while that round was running"
        database.open[0].set_result("later")
        assert await fifth == "later"


async def test_a_caller_between_two_rounds_shares_the_one_that_begins() -> None:
    async with driven() as database:
        first = database.ask()
        await settled()
        second = database.ask()
        await settled()
        database.open[0].set_result("before")
        late = database.ask()  # it runs after the first has ended, and before the second is woken
        await settled()
        assert len(database.open) == 1
        database.open[0].set_result("after")
        assert list(await asyncio.gather(first, second, late)) == ["before", "after", "after"]


async def test_different_questions_do_not_wait_for_each_other() -> None:
    async with driven() as database:
        asked = [database.ask(question) for question in QUESTIONS[1:]]
        await settled()
        assert len(database.open) == 2
        for each in list(database.open):
            each.set_result("answer")
        await asyncio.gather(*asked)


async def test_a_failure_is_that_of_all_who_share_the_round_and_of_no_other() -> None:
    async with driven() as database:
        first = database.ask()
        await settled()
        others = [database.ask() for _ in range(3)]
        await settled()
        database.open[0].set_exception(OSError("first"))
        with pytest.raises(OSError, match="first"):
            await first
        await settled()
        last = database.ask()
        await settled()
        database.open[0].set_exception(OSError("second"))
        for each in others:
            with pytest.raises(OSError, match="second"):
                await each
        await settled()
        database.open[0].set_result("recovered")
        assert await last == "recovered"


async def test_if_the_running_caller_is_cancelled_the_others_run_it_again() -> None:
    async with driven() as database:
        first = database.ask()
        await settled()
        second = database.ask()
        await settled()
        sharing = [database.ask() for _ in range(3)]
        await settled()
        database.open[0].set_result("before")
        await first
        await settled()
        second.cancel()
        await settled()
        assert len(database.open) == 1
        database.open[0].set_result("once more")
        await settled()
        database.open[0].set_result("and for the rest")
        assert await sharing[0] == "once more"
        assert [await each for each in sharing[1:]] == ["and for the rest"] * 2


async def test_if_the_next_caller_is_cancelled_the_others_go_on() -> None:
    async with driven() as database:
        first = database.ask()
        await settled()
        second = database.ask()
        await settled()
        sharing = [database.ask() for _ in range(3)]
        await settled()
        second.cancel()
        await settled()
        assert len(database.open) == 1, "the round that is running goes on alone"
        sharing.append(database.ask())
        await settled()
        assert len(database.open) == 1, "and so it does for who comes later"
        database.open[0].set_result("before")
        assert await first == "before"
        await settled()
        database.open[0].set_result("after")
        assert [await each for each in sharing] == ["after"] * 4


@pytest.mark.parametrize("cancelled_first", [False, True])
async def test_a_turn_that_comes_with_a_cancellation_is_not_lost(cancelled_first: bool) -> None:
    async with driven() as database:
        first = database.ask()
        await settled()
        second = database.ask()
        await settled()
        third = database.ask()
        await settled()
        if cancelled_first:
            second.cancel()
            database.open[0].set_result("before")
        else:
            first.add_done_callback(lambda _: second.cancel())  # when its turn has come, but before it continues
            database.open[0].set_result("before")
        await settled()
        assert second.cancelled()
        database.open[0].set_result("after")
        assert list(await asyncio.gather(first, third)) == ["before", "after"]


async def test_no_result_is_older_than_its_call_whoever_is_cancelled() -> None:
    """At random: a query runs once at a time, returns at last, and with what was true after the call."""
    async with driven() as database:
        chance = Random(7)
        commits, reading = 0, 0

        async def read() -> str:
            nonlocal reading
            reading += 1
            assert reading == 1, "two rounds at once"
            try:
                seen = commits
                await database.put()
                return str(seen)
            finally:
                reading -= 1

        async def ask(known: int) -> None:
            assert int(await database.shared.ask("?", read)) >= known

        asked: list[asyncio.Task[None]] = []
        for _ in range(STEPS):
            commits += 1
            asked.append(asyncio.create_task(ask(commits)))
            _step(chance, asked, database)
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
        while not all(each.done() for each in asked):
            for each in database.open:
                each.set_result("")
            await asyncio.sleep(0)
        ends = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(end) for end in ends} == {type(None), asyncio.CancelledError}


def _step(chance: Random, asked: list[asyncio.Task[None]], database: Database) -> None:
    """Cancel a caller, or complete the running query, or do neither."""
    kind = chance.randrange(3)
    if kind == 0:
        chance.choice(asked[-6:]).cancel()
    elif kind == 1 and database.open and not database.open[0].done():
        database.open[0].set_result("")


async def test_the_answer_is_that_of_the_round_not_of_the_asker() -> None:
    """Each caller brings its own function; the one whose turn it is counts."""
    async with driven() as database:

        def saying(word: str) -> Callable[[], Awaitable[str]]:
            async def put() -> str:
                return f"{word} {await database.put()}"

            return put

        first = database.ask()
        await settled()
        others = [asyncio.create_task(database.shared.ask("?", saying(word))) for word in ("second", "third")]
        await settled()
        database.open[0].set_result("-")
        await first
        await settled()
        database.open[0].set_result("says")
        assert await asyncio.gather(*others) == ["second says"] * 2
