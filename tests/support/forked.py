"""A process that has imported Rowen, and from which commands are forked: importing takes most of a command's time.

Owns both sides: `start` asks, and `python -m tests.support.forked` answers with a new process each time. That is one of
its own as any, with the arguments, the environment, the folder and the files it is given, and leads a process group.
"""

import atexit
import gc
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

_LONGEST_REQUEST: Final = 1 << 20


class Forked:
    """A process of a command, as far as it is as `subprocess.Popen` has it; it leads a process group."""

    def __init__(self, told: io.FileIO) -> None:
        self._told = told  # first the number of the process, and in the end how it ended
        self.pid = int(told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit status, or None where it runs; of one that a signal ended, the number of that below zero."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            return self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status once it has ended. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            with self._told:
                self.returncode = int(self._told.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and we are about to be told
                os.kill(self.pid, number)


def start(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path | None, files: tuple[int, int, int]
) -> Forked:
    """Start `python -m rowen` with these descriptors for its input, output and errors."""
    told, tell = os.pipe()
    try:
        request = json.dumps([arguments, dict(environment), str(folder or Path.cwd())]).encode()
        origin = _origin(any(name.startswith("COVERAGE_") for name in environment))
        socket.send_fds(origin, [request], [*files, tell])
    finally:
        os.close(tell)
    return Forked(io.FileIO(told))


@cache
def _origin(is_covered: bool) -> socket.socket:
    """Start the process that commands come from; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST_REQUEST)
    known = {name: value for name, value in os.environ.items() if is_covered or not name.startswith("COVERAGE_")}
    process = subprocess.Popen([sys.executable, "-m", __name__], stdin=theirs.fileno(), env=known)
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


class _Origin:
    """What runs in that process: it forks, and tells of each how it ended."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._running: dict[int, int] = {}

    def serve(self) -> None:
        """Fork a process for each request, until there is nobody to make one: what runs then is ended."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for those who ask
        signal.signal(signal.SIGCHLD, self._tell_of_the_ended)
        while True:
            request, files, _, _ = socket.recv_fds(self._requests, _LONGEST_REQUEST, 4)
            # A process may end before it is known here.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            if not request:
                break
            *standard, tell = files
            process = os.fork()
            if process == 0:
                for each in (tell, *self._running.values()):
                    os.close(each)
                self._requests.close()
                _become(standard, *json.loads(request))
            for each in standard:
                os.close(each)
            os.write(tell, b"%d\n" % process)
            self._running[process] = tell
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        for process in self._running:
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)  # whoever should have ended it is gone
        while self._running:
            self._tell(*os.waitpid(-1, 0))

    def _tell_of_the_ended(self, _number: int, _frame: FrameType | None) -> None:
        with suppress(ChildProcessError):  # the last was told of by the one who was interrupted for this
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                self._tell(*ended)

    def _tell(self, process: int, status: int) -> None:
        tell = self._running.pop(process)
        with suppress(BrokenPipeError):  # who asked may have gone
            os.write(tell, b"%d\n" % os.waitstatus_to_exitcode(status))
        os.close(tell)


def _become(files: Sequence[int], arguments: Sequence[str], environment: Mapping[str, str], folder: str) -> NoReturn:
    """Be the command, to its end, which is that of the interpreter: it waits for threads, too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    os.setsid()
    for place, each in enumerate(files):
        os.dup2(each, place)
        os.close(each)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    runpy.run_module("rowen", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    # So that commands find imported what they import when they need it.
    for each in ("rowen.cli.main", "alembic.command", "granian.server", "typer._adapters"):
        import_module(each)
    gc.freeze()  # what is there for good is not looked through in each process anew
    with socket.socket(fileno=os.dup(0)) as made:
        _Origin(made).serve()
