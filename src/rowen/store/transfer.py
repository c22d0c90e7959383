"""A whole database, copied into an empty one, from any engine to any engine.

Owns what is copied in which order, how an interrupted copy continues, and the proof that both are equal. Must not know
an engine beyond its `Location`. The source may be served and written meanwhile: the copy is of one moment. Until the
target is verified it is marked as unfinished, and no server serves it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from sqlalchemy import LargeBinary, String, Table, column, delete, func, insert, literal, select, table, update
from sqlalchemy.schema import CreateIndex, DropIndex
from sqlalchemy.sql.expression import ClauseElement

from rowen.interviews.errors import Unavailable
from rowen.store.database import COPYING, schema_version, upgrade
from rowen.store.engines.base import BulkLoader, Location, Row, Snapshot
from rowen.store.schema.tables import (
    SCHEMA_VERSION,
    changes,
    leases,
    metadata,
    organizations,
    panel,
    records,
    scheduled_interviews,
)

One = TypeVar("One")
Other = TypeVar("Other")

COPIED: Final = tuple(each for each in metadata.tables.values() if each is not leases)
"""The tables to copy, in this order; leases belong to the processes of one database."""

_STEADY: Final = frozenset(each.name for each in (organizations, scheduled_interviews, panel, records, changes))
"""The tables that a resumed copy continues: they change only with an organization's row, and engines order them alike.

The keys of other tables contain text of any kind, which an engine may have to encode
(`engines/postgres/text_codec.py`).
"""

_INDEXES: Final = tuple(index for each in COPIED for index in sorted(each.indexes, key=lambda index: str(index.name)))
"""Created after the rows: that takes a fraction of the time of maintaining them row by row."""

DOCUMENT_BATCH: Final = 1_000
ROW_BATCH: Final = 10_000
_MARK: Final = "copy"
_encode: Final = msgspec.msgpack.Encoder().encode
_VERSION: Final = table("alembic_version", column("version_num", String))

Progress = Callable[[str, int, int | None, str], None]
"""Called with the current step, how much of how much is done, and a remark."""

Checksum = tuple[int, bytes, int]
"""A summary of a table that is equal if all rows are."""

Use = Callable[[Table, Sequence[Row]], Awaitable[None]]
"""Processes the next rows of a table."""


class Copied(NamedTuple):
    """The size of a copy."""

    tables: int
    rows: int


async def copy(source: Location, target: Location, *, resume: bool, progress: Progress) -> Copied:
    """Copy a whole database into a new or empty one; `resume` continues an unfinished copy.

    Raises Unavailable if the source is not up to date, if the target is not empty, if one of them cannot be read or
    written, if the source has changed since an unfinished copy began, and if the two differ in the end. Then the target
    is an unfinished copy.
    """
    _require_current(source)
    async with source.snapshot() as original:
        state = await _state_of(original)
        unfinished = resume and target.exists() and target.tables().version == COPYING
        if unfinished:
            await _require_begun_with(state, target)
        else:
            await _require_empty(target, original)
            upgrade(target)
        async with target.bulk_loader() as loader:
            if not unfinished:
                await loader.commit_durably(_beginning(state))
            copied = await _Copying(original, target, loader, progress).run(resumed=unfinished)
            await loader.commit_durably(_end())
    return copied


def _require_current(source: Location) -> None:
    if not source.exists():
        raise Unavailable(f"there is no database {source.name}")
    version = schema_version(source)
    if version != SCHEMA_VERSION:
        raise Unavailable(
            f"database {source.name}: its schema is {version}, not {SCHEMA_VERSION}: run `rowen db upgrade` first"
        )


async def _state_of(snapshot: Snapshot) -> str:
    """Return a value that differs if the ledger of any organization does, or the schema."""
    ledgers = [row async for chunk in snapshot.chunks(organizations, ROW_BATCH) for row in chunk]
    return blake2b(_encode((SCHEMA_VERSION, ledgers)), digest_size=16).hexdigest()


async def _require_empty(target: Location, original: Snapshot) -> None:
    if not target.exists():
        return
    schema_version(target)  # refuses databases of other programs, and unfinished copies
    names = target.tables().names
    there = [each for each in COPIED if each.name in names]
    if not there:
        return
    async with target.snapshot() as present:
        if present.identity == original.identity:
            raise Unavailable(f"database {target.name}: is the source")
        for each in there:
            if await present.ask(select(literal(1)).select_from(each).limit(1)):
                raise Unavailable(f"database {target.name}: is not empty; a copy needs an empty database")


async def _require_begun_with(state: str, target: Location) -> None:
    async with target.snapshot() as present:
        rows = await present.ask(select(leases.c.holder).where(leases.c.name == _MARK))
    if [row[0] for row in rows] != [state]:
        raise Unavailable("the source has changed since the copy began: start again with an empty target")


def _beginning(state: str) -> list[ClauseElement]:
    """Return the statements that mark an empty database as the unfinished copy of a source in that state."""
    return [
        update(_VERSION).values(version_num=COPYING),
        delete(leases).where(leases.c.name == _MARK),
        insert(leases).values(name=_MARK, holder=state, expires_at=0),
        *(DropIndex(index, if_exists=True) for index in _INDEXES),
    ]


def _end() -> list[ClauseElement]:
    """Return the statements that turn an unfinished copy into a database."""
    return [delete(leases).where(leases.c.name == _MARK), update(_VERSION).values(version_num=SCHEMA_VERSION)]


@dataclass
class _Sum:
    """The number of rows of a table, and a number that differs if any of them does.

    For an unsteady table it is a sum over its rows, which does not depend on their order; for others one digest, which
    takes a tenth of the time.
    """

    _steady: bool
    _rows: int = 0
    _digest: Any = field(default_factory=partial(blake2b, digest_size=16))
    _total: int = 0

    def add(self, rows: Sequence[Row]) -> None:
        self._rows += len(rows)
        if self._steady:
            self._digest.update(_encode(rows))
        else:
            self._total += sum(int.from_bytes(blake2b(_encode(row), digest_size=16).digest()) for row in rows)

    @property
    def checksum(self) -> Checksum:
        return self._rows, self._digest.digest(), self._total


class _Copying:
    """One run of a copy: the rows, their indexes, and the verification."""

    def __init__(self, original: Snapshot, target: Location, loader: BulkLoader, progress: Progress) -> None:
        self._original = original
        self._target = target
        self._loader = loader
        self._progress = progress

    async def run(self, *, resumed: bool) -> Copied:
        """Copy what is missing. Raises Unavailable if not all of it arrived."""
        lasts = await self._kept() if resumed else {}
        total = sum([(await self._original.ask(select(func.count()).select_from(each)))[0][0] for each in COPIED])

        async def use(each: Table, rows: Sequence[Row]) -> None:
            if new := _behind(lasts.get(each.name), each, rows):
                await self._loader.add(each, new)

        checksums = await self._read(self._original, "Copying", total, use)
        async with self._target.snapshot() as present:
            # The former keeps a server busy, the latter this process.
            _, found = await _both(self._finish(), self._read(present, "Comparing", total))
        if different := [name for name in checksums if checksums[name] != found[name]]:
            raise Unavailable(
                f"database {self._target.name}: differs from the source in {', '.join(different)}: start again with an "
                "empty target"
            )
        return Copied(len(COPIED), total)

    async def _kept(self) -> dict[str, tuple[Any, ...]]:
        """Return, by table, the last key that an earlier run has written; rows that it cannot rely on are deleted."""
        lasts: dict[str, tuple[Any, ...]] = {}
        async with self._target.snapshot() as present:
            for each in COPIED:
                keys = each.primary_key.columns
                last = await present.ask(select(*keys).order_by(*(key.desc() for key in keys)).limit(1))
                if last and each.name in _STEADY:
                    lasts[each.name] = tuple(last[0])
        await self._loader.commit_durably([delete(each) for each in COPIED if each.name not in _STEADY])
        return lasts

    async def _read(self, snapshot: Snapshot, doing: str, total: int, use: Use | None = None) -> dict[str, Checksum]:
        """Read all tables, each in the order of its key, and return their summaries."""
        checksums: dict[str, Checksum] = {}
        done = 0
        for each in COPIED:
            read = _Sum(each.name in _STEADY)
            async for rows in snapshot.chunks(each, _chunk(each)):
                read.add(rows)
                if use is not None:
                    await use(each, rows)
                done += len(rows)
                await self._report(doing, done, total, f"{done:,} rows, {each.name}")
            checksums[each.name] = read.checksum
        return checksums

    async def _finish(self) -> None:
        for number, index in enumerate(_INDEXES):
            await self._report("Indexing", number, len(_INDEXES), str(index.name))
            await self._loader.commit_durably([CreateIndex(index, if_not_exists=True)])
        await self._report("Indexing", len(_INDEXES), len(_INDEXES), "")
        await self._loader.gather_statistics(COPIED)

    async def _report(self, doing: str, done: int, total: int, remark: str) -> None:
        self._progress(doing, done, total, remark)
        await asyncio.sleep(0)  # the only point where a copy can be cancelled with an engine that never waits


async def _both(one: Coroutine[Any, Any, One], other: Coroutine[Any, Any, Other]) -> tuple[One, Other]:
    """Run both at the same time; if one fails or the caller is cancelled, both end."""
    tasks = asyncio.ensure_future(one), asyncio.ensure_future(other)
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _chunk(each: Table) -> int:
    """Return how many rows are read, and written in one transaction: some megabytes, whatever they hold."""
    return DOCUMENT_BATCH if any(isinstance(column.type, LargeBinary) for column in each.columns) else ROW_BATCH


def _behind(last: tuple[Any, ...] | None, each: Table, rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows after the last key: Python orders them as all engines do, by characters."""
    if last is None:
        return rows
    places = [each.columns.keys().index(key.name) for key in each.primary_key.columns]

    def key(row: Row) -> tuple[Any, ...]:
        return tuple(row[place] for place in places)

    return [] if key(rows[-1]) <= last else [row for row in rows if key(row) > last]
