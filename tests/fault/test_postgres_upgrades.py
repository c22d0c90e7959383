"""Upgrades of a database on PostgreSQL that are killed, run twice at once, and run while it is served."""

import os
import re
import signal
from contextlib import ExitStack
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from rowen.store.database import locate, upgrade
from rowen.wiring import check
from tests.support import programs
from tests.support.cluster_clients import V1
from tests.support.cluster_load import Load
from tests.support.cluster_nodes import Node
from tests.support.command import rowen
from tests.support.old_schema import catalogs, set_back
from tests.support.postgres import new_database, shared_postgres
from tests.support.processes import Piped, finish, start
from tests.support.server import basic

pytestmark = [pytest.mark.timeout(300)]

MOMENTS: Final = (0, 1, 100, 420)
"""How many locks an upgrade holds when it is killed: every table and index that it creates is one."""

_KEY: Final = re.compile(r"^  (rowen_\w+)$", re.MULTILINE)


def locks_held(database: str) -> int:
    """Return how many locks the session connected to a database holds; -1 if there is none."""
    name = urlsplit(database).path.removeprefix("/")
    held = "(SELECT count(*) FROM pg_locks WHERE pg_locks.pid = sessions.pid)"
    asked = f"SELECT coalesce(max({held}), -1) FROM pg_stat_activity AS sessions WHERE datname = '{name}'"
    return int(shared_postgres().execute(asked))


def kill(process: Piped) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=programs.SECONDS)


def test_an_upgrade_that_is_killed_leaves_all_or_nothing() -> None:
    database = new_database()
    for moment in MOMENTS:
        process = start("db", "upgrade", "--database", database)
        while locks_held(database) < moment:
            assert process.poll() is None, "it has not come so far"
        kill(process)
        programs.wait_until(lambda: locks_held(database) < 0, "its session ends")
        assert locate(database).tables().names == frozenset()
    assert rowen("db", "upgrade", "--database", database).stderr == "Upgraded.\n"
    assert check(locate(database)) == []
    complete = new_database()
    upgrade(locate(complete))
    assert catalogs(database) == catalogs(complete)


def test_one_of_two_concurrent_upgrades_waits_for_the_other() -> None:
    database = new_database()
    processes = [start("db", "upgrade", "--database", database) for _ in range(2)]
    said = [finish(process) for process in processes]
    assert set(said) <= {"Upgraded.\n", "Up to date already.\n"}
    assert "Upgraded.\n" in said
    assert check(locate(database)) == []


def test_two_servers_that_start_at_once_make_one_key() -> None:
    database = new_database()
    nodes = [Node(database) for _ in range(2)]
    with ExitStack() as stack:
        for node in nodes:
            node.launch()
            stack.enter_context(node.ended())
        for node in nodes:
            node.wait_until_ready()
        found = [key for node in nodes for key in _KEY.findall("".join(node.said))]
        assert len(found) == 1
        for node in nodes:
            answer = httpx.get(f"http://127.0.0.1:{node.port}{V1}", headers=basic(found[0]), timeout=programs.SECONDS)
            assert (answer.status_code, answer.json()) == (200, [])
    assert check(locate(database)) == []


def test_an_upgrade_disturbs_no_client() -> None:
    database = new_database()
    upgrade(locate(database))
    node = Node(database, ["--rate-limit", "0"])
    node.launch()
    with node.ended():
        node.wait_until_ready()
        with Load("upgraded", database, node.port, creators=1, readers=1) as load:
            set_back(database, "0013")  # what came later is no part of any statement of these clients
            load.wait_for_writes(20)
            assert rowen("db", "upgrade", "--database", database).stderr == "Upgraded.\n"
            load.wait_until_all_went_on()
        assert load.board.failures == []
