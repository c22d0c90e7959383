"""The ledger: one row an organization, taken first by every write and raised by every commit.

Owns the order of commits: `revision` grows by one, `last_updated_at` strictly, ids are never drawn twice. Must
not know what is written. From it come gap-free syncs, the ETags of lists and caches that are safe because they
name a revision.
"""

from typing import NamedTuple

from sqlalchemy import bindparam, select, update

from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engine import Engine, Transaction
from rowen.store.tables import organizations


class LedgerState(NamedTuple):
    """Where an organization's ledger stands."""

    revision: int
    last_updated_at: Instant
    last_id: int
    interview_count: int


class Ledger:
    """Takes and advances the ledger of an organization within a write transaction."""

    def __init__(self, engine: Engine) -> None:
        columns = organizations.c
        self._take = engine.prepare(
            select(columns.revision, columns.last_updated_at, columns.last_id, columns.interview_count)
            .where(columns.id == bindparam("organization"))
            .with_for_update()
        )
        self._advance = engine.prepare(
            update(organizations)
            .where(columns.id == bindparam("organization"))
            .values(
                revision=bindparam("new_revision"),
                last_updated_at=bindparam("new_last_updated_at"),
                last_id=bindparam("new_last_id"),
                interview_count=bindparam("new_interview_count"),
            )
        )

    async def take(self, transaction: Transaction, organization: OrganizationId) -> LedgerState:
        """Lock the organization's ledger until the transaction ends, and read it."""
        row = await transaction.row(self._take, {"organization": organization})
        if row is None:
            raise LookupError(f"organization {organization} has no ledger")
        return LedgerState(row[0], Instant(row[1]), row[2], row[3])

    async def advance(self, transaction: Transaction, organization: OrganizationId, state: LedgerState) -> None:
        """Write the ledger as it stands after this transaction."""
        await transaction.run(
            self._advance,
            {
                "organization": organization,
                "new_revision": state.revision,
                "new_last_updated_at": int(state.last_updated_at),
                "new_last_id": state.last_id,
                "new_interview_count": state.interview_count,
            },
        )


def next_state(state: LedgerState, now: Instant) -> LedgerState:
    """Return the state of the next commit: one revision on, and later than every commit before it."""
    stamp = max(now, state.last_updated_at + 1)
    return state._replace(revision=state.revision + 1, last_updated_at=Instant(stamp))
