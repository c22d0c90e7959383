"""Compiling statements, once, for the engine that will run them.

Owns the requirement that every parameter has a name. Must not know a dialect, or a table.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import cast

from sqlalchemy import Dialect, Table, bindparam, insert
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from rowen.store.engines.base import Insertion, Prepared


class _Compiled(Prepared):
    """A statement that is compiled on first use: most commands run few of a hundred statements.

    It is kept uncompiled as well: all statements together take half a megabyte.
    """

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        self._statement = statement
        self._dialect = dialect

    @cached_property
    def _prepared(self) -> Prepared:
        found = cast(SQLCompiler, self._statement.compile(dialect=self._dialect))
        constants = {name for name, value in found.params.items() if value is not None}
        if constants:
            raise ValueError(f"{found}: constants {constants} must be literal columns")
        return Prepared(str(found), tuple(found.positiontup or ()))

    @cached_property
    def text(self) -> str:
        return self._prepared.text

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return self._prepared.parameters


def compiled(statement: ClauseElement, dialect: Dialect) -> Prepared:
    """Return a statement compiled on first use; its constants must be literal columns: parameters have names."""
    return _Compiled(statement, dialect)


def compiled_insert(table: Table, columns: Sequence[str] | None, dialect: Dialect) -> Insertion:
    """Return an insertion of rows with these columns, or all columns, that is compiled when it is first run."""
    given = columns or table.c.keys()
    # Inline: no client needs the key, which SQLAlchemy would otherwise return for every row.
    statement = insert(table).values({name: bindparam(name) for name in given}).inline()
    return Insertion(table.name, compiled(statement, dialect))
