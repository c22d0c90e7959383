"""Work that goes on beside the one who gives it: its order, its failures, and its end."""

import asyncio

import pytest

from rowen.mirror.one_behind import one_behind


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
