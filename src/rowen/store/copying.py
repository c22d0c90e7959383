"""A whole database, copied into an empty one, from any engine to any engine.

Owns what is copied in which order, how a copy goes on after it was cut off, and the proof that both agree. Must not
know an engine beyond its `Location`. The source may be served and written meanwhile: the copy is of one moment. Until
the target is proved it says of itself that it is unfinished, and nobody serves it.
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
from rowen.store.engine import Filling, Location, Row, Snapshot
from rowen.store.tables import (
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
"""What is copied, in this order; leases are of the processes of one database."""

_STEADY: Final = frozenset(each.name for each in (organizations, scheduled_interviews, panel, records, changes))
"""What a copy may go on with: it changes with an organization's row only, and its order is that of every engine.

The keys of other tables hold words of anybody, and an engine may have to write those in another way (`postgres_text`).
"""

_INDEXES: Final = tuple(index for each in COPIED for index in sorted(each.indexes, key=lambda index: str(index.name)))
"""Made when the rows are there: that takes a fraction of the time of keeping them up row by row."""

_DOCUMENTS: Final = 1_000
_SMALL: Final = 10_000
_MARK: Final = "copy"
_encode: Final = msgspec.msgpack.Encoder().encode
_VERSION: Final = table("alembic_version", column("version_num", String))

Progress = Callable[[str, int, int | None, str], None]
"""Told what is being done, how much of how much, and a remark."""

Told = tuple[int, bytes, int]
"""Of a table, what is equal where all rows are."""

Use = Callable[[Table, Sequence[Row]], Awaitable[None]]
"""What is done with the next rows of a table."""


class Copied(NamedTuple):
    """How much was copied."""

    tables: int
    rows: int


async def copy(source: Location, target: Location, *, resume: bool, progress: Progress) -> Copied:
    """Copy all of a database into one that is made for it, or is empty; `resume` goes on with an unfinished copy.

    Raises Unavailable where the source is not up to date, where the target holds something, where one of them cannot
    be read or written, where the source has changed since an unfinished copy was begun, and where the two do not
    agree in the end. What was begun is an unfinished copy then.
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
        async with target.filling() as filling:
            if not unfinished:
                await filling.settle(_beginning(state))
            copied = await _Copying(original, target, filling, progress).run(resumed=unfinished)
            await filling.settle(_end())
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
    """Return what differs where the ledger of any organization does, or the schema."""
    ledgers = [row async for chunk in snapshot.chunks(organizations, _SMALL) for row in chunk]
    return blake2b(_encode((SCHEMA_VERSION, ledgers)), digest_size=16).hexdigest()


async def _require_empty(target: Location, original: Snapshot) -> None:
    if not target.exists():
        return
    schema_version(target)  # refuses what is not Rowen's, and an unfinished copy
    names = target.tables().names
    there = [each for each in COPIED if each.name in names]
    if not there:
        return
    async with target.snapshot() as present:
        if present.identity == original.identity:
            raise Unavailable(f"database {target.name}: is the source itself")
        for each in there:
            if await present.ask(select(literal(1)).select_from(each).limit(1)):
                raise Unavailable(f"database {target.name}: is not empty, and a copy needs one that is")


async def _require_begun_with(state: str, target: Location) -> None:
    async with target.snapshot() as present:
        rows = await present.ask(select(leases.c.holder).where(leases.c.name == _MARK))
    if [row[0] for row in rows] != [state]:
        raise Unavailable("the source has changed since the copy was begun: begin anew with an empty target")


def _beginning(state: str) -> list[ClauseElement]:
    """Return what makes an empty database an unfinished copy of a source in that state."""
    return [
        update(_VERSION).values(version_num=COPYING),
        delete(leases).where(leases.c.name == _MARK),
        insert(leases).values(name=_MARK, holder=state, expires_at=0),
        *(DropIndex(index, if_exists=True) for index in _INDEXES),
    ]


def _end() -> list[ClauseElement]:
    """Return what makes an unfinished copy a database."""
    return [delete(leases).where(leases.c.name == _MARK), update(_VERSION).values(version_num=SCHEMA_VERSION)]


@dataclass
class _Sum:
    """How many rows a table has, and a number that differs where any of them does.

    That of an unsteady table is a sum over its rows, which minds no order; one digest of all takes a tenth of the time.
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
    def told(self) -> Told:
        return self._rows, self._digest.digest(), self._total


class _Copying:
    """One run of a copy: the rows, their indexes, and the proof."""

    def __init__(self, original: Snapshot, target: Location, filling: Filling, progress: Progress) -> None:
        self._original = original
        self._target = target
        self._filling = filling
        self._progress = progress

    async def run(self, *, resumed: bool) -> Copied:
        """Copy what is not there yet. Raises Unavailable where not all of it arrived."""
        lasts = await self._kept() if resumed else {}
        total = sum([(await self._original.ask(select(func.count()).select_from(each)))[0][0] for each in COPIED])

        async def use(each: Table, rows: Sequence[Row]) -> None:
            if new := _behind(lasts.get(each.name), each, rows):
                await self._filling.add(each, new)

        told = await self._read(self._original, "Copying", total, use)
        async with self._target.snapshot() as present:
            # The one keeps a server busy, the other this process.
            _, found = await _both(self._finish(), self._read(present, "Comparing", total))
        if different := [name for name in told if told[name] != found[name]]:
            raise Unavailable(
                f"database {self._target.name}: is not like the source in {', '.join(different)}: begin anew with an "
                "empty target"
            )
        return Copied(len(COPIED), total)

    async def _kept(self) -> dict[str, tuple[Any, ...]]:
        """Return, by table, the last key that an earlier run has written; what it cannot rely on goes."""
        lasts: dict[str, tuple[Any, ...]] = {}
        async with self._target.snapshot() as present:
            for each in COPIED:
                keys = each.primary_key.columns
                last = await present.ask(select(*keys).order_by(*(key.desc() for key in keys)).limit(1))
                if last and each.name in _STEADY:
                    lasts[each.name] = tuple(last[0])
        await self._filling.settle([delete(each) for each in COPIED if each.name not in _STEADY])
        return lasts

    async def _read(self, snapshot: Snapshot, doing: str, total: int, use: Use | None = None) -> dict[str, Told]:
        """Read all tables, each in the order of its key, and return what is told of each."""
        told: dict[str, Told] = {}
        done = 0
        for each in COPIED:
            read = _Sum(each.name in _STEADY)
            async for rows in snapshot.chunks(each, _chunk(each)):
                read.add(rows)
                if use is not None:
                    await use(each, rows)
                done += len(rows)
                await self._tell(doing, done, total, f"{done:,} rows, {each.name}")
            told[each.name] = read.told
        return told

    async def _finish(self) -> None:
        for number, index in enumerate(_INDEXES):
            await self._tell("Indexing", number, len(_INDEXES), str(index.name))
            await self._filling.settle([CreateIndex(index, if_not_exists=True)])
        await self._tell("Indexing", len(_INDEXES), len(_INDEXES), "")
        await self._filling.gather_statistics(COPIED)

    async def _tell(self, doing: str, done: int, total: int, remark: str) -> None:
        self._progress(doing, done, total, remark)
        await asyncio.sleep(0)  # here a copy can be called off: with an engine that runs at once, it waits nowhere else


async def _both(one: Coroutine[Any, Any, One], other: Coroutine[Any, Any, Other]) -> tuple[One, Other]:
    """Run both at the same time; where one fails, or this is called off, none goes on."""
    tasks = asyncio.ensure_future(one), asyncio.ensure_future(other)
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _chunk(each: Table) -> int:
    """Return how many rows are read, and written in one transaction: some megabytes, whatever they hold."""
    return _DOCUMENTS if any(isinstance(column.type, LargeBinary) for column in each.columns) else _SMALL


def _behind(last: tuple[Any, ...] | None, each: Table, rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows that come behind the last key: as all engines order them, so does Python, letter by letter."""
    if last is None:
        return rows
    places = [each.columns.keys().index(key.name) for key in each.primary_key.columns]

    def key(row: Row) -> tuple[Any, ...]:
        return tuple(row[place] for place in places)

    return [] if key(rows[-1]) <= last else [row for row in rows if key(row) > last]
