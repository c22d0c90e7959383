"""Marking the records that follow from rows of a mirrored account.

Owns the statements that go from rows to marks, within the transaction that writes the rows, and those that read and
remove marks. Must not know the content of a row, or what is done about a mark.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from sqlalchemy import bindparam, delete, select

from rowen.app.mirror import REACHES, MirroredRow, Pending, Reach, RowLink
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Transaction
from rowen.store.schema.mirror_tables import mirror_pending, mirror_rows

OF = (mirror_rows.c.organization_id == bindparam("organization"), mirror_rows.c.resource == bindparam("resource"))
_MARKED_AT: Final = attrgetter("marked_at")


class Marker:
    """Marks records through one engine."""

    def __init__(self, engine: Engine) -> None:
        rows, marks = mirror_rows.c, mirror_pending.c
        self._engine = engine
        self._steps = {
            (find, take): engine.prepare(
                select(rows[take.value if take else "id"]).where(
                    *OF, engine.id_in(rows[find.value if find else "id"], "ids")
                )
            )
            for find in (None, *RowLink)
            for take in (None, *RowLink)
        }
        of_target = (marks.organization_id == bindparam("organization"), marks.resource == bindparam("resource"))
        self._marked = engine.prepare(select(marks.id).where(*of_target, engine.id_in(marks.id, "ids")))
        self._remove = engine.prepare(delete(mirror_pending).where(*of_target, marks.id == bindparam("id")))
        self._insert = engine.prepare_insert(mirror_pending, ("organization_id", "resource", "id", "marked_at"))
        first = (
            select(marks.id, marks.marked_at)
            .where(*of_target, marks.id > bindparam("after"))
            .order_by(marks.id)
            .limit(bindparam("most"))
            .subquery()
        )
        # One row: fetching many takes turns with the thread that writes.
        self._pending = engine.prepare(select(engine.collected_pairs(first.c.id, first.c.marked_at)))
        self._settle = engine.prepare(
            delete(mirror_pending).where(
                *of_target, engine.id_in(marks.id, "ids"), marks.marked_at <= bindparam("marked_at")
            )
        )

    async def mark(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        rows: Sequence[MirroredRow],
        now: Instant,
    ) -> None:
        """Mark what follows from rows of one resource."""
        if not rows:
            return
        for reach in REACHES[rows[0].resource]:
            found = await self._reached(transaction, organization, rows, reach)
            if found:
                await self.put(transaction, organization, reach.target, sorted(found), now)

    async def put(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        name: str,
        identifiers: Sequence[int],
        now: Instant,
    ) -> None:
        """Set marks of a name, in place of those that are set already."""
        target = {"organization": organization, "resource": name}
        marked = await transaction.rows(self._marked, {**target, "ids": self._engine.bind_identifiers(identifiers)})
        await transaction.run_many(self._remove, [self._remove.bind({**target, "id": row[0]}) for row in marked])
        await transaction.insert(self._insert, [(organization, name, each, int(now)) for each in identifiers])

    async def pending(self, organization: OrganizationId, name: str, most: int, after: int) -> Sequence[Pending]:
        """Return the first marks of a name, ordered by id, with ids above `after`."""
        parameters = {"organization": organization, "resource": name, "most": most, "after": after}
        row = await self._engine.row(self._pending, parameters)
        return [*map(Pending._make, self._engine.read_pairs(row[0]))] if row and row[0] else []

    async def settle(
        self, transaction: Transaction, organization: OrganizationId, name: str, done: Sequence[Pending]
    ) -> None:
        """Remove marks of a name; one that was set again meanwhile stays."""
        target = {"organization": organization, "resource": name}
        for marked_at, some in groupby(sorted(done, key=_MARKED_AT), _MARKED_AT):
            ids = self._engine.bind_identifiers([each.id for each in some])
            await transaction.run(self._settle, {**target, "ids": ids, "marked_at": marked_at})

    async def _reached(
        self, transaction: Transaction, organization: OrganizationId, rows: Sequence[MirroredRow], reach: Reach
    ) -> set[int]:
        origin = reach.origin.value if reach.origin else "id"
        found = _known(map(attrgetter(origin), rows))
        for step in reach.steps:
            parameters = {
                "organization": organization,
                "resource": step.resource,
                "ids": self._engine.bind_identifiers(sorted(found)),
            }
            statement = self._steps[(step.find, step.take)]
            found = _known(row[0] for row in await transaction.rows(statement, parameters))
        return found


def _known(identifiers: Iterable[int | None]) -> set[int]:
    return {*identifiers} - {None}  # type: ignore[return-value]
