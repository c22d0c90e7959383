"""What the store asks of a database engine.

Owns the border between the store's rooms, written once, and the engines. Must not know a table or a statement.
A unit of work is a coroutine that awaits nothing but its transaction, so that an engine may drive it on any
thread.
"""

from array import array
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.sql.selectable import FromClause

Result = TypeVar("Result")
Parameters = Mapping[str, Any]
Row = Sequence[Any]
Identifiers = "array[int]"


class Prepared(NamedTuple):
    """A statement compiled for one engine: its text, and the names of its parameters in their order."""

    text: str
    parameters: tuple[str, ...]

    def bind(self, values: Parameters) -> list[Any]:
        """Return the values in the order of the parameters."""
        return [values[name] for name in self.parameters]


class Transaction(Protocol):
    """One open transaction."""

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        """Run a statement and return its first row."""
        ...

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        """Run a statement and return its rows."""
        ...

    async def run(self, statement: Prepared, parameters: Parameters) -> int:
        """Run a statement and return how many rows it wrote."""
        ...

    async def run_many(self, statement: Prepared, parameters: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each tuple of values, which stand in the order of its parameters."""
        ...


class Engine(Protocol):
    """A database engine. Every method raises `Unavailable` where the database cannot answer."""

    def prepare(self, statement: ClauseElement) -> Prepared:
        """Compile a statement."""
        ...

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        """Run one short reading statement, at once, and return its first row."""
        ...

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        """Run one short reading statement, at once, and return its rows."""
        ...

    async def read(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run work that may take long on one snapshot, beside the other requests."""
        ...

    async def write(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run work in one durable transaction: all of it is kept, or nothing."""
        ...

    def state(self) -> bytes | None:
        """Return what differs after every commit of any process; None where only a statement can tell."""
        ...

    def lead(self) -> bool:
        """Take the lead among the processes of this database, or keep it until `close`; False where another has it."""
        ...

    def joined_documents(self, documents: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that joins documents by commas, in the order of their rows."""
        ...

    def collected_identifiers(self, identifiers: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that gathers ids; `read_identifiers` reads what it gives."""
        ...

    def read_identifiers(self, collected: Any) -> "array[int]":
        """Return gathered ids as an ascending array."""
        ...

    def listed_identifiers(self, parameter: str) -> FromClause:
        """Return the table with one column `value` of the ids bound to `parameter` by `bind_identifiers`."""
        ...

    def bind_identifiers(self, identifiers: Sequence[int]) -> Any:
        """Return ids as the value of a parameter of `listed_identifiers`."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...
