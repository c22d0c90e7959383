"""One process of a database leads, until it ends, however that happens."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rowen.interviews.errors import Unavailable
from rowen.store.leading import FileLead

LEADER = """
import sys, time
from pathlib import Path
from rowen.store.leading import FileLead
lead = FileLead(Path(sys.argv[1]))
print(lead.take(), flush=True)
sys.stdin.read()
"""


def test_one_leads_at_a_time(tmp_path: Path) -> None:
    one, other = FileLead(tmp_path / "a.db"), FileLead(tmp_path / "a.db")
    elsewhere = FileLead(tmp_path / "b.db")
    assert one.take()
    assert one.take()
    assert not other.take()
    assert elsewhere.take()
    one.release()
    assert other.take()
    assert not one.take()
    for each in (one, other, elsewhere):
        each.release()
        each.release()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_lead_goes_with_the_process(tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "rowen.db"
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with leader:
        assert leader.stdout is not None
        assert leader.stdout.readline() == "True\n"
        lead = FileLead(path)
        assert not lead.take()
        leader.send_signal(how)
        leader.wait(30)
    assert lead.take()
    lead.release()


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"rowen\.db-lead: No such file"):
        FileLead(tmp_path / "none" / "rowen.db").take()
