"""The ledger: one row per organization, locked first by every write and raised by every commit.

Owns the order of commits: `revision` grows by one, `last_updated_at` strictly, ids are never assigned twice. Must not
know what is written. Syncs without gaps, the ETags of lists, and caches that cannot be stale all rest on it.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select, update

from rowen.app.organizations import DoubleBooking, Organization
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Row, Transaction
from rowen.store.schema.tables import organizations

LEDGER: Final = (organizations.c.revision, organizations.c.last_updated_at, organizations.c.interview_count)
"""The columns that every reading statement selects first, so that its result names its revision."""

COLUMNS: Final = (
    organizations.c.id,
    organizations.c.name,
    organizations.c.time_zone,
    organizations.c.created_at,
    *LEDGER,
    organizations.c.double_booking,
    organizations.c.grace,
    organizations.c.mirrored_from,
    organizations.c.room_count,
    organizations.c.require_busy_source,
)
"""The columns of an `Organization`, in the order of its fields."""


class LedgerState(NamedTuple):
    """The state of an organization's ledger."""

    revision: int
    last_updated_at: Instant
    last_id: int
    interview_count: int
    last_interviewer_id: int


class Ledger:
    """Takes and advances the ledger of an organization within a write transaction."""

    def __init__(self, engine: Engine) -> None:
        columns = organizations.c
        self._take = engine.prepare(
            select(*COLUMNS, columns.last_id, columns.last_interviewer_id)
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
                last_interviewer_id=bindparam("new_last_interviewer_id"),
            )
        )

    async def take_with_settings(
        self, transaction: Transaction, organization: OrganizationId
    ) -> tuple[Organization, LedgerState]:
        """Lock the organization's ledger until the transaction ends, and read it with the organization's settings."""
        row = await transaction.row(self._take, {"organization": organization})
        if row is None:
            raise LookupError(f"organization {organization} has no ledger")
        *columns, last_id, last_interviewer_id = row
        found = organization_of(columns)
        state = LedgerState(found.revision, found.last_updated_at, last_id, found.interview_count, last_interviewer_id)
        return found, state

    async def take(self, transaction: Transaction, organization: OrganizationId) -> LedgerState:
        """Lock the organization's ledger until the transaction ends, and read it."""
        return (await self.take_with_settings(transaction, organization))[1]

    async def advance(self, transaction: Transaction, organization: OrganizationId, state: LedgerState) -> None:
        """Write the ledger's state after this transaction."""
        await transaction.run(
            self._advance,
            {
                "organization": organization,
                "new_revision": state.revision,
                "new_last_updated_at": int(state.last_updated_at),
                "new_last_id": state.last_id,
                "new_interview_count": state.interview_count,
                "new_last_interviewer_id": state.last_interviewer_id,
            },
        )


def next_state(state: LedgerState, now: Instant) -> LedgerState:
    """Return the state of the next commit: the next revision, and a time later than that of every commit before it."""
    timestamp = max(now, state.last_updated_at + 1)
    return state._replace(revision=state.revision + 1, last_updated_at=Instant(timestamp))


def organization_of(row: Row) -> Organization:
    """Return an organization from the values of `COLUMNS`."""
    identifier, name, time_zone, created_at, revision, last_updated_at, count, *settings = row
    double_booking, grace, mirrored_from, room_count, require_busy_source = settings
    return Organization(
        OrganizationId(identifier),
        name,
        time_zone,
        Instant(created_at),
        revision,
        Instant(last_updated_at),
        count,
        DoubleBooking(double_booking),
        grace,
        mirrored_from,
        room_count,
        bool(require_busy_source),
    )


def as_of(organization: Organization, row: Row | None) -> tuple[Organization, Sequence[Any]]:
    """Return the organization as of a row that begins with `LEDGER`, and the rest of the row.

    Raises LookupError if there is no row.
    """
    if row is None:
        raise LookupError("the organization is gone")
    revision, last_updated_at, count, *rest = row
    if (revision, last_updated_at) != organization.version:
        organization = organization._replace(
            revision=revision, last_updated_at=Instant(last_updated_at), interview_count=count
        )
    return organization, rest
