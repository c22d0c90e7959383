"""The instructions that a server executes for each request, counted by Valgrind.

Owns how they are counted. Must not know what is requested, or how a server is started. On a shared machine two
processes of the same code differ by up to a tenth in their speed, but by less than a hundredth in their instructions.
"""

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from benchmarks.client import Request
from benchmarks.processes import BenchmarkError, Server
from benchmarks.subject import expect

COMMAND: Final = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--trace-children=yes")
"""What a server has to be started with."""

_COUNTED: Final = 500  # requests of each kind
_DIFFERENT: Final = 100  # of them: a server is fifty times as slow while it is counted
_COLLECTED: Final = re.compile(r"^==\d+== Collected : (\d+)$", re.MULTILINE)

Start = Callable[[Path], AbstractContextManager[Server]]
"""Starts a server with `COMMAND`; its output goes to a file."""


def check_valgrind() -> None:
    """Raise `BenchmarkError` if the counter is missing."""
    if shutil.which(COMMAND[0]) is None:
        raise BenchmarkError("valgrind is not installed: it is the package `valgrind` of Debian, Ubuntu and Homebrew")


def instructions(start: Start, log: Path, kinds: Mapping[str, Sequence[Request]]) -> dict[str, float]:
    """Return the instructions of a request of each kind.

    They are those of a server that answers some requests more, less those of one that does not, by their number.
    """
    known = [request for requests in kinds.values() for request in requests[:_DIFFERENT]]
    least = _collected(start, log, known)
    found = {}
    for name, requests in kinds.items():
        some = requests[:_DIFFERENT]
        more = [some[number % len(some)] for number in range(_COUNTED)]
        found[name] = (_collected(start, log, [*known, *more]) - least) / _COUNTED
    return found


def _collected(start: Start, log: Path, requests: Sequence[Request]) -> int:
    """Return the instructions of all processes of a server that answers requests."""
    with start(log) as server, server.connect() as connection:
        for request in requests:
            expect(connection, request)
    return sum(map(int, _COLLECTED.findall(log.read_text(errors="replace"))))
