"""A small HTTP client that times its requests: one connection, kept alive, one request after the other.

Owns the socket and the clock. It does as little as possible, so that it measures the server and not itself. Must not
know what the requests are for.
"""

import base64
import socket
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

_LINE_END: Final = b"\r\n"
_HEADERS_END: Final = b"\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """A request: the path with its query, and the API key or the token of Harvest v3, if any.

    For a write, `author` is the user of `On-Behalf-Of`, and `body` is the JSON. With `gzip` the response may be
    compressed; its body is then as received.
    """

    target: str
    key: str | None = None
    method: str = "GET"
    author: int | None = None
    body: bytes = b""
    token: str | None = None
    gzip: bool = False

    @property
    def authorization(self) -> str:
        """The value of the `Authorization` header, empty without a key and a token."""
        if self.token is not None:
            return f"Bearer {self.token}"
        return "" if self.key is None else "Basic " + base64.b64encode(f"{self.key}:".encode()).decode()

    def message(self, host: str) -> bytes:
        """Return the bytes of the request."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        if self.authorization:
            lines.append(f"Authorization: {self.authorization}")
        if self.gzip:
            lines.append("Accept-Encoding: gzip")
        if self.author is not None:
            lines.append(f"On-Behalf-Of: {self.author}")
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return "\r\n".join(lines).encode() + _HEADERS_END + self.body


@dataclass(frozen=True)
class Answer:
    """A response, with header names in lower case, and the seconds from the first byte sent to the last received."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float

    def link(self, relation: str) -> str | None:
        """Return the path and query that the `Link` header contains for a relation, or None."""
        for link in dict(self.headers).get("link", "").split(","):
            url, _, parameter = link.partition(">; ")
            if parameter == f'rel="{relation}"':
                return "/" + url.removeprefix("<").split("/", 3)[3]
        return None


class Connection:
    """A connection to a server on loopback, for one request at a time."""

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, request: Request) -> Answer:
        """Send a request and read the whole response. Raises OSError if the connection breaks."""
        message = request.message(self._host)
        begin = time.perf_counter()
        self._socket.sendall(message)
        head, body = self._receive()
        seconds = time.perf_counter() - begin
        status, *fields = head.decode("latin-1").split("\r\n")
        headers = tuple((name.lower(), value) for name, _, value in (field.partition(": ") for field in fields))
        return Answer(int(status.split()[1]), headers, body, seconds)

    def _receive(self) -> tuple[bytes, bytes]:
        received = self._until(bytearray(), _HEADERS_END)
        head, _, rest = bytes(received).partition(_HEADERS_END)
        length = _content_length(head)
        return head, self._chunks(bytearray(rest)) if length is None else self._body(rest, length)

    def _body(self, begun: bytes, length: int) -> bytes:
        parts = [begun]
        missing = length - len(begun)
        while missing > 0:
            parts.append(self._some())
            missing -= len(parts[-1])
        return b"".join(parts)

    def _chunks(self, received: bytearray) -> bytes:
        body = bytearray()
        while True:
            line, _, rest = bytes(self._until(received, _LINE_END)).partition(_LINE_END)
            size = int(line, 16)
            chunk = self._body(rest, size + len(_LINE_END))
            if size == 0:
                return bytes(body)
            body += chunk[:size]
            received = bytearray(chunk[size + len(_LINE_END) :])

    def _until(self, received: bytearray, end: bytes) -> bytearray:
        while end not in received:
            received += self._some()
        return received

    def _some(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data


def _content_length(head: bytes) -> int | None:
    """Return the length of the body, or None if it is chunked."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else None
