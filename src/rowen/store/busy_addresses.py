"""The calendar addresses of a database: which are due, and what was read there.

Owns their part of the rows of `busy_sources`. Must not know how a calendar is read, or how often.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from sqlalchemy import bindparam, literal_column, null, select, update
from sqlalchemy.sql.elements import ColumnElement

from rowen.app.busy_addresses import DueAddress, Reading, is_whole
from rowen.app.records import AVAILABILITY, USERS, RecordCodec
from rowen.app.setups import SetupCodec
from rowen.interviews.busy import Window
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.people import fold
from rowen.store.busy import COLUMNS, packed, source_of
from rowen.store.engines.base import Engine, Row, Transaction, Unindexed
from rowen.store.ledger.ledger import Ledger, next_state
from rowen.store.records.writer import RecordWriter
from rowen.store.schema.planning_tables import busy_sources
from rowen.store.schema.tables import organizations

_own = busy_sources.c
_NO_BUSY_TIMES: Final[ColumnElement[Any]] = literal_column("NULL")
_DUE: Final[tuple[Any, ...]] = (
    *(_own.organization_id, *COLUMNS[:-1], _NO_BUSY_TIMES),
    *(_own.etag, _own.last_modified, _own.failures),
)
_NAMED: Final = (
    _own.organization_id == bindparam("organization"),
    _own.user_id == bindparam("user"),
    _own.source == bindparam("name"),
    _own.url == bindparam("address"),
)


class BusyAddressTable:
    """The `BusyAddresses` on an engine."""

    def __init__(self, engine: Engine, records: RecordCodec, setups: SetupCodec) -> None:
        self._engine = engine
        self._codec = records
        self._setups = setups
        self._ledger = Ledger(engine)
        self._records = RecordWriter(engine)
        self._due = engine.prepare(
            select(*_DUE)
            .where(_own.next_read_at.is_not(None), _own.next_read_at <= bindparam("now"))
            .order_by(_own.next_read_at, Unindexed(_own.organization_id), _own.user_id)
            .limit(bindparam("most"))
        )
        self._zone = engine.prepare(
            select(organizations.c.time_zone).where(organizations.c.id == bindparam("organization"))
        )
        self._find = engine.prepare(select(*COLUMNS).where(*_NAMED))
        self._read = engine.prepare(update(busy_sources).where(*_NAMED).values(_values("read_at", "windows", "busy")))
        self._same = engine.prepare(update(busy_sources).where(*_NAMED).values(_values("read_at", "windows")))
        self._failed = engine.prepare(
            update(busy_sources)
            .where(*_NAMED)
            .values(
                next_read_at=bindparam("new_next_read_at"),
                error=bindparam("new_error"),
                failures=_own.failures + literal_column("1"),
            )
        )

    async def due(self, now: Instant, most: int) -> Sequence[DueAddress]:
        """Return the addresses that are due, those due longest first."""

        async def work(transaction: Transaction) -> list[DueAddress]:
            rows = await transaction.rows(self._due, {"now": int(now), "most": most})
            return [await self._address(transaction, row, int(now)) for row in rows]

        if not await self._engine.rows(self._due, {"now": int(now), "most": 1}):
            return []
        return await self._engine.read(work)

    async def _address(self, transaction: Transaction, row: Row, now: int) -> DueAddress:
        organization, *columns, etag, last_modified, failures = row
        source = source_of(columns)
        user = await self._records.get(transaction, organization, USERS, source.user_id)
        availability = await self._records.get(transaction, organization, AVAILABILITY, source.user_id)
        if availability is not None and availability.document is not None:
            zone = self._setups.availability(availability.document).time_zone
        else:
            found = await transaction.row(self._zone, {"organization": organization})
            zone = "UTC" if found is None else found[0]
        known = user is not None and user.document is not None
        emails = self._codec.user(user.document or b"").emails if user is not None and known else ()
        whole = is_whole(source.windows, now)
        return DueAddress(
            OrganizationId(organization),
            source.user_id,
            source.source,
            source.url or "",
            etag if whole else None,
            last_modified if whole else None,
            failures,
            zone,
            frozenset(map(fold, emails)),
        )

    async def record(self, readings: Sequence[Reading], next_read_at: Sequence[int]) -> None:
        """Store readings, each with the time of the next: a transaction for each organization."""
        found = sorted(zip(readings, next_read_at, strict=True), key=lambda each: each[0].address[:3])
        for organization, group in groupby(found, key=lambda each: each[0].address.organization):
            await self._record(organization, list(group))

    async def _record(self, organization: OrganizationId, readings: Sequence[tuple[Reading, int]]) -> None:
        async def work(transaction: Transaction) -> None:
            before = await self._ledger.take(transaction, organization)
            written = [await self._write(transaction, reading, at) for reading, at in readings]
            if any(written):
                now = Instant(max(reading.window.read_at for reading, _ in readings))
                await self._ledger.advance(transaction, organization, next_state(before, now))

        await self._engine.write(work, organization)

    async def _write(self, transaction: Transaction, reading: Reading, next_read_at: int) -> bool:
        """Store a reading; return whether anything is known that was not known before."""
        address = reading.address
        named = {"organization": address.organization, "user": address.user_id, "name": address.source}
        named["address"] = address.url
        if reading.error is not None:
            failed = {"new_next_read_at": next_read_at, "new_error": reading.error}
            await transaction.run(self._failed, {**named, **failed})
            return True
        read_at = reading.window.read_at
        values: dict[str, Any] = {
            "new_read_at": read_at,
            "new_next_read_at": next_read_at,
            "new_etag": reading.etag,
            "new_last_modified": reading.last_modified,
        }
        if reading.busy is not None:
            content = {"new_windows": packed([reading.window]), "new_busy": packed(list(reading.busy))}
            return await transaction.run(self._read, {**named, **values, **content}) > 0
        row = await transaction.row(self._find, named)
        if row is None:
            return False
        windows = [Window(each.starts, each.ends, read_at) for each in source_of(row).windows]
        return await transaction.run(self._same, {**named, **values, "new_windows": packed(windows)}) > 0


def _values(*names: str) -> dict[str, Any]:
    """Return the columns that a reading without a failure writes."""
    written = (*names, "next_read_at", "etag", "last_modified")
    given: dict[str, Any] = {name: bindparam(f"new_{name}") for name in written}
    return {**given, "failures": literal_column("0"), "error": null()}
