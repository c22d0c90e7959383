"""Programs that run next to Rowen in a test.

Owns as whom they run, in which folders and on which ports, waiting for them, and that nothing of them is left: each
process of tests starts `process_reaper.py`, which ends them and removes their folders when the tests end, even by
`kill -9`. Signals to whoever started a program do not reach it: it has a session of its own. Knows no program.

PostgreSQL and PgBouncer refuse to run as root. If the tests run as root, programs run as `nobody`, and so their folders
are not pytest's, which are closed to others.
"""

import atexit
import fcntl
import mmap
import os
import pwd
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.support import process_reaper

SECONDS: Final = 60
"""How long anything may take, on a machine that also does other things."""

_QUIET_PORTS: Final = range(15_000, 32_000)
"""Below the range for outgoing connections and for sockets that name no port: that of a stopped program stays free."""

_MEMORY: Final = Path("/dev/shm")
_ROOM: Final = 6 * 1024**3
"""Bytes that have to be free for folders in memory: two processes of tests create hundreds of databases of 8 MB."""

_ENVIRONMENT: Final = {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}
"""Nothing of the user's: the variables of PostgreSQL's library would change the connections."""


@dataclass(frozen=True, slots=True)
class _Identity:
    """The user that runs programs, in the form of `subprocess`; `None` is the user that runs the tests."""

    user: int | None = None
    group: int | None = None
    groups: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Roots:
    """The folders that hold all others."""

    disk: Path
    memory: Path


def find(program: str) -> str | None:
    """Return the path of a program of the system, or `None`."""
    return shutil.which(program, path=_ENVIRONMENT["PATH"])


def start(*command: str | Path, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a program in a folder made by `new_folder`; its output is appended to a file."""
    who = _identity()
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=who.user,
            group=who.group,
            extra_groups=who.groups,
        )


def run(*command: str | Path, folder: Path, stdin: str = "", seconds: float = SECONDS) -> str:
    """Run a program to its end in such a folder, require that it succeeds, and return its output."""
    who = _identity()
    done = subprocess.run(
        command,
        cwd=folder,
        env=_ENVIRONMENT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        user=who.user,
        group=who.group,
        extra_groups=who.groups,
    )
    assert done.returncode == 0, f"{Path(command[0]).name}: {done.stderr or done.stdout}"
    return done.stdout


def new_folder(name: str, *, in_memory: bool = False) -> Path:
    """Create a folder for programs; `in_memory`, if there is room, for data that nobody needs later."""
    roots = _roots()
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=roots.memory if in_memory else roots.disk))
    give(folder)
    return folder


def remove(folder: Path) -> None:
    """Kill the programs that work in such a folder, and remove it."""
    process_reaper.remove(folder)


def give(path: Path) -> None:
    """Make a file or folder, with its contents, belong to the user that runs programs."""
    who = _identity()
    if who.user is None or who.group is None:
        return
    os.chown(path, who.user, who.group)
    for folder, folders, files in os.walk(path):
        for each in (*folders, *files):
            os.chown(Path(folder, each), who.user, who.group)


def may_run(path: Path) -> bool:
    """Return whether the user that runs programs may run this one, or enter this folder."""
    who = _identity()
    test = ["test", "-x", str(path)]
    done = subprocess.run(test, cwd="/", check=False, user=who.user, group=who.group, extra_groups=who.groups)
    return done.returncode == 0


def quiet_port() -> int:
    """Return an unused port that nobody else will get: no outgoing connection, and no other process of these tests."""
    for port in _own_ports():
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("there is no unused port")


@cache
def _own_ports() -> Iterator[int]:
    """Return the ports of this process of the tests, one after the other; other runs begin with other ones."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = _QUIET_PORTS[number :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    # The `random` module has the same seed in every run.
    begin = secrets.randbelow(len(own))
    return iter((*own[begin:], *own[:begin]))


def wait_until(condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Return as soon as a condition holds; `what` describes it, for the failure if it does not hold in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.005)  # leaves the processor to what is waited for


def interrupt_writing(process: subprocess.Popen[bytes]) -> None:
    """Stop a process and let it continue, once it waits because nobody reads what it writes to its pipe."""
    pipe = process.stdout
    assert pipe is not None
    almost = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) - mmap.PAGESIZE  # the last page may be filled in part

    def is_full() -> bool:
        waiting: int = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]
        return waiting >= almost

    wait_until(is_full, "the pipe to be full")
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGCONT)


@cache
def _identity() -> _Identity:
    if os.geteuid() != 0:
        return _Identity()
    nobody = pwd.getpwnam("nobody")
    return _Identity(nobody.pw_uid, nobody.pw_gid, ())


@cache
def _roots() -> _Roots:
    """Make the folders, and start the reaper that removes them."""
    disk = _new_root(Path(tempfile.gettempdir()))
    if not may_run(disk):
        disk.rmdir()
        disk = _new_root(Path("/tmp"))
    memory = _new_root(_MEMORY) if _has_room_in_memory() else disk
    command = [sys.executable, "-I", "-S", process_reaper.__file__, str(disk), str(memory)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    atexit.register(process.communicate)
    return _Roots(disk, memory)


def _new_root(folder: Path) -> Path:
    root = Path(tempfile.mkdtemp(prefix="rowen-tests-", dir=folder))
    root.chmod(0o755)
    return root


def _has_room_in_memory() -> bool:
    """Return whether folders may be in memory, where creating and deleting thousands of files costs almost nothing."""
    try:
        said = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        available = int(said["MemAvailable"].split()[0]) * 1024
        return min(available, shutil.disk_usage(_MEMORY).free) >= _ROOM
    except OSError:
        return False
