"""The storage engines that every suite runs against.

Another engine is one more entry of `STORAGES`; no test names an engine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Storage:
    """An engine: its name, and how to get the URL of a database that does not exist yet."""

    name: str
    new_database: Callable[[Path], str]


STORAGES = (Storage("sqlite", lambda folder: f"sqlite:///{folder / 'rowen.db'}"),)
