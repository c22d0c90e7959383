"""Blocking work beside the event loop.

Owns a thread for each piece of work, which does not keep the process from ending. Must not know what the work is.
"""

import asyncio
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from queue import SimpleQueue
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


class Ahead(Iterator[Result]):
    """Items that a thread of its own makes ahead of their use: up to `count` of them while one is in use.

    The thread waits for nobody between two items, unless it is that far ahead. An error is raised after the items
    before it. After `close` the thread is left to itself, makes no other item, and closes their generator.
    """

    def __init__(self, items: Generator[Result, None, None], count: int) -> None:
        self._made: SimpleQueue[Result | _End] = SimpleQueue()
        self._free = threading.Semaphore(count)
        self._is_closed = False
        threading.Thread(target=self._make, args=(items,), name="mirror: pages", daemon=True).start()

    def _make(self, items: Generator[Result, None, None]) -> None:
        error: BaseException | None = None
        try:
            with closing(items):
                self._free.acquire()
                for item in items:
                    self._made.put(item)
                    self._free.acquire()
                    if self._is_closed:
                        return
        except BaseException as raised:  # whatever it is, it is raised where the items are used
            error = raised
        self._made.put(_End(error))

    def __next__(self) -> Result:
        """Return the next item, when it is made."""
        item = self._made.get()
        if isinstance(item, _End):
            self._made.put(item)  # for whoever asks again
            raise item.error or StopIteration
        self._free.release()
        return item

    def close(self) -> None:
        """Make no other item; whoever waits gets no other than those that are ready."""
        self._is_closed = True
        self._made.put(_End(None))
        self._free.release()


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: Any) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile, and nobody waits any more
        loop.call_soon_threadsafe(callback, *arguments)
