"""A process that has imported Rowen, and from which commands are forked: importing takes most of a command's time.

Owns both sides: `run` asks, and `python -m tests.support.forked` answers with a new process each time. That process is
one of its own as any, with the arguments, the environment, the folder and the files it is given.
"""

import atexit
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, NoReturn

_LONGEST_REQUEST: Final = 1 << 20
_EXIT_FROM_A_SIGNAL: Final = b""


def run(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path | None, files: tuple[int, int, int]
) -> int:
    """Run `python -m rowen` with these descriptors for its input, output and errors; return its exit status."""
    told, tell = os.pipe()
    try:
        request = json.dumps([arguments, dict(environment), str(folder or Path.cwd())]).encode()
        socket.send_fds(_origin(), [request], [*files, tell])
    finally:
        os.close(tell)
    with os.fdopen(told, "rb") as answer:
        status = answer.read()
    assert status != _EXIT_FROM_A_SIGNAL, "the command did not come to its end"
    return int(status)


@cache
def _origin() -> socket.socket:
    """Start the process that commands come from; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST_REQUEST)
    process = subprocess.Popen([sys.executable, "-m", __name__], stdin=theirs.fileno())
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _serve(requests: socket.socket) -> None:
    """Fork a process for each request, until there is nobody to make one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for those who ask
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: each says itself how it ended
    while True:
        request, files, _, _ = socket.recv_fds(requests, _LONGEST_REQUEST, 4)
        if not request:
            break
        if os.fork() == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _become(files, *json.loads(request))
        for each in files:
            os.close(each)
    with suppress(ChildProcessError):
        os.waitpid(-1, 0)  # returns when the last is gone


def _become(files: Sequence[int], arguments: Sequence[str], environment: Mapping[str, str], folder: str) -> NoReturn:
    """Be the command, to its end, which is that of the interpreter: it waits for threads, too."""
    *standard, tell = files
    for place, each in enumerate(standard):
        os.dup2(each, place)
        os.close(each)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    status = 1  # of what is raised, which the interpreter tells of

    @atexit.register
    def say() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(tell, str(status).encode())

    try:
        runpy.run_module("rowen", run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        if not isinstance(end.code, str):
            status = int(end.code or 0)
        raise
    sys.exit()


if __name__ == "__main__":
    import rowen.cli.main  # noqa: F401  (so that commands find it imported)

    with socket.socket(fileno=os.dup(0)) as made:
        _serve(made)
