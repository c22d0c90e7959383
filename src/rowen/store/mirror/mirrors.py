"""The mirrors of a database: their state, and the rows that they hold.

Owns that rows, the position after them, and the marks on what follows from them change together or not at all. Must not
know the content of a row, or where it comes from. See docs/decisions/0032-a-mirror-holds-rows.md.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from rowen.app.mirror import OWN, REACHES, Mirror, MirroredRow, MirrorState, Pending, Position, RowLink, reported
from rowen.app.organizations import Organization
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Transaction
from rowen.store.mirror.reaches import OF, Marker
from rowen.store.schema.mirror_tables import (
    account_writes,
    mirror_pending,
    mirror_positions,
    mirror_rows,
    mirrors,
)
from rowen.store.schema.tables import organizations

_SET_ONCE: Final = ("source", "write_through")  # when the mirror begins
_ID: Final = attrgetter("id")
_UPDATED_AT: Final = attrgetter("updated_at")
_encode: Final = msgspec.json.Encoder().encode
_counters: Final = msgspec.json.Decoder(dict[str, int]).decode


class MirrorTables:
    """The `Mirrors` of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._marker = Marker(engine)
        of_mirror = mirrors.c.organization_id == bindparam("organization")
        self._find = engine.prepare(select(*(mirrors.c[name] for name in Mirror._fields)).where(of_mirror))
        names = organizations.c.name
        joined = organizations.c.id == mirrors.c.organization_id
        self._mirror_of = engine.prepare(select(organizations.c.id).where(joined, names == bindparam("name")))
        shown = [mirrors.c[name] for name in Mirror._fields]
        self._all = engine.prepare(select(organizations.c.id, names, *shown).where(joined).order_by(names))
        self._begin = engine.prepare(insert(mirrors).values({c.name: bindparam(c.name) for c in mirrors.c}))
        saved = [name for name in Mirror._fields if name not in _SET_ONCE]
        self._save = engine.prepare(
            update(mirrors).where(of_mirror).values({name: bindparam(f"new_{name}") for name in saved})
        )
        writes = account_writes.c
        of_writes = writes.organization_id == bindparam("organization")
        self._writes = engine.prepare(select(writes.state, func.count()).where(of_writes).group_by(writes.state))
        self._pass = engine.prepare(update(mirrors).where(of_mirror).values(write_through=bindparam("passed")))
        self._name = engine.prepare(
            update(organizations)
            .where(organizations.c.id == bindparam("organization"))
            .values(mirrored_from=bindparam("source"))
        )
        everything = (mirrors, mirror_positions, mirror_rows, mirror_pending, account_writes)
        self._forget = [
            engine.prepare(delete(each).where(each.c.organization_id == bindparam("organization")))
            for each in everything
        ]
        self._prepare_positions(engine)
        self._prepare_rows(engine)

    def _prepare_positions(self, engine: Engine) -> None:
        columns = mirror_positions.c
        of_organization = columns.organization_id == bindparam("organization")
        self._positions = engine.prepare(select(*(columns[name] for name in Position._fields)).where(of_organization))
        of_resource = (of_organization, columns.resource == bindparam("of_resource"))
        moved: dict[str, Any] = {
            name: bindparam(f"new_{name}") for name in Position._fields if name not in ("resource", "held")
        }
        self._move_on = engine.prepare(
            update(mirror_positions).where(*of_resource).values(**moved, held=columns.held + bindparam("more"))
        )
        self._lose = engine.prepare(
            update(mirror_positions).where(*of_resource).values(held=columns.held - bindparam("gone"))
        )
        self._arrive = engine.prepare(insert(mirror_positions).values({c.name: bindparam(c.name) for c in columns}))

    def _prepare_rows(self, engine: Engine) -> None:
        columns = mirror_rows.c
        shown = [columns[name] for name in MirroredRow._fields]
        self._rows = engine.prepare(select(*shown).where(*OF, engine.id_in(columns.id, "ids")).order_by(columns.id))
        self._linked = {
            link: engine.prepare(
                select(*shown).where(*OF, engine.id_in(columns[link.value], "ids")).order_by(columns.id)
            )
            for link in RowLink
        }
        found = {
            link: select(columns.id, columns.updated_at, columns.document)
            .where(*OF, engine.id_in(columns[link.value if link else "id"], "ids"))
            .order_by(columns.id)
            .subquery()
            for link in (None, *RowLink)
        }
        self._documents = {
            link: engine.prepare(select(engine.joined_documents(each.c.document))) for link, each in found.items()
        }
        own = found[None].c
        self._dated_documents = engine.prepare(
            select(engine.joined_documents(own.document), engine.collected_pairs(own.id, own.updated_at))
        )
        self._identifiers = engine.prepare(
            select(columns.id).where(*OF, columns.id >= bindparam("low"), columns.id < bindparam("high"))
        )
        some = (
            select(columns.id)
            .where(*OF, columns.id > bindparam("after"))
            .order_by(columns.id)
            .limit(bindparam("most"))
            .subquery()
        )
        self._own = engine.prepare(select(engine.collected_identifiers(some.c.id)))
        self._remove = engine.prepare(delete(mirror_rows).where(*OF, columns.id == bindparam("id")))
        self._insert = engine.prepare_insert(mirror_rows, ("organization_id", *MirroredRow._fields))

    async def find(self, organization: OrganizationId) -> Mirror | None:
        """Return the mirror of an organization."""
        row = await self._engine.row(self._find, {"organization": organization})
        return None if row is None else _mirror_of(row)

    async def all(self) -> Sequence[MirrorState]:
        """Return the mirrors of all organizations, ordered by name."""
        found = await self._engine.rows(self._all, {})
        states = []
        for identifier, name, *row in found:
            positions = await self.positions(identifier)
            ordered = [positions[each] for each in REACHES if each in positions]
            writes = await self._engine.rows(self._writes, {"organization": identifier})
            states.append(MirrorState(name, _mirror_of(row), ordered, dict(map(tuple, writes))))
        return states

    async def report(self, organization: str, resource: str, identifier: int, now: Instant) -> bool:
        """Mark a row that was reported as deleted; return False if no organization of that name is a mirror."""

        async def work(transaction: Transaction) -> bool:
            row = await transaction.row(self._mirror_of, {"name": organization})
            if row is None:
                return False
            await self._marker.put(transaction, row[0], reported(resource), [identifier], now)
            return True

        return await self._engine.write(work)

    async def begin(
        self, organization: Organization, source: str, now: Instant, *, write_through: bool | None = None
    ) -> Mirror:
        """Make an organization the mirror of an account, and return its mirror. Raises Refusal (conflict)."""

        async def work(transaction: Transaction) -> Mirror:
            row = await transaction.row(self._find, {"organization": organization.id})
            if row is not None:
                known = _mirror_of(row)
                if known.source != source:
                    problem = f"organization {organization.name!r} is the mirror of {known.source}"
                    raise Refusal(Code.CONFLICT, f"{problem}: `rowen mirror end` makes it independent of that account")
                if write_through is not None and write_through != known.write_through:
                    known = known._replace(write_through=write_through)
                    await transaction.run(self._pass, {"organization": organization.id, "passed": write_through})
                return known
            made = Mirror(source, int(now), write_through=bool(write_through))
            values = {**made._asdict(), "organization_id": organization.id, "counters": b"{}"}
            await transaction.run(self._begin, values)
            for resource in REACHES:
                await self._move(transaction, organization.id, Position(resource), 0)
            await transaction.run(self._name, {"organization": organization.id, "source": source})
            return made

        return await self._engine.write(work)

    async def end(self, organization: Organization) -> bool:
        """Make an organization independent of its account; return False if it was no mirror."""

        async def work(transaction: Transaction) -> bool:
            parameters = {"organization": organization.id}
            found = [await transaction.run(statement, parameters) for statement in self._forget]
            await transaction.run(self._name, {**parameters, "source": None})
            return found[0] > 0

        return await self._engine.write(work)

    async def save(self, organization: OrganizationId, mirror: Mirror) -> None:
        """Store the times, the counters and the last error of a mirror."""
        values = {f"new_{name}": value for name, value in mirror._asdict().items() if name not in _SET_ONCE}
        values["new_counters"] = _encode(mirror.counters)

        async def work(transaction: Transaction) -> None:
            await transaction.run(self._save, {"organization": organization, **values})

        await self._engine.write(work)

    async def positions(self, organization: OrganizationId) -> dict[str, Position]:
        """Return how far each resource has been read, by resource."""
        rows = await self._engine.rows(self._positions, {"organization": organization})
        return {row[0]: Position(*row)._replace(loaded=bool(row[2])) for row in rows}

    async def put(
        self,
        organization: OrganizationId,
        rows: Sequence[MirroredRow],
        position: Position,
        now: Instant,
        *,
        first: bool = False,
    ) -> int:
        """Store rows of one resource with the position after them, and mark what follows unless it is a first reading.

        Return how many differ from what was stored.
        """

        async def work(transaction: Transaction) -> int:
            written, added = await self._put(transaction, organization, rows, now, first=first)
            await self._move(transaction, organization, position, added)
            return written

        return await self._engine.write(work)

    async def replace(
        self, organization: OrganizationId, rows: Sequence[MirroredRow], gone: Sequence[MirroredRow], now: Instant
    ) -> None:
        """Store rows and delete others, and mark what follows from them, all at once."""

        async def work(transaction: Transaction) -> None:
            for resource in sorted({row.resource for row in (*rows, *gone)}):
                lost = [row for row in gone if row.resource == resource]
                await self._marker.mark(transaction, organization, lost, now)
                await self._delete(transaction, organization, resource, [row.id for row in lost])
                kept = [row for row in rows if row.resource == resource]
                _, added = await self._put(transaction, organization, kept, now)
                fewer = {"organization": organization, "of_resource": resource, "gone": len(lost) - added}
                await transaction.run(self._lose, fewer)

        await self._engine.write(work)

    async def _put(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        rows: Sequence[MirroredRow],
        now: Instant,
        *,
        first: bool = False,
    ) -> tuple[int, int]:
        """Store rows of one resource, and mark what follows from those that differ, unless it is a first reading.

        Return how many differ, and how many of them are new.
        """
        if not rows:
            return 0, 0
        resource = rows[0].resource
        newest = {row.id: row for row in rows}
        if len(newest) < len(rows):
            newest = {row.id: row for row in sorted(rows, key=_UPDATED_AT)}
        ids = sorted(newest)
        between = {"organization": organization, "resource": resource, "low": ids[0], "high": ids[-1] + 1}
        # A first reading seldom meets a row that is stored, and one look between two ids shows that there is none.
        is_new = first and not await transaction.rows(self._identifiers, between)
        stored = {} if is_new else await self._stored(transaction, organization, resource, ids)
        written = [row for row in newest.values() if not stored or _is_news(row, stored.get(row.id))]
        replaced = [stored[row.id] for row in written if row.id in stored]  # also what followed from them before
        await self._delete(transaction, organization, resource, [row.id for row in replaced])
        await self._add(transaction, organization, written)
        if not first:
            await self._marker.mark(transaction, organization, [*written, *replaced], now)
        return len(written), len(written) - len(replaced)

    async def remove(
        self, organization: OrganizationId, resource: str, identifiers: Sequence[int], now: Instant
    ) -> int:
        """Delete rows, and mark what followed from them; return how many there were."""

        async def work(transaction: Transaction) -> int:
            stored = await self._stored(transaction, organization, resource, identifiers)
            await self._marker.mark(transaction, organization, list(stored.values()), now)
            await self._delete(transaction, organization, resource, stored)
            lost = {"organization": organization, "of_resource": resource, "gone": len(stored)}
            await transaction.run(self._lose, lost)
            return len(stored)

        return await self._engine.write(work)

    async def rows(
        self, organization: OrganizationId, resource: str, identifiers: Sequence[int]
    ) -> dict[int, MirroredRow]:
        """Return the rows of a resource with these ids, by id."""
        found = await self._engine.rows(self._rows, self._named(organization, resource, identifiers))
        return {row.id: row for row in (MirroredRow(*each) for each in found)}

    async def linked(
        self, organization: OrganizationId, resource: str, link: RowLink, identifiers: Sequence[int]
    ) -> Sequence[MirroredRow]:
        """Return the rows of a resource with a link to any of these ids, ordered by id."""
        found = await self._engine.rows(self._linked[link], self._named(organization, resource, identifiers))
        return [MirroredRow(*each) for each in found]

    async def documents(
        self, organization: OrganizationId, resource: str, link: RowLink | None, identifiers: Sequence[int]
    ) -> bytes:
        """Return the documents of the rows with a link to any of these ids, or with these ids, as JSON, by id."""
        row = await self._engine.row(self._documents[link], self._named(organization, resource, identifiers))
        return b"[%b]" % ((row and row[0]) or b"")

    async def dated_documents(
        self, organization: OrganizationId, resource: str, identifiers: Sequence[int]
    ) -> tuple[bytes, Mapping[int, int]]:
        """Return the documents of the rows with these ids as JSON, by id, and when each row was updated."""
        row = await self._engine.row(self._dated_documents, self._named(organization, resource, identifiers))
        if row is None or row[0] is None:
            return b"[]", {}
        return b"[%b]" % row[0], dict(self._engine.read_pairs(row[1]))

    async def identifiers(self, organization: OrganizationId, resource: str, low: int, high: int) -> Sequence[int]:
        """Return the ids of a resource's rows from `low` up to but not including `high`."""
        parameters = {"organization": organization, "resource": resource, "low": low, "high": high}
        return [row[0] for row in await self._engine.rows(self._identifiers, parameters)]

    async def own(self, organization: OrganizationId, target: str, most: int, after: int = 0) -> Sequence[int]:
        """Return the first ids above `after`, ascending, of which a resource of ours may have a record."""
        parameters = {"organization": organization, "resource": OWN[target], "most": most, "after": after}
        row = await self._engine.row(self._own, parameters)
        return self._engine.read_identifiers(row[0]).tolist() if row else []

    async def mark(self, organization: OrganizationId, target: str, identifiers: Sequence[int], now: Instant) -> None:
        """Mark records of a resource of ours."""

        async def work(transaction: Transaction) -> None:
            await self._marker.put(transaction, organization, target, identifiers, now)

        await self._engine.write(work)

    async def pending(self, organization: OrganizationId, target: str, most: int, after: int = 0) -> Sequence[Pending]:
        """Return the first records of a resource of ours that are marked, ordered by id, with ids above `after`."""
        return await self._marker.pending(organization, target, most, after)

    async def settle(self, organization: OrganizationId, target: str, done: Sequence[Pending]) -> None:
        """Remove marks; one that was set again meanwhile stays."""

        async def work(transaction: Transaction) -> None:
            await self._marker.settle(transaction, organization, target, done)

        await self._engine.write(work)

    def _named(self, organization: OrganizationId, resource: str, identifiers: Sequence[int]) -> dict[str, Any]:
        ids = self._engine.bind_identifiers(identifiers)
        return {"organization": organization, "resource": resource, "ids": ids}

    async def _stored(
        self, transaction: Transaction, organization: OrganizationId, resource: str, identifiers: Sequence[int]
    ) -> dict[int, MirroredRow]:
        found = await transaction.rows(self._rows, self._named(organization, resource, identifiers))
        return {row.id: row for row in (MirroredRow(*each) for each in found)}

    async def _add(self, transaction: Transaction, organization: OrganizationId, rows: Sequence[MirroredRow]) -> None:
        values = [(organization, *row) for row in sorted(rows, key=_ID)]
        await transaction.insert(self._insert, values)

    async def _delete(
        self, transaction: Transaction, organization: OrganizationId, resource: str, identifiers: Any
    ) -> None:
        values = [{"organization": organization, "resource": resource, "id": each} for each in identifiers]
        await transaction.run_many(self._remove, [self._remove.bind(each) for each in values])

    async def _move(
        self, transaction: Transaction, organization: OrganizationId, position: Position, more: int
    ) -> None:
        """Store a position, after which there are `more` rows than before."""
        moved = {f"new_{name}": value for name, value in position._asdict().items() if name not in ("resource", "held")}
        parameters = {"organization": organization, "of_resource": position.resource, "more": more, **moved}
        if not await transaction.run(self._move_on, parameters):
            await transaction.run(self._arrive, {"organization_id": organization, **position._asdict(), "held": more})


def _is_news(row: MirroredRow, stored: MirroredRow | None) -> bool:
    """Return whether a row has to be written: it is unknown, or differs and is not older than the stored one."""
    return stored is None or (row.document != stored.document and row.updated_at >= stored.updated_at)


def _mirror_of(row: Sequence[Any]) -> Mirror:
    found = Mirror(*row)
    return found._replace(counters=_counters(row[-2]), write_through=bool(row[-1]))
