"""Marking the records that follow from rows of a mirrored account.

Owns the statements that go from rows to marks, within the transaction that writes the rows. Must not know the content
of a row, or what becomes of a mark.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from sqlalchemy import bindparam, delete, select

from rowen.app.mirror import REACHES, MirroredRow, Reach, RowLink
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Transaction
from rowen.store.schema.mirror_tables import mirror_pending, mirror_rows

OF = (mirror_rows.c.organization_id == bindparam("organization"), mirror_rows.c.resource == bindparam("resource"))


class Marker:
    """Marks records through one engine."""

    def __init__(self, engine: Engine) -> None:
        rows, marks = mirror_rows.c, mirror_pending.c
        self._bind = engine.bind_identifiers
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
        marked = await transaction.rows(self._marked, {**target, "ids": self._bind(identifiers)})
        await transaction.run_many(self._remove, [self._remove.bind({**target, "id": row[0]}) for row in marked])
        await transaction.insert(self._insert, [(organization, name, each, int(now)) for each in identifiers])

    async def _reached(
        self, transaction: Transaction, organization: OrganizationId, rows: Sequence[MirroredRow], reach: Reach
    ) -> set[int]:
        origin = reach.origin.value if reach.origin else "id"
        found = _known(map(attrgetter(origin), rows))
        for step in reach.steps:
            parameters = {"organization": organization, "resource": step.resource, "ids": self._bind(sorted(found))}
            statement = self._steps[(step.find, step.take)]
            found = _known(row[0] for row in await transaction.rows(statement, parameters))
        return found


def _known(identifiers: Iterable[int | None]) -> set[int]:
    return {*identifiers} - {None}  # type: ignore[return-value]
