"""A hostile server on loopback: it sends the bytes of a test unchanged.

Owns connections only. Tests that need correct HTTP use another server.
"""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, Final

SECONDS: Final = 60
_LARGEST_REQUEST: Final = 65_536

Answer = Callable[[str], Iterable[bytes]]
"""From the target of a request to the bytes of its response, which may be endless. Its end closes the connection."""


class HostileServer(ThreadingTCPServer):
    """A running server. `requests` are the heads of the requests; `left` is set once a client has disconnected."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.tls = tls
        self.requests: list[bytes] = []
        self.left = threading.Event()
        self.stopping = threading.Event()

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors of clients that disconnect, or refuse a certificate."""


class _Handler(BaseRequestHandler):
    server: HostileServer

    def handle(self) -> None:
        server = self.server
        connection = self.request if server.tls is None else server.tls.wrap_socket(self.request, server_side=True)
        connection.settimeout(SECONDS)
        try:
            if head := _read_head(connection):
                server.requests.append(head)
                for block in server.answer(head.split(b" ")[1].decode()):
                    if server.stopping.is_set():
                        return
                    connection.sendall(block)
        except OSError:
            pass
        finally:
            server.left.set()
            with suppress(OSError):
                connection.close()


def _read_head(connection: Any) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _LARGEST_REQUEST:
        block = connection.recv(_LARGEST_REQUEST)
        if not block:
            return b""
        head += block
    return head


@contextmanager
def hostile(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[HostileServer]:
    """Serve until the end of the block."""
    with HostileServer(answer, tls) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()


def head(*headers: str, status: str = "200 OK") -> bytes:
    """Return the head of a response; one without a length ends with its connection."""
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode("latin-1")


def forever(block: bytes, size: int = 65_536) -> Iterator[bytes]:
    """Yield the same bytes repeatedly, as fast as they are taken."""
    many = block * max(1, size // len(block))
    while True:
        yield many


def trickle(block: bytes, seconds: float = 0.01) -> Iterator[bytes]:
    """Yield the same bytes repeatedly, slowly."""
    pause = threading.Event()
    while True:
        yield block
        pause.wait(seconds)
