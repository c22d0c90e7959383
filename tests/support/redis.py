"""A real Redis: a process of its own, which keeps nothing on disk.

Owns starting and disturbing it, and querying it on the side. Must not know what Rowen stores in it.
"""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support import programs

_PROGRAM: Final = "redis-server"
_READ: Final = 65_536  # bytes; more than any response in a test


@dataclass
class RedisServer:
    """A running Redis; it listens on its port and on `socket_path`."""

    process: subprocess.Popen[bytes]
    port: int
    socket_path: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait(programs.SECONDS)

    def pause(self) -> None:
        """Stop it from responding, while it keeps running."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it respond again."""
        self.process.send_signal(signal.SIGCONT)

    def ask(self, *command: str | int) -> str:
        """Send a command and return the unparsed response (RESP2)."""
        words = [str(each).encode() for each in command]
        packed = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=programs.SECONDS) as connection:
            connection.sendall(packed)
            return connection.recv(_READ).decode()

    def is_ready(self) -> bool:
        """Return whether it responds."""
        assert self.process.poll() is None, f"{_PROGRAM} ended with {self.process.returncode}"
        try:
            return self.ask("PING").startswith(("+PONG", "-NOAUTH"))
        except OSError:
            return False  # it does not listen yet


@contextmanager
def serving_redis(*options: str, port: int | None = None) -> Iterator[RedisServer]:
    """Run a Redis until the end of the block; `options` are those of its command line. Skips if none is installed."""
    program = programs.find(_PROGRAM)
    if program is None:
        pytest.skip(f"{_PROGRAM} is not installed: scripts/test installs it where it can")
    port = port or programs.quiet_port()
    folder = programs.new_folder("redis")
    path = folder / "socket"
    where = ["--port", str(port), "--bind", "127.0.0.1", "--unixsocket", str(path), "--dir", str(folder)]
    nothing_kept = ["--save", "", "--appendonly", "no"]
    process = programs.start(program, *where, *nothing_kept, *options, folder=folder, log=folder / "log")
    server = RedisServer(process, port, path)
    try:
        programs.wait_until(server.is_ready, "Redis answers")
        yield server
    finally:
        server.kill()
        programs.remove(folder)
