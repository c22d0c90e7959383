"""The people of a database: users with a role.

Owns their rows within a transaction that has taken the ledger. Must not know links or sessions.
"""

from sqlalchemy import bindparam, func, insert, literal_column, select, update

from rowen.app.roles import Role
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Row, Transaction
from rowen.store.schema.credential_tables import people


class PersonTable:
    """Keeps people through one engine."""

    def __init__(self, engine: Engine) -> None:
        own = people.c
        of_organization = own.organization_id == bindparam("organization")
        of_user = (of_organization, own.user_id == bindparam("user"))
        self._find = engine.prepare(select(own.id, own.revoked_at).where(*of_user))
        self._last_id = engine.prepare(
            select(func.coalesce(func.max(own.id), literal_column("0"))).where(of_organization)
        )
        self._insert = engine.prepare(insert(people).values({each.name: bindparam(each.name) for each in own}))
        self._give = engine.prepare(
            update(people).where(*of_user).values(role=bindparam("new_role"), revoked_at=literal_column("NULL"))
        )

    async def id_of(self, transaction: Transaction, organization: OrganizationId, user: int) -> int | None:
        """Return the person's id of a user who has or had a role."""
        row = await self._row(transaction, organization, user)
        return None if row is None else int(row[0])

    async def is_revoked(self, transaction: Transaction, organization: OrganizationId, user: int) -> bool:
        """Return whether a user had a role that was taken."""
        row = await self._row(transaction, organization, user)
        return row is not None and row[1] is not None

    async def last_id(self, transaction: Transaction, organization: OrganizationId) -> int:
        """Return the highest id of a person, 0 if there are none."""
        row = await transaction.row(self._last_id, {"organization": organization})
        return int(row[0]) if row else 0

    async def give_role(
        self, transaction: Transaction, organization: OrganizationId, user: int, role: Role, now: Instant
    ) -> int:
        """Give a user a role; return the id of the person."""
        known = await self.id_of(transaction, organization, user)
        if known is not None:
            await transaction.run(self._give, {"organization": organization, "user": user, "new_role": role.value})
            return known
        identifier = await self.last_id(transaction, organization) + 1
        values = {
            "organization_id": organization,
            "id": identifier,
            "user_id": user,
            "role": role.value,
            "created_at": int(now),
            "revoked_at": None,
        }
        await transaction.run(self._insert, values)
        return identifier

    async def _row(self, transaction: Transaction, organization: OrganizationId, user: int) -> Row | None:
        return await transaction.row(self._find, {"organization": organization, "user": user})
