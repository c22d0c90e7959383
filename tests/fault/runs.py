"""Servers that scribes write to: how they are made ready, killed, and looked at from outside.

Owns what belongs to one run of a server and its clients. Must not know when it ends, or why.
"""

import os
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Condition
from typing import Final

from tests.fault.processes import examine
from tests.fault.scribes import SEEDLING, Scribe
from tests.support.command import rowen
from tests.support.receiver import Receiver
from tests.support.records import write_json_lines
from tests.support.server import Server

PATHS: Final = ("/hook", "/hook/other")
SECONDS: Final = 60
ALLOWED: Final = ("--webhook-allow", "127.0.0.1")


class Count:
    """Counts acknowledgements, and wakes who waits for the n-th."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._count = 0

    def add(self) -> None:
        """Count one."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Return once there were so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._count >= count, SECONDS), self._count


class Run:
    """One server between its start and its kill."""

    def __init__(self, server: Server, path: Path, receiver: Receiver) -> None:
        self.server = server
        self.path = path
        self.receiver = receiver
        self.told = Count()

    def kill(self) -> None:
        """Kill the server and its worker."""
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait(SECONDS)


@contextmanager
def writing(run: Run, scribes: Sequence[Scribe], key: str) -> Iterator[None]:
    """Write with all scribes until the server is killed in the block."""
    with ThreadPoolExecutor(len(scribes)) as pool, run.server.client(key) as client:
        futures = [pool.submit(scribe.write, client, run.told.add) for scribe in scribes]
        try:
            yield
        finally:
            if run.server.process.poll() is None:
                run.kill()
            for future in futures:
                future.result(SECONDS)


def populated(folder: Path) -> tuple[str, str]:
    """Return a database with people, and a key to it."""
    database = f"sqlite:///{folder / 'rowen.db'}"
    rowen("import", write_json_lines(folder / "records.jsonl", [SEEDLING]), "--database", database)
    key = rowen("keys", "create", "scribes", "--rate-limit", "0", "--database", database).stdout.strip()
    return database, key


def telling(folder: Path, receiver: Receiver) -> tuple[str, str]:
    """Return a database with people and two webhooks, and a key to it."""
    database, key = populated(folder)
    for path in PATHS:
        url = f"http://127.0.0.1:{receiver.port}{path}"
        rowen("webhooks", "add", url, "--database", database, *ALLOWED)
    return database, key


def require_owed(path: Path, folder: Path, scribes: Sequence[Scribe]) -> None:
    """Require all that clients were told of, nothing that none of them wrote, and each document with its change."""
    found = examine(path, folder)
    assert found.faults == []
    assert found.counted == len(found.documents)
    with closing(sqlite3.connect(folder / "examined.db")) as connection:
        scorecards = dict(connection.execute("SELECT id, document FROM records WHERE resource = 'scorecards'"))
        newest = dict(
            connection.execute(
                "SELECT interview_id, document FROM changes AS c WHERE revision = (SELECT max(revision) FROM changes "
                "WHERE organization_id = c.organization_id AND interview_id = c.interview_id) AND kind != 'cancelled'"
            )
        )
        (revision, changes) = connection.execute(
            "SELECT (SELECT revision FROM organizations), (SELECT count(*) FROM changes)"
        ).fetchone()
    owned = [scribe.check(found.documents, scorecards) for scribe in scribes]
    assert sum(map(len, owned)) == len(set().union(*owned))
    assert set(found.documents) - {SEEDLING["id"]} == set().union(*owned)
    assert newest == {each: found.documents[each] for each in set().union(*owned)}
    assert revision == changes, "every revision is a change that is told"
