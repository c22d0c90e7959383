"""Stopping on request: what was begun is finished, what is written is whole, and nobody sees a traceback."""

import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.fault.processes import IMPATIENT_IMPORT, examine, finish, script, start
from tests.fault.upstream import upstream_of
from tests.support.command import rowen
from tests.support.records import canonical, record, write_json_lines
from tests.support.server import Server, serving

SHARED_LOCK: Final = (0x4000_0002, 510)
"""Where SQLite locks a file against whoever would have it alone (os_unix.c): first byte and length."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep everybody from reading a database file."""
    first, length = SHARED_LOCK
    with path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, length, first)
        yield


def wait_until_open(server: Server, path: Path) -> None:
    """Return once a worker has opened the file, as the first request makes it do."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    while server.process.poll() is None:
        for worker in children.read_text().split():
            try:
                if any(link.readlink() == path for link in Path(f"/proc/{worker}/fd").iterdir()):
                    return
            except FileNotFoundError:
                continue


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_flight_are_finished(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "rowen.db"
    database = f"sqlite:///{path}"
    records = [record(identifier) for identifier in range(1, 501)]
    rowen("import", write_json_lines(tmp_path / "records.jsonl", records), "--database", database)
    key = rowen("keys", "create", "poller", "--database", database).stdout.strip()
    with serving(database) as server, server.client(key) as client, ThreadPoolExecutor(1) as pool:
        with locked(path):
            answer = pool.submit(client.get, "/v1/scheduled_interviews?per_page=500")
            wait_until_open(server, path)
            assert not answer.done()
            # As a terminal's Ctrl-C does: to the whole group.
            os.killpg(server.process.pid, number)
        assert answer.result(30).content == b"[" + b",".join(map(canonical, records)) + b"]"
        assert server.process.wait(30) == 0
    said = "".join(server.log)
    assert "Traceback" not in said
    assert "error" not in said.lower()


def test_a_stopped_server_has_stored_the_use_of_keys(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'rowen.db'}"
    rowen("organizations", "create", "default", "--database", database)
    key = rowen("keys", "create", "poller", "--database", database).stdout.strip()
    with serving(database) as server:
        with server.client(key) as client:
            assert client.get("/v1/scheduled_interviews").status_code == 200
        assert server.stop() == 0
    assert "never" not in rowen("keys", "list", "--database", database).stdout


def interrupted(said: str) -> bool:
    return "Interrupted. What is written is whole; the same command completes it." in said


def test_an_interrupted_import_from_a_slow_server(tmp_path: Path) -> None:
    pages = [[record(page * 20 + each) for each in range(1, 21)] for page in range(4)]
    database = f"sqlite:///{tmp_path / 'rowen.db'}"
    stalled, going_on = threading.Event(), threading.Event()

    def stall(number: int) -> None:
        if number == 3:
            stalled.set()
            going_on.wait()

    with upstream_of(pages) as upstream:
        upstream.before = stall
        process = start("import", upstream.address, "--database", database)
        try:
            assert stalled.wait(60)
            process.send_signal(signal.SIGINT)
            said = finish(process, status=130)
        finally:
            going_on.set()
        assert interrupted(said)
        assert len(examine(tmp_path / "rowen.db", tmp_path).documents) == 40
        assert rowen("import", upstream.address, "--database", database).stdout.endswith("40\t40\t0\t0\t0\t0\n")


def test_an_interrupted_import_that_waits_for_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "rowen.db"
    process = start(
        "10", "import", "-", "--database", f"sqlite:///{path}",
        command=script(IMPATIENT_IMPORT), stdin=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write("".join(canonical(record(each)).decode() + "\n" for each in range(1, 11)))
    process.stdin.flush()
    assert "10 records" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    said = finish(process, status=130)
    assert interrupted(said)
    assert len(examine(path, tmp_path).documents) == 10


def test_an_interrupted_import_in_the_middle_of_writing(tmp_path: Path) -> None:
    path = tmp_path / "rowen.db"
    records = [record(each) for each in range(1, 20_001)]
    source = write_json_lines(tmp_path / "records.jsonl", records)
    rowen("organizations", "create", "default", "--database", f"sqlite:///{path}")
    process = start("500", "import", source, "--database", f"sqlite:///{path}", command=script(IMPATIENT_IMPORT))
    assert process.stderr is not None
    while not process.stderr.readline().startswith("Writing"):
        pass
    process.send_signal(signal.SIGINT)
    assert interrupted(finish(process, status=130))
    found = examine(path, tmp_path)
    assert found.faults == []
    assert 0 < len(found.documents) < len(records)
    assert found.counted == len(found.documents)
    again = rowen("import", source, "--database", f"sqlite:///{path}").stdout.splitlines()[1].split("\t")
    assert again[:4] == ["20000", str(20_000 - len(found.documents)), "0", str(len(found.documents))]
