"""The busy times of people: a row for each source (table `busy_sources`).

Owns how windows and intervals are packed into a row, and how sources are read and written, one by one. Must not know
what busy times mean, or where they come from.
"""

from collections.abc import Iterable, Sequence
from struct import pack, unpack
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, literal_column, select

from rowen.app.organizations import Organization
from rowen.interviews.busy import BusySource, Interval, Intervals, Window
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Reader, Row, Transaction
from rowen.store.schema.planning_tables import busy_sources

_own = busy_sources.c
_OF: Final = _own.organization_id == bindparam("organization")
_OF_USER: Final = (_OF, _own.user_id == bindparam("user"))
_NAMED: Final = (*_OF_USER, _own.source == bindparam("source"))
COLUMNS: Final = (_own.user_id, _own.source, _own.read_at, _own.url, _own.error, _own.windows, _own.busy)
"""The columns of a `BusySource`, in the order of its fields; `source_of` reads them."""


class BusyTable:
    """Reads and writes sources of busy times through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._find = engine.prepare(select(*COLUMNS).where(*_NAMED))
        self._of_user = engine.prepare(
            select(*COLUMNS[:-1], literal_column("NULL")).where(*_OF_USER).order_by(_own.source)
        )
        self._count = engine.prepare(select(func.count()).where(*_OF_USER))
        self._remove = engine.prepare(delete(busy_sources).where(*_NAMED))
        self._remove_user = engine.prepare(delete(busy_sources).where(*_OF_USER))
        self._insert = engine.prepare(insert(busy_sources).values({each.name: bindparam(each.name) for each in _own}))

    async def find(self, organization: Organization, user: int, source: str) -> BusySource | None:
        """Return a source of a user."""
        copy = self._engine.reader_for(organization.id, organization.version)
        return await self.get(copy, organization.id, user, source)

    async def all(self, organization: Organization, user: int) -> Sequence[BusySource]:
        """Return the sources of a user, ordered by name, without their busy times."""
        copy = self._engine.reader_for(organization.id, organization.version)
        rows = await copy.rows(self._of_user, {"organization": organization.id, "user": user})
        return [source_of(row) for row in rows]

    async def get(self, reader: Reader, organization: OrganizationId, user: int, source: str) -> BusySource | None:
        """Return a source of a user."""
        row = await reader.row(self._find, {"organization": organization, "user": user, "source": source})
        return None if row is None else source_of(row)

    async def count(self, reader: Reader, organization: OrganizationId, user: int) -> int:
        """Return how many sources a user has."""
        row = await reader.row(self._count, {"organization": organization, "user": user})
        return 0 if row is None else int(row[0])

    async def put(
        self, transaction: Transaction, organization: OrganizationId, source: BusySource, next_read_at: int | None
    ) -> None:
        """Write a source, replacing the one with its user and name."""
        await self.remove(transaction, organization, source.user_id, source.source)
        values = {
            "organization_id": organization,
            "user_id": source.user_id,
            "source": source.source,
            "read_at": None if source.read_at is None else int(source.read_at),
            "url": source.url,
            "next_read_at": next_read_at,
            "etag": None,
            "last_modified": None,
            "failures": 0,
            "error": source.error,
            "windows": packed(source.windows),
            "busy": packed(source.busy),
        }
        await transaction.run(self._insert, values)

    async def remove(self, transaction: Transaction, organization: OrganizationId, user: int, source: str) -> bool:
        """Remove a source of a user; False if there is none."""
        named = {"organization": organization, "user": user, "source": source}
        return await transaction.run(self._remove, named) > 0

    async def remove_user(self, transaction: Transaction, organization: OrganizationId, user: int) -> None:
        """Remove all sources of a user."""
        await transaction.run(self._remove_user, {"organization": organization, "user": user})


class BusyRows:
    """The `BusyWriter` of an organization within a transaction."""

    def __init__(self, table: BusyTable, transaction: Transaction, organization: OrganizationId) -> None:
        self._table = table
        self._transaction = transaction
        self._organization = organization

    async def find(self, user: int, source: str) -> BusySource | None:
        """Return a source of a user."""
        return await self._table.get(self._transaction, self._organization, user, source)

    async def count(self, user: int) -> int:
        """Return how many sources a user has."""
        return await self._table.count(self._transaction, self._organization, user)

    async def put(self, source: BusySource, next_read_at: int | None) -> None:
        """Write a source, replacing the one with its user and name; an address is read next at that time."""
        await self._table.put(self._transaction, self._organization, source, next_read_at)

    async def remove(self, user: int, source: str) -> bool:
        """Remove a source of a user; False if there is none."""
        return await self._table.remove(self._transaction, self._organization, user, source)


def source_of(row: Row) -> BusySource:
    """Return a source from the values of `COLUMNS`; without busy times if the last is null."""
    user, source, read_at, url, error, windows, busy = row
    times = _unpacked(windows)
    return BusySource(
        user,
        source,
        None if read_at is None else Instant(read_at),
        url,
        error,
        tuple(map(Window, times[::3], times[1::3], times[2::3])),
        Intervals.unpacked(busy or b""),
    )


def packed(times: Iterable[Window] | Iterable[Interval]) -> bytes:
    """Return windows or intervals as 64-bit integers, the lowest byte first."""
    numbers = [number for each in times for number in each]
    return pack(f"<{len(numbers)}q", *numbers)


def _unpacked(content: bytes) -> tuple[int, ...]:
    return unpack(f"<{len(content) // 8}q", content)
