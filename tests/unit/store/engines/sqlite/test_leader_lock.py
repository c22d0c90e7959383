"""One process of a database leads, until it ends, however that happens."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rowen.interviews.errors import Unavailable
from rowen.store.engines.sqlite.leader_lock import LeaderLock

LEADER = """
import sys, time
from pathlib import Path
from rowen.store.engines.sqlite.leader_lock import LeaderLock
lock = LeaderLock(Path(sys.argv[1]))
print(lock.try_acquire(), flush=True)
sys.stdin.read()
"""


def test_one_leads_at_a_time(tmp_path: Path) -> None:
    one, other = LeaderLock(tmp_path / "a.db"), LeaderLock(tmp_path / "a.db")
    elsewhere = LeaderLock(tmp_path / "b.db")
    assert one.try_acquire()
    assert one.try_acquire()
    assert not other.try_acquire()
    assert elsewhere.try_acquire()
    one.release()
    assert other.try_acquire()
    assert not one.try_acquire()
    for each in (one, other, elsewhere):
        each.release()
        each.release()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_is_released_with_the_process(tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "rowen.db"
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with leader:
        assert leader.stdout is not None
        assert leader.stdout.readline() == "True\n"
        lock = LeaderLock(path)
        assert not lock.try_acquire()
        leader.send_signal(how)
        leader.wait(30)
    assert lock.try_acquire()
    lock.release()


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"rowen\.db-lead: No such file"):
        LeaderLock(tmp_path / "none" / "rowen.db").try_acquire()
