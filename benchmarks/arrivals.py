"""A receiver of webhooks and a follower of the change feed, with the times at which changes reach them.

Owns their sockets and their clock, `time.perf_counter`. Must not know the client that writes, or when it writes.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from time import perf_counter
from typing import Any, Final

from benchmarks.client import Request
from benchmarks.processes import BenchmarkError, Server

_FEED: Final = "/rowen/v1/changes"
_TIMEOUT: Final = 30.0  # seconds


class Arrivals:
    """The time at which each external event id was first received."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._changed = threading.Condition()

    def note(self, interview: dict[str, Any] | None, at: float) -> None:
        """Store when an interview was received, unless it was received before."""
        if interview is not None:
            with self._changed:
                self._times.setdefault(interview["external_event_id"], at)
                self._changed.notify_all()

    def wait_for(self, event: str) -> float:
        """Wait for an event, and return when it was received. Raises BenchmarkError if it takes half a minute."""
        with self._changed:
            if not self._changed.wait_for(lambda: event in self._times, _TIMEOUT):
                raise BenchmarkError("a change did not arrive within half a minute")
            return self._times[event]


@contextmanager
def receiving() -> Iterator[tuple[str, Arrivals]]:
    """Receive webhooks, over connections that are kept alive. Yields the address and the arrivals."""
    arrivals = Arrivals()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            at = perf_counter()
            self.send_response(204)
            self.end_headers()
            arrivals.note(json.loads(body)["payload"].get("interview"), at)

        def log_message(self, *_: object) -> None:
            """Log nothing: the table is the only output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", arrivals
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def following(server: Server, key: str) -> Iterator[Arrivals]:
    """Follow an organization's change feed live, starting after its newest change."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT)
    authorization = Request(_FEED, key).authorization
    headers = {"Authorization": authorization, "Accept": "text/event-stream"}
    connection.request("GET", f"{_FEED}?after=now", headers=headers)
    answer = connection.getresponse()
    if answer.status != 200 or not answer.readline().startswith(b"retry:"):
        raise BenchmarkError(f"{_FEED} returned {answer.status}")
    arrivals = Arrivals()
    thread = threading.Thread(target=_follow, args=(answer, arrivals), daemon=True)
    thread.start()
    try:
        yield arrivals
    finally:
        connection.sock.shutdown(SHUT_RDWR)  # ends the read that the thread waits in
        thread.join()
        answer.close()
        connection.close()


def _follow(answer: HTTPResponse, arrivals: Arrivals) -> None:
    """Read events until the connection ends; a caller that waits for a missing event gets an error from `wait_for`."""
    with suppress(OSError, HTTPException):
        while line := answer.readline():
            at = perf_counter()
            if line.startswith(b"data: "):
                arrivals.note(json.loads(line.removeprefix(b"data: "))["document"], at)
