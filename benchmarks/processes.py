"""Processes of other programs: commands and servers, with their memory and processor time.

Owns processes, their ports, logs and memory. Must not know what they serve.
"""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.client import Connection, Request

_TIMEOUT: Final = 120.0  # seconds until a server must respond; the slowest peer first reads a large file
_POLL: Final = 0.002
_SAMPLE: Final = 0.02


class BenchmarkError(Exception):
    """A figure cannot be measured; the table shows the message."""


@dataclass(frozen=True)
class Server:
    """A server on loopback. `first_answer` is the number of seconds from its start to its first 200."""

    name: str
    port: int
    pid: int
    first_answer: float

    def connect(self) -> Connection:
        """Open a connection to the server, which is kept alive."""
        return Connection(self.port)

    def memory(self) -> int:
        """Return the memory of the server and all its processes, in bytes; shared pages count once."""
        return sum(_proportional_memory(pid) for pid in _family(self.pid))

    def processor_seconds(self) -> float:
        """Return the processor time of the server and all its processes so far, in seconds."""
        return processor_seconds(self.pid)


@dataclass(frozen=True)
class Run:
    """A command that succeeded: its seconds, its peak memory in bytes, and its output.

    `peak_memory` is the sum of the peaks of all its processes, so it is never too low.
    """

    seconds: float
    peak_memory: int
    output: str


def run(name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end. Raises BenchmarkError if it fails, with its last line of output, or is missing."""
    begin = time.perf_counter()
    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
    except FileNotFoundError as error:
        raise BenchmarkError(f"{name}: {Path(error.filename).name} is not installed") from None
    with _watched(process.pid) as peaks:
        output, errors = process.communicate()
    seconds = time.perf_counter() - begin
    if process.returncode != 0:
        raise BenchmarkError(f"{name} failed: {_last_line(errors or output)}")
    return Run(seconds, sum(peaks.values()), output)


@contextmanager
def serving(
    name: str,
    command: Sequence[str | Path],
    *,
    port: int,
    ready: Request,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start a server, wait until it responds to `ready` with 200, and stop it after the block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    try:
        _await_answer(name, process, port, ready, log)
        yield Server(name, port, process.pid, time.perf_counter() - begin)
    finally:
        _stop(process)


@contextmanager
def in_background(command: Sequence[str | Path], log: Path) -> Iterator[None]:
    """Run a command that serves nothing for the length of the block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield
        if process.poll() is not None:
            raise BenchmarkError(f"{command[-1]} ended: {_last_line(log.read_text(errors='replace'))}")
    finally:
        _stop(process)


def free_port() -> int:
    """Return a port on loopback that no program listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process and its descendants so far, ended ones included, in seconds."""
    ticks = sum(_ticks(member) for member in _family(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def _await_answer(name: str, process: "subprocess.Popen[bytes]", port: int, ready: Request, log: Path) -> None:
    deadline = time.perf_counter() + _TIMEOUT
    status = 0
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise BenchmarkError(f"{name} ended during its start: {_last_line(log.read_text(errors='replace'))}")
        try:
            with Connection(port) as connection:
                status = connection.send(ready).status
        except OSError:
            time.sleep(_POLL)  # trying is the only way to learn that another program's port is open
            continue
        if status == 200:
            return
        if 400 <= status < 500:
            break
        time.sleep(_POLL)
    raise BenchmarkError(f"{name} did not respond to {ready.target} with 200 (last status: {status})")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    family = _family(process.pid)
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        for pid in family:
            _kill(pid)
        process.wait()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it printed nothing"


@contextmanager
def _watched(pid: int) -> Iterator[dict[int, int]]:
    """Record the peak memory of a process and of each of its descendants, in bytes by process id."""
    peaks: dict[int, int] = {}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_SAMPLE):
            for member in _family(pid):
                peaks[member] = max(peaks.get(member, 0), _status_bytes(member, "VmHWM"))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        ended.set()
        watcher.join()


def _family(pid: int) -> list[int]:
    """Return the ids of a process and of its running descendants."""
    members = [pid]
    for member in members:
        for thread in _list(Path(f"/proc/{member}/task")):
            members.extend(int(child) for child in _read(thread / "children").split())
    return members


def _ticks(pid: int) -> int:
    """Return the sum of `utime`, `stime`, and, for ended children, `cutime` and `cstime`; see proc_pid_stat(5)."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15])


def _proportional_memory(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return _status_bytes(pid, "VmRSS")


def _status_bytes(pid: int, name: str) -> int:
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0


def _list(folder: Path) -> list[Path]:
    # A process may end after it was listed and before it is read.
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
