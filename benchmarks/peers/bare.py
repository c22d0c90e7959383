"""The upper bound for reads: an ASGI application that returns responses from memory, with their headers.

Owns only a dictionary. It runs on the same Granian, event loop and interpreter as Rowen.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class CannedAnswer(msgspec.Struct):
    """The response for one path and query."""

    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


def build() -> Application:
    """Return the application with the responses of the file that `BARE_ANSWERS` names."""
    canned = msgspec.msgpack.decode(Path(os.environ["BARE_ANSWERS"]).read_bytes(), type=list[CannedAnswer])
    answers = {
        (answer.path, answer.query): (
            {"type": "http.response.start", "status": 200, "headers": answer.headers},
            {"type": "http.response.body", "body": answer.body},
        )
        for answer in canned
    }

    async def application(scope: Message, _receive: Receive, send: Send) -> None:
        start, body = answers[scope["path"], scope["query_string"]]
        await send(start)
        await send(body)

    return application
