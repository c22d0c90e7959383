"""Logs contain no secret, whoever reads them."""

import subprocess
import sys

import pytest

_FAULT = """
import sys
import structlog
from rowen import logs

sys.stderr.isatty = lambda: {terminal}
logs.configure()
secret = "c2VjcmV0"  # later Pythons show the line of a fault


def answer(scope):
    raise RuntimeError("a fault of ours")


try:
    answer({{"headers": [(b"authorization", b"Basic " + secret.encode())]}})
except RuntimeError:
    structlog.stdlib.get_logger("rowen.http").exception("request failed", api_key=secret)
"""


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "file"])
def test_a_fault_is_logged_with_its_trace_and_without_the_request(terminal: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FAULT.format(terminal=terminal)], capture_output=True, text=True, check=True
    )
    assert "request failed" in done.stderr
    assert "a fault of ours" in done.stderr
    assert "in answer" in done.stderr
    assert "c2VjcmV0" not in done.stderr
