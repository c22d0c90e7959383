"""The lead passes on: where the worker that ticks the clock and tells webhooks is killed, another goes on."""

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fault.processes import workers
from tests.fault.runs import ALLOWED, PATHS, telling
from tests.fault.scribes import ON_BEHALF, new_interview
from tests.support.receiver import Receiver, receiving
from tests.support.server import Server, serving


def leaders(path: Path) -> set[int]:
    """Return the processes that hold the lead of a database: at most one."""
    try:
        inode = path.with_name(f"{path.name}-lead").stat().st_ino
    except FileNotFoundError:
        return set()
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {int(each[4]) for each in locks if each[1] == "FLOCK" and each[5].endswith(f":{inode}")}


def wait_for_leader(server: Server, path: Path, besides: int = 0) -> int:
    """Return the worker that leads, once there is one other than `besides`."""
    while server.process.poll() is None:
        found = leaders(path) - {besides}
        if found:
            (leader,) = found
            return leader
    raise AssertionError("".join(server.log))


def wait_until_told(receiver: Receiver, action: str, interview: int, status: str) -> None:
    """Return once both webhooks were told that of an interview, however often, and whatever else."""
    seen = 0
    paths: set[str] = set()
    while paths != set(PATHS):
        received = receiver.wait_for(seen + 1)
        for each in received[seen:]:
            told = each.json
            of = told["payload"]["interview"]
            if (told["action"], of["id"], of["status"]) == (action, interview, status):
                paths.add(each.path)
        seen = len(received)


def ends_soon() -> tuple[str, str]:
    end = datetime.now(UTC) + timedelta(seconds=2)
    return (end - timedelta(hours=1)).isoformat(), end.isoformat()


def require_alive(server: Server, key: str, receiver: Receiver, event: str) -> None:
    """Require that what is written is told to both webhooks, and moved by the clock."""
    with server.client(key) as client:
        answer = client.post("/v2/scheduled_interviews", json=new_interview(event, ends_soon()), headers=ON_BEHALF)
    assert answer.status_code == 200, answer.text
    interview = answer.json()["id"]
    wait_until_told(receiver, "interview_scheduled", interview, "scheduled")
    wait_until_told(receiver, "interview_updated", interview, "awaiting_feedback")


def test_another_worker_takes_the_lead_of_one_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "rowen.db"
    with receiving() as receiver:
        database, key = telling(tmp_path, receiver)
        with serving(database, ["--workers", "2", *ALLOWED]) as server:
            leader = wait_for_leader(server, path)
            assert leader in workers(server.process)
            require_alive(server, key, receiver, "first")
            os.kill(leader, signal.SIGKILL)
            second = wait_for_leader(server, path, besides=leader)
            assert second in workers(server.process)
            require_alive(server, key, receiver, "second")
            assert server.stop() == 0
        assert leaders(path) == set()
        assert len({each.event_id for each in receiver.received}) == 4 * len(PATHS), "each moved once"
    assert "Traceback" not in "".join(server.log)
