"""The interface of a database engine.

Owns the interface between the rest of the store and the engines. Must not know a statement or what the tables contain.
A unit of work is a coroutine that awaits nothing but its transaction, so that an engine may drive it on any thread, and
run it again after a conflict with another transaction.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import Table, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.sql.functions import FunctionElement

from rowen.app.organizations import Version

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Result = TypeVar("Result")
Parameters = Mapping[str, Any]
Row = Sequence[Any]
Identifiers = "array[int]"

DISPATCHER = "tell"
"""The role of the process that sends webhooks; as PostgreSQL stores it, so that another name would cost a migration."""


class Unindexed(FunctionElement[Any]):
    """A column, written so that an engine without statistics does not use an index of it."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(Unindexed)
def _plain(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


def constant(text: str) -> ColumnElement[Any]:
    """Return a text as part of a statement, not as a parameter, so that partial indexes serve it."""
    return literal_column(f"'{text}'")


@dataclass(frozen=True, eq=False)
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
    """Something that can be read: an engine, a copy of the database, or a transaction."""

    async def row(self, statement: Prepared, parameters: Parameters) -> Row | None:
        """Run one short reading statement at once, and return its first row."""
        ...

    async def rows(self, statement: Prepared, parameters: Parameters) -> Sequence[Row]:
        """Run one short reading statement at once, and return its rows."""
        ...


class Transaction(Reader, Protocol):
    """One open transaction."""

    async def run(self, statement: Prepared, parameters: Parameters) -> int:
        """Run a statement and return how many rows it wrote."""
        ...

    async def run_many(self, statement: Prepared, parameters: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each tuple of values, which are in the order of its parameters."""
        ...

    async def insert(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, whose values are in the order of the insertion's columns: one or a hundred thousand."""
        ...


class ReadTarget(Reader, Protocol):
    """A copy of the database that may be read: the primary or a replica."""

    async def read(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run work that may take long on one snapshot, concurrently with other requests."""
        ...


class Engine(ReadTarget, Protocol):
    """A database engine. Every method raises `Unavailable` if the database cannot answer."""

    def prepare(self, statement: ClauseElement) -> Prepared:
        """Return a statement that is compiled when it is first run.

        The hint on a table (`Select.with_hint`) names the index to use, for an engine without statistics.
        """
        ...

    def prepare_insert(self, table: Table, columns: Sequence[str] | None = None) -> Insertion:
        """Return an insertion of rows with these columns, or all columns, that is compiled when it is first run."""
        ...

    def reader_for(self, organization: int, version: Version) -> ReadTarget:
        """Return a copy that has an organization as of a version or newer."""
        ...

    async def write(self, work: Callable[[Transaction], Awaitable[Result]], organization: int | None = None) -> Result:
        """Run work in one durable transaction: all of it is stored, or nothing. It may be run more than once.

        Work that takes the ledger of an organization names it: units of the same organization queue up here.
        """
        ...

    def state(self) -> bytes | None:
        """Return a value that differs after every commit of any process; None if only a statement can find out."""
        ...

    async def read_state(self) -> bytes | None:
        """Return the same value as `state`, by a statement if necessary; None if nothing can find out."""
        ...

    async def try_lead(self, role: str = DISPATCHER) -> bool:
        """Become or stay the leader of the processes of this database in a role; return False if another one leads."""
        ...

    async def require_durable(self) -> None:
        """Raise Unavailable if a commit could be lost."""
        ...

    async def maintain(self) -> None:
        """Maintain the database while it is open in this process, until cancelled."""
        ...

    def joined_documents(self, documents: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that joins documents by commas, in the order of their rows."""
        ...

    def collected_identifiers(self, identifiers: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that collects ids; `read_identifiers` decodes its value."""
        ...

    def read_identifiers(self, collected: Any) -> "array[int]":
        """Return collected ids as an ascending array."""
        ...

    def collected_pairs(self, identifiers: ColumnElement[Any], others: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the aggregate that collects different ids, each with another id; `read_pairs` decodes its value."""
        ...

    def read_pairs(self, collected: Any) -> Iterable[tuple[int, int]]:
        """Return collected pairs in the order of their rows."""
        ...

    def id_in(self, identifiers: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """Return the criterion that an id is among those bound to `parameter` by `bind_identifiers`."""
        ...

    def bind_identifiers(self, identifiers: Sequence[int]) -> Any:
        """Return ids as the value of a parameter of `id_in`."""
        ...

    async def close(self) -> None:
        """Close the database."""
        ...


def run_sync(work: Coroutine[Any, Any, Result]) -> Result:
    """Run work to its end from synchronous code, and return its result."""
    with ThreadPoolExecutor(1, "rowen-upkeep") as thread:  # the current thread may have a running loop
        return thread.submit(asyncio.run, work).result()


class Tables(NamedTuple):
    """The content of a database: the names of its tables, and its migration, if it states one."""

    names: frozenset[str]
    version: str | None


class Snapshot(Protocol):
    """A whole database as of one moment."""

    @property
    def identity(self) -> str:
        """An identity that no other database has, whatever addresses lead to it."""
        ...

    async def ask(self, statement: ClauseElement) -> Sequence[Row]:
        """Run a reading statement without parameters, and return its rows."""
        ...

    def chunks(self, table: Table, size: int) -> AsyncIterator[Sequence[Row]]:
        """Return all rows of a table in the order of its primary key, `size` at a time.

        Columns and their types are those of the table: rows that are equal in two engines compare equal.
        """
        ...


class BulkLoader(Protocol):
    """Fills a database that nobody else uses."""

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows of all columns in one transaction; the next `commit_durably` makes it durable.

        Raises Unavailable, which names the row that the engine cannot hold.
        """
        ...

    async def commit_durably(self, statements: Sequence[ClauseElement]) -> None:
        """Run statements without parameters in one durable transaction: all of them, or none."""
        ...

    async def gather_statistics(self, tables: Sequence[Table]) -> None:
        """Update the engine's statistics of its tables, if it has any."""
        ...


class Location(Protocol):
    """The location of a database, and its maintenance; errors are `Unavailable`, without a password."""

    @property
    def name(self) -> str:
        """The name shown to people, without secrets."""
        ...

    @property
    def in_process(self) -> bool:
        """Whether the engine runs in this process, within the calls: they can be interrupted at any point then."""
        ...

    @property
    def spool_dir(self) -> Path:
        """Return the folder for large temporary files."""
        ...

    def open(self, *, no_timeout: bool = False) -> Engine:
        """Return the engine of a database that is up to date, without opening anything yet.

        With `no_timeout` long reads may take as long as they need.
        """
        ...

    def exists(self) -> bool:
        """Return whether it exists."""
        ...

    @property
    def can_create(self) -> bool:
        """Whether `create` can make it: on a server an administrator does."""
        ...

    def create(self) -> None:
        """Create it, without tables."""
        ...

    def tables(self) -> Tables:
        """Return the names of its tables, and its migration."""
        ...

    def migrate(self, work: "Callable[[Connection], None]") -> None:
        """Do work in one transaction that excludes other migrations: all of it, or nothing."""
        ...

    def integrity_errors(self) -> list[str]:
        """Return what the engine's own check finds wrong with its files, a sentence each."""
        ...

    def warnings(self) -> list[str]:
        """Return what is not wrong, but should be different, a sentence each."""
        ...

    def distribute(self, report: Callable[[str], None]) -> None:
        """Distribute its tables over the machines of a cluster; `report` gets the name of each when it is done."""
        ...

    def backup(self, target: Path, progress: Callable[[int, int], None]) -> None:
        """Copy it, consistent as of one moment; raises FileExistsError if the target exists."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Hold a snapshot for the duration of the block; it may be served and written meanwhile."""
        ...

    def bulk_loader(self) -> AbstractAsyncContextManager[BulkLoader]:
        """Fill it for the duration of the block: it has its tables, and is not served."""
        ...
