"""Sending an answer that goes on: Server-Sent Events over ASGI.

Owns when a stream ends: with its last chunk, when the client goes, when the server stops, when the key is revoked.
Must not know what is streamed.
"""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from rowen.http.answers import exchange_of, send_start
from rowen.interviews.errors import Code, Refusal

_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold back what is written
]

LARGEST_STREAM: Final = 8 * 2**20
"""After how many bytes a stream ends."""

_log = structlog.stdlib.get_logger("rowen.http")

Check = Callable[[], Awaitable[object]]
"""Told before each chunk: raises Refusal where the client may hear no more."""


class Streams:
    """The streams that a process has open."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End every stream, and begin none any more."""
        self._stopping.set()

    @contextmanager
    def ended_by(self, number: signal.Signals) -> Iterator[None]:
        """Stop when the process receives a signal, whatever else it does about it.

        The server hears of its own stop only once every answer has ended, which streams never do by themselves.
        """
        if threading.current_thread() is not threading.main_thread():
            yield  # no place for signals
            return
        loop = asyncio.get_running_loop()
        # The loop has word of signals by a descriptor; what stands here besides is called, too.
        before = signal.getsignal(number)

        def heard(received: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.stop)
            if callable(before):
                before(received, frame)

        signal.signal(number, heard)
        signal.siginterrupt(number, False)
        try:
            yield
        finally:
            if signal.getsignal(number) is heard:
                signal.signal(number, before)

    async def send(
        self, scope: Scope, receive: Receive, send: Send, chunks: AsyncGenerator[bytes, None], check: Check
    ) -> None:
        """Send chunks as they come, an empty one only checked, until the stream ends."""
        await send_start(scope, send, 200, list(_HEADERS))
        body = {"type": "http.response.body", "body": b"", "more_body": False}
        if scope["method"] != "HEAD":
            # Tasks of their own: those in which Granian runs requests cannot be cancelled.
            pump = asyncio.create_task(_pump(send, chunks, check))
            others = [asyncio.create_task(_gone(receive)), asyncio.create_task(self._stopping.wait())]
            try:
                await asyncio.wait([pump, *others], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (pump, *others):
                    task.cancel()
                await asyncio.wait([pump, *others])
            if not pump.cancelled():
                _tell(scope, pump.exception())
        await chunks.aclose()
        await send(body)


async def _pump(send: Send, chunks: AsyncGenerator[bytes, None], check: Check) -> None:
    """Send chunks up to a bound: the server keeps in memory what a client does not read, and does not say so.

    Who reads comes back with the id of the last event, and goes on.
    """
    sent = 0
    async for chunk in chunks:
        await check()
        if chunk:
            sent += len(chunk)
            if sent > LARGEST_STREAM > len(chunk):
                return
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _tell(scope: Scope, fault: BaseException | None) -> None:
    """Log why a stream ended, where that was a fault of ours. Raises what is no refusal."""
    if isinstance(fault, Refusal):
        if fault.code is Code.UNAVAILABLE:
            _log.error("stream broken off", reason=fault.message, request_id=exchange_of(scope).request_id)
    elif fault is not None:
        raise fault
