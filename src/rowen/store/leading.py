"""The lead among the processes of one SQLite database: who tells the webhooks.

Owns the lock that decides it. Must not know what the leader does. The kernel lets the lock go with the process,
however that ends. It is on a file of its own, beside the database: SQLite's own locks would go when any descriptor
of the database is closed.
"""

import fcntl
import os
from pathlib import Path

from rowen.interviews.errors import Unavailable


class FileLead:
    """The lead, as far as one engine has it."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-lead")
        self._descriptor: int | None = None
        self._held = False

    def take(self) -> bool:
        """Take the lead, or keep it; False where another engine has it. Raises Unavailable."""
        if self._held:
            return True
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Unavailable(f"{self._path.name}: {error.strerror}") from error
        self._held = True
        return True

    def release(self) -> None:
        """Let go of the lead."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._held = False
