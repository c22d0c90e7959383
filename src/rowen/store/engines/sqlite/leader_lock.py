"""The lock by which one of the processes of a SQLite database leads.

Owns that lock. Must not know what the leader does. The kernel releases it with the process, however that ends. It is on
a separate file next to the database: a lock on the database itself would be released when any of its descriptors is
closed.
"""

import fcntl
import os
from pathlib import Path

from rowen.interviews.errors import Unavailable


class LeaderLock:
    """The leader lock, as held by one engine."""

    def __init__(self, database: Path, role: str = "") -> None:
        """Take the database, and the role if it is not the first: each has a file of its own."""
        # A link to the database leads to the same lock.
        self._path = Path(f"{os.path.realpath(database)}-lead{role and f'-{role}'}")
        self._descriptor: int | None = None
        self._held = False

    def try_acquire(self) -> bool:
        """Become or stay the leader; return False if another engine leads. Raises Unavailable."""
        if self._held:
            return True
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}") from error
        self._held = True
        return True

    def release(self) -> None:
        """Let another process lead."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._held = False
