"""A server whose PostgreSQL has no room left, requires a password, or is behind a pooler."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from rowen import wiring
from rowen.app.subscriptions import Action
from rowen.store.database import locate, upgrade
from tests.support import programs
from tests.support.cluster import pgbouncer
from tests.support.cluster_clients import V1, Kind
from tests.support.cluster_load import Load
from tests.support.cluster_nodes import Node
from tests.support.command import rowen
from tests.support.postgres import PostgresServer, new_database, new_server, serving_postgres
from tests.support.receiver import receiving
from tests.support.server import basic

pytestmark = [pytest.mark.timeout(300)]

PASSWORD: Final = "p4ss-of-postgres"
WRONG: Final = "wr0ng-of-postgres"

_DISK: Final = "96m"
_BLOCK: Final = 65_536
_SMALL_LOG: Final = {"min_wal_size": "32MB", "max_wal_size": "32MB"}


# No room


@contextmanager
def small_disk() -> Iterator[Path]:
    """Mount a small disk for a server's files until the end of the block; skips if that is not allowed."""
    folder = programs.new_folder("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, check=False)
    if done.returncode:
        programs.remove(folder)
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        programs.give(folder)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        programs.remove(folder)


@contextmanager
def on_small_disk(part: str) -> Iterator[tuple[PostgresServer, Path]]:
    """Run a server with one part of its data on a small disk; return that disk, too."""
    with small_disk() as disk:
        server = new_server(settings=_SMALL_LOG)
        try:
            (server.data / part).rename(server.folder / part)
            subprocess.run(["cp", "--archive", server.folder / part, disk / part], check=True)
            (server.data / part).symlink_to(disk / part)
            server.start()
            yield server, disk
        finally:
            server.close()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Fill a disk for the duration of the block."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(_BLOCK))
        except OSError:
            pass  # it is full
    try:
        yield
    finally:
        ballast.unlink()


def let_fill(server: PostgresServer, part: str) -> None:
    """If the log is the part without room, make it continue in its next file."""
    if part == "pg_wal":
        with pytest.raises(AssertionError):  # clients are cut off, as the server crashes
            for _ in range(10):
                server.execute("SELECT pg_logical_emit_message(true, '', ''); SELECT pg_switch_wal()")


@pytest.mark.parametrize("part", ["base", "pg_wal"])
def test_a_full_disk_refuses_writes_and_loses_nothing(part: str) -> None:
    """`base` contains the tables: writes that do not fit are refused. Without room for its log the server crashes."""
    with on_small_disk(part) as (server, disk), serving(server.create_database()) as node:
        with Load("full", node.database, node.port) as load, load.fault(Kind.REFUSED):
            with filled(disk):
                let_fill(server, part)
                load.wait_for_errors()
                assert reading(load, node.port) in (200, 503)
            if not server.is_running:
                server.start()
        assert "No space left on device" in server.log


def reading(load: Load, port: int) -> int:
    """Return the status of a read."""
    return httpx.get(f"http://127.0.0.1:{port}{V1}", headers=basic(load.key), timeout=programs.SECONDS).status_code


@contextmanager
def serving(database: str, *options: str) -> Iterator[Node]:
    """Serve a database until the end of the block; failures are never the server's own fault."""
    upgrade(locate(database))
    node = Node(database, ["--rate-limit", "0", "--webhook-allow", "127.0.0.1", *options])
    node.launch()
    with node.ended():
        node.wait_until_ready()
        yield node
    assert '"exception"' not in "".join(node.said), "\n".join(node.said)


# Passwords


@pytest.fixture(scope="module")
def guarded() -> Iterator[PostgresServer]:
    """Return a server that requires a password (SCRAM)."""
    with serving_postgres(password=PASSWORD) as server:
        yield server


COMMANDS: Final = {
    "check": ("db", "check"),
    "serve": ("serve", "--port", str(programs.quiet_port())),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_wrong_password_is_reported_in_words(guarded: PostgresServer, command: tuple[str, ...]) -> None:
    url = guarded.url().replace(PASSWORD, WRONG)
    said = rowen(*command, "--database", url, status=1)
    assert said.stderr == f"rowen: database {url.rpartition('@')[2]}: it refuses the password of this user\n"
    assert WRONG not in said.stdout


def test_no_log_holds_the_password(guarded: PostgresServer) -> None:
    with (
        serving(guarded.create_database(), "--access-log") as node,
        Load("guarded", node.database, node.port) as load,
        load.fault(Kind.REFUSED),
    ):
        guarded.stop("immediate")
        load.wait_for_errors()
        guarded.start()
    said = "".join(node.said)
    assert "store unavailable" in said
    assert PASSWORD not in said


# Behind a pooler


def test_a_pooler_in_transaction_mode_does_no_harm() -> None:
    """Forty concurrent clients that write, read, filter, sync and follow have no errors, and webhooks are sent."""
    with pgbouncer(new_database()) as database, receiving() as receiver, serving(database) as node:
        load = Load("pooled", database, node.port, creators=18, readers=19)
        asyncio.run(add_webhook(load, database, receiver.url))
        with load:
            load.wait_for_writes(50)
            receiver.wait_for(20)
            for resource in ("users", "applications", "scheduled_interviews", "users?email=kate.austen@example.com"):
                answer = httpx.get(f"http://127.0.0.1:{node.port}/v1/{resource}", headers=basic(load.key))
                assert answer.status_code == 200, answer.text
                assert answer.json()
        assert load.board.failures == []


async def add_webhook(load: Load, database: str, url: str) -> None:
    """Add a webhook that sends an organization's changes to a receiver."""
    async with wiring.opened(locate(database)) as store, aclosing(wiring.sender(["127.0.0.1"])) as sender:
        await wiring.webhooks(store, sender).add(load.organization, url, frozenset(Action))
