"""Servers that clients write to: how they are made ready, killed, and looked at from outside.

Owns the parts of one run of a server and its clients. Must not know when it ends, or why.
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

from tests.support.command import rowen
from tests.support.crash_clients import SEED_INTERVIEW, CrashClient
from tests.support.processes import examine
from tests.support.receiver import Receiver
from tests.support.records import write_json_lines
from tests.support.server import Server

PATHS: Final = ("/hook", "/hook/other")
SECONDS: Final = 60
ALLOWED: Final = ("--webhook-allow", "127.0.0.1")


class Count:
    """Counts acknowledgements, and wakes the waiter for the n-th."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._count = 0

    def add(self) -> None:
        """Count one."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Return once the count is reached."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._count >= count, SECONDS), self._count


class Run:
    """One server between its start and its kill."""

    def __init__(self, server: Server, path: Path, receiver: Receiver) -> None:
        self.server = server
        self.path = path
        self.receiver = receiver
        self.acknowledged = Count()

    def kill(self) -> None:
        """Kill the server and its worker."""
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait(SECONDS)


@contextmanager
def writing(run: Run, clients: Sequence[CrashClient], key: str) -> Iterator[None]:
    """Write with all clients until the server is killed in the block."""
    with ThreadPoolExecutor(len(clients)) as pool, run.server.client(key) as connection:
        futures = [pool.submit(each.write, connection, run.acknowledged.add) for each in clients]
        try:
            yield
        finally:
            if run.server.process.poll() is None:
                run.kill()
            for future in futures:
                future.result(SECONDS)


def populated(folder: Path) -> tuple[str, str]:
    """Return a database with people, and a key."""
    database = f"sqlite:///{folder / 'rowen.db'}"
    rowen("import", write_json_lines(folder / "records.jsonl", [SEED_INTERVIEW]), "--database", database)
    key = rowen("keys", "create", "clients", "--rate-limit", "0", "--database", database).stdout.strip()
    return database, key


def with_webhooks(folder: Path, receiver: Receiver) -> tuple[str, str]:
    """Return a database with people and two webhooks, and a key."""
    database, key = populated(folder)
    for path in PATHS:
        url = f"http://127.0.0.1:{receiver.port}{path}"
        rowen("webhooks", "add", url, "--database", database, *ALLOWED)
    return database, key


def require_owed(path: Path, folder: Path, clients: Sequence[CrashClient]) -> None:
    """Require all acknowledged writes, nothing that no client wrote, and each document with its change."""
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
    owned = [client.check(found.documents, scorecards) for client in clients]
    assert sum(map(len, owned)) == len(set().union(*owned))
    assert set(found.documents) - {SEED_INTERVIEW["id"]} == set().union(*owned)
    assert newest == {each: found.documents[each] for each in set().union(*owned)}
    assert revision == changes, "every revision is a change in the feed"
