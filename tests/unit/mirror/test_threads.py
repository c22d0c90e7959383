"""Items that a thread makes ahead of their use: their order, their failure, how far ahead it is, and its end."""

import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from rowen.mirror.threads import from_thread, in_thread


class BrokenError(Exception):
    """An item cannot be made."""


async def test_items_arrive_in_their_order_and_then_the_failure() -> None:
    def items() -> Iterator[int]:
        yield from range(10)
        raise BrokenError

    async with aclosing(from_thread(items(), 3)) as found:
        assert [await anext(found) for _ in range(10)] == list(range(10))
        with pytest.raises(BrokenError):
            await anext(found)


async def test_items_without_a_failure_end() -> None:
    assert [item async for item in from_thread([1, 2], 1)] == [1, 2]
    nothing: list[int] = []
    assert [item async for item in from_thread(nothing, 1)] == []


async def test_some_items_are_made_while_one_is_in_use_and_no_more() -> None:
    made: list[int] = []
    ahead = threading.Semaphore(0)

    def items() -> Iterator[int]:
        for each in range(10):
            made.append(each)
            ahead.release()
            yield each

    async with aclosing(from_thread(items(), 2)) as found:
        assert await anext(found) == 0
        for _ in range(3):
            await in_thread(ahead.acquire)
        assert made == [0, 1, 2], "one is in use, and two are ready"
        assert await anext(found) == 1
        await in_thread(ahead.acquire)
        assert made == [0, 1, 2, 3]


async def test_nothing_is_made_after_the_last_use() -> None:
    made: list[int] = []
    begun, finish = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        yield 0
        begun.set()
        finish.wait()
        made.append(1)
        yield 1
        made.append(2)

    async with aclosing(from_thread(items(), 1)) as found:
        assert await anext(found) == 0
        await in_thread(begun.wait)
        makers = [each for each in threading.enumerate() if each.name == "mirror: requests"]
    finish.set()
    for each in makers:
        await in_thread(each.join)
    assert made == [1], "the item that was being made is the last one"
