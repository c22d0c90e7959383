"""The ceiling: an ASGI application that answers bytes it holds in memory, headers and all, and does nothing else.

Owns no more than a dictionary. It runs on the Granian, the event loop and the interpreter that Rowen runs on.
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
    """What is answered to one path and query."""

    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


def build() -> Application:
    """Return the application on the answers in the file that `BARE_ANSWERS` names."""
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
