"""The statements of the store's parts, to look at their plans."""

from collections.abc import Callable
from unittest.mock import patch

from sqlalchemy.sql.expression import ClauseElement

from rowen.store.engines.base import Engine, Prepared


def statements_of(make: Callable[[Engine], object], engine: Engine, *words: str) -> list[Prepared]:
    """Return the statements with all these words that a part of the store prepares when it is made."""
    found: list[Prepared] = []
    prepare = engine.prepare

    def record(statement: ClauseElement) -> Prepared:
        found.append(prepare(statement))
        return found[-1]

    with patch.object(engine, "prepare", record):
        make(engine)
    return [each for each in found if all(word in each.text for word in words)]


def statement_of(make: Callable[[Engine], object], engine: Engine, *words: str) -> Prepared:
    """Return the only such statement."""
    (found,) = statements_of(make, engine, *words)
    return found
