"""Acknowledged writes are on disk: every commit syncs the write-ahead log before its acknowledgement.

Syncs are counted by the system calls of a real process. A control shows that the count is meaningful: the same importer
with `PRAGMA synchronous = NORMAL` fails.
"""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Semaphore
from typing import Final

import httpx
import pytest

from tests.support.command import ROWEN, rowen
from tests.support.crash_clients import ON_BEHALF, new_interview
from tests.support.processes import script, uncovered
from tests.support.records import canonical, record
from tests.support.server import serving
from tests.support.upstream import upstream_of

PAGES: Final = 12

CARELESS: Final = """
import sqlite3
from pathlib import Path

from rowen.store.engines.sqlite import connections

careful = connections.connect


def connect(path: Path, *rest: int, **options: bool) -> sqlite3.Connection:
    connection = careful(path, *rest, **options)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


connections.connect = connect
from rowen.cli.main import main

main()
"""
"""`rowen` that does not wait for the disk."""

WRITES: Final = 12
TOGETHER: Final = 16

_ask: Final = re.compile(r"\bsend(?:to|msg)\(.*GET /v1/")
_sync: Final = re.compile(r"\bf(?:data)?sync\(\d+<[^>]*-wal>")
_answer: Final = re.compile(r"\b(?:send(?:to|msg)|writev?)\(.*HTTP/1\.1 200")


@pytest.fixture(scope="module")
def strace() -> str:
    """Return the tracer; without one, or if tracing is not allowed, there is nothing to count."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed: scripts/test installs it where it can")
    probe = subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"strace may not trace here: {probe.stderr.decode().strip()}")
    return found


def syncs_before_each_request(strace: str, command: Sequence[str], folder: Path) -> list[int]:
    """Import pages with a command; return how often it synced the log before its second request, its third, and so on.

    The last number counts those after the last request.
    """
    trace, database = folder / "trace", f"sqlite:///{folder / 'rowen.db'}"
    rowen("organizations", "create", "default", "--database", database)
    pages = [[record(page * 20 + each) for each in range(1, 21)] for page in range(PAGES)]
    with upstream_of(pages) as upstream:
        done = subprocess.run(
            [
                *(strace, "--follow-forks", "--decode-fds=path", "--string-limit=16"),
                *("--trace=fsync,fdatasync,sendto,sendmsg", "--output", trace),
                *(*command, "import", upstream.address, "--database", database),
            ],
            capture_output=True,
            env=uncovered(),
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    counts: list[int] = []
    for line in trace.read_text(errors="replace").splitlines():
        if _ask.search(line):
            counts.append(0)
        elif counts and _sync.search(line):
            counts[-1] += 1
    assert len(counts) == PAGES, trace.read_text(errors="replace")
    exported = rowen("export", "--database", database).stdout.encode()
    assert exported == b"".join(canonical(each) + b"\n" for page in pages for each in page)
    return counts


def test_every_page_is_on_disk_before_the_next_is_requested(strace: str, tmp_path: Path) -> None:
    assert min(syncs_before_each_request(strace, ROWEN, tmp_path)) >= 1


def test_the_count_detects_a_careless_importer(strace: str, tmp_path: Path) -> None:
    counts = syncs_before_each_request(strace, script(CARELESS), tmp_path)
    assert min(counts) == 0
    assert sum(counts) < PAGES


def syncs_before_each_answer(
    strace: str, command: Sequence[str], writable: tuple[Path, str], trace: Path, together: int
) -> list[int]:
    """Write through the API, this many concurrently; return how often the log was synced before each 200.

    Concurrent writes wait for another process's lock together.
    """
    path, key = writable
    tracer = (
        *(strace, "--follow-forks", "--decode-fds=path", "--string-limit=16"),
        *("--trace=fsync,fdatasync,sendto,sendmsg,write,writev", "--output", str(trace)),
    )
    answers: list[httpx.Response] = []
    with serving(f"sqlite:///{path}", command=(*tracer, *command)) as server, server.client(key) as client:
        sent = Semaphore(0)

        def watch(event: str, _: object) -> None:
            if event == "http11.send_request_body.complete":
                sent.release()

        def send(number: int) -> httpx.Response:
            body, watched = new_interview(f"e{number}"), {"trace": watch}
            return client.post("/v2/scheduled_interviews", json=body, headers=ON_BEHALF, extensions=watched)

        if together == 1:
            answers += [send(number) for number in range(WRITES)]
        else:
            with ThreadPoolExecutor(together) as pool, closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                futures = [pool.submit(send, number) for number in range(together)]
                assert all(sent.acquire(timeout=60) for _ in futures)
                client.get("/v1/scheduled_interviews").raise_for_status()  # it was asked after them
                other.execute("ROLLBACK")
                answers += [future.result() for future in futures]
        os.killpg(server.process.pid, signal.SIGTERM)  # the tracer passes nothing on
        server.process.wait(60)
    assert {answer.status_code for answer in answers} == {200}
    counts = [0]
    for line in trace.read_text(errors="replace").splitlines():
        if _answer.search(line):
            counts.append(0)
        elif _sync.search(line):
            counts[-1] += 1
    assert len(counts) > len(answers), trace.read_text(errors="replace")
    return counts


def test_every_write_is_on_the_disk_before_its_answer(strace: str, writable: tuple[Path, str], tmp_path: Path) -> None:
    assert min(syncs_before_each_answer(strace, ROWEN, writable, tmp_path / "trace", 1)[:WRITES]) >= 1


def test_the_count_detects_a_careless_server(strace: str, writable: tuple[Path, str], tmp_path: Path) -> None:
    counts = syncs_before_each_answer(strace, script(CARELESS), writable, tmp_path / "trace", 1)
    assert min(counts[:WRITES]) == 0


def test_writes_that_wait_together_share_a_sync(strace: str, writable: tuple[Path, str], tmp_path: Path) -> None:
    counts = syncs_before_each_answer(strace, ROWEN, writable, tmp_path / "trace", TOGETHER)
    assert sum(counts[:TOGETHER]) <= TOGETHER // 2
