"""Load from wrk, with 16 connections of one thread, and measurements in turns.

Owns how throughputs are compared. Must not know what is compared. wrk builds a request in about a microsecond, for
reads and writes alike, so that the server is the bottleneck.
"""

import secrets
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.client import Request
from benchmarks.processes import BenchmarkError, Server, run

CONNECTIONS: Final = 16
_READS: Final = Path(__file__).with_name("wrk.lua")
_WRITES: Final = Path(__file__).with_name("writes.lua")

Measure = Callable[[int], float]
"""Measures for a number of seconds, and returns operations per second."""


@dataclass(frozen=True)
class Load:
    """A server and the requests to send to it, repeated in a cycle."""

    server: Server
    requests: Sequence[Request]


@dataclass(frozen=True)
class Rounds:
    """The number of rounds of a comparison, and the seconds for which a round measures each side."""

    count: int
    seconds: int


def check_wrk() -> None:
    """Raise `BenchmarkError` if the load generator is missing."""
    if shutil.which("wrk") is None:
        raise BenchmarkError("wrk is not installed: it is the package `wrk` of Debian, Ubuntu and Homebrew")


def throughput(load: Load, seconds: int) -> float:
    """Return the requests per second that a server answers. Raises BenchmarkError if any request fails."""
    lines = [f"{request.target}\t{request.authorization}" for request in load.requests]
    return _measured(load.server, lines, _READS, seconds)


def write_throughput(load: Load, mark: str, seconds: int) -> float:
    """Return the writes per second that a server answers. Raises BenchmarkError if any request fails.

    The body of each request contains `mark` once; wrk replaces it by a unique text of the same length.
    """
    lines = [f"{each.target}\t{each.authorization}\t{each.author}\t{each.body.decode()}" for each in load.requests]
    return _measured(load.server, lines, _WRITES, seconds, mark, secrets.token_hex(4))


def _measured(server: Server, lines: Sequence[str], script: Path, seconds: int, *arguments: str) -> float:
    check_wrk()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.writelines(f"{line}\n" for line in lines)
        listing.flush()
        address = f"http://127.0.0.1:{server.port}/"
        options: list[str | Path] = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "-s", script]
        output = run("wrk", ["wrk", *options, address, "--", listing.name, *arguments]).output
    _, count, duration, failures = output[output.index("measured ") :].split()
    if int(failures):
        raise BenchmarkError(f"{server.name}: {failures} of {count} requests failed under load")
    return int(count) / float(duration)


def compare(first: Load, second: Load, rounds: Rounds) -> tuple[float, float]:
    """Warm up both, measure them in turns, and return the median throughput of each, in requests per second."""
    return in_turns(partial(throughput, first), partial(throughput, second), rounds)


def in_turns(first: Measure, second: Measure, rounds: Rounds) -> tuple[float, float]:
    """Warm up both, measure them in turns and in alternating order, and return the median of each."""
    measures = {first: list[float](), second: list[float]()}
    for measure in measures:
        measure(1)
    for number in range(rounds.count):
        for measure in (first, second) if number % 2 else (second, first):
            measures[measure].append(measure(rounds.seconds))
    return median(measures[first]), median(measures[second])
