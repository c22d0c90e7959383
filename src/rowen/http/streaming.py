"""Sending an endless response: Server-Sent Events over ASGI.

Owns when a stream ends: with its last chunk, when the client disconnects, when the server stops, when the key is
revoked. Must not know what is streamed.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from rowen.http.connections import Connection
from rowen.http.responses import context_of, send_start
from rowen.interviews.errors import Code, Refusal

_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would buffer the stream
]

_PIECE: Final = 16 * 1024

_log = structlog.stdlib.get_logger("rowen.http")

Check = Callable[[], Awaitable[object]]
"""Called before each chunk: raises Refusal if the client may not receive more."""


class EventStreams:
    """The open streams of a process."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End every stream, also those that begin later."""
        self._stopping.set()

    async def send(
        self, scope: Scope, receive: Receive, send: Send, chunks: AsyncGenerator[bytes, None], check: Check
    ) -> None:
        """Send chunks as they come, an empty one only checked, until the stream ends."""
        await send_start(scope, send, 200, list(_HEADERS))
        body = {"type": "http.response.body", "body": b"", "more_body": False}
        if scope["method"] != "HEAD":
            # Separate tasks: those in which Granian runs requests cannot be cancelled.
            pump = asyncio.create_task(_pump(send, chunks, check, context_of(scope).connection))
            others = [asyncio.create_task(_gone(receive)), asyncio.create_task(self._stopping.wait())]
            try:
                await asyncio.wait([pump, *others], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (pump, *others):
                    task.cancel()
                await asyncio.wait([pump, *others])
            if not pump.cancelled():
                _report(scope, pump.exception())
        await send(body)


async def _pump(send: Send, chunks: AsyncGenerator[bytes, None], check: Check, connection: Connection) -> None:
    """Send chunks in pieces: the HTTP server buffers a few of them, then waits until the client reads."""
    async for chunk in chunks:
        await check()
        connection.hand(len(chunk))  # all of it is in memory until its last piece is sent
        for start in range(0, len(chunk), _PIECE):
            piece = chunk[start : start + _PIECE]
            await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _report(scope: Scope, fault: BaseException | None) -> None:
    """Log why a stream ended if the store did not respond. Raises any exception that is not a Refusal."""
    if isinstance(fault, Refusal):
        if fault.code is Code.UNAVAILABLE:
            _log.error("stream aborted", reason=fault.message, request_id=context_of(scope).request_id)
    elif fault is not None:
        raise fault
