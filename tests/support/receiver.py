"""A receiver of webhooks: a real HTTP server that records requests, and sends the responses it was given."""

import ssl
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from time import monotonic
from typing import Any, cast

import msgspec

SECONDS = 60


@dataclass(frozen=True)
class Reply:
    """A response. One that `hangs` waits until the receiver is released or closed; a `raw` one is sent unchanged."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False
    raw: bytes | None = None


@dataclass(frozen=True)
class Received:
    """A request: its headers by lower-case name, and when it arrived, by the monotonic clock."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    client_port: int

    @property
    def json(self) -> Any:
        """The body."""
        return msgspec.json.decode(self.body)

    @property
    def event_id(self) -> str:
        """The id of the event."""
        return self.headers["webhook-id"]


class Receiver:
    """A running receiver; `replies` are used one by one, then `otherwise`."""

    def __init__(self, otherwise: Reply, tls: ssl.SSLContext | None = None) -> None:
        self.otherwise = otherwise
        self.replies: deque[Reply] = deque()
        self.received: list[Received] = []
        self._arrived = threading.Condition()
        self._closing = threading.Event()
        self._open: set[socket] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address to send to."""
        return f"http://127.0.0.1:{self.port}/hook"

    def wait_for(self, count: int, seconds: float = SECONDS) -> list[Received]:
        """Return the received requests once there are `count`."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.received) >= count, seconds), len(self.received)
            return list(self.received)

    def take(self, request: Received) -> Reply:
        """Record a request, and return the response."""
        with self._arrived:
            self.received.append(request)
            reply = self.replies.popleft() if self.replies else self.otherwise
            self._arrived.notify_all()
        if reply.hangs:
            self._closing.wait()
        return reply

    def connected(self, connection: socket) -> None:
        """Remember a connection."""
        self._open.add(connection)

    def disconnected(self, connection: socket) -> None:
        """Forget a connection."""
        self._open.discard(connection)

    def release(self) -> None:
        """Send every response that hangs."""
        self._closing.set()

    def close(self) -> None:
        """End every connection, and stop."""
        self._closing.set()
        self._server.shutdown()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore senders that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def _receiver(self) -> Receiver:
        return cast(_Server, self.server).receiver

    def setup(self) -> None:
        super().setup()
        self._receiver.connected(self.connection)

    def finish(self) -> None:
        self._receiver.disconnected(self.connection)
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self._receiver.take(Received(self.path, headers, body, monotonic(), self.client_address[1]))
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = True
            return
        self.send_response(reply.status)
        if reply.status >= 200 and reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the library's name)
        """Log nothing."""


@contextmanager
def receiving(*replies: Reply, otherwise: Reply | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Receive until the end of the block."""
    receiver = Receiver(otherwise or Reply(), tls)
    receiver.replies.extend(replies)
    try:
        yield receiver
    finally:
        receiver.close()
