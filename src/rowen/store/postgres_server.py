"""A PostgreSQL database as a whole: its address, making its tables, and its upkeep.

Owns what is asked of the server about the database. Must not know what the tables hold, but for which of them Citus
distributes by what.
"""

import re
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from rowen.interviews.errors import Unavailable
from rowen.store import postgres_copying
from rowen.store.engine import Engine, Filling, Snapshot, Tables, completed
from rowen.store.postgres import PostgresEngine
from rowen.store.postgres_errors import explained
from rowen.store.postgres_pool import addresses, first_that_will_do
from rowen.store.postgres_replicas import ReplicatedEngine
from rowen.store.postgres_text import hold_any_text
from rowen.store.tables import leases, metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Result = TypeVar("Result")

_ADDRESS: Final = re.compile(r"postgres(?:ql)?://(?:[^/@?#]*@)?[^/@?#]*/[^/?#]+(?:\?[^#]*)?")
_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::([0-9]{1,5}))?")
_PORTS: Final = 65_536
_UNREADABLE: Final = (
    "must name hosts like db.internal:5432; in passwords : / ? # @ [ ] and what is not ASCII are to be percent-encoded"
)
_CONNECT_SECONDS: Final = 5.0
_OLDEST: Final = 15
_MIGRATING: Final = 0x526F77656E  # "Rowen": nobody else's lock in this database
# Who hangs must not keep the others from starting.
_MIGRATION: Final = "SET LOCAL idle_in_transaction_session_timeout = '60s'"
_LOCK: Final = f"SELECT pg_advisory_xact_lock({_MIGRATING})"


_DISTRIBUTED: Final = "SELECT logicalrelid::regclass::text FROM pg_dist_partition"


def distribution() -> dict[str, tuple[str, ...]]:
    """Return, for each table in order, what makes Citus distribute it.

    Keys are on every machine: by them a request finds its organization. Ledgers are distributed by what all else is,
    and with them all that is written in one transaction. Uniqueness across machines cannot be kept by an index: that
    two organizations have different names is then up to `rowen organizations create`. Leases are asked for at the
    coordinator, and stay there.
    """
    found = {
        "api_keys": ("SELECT create_reference_table('api_keys')",),
        "organizations": (
            "ALTER TABLE organizations DROP CONSTRAINT IF EXISTS organizations_name_key",
            "SELECT create_distributed_table('organizations', 'id')",
        ),
    }
    for table in metadata.tables:
        if table not in found and table != leases.name:
            place = f"'{table}', 'organization_id', colocate_with => 'organizations'"
            found[table] = (f"SELECT create_distributed_table({place})",)
    return found


async def _what_citus_lacks(connection: asyncpg.Connection) -> str:
    available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'citus'"
    if await connection.fetchval(available):
        return "the extension Citus is not there yet: CREATE EXTENSION citus"
    return "its server has no Citus: tables can be distributed where that extension is installed"


def _is_host(text: str) -> bool:
    """Tell whether this is a host, with or without a port; none at all is this machine."""
    found = _HOST.fullmatch(text)
    return found is not None and int(found[1] or 0) < _PORTS


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """The `Location` of a database on a PostgreSQL server, or on several of which one is the primary."""

    dsn: str
    name: str
    replicas: tuple[str, ...] = ()

    @classmethod
    def parse(cls, url: str, replicas: Sequence[str] = ()) -> "PostgresDatabase":
        """Read `postgresql://user:password@host:port/database`; hosts may be several, separated by commas.

        Replicas are addresses of servers that follow it. Raises ValueError for anything else.
        """
        for each in replicas:
            if "," in cls.parse(each).name:
                raise ValueError("a replica is one server: name each by an address of its own")
        if _ADDRESS.fullmatch(url) is None:
            raise ValueError("must look like postgresql://user@host/database or sqlite:///rowen.db")
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ValueError(_UNREADABLE) from None  # it tells what it could not read: part of the password
        hosts = parts.netloc.rpartition("@")[2]
        if not all(map(_is_host, hosts.split(","))):
            raise ValueError(_UNREADABLE)
        if "," in hosts and "target_session_attrs" not in parts.query:
            url += ("&" if parts.query else "?") + "target_session_attrs=primary"
        return cls(url, f"{hosts}{parts.path}", tuple(replicas))

    @property
    def runs_here(self) -> bool:
        """Return False: answers come when they come, and the driver, which is C, calls Python then."""
        return False

    @property
    def folder(self) -> Path:
        """Return the folder for temporary files: what is put aside for a while is not kept by the server."""
        return Path(tempfile.gettempdir())

    def open(self, *, patient: bool = False) -> Engine:
        """Return the engine of a database that is up to date; nothing is opened yet."""
        if self.replicas:
            return ReplicatedEngine(self.dsn, self.name, self.replicas)
        return PostgresEngine(self.dsn, self.name, patient=patient)

    def exists(self) -> bool:
        """Tell whether it has tables: the database itself is made by whoever keeps the server."""
        return bool(self.tables().names)

    def create(self) -> None:
        """Do nothing: the database is there, and migrating makes its tables."""

    def tables(self) -> Tables:
        """Return the names of its tables, and the migration that it stands at."""

        async def look(connection: asyncpg.Connection) -> Tables:
            if connection.get_server_version().major < _OLDEST:
                raise Unavailable(f"database {self.name}: PostgreSQL {_OLDEST} or newer is needed")
            async with connection.transaction():
                rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
                names = frozenset(row[0] for row in rows)
                version = None
                if "alembic_version" in names:
                    version = await connection.fetchval("SELECT version_num FROM alembic_version")
            return Tables(names, version)

        return completed(self._with_connection(look))

    def migrate(self, work: "Callable[[Connection], None]") -> None:
        """Do work in one transaction, while nobody else migrates: all of it, or nothing."""
        completed(self._migrate(work))

    async def _migrate(self, work: "Callable[[Connection], None]") -> None:
        from sqlalchemy import NullPool, text
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.ext.asyncio import create_async_engine

        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            poolclass=NullPool,
            # Names of their own, and none kept: behind a pooler the same process may serve somebody else before.
            connect_args={
                "prepared_statement_name_func": lambda: f"rowen_{uuid4()}",
                "prepared_statement_cache_size": 0,
            },
        )
        try:
            with explained():
                async with engine.begin() as connection:
                    await connection.execute(text(_MIGRATION))
                    await connection.execute(text(_LOCK))
                    await connection.run_sync(work)
        except DBAPIError as error:
            with explained():
                raise (error.orig.__cause__ if error.orig and error.orig.__cause__ else error) from error
        finally:
            await engine.dispose()

    def distribute(self, report: Callable[[str], None]) -> None:
        """Have Citus distribute every table by organization, telling each that is done; those that are, stay."""

        async def work(connection: asyncpg.Connection) -> None:
            if not await connection.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'citus'"):
                raise Unavailable(f"database {self.name}: {await _what_citus_lacks(connection)}")
            done = {row[0] for row in await connection.fetch(_DISTRIBUTED)}
            for table, statements in distribution().items():
                if table not in done:
                    async with connection.transaction():
                        for statement in statements:
                            await connection.execute(statement)
                    report(table)

        completed(self._with_connection(work))

    def damage(self) -> list[str]:
        """Return nothing: the server's own checks (pg_amcheck, data checksums) are for whoever keeps it."""
        return []

    def backup(self, target: Path, progress: Callable[[int, int], None]) -> None:
        """Raise Unavailable: PostgreSQL has better ways."""
        del target, progress
        raise Unavailable(
            "a PostgreSQL database is backed up with pg_dump or pg_basebackup; `rowen db copy` makes a file of it"
        )

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Hold a moment of it still: what is written meanwhile stays beside what it replaces, and the tables grow."""
        return postgres_copying.snapshot(self._connect, self.name)

    def filling(self) -> AbstractAsyncContextManager[Filling]:
        """Fill it."""
        return postgres_copying.filling(self._connect, self.name)

    async def _with_connection(self, use: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
        with explained():
            connection = await self._connect()
            try:
                return await use(connection)
            finally:
                await connection.close(timeout=_CONNECT_SECONDS)

    async def _connect(self, *_: object, **__: object) -> asyncpg.Connection:
        return await first_that_will_do(addresses(self.dsn), _connected)


async def _connected(address: str) -> asyncpg.Connection:
    connection: asyncpg.Connection = await asyncpg.connect(address, timeout=_CONNECT_SECONDS, statement_cache_size=0)
    await hold_any_text(connection)
    return connection
