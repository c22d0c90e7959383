"""The log of changes: a row for each commit that clients can see.

Owns a change's place in the log. Must not know who follows it, or the form of a change: `Codec` writes it.
"""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, insert

from rowen.app.interviews import Codec
from rowen.interviews.changes import Actor, ActorKind, ChangeSummary, Counts, Kind
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engines.base import Engine, Transaction
from rowen.store.schema.tables import changes

BY_IMPORT: Final = Actor(ActorKind.IMPORT)
"""The actor of an import's changes."""


class LoggedChange(NamedTuple):
    """One row of the log: its summary, and the document after it, or before it was cancelled."""

    summary: ChangeSummary
    document: bytes | None = None


class ChangeLog:
    """Appends to the log within a transaction."""

    def __init__(self, engine: Engine, codec: Codec) -> None:
        self._codec = codec
        self._insert = engine.prepare(insert(changes).values({c.name: bindparam(c.name) for c in changes.c}))

    async def append(self, transaction: Transaction, organization: OrganizationId, change: LoggedChange) -> None:
        """Append one change. Its revision is that of the ledger to be committed."""
        summary, document = change
        row = {
            "organization_id": organization,
            "revision": summary.revision,
            "time": int(summary.time),
            "kind": summary.kind.value,
            "interview_id": summary.scheduled_interview_id,
            "summary": self._codec.summary(summary),
            "document": document,
        }
        await transaction.run(self._insert, row)


def imported(revision: int, time: Instant, resource: str, counts: Counts) -> LoggedChange:
    """Return the row for an imported batch."""
    return LoggedChange(ChangeSummary(revision, time, Kind.IMPORTED, BY_IMPORT, None, resource, counts))
