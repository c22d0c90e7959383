"""The storage engines that every suite runs against.

Another engine is one more entry of `STORAGES`; no test names an engine, but those of what only one of them does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path

from rowen.store.database import locate, upgrade
from tests.support.postgres import new_database
from tests.support.quantity import quantity


@dataclass(frozen=True, slots=True)
class Storage:
    """An engine: its name, and how to get the URL of a database without anything in it.

    `portion` is how much of what proves by quantity is done on it: the rules are the same code on every engine, and
    what differs shows sooner.
    """

    name: str
    new_database: Callable[[Path], str]
    portion: float = 1.0

    def quantity(self, whole: int) -> int:
        """Return how many of so many are done on this engine."""
        return quantity(ceil(whole * self.portion))


@cache
def _upgraded() -> str:
    """Return a PostgreSQL database with its tables made, to be copied: that takes a twentieth of making them."""
    url = new_database()
    upgrade(locate(url))
    return url


SQLITE = Storage("sqlite", lambda folder: f"sqlite:///{folder / 'rowen.db'}")
POSTGRES = Storage("postgres", lambda _: new_database(_upgraded()), 0.25)
STORAGES = (SQLITE, POSTGRES)
