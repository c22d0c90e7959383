"""Questions that several ask at once: put once at a time, and never answered by what was read before they came."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any

import pytest

from rowen.store.sharing import SharedQuestions

STEPS = 400


class Database:
    """Answers when it is told to: `open` are the questions that have been put, each with its future answer."""

    def __init__(self) -> None:
        self.shared: SharedQuestions[str] = SharedQuestions()
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

    def require_nothing_left(self) -> None:
        assert not self.open
        assert not self.shared._rounds


def driven(test: Callable[[Database], Coroutine[Any, Any, None]]) -> None:
    """Run a test on a loop, and require that nothing is left behind."""

    async def run() -> None:
        database = Database()
        async with asyncio.timeout(30):
            await test(database)
        database.require_nothing_left()

    asyncio.run(run())


async def settled() -> None:
    """Return once nothing moves any more without an answer."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_who_asks_while_it_is_answered_waits_for_the_next_round() -> None:
    async def test(database: Database) -> None:
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

    driven(test)


def test_who_asks_between_two_rounds_shares_the_one_that_begins() -> None:
    async def test(database: Database) -> None:
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

    driven(test)


def test_different_questions_do_not_wait_for_each_other() -> None:
    async def test(database: Database) -> None:
        asked = [database.ask("one"), database.ask("another")]
        await settled()
        assert len(database.open) == 2
        for each in list(database.open):
            each.set_result("answer")
        await asyncio.gather(*asked)

    driven(test)


def test_a_failure_is_that_of_all_who_share_the_round_and_of_no_other() -> None:
    async def test(database: Database) -> None:
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

    driven(test)


def test_where_the_one_who_put_it_goes_away_the_others_put_it_again() -> None:
    async def test(database: Database) -> None:
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

    driven(test)


def test_where_the_one_whose_turn_is_next_goes_away_the_others_go_on() -> None:
    async def test(database: Database) -> None:
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

    driven(test)


@pytest.mark.parametrize("cancelled_first", [False, True])
def test_a_turn_that_comes_with_a_cancellation_is_not_lost(cancelled_first: bool) -> None:
    async def test(database: Database) -> None:
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
            first.add_done_callback(lambda _: second.cancel())  # when its turn has come, but it has not gone on
            database.open[0].set_result("before")
        await settled()
        assert second.cancelled()
        database.open[0].set_result("after")
        assert list(await asyncio.gather(first, third)) == ["before", "after"]

    driven(test)


def test_no_answer_is_older_than_its_question_whoever_goes_away() -> None:
    """At random: a question is put once at a time, is answered at last, and by what was true after it was asked."""

    async def test(database: Database) -> None:
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

    driven(test)


def _step(chance: Random, asked: list[asyncio.Task[None]], database: Database) -> None:
    """Let one who asked go away, or the open question be answered, or neither."""
    kind = chance.randrange(3)
    if kind == 0:
        chance.choice(asked[-6:]).cancel()
    elif kind == 1 and database.open and not database.open[0].done():
        database.open[0].set_result("")


def test_the_answer_is_that_of_the_round_not_of_the_asker() -> None:
    """Each brings its own way to put the question; that of the one whose turn it is counts."""

    async def test(database: Database) -> None:
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

    driven(test)
