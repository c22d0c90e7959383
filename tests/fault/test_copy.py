"""`rowen db copy` interrupted by a kill, by Ctrl-C, by its server, by a disk: it continues, and ends complete."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from rowen.store.database import locate
from rowen.wiring import check
from tests.support.command import rowen
from tests.support.full_database import fill, rows_of
from tests.support.postgres import serving_postgres
from tests.support.processes import Piped, finish, one_sentence, script, start
from tests.support.programs import quiet_port
from tests.support.storage import POSTGRES, SQLITE, Storage

HURT_COPY: Final = """
import os, sys, threading
from rowen.cli import console
from rowen.store import transfer

number, doing, count, seconds = sys.argv.pop(1).split()
left = int(count)
timer = threading.Timer(float(seconds), os.kill, (os.getpid(), int(number)))

def report(now, *_):
    global left
    if left == 0:
        timer.join()
    elif now == doing:
        left -= 1
        if left == 0:
            timer.start()

console.plain_lines = lambda: report
transfer.DOCUMENT_BATCH, transfer.ROW_BATCH = 20, 50
from rowen.cli.main import main

main()
"""
"""`rowen` that copies few rows at once, and sends itself a signal some seconds after the n-th step of a kind.

It does not begin another step before.
"""

UNFINISHED: Final = "is an unfinished copy: `rowen db copy --resume` continues it"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a SQLite database with rows of every kind, to be copied and not changed."""
    database = SQLITE.new_database(tmp_path_factory.mktemp("original"))
    fill(database, 20)
    return database


def begin(number: signal.Signals, when: str, source: str, target: str, *options: str) -> Piped:
    command = script(HURT_COPY)
    return start(f"{number.value} {when}", "db", "copy", source, target, *options, command=command)


def require_whole(source: str, target: str) -> None:
    assert rows_of(target) == rows_of(source)
    assert check(locate(target)) == []


@pytest.mark.parametrize(
    ("other", "kills"),
    [
        pytest.param(SQLITE, ("Copying 9 0.002", "Comparing 3 0"), id="sqlite"),
        pytest.param(POSTGRES, ("Copying 20 0.01", "Indexing 4 0.002"), id="postgres"),
    ],
)
def test_a_copy_that_is_interrupted_and_killed_goes_on(
    original: str, other: Storage, kills: Sequence[str], tmp_path: Path
) -> None:
    target = other.new_database(tmp_path)
    said = finish(begin(signal.SIGINT, "Copying 7 0.001", original, target), status=130)
    assert said == "Interrupted. Run the same command with --resume to continue.\n"
    refused = rowen("serve", "--database", target, "--port", str(quiet_port()), status=1)
    assert one_sentence(refused.stderr).endswith(UNFINISHED)
    for when in kills:
        process = begin(signal.SIGKILL, when, original, target, "--resume")
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    done = rowen("db", "copy", original, target, "--resume")
    copied = rows_of(original)
    rows = sum(map(len, copied.values()))
    assert done.stderr == f"Copied {len(copied)} tables, {rows:,} rows; the target equals the source.\n"
    require_whole(original, target)


def test_a_server_that_crashes_under_its_copy(original: str) -> None:
    with serving_postgres() as server:
        target = server.create_database()
        process = begin(signal.SIGSTOP, "Copying 12 0", original, target)
        stopped = os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        assert stopped is not None
        server.kill()
        process.send_signal(signal.SIGCONT)
        one_sentence(finish(process, status=1))
        server.start()
        rowen("db", "copy", original, target, "--resume")
        server.kill()  # the reported copies are no longer only in its memory
        server.start()
        require_whole(original, target)


def test_a_disk_that_is_full(filled: tuple[Path, str], small_disk: Path) -> None:
    source, target = f"sqlite:///{filled[0]}", f"sqlite:///{small_disk / 'rowen.db'}"
    done = rowen("db", "copy", source, target, status=1)
    assert one_sentence(done.stderr) == f"rowen: database {small_disk / 'rowen.db'}: the disk is full"
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    rowen("db", "copy", source, target, "--resume")
    require_whole(source, target)
