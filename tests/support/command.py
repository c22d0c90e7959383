"""Running `rowen` as a user does: in a process of its own.

Owns how a command is started, and its environment. Must not know what commands do.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol, TextIO

from tests.support import forked

_PIPE = 65_536

ROWEN = (sys.executable, "-m", "rowen")


class Process(Protocol):
    """The part of `subprocess.Popen` that every process has."""

    pid: int

    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without settings of Rowen."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROWEN_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **(extra or {})}


def rowen(
    *arguments: str | Path, cwd: Path | None = None, stdin: bytes = b"", status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, and require its exit status; input must fit into a pipe."""
    assert len(stdin) <= _PIPE
    given, give = os.pipe()
    os.write(give, stdin)
    os.close(give)
    with os.fdopen(given) as source, TemporaryFile() as output, TemporaryFile() as errors:
        files = (source.fileno(), output.fileno(), errors.fileno())
        found = forked.start([str(each) for each in arguments], environment(), cwd, files).wait()
        output.seek(0)
        errors.seek(0)
        completed = subprocess.CompletedProcess(arguments, found, output.read().decode(), errors.read().decode())
    assert completed.returncode == status, completed.stdout + completed.stderr
    assert "Traceback" not in completed.stderr, completed.stderr
    return completed


def begin(
    *arguments: str | Path, known: Mapping[str, str], command: Sequence[str] = ROWEN, cwd: Path | None = None
) -> tuple[Process, TextIO]:
    """Start a command in a process group of its own; return its process, and both its outputs.

    `known` is its environment; `command` stands in for `rowen`.
    """
    said, say = os.pipe()
    with Path(os.devnull).open() as nothing, os.fdopen(say, "wb") as output:
        if command == ROWEN:
            files = (nothing.fileno(), output.fileno(), output.fileno())
            process: Process = forked.start([str(each) for each in arguments], known, cwd, files)
        else:
            process = subprocess.Popen(
                [*command, *map(str, arguments)],
                stdin=nothing,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=known,
                start_new_session=True,
                cwd=cwd,
            )
    return process, os.fdopen(said)
