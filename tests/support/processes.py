"""Processes for fault injection, and the databases that they leave behind.

Owns how commands are started with other timings than a user's, without permissions, or with little room, how the
processes are found that the code under test starts, and how a database is examined from outside after its process has
ended.
"""

import ctypes
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from rowen.store.engines.sqlite.location import SqliteFile
from rowen.wiring import check
from tests.support.command import ROWEN, Process, environment

Piped = subprocess.Popen[str]
"""A process whose input and outputs belong to the test."""

Started = list[subprocess.Popen[bytes]]
"""The processes that the code under test has started."""

IMPATIENT_IMPORT: Final = """
import sys
from rowen.cli import console
from rowen.imports import pipeline

pipeline.BATCH = int(sys.argv.pop(1))
console.LINE_SECONDS = 0
from rowen.cli.main import main

main()
"""
"""`rowen` with batches of as many records as its first argument, and a line of progress after each."""

IMPATIENT_SERVE: Final = """
import multiprocessing

multiprocessing.set_start_method("fork")
from rowen.http import authentication

authentication.FLUSH_SECONDS = 0.001
from rowen.cli.main import main

main()
"""
"""`rowen` whose server stores the use of keys almost at once."""

IMPATIENT_STORE: Final = """
import multiprocessing

multiprocessing.set_start_method("fork")
from rowen.store.engines.sqlite import connections

connections.BUSY_MILLISECONDS = 50
from rowen.cli.main import main

main()
"""
"""`rowen` that waits only 50 milliseconds for a locked database."""

STOPPED_AT_ITS_START: Final = """
import multiprocessing
import os
import signal

multiprocessing.set_start_method("fork")
from granian.server import mp

configure = mp.configure_logging


def hold_up(*given):
    os.kill(os.getppid(), signal.SIGTERM)
    while signal.SIGTERM not in signal.sigpending():
        pass
    configure(*given)


mp.configure_logging = hold_up  # which a worker begins with
from rowen.cli.main import main

main()
"""
"""`rowen` whose worker sends the server a stop signal, and continues its start once it gets the signal itself."""

WRITING: Final = {
    "import": ("import", "-"),
    "a key": ("keys", "create", "second"),
    "an organization": ("organizations", "create", "lisbon"),
}
"""Commands that write; `import` reads a record from standard input."""

_PR_CAPBSET_DROP: Final = 24
_CAP_DAC_OVERRIDE: Final = 1
_CAP_DAC_READ_SEARCH: Final = 2
_libc: Final = ctypes.CDLL(None, use_errno=True)


def script(text: str) -> tuple[str, ...]:
    """Return the command that runs a script in place of `rowen`."""
    return (sys.executable, "-c", text)


def uncovered() -> dict[str, str]:
    """Return an environment in which coverage is not measured: it would write files of its own."""
    return {name: value for name, value in environment().items() if not name.startswith("COVERAGE_")}


def start(
    *arguments: str | Path,
    command: tuple[str, ...] = ROWEN,
    stdin: int = subprocess.DEVNULL,
    preparation: Callable[[], None] | None = None,
    cwd: Path | None = None,
) -> Piped:
    """Start a command in a process group of its own; `preparation` runs in the process before it."""
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=uncovered() if preparation else environment(),
        start_new_session=True,
        preexec_fn=preparation,
        cwd=cwd,
    )


def note_processes(patch: pytest.MonkeyPatch, module: str) -> Started:
    """Return a list to which each process is added that this one starts from now on to run a module."""
    started: Started = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, command: Any, *arguments: Any, **options: Any) -> None:
            super().__init__(command, *arguments, **options)
            if module in command:
                started.append(self)

    patch.setattr(subprocess, "Popen", Noted)
    return started


def finish(process: Piped, *, status: int = 0) -> str:
    """Wait for a process, require its exit status and an error in words; return its stderr."""
    _, said = process.communicate(timeout=120)
    assert process.returncode == status, said
    assert "Traceback" not in said, said
    return said


def one_sentence(said: str) -> str:
    """Return a command's last output, which must be one line that begins with its name."""
    lines = [line for line in said.splitlines() if line.startswith("rowen: ")]
    assert len(lines) == 1, said
    return lines[0]


def without_rights() -> None:
    """Make the process obey file permissions even as root; to be called in it."""
    if os.geteuid() == 0:
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "the capability cannot be dropped")


def with_room_for(size: int) -> Callable[[], None]:
    """Return a function that keeps a process from writing larger files: a full disk without root."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def workers(server: Process) -> list[int]:
    """Return the processes of a server that respond."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    return [int(each) for each in children.read_text().split()]


def footprint(path: Path) -> tuple[int, int]:
    """Return size and time of the write-ahead log: every commit changes it."""
    try:
        status = Path(f"{path}-wal").stat()
    except FileNotFoundError:
        return (-1, 0)
    return (status.st_size, status.st_mtime_ns)


def wait_for_write(process: Process, path: Path, before: tuple[int, int], times: int = 1) -> None:
    """Return as soon as the write-ahead log has changed this many times: in the middle of a commit."""
    for _ in range(times):
        while footprint(path) == before and process.poll() is None:
            pass
        before = footprint(path)


@dataclass(frozen=True)
class Found:
    """The content of a database: its documents by id, the sum of its ledgers' counts, and its faults."""

    documents: dict[int, bytes]
    counted: int
    position: str | None
    faults: list[str]


def examine(path: Path, folder: Path) -> Found:
    """Examine a copy of a database that no process has open, so that the next process to open it still recovers it."""
    copy = folder / "examined.db"
    for suffix in ("", "-wal"):
        original = Path(f"{path}{suffix}")
        if original.exists():
            shutil.copyfile(original, f"{copy}{suffix}")
        else:
            Path(f"{copy}{suffix}").unlink(missing_ok=True)
    Path(f"{copy}-shm").unlink(missing_ok=True)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        documents = dict(connection.execute("SELECT id, document FROM scheduled_interviews"))
        counted = connection.execute("SELECT coalesce(sum(interview_count), 0) FROM organizations").fetchone()[0]
        position = connection.execute("SELECT next FROM import_positions").fetchone()
    return Found(documents, counted, position and position[0], check(SqliteFile(copy)))
