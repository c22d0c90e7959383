"""Where a database of Rowen's is: a file of SQLite's, or a database on a PostgreSQL server (`postgres.py`).

Owns what differs between the two for whoever only uses Rowen. Must not know what Rowen keeps there, nor a figure.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Place(Protocol):
    """Where one database is, or will be."""

    @property
    def url(self) -> str:
        """Where it is, as `--database` takes it."""

    def clear(self) -> None:
        """Make room: what was there is gone, and Rowen can make a new one."""

    def size(self) -> int:
        """Return how many bytes it takes, its indexes included."""


@dataclass(frozen=True)
class SqliteFile:
    """A file of SQLite's."""

    path: Path

    @property
    def url(self) -> str:
        """Where it is, as `--database` takes it."""
        return f"sqlite:///{self.path}"

    def clear(self) -> None:
        """Make room: what was there is gone, and Rowen can make a new one."""
        fresh(self.path)

    def size(self) -> int:
        """Return how many bytes it takes, its indexes included."""
        return self.path.stat().st_size


def fresh(file: Path) -> Path:
    """Remove a database and what SQLite keeps beside it, and return its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm", "-journal", "-lead"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    return file
