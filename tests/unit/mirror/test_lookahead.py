"""Work that goes on beside the one who gives it: its order, its failures, and its end."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import pytest

from rowen.mirror.lookahead import ahead, one_behind


class BrokenError(Exception):
    """A piece of work fails."""


async def test_pieces_are_done_in_their_order_and_begin_at_once() -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def piece(name: str) -> None:
        done.append(f"{name} begun")
        await gate.wait()
        done.append(f"{name} ended")

    async with one_behind() as work:
        await work.give(piece("a"))
        assert done == ["a begun"]
        gate.set()
        await work.give(piece("b"))
        assert done[:2] == ["a begun", "a ended"]
    assert done == ["a begun", "a ended", "b begun", "b ended"]


async def test_what_is_appended_is_done_after_the_last_piece_and_not_waited_for() -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def piece(name: str) -> None:
        await gate.wait()
        done.append(name)

    async with one_behind() as work:
        await work.append(piece("a"))
        await work.append(piece("b"))
        assert done == []
        gate.set()
        await work.give(piece("c"))
        assert done[:2] == ["a", "b"]
    assert done == ["a", "b", "c"]


async def test_nothing_is_appended_to_a_failure() -> None:
    async def broken() -> None:
        raise BrokenError

    async def never() -> None:
        pytest.fail("done after a failure")

    with pytest.raises(BrokenError):
        async with one_behind() as work:
            await work.give(broken())
            await work.append(never())


async def test_a_failure_is_raised_by_the_next_piece_or_at_the_end() -> None:
    async def broken() -> None:
        raise BrokenError

    async def never() -> None:
        pytest.fail("begun after a failure")

    with pytest.raises(BrokenError):
        async with one_behind() as work:
            await work.give(broken())
            await work.give(never())
    with pytest.raises(BrokenError):
        async with one_behind() as work:
            await work.give(broken())


async def test_a_failure_of_the_giver_abandons_the_work() -> None:
    cancelled = False

    async def piece() -> None:
        nonlocal cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled = True
            raise

    with pytest.raises(BrokenError):
        async with one_behind() as work:
            await work.give(piece())
            raise BrokenError
    assert cancelled


class Works:
    """Numbers that are made one after the other, each when its gate is opened."""

    def __init__(self, count: int) -> None:
        self.begun: list[int] = []
        self.cancelled: list[int] = []
        self.gates = [asyncio.Event() for _ in range(count)]
        self.is_closed = False

    async def _make(self, number: int) -> int:
        self.begun.append(number)
        try:
            await self.gates[number].wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        return number

    async def all(self) -> AsyncGenerator[Coroutine[Any, Any, int], None]:
        try:
            for number in range(len(self.gates)):
                yield self._make(number)
        finally:
            self.is_closed = True


async def test_results_come_in_their_order_while_others_are_under_way() -> None:
    works = Works(5)
    for gate in reversed(works.gates[1:]):
        gate.set()
    async with ahead(works.all(), 2) as results:

        async def take() -> int:
            return await anext(results)

        first = asyncio.create_task(take())
        while len(works.begun) < 3:
            await asyncio.sleep(0)
        assert not first.done()
        works.gates[0].set()
        assert await first == 0
        assert works.begun == [0, 1, 2], "no more than asked for"
        assert [each async for each in results] == [1, 2, 3, 4]
    assert works.is_closed


async def test_whoever_takes_no_more_results_leaves_nothing_running() -> None:
    works = Works(4)
    works.gates[0].set()
    with pytest.raises(BrokenError):
        async with ahead(works.all(), 2) as results:
            assert await anext(results) == 0
            await asyncio.sleep(0)
            raise BrokenError
    assert sorted(works.cancelled) == [1, 2]
    assert works.is_closed


async def test_a_failure_comes_in_its_place_and_ends_the_others() -> None:
    works = Works(4)
    works.gates[0].set()

    async def broken() -> int:
        raise BrokenError

    async def all_of_them() -> AsyncGenerator[Coroutine[Any, Any, int], None]:
        yield broken()
        async for each in works.all():
            yield each

    found: list[int] = []
    with pytest.raises(BrokenError):
        async with ahead(all_of_them(), 2) as results:
            found += [each async for each in results]
    assert found == []
    assert set(works.cancelled) <= {0, 1}
