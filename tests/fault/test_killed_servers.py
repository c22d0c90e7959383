"""A server that takes writes and sends webhooks is killed repeatedly: nothing acknowledged is lost.

After every kill the database is looked at from outside, and the next server goes on with it. Kills come at an
event, never after a time: at the n-th acknowledgement, in the middle of the next commit, at the arrival of a webhook,
and while its receiver has not answered yet. At full scale (`scale.py`) that is a hundred SIGKILLs.
"""

import signal
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

import msgspec
import pytest

from tests.support.command import rowen
from tests.support.crash_clients import CrashClient
from tests.support.crash_runs import ALLOWED, PATHS, Run, require_owed, with_webhooks, writing
from tests.support.processes import footprint, wait_for_write
from tests.support.receiver import Received, Reply, receiving
from tests.support.scale import scaled
from tests.support.server import serving

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

KILLS: Final = scaled(50)
CLIENTS: Final = 4


def acknowledged(run: Run, number: int) -> None:
    run.acknowledged.wait_for(number)


def committing(run: Run, number: int) -> None:
    run.acknowledged.wait_for(number)
    wait_for_write(run.server.process, run.path, footprint(run.path))


def arrived(run: Run, number: int) -> None:
    run.receiver.wait_for(len(run.receiver.received) + number)


def unanswered(run: Run, number: int) -> None:
    run.receiver.replies.append(Reply(hangs=True))
    run.receiver.wait_for(len(run.receiver.received) + 1)
    run.acknowledged.wait_for(number)


MOMENTS: Final[Sequence[Callable[[Run, int], None]]] = (acknowledged, committing, arrived, unanswered)


def wait_until_delivered(path: Path, run: Run) -> None:
    """Return once nothing is pending in the outbox."""
    with closing(sqlite3.connect(path)) as connection:
        while connection.execute("SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT 1").fetchone():
            assert run.server.process.poll() is None


def is_whole(request: Received) -> bool:
    """Return whether a request arrived completely: a kill may cut one off."""
    return len(request.body) == int(request.headers["content-length"])


def require_delivered(path: Path, received: Sequence[Received]) -> None:
    """Require each change at each webhook: at least once, the same each time, and at first in the order of changes."""
    with closing(sqlite3.connect(path)) as connection:
        kinds = connection.execute("SELECT revision, kind FROM changes WHERE kind != 'imported' ORDER BY revision")
        changed = [revision for revision, _ in kinds]
        for number, at in enumerate(PATHS, start=1):
            owed = connection.execute(
                "SELECT revision, event_id, state, body FROM deliveries WHERE webhook_id = ? ORDER BY revision, action",
                [number],
            ).fetchall()
            assert {revision for revision, *_ in owed} == set(changed)
            assert {state for _, _, state, _ in owed} == {"delivered"}
            bodies = {event: body for _, event, _, body in owed}
            arrived = [each for each in received if each.path == at and is_whole(each)]
            assert list(dict.fromkeys(each.event_id for each in arrived)) == [event for _, event, _, _ in owed]
            for each in arrived:
                assert each.body == bodies[each.event_id]
                assert set(msgspec.json.decode(each.body)) == {"action", "payload"}


@pytest.mark.parametrize("seed", range(2))
def test_a_server_goes_on_where_it_was_killed(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "rowen.db"
    random = Random(seed)
    clients = [CrashClient(f"s{number}", Random(f"{seed} {number}")) for number in range(CLIENTS)]
    with receiving() as receiver:
        database, key = with_webhooks(tmp_path, receiver)
        for number in range(KILLS):
            with serving(database, ALLOWED) as server:
                run = Run(server, path, receiver)
                with writing(run, clients, key):
                    MOMENTS[number % len(MOMENTS)](run, random.randint(1, 20))
                    run.kill()
                assert server.process.returncode == -signal.SIGKILL
            require_owed(path, tmp_path, clients)
            assert "Traceback" not in "".join(server.log)
        with serving(database, ALLOWED) as server:
            run = Run(server, path, receiver)
            with writing(run, clients, key):
                run.acknowledged.wait_for(CLIENTS * 2)
                run.kill()
        require_owed(path, tmp_path, clients)
        with serving(database, ALLOWED) as server:
            wait_until_delivered(path, Run(server, path, receiver))
            assert server.stop() == 0
        require_delivered(path, receiver.received)
        repeats = len(receiver.received) - len({each.event_id for each in receiver.received})
        assert repeats > 0, "no kill came between a delivery and its record"
    assert sum(client.acknowledged for client in clients) > KILLS
    assert rowen("db", "check", "--database", database).stdout == "ok\n"
