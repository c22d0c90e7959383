"""A PostgreSQL database as a whole: its address, the creation of its tables, and its maintenance.

Owns the queries to the server about the database. Must not know what the tables contain, except by which column Citus
distributes each.
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
from rowen.store.engines.base import BulkLoader, Engine, Snapshot, Tables, run_sync
from rowen.store.engines.postgres import bulk
from rowen.store.engines.postgres.address import connect, database_name, read_parameters
from rowen.store.engines.postgres.engine import PostgresEngine
from rowen.store.engines.postgres.errors import explained
from rowen.store.engines.postgres.pool import addresses, connect_to_first
from rowen.store.engines.postgres.replicas import ReplicatedEngine
from rowen.store.engines.postgres.text_codec import hold_any_text
from rowen.store.schema.tables import leases, metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Result = TypeVar("Result")

_ADDRESS: Final = re.compile(r"postgres(?:ql)?://(?:[^/@?#]*@)?[^/@?#]*/[^/?#]+(?:\?[^#]*)?")
_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::([0-9]{1,5}))?")
_PORTS: Final = 65_536
_UNREADABLE: Final = (
    "must name hosts like db.internal:5432; in passwords : / ? # @ [ ] and what is not ASCII are to be percent-encoded"
)
CONNECT_SECONDS: Final = 5.0
_OLDEST: Final = 15
_MIGRATING: Final = 0x526F77656E  # "Rowen": unlike any other lock in this database
# A process that hangs must not keep the others from starting.
_MIGRATION: Final = "SET LOCAL idle_in_transaction_session_timeout = '60s'"
_LOCK: Final = f"SELECT pg_advisory_xact_lock({_MIGRATING})"


_DISTRIBUTED: Final = "SELECT logicalrelid::regclass::text FROM pg_dist_partition"


def distribution() -> dict[str, tuple[str, ...]]:
    """Return, for each table in order, the statements that make Citus distribute it.

    API keys, clients and calendars are on every machine, as requests find their organization by them. Ledgers are
    distributed by organization like everything else, and with them everything written in one transaction. No index can
    enforce uniqueness across machines: that organizations have different names is then up to `rowen organizations
    create`.
    """
    found = {
        "api_keys": ("SELECT create_reference_table('api_keys')",),
        "clients": ("SELECT create_reference_table('clients')",),
        "calendars": ("SELECT create_reference_table('calendars')",),
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
    """Return whether this is a host, with or without a port; empty text is this machine."""
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
        """Parse `postgresql://user:password@host:port/database`; several hosts are separated by commas.

        Replicas are addresses of standby servers. Raises ValueError for anything else.
        """
        for each in replicas:
            if "," in cls.parse(each).name:
                raise ValueError("a replica is one server: name each by an address of its own")
        if _ADDRESS.fullmatch(url) is None:
            raise ValueError("must look like postgresql://user@host/database or sqlite:///rowen.db")
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ValueError(_UNREADABLE) from None  # the original error may quote a part of the password
        hosts = parts.netloc.rpartition("@")[2]
        if not all(map(_is_host, hosts.split(","))):
            raise ValueError(_UNREADABLE)
        query = read_parameters(parts.query)
        if "," in hosts and "target_session_attrs" not in query:
            query += ("&" if query else "") + "target_session_attrs=primary"
        return cls(parts._replace(query=query).geturl(), database_name(url), tuple(replicas))

    @property
    def in_process(self) -> bool:
        """Return False: responses arrive at any time, and the driver, written in C, then calls Python."""
        return False

    @property
    def spool_dir(self) -> Path:
        """Return the folder for temporary files: a server has no room for them."""
        return Path(tempfile.gettempdir())

    def open(self, *, no_timeout: bool = False) -> Engine:
        """Return the engine of a database that is up to date, without opening anything yet."""
        if self.replicas:
            return ReplicatedEngine(self.dsn, self.name, self.replicas)
        return PostgresEngine(self.dsn, self.name, no_timeout=no_timeout)

    def exists(self) -> bool:
        """Return whether it has tables: the server's administrator creates the database itself."""
        return bool(self.tables().names)

    @property
    def can_create(self) -> bool:
        """Return False: only its tables are."""
        return False

    def create(self) -> None:
        """Do nothing: the database exists, and migrating creates its tables."""

    def tables(self) -> Tables:
        """Return the names of its tables, and its migration."""

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

        return run_sync(self._with_connection(look))

    def migrate(self, work: "Callable[[Connection], None]") -> None:
        """Do work in one transaction, while no other process migrates: all of it, or nothing."""
        run_sync(self._migrate(work))

    async def _migrate(self, work: "Callable[[Connection], None]") -> None:
        from sqlalchemy import NullPool, text
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.ext.asyncio import create_async_engine

        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            poolclass=NullPool,
            # Unique names, and no caching: behind a pooler the same server process may have served another client
            # before.
            connect_args={
                "prepared_statement_name_func": lambda: f"rowen_{uuid4()}",
                "prepared_statement_cache_size": 0,
            },
        )
        try:
            with explained(self.name):
                async with engine.begin() as connection:
                    await connection.execute(text(_MIGRATION))
                    await connection.execute(text(_LOCK))
                    await connection.run_sync(work)
        except DBAPIError as error:
            with explained(self.name):
                raise (error.orig.__cause__ if error.orig and error.orig.__cause__ else error) from error
        finally:
            await engine.dispose()

    def distribute(self, report: Callable[[str], None]) -> None:
        """Make Citus distribute every table by organization, reporting each; those already distributed stay."""

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

        run_sync(self._with_connection(work))

    def integrity_errors(self) -> list[str]:
        """Return nothing: the server's administrator has its checks (pg_amcheck, data checksums)."""
        return []

    def warnings(self) -> list[str]:
        """Return nothing: its files are the server's."""
        return []

    def backup(self, target: Path, progress: Callable[[int, int], None]) -> None:
        """Raise Unavailable: PostgreSQL has better tools."""
        del target, progress
        raise Unavailable(
            "a PostgreSQL database is backed up with pg_dump or pg_basebackup; `rowen db copy` makes a file of it"
        )

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Hold a snapshot: meanwhile replaced rows are kept, and the tables grow."""
        return bulk.snapshot(self._connect, self.name)

    def bulk_loader(self) -> AbstractAsyncContextManager[BulkLoader]:
        """Fill it."""
        return bulk.bulk_loader(self._connect, self.name)

    async def _with_connection(self, use: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
        with explained(self.name):
            connection = await self._connect()
            try:
                return await use(connection)
            finally:
                await connection.close(timeout=CONNECT_SECONDS)

    async def _connect(self, *_: object, **__: object) -> asyncpg.Connection:
        return await connect_to_first(addresses(self.dsn), _connected)


async def _connected(address: str) -> asyncpg.Connection:
    connection: asyncpg.Connection = await connect(address, CONNECT_SECONDS, statement_cache_size=0)
    await hold_any_text(connection)
    return connection
