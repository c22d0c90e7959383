"""Nodes that serve one database: real servers, each a group of processes, which can be killed and frozen.

Owns how they are started on ports that they keep, hurt and ended. Must not know the database or its clients.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.fault.processes import uncovered
from tests.support import programs
from tests.support.command import ROWEN
from tests.support.server import Server

_AHEAD: Final = """
import datetime
import os

_AHEAD = datetime.timedelta(seconds=float(os.environ["SECONDS_AHEAD"]))


class _Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + _AHEAD


datetime.datetime = _Shifted
"""
"""A module that Python imports when it starts, in every process of a node: its clock is ahead."""


class Node:
    """A server with a port of its own, which it keeps when it is started again.

    `options` are those of `rowen serve`.
    """

    def __init__(self, database: str, options: Sequence[str] = ()) -> None:
        self.database = database
        self.environment: dict[str, str] = {}
        self.port = programs.quiet_port()
        self.said: list[str] = []
        self._options = options
        self._folder = programs.new_folder("node")  # its keeper ends what works in it, should the tests be killed
        self._server: Server | None = None

    @contextmanager
    def ended(self) -> Iterator[None]:
        """End it after the block, in whatever state it is."""
        try:
            yield
        finally:
            if self._running.process.poll() is None:
                self.stop()
            programs.remove(self._folder)

    @property
    def _running(self) -> Server:
        assert self._server is not None
        return self._server

    def start(self) -> None:
        """Start it, and return once it answers."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start it."""
        process = subprocess.Popen(
            [*ROWEN, "serve", "--database", self.database, "--port", str(self.port), *self._options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=uncovered(self.environment),
            start_new_session=True,
            cwd=self._folder,
        )
        self._server = Server(process, self.port, self.said)
        threading.Thread(target=self._read, args=(self._server,), daemon=True).start()

    def wait_until_ready(self) -> None:
        """Return once it answers."""
        self._running.wait_until_ready()

    @staticmethod
    def _read(server: Server) -> None:
        server.read_log()
        assert server.process.stdout is not None
        server.process.stdout.close()

    def stop(self) -> None:
        """End it as a service manager does."""
        assert self._running.stop() == 0, "".join(self.said)

    def kill(self) -> None:
        """End all its processes in the middle of whatever they do."""
        os.killpg(self._running.process.pid, signal.SIGKILL)
        self._running.process.wait(programs.SECONDS)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes where they are, for the block: connections stay open, and nobody answers."""
        os.killpg(self._running.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._running.process.pid, signal.SIGCONT)


def ahead(folder: Path, seconds: float) -> dict[str, str]:
    """Return the environment of a node whose clock is ahead; its workers are spawned, and have it, too."""
    (folder / "sitecustomize.py").write_text(_AHEAD)
    return {"PYTHONPATH": str(folder), "SECONDS_AHEAD": str(seconds)}
