"""The storage engines that every suite runs on.

Another engine is one more entry in `STORAGES`; tests name no engine, except those for something that only one has.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from rowen.store.database import locate, upgrade
from tests.support.postgres import new_database
from tests.support.scale import scaled


@dataclass(frozen=True, slots=True)
class Storage:
    """An engine: its name, and how to get the URL of a new database, which has its tables.

    `portion` is the share of repetitions (`scale.py`) that is done on it: the rules are the same code on every engine,
    and what differs shows sooner.
    """

    name: str
    new_database: Callable[[Path], str]
    portion: float = 1.0

    def scaled(self, whole: int) -> int:
        """Return how many of `whole` repetitions to do on this engine."""
        return scaled(ceil(whole * self.portion))


@cache
def _upgraded() -> str:
    """Return a PostgreSQL database with its tables, to be copied: that takes a twentieth of creating them."""
    url = new_database()
    upgrade(locate(url))
    return url


@cache
def _upgraded_file() -> bytes:
    """Return a SQLite database with its tables, to be copied: that takes a hundredth of creating them."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "rowen.db")
        upgrade(locate(f"sqlite:///{path}"))
        return path.read_bytes()


def _new_file(folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / "rowen.db"
    path.touch(mode=0o600)
    path.write_bytes(_upgraded_file())
    return f"sqlite:///{path}"


SQLITE = Storage("sqlite", _new_file)
POSTGRES = Storage("postgres", lambda _: new_database(_upgraded()), 0.25)
STORAGES = (SQLITE, POSTGRES)
