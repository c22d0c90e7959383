"""Reading records within one transaction, each at most once.

Owns what was read so far, until something is written. Must not know what the records are for.
"""

from collections.abc import Sequence
from typing import Final

from rowen.app.records import RecordRow
from rowen.interviews.interview import OrganizationId
from rowen.store.engines.base import Transaction
from rowen.store.records.writer import RecordWriter

_FEW: Final = 100  # more than that are not kept: nobody reads them again one by one


class ReadRecords:
    """The records of an organization in a transaction: a booking would read some of them three times."""

    def __init__(self, records: RecordWriter, transaction: Transaction, organization: OrganizationId) -> None:
        self._records = records
        self._transaction = transaction
        self._organization = organization
        self._known: dict[tuple[str, int], RecordRow | None] = {}
        self._by_term: dict[tuple[str, str, str], Sequence[RecordRow]] = {}

    async def get(self, resource: str, identifier: int) -> RecordRow | None:
        """Return a record; its terms are left out."""
        name = resource, identifier
        if name not in self._known:
            self._known[name] = await self._records.get(self._transaction, self._organization, *name)
        return self._known[name]

    async def get_all(self, resource: str, identifiers: Sequence[int]) -> dict[int, RecordRow]:
        """Return the existing records among the ids, by id; their terms are left out."""
        found = await self._records.get_all(self._transaction, self._organization, resource, identifiers)
        if len(identifiers) <= _FEW:
            self._known.update(((resource, each), found.get(each)) for each in identifiers)
        return found

    async def by_term(self, resource: str, name: str, value: str) -> Sequence[RecordRow]:
        """Return the records with a term, ordered by id; their terms are left out."""
        term = resource, name, value
        if term not in self._by_term:
            self._by_term[term] = await self._records.by_term(self._transaction, self._organization, *term)
        return self._by_term[term]

    def forget(self) -> None:
        """Read everything again from now on, as something is written."""
        self._known.clear()
        self._by_term.clear()
