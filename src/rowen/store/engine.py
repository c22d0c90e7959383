"""What the store asks of a database engine.

Owns the border between the store's rooms, written once, and the engines. Must not know a statement or what the
tables hold. A unit of work is a coroutine that awaits nothing but its transaction, so that an engine may drive it
on any thread, and run it again where another transaction came between.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import Table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Result = TypeVar("Result")
Parameters = Mapping[str, Any]
Row = Sequence[Any]
Identifiers = "array[int]"


class Unindexed(FunctionElement[Any]):
    """A column, in words that keep an engine without statistics from going by an index of it."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(Unindexed)
def _plain(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@dataclass(eq=False)
class Prepared:
    """A statement compiled for one engine: its text, and the names of its parameters in their order."""

    text: str
    parameters: tuple[str, ...]

    def bind(self, values: Parameters) -> list[Any]:
        """Return the values in the order of the parameters."""
        return [values[name] for name in self.parameters]


class Insertion(NamedTuple):
    """Rows to be added to a table: its name, and the statement that adds one."""

    table: str
    statement: Prepared

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rows give, in their order."""
        return self.statement.parameters

    def bind(self, values: Parameters) -> list[Any]:
        """Return the values in the order of the columns."""
        return self.statement.bind(values)


class Reader(Protocol):
    """What answers questions: an engine, a copy of the database, or a transaction."""

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        """Run one short reading statement, at once, and return its first row."""
        ...

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        """Run one short reading statement, at once, and return its rows."""
        ...


class Transaction(Reader, Protocol):
    """One open transaction."""

    async def run(self, statement: Prepared, parameters: Parameters) -> int:
        """Run a statement and return how many rows it wrote."""
        ...

    async def run_many(self, statement: Prepared, parameters: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each tuple of values, which stand in the order of its parameters."""
        ...

    async def insert(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, which stand in the order of the insertion's columns: one or a hundred thousand."""
        ...


class Copy(Reader, Protocol):
    """A copy of the database that may be read: the primary, or one that follows it."""

    async def read(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run work that may take long on one snapshot, beside the other requests."""
        ...


class Engine(Copy, Protocol):
    """A database engine. Every method raises `Unavailable` where the database cannot answer."""

    def prepare(self, statement: ClauseElement) -> Prepared:
        """Have a statement compiled when it is first run."""
        ...

    def prepare_insert(self, table: Table, columns: Sequence[str] | None = None) -> Insertion:
        """Have compiled, when it is first run, what adds rows that give these columns, or all there are."""
        ...

    def at(self, organization: int, version: tuple[int, int]) -> Copy:
        """Return where an organization can be read as of a version or newer."""
        ...

    async def write(self, work: Callable[[Transaction], Awaitable[Result]], organization: int | None = None) -> Result:
        """Run work in one durable transaction: all of it is kept, or nothing. It may be run more than once.

        Work that takes the ledger of an organization names it: who waits for the same one waits here.
        """
        ...

    def state(self) -> bytes | None:
        """Return what differs after every commit of any process; None where only a statement can tell."""
        ...

    async def look(self) -> bytes | None:
        """Return the same, by a statement if need be; None where nothing can tell."""
        ...

    async def lead(self) -> bool:
        """Take the lead among the processes of this database, or keep it; False where another has it."""
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

    def among(self, identifiers: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """Return the criterion that an id is among those bound to `parameter` by `bind_identifiers`."""
        ...

    def bind_identifiers(self, identifiers: Sequence[int]) -> Any:
        """Return ids as the value of a parameter of `among`."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


def completed(work: Coroutine[Any, Any, Result]) -> Result:
    """Run work to its end and return what it returns: from code that is not asynchronous, whoever called it."""
    with ThreadPoolExecutor(1, "rowen-upkeep") as thread:  # there may be a loop on this one
        return thread.submit(asyncio.run, work).result()


class Tables(NamedTuple):
    """What a database holds: the names of its tables, and the migration that it stands at, if it says."""

    names: frozenset[str]
    version: str | None


class Snapshot(Protocol):
    """A whole database as of one moment, for as long as it takes to read it."""

    @property
    def identity(self) -> str:
        """What no other database has, whatever addresses lead to it."""
        ...

    async def ask(self, statement: ClauseElement) -> Sequence[Row]:
        """Run a reading statement, which has no parameters, and return its rows."""
        ...

    def chunks(self, table: Table, size: int) -> AsyncIterator[Sequence[Row]]:
        """Return all rows of a table in the order of its primary key, so many at a time.

        The columns stand as in the table, and so are their types: rows that are equal in two engines compare equal.
        """
        ...


class Filling(Protocol):
    """What fills a database that nobody else uses."""

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows of all columns in one transaction, which the next `settle` makes durable, and no failure halves.

        Raises Unavailable, which names a row that the engine cannot hold.
        """
        ...

    async def settle(self, statements: Sequence[ClauseElement]) -> None:
        """Run statements without parameters in one durable transaction: all of them, or none."""
        ...

    async def gather_statistics(self, tables: Sequence[Table]) -> None:
        """Let the engine look at its tables, where it chooses its ways by what they hold."""
        ...


class Location(Protocol):
    """Where a database is, and its upkeep; what is wrong is said by `Unavailable`, without a password."""

    @property
    def name(self) -> str:
        """What people call it: no secret."""
        ...

    @property
    def runs_here(self) -> bool:
        """Whether its engine runs within the calls to it: an exception out of nowhere does no harm then."""
        ...

    @property
    def folder(self) -> Path:
        """Return where there is room for what is put aside for a while."""
        ...

    def open(self, *, patient: bool = False) -> Engine:
        """Return the engine of a database that is up to date; nothing is opened yet.

        `patient` is who reads all of it, and waits for an answer as long as that takes.
        """
        ...

    def exists(self) -> bool:
        """Tell whether it is there."""
        ...

    def create(self) -> None:
        """Make it, without tables."""
        ...

    def tables(self) -> Tables:
        """Return the names of its tables, and the migration that it stands at."""
        ...

    def migrate(self, work: "Callable[[Connection], None]") -> None:
        """Do work in one transaction, while nobody else migrates: all of it, or nothing."""
        ...

    def damage(self) -> list[str]:
        """Return what the engine itself finds wrong with its files, a sentence each."""
        ...

    def distribute(self, report: Callable[[str], None]) -> None:
        """Spread its tables over the machines of a cluster, telling each that is done."""
        ...

    def backup(self, target: Path, progress: Callable[[int, int], None]) -> None:
        """Copy it, consistent as of one moment; raises FileExistsError where there is a target already."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Hold a moment of it still, for the length of the block; those who serve and write it go on."""
        ...

    def filling(self) -> AbstractAsyncContextManager[Filling]:
        """Fill it, for the length of the block: it has its tables, and is not served."""
        ...
