"""Failover of the leader: if the worker that sends webhooks is killed, another takes over."""

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.crash_clients import ON_BEHALF, new_interview
from tests.support.crash_runs import ALLOWED, PATHS, with_webhooks
from tests.support.processes import workers
from tests.support.receiver import Receiver, receiving
from tests.support.server import Server, serving


def leaders(path: Path) -> set[int]:
    """Return the processes that hold the leader lock of a database: at most one."""
    try:
        inode = path.with_name(f"{path.name}-lead").stat().st_ino
    except FileNotFoundError:
        return set()
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {int(each[4]) for each in locks if each[1] == "FLOCK" and each[5].endswith(f":{inode}")}


def wait_for_leader(server: Server, path: Path, previous: int = 0) -> int:
    """Return the worker that leads, once there is one other than `previous`."""
    while server.process.poll() is None:
        found = leaders(path) - {previous}
        if found:
            (leader,) = found
            return leader
    raise AssertionError("".join(server.log))


def wait_until_delivered(receiver: Receiver, action: str, interview: int, status: str) -> None:
    """Return once both webhooks received that for an interview, however often, and whatever else."""
    seen = 0
    paths: set[str] = set()
    while paths != set(PATHS):
        received = receiver.wait_for(seen + 1)
        for each in received[seen:]:
            event = each.json
            of = event["payload"]["interview"]
            if (event["action"], of["id"], of["status"]) == (action, interview, status):
                paths.add(each.path)
        seen = len(received)


def ends_soon() -> tuple[str, str]:
    end = datetime.now(UTC) + timedelta(seconds=4)
    return (end - timedelta(hours=1)).isoformat(), end.isoformat()


def require_alive(server: Server, key: str, receiver: Receiver, event: str) -> None:
    """Require that a write is sent to both webhooks, and its status updated."""
    with server.client(key) as client:
        answer = client.post("/v2/scheduled_interviews", json=new_interview(event, ends_soon()), headers=ON_BEHALF)
    assert answer.status_code == 200, answer.text
    interview = answer.json()["id"]
    wait_until_delivered(receiver, "interview_scheduled", interview, "scheduled")
    wait_until_delivered(receiver, "interview_updated", interview, "awaiting_feedback")


def test_another_worker_replaces_a_killed_leader(tmp_path: Path) -> None:
    path = tmp_path / "rowen.db"
    with receiving() as receiver:
        database, key = with_webhooks(tmp_path, receiver)
        with serving(database, ["--workers", "2", *ALLOWED]) as server:
            leader = wait_for_leader(server, path)
            assert leader in workers(server.process)
            require_alive(server, key, receiver, "first")
            os.kill(leader, signal.SIGKILL)
            second = wait_for_leader(server, path, previous=leader)
            assert second in workers(server.process)
            require_alive(server, key, receiver, "second")
            assert server.stop() == 0
        assert leaders(path) == set()
        assert len({each.event_id for each in receiver.received}) == 4 * len(PATHS), "each moved once"
    assert "Traceback" not in "".join(server.log)
