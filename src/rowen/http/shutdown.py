"""SIGTERM in a worker: from which moment on it is received, and what is stopped by it.

Owns the handling of that signal. Must not know what is served. Two properties of the server need it:

- Granian (2.8, `granian/server/mp.py`) runs the event loop of a worker three times: for the start, for serving, and for
  the end. uvloop (0.23, `Loop._pause_signals`) closes the pipe by which it learns of signals whenever a run ends, so a
  SIGTERM between two runs, or before the first, is lost, and the worker serves on. Therefore the signal stays blocked
  until the second run has begun: the kernel keeps a blocked signal.
- Granian sends `lifespan.shutdown` once every request is answered. A live feed never ends by itself, so it has to know
  of the signal when it arrives.

Both can go when Granian runs its loop once, and lets an application know of a stop when it begins.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SETTLING_ROUNDS: Final = 16


def block_sigterm() -> None:
    """Block SIGTERM until this thread unblocks it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def unblock_sigterm() -> None:
    """Unblock SIGTERM, and receive one that is pending."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def fork_with_sigterm_blocked() -> None:
    """Make every process that this one forks begin with SIGTERM blocked: it inherits handlers that are not its own."""
    os.register_at_fork(before=block_sigterm, after_in_parent=unblock_sigterm)


async def unblock_sigterm_once_serving() -> None:
    """Unblock SIGTERM in the second run of the event loop: the first ends a few iterations after the start."""
    for _ in range(_SETTLING_ROUNDS):
        await asyncio.sleep(0)
    unblock_sigterm()


@contextmanager
def on_sigterm(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` in the event loop when SIGTERM arrives, in addition to its previous handler.

    Outside the main thread, where Python allows no handlers, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    # uvloop reads signals from its pipe; the handler is called as well.
    before = signal.getsignal(signal.SIGTERM)

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, handle)
    signal.siginterrupt(signal.SIGTERM, False)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is handle:
            signal.signal(signal.SIGTERM, before)
