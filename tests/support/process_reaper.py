"""Ends the programs that tests started, and removes their folders, when the tests end.

A program of its own: `process_reaper.py FOLDER...`. Its standard input is a pipe that the process of the tests holds
open, and that closes when that process ends, by whatever cause. The reaper then kills every program that works below
the folders, stopped ones too, and removes the folders. It needs only the standard library, as it runs without the
packages of the tests, and knows a program by its working folder. It finds programs in /proc: on systems other than
Linux it only removes the folders.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import sys
from pathlib import Path

_REMOVE_SEGMENT = 0  # IPC_RMID
_SEGMENT_LINE = 6  # of postmaster.pid: key and id of the segment


def programs_below(folder: Path) -> list[int]:
    """Return the processes whose working folder is this one or is below it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or belongs to another user
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
    return found


def remove(folder: Path) -> None:
    """Kill the programs that work below a folder, and remove it."""
    while programs := programs_below(folder):
        for program in programs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(program, signal.SIGKILL)
    for lock in (*folder.glob("postmaster.pid"), *folder.glob("*/postmaster.pid"), *folder.glob("*/*/postmaster.pid")):
        release_segment(lock)
    shutil.rmtree(folder, ignore_errors=True)


def release_segment(lock: Path) -> None:
    """Release the System V segment of a killed PostgreSQL, which would otherwise stay until the machine restarts.

    `lock` is its postmaster.pid.
    """
    lines = lock.read_text().splitlines()
    if len(lines) > _SEGMENT_LINE:
        _, segment = lines[_SEGMENT_LINE].split()
        ctypes.CDLL(None).shmctl(int(segment), _REMOVE_SEGMENT, None)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    for each in sys.argv[1:]:
        remove(Path(each))
