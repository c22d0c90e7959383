"""A real server: a process of its own on a real socket."""

import signal
import socket
import threading
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TextIO

import httpx
import msgspec

from tests.support.command import ROWEN, Process, begin, environment
from tests.support.programs import quiet_port

READY = "Started worker-"
START_SECONDS = 120
_KILLED_AFTER = 8


def is_open(port: int) -> bool:
    """Return whether anything listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def basic(key: str, password: str | None = "") -> dict[str, str]:
    """Return the headers that authenticate with a key; `None` leaves out the colon, too."""
    credentials = key if password is None else f"{key}:{password}"
    return {"Authorization": "Basic " + b64encode(credentials.encode()).decode()}


class _Entry(msgspec.Struct):
    """A line of the log."""

    event: str
    timestamp: datetime


def has_killed_workers(log: Iterable[str]) -> bool:
    """Return whether workers that did not stop were killed, which happens after eight seconds.

    Granian also logs this at once for a stopped worker, if its watching thread has not noticed that yet.
    """
    entries = [msgspec.json.decode(line, type=_Entry) for line in log if line.startswith('{"event"')]
    stopping = [each.timestamp for each in entries if each.event.startswith("Shutting down")]
    killed = [each.timestamp for each in entries if each.event.startswith("Killing worker-")]
    return any(each - stopping[0] > timedelta(seconds=_KILLED_AFTER / 2) for each in killed)


@dataclass
class Server:
    """A running server."""

    process: Process
    said: TextIO
    port: int
    log: list[str] = field(default_factory=list)
    _ready: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, key: str | None = None, **options: object) -> httpx.Client:
        """Return a client that authenticates with a key; without one it sends none.

        It does not load the system's certificates, which takes longer than most tests.
        """
        headers = {"Accept-Encoding": "identity", **(basic(key) if key else {})}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, **{"verify": False, **options})  # type: ignore[arg-type]

    def read_log(self) -> None:
        """Collect the output of the process until it ends."""
        with self.said:
            for line in self.said:
                self.log.append(line)
                if READY in line:
                    self._ready.set()
        self._ready.set()

    def wait_until_ready(self) -> None:
        """Return once a worker responds: workers report their start before they listen."""
        assert self._ready.wait(START_SECONDS), "".join(self.log)
        while self.process.poll() is None and not is_open(self.port):
            pass
        assert self.process.poll() is None, "".join(self.log)

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Stop it and return its exit status."""
        self.process.send_signal(signal_number)
        return self.process.wait(60)


@contextmanager
def serving(
    database: str,
    options: Sequence[str] = (),
    *,
    extra_environment: Mapping[str, str] | None = None,
    command: Sequence[str] = ROWEN,
) -> Iterator[Server]:
    """Serve a database until the end of the block; `command` stands in for `rowen`."""
    port = quiet_port()
    process, said = begin(
        *("serve", "--database", database, "--port", str(port), *options),
        known=environment(extra_environment),
        command=command,
    )
    server = Server(process, said, port)
    reader = threading.Thread(target=server.read_log, daemon=True)
    reader.start()
    try:
        server.wait_until_ready()
        yield server
    finally:
        if process.poll() is None:
            server.stop()
        reader.join(10)
