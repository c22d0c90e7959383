"""SIGKILL in the middle of writing loses nothing that was acknowledged, and leaves only complete records.

A page is acknowledged to its server by the request for the next one; a batch of a stream by the line of progress after
it.
"""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import httpx
import pytest

from rowen.app.keys import digest
from tests.support.command import begin, rowen
from tests.support.processes import (
    IMPATIENT_IMPORT,
    IMPATIENT_SERVE,
    Piped,
    examine,
    footprint,
    script,
    start,
    uncovered,
    wait_for_write,
)
from tests.support.programs import quiet_port
from tests.support.records import Record, canonical, record, write_json_lines
from tests.support.scale import sample, scaled
from tests.support.server import Server
from tests.support.upstream import Upstream, nothing, upstream_of

pytestmark = pytest.mark.heavy

PAGE = 20


def pages_of(number: int) -> list[list[Record]]:
    return [[record(page * PAGE + each) for each in range(1, PAGE + 1)] for page in range(number)]


def kill_at(upstream: Upstream, process: Piped, path: Path, moment: str, request: int) -> None:
    """Arrange for the process to be killed at its n-th request."""
    before_answer = footprint(path)

    def before(number: int) -> None:
        nonlocal before_answer
        before_answer = footprint(path)
        if moment == "asked" and number == request:
            process.kill()

    def after(number: int) -> None:
        if number == request:
            if moment == "written":
                wait_for_write(process, path, before_answer)
            process.kill()

    upstream.before, upstream.after = before, after


def require_pages(path: Path, folder: Path, pages: Sequence[Sequence[Record]], acknowledged: int) -> int:
    """Require complete pages, every acknowledged one and nothing else; return how many there are."""
    found = examine(path, folder)
    assert found.faults == []
    stored = len(found.documents) // PAGE
    expected = {each["id"]: canonical(each) for page in pages[:stored] for each in page}
    assert found.documents == expected
    assert found.counted == len(expected)
    assert stored >= acknowledged
    if 0 < stored < len(pages):
        assert found.position is not None
        assert found.position.endswith(f"page={stored + 1}")
    return stored


@pytest.mark.parametrize("seed", range(2))
def test_an_importer_from_a_server_goes_on_where_it_was_killed(tmp_path: Path, seed: int) -> None:
    kills = [
        (("asked", "answered", "written", "written")[n % 4], 1 + (n // 4 + seed + 1) % 3) for n in range(scaled(32))
    ]
    pages = pages_of(sum(request for _, request in kills) + 3)
    path = tmp_path / "rowen.db"
    rowen("organizations", "create", "default", "--database", f"sqlite:///{path}")
    stored = 0
    with upstream_of(pages) as upstream:
        for moment, request in kills:
            upstream.count_from_here()
            process = start("import", upstream.address, "--database", f"sqlite:///{path}")
            kill_at(upstream, process, path, moment, request)
            process.communicate(timeout=60)
            assert process.returncode == -signal.SIGKILL
            assert upstream.asked[-upstream.count] == stored + 1
            stored = require_pages(path, tmp_path, pages, max(upstream.asked) - 1)
        upstream.before = upstream.after = nothing
        done = rowen("import", upstream.address, "--database", f"sqlite:///{path}")
    assert require_pages(path, tmp_path, pages, len(pages)) == len(pages)
    assert f"page={stored + 1}" in done.stderr
    assert rowen("db", "check", "--database", f"sqlite:///{path}").stdout == "ok\n"


def test_an_importer_of_a_stream_is_completed_by_running_it_again(tmp_path: Path) -> None:
    batch = 50
    records = [record(identifier) for identifier in range(1, 10 * batch + 1)]
    lines = [canonical(each).decode() + "\n" for each in records]
    path = tmp_path / "rowen.db"
    database = f"sqlite:///{path}"
    rowen("organizations", "create", "default", "--database", database)
    for kill in sample(range(1, 10)):
        process = start(
            str(batch), "import", "-", "--database", database,
            command=script(IMPATIENT_IMPORT), stdin=subprocess.PIPE,
        )  # fmt: skip
        acknowledged = feed(process, lines, batch, kill)
        if kill % 2:
            before = footprint(path)
            write(process, lines[acknowledged : acknowledged + batch])
            wait_for_write(process, path, before)
        process.kill()
        process.communicate(timeout=60)
        found = examine(path, tmp_path)
        assert found.faults == []
        assert len(found.documents) >= acknowledged
        assert len(found.documents) % batch == 0
        whole = [canonical(each) for each in records[: len(found.documents)]]
        assert [found.documents[identifier] for identifier in sorted(found.documents)] == whole
    done = rowen("import", write_json_lines(tmp_path / "all.jsonl", records), "--database", database)
    assert "500" in done.stdout
    assert len(examine(path, tmp_path).documents) == len(records)
    assert rowen("db", "check", "--database", database).stdout == "ok\n"


def feed(process: Piped, lines: Sequence[str], batch: int, batches: int) -> int:
    """Feed this many batches, each after the previous one is acknowledged; return how many records were."""
    acknowledged = 0
    assert process.stderr is not None
    for number in range(batches):
        write(process, lines[number * batch : (number + 1) * batch])
        said = re.search(r" ([\d,]+) records,", process.stderr.readline())
        assert said is not None
        acknowledged = int(said[1].replace(",", ""))
        assert acknowledged == (number + 1) * batch
    return acknowledged


def write(process: Piped, lines: Sequence[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("".join(lines))
    process.stdin.flush()


SIGNS: dict[str, Callable[[Path], bool]] = {
    "a file": lambda path: path.exists(),
    "a log": lambda path: footprint(path)[0] >= 0,
    "pages in the log": lambda path: footprint(path)[0] > 8 * 16_384,
}


@pytest.mark.parametrize("sign", SIGNS)
def test_an_importer_killed_while_it_makes_the_database_is_completed(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "rowen.db"
    pages = pages_of(2)
    killed = threading.Event()

    def wait(number: int) -> None:
        if number > 1:
            killed.wait()  # so that it cannot end before

    with upstream_of(pages) as upstream:
        upstream.before = wait
        process = start("import", upstream.address, "--database", f"sqlite:///{path}")
        while not SIGNS[sign](path) and process.poll() is None:
            pass
        process.kill()
        process.communicate(timeout=60)
        killed.set()
        assert process.returncode == -signal.SIGKILL
        rowen("import", upstream.address, "--database", f"sqlite:///{path}")
    assert require_pages(path, tmp_path, pages, 2) == 2
    with closing(connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_server_killed_while_it_stores_the_use_of_keys(tmp_path: Path) -> None:
    path = tmp_path / "rowen.db"
    database = f"sqlite:///{path}"
    records = [record(identifier) for identifier in range(1, 51)]
    rowen("import", write_json_lines(tmp_path / "records.jsonl", records), "--database", database)
    key = rowen("keys", "create", "poller", "--database", database).stdout.strip()
    for kill in sample(range(8)):
        port = quiet_port()
        process, said = begin(
            *("serve", "--database", database, "--port", str(port), "--rate-limit", "0"),
            known=uncovered(),
            command=script(IMPATIENT_SERVE),
        )
        server = Server(process, said, port)
        reader = threading.Thread(target=server.read_log)
        reader.start()
        server.wait_until_ready()
        seen = poll_until_killed(server, key, path, writes=1 + kill)
        reader.join(10)
        found = examine(path, tmp_path)
        assert found.faults == []
        assert found.documents == {each["id"]: canonical(each) for each in records}
        with closing(connect(tmp_path / "examined.db")) as connection:
            ((kept, last_used_at),) = connection.execute("SELECT digest, last_used_at FROM api_keys").fetchall()
        assert kept == digest(key)
        assert last_used_at >= seen
    assert rowen("db", "check", "--database", database).stdout == "ok\n"


def poll_until_killed(server: Server, key: str, path: Path, writes: int) -> int:
    """Send requests without pause; after this many writes kill the server and its workers during the next one.

    Returns the newest time of use that was stored before.
    """
    seen: set[int] = set()

    def kill() -> None:
        with closing(connect(path)) as connection:
            while len(seen) < writes:
                (last_used_at,) = connection.execute("SELECT last_used_at FROM api_keys").fetchone()
                seen.update([last_used_at] if last_used_at else [])
        wait_for_write(server.process, path, footprint(path))
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(60)

    killer = threading.Thread(target=kill)
    killer.start()
    with server.client(key) as client:
        try:
            while True:
                answer = client.get("/v1/scheduled_interviews", params={"per_page": 50})
                assert answer.status_code == 200
                assert len(answer.json()) == 50
        except httpx.TransportError:
            killer.join(60)
    assert server.process.returncode == -signal.SIGKILL
    return max(seen)
