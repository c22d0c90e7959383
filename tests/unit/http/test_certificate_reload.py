"""SIGHUP: new connections get the new certificate, none is lost, and unusable files change nothing."""

import os
import re
import signal
import socket
import ssl
from pathlib import Path
from time import monotonic
from typing import Final

import pytest

from tests.support.certificates import Pair, new_pair
from tests.support.processes import workers
from tests.support.records import record
from tests.support.served_schedule import import_records, make_key
from tests.support.server import Server, basic, serving

pytestmark = pytest.mark.slow

LARGE: Final = 40_000
GRANIAN_WAITS: Final = 4  # seconds: a little more than it gives a new worker, on its own, before it stops the old one
_RECORDS: Final = 200
_TRUSTING: Final = ssl.create_default_context()
_TRUSTING.check_hostname = False
_TRUSTING.verify_mode = ssl.CERT_NONE


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    """Return three valid pairs."""
    return [new_pair(tmp_path, name) for name in ("first", "second", "third")]


def point(links: Pair, target: Pair) -> None:
    """Make the links lead to other files, as certbot and Kubernetes do."""
    for link, file in ((links.certificate, target.certificate), (links.key, target.key)):
        link.unlink(missing_ok=True)
        link.symlink_to(file)


def der(pair: Pair) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())


def connected(server: Server, buffer: int | None = None) -> ssl.SSLSocket:
    plain = socket.socket()
    if buffer is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    plain.settimeout(60)
    plain.connect(("127.0.0.1", server.port))
    return _TRUSTING.wrap_socket(plain)


def ask(server: Server) -> bytes | None:
    """Send a request over a new connection; return its certificate, or None if it was closed before any response."""
    try:
        with connected(server) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = connection.recv(4_096)
            if not answer:
                return None
            assert answer.startswith(b"HTTP/1.1 200 ")
            return connection.getpeercert(binary_form=True)
    except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
        return None


def answered(server: Server) -> bytes:
    """Send a request as HTTP clients do: again if a connection was closed before any response."""
    certificate = ask(server) or ask(server)
    assert certificate is not None, "a connection was lost"
    return certificate


def read_to_its_end(connection: ssl.SSLSocket, received: bytearray) -> bytearray:
    """Read a response that has begun, and return its body."""
    while b"\r\n\r\n" not in received:
        received += connection.recv(4_096)
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: ([0-9]+)", head, re.IGNORECASE)
    assert length is not None
    while len(body) < int(length[1]):
        part = connection.recv(2**20)
        assert part, "the connection broke in the middle of an answer"
        body += part
    return body


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_renewed_certificate_is_used_and_no_connection_lost(
    database: str, tmp_path: Path, pairs: list[Pair], count: str
) -> None:
    key = make_key(database, "mine", "own")
    import_records(database, "mine", tmp_path, [record(number, location="x" * LARGE) for number in range(_RECORDS)][1:])
    links = Pair(tmp_path / "live.pem", tmp_path / "live-key.pem")
    first, second, _ = pairs
    point(links, first)
    with serving(database, [*links.options, "--workers", count]) as server, connected(server, 4_096) as begun:
        path = "/v1/scheduled_interviews?per_page=500"
        authorization = basic(key)["Authorization"]
        begun.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n".encode())
        received = bytearray(begun.recv(4_096))
        assert answered(server) == der(first)
        point(links, second)
        server.process.send_signal(signal.SIGHUP)
        while not any("Stopping old worker-" in line for line in server.log):  # it waits for the response in progress
            assert answered(server) in (der(first), der(second))
        assert read_to_its_end(begun, received).endswith(b"]")
        while not any(f"Stopped old worker-{count}" in line for line in server.log):
            answered(server)
        assert {answered(server) for _ in range(20)} == {der(second)}
        assert server.stop() == 0


def test_a_worker_is_not_stopped_before_its_replacement_runs(database: str, tmp_path: Path, pairs: list[Pair]) -> None:
    """Each has a listening socket of its own: in between, connections would be refused."""
    links = Pair(tmp_path / "live.pem", tmp_path / "live-key.pem")
    first, second, _ = pairs
    point(links, first)
    with serving(database, links.options) as server:
        (old,) = workers(server.process)
        point(links, second)
        server.process.send_signal(signal.SIGHUP)
        while len(found := set(workers(server.process))) < 2:
            pass
        (new,) = found - {old}
        os.kill(new, signal.SIGSTOP)
        if sum("Started worker-" in line for line in server.log) == 1:
            until = monotonic() + GRANIAN_WAITS
            while monotonic() < until:
                assert answered(server) == der(first)
        os.kill(new, signal.SIGCONT)
        while answered(server) != der(second):
            pass
        assert server.stop() == 0


def test_unusable_files_change_nothing(database: str, tmp_path: Path, pairs: list[Pair]) -> None:
    links = Pair(tmp_path / "live.pem", tmp_path / "live-key.pem")
    first, second, third = pairs
    point(links, first)
    with serving(database, links.options) as server:
        for bad in (Pair(second.certificate, third.key), Pair(tmp_path / "missing.pem", second.key)):
            known = len(server.log)
            point(links, bad)
            server.process.send_signal(signal.SIGHUP)
            while not any("certificate not reloaded" in line for line in server.log[known:]):
                assert answered(server) == der(first)
            assert not any("respawning" in line for line in server.log)
        point(links, second)
        server.process.send_signal(signal.SIGHUP)
        while answered(server) != der(second):
            pass
        assert server.stop() == 0
        text = "".join(server.log)
        assert "is not the key of the first certificate" in text
        assert "PRIVATE KEY" not in text
