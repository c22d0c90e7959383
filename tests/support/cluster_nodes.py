"""Nodes that serve one database: real servers, each a group of processes, which can be killed and frozen.

Owns how they are started on fixed ports, disturbed and ended. Must not know the database or its clients.
"""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from tests.support import programs
from tests.support.command import ROWEN, begin
from tests.support.processes import script, uncovered
from tests.support.server import Server

_AHEAD: Final = """
import datetime
import multiprocessing
import time

multiprocessing.set_start_method("fork")
_AHEAD = datetime.timedelta(seconds={seconds})


class _Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + _AHEAD


datetime.datetime = _Shifted
_now = time.time_ns
time.time_ns = lambda: _now() + {seconds} * 1_000_000_000
from rowen.cli.main import main

main()
"""


class Node:
    """A server with a port of its own, which it keeps when it is started again.

    `options` are those of `rowen serve`; `command` stands in for `rowen`.
    """

    def __init__(self, database: str, options: Sequence[str] = (), command: Sequence[str] = ROWEN) -> None:
        self.database = database
        self.port = programs.quiet_port()
        self.said: list[str] = []
        self._options = options
        self._command = command
        self._folder = programs.new_folder("node")  # the reaper ends what works in it, should the tests be killed
        self._server: Server | None = None

    @contextmanager
    def ended(self) -> Iterator[None]:
        """End it after the block, in any state."""
        try:
            yield
        finally:
            try:
                if self._running.process.poll() is None:
                    self.stop()
            finally:
                programs.remove(self._folder)

    @property
    def _running(self) -> Server:
        assert self._server is not None
        return self._server

    def start(self) -> None:
        """Start it, and return once it responds."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start it."""
        process, said = begin(
            *("serve", "--database", self.database, "--port", str(self.port), *self._options),
            known=uncovered(),
            command=self._command,
            cwd=self._folder,
        )
        self._server = Server(process, said, self.port, self.said)
        threading.Thread(target=self._server.read_log, daemon=True).start()

    def wait_until_ready(self) -> None:
        """Return once it responds."""
        self._running.wait_until_ready()

    def stop(self) -> None:
        """End it as a service manager does."""
        assert self._running.stop() == 0, "".join(self.said)

    def kill(self) -> None:
        """Kill all its processes at any point of their work."""
        os.killpg(self._running.process.pid, signal.SIGKILL)
        self._running.process.wait(programs.SECONDS)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes for the block: connections stay open, and nobody responds."""
        os.killpg(self._running.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._running.process.pid, signal.SIGCONT)


def ahead(seconds: float) -> tuple[str, ...]:
    """Return `rowen` whose clock is ahead."""
    return script(_AHEAD.format(seconds=seconds))
