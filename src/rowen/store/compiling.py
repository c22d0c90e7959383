"""Compiling statements, once, for the engine that will run them.

Owns what is asked of a statement: that every parameter has a name. Must not know a dialect, or a table.
"""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Dialect, Table, bindparam, insert
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from rowen.store.engine import Insertion, Prepared


class _Uncompiled(Prepared):
    """A statement that is compiled when it is first asked for: most commands run a few of a hundred that there are."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        self._uncompiled: tuple[ClauseElement, Dialect] | None = (statement, dialect)

    def __getattr__(self, name: str) -> Any:
        """Compile it: only until then something is missing. Of two threads that are first both do so."""
        if name not in ("text", "parameters"):
            raise AttributeError(name)
        uncompiled = self._uncompiled
        if uncompiled is not None:
            statement, dialect = uncompiled
            found = cast(SQLCompiler, statement.compile(dialect=dialect))
            constants = {name for name, value in found.params.items() if value is not None}
            if constants:
                raise ValueError(f"{found}: constants {constants} must be literal columns")
            self.text, self.parameters = str(found), tuple(found.positiontup or ())
            self._uncompiled = None  # a tree is many times as large as its text
        return self.__dict__[name]


def compiled(statement: ClauseElement, dialect: Dialect) -> Prepared:
    """Have a statement compiled when it is first run; its constants must be literal columns: parameters have names."""
    return _Uncompiled(statement, dialect)


def compiled_insert(table: Table, columns: Sequence[str] | None, dialect: Dialect) -> Insertion:
    """Have compiled, when it is first run, what adds rows that give these columns, or all there are."""
    given = columns or table.c.keys()
    # Inline: no client needs the key back, which SQLAlchemy would have every row return.
    statement = insert(table).values({name: bindparam(name) for name in given}).inline()
    return Insertion(table.name, compiled(statement, dialect))
