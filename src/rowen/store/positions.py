"""How far unfinished imports from servers have come.

Owns their rows. Must not know what is imported: a position is moved in the transaction that keeps the records.
"""

from sqlalchemy import bindparam, delete, insert, select

from rowen.app.ports import ImportPosition
from rowen.interviews.interview import OrganizationId
from rowen.store.engine import Engine, Transaction
from rowen.store.tables import import_positions


class ImportPositions:
    """The positions of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        mine = (
            import_positions.c.organization_id == bindparam("organization"),
            import_positions.c.source == bindparam("source"),
        )
        self._get = engine.prepare(select(import_positions.c.next).where(*mine))
        self._forget = engine.prepare(delete(import_positions).where(*mine))
        self._keep = engine.prepare(
            insert(import_positions).values(
                organization_id=bindparam("organization"), source=bindparam("source"), next=bindparam("next")
            )
        )

    async def move(self, transaction: Transaction, organization: OrganizationId, position: ImportPosition) -> None:
        """Keep a position in place of the one before it; forget it at the end."""
        parameters = {"organization": organization, "source": position.source, "next": position.next}
        await transaction.run(self._forget, parameters)
        if position.next is not None:
            await transaction.run(self._keep, parameters)

    async def get(self, organization: OrganizationId, source: str) -> str | None:
        """Return where an unfinished import of that source goes on."""
        row = await self._engine.row(self._get, {"organization": organization, "source": source})
        return None if row is None else row[0]
