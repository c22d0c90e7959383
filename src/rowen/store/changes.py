"""The log of changes: a row for each commit that clients can see.

Owns the form of a change's summary and its place in the log. Must not know who follows it, or what a document
says.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import bindparam, insert

from rowen.interviews.changes import Actor, ActorKind, FieldChange, Kind
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.engine import Engine, Transaction
from rowen.store.tables import changes

BY_IMPORT: Final = Actor(ActorKind.IMPORT)
"""Who changes what an import changes."""

_encoder: Final = msgspec.json.Encoder(enc_hook=str)


class Summary(msgspec.Struct, frozen=True, gc=False):
    """What is told of a change besides the document after it, its fields in the order in which they are served.

    `resource` is what was changed, in the words of a URL (`scheduled_interviews`). `counts` says how many records an
    import changed; it is null for all others.
    """

    revision: int
    time: Instant
    kind: Kind
    actor: Actor
    scheduled_interview_id: int | None
    resource: str = "scheduled_interviews"
    counts: "Counts | None" = None
    fields: Sequence[FieldChange] = ()


class Counts(msgspec.Struct, frozen=True, gc=False):
    """How many records an import added and replaced."""

    new: int
    changed: int


class Entry(NamedTuple):
    """One row of the log: its summary, and the document after it, or before it was cancelled."""

    summary: Summary
    document: bytes | None = None


class ChangeLog:
    """Appends to the log within a transaction."""

    def __init__(self, engine: Engine) -> None:
        self._insert = engine.prepare(insert(changes).values({c.name: bindparam(c.name) for c in changes.c}))

    async def append(self, transaction: Transaction, organization: OrganizationId, entry: Entry) -> None:
        """Append one change. Its revision is the ledger's that is about to be committed."""
        await self.append_all(transaction, organization, (entry,))

    async def append_all(
        self, transaction: Transaction, organization: OrganizationId, entries: Iterable[Entry]
    ) -> None:
        """Append changes, each of a revision of its own."""
        rows = [self._insert.bind(_row(organization, entry)) for entry in entries]
        await transaction.run_many(self._insert, rows)


def imported(revision: int, time: Instant, resource: str, counts: Counts) -> Entry:
    """Return the one row of a batch that was imported."""
    return Entry(Summary(revision, time, Kind.IMPORTED, BY_IMPORT, None, resource, counts))


def _row(organization: OrganizationId, entry: Entry) -> dict[str, Any]:
    summary = entry.summary
    return {
        "organization_id": organization,
        "revision": summary.revision,
        "time": int(summary.time),
        "kind": summary.kind.value,
        "interview_id": summary.scheduled_interview_id,
        "summary": _encoder.encode(summary),
        "document": entry.document,
    }
