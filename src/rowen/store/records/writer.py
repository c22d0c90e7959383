"""Writing records, other than interviews.

Owns that a record and its terms are written together. Must not know the content of a document.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import bindparam, delete, literal_column, select

from rowen.app.records import RecordRow
from rowen.interviews.interview import OrganizationId
from rowen.store.engines.base import Engine, Row, Transaction
from rowen.store.schema.tables import records, terms

_COLUMNS: Final = ("resource", "id", "created_at", "updated_at", "status", "derived", "document")


class RecordWriter:
    """Reads and writes records within a transaction."""

    def __init__(self, engine: Engine) -> None:
        kept = tuple(records.c[name] for name in _COLUMNS)
        of = (records.c.organization_id == bindparam("organization"), records.c.resource == bindparam("resource"))
        one = (*of, records.c.id == bindparam("id"))
        self._get = engine.prepare(select(*kept).where(*one))
        self._list = engine.prepare(select(*kept).where(*of, engine.id_in(records.c.id, "ids")))
        self._bind = engine.bind_identifiers
        found = select(terms.c.id).where(
            terms.c.organization_id == bindparam("organization"),
            terms.c.resource == bindparam("resource"),
            terms.c.name == bindparam("name"),
            terms.c.value == bindparam("value"),
        )
        self._by_term = engine.prepare(select(*kept).where(*of, records.c.id.in_(found)).order_by(records.c.id))
        self._named = engine.prepare(found.limit(literal_column("1")))
        self._last = engine.prepare(
            select(records.c.id).where(*of).order_by(records.c.id.desc()).limit(literal_column("1"))
        )
        self._remove = engine.prepare(delete(records).where(*one))
        self._remove_terms = engine.prepare(
            delete(terms).where(
                terms.c.organization_id == bindparam("organization"),
                terms.c.resource == bindparam("resource"),
                terms.c.id == bindparam("id"),
            )
        )
        names = ("organization_id", *_COLUMNS)
        self._insert = engine.prepare_insert(records, names)
        self._insert_term = engine.prepare_insert(terms)

    async def put(self, transaction: Transaction, organization: OrganizationId, record: RecordRow) -> None:
        """Write a record and its terms, replacing those with its id."""
        await self.put_all(transaction, organization, (record,))

    async def put_all(
        self, transaction: Transaction, organization: OrganizationId, drafts: Sequence[RecordRow]
    ) -> None:
        """Write records with different ids, each with its terms, replacing those with their ids."""
        await self.remove_all(transaction, organization, ((each.resource, each.id) for each in drafts))
        rows = [{"organization_id": organization, **each._asdict()} for each in drafts]
        await transaction.insert(self._insert, [self._insert.bind(row) for row in rows])
        await self.put_terms(transaction, organization, drafts)

    async def put_terms(
        self, transaction: Transaction, organization: OrganizationId, drafts: Iterable[RecordRow]
    ) -> None:
        """Write the terms of records that have none yet."""
        found = [
            self._insert_term.bind(
                {
                    "organization_id": organization,
                    "resource": each.resource,
                    "name": name,
                    "value": value,
                    "id": each.id,
                }
            )
            for each in drafts
            for name, value in dict.fromkeys(each.terms)
        ]
        if found:
            await transaction.insert(self._insert_term, found)

    async def remove(
        self, transaction: Transaction, organization: OrganizationId, resource: str, identifier: int
    ) -> None:
        """Delete a record, if it exists, and its terms."""
        await self.remove_all(transaction, organization, ((resource, identifier),))

    async def remove_all(
        self, transaction: Transaction, organization: OrganizationId, identities: Iterable[tuple[str, int]]
    ) -> None:
        """Delete records, named by resource and id, and their terms."""
        names = [
            {"organization": organization, "resource": resource, "id": identifier}
            for resource, identifier in identities
        ]
        for statement in (self._remove, self._remove_terms):
            await transaction.run_many(statement, [statement.bind(name) for name in names])

    async def get(
        self, transaction: Transaction, organization: OrganizationId, resource: str, identifier: int
    ) -> RecordRow | None:
        """Return a record; its terms are left out."""
        row = await transaction.row(self._get, {"organization": organization, "resource": resource, "id": identifier})
        return None if row is None else _draft(row)

    async def last_id(self, transaction: Transaction, organization: OrganizationId, resource: str) -> int | None:
        """Return the highest id of a resource's records; None if there are none."""
        row = await transaction.row(self._last, {"organization": organization, "resource": resource})
        return None if row is None else row[0]

    async def get_all(
        self, transaction: Transaction, organization: OrganizationId, resource: str, identifiers: Sequence[int]
    ) -> dict[int, RecordRow]:
        """Return the existing records among the ids, by id; their terms are left out."""
        parameters = {"organization": organization, "resource": resource, "ids": self._bind(identifiers)}
        return {row[1]: _draft(row) for row in await transaction.rows(self._list, parameters)}

    async def by_term(
        self, transaction: Transaction, organization: OrganizationId, resource: str, name: str, value: str
    ) -> list[RecordRow]:
        """Return the records with a term, ordered by id; their terms are left out."""
        parameters = {"organization": organization, "resource": resource, "name": name, "value": value}
        return [_draft(row) for row in await transaction.rows(self._by_term, parameters)]

    async def is_named(
        self, transaction: Transaction, organization: OrganizationId, resource: str, name: str, value: str
    ) -> bool:
        """Return whether any record has a term, whatever their number."""
        parameters = {"organization": organization, "resource": resource, "name": name, "value": value}
        return await transaction.row(self._named, parameters) is not None


def _draft(row: Row) -> RecordRow:
    resource, identifier, created_at, updated_at, status, derived, document = row
    return RecordRow(resource, identifier, created_at, updated_at, status, bool(derived), document)
