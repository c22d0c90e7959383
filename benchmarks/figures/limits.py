"""The cost of the limits on clients, and how many clients they allow at once.

Owns the figures that are compared with the last commit before the limits, and those with many connections at once.
"""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice
from statistics import quantiles
from typing import Final

from benchmarks import predecessor, writes
from benchmarks.bench import Bench
from benchmarks.client import Request
from benchmarks.processes import BenchmarkError, Server
from benchmarks.report import Goal, Result, Unit
from benchmarks.subject import Database, expect, listing

BEFORE: Final = "b6ec3a5"
"""The last commit before the limits."""

_FOLLOWERS: Final = 1_000
_CLIENTS: Final = 500
_SILENT: Final = 5_000
_CHANGES: Final = 20
_SECONDS: Final = 5.0  # less than the time after which the server closes a silent connection
_MEGABYTE: Final = 2**20

_MEMORY: Final = Goal(250, None, Unit.MEGABYTES, more_is_better=False)
_WAIT: Final = Goal(100, None, Unit.MILLISECONDS, more_is_better=False)


def limits(bench: Bench) -> Iterator[Result]:
    """Yield the cost of the limits for list, retrieve and create, and the figures with many connections at once."""
    yield from predecessor.throughput(bench, BEFORE, "limits against none")
    with bench.copy(bench.few, "peers") as database, bench.served(database) as rowen:
        yield from _followers(database, rowen)
        yield _silence(database, rowen)


def _followers(database: Database, rowen: Server) -> Iterator[Result]:
    """Serve many live followers and many clients at once, and check that each receives everything."""
    _allow_descriptors(_FOLLOWERS + _CLIENTS)
    with ExitStack() as stack:
        followers = [_follow(stack, rowen, key) for key in islice(cycle(database.keys), _FOLLOWERS)]
        clients = [
            (stack.enter_context(rowen.connect()), listing(key, per_page=10))
            for key in islice(cycle(database.keys), _CLIENTS)
        ]
        for connection, request in clients:
            expect(connection, request)
        with rowen.connect() as connection:
            for key in database.keys:
                some = writes.material(connection, key)
                for number, each in enumerate(writes.creations(some, _CHANGES)):
                    expect(connection, writes.named(each, f"followed-{number}"))
        for follower in followers:
            _read_events(follower, _CHANGES)
        waits = [expect(connection, request).seconds for connection, request in clients for _ in range(4)]
        p99 = quantiles(waits, n=100)[98]
        what = f"memory with {_FOLLOWERS:,} live followers and {_CLIENTS} kept connections"
        served = (
            f"{len(followers) * _CHANGES:,} events and {len(waits):,} lists, all served; lists p99 {p99 * 1000:.1f} ms"
        )
        yield Result(what, served, rowen.memory() / _MEGABYTE, _MEMORY)


def _follow(stack: ExitStack, rowen: Server, key: str) -> socket.socket:
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", rowen.port), timeout=60))
    request = Request("/rowen/v1/changes?after=now", key).message(f"127.0.0.1:{rowen.port}")
    connection.sendall(request.replace(b"Host:", b"Accept: text/event-stream\r\nHost:"))
    received = b""
    while b"retry:" not in received:
        part = connection.recv(2**16)
        if not part:
            raise BenchmarkError(f"the server refused a follower: {received[:40]!r}")
        received += part
    return connection


def _read_events(connection: socket.socket, count: int) -> None:
    received = b""
    while received.count(b"\nevent: created\n") < count:
        part = connection.recv(2**20)
        if not part:
            raise BenchmarkError("the server closed the connection of a follower")
        received += part


def _silence(database: Database, rowen: Server) -> Result:
    """Time pages on new connections while many other connections send nothing."""
    _allow_descriptors(_SILENT)
    request = listing(database.keys[0])
    waits: list[float] = []
    with ExitStack() as stack:
        for _ in range(_SILENT):
            stack.enter_context(socket.create_connection(("127.0.0.1", rowen.port), timeout=60))
        ends = time.perf_counter() + _SECONDS
        while time.perf_counter() < ends:
            begun = time.perf_counter()
            with rowen.connect() as connection:  # a new connection for each request, as a new client opens one
                expect(connection, request)
            waits.append(time.perf_counter() - begun)
    what = f"wait of another client, p99, {_SILENT:,} silent connections"
    measured = f"p50 {quantiles(waits, n=2)[0] * 1000:.1f} ms, longest {max(waits) * 1000:.1f} ms of {len(waits):,}"
    return Result(what, measured, quantiles(waits, n=100)[98] * 1000, _WAIT)


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 256:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count + 256, hard), hard))
