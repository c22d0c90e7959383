"""Imported users who have no id: the same e-mail address means the same person.

Owns who they are, and that those who are new get ids. Must not know the content of a document.
"""

from collections.abc import Mapping, Sequence

from rowen.app.records import USERS, RecordCodec, RecordRow
from rowen.interviews.interview import OrganizationId
from rowen.store.engines.base import Transaction
from rowen.store.ledger.ledger import LedgerState
from rowen.store.records.allocation import allocate
from rowen.store.records.writer import RecordWriter


class UserIdentification:
    """Finds users by the addresses that negative ids stand for, within a transaction."""

    def __init__(self, writer: RecordWriter, codec: RecordCodec) -> None:
        self._writer = writer
        self._codec = codec

    async def identify(
        self, transaction: Transaction, organization: OrganizationId, drafts: Sequence[RecordRow], state: LedgerState
    ) -> tuple[Sequence[RecordRow], LedgerState]:
        """Return the records with ids, and the ledger after those that were assigned."""
        nameless, known = await self._known(transaction, organization, drafts)
        new = [number for number in nameless if number not in known]
        ids = {number: stored.id for number, stored in known.items()}
        if new:
            made, state = await allocate(self._writer, transaction, (organization, USERS), state, len(new))
            ids |= dict(zip(new, made, strict=True))
        return self._identified(drafts, ids, known), state

    async def recognize(
        self, transaction: Transaction, organization: OrganizationId, drafts: Sequence[RecordRow]
    ) -> Sequence[RecordRow]:
        """Return the records, of which known users have their ids, and the others none yet."""
        _, known = await self._known(transaction, organization, drafts)
        return self._identified(drafts, {number: stored.id for number, stored in known.items()}, known)

    async def _known(
        self, transaction: Transaction, organization: OrganizationId, drafts: Sequence[RecordRow]
    ) -> tuple[list[int], dict[int, RecordRow]]:
        """Return the numbers that stand for addresses, and the stored users who have one, by these."""
        nameless = {each.id: each for each in drafts if _is_nameless(each)}
        known = {}
        for number, draft in nameless.items():
            stored = await self._find(transaction, organization, draft)
            if stored is not None:
                known[number] = stored
        return list(nameless), known

    def _identified(
        self, drafts: Sequence[RecordRow], ids: Mapping[int, int], known: Mapping[int, RecordRow]
    ) -> Sequence[RecordRow]:
        if not ids:
            return drafts
        return [
            self._codec.identified(each, ids[each.id], known.get(each.id))
            if _is_nameless(each) and each.id in ids
            else each
            for each in drafts
        ]

    async def _find(self, transaction: Transaction, organization: OrganizationId, draft: RecordRow) -> RecordRow | None:
        """Return the first user who has the address of a record."""
        email = next(value for name, value in draft.terms if name == "email")
        found = await self._writer.by_term(transaction, organization, USERS, "email", email)
        return found[0] if found else None


def _is_nameless(draft: RecordRow) -> bool:
    return draft.resource == USERS and draft.id < 0
