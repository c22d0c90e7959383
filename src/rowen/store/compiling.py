"""Compiling statements, once, for the engine that will run them.

Owns what is asked of a statement: that every parameter has a name. Must not know a dialect, or a table.
"""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Dialect, Table, bindparam, insert
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from rowen.store.engine import Insertion, Prepared


def compiled(statement: ClauseElement, dialect: Dialect) -> Prepared:
    """Compile a statement; its constants must be literal columns, so that every parameter has a name."""
    found = cast(SQLCompiler, statement.compile(dialect=dialect))
    constants = {name for name, value in found.params.items() if value is not None}
    if constants:
        raise ValueError(f"{found}: constants {constants} must be literal columns")
    return Prepared(str(found), tuple(found.positiontup or ()))


def compiled_insert(table: Table, columns: Sequence[str] | None, dialect: Dialect) -> Insertion:
    """Compile what adds rows that give these columns, or all there are."""
    given = columns or table.c.keys()
    # Inline: no client needs the key back, which SQLAlchemy would have every row return.
    statement = compiled(insert(table).values({name: bindparam(name) for name in given}).inline(), dialect)
    return Insertion(table.name, statement.parameters, statement)
