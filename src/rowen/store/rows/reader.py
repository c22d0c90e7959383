"""Reading the rows of Harvest v3.

Owns how a page is found: as a range of a table, as a list of ids, or among all rows of the records that have several.
Must not know HTTP, or the fields of a row.
"""

from array import array
from bisect import bisect_left
from functools import partial
from operator import attrgetter
from typing import Final

from rowen.app.interviews import Page
from rowen.app.organizations import Organization
from rowen.app.records import RecordRow
from rowen.app.rows import EXPANDED, PARTS, SOURCES, Row, RowCodec, RowQuery, rows_below
from rowen.interviews.query import PageRequest
from rowen.store.cache import DocumentCache, PageCache
from rowen.store.engines.base import Engine, Reader
from rowen.store.id_lists import IdListReader
from rowen.store.ledger.ledger import as_of
from rowen.store.rows import statements
from rowen.store.rows.lists import RowLists

_CHUNK: Final = 2_000
_BEFORE_ALL: Final = -(2**63)
_by_id = attrgetter("id")


class RowReader:
    """Reads rows through one engine."""

    def __init__(self, engine: Engine, codec: RowCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._pages: PageCache[RowQuery] = PageCache()
        self._rows: DocumentCache[tuple[str, int]] = DocumentCache()
        self._lists = RowLists(engine, codec)
        self._by_ids: IdListReader[RowQuery] = IdListReader(engine, self._lists)
        self._chunk = engine.prepare(statements.chunk_of_records())
        self._ledger = engine.prepare(statements.ledger())

    async def page(self, organization: Organization, query: RowQuery, request: PageRequest) -> Page:
        """Return one page of the matching rows, descending by id."""
        page = self._pages.get(organization, query, request)
        if page is None:
            page = await self._page(organization, query, request)
            self._pages.put(query, request, page)
        return page

    async def row(self, organization: Organization, list_name: str, identifier: int) -> bytes | None:
        """Return one row, or None if the list has none with that id."""
        row = self._rows.get(organization, (list_name, identifier))
        if row is None:
            query = RowQuery(list_name, (("ids", (identifier,)),))
            if list_name in EXPANDED or list_name in PARTS:  # several rows follow from one record
                page = await self.page(organization, query, rows_below(None, 1))
                seen, listed = page.organization, page.body
            else:  # one statement: the row is found by its id
                copy = self._engine.reader_for(organization.id, organization.version)
                seen, listed = await self._lists.listed(organization, query, array("q", (identifier,)), copy)
            row = listed[1:-1]
            if not row:
                return None
            self._rows.put(seen, (list_name, identifier), row)
        return row

    async def _page(self, organization: Organization, query: RowQuery, request: PageRequest) -> Page:
        copy = self._engine.reader_for(organization.id, organization.version)
        if query.list_name in EXPANDED:
            return await copy.read(partial(self._expanded_page, organization, query, request))
        if query.list_name in PARTS and not query.filters:
            return await copy.read(partial(self._lists.parts_page, organization, query, request))
        if self._lists.has_ranges(query):
            return await self._lists.range_page(organization, query, request, copy)
        return await self._by_ids.page(organization, query, request)

    async def _expanded_page(
        self, organization: Organization, query: RowQuery, request: PageRequest, reader: Reader
    ) -> Page:
        """Make the rows of all records: no index leads to the rows of one, and stages and users are few."""
        seen, _ = as_of(organization, await reader.row(self._ledger, {"organization": organization.id}))
        found: dict[int, Row] = {}
        resource, after = SOURCES[query.list_name], _BEFORE_ALL
        asked = {"organization": organization.id, "resource": resource, "size": _CHUNK}
        while columns := await reader.rows(self._chunk, {**asked, "after": after}):
            sources = (RecordRow(resource, *each) for each in columns)
            for row in self._codec.records(query.list_name, sources, seen.created_at):
                found[row.id] = row
            after = columns[-1][0]
        rows = sorted(self._codec.matching(query.list_name, found.values(), query.filters), key=_by_id)
        end = len(rows) if request.after is None else bisect_left(rows, request.after, key=_by_id)
        first = max(end - request.size, 0)
        wanted = rows[first:end][::-1]
        last = wanted[-1].id if wanted else None
        return Page(self._codec.encode(wanted), last, first > 0, None, seen)
