"""Blocking work beside the event loop.

Owns a thread for each piece of work, which does not keep the process from ending. Must not know what the work is.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
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


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: Any) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile, and nobody waits any more
        loop.call_soon_threadsafe(callback, *arguments)
