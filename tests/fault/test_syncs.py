"""What is acknowledged is on the disk: every commit syncs the write-ahead log before anybody is told of it.

Syncs are counted by the system calls of a real process. That the count means something is proven beside it: the
same importer with `PRAGMA synchronous = NORMAL` does not pass.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.fault.processes import script, uncovered
from tests.fault.upstream import upstream_of
from tests.support.command import ROWEN, rowen
from tests.support.records import canonical, record

PAGES: Final = 12

CARELESS: Final = """
import sqlite3
from pathlib import Path

from rowen.store import sqlite

careful = sqlite.connect


def connect(path: Path, *rest: int, **options: bool) -> sqlite3.Connection:
    connection = careful(path, *rest, **options)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


sqlite.connect = connect
from rowen.cli.main import main

main()
"""
"""`rowen` that does not wait for the disk."""

_ask: Final = re.compile(r"\bsend(?:to|msg)\(.*GET /v1/")
_sync: Final = re.compile(r"\bf(?:data)?sync\(\d+<[^>]*-wal>")


@pytest.fixture(scope="module")
def strace() -> str:
    """Return the tracer; without one, or where tracing is not allowed, there is nothing to be counted."""
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


def test_every_page_is_on_the_disk_before_the_next_is_asked_for(strace: str, tmp_path: Path) -> None:
    assert min(syncs_before_each_request(strace, ROWEN, tmp_path)) >= 1


def test_the_count_tells_a_careless_importer(strace: str, tmp_path: Path) -> None:
    counts = syncs_before_each_request(strace, script(CARELESS), tmp_path)
    assert min(counts) == 0
    assert sum(counts) < PAGES
