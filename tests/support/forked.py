"""Commands forked from a process that has imported Rowen: importing takes most of a command's time.

Owns how such a process is started. It is one of its own as any, with the arguments, the environment, the folder and the
files that it is given, and leads a process group; but what is registered with `atexit` is not called at its end.
"""

import atexit
import gc
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing import get_context, set_start_method
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

_PRELOADED = [
    *("rowen.cli.main", "alembic.command", "granian.server", "typer._adapters", "stringprep", "encodings.idna"),
    *("rowen.http.endpoint", "rowen.http.openapi.document", "rowen.http.token_endpoint", "rowen.http.server"),
    *("rowen.http.edge", "rowen.http.certificate_reload", "rowen.http.documentation", "rowen.http.mirror_webhooks"),
    *("rowen.webhooks.dispatcher", "rowen.webhooks.sender", "rowen.web.site", "jinja2.debug"),
    *("starlette.requests", "starlette.responses", "starlette.routing", "starlette.websockets", "starlette.middleware"),
    *("rowen.store.engines.postgres.engine", "rowen.store.engines.postgres.location", "asyncpg.protocol.protocol"),
    *("rowen.mirror.follower", "rowen.mirror.write_through", "sqlalchemy.ext.asyncio"),
]
"""What commands import, also that which they import only when they need it; prometheus-client must not be among it.

A module that is missing here costs each command, and each worker of a server, the time that it takes to import it.
"""


class Forked:
    """The process of a command, with the part of `subprocess.Popen` that is needed; it leads a process group."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, or None where it runs; of one that a signal ended, the number of that below zero."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return its exit status."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status once it has ended. Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)


class _Descriptor:
    """A descriptor that the process gets, too, under a number of its own."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        return _received, (DupFd(self._number),)


def _received(descriptor: Any) -> int:
    number: int = descriptor.detach()
    return number


def start(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path | None, files: tuple[int, int, int]
) -> Forked:
    """Start `python -m rowen` with these descriptors for its input, output and errors."""
    given = (arguments, dict(environment), folder or Path.cwd(), *map(_Descriptor, files))
    process = _context().Process(target=_become, args=given)
    process.start()
    return Forked(process)


@cache
def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    atexit.register(_end, context)
    return context


def _end(context: ForkServerContext) -> None:
    """End what a test should have ended: otherwise multiprocessing waits for it."""
    for process in context.active_children():
        assert process.pid is not None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _become(arguments: Sequence[str], environment: Mapping[str, str], folder: Path, *files: int) -> None:
    """Be the command, to its end."""
    gc.freeze()  # or else collecting garbage copies all that is shared with the other commands
    os.setsid()
    set_start_method(None, force=True)  # the default, as in any process: a server's workers would import all again
    for place, each in enumerate(files):
        os.dup2(each, place)
        os.close(each)
    sys.stdin = os.fdopen(0, closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    runpy.run_module("rowen", run_name="__main__", alter_sys=True)
