"""Running `rowen` as a user does: a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROWEN = (sys.executable, "-m", "rowen")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without settings of Rowen's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROWEN_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **(extra or {})}


def rowen(
    *arguments: str | Path, cwd: Path | None = None, stdin: bytes = b"", status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, and require its exit status."""
    done = subprocess.run(
        [*ROWEN, *map(str, arguments)], cwd=cwd, input=stdin, capture_output=True, env=environment(), check=False
    )
    completed = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert completed.returncode == status, completed.stdout + completed.stderr
    assert "Traceback" not in completed.stderr, completed.stderr
    return completed
