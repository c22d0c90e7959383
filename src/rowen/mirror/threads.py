"""Blocking work beside the event loop.

Owns a thread for each piece of work, which does not keep the process from ending. Must not know what the work is.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result]) -> Result:
    """Return what work returns, in a thread of its own; if this is cancelled, the work is left to itself."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def settle(set_it: Callable[[Any], None], value: Any) -> None:
        if not done.done():
            set_it(value)

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # whatever it is, it is raised where the work is awaited
            _call(loop, settle, done.set_exception, error)
        else:
            _call(loop, settle, done.set_result, result)

    threading.Thread(target=run, name="mirror: request", daemon=True).start()
    return await done


@dataclass(frozen=True, slots=True)
class _End:
    """The end of what a thread makes, and why it failed, if it did."""

    error: BaseException | None


async def from_thread(items: Iterable[Result], ahead: int) -> AsyncGenerator[Result, None]:
    """Yield items, which are made in one thread of its own: up to `ahead` of them while one is in use.

    The thread waits for nobody between two items, unless it is that far ahead. An error is raised after the items
    before it. If this is closed, the thread is left to itself, and makes no other item.
    """
    loop = asyncio.get_running_loop()
    made: asyncio.Queue[Result | _End] = asyncio.Queue()
    free = threading.Semaphore(ahead)
    closed = threading.Event()

    def run() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                _call(loop, made.put_nowait, item)
                free.acquire()
                if closed.is_set():
                    return
        except BaseException as raised:  # whatever it is, it is raised where the items are used
            error = raised
        _call(loop, made.put_nowait, _End(error))

    threading.Thread(target=run, name="mirror: requests", daemon=True).start()
    try:
        while not isinstance(item := await made.get(), _End):
            yield item
            free.release()
        if item.error is not None:
            raise item.error
    finally:
        closed.set()
        free.release()


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: Any) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile, and nobody waits any more
        loop.call_soon_threadsafe(callback, *arguments)
