"""Reading the records around the interviews.

Owns how a page of any resource is found: by the ids that match its query, gathered once for each version of the
organization. Must not know HTTP or what a document says.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from sqlalchemy import Select, bindparam, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from rowen.app.ports import Organization, Page, RecordDraft
from rowen.app.records import RecordCodec, RecordQuery
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.query import PageRequest
from rowen.store.engine import Copy, Engine, Prepared, Reader, Unindexed
from rowen.store.matches import Matches, MatchesCache
from rowen.store.statements import LEDGER
from rowen.store.tables import organizations, records, terms

_columns = records.c
_OF: Final = (
    _columns.organization_id == bindparam("organization"),
    _columns.resource == bindparam("resource"),
)
_DRAFT: Final = (
    _columns.id,
    _columns.created_at,
    _columns.updated_at,
    _columns.status,
    _columns.derived,
    _columns.document,
)
_CRITERIA: Final[Mapping[str, ColumnElement[bool]]] = {
    "created_after": _columns.created_at >= bindparam("created_after"),
    "created_before": _columns.created_at < bindparam("created_before"),
    "updated_after": _columns.updated_at >= bindparam("updated_after"),
    "updated_before": _columns.updated_at < bindparam("updated_before"),
    "status": _columns.status == bindparam("status"),
}
_PAGE_CACHE_BYTES: Final = 16 * 2**20


class RecordReader:
    """Answers questions about records from one engine."""

    def __init__(self, engine: Engine, codec: RecordCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._matches: MatchesCache[RecordQuery] = MatchesCache(_PAGE_CACHE_BYTES)
        self._running: dict[tuple[OrganizationId, RecordQuery], asyncio.Future[Matches]] = {}
        self._gathered: dict[tuple[frozenset[str], int], Prepared] = {}
        self._ledger = engine.prepare(select(*LEDGER).where(organizations.c.id == bindparam("organization")))
        listed = engine.among(_columns.id, "ids")
        self._listed = engine.prepare(select(*_DRAFT).where(*_OF, listed).order_by(_columns.id))
        self._one = engine.prepare(select(*_DRAFT).where(*_OF, _columns.id == bindparam("id")))
        self._named = engine.prepare(
            select(terms.c.id)
            .where(
                terms.c.organization_id == bindparam("organization"),
                terms.c.resource == bindparam("resource"),
                terms.c.name == bindparam("name"),
                terms.c.value == bindparam("value"),
            )
            .limit(literal_column("1"))
        )

    async def page(self, organization: Organization, query: RecordQuery, request: PageRequest) -> Page:
        """Return one page of the records that match, ordered by id."""
        matches = self._matches.get(organization.id, query, organization.version)
        if matches is None:
            matches = await self._find(organization, query)
        page, seen = await self._listed_page(organization, query, matches, request, self._at(organization))
        if seen == matches.version:
            return page
        # A commit came between the two: both again, on one snapshot.
        fresh, page = await self._at(organization).read(partial(self._fresh_page, organization, query, request))
        self._matches.put(organization.id, query, fresh)
        return page

    async def document(self, organization: Organization, query: RecordQuery, identifier: int) -> bytes | None:
        """Return one record as served; None where none of that id matches the query (of which the status counts)."""
        parameters = {"organization": organization.id, "resource": query.resource, "id": identifier}
        row = await self._at(organization).row(self._one, parameters)
        if row is None:
            return None
        record = RecordDraft(query.resource, *row)
        return None if query.status not in (None, record.status) else self._codec.document(record)

    async def is_named(self, organization: Organization, resource: str, name: str, value: str) -> bool:
        """Tell whether any record of a resource is found by a term, such as the `job_id` of a job."""
        parameters = {"organization": organization.id, "resource": resource, "name": name, "value": value}
        return await self._at(organization).row(self._named, parameters) is not None

    async def _find(self, organization: Organization, query: RecordQuery) -> Matches:
        """Return the ids that match: at once where a term narrows them, off the event loop and once for all else."""
        if query.terms:
            return await self._gather(organization, query, self._at(organization))
        key = (organization.id, query)
        running = self._running.get(key)
        if running is None:
            work = self._at(organization).read(partial(self._gather, organization, query))
            running = self._running[key] = asyncio.ensure_future(work)
            running.add_done_callback(lambda _: self._running.pop(key, None))
        matches = await asyncio.shield(running)
        self._matches.put(organization.id, query, matches)
        return matches

    async def _fresh_page(
        self, organization: Organization, query: RecordQuery, request: PageRequest, reader: Reader
    ) -> tuple[Matches, Page]:
        matches = await self._gather(organization, query, reader)
        page, _ = await self._listed_page(organization, query, matches, request, reader)
        return matches, page

    async def _gather(self, organization: Organization, query: RecordQuery, reader: Reader) -> Matches:
        shape = (frozenset(query.criteria), len(query.terms))
        statement = self._gathered.get(shape)
        if statement is None:
            statement = self._gathered[shape] = self._engine.prepare(_gathered(self._engine, *shape))
        parameters = {"organization": organization.id, "resource": query.resource, **query.criteria}
        for number, (name, value) in enumerate(query.terms):
            parameters |= {f"name_{number}": name, f"value_{number}": value}
        row = await reader.row(statement, parameters)
        if row is None:
            raise LookupError("the organization is gone")
        return Matches((row[0], row[1]), self._engine.read_identifiers(row[3]))

    async def _listed_page(
        self, organization: Organization, query: RecordQuery, matches: Matches, request: PageRequest, reader: Reader
    ) -> tuple[Page, tuple[int, int]]:
        """Return a page of the ids that match, and the version read."""
        ids = matches.ids
        first = request.offset if request.after is None else bisect_right(ids, request.after)
        wanted = ids[first : first + request.size]
        parameters = {
            "organization": organization.id,
            "resource": query.resource,
            "ids": self._engine.bind_identifiers(wanted),
        }
        before = await self._organization(organization, reader)
        rows = await reader.rows(self._listed, parameters)
        seen = await self._organization(organization, reader)
        # Two statements, of which each sees the newest commit: they agree where the ledger did not move between.
        version = seen.version if before.version == seen.version else (-1, -1)
        body = b",".join([self._codec.document(RecordDraft(query.resource, *row)) for row in rows])
        total = len(ids) if request.counted else None
        last_id = wanted[-1] if wanted else None
        return Page(b"[" + body + b"]", last_id, first + len(wanted) < len(ids), total, seen), version

    def _at(self, organization: Organization) -> Copy:
        return self._engine.at(organization.id, organization.version)

    async def _organization(self, organization: Organization, reader: Reader) -> Organization:
        row = await reader.row(self._ledger, {"organization": organization.id})
        if row is None:
            raise LookupError("the organization is gone")
        if (row[0], row[1]) == organization.version:
            return organization
        return organization._replace(revision=row[0], last_updated_at=Instant(row[1]), interview_count=row[2])


def _gathered(engine: Engine, criteria: frozenset[str], term_count: int) -> Select[Any]:
    """Return one row: the ledger (see `LEDGER`), and all ids that match as one value."""
    found = [
        _columns.id.in_(
            select(terms.c.id).where(
                terms.c.organization_id == bindparam("organization"),
                terms.c.resource == bindparam("resource"),
                terms.c.name == bindparam(f"name_{number}"),
                terms.c.value == bindparam(f"value_{number}"),
            )
        )
        for number in range(term_count)
    ]
    wanted = [_CRITERIA[name] for name in sorted(criteria)]
    # So that SQLite sorts the ids found rather than read all rows in the order of their keys.
    order = Unindexed(_columns.id) if criteria else _columns.id
    matching = select(_columns.id).where(*_OF, *wanted, *found).order_by(order).subquery()
    collected = select(engine.collected_identifiers(matching.c.id)).scalar_subquery()
    return select(*LEDGER, collected).where(organizations.c.id == bindparam("organization"))
