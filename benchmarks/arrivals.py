"""Who is told: a receiver of webhooks and a follower of the feed, and when each heard of what.

Owns their sockets and their clock, `time.perf_counter`. Must not know who wrote, or when.
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

FEED: Final = "/rowen/v1/changes"
_PATIENCE: Final = 30.0


class Arrivals:
    """When each external event was heard of first."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._changed = threading.Condition()

    def note(self, interview: dict[str, Any] | None, at: float) -> None:
        """Keep when an interview was heard of."""
        if interview is not None:
            with self._changed:
                self._times.setdefault(interview["external_event_id"], at)
                self._changed.notify_all()

    def wait_for(self, event: str) -> float:
        """Return when an event was heard of, once it is; raise BenchmarkError if that takes half a minute."""
        with self._changed:
            if not self._changed.wait_for(lambda: event in self._times, _PATIENCE):
                raise BenchmarkError("a change was not told in half a minute")
            return self._times[event]


@contextmanager
def receiving() -> Iterator[tuple[str, Arrivals]]:
    """Receive webhooks at the address given, over connections that are kept."""
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
            """Say nothing: the table is what is shown."""

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
    """Follow an organization's feed, live, from its newest change on."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE)
    authorization = Request(FEED, key).authorization
    headers = {"Authorization": authorization, "Accept": "text/event-stream"}
    connection.request("GET", f"{FEED}?after=now", headers=headers)
    answer = connection.getresponse()
    if answer.status != 200 or not answer.readline().startswith(b"retry:"):
        raise BenchmarkError(f"{FEED} was answered with {answer.status}")
    arrivals = Arrivals()
    thread = threading.Thread(target=_follow, args=(answer, arrivals), daemon=True)
    thread.start()
    try:
        yield arrivals
    finally:
        connection.sock.shutdown(SHUT_RDWR)  # wakes the thread
        thread.join()
        answer.close()
        connection.close()


def _follow(answer: HTTPResponse, arrivals: Arrivals) -> None:
    """Read until the connection ends; whoever waits for more than came is told by the wait."""
    with suppress(OSError, HTTPException):
        while line := answer.readline():
            at = perf_counter()
            if line.startswith(b"data: "):
                arrivals.note(json.loads(line.removeprefix(b"data: "))["document"], at)
