"""The progress of unfinished imports from servers.

Owns their rows. Must not know what is imported: a checkpoint is stored in the transaction of its records.
"""

from sqlalchemy import bindparam, delete, insert, select

from rowen.app.imports import ImportCheckpoint
from rowen.interviews.interview import OrganizationId
from rowen.store.engines.base import Engine, Transaction
from rowen.store.schema.tables import import_positions


class ImportCheckpoints:
    """The checkpoints of one database."""

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

    async def move(self, transaction: Transaction, organization: OrganizationId, checkpoint: ImportCheckpoint) -> None:
        """Store a checkpoint in place of the previous one, or delete it at the end."""
        parameters = {"organization": organization, "source": checkpoint.source, "next": checkpoint.next}
        await transaction.run(self._forget, parameters)
        if checkpoint.next is not None:
            await transaction.run(self._keep, parameters)

    async def get(self, organization: OrganizationId, source: str) -> str | None:
        """Return the address at which an unfinished import of that source continues."""
        row = await self._engine.row(self._get, {"organization": organization, "source": source})
        return None if row is None else row[0]
