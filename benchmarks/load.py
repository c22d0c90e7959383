"""Load: wrk with 16 connections from one thread, and rounds that take turns.

Owns how throughputs are compared. Must not know what is compared.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.client import Request
from benchmarks.processes import BenchmarkError, Server, run

CONNECTIONS: Final = 16
_SCRIPT: Final = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Load:
    """What one server is asked for: its requests, sent round and round."""

    server: Server
    requests: Sequence[Request]


@dataclass(frozen=True)
class Rounds:
    """How throughputs are compared: how often in turns, and for how many seconds each time."""

    count: int
    seconds: int


def check_wrk() -> None:
    """Raise `BenchmarkError` if the load generator is missing."""
    if shutil.which("wrk") is None:
        raise BenchmarkError("wrk is not installed: it is the package `wrk` of Debian, Ubuntu and Homebrew")


def throughput(load: Load, seconds: int) -> float:
    """Return the requests a second that a server answers, all of them well."""
    check_wrk()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.writelines(f"{request.target}\t{request.authorization}\n" for request in load.requests)
        listing.flush()
        address = f"http://127.0.0.1:{load.server.port}/"
        options: list[str | Path] = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "-s", _SCRIPT]
        output = run("wrk", ["wrk", *options, address, "--", listing.name]).output
    _, count, duration, failures, _ = output[output.index("measured ") :].split()
    if int(failures):
        raise BenchmarkError(f"{load.server.name}: {failures} of {count} requests failed under load")
    return int(count) / float(duration)


def compare(first: Load, second: Load, rounds: Rounds) -> tuple[float, float]:
    """Warm both up, measure them in turns, and return the median throughput of each, in requests a second."""
    for load in (first, second):
        throughput(load, 1)
    measured = [(throughput(first, rounds.seconds), throughput(second, rounds.seconds)) for _ in range(rounds.count)]
    firsts, seconds = zip(*measured, strict=True)
    return median(firsts), median(seconds)
