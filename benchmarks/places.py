"""The places of Rowen's databases: SQLite files, and databases on a PostgreSQL server (`postgres.py`).

Owns what differs between the two for a user of Rowen. Must not know the contents of the databases, or the figures.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Place(Protocol):
    """The place of one database, whether it exists yet or not."""

    @property
    def url(self) -> str:
        """The URL for `--database`."""

    def clear(self) -> None:
        """Remove the database, so that Rowen can create a new one here."""

    def size(self) -> int:
        """Return the size in bytes, including indexes."""


@dataclass(frozen=True)
class SqliteFile:
    """A SQLite file."""

    path: Path

    @property
    def url(self) -> str:
        """The URL for `--database`."""
        return f"sqlite:///{self.path}"

    def clear(self) -> None:
        """Remove the database, so that Rowen can create a new one here."""
        fresh(self.path)

    def size(self) -> int:
        """Return the size in bytes, including indexes."""
        return self.path.stat().st_size


def fresh(file: Path) -> Path:
    """Remove a database with its other files, create its folder, and return its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm", "-journal", "-lead"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    return file
