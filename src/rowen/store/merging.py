"""Merging records into an organization's interviews.

Owns which of two records with one id is kept, and that records, ledger and import position change together or
not at all. Must not know where records come from.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, true, update

from rowen.app.ports import Draft, ImportPosition, MergeCounts, Organization
from rowen.interviews.interview import LARGEST_ID, OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engine import Engine, Prepared, Transaction
from rowen.store.ledger import Ledger, next_state
from rowen.store.tables import applications, import_positions, scheduled_interviews

_YEAR: Final = 366 * 86_400_000
_NEVER: Final = -(2**63)  # a record without `updated_at` is older than any with one


class _Plan(NamedTuple):
    """What a merge will write, and its counts."""

    inserts: list[Draft]
    updates: list[Draft]
    counts: MergeCounts


class InterviewMerger:
    """Merges records through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = Ledger(engine)
        stored = scheduled_interviews.c
        ids = engine.listed_identifiers("ids")
        of_organization = stored.organization_id == bindparam("organization")
        self._stored = engine.prepare(
            select(stored.id, stored.updated_at, stored.document).where(
                of_organization, stored.id.in_(select(ids.c.value))
            )
        )
        self._insert = engine.prepare(
            insert(scheduled_interviews).values({column.name: bindparam(column.name) for column in stored})
        )
        replaced = [c.name for c in stored if c.name not in ("organization_id", "id", "created_through_api")]
        self._update = engine.prepare(
            update(scheduled_interviews)
            .where(stored.organization_id == bindparam("organization_id"), stored.id == bindparam("id"))
            .values({name: bindparam(name) for name in replaced})
        )
        self._new_applications = engine.prepare(_new_applications(engine))
        mine = (
            import_positions.c.organization_id == bindparam("organization"),
            import_positions.c.source == bindparam("source"),
        )
        self._position = engine.prepare(select(import_positions.c.next).where(*mine))
        self._forget_position = engine.prepare(delete(import_positions).where(*mine))
        self._keep_position = engine.prepare(
            insert(import_positions).values(
                organization_id=bindparam("organization"), source=bindparam("source"), next=bindparam("next")
            )
        )

    async def merge(
        self,
        organization: Organization,
        drafts: Sequence[Draft],
        *,
        now: Instant,
        created_through_api: bool,
        position: ImportPosition | None = None,
    ) -> MergeCounts:
        """Merge records by id in one transaction: of two with one id the newer wins."""

        async def work(transaction: Transaction) -> MergeCounts:
            ledger = await self._ledger.take(transaction, organization.id)
            plan = await self._plan(transaction, organization.id, drafts, ledger.last_id)
            # Also those of records that are not kept: what arrives first must not decide what is known in the end.
            added = await self._add_applications(transaction, organization.id, drafts)
            if plan.inserts or plan.updates or added:
                fixed = {"organization_id": organization.id, "created_through_api": created_through_api}
                await self._write(transaction, self._insert, plan.inserts, fixed)
                await self._write(transaction, self._update, plan.updates, fixed)
                written = (*plan.inserts, *plan.updates)
                # A time years ahead is a mistake of a record's, and no reason to stamp all that follows with it.
                times = [time for draft in written if (time := _rank(draft)[0]) < now + _YEAR]
                newest = max(times, default=_NEVER)
                state = next_state(ledger, now)
                await self._ledger.advance(
                    transaction,
                    organization.id,
                    state._replace(
                        # What is stamped later must be later than what was imported, too.
                        last_updated_at=Instant(max(state.last_updated_at, newest)),
                        last_id=max([ledger.last_id, *(draft.id for draft in written)]),
                        interview_count=ledger.interview_count + len(plan.inserts),
                    ),
                )
            if position is not None:
                await self._move(transaction, organization.id, position)
            return plan.counts

        return await self._engine.write(work)

    async def preview(self, organization: Organization, drafts: Sequence[Draft]) -> MergeCounts:
        """Count what `merge` would do, and do nothing."""
        plan = await self._engine.read(partial(self._plan_of, organization.id, drafts))
        return plan.counts

    async def _plan_of(self, organization: OrganizationId, drafts: Sequence[Draft], transaction: Transaction) -> _Plan:
        return await self._plan(transaction, organization, drafts, LARGEST_ID)

    async def _plan(
        self, transaction: Transaction, organization: OrganizationId, drafts: Sequence[Draft], last_id: int
    ) -> _Plan:
        """Compare records with each other and with what is stored; no id behind `last_id` is."""
        counts = MergeCounts()
        newest: dict[int, Draft] = {}
        for draft in drafts:
            rival = newest.setdefault(draft.id, draft)
            if rival is not draft:
                if rival.document == draft.document:
                    counts.unchanged += 1
                    continue
                counts.older += 1
                if _rank(draft) > _rank(rival):
                    newest[draft.id] = draft
        ids = self._engine.bind_identifiers([identifier for identifier in newest if identifier <= last_id])
        stored = {
            row[0]: (_NEVER if row[1] is None else row[1], row[2])
            for row in await transaction.rows(self._stored, {"organization": organization, "ids": ids})
        }
        inserts: list[Draft] = []
        updates: list[Draft] = []
        for identifier, draft in newest.items():
            rival_rank = stored.get(identifier)
            if rival_rank is None:
                inserts.append(draft)
            elif rival_rank[1] == draft.document:
                counts.unchanged += 1
            elif rival_rank > _rank(draft):
                counts.older += 1
            else:
                updates.append(draft)
        counts.new, counts.changed = len(inserts), len(updates)
        return _Plan(inserts, updates, counts)

    async def _write(
        self, transaction: Transaction, statement: Prepared, drafts: list[Draft], fixed: Mapping[str, Any]
    ) -> None:
        if drafts:
            drafts.sort(key=_identifier)  # neighbors in the tree, written together
            await transaction.run_many(statement, _rows(drafts, statement.parameters, fixed))

    async def _add_applications(
        self, transaction: Transaction, organization: OrganizationId, drafts: Iterable[Draft]
    ) -> int:
        """Store the applications that are new, and return how many."""
        identifiers = sorted({draft.application_id for draft in drafts})
        return await transaction.run(
            self._new_applications,
            {"organization": organization, "ids": self._engine.bind_identifiers(identifiers)},
        )

    async def _move(self, transaction: Transaction, organization: OrganizationId, position: ImportPosition) -> None:
        parameters = {"organization": organization, "source": position.source, "next": position.next}
        await transaction.run(self._forget_position, parameters)
        if position.next is not None:
            await transaction.run(self._keep_position, parameters)

    async def position(self, organization: OrganizationId, source: str) -> str | None:
        """Return where an unfinished import of that source goes on."""
        row = await self._engine.row(self._position, {"organization": organization, "source": source})
        return None if row is None else row[0]


def _new_applications(engine: Engine) -> Any:
    ids = engine.listed_identifiers("ids")
    known = select(applications.c.id).where(
        applications.c.organization_id == bindparam("organization"), applications.c.id == ids.c.value
    )
    return insert(applications).from_select(
        ["organization_id", "id", "active"],
        select(bindparam("organization"), ids.c.value, true()).where(~known.exists()),
    )


def _rows(drafts: Sequence[Draft], columns: Sequence[str], fixed: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the values of `columns` for each draft; those that no draft has are `fixed`."""
    shared = tuple(fixed.values())
    places = [
        len(Draft._fields) + list(fixed).index(name) if name in fixed else Draft._fields.index(name) for name in columns
    ]
    pick = itemgetter(*places)
    return [pick(draft + shared) for draft in drafts]


def _identifier(draft: Draft) -> int:
    return draft.id


def _rank(draft: Draft) -> tuple[int, bytes]:
    """Order the records of one id: the newer is greater; of two as new as each other, the greater document.

    The second rule has no meaning but its constancy: whatever the order of arrival, the same record stays.
    """
    updated_at = draft.updated_at
    return (_NEVER if updated_at is None else updated_at, draft.document)
