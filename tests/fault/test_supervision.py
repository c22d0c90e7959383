"""Worker processes that hang, lose their parent, or do not stop."""

import os
import re
import select
import signal
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from rowen.http.server import Heartbeats
from tests.support.processes import script
from tests.support.server import Server, basic, is_open, serving

IMPATIENT: Final = """
import multiprocessing

multiprocessing.set_start_method("fork")
from rowen.http import server

server.HANG_LOOKS = 2
from rowen.cli.main import main

main()
"""
"""`rowen` that replaces a worker after two seconds without a beat."""


def workers(server: Server) -> list[int]:
    """Return the process ids of the workers that a server has started so far."""
    return [int(each) for line in server.log for each in re.findall(r"Spawning worker-\d+ with PID: (\d+)", line)]


def wait_for_end(pid: int) -> None:
    """Return once a process that is no child of ours has ended."""
    descriptor = os.pidfd_open(pid)
    try:
        assert select.select([descriptor], [], [], 60)[0]
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("workers_number", ["1", "2"])
def test_a_worker_that_hangs_is_replaced(writable: tuple[Path, str], workers_number: str) -> None:
    options = ["--workers", workers_number]
    with serving(f"sqlite:///{writable[0]}", options, command=script(IMPATIENT)) as server:
        while sum("Started worker-" in line for line in server.log) < int(workers_number):
            pass  # a starting worker is given more time
        hanging = workers(server)[0]
        os.kill(hanging, signal.SIGSTOP)
        wait_for_end(hanging)
        while len(workers(server)) == int(workers_number) or not is_open(server.port):
            pass
        with server.client(writable[1]) as client:
            assert client.get("/v1/scheduled_interviews").status_code == 200
        assert any("worker does not respond" in line for line in server.log)
        assert server.stop() == 0


def test_workers_end_when_their_parent_is_killed(writable: tuple[Path, str]) -> None:
    with serving(f"sqlite:///{writable[0]}", ["--workers", "2"]) as server:
        left = workers(server)
        os.kill(server.process.pid, signal.SIGKILL)
        for worker in left:
            wait_for_end(worker)
        assert not is_open(server.port)


def test_a_worker_that_hangs_ends_with_its_parent(writable: tuple[Path, str]) -> None:
    """A request keeps it from stopping by itself."""
    with serving(f"sqlite:///{writable[0]}") as server, socket.create_connection(("127.0.0.1", server.port)) as peer:
        start_body(peer, writable[1])
        (worker,) = workers(server)
        os.kill(server.process.pid, signal.SIGKILL)
        wait_for_end(worker)


def start_body(peer: socket.socket, key: str) -> None:
    """Begin a write, and make the server wait for the rest of its body."""
    known = f"Authorization: {basic(key)['Authorization']}\r\nOn-Behalf-Of: 1\r\nContent-Type: application/json\r\n"
    head = (
        f"POST /v2/scheduled_interviews HTTP/1.1\r\nHost: x\r\n{known}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    )
    peer.sendall(head.encode())
    assert peer.recv(100).startswith(b"HTTP/1.1 100 ")


def test_a_stop_with_busy_peers_takes_less_than_service_managers_allow(writable: tuple[Path, str]) -> None:
    with serving(f"sqlite:///{writable[0]}", ["--http2"]) as server, ExitStack() as stack:
        for text in (b"", b"PRI", b"GET /", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            peer.sendall(text)
        start_body(stack.enter_context(socket.create_connection(("127.0.0.1", server.port))), writable[1])
        assert server.stop() == 0
    reported = [line for line in server.log if "Shutting down" in line or "completed" in line]
    assert len(reported) == 2, server.log


def test_a_process_that_was_suspended_with_its_parent_is_not_late() -> None:
    heartbeats = Heartbeats(1)
    heartbeats.expect(0)
    beat = heartbeats.of(0)
    beat()
    assert [heartbeats.is_silent(0) for _ in range(21)] == [False] * 20 + [True]
    beat()
    assert not heartbeats.is_silent(0)
