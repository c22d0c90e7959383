"""A server of calendars on this machine, for addresses that are read.

Owns what it answers. Must not know who reads it, or how.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

DAY: Final = timedelta(days=1)


@dataclass
class CalendarServer:
    """A server of calendars: `answers` are made for the paths, and `asked` are the headers of the requests."""

    url: str = ""
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)


@contextmanager
def calendars() -> Iterator[CalendarServer]:
    """Serve calendars until the end of the block."""
    state = CalendarServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.setdefault(self.path, []).append({name.lower(): value for name, value in self.headers.items()})
            state.answers[self.path](self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        state.stopping.set()
        server.shutdown()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, content: bytes, status: int = 200, **headers: str) -> None:
    """Send a response."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def calendar(*lines: str) -> bytes:
    """Return a calendar with one event tomorrow, and with these lines."""
    start = tomorrow()
    event = (f"DTSTART:{start:%Y%m%dT%H%M%SZ}", "DURATION:PT1H", "SUMMARY:Very secret")
    whole = ("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", *event, *lines, "END:VEVENT", "END:VCALENDAR")
    return "\r\n".join([*whole, ""]).encode()


def tomorrow() -> datetime:
    """Return noon of the next day."""
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + DAY
