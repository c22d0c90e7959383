"""A small HTTP/1.1 client on asyncio's streams: connections that are kept, for thousands of requests a second.

Owns the part of RFC 9112 that Rowen needs: requests with a length, responses with a length or in chunks. Tests of HTTP
itself use real clients; this one is for tests in which many clients race.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from tests.support.server import basic

_NEXT = re.compile(r'<[^>]*?//[^/>]+([^>]*)>; rel="next"')


class Reply(NamedTuple):
    """A response; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)

    @property
    def next(self) -> str | None:
        """The path and query of the next page."""
        found = _NEXT.search(self.headers.get("link", ""))
        return None if found is None else found[1]


class Connection:
    """One connection that authenticates with a key; it handles one request at a time."""

    def __init__(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], key: str) -> None:
        self._reader, self._writer = streams
        self._head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **basic(key)}.items())

    async def ask(self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a request and return its response; a body is sent as JSON."""
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        await self.send(method, target, content, headers or {})
        status, found = await self.read_head()
        return Reply(status, found, await self._reader.readexactly(int(found.get("content-length", "0"))))

    async def send(self, method: str, target: str, content: bytes, headers: Mapping[str, str]) -> None:
        """Send a request."""
        further = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        length = f"Content-Length: {len(content)}\r\nContent-Type: application/json\r\n" if content else ""
        self._writer.write(f"{method} {target} HTTP/1.1\r\n{self._head}{further}{length}\r\n".encode() + content)
        await self._writer.drain()

    async def read_head(self) -> tuple[int, dict[str, str]]:
        """Read the head of a response."""
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        pairs = (line.partition(":") for line in lines)
        return int(first.split(" ", 2)[1]), {name.lower(): value.strip() for name, _, value in pairs}

    async def events(self, target: str) -> AsyncIterator[bytes]:
        """Follow Server-Sent Events until the stream ends, as it does some time: the data of each event."""
        await self.send("GET", target, b"", {"Accept": "text/event-stream"})
        status, headers = await self.read_head()
        assert (status, headers["transfer-encoding"]) == (200, "chunked")
        rest = b""
        while size := int(await self._reader.readline(), 16):
            rest += (await self._reader.readexactly(size + 2))[:-2]
            *events, rest = rest.split(b"\n\n")
            for event in events:
                for line in event.split(b"\n"):
                    if line.startswith(b"data: "):
                        yield line.removeprefix(b"data: ")
        await self._reader.readline()

    async def close(self) -> None:
        """Close the connection, also if the server is gone."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


@asynccontextmanager
async def connections(port: int, key: str, count: int) -> AsyncIterator[list[Connection]]:
    """Open connections to a server on this machine, for the duration of the block."""
    opened = [Connection(await asyncio.open_connection("127.0.0.1", port, limit=2**20), key) for _ in range(count)]
    try:
        yield opened
    finally:
        for each in opened:
            await each.close()
