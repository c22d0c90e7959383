"""Reading the interviews of an organization.

Owns how a page is found: by range without a filter, as a list of ids with one. Must not know HTTP, or build an
interview: documents are returned as stored.
"""

from array import array
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache, partial
from typing import Final

from rowen.app.interviews import Page
from rowen.app.organizations import Organization, Version
from rowen.interviews.errors import Unavailable
from rowen.interviews.interview import ApplicationId, InterviewId
from rowen.interviews.query import InterviewQuery, PageRequest
from rowen.store.cache import ORIGIN, AnchorCache, DocumentCache, PageAnchor, PageCache
from rowen.store.engines.base import Engine, Parameters, Prepared, Reader, ReadTarget
from rowen.store.id_lists import IdListReader
from rowen.store.interviews import statements
from rowen.store.ledger.ledger import as_of

_EXPORT_BATCH: Final = 1_000


class _Queries:
    """The `ListQueries` of interviews."""

    def __init__(self, engine: Engine) -> None:
        self._bind = engine.bind_identifiers
        self._gathered = cache(lambda names: engine.prepare(statements.gathered(engine, names)))
        self._listed = engine.prepare(statements.listed(engine))

    def is_narrow(self, query: InterviewQuery) -> bool:
        return not statements.NARROW.isdisjoint(query.criteria)

    def gathering(self, query: InterviewQuery) -> tuple[Prepared, Parameters]:
        criteria = query.criteria
        return self._gathered(frozenset(criteria)), criteria

    async def checked(
        self, organization: Organization, query: InterviewQuery, ids: "array[int]", reader: Reader
    ) -> "array[int]":
        del organization, query, reader  # the statement decides all
        return ids

    async def listed(
        self, organization: Organization, query: InterviewQuery, ids: "array[int]", reader: Reader
    ) -> tuple[Organization, bytes]:
        del query
        row = await reader.row(self._listed, {"organization": organization.id, "ids": self._bind(ids)})
        seen, (body, *_) = as_of(organization, row)
        return seen, _array(body)


class InterviewReader:
    """Reads interviews through one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pages: PageCache[InterviewQuery] = PageCache()
        self._documents: DocumentCache[InterviewId] = DocumentCache()
        self._anchors = AnchorCache()
        self._lists: IdListReader[InterviewQuery] = IdListReader(engine, _Queries(engine))
        self._chunk = engine.prepare(statements.chunk(engine))
        self._listed_documents = engine.prepare(statements.listed_documents(engine))
        self._ledger = engine.prepare(statements.ledger())
        self._document = engine.prepare(statements.document())
        self._application = engine.prepare(statements.application())

    async def page(self, organization: Organization, query: InterviewQuery, request: PageRequest) -> Page:
        """Return one page of the matching interviews, ordered by id."""
        if query.as_of is None or query.as_of < organization.last_updated_at:
            return await self._page(organization, query, request)
        # Nothing is newer: all pages of a walk share the same cached ids, as long as nothing is written.
        page = await self._page(organization, replace(query, as_of=None), request)
        if page.organization.version != organization.version:
            return await self.page(page.organization, query, request)  # there was a commit meanwhile
        return page

    async def _page(self, organization: Organization, query: InterviewQuery, request: PageRequest) -> Page:
        page = self._pages.get(organization, query, request)
        if page is None:
            if query == _EVERYTHING:
                page = await self._chunk_page(organization, request)
            else:
                page = await self._lists.page(organization, query, request)
            if query.external_event_id is None:  # an event id may be of any length, and the cache does not weigh keys
                self._pages.put(query, request, page)
        return page

    async def _chunk_page(self, organization: Organization, request: PageRequest) -> Page:
        if request.after is not None:
            anchor, offset = PageAnchor(0, request.after), 0
        elif request.offset >= organization.interview_count:
            anchor, offset = _BEYOND, 0
        else:
            anchor = self._anchors.nearest(organization.id, organization.version, request.offset)
            offset = request.offset - anchor.offset
        row = await self._at(organization).row(
            self._chunk,
            {"organization": organization.id, "after": anchor.after, "size": request.size, "offset": offset},
        )
        seen, (body, size, last_id, more) = as_of(organization, row)
        if request.after is None:
            if seen is not organization and anchor is not ORIGIN:
                # The position was known for an older version than was read: it is found again in this one.
                return await self._chunk_page(seen, request)
            if size:
                self._anchors.learn(organization.id, seen.version, PageAnchor(request.offset + size, last_id))
        total = seen.interview_count if request.counted else None
        return Page(_array(body), last_id, bool(more), total, seen)

    async def document(self, organization: Organization, interview: InterviewId) -> bytes | None:
        """Return one interview as served, or None if the organization has none with that id."""
        document = self._documents.get(organization, interview)
        if document is None:
            parameters = {"organization": organization.id, "interview": interview}
            row = await self._at(organization).row(self._document, parameters)
            if row is None:
                return None
            document = row[0]
            self._documents.put(organization, interview, document)
        return document

    async def has_application(self, organization: Organization, application: ApplicationId) -> bool:
        """Return whether the organization has that application."""
        parameters = {"organization": organization.id, "application": application}
        return await self._at(organization).row(self._application, parameters) is not None

    async def documents(self, organization: Organization, query: InterviewQuery) -> AsyncIterator[list[bytes]]:
        """Yield the interviews that matched at the beginning and still exist, in batches ordered by id, as served."""
        matches = await self._engine.read(partial(self._lists.gather, organization, query))
        for start in range(0, len(matches.ids), _EXPORT_BATCH):
            wanted = matches.ids[start : start + _EXPORT_BATCH]
            rows = await self._engine.rows(
                self._listed_documents,
                {"organization": organization.id, "ids": self._engine.bind_identifiers(wanted)},
            )
            if len(rows) != len(wanted) and await self._version(organization) == matches.version:
                # Nothing was deleted meanwhile.
                raise Unavailable(f"{len(wanted) - len(rows)} interviews could not be read: run `rowen db check`")
            yield [document for _, document in rows]

    def _at(self, organization: Organization) -> ReadTarget:
        return self._engine.reader_for(organization.id, organization.version)

    async def _version(self, organization: Organization) -> Version:
        row = await self._engine.row(self._ledger, {"organization": organization.id})
        return as_of(organization, row)[0].version


_EVERYTHING: Final = InterviewQuery()
_BEYOND: Final = PageAnchor(0, 2**63 - 1)


def _array(joined: bytes | None) -> bytes:
    """Return documents joined by commas as one JSON array. In SQL each bracket would copy all of it."""
    return b"[]" if joined is None else b"".join((b"[", joined, b"]"))
