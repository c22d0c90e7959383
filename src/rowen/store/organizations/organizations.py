"""The organizations of a database.

Owns their rows. Must not know what an organization schedules, except that its grace period decides when interviews are
due.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, func, insert, literal_column, or_, select, update

from rowen.app.organizations import DoubleBooking, Organization, OrganizationChange
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Row, Transaction, Unindexed
from rowen.store.ledger.ledger import COLUMNS, Ledger, next_state, organization_of
from rowen.store.schema.tables import organizations, scheduled_interviews

_SHORTEST_DAY: Final = 20 * 3_600_000
"""No all-day interview of a day or more is shorter than this, in milliseconds, wherever clocks are set forward."""

_ALL_DAY: Final = b'"start":{"date":'


class OrganizationTable:
    """Reads and makes organizations through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = Ledger(engine)
        self._find = engine.prepare(select(*COLUMNS).where(organizations.c.name == bindparam("name")))
        self._all = engine.prepare(select(*COLUMNS).order_by(organizations.c.name))
        self._last_id = engine.prepare(select(func.coalesce(func.max(organizations.c.id), literal_column("0"))))
        self._change = engine.prepare(
            update(organizations)
            .where(organizations.c.id == bindparam("organization"))
            .values(
                double_booking=bindparam("policy"),
                grace=bindparam("milliseconds"),
                require_busy_source=bindparam("required"),
            )
        )
        interviews = scheduled_interviews.c
        self._put_off = engine.prepare(
            update(scheduled_interviews)
            # So that SQLite uses the index of due interviews instead of reading the whole organization.
            .where(
                Unindexed(interviews.organization_id) == bindparam("organization"),
                interviews.due_at.is_not(None),
            )
            .values(due_at=interviews.ends_at + bindparam("milliseconds"))
        )
        of_organization = interviews.organization_id == bindparam("organization")
        lasting = interviews.ends_at - interviews.starts_at
        self._maybe_all_day = engine.prepare(
            select(interviews.document).where(
                of_organization,
                or_(lasting >= literal_column(str(_SHORTEST_DAY)), lasting == literal_column("0")),
            )
        )
        self._configure = engine.prepare(
            update(organizations)
            .where(organizations.c.id == bindparam("organization"))
            .values(
                name=bindparam("new_name"),
                time_zone=bindparam("zone"),
                double_booking=bindparam("policy"),
                grace=bindparam("milliseconds"),
            )
        )
        self._insert = engine.prepare(
            insert(organizations).values({column.name: bindparam(column.name) for column in organizations.c})
        )

    async def create(self, name: str, time_zone: str, now: Instant) -> Organization:
        """Store a new organization. Raises Refusal (conflict) if the name is taken."""

        async def work(transaction: Transaction) -> Organization:
            if await transaction.row(self._find, {"name": name}) is not None:
                raise Refusal(Code.CONFLICT, f"there is an organization {name!r} already")
            row = await transaction.row(self._last_id, {})
            identifier = OrganizationId(row[0] + 1 if row else 1)
            values = {
                "id": identifier,
                "name": name,
                "time_zone": time_zone,
                "created_at": int(now),
                "revision": 0,
                "last_updated_at": int(now),
                "last_id": 0,
                "last_interviewer_id": 0,
                "interview_count": 0,
                "double_booking": DoubleBooking.ALLOW.value,
                "grace": 0,
                "mirrored_from": None,
                "room_count": 0,
                "require_busy_source": False,
            }
            await transaction.run(self._insert, values)
            return Organization(identifier, name, time_zone, now, 0, now, 0, DoubleBooking.ALLOW, 0)

        return await self._engine.write(work)

    async def change(
        self,
        name: str,
        double_booking: DoubleBooking | None = None,
        grace: int | None = None,
        require_busy_source: bool | None = None,
    ) -> Organization:
        """Change the given settings of an organization. Raises Refusal (not found)."""

        async def work(transaction: Transaction) -> Organization:
            # Locked by its id: if organizations are distributed over machines, only the id leads to one.
            found = await transaction.row(self._find, {"name": name})
            if found is None:
                raise Refusal(Code.NOT_FOUND, f"there is no organization {name!r}")
            before, ledger = await self._ledger.take_with_settings(transaction, organization_of(found).id)
            required = before.require_busy_source if require_busy_source is None else require_busy_source
            after = before._replace(
                double_booking=double_booking or before.double_booking,
                grace=before.grace if grace is None else grace,
                require_busy_source=required,
            )
            settings = {"organization": after.id, "policy": after.double_booking.value, "milliseconds": after.grace}
            await transaction.run(self._change, {**settings, "required": required})
            if required != before.require_busy_source:  # so that no slots that were found before are taken for new
                await self._ledger.advance(transaction, after.id, next_state(ledger, ledger.last_updated_at))
            if after.grace != before.grace:
                await transaction.run(self._put_off, settings)
            return after

        return await self._engine.write(work)

    async def configure(self, organization: OrganizationId, change: OrganizationChange) -> None:
        """Change all settings of an organization. Raises Refusal: conflict; invalid."""

        async def work(transaction: Transaction) -> None:
            before, _ = await self._ledger.take_with_settings(transaction, organization)
            if change.name != before.name and await transaction.row(self._find, {"name": change.name}) is not None:
                raise Refusal(Code.CONFLICT, f"there is an organization {change.name!r} already")
            if change.time_zone != before.time_zone and await self._has_all_day(transaction, organization):
                problem = FieldProblem("time_zone", "Must stay as it is: all-day interviews begin at its midnight")
                raise Refusal(Code.INVALID, problems=(problem,))
            settings = {
                "organization": organization,
                "new_name": change.name,
                "zone": change.time_zone,
                "policy": change.double_booking.value,
                "milliseconds": change.grace,
            }
            await transaction.run(self._configure, settings)
            if change.grace != before.grace:
                await transaction.run(self._put_off, settings)

        await self._engine.write(work)

    async def _has_all_day(self, transaction: Transaction, organization: OrganizationId) -> bool:
        """Return whether an interview is all-day: its document has dates, and it lasts whole days."""
        rows = await transaction.rows(self._maybe_all_day, {"organization": organization})
        return any(_ALL_DAY in bytes(row[0]) for row in rows)

    async def find(self, name: str) -> Organization | None:
        """Return the organization with that name."""
        row = await self._engine.row(self._find, {"name": name})
        return None if row is None else organization_of(row)

    async def all(self) -> list[Organization]:
        """Return every organization, ordered by name."""
        rows: Sequence[Row] = await self._engine.rows(self._all, {})
        return [organization_of(row) for row in rows]
