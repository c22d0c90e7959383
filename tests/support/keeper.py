"""What outlives the tests, so that nothing else of theirs does.

A program of its own: `keeper.py FOLDER...`. Its standard input is a pipe that the process of the tests holds open, and
that ends with it, however that ends. Then the keeper kills every program that works below the folders, stopped ones
too, and removes the folders. Needs the standard library only, as it runs without the packages of the tests; knows a
program by its working folder alone. Programs are found in /proc: elsewhere than on Linux it only removes the folders.
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
    """Return the processes whose working folder is this one or lies below it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
    return found


def remove(folder: Path) -> None:
    """Kill what works below a folder, and remove it."""
    while programs := programs_below(folder):
        for program in programs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(program, signal.SIGKILL)
    for lock in (*folder.glob("postmaster.pid"), *folder.glob("*/postmaster.pid"), *folder.glob("*/*/postmaster.pid")):
        release_segment(lock)
    shutil.rmtree(folder, ignore_errors=True)


def release_segment(lock: Path) -> None:
    """Give back the System V segment of a PostgreSQL that was killed, as the end of the machine would do.

    `lock` is its postmaster.pid. The system keeps the segment otherwise.
    """
    lines = lock.read_text().splitlines()
    if len(lines) > _SEGMENT_LINE:
        _, segment = lines[_SEGMENT_LINE].split()
        ctypes.CDLL(None).shmctl(int(segment), _REMOVE_SEGMENT, None)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    for each in sys.argv[1:]:
        remove(Path(each))
