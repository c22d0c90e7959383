"""Reading the interviews of an organization.

Owns how a page is found: by range where nothing is filtered, by the remembered ids of the query where something
is. Must not know HTTP, or build an interview: documents leave as they are stored.
"""

import asyncio
from array import array
from bisect import bisect_right
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any, Final

from rowen.app.ports import Organization, Page, Version
from rowen.interviews.errors import Unavailable
from rowen.interviews.interview import ApplicationId, InterviewId, OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.query import InterviewQuery, PageRequest
from rowen.store import statements
from rowen.store.engine import Copy, Engine, Prepared, Reader, Row
from rowen.store.matches import ORIGIN, Anchor, AnchorCache, DocumentCache, Matches, MatchesCache, PageCache

_EXPORT_BATCH: Final = 1_000
_HANDFUL: Final = 500


class InterviewReader:
    """Answers questions about interviews from one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pages = PageCache()
        self._documents = DocumentCache()
        self._matches: MatchesCache[InterviewQuery] = MatchesCache()
        self._anchors = AnchorCache()
        self._running: dict[tuple[OrganizationId, InterviewQuery], asyncio.Future[Matches]] = {}
        self._gathered: dict[frozenset[str], Prepared] = {}
        self._chunk = engine.prepare(statements.chunk(engine))
        self._listed = engine.prepare(statements.listed(engine))
        self._listed_documents = engine.prepare(statements.listed_documents(engine))
        self._ledger = engine.prepare(statements.ledger())
        self._document = engine.prepare(statements.document())
        self._application = engine.prepare(statements.application())

    async def page(self, organization: Organization, query: InterviewQuery, request: PageRequest) -> Page:
        """Return one page of the interviews that match, ordered by id."""
        if query.as_of is None or query.as_of < organization.last_updated_at:
            return await self._page(organization, query, request)
        # Nothing is newer: all pages of a walk are found by the same ids, as long as nothing is written.
        page = await self._page(organization, replace(query, as_of=None), request)
        if page.organization.version != organization.version:
            return await self.page(page.organization, query, request)  # something was, meanwhile
        return page

    async def _page(self, organization: Organization, query: InterviewQuery, request: PageRequest) -> Page:
        page = self._pages.get(organization, query, request)
        if page is None:
            page = await self._read_page(organization, query, request)
            if query.external_event_id is None:  # as long as the client likes: the cache weighs no keys
                self._pages.put(query, request, page)
        return page

    async def _read_page(self, organization: Organization, query: InterviewQuery, request: PageRequest) -> Page:
        if query == _EVERYTHING:
            return await self._chunk_page(organization, request)
        matches = self._matches.get(organization.id, query, organization.version)
        if matches is None:
            matches = await self._find(organization, query)
        page = await self._listed_page(organization, matches, request, self._at(organization))
        if page.organization.version == matches.version:
            return page
        # A commit came between the two: both again, on one snapshot.
        fresh, page = await self._at(organization).read(partial(self._fresh_page, organization, query, request))
        self._remember(organization, query, fresh)
        return page

    async def _find(self, organization: Organization, query: InterviewQuery) -> Matches:
        """Return the ids that match: at once where few do, off the event loop and once for all otherwise."""
        if statements.NARROW.intersection(query.criteria):
            matches = await self._gather(organization, query.criteria, self._at(organization))
        else:
            key = (organization.id, query)
            running = self._running.get(key)
            if running is None:
                work = self._at(organization).read(partial(self._gather, organization, query.criteria))
                running = self._running[key] = asyncio.ensure_future(work)
                running.add_done_callback(lambda _: self._running.pop(key, None))
            matches = await asyncio.shield(running)
        self._remember(organization, query, matches)
        return matches

    def _remember(self, organization: Organization, query: InterviewQuery, matches: Matches) -> None:
        narrow = statements.NARROW.intersection(query.criteria)
        if not narrow or len(matches.ids) > _HANDFUL:  # a handful is found again sooner than it is worth its room
            self._matches.put(organization.id, query, matches)

    async def _fresh_page(
        self, organization: Organization, query: InterviewQuery, request: PageRequest, reader: Reader
    ) -> tuple[Matches, Page]:
        matches = await self._gather(organization, query.criteria, reader)
        return matches, await self._listed_page(organization, matches, request, reader)

    async def _chunk_page(self, organization: Organization, request: PageRequest) -> Page:
        if request.after is not None:
            anchor, offset = Anchor(0, request.after), 0
        elif request.offset >= organization.interview_count:
            anchor, offset = _BEYOND, 0
        else:
            anchor = self._anchors.nearest(organization.id, organization.version, request.offset)
            offset = request.offset - anchor.offset
        row = await self._at(organization).row(
            self._chunk,
            {"organization": organization.id, "after": anchor.after, "size": request.size, "offset": offset},
        )
        seen, body, size, last_id, more = _as_of(organization, row)
        if request.after is None:
            if seen is not organization and anchor is not ORIGIN:
                # The place was known for an older version than was read: find it in this one.
                return await self._chunk_page(seen, request)
            if size:
                self._anchors.learn(organization.id, seen.version, Anchor(request.offset + size, last_id))
        total = seen.interview_count if request.counted else None
        return Page(_array(body), last_id, bool(more), total, seen)

    async def _listed_page(
        self, organization: Organization, matches: Matches, request: PageRequest, reader: Reader
    ) -> Page:
        ids = matches.ids
        first = request.offset if request.after is None else bisect_right(ids, request.after)
        wanted = ids[first : first + request.size]
        more = first + len(wanted) < len(ids)
        row = await reader.row(
            self._listed, {"organization": organization.id, "ids": self._engine.bind_identifiers(wanted)}
        )
        seen, body, _, last_id = _as_of(organization, row)
        return Page(_array(body), last_id, more, len(ids) if request.counted else None, seen)

    async def _gather(self, organization: Organization, criteria: dict[str, Any], reader: Reader) -> Matches:
        names = frozenset(criteria)
        statement = self._gathered.get(names)
        if statement is None:
            statement = self._gathered[names] = self._engine.prepare(statements.gathered(self._engine, names))
        row = await reader.row(statement, {"organization": organization.id, **criteria})
        seen, collected = _as_of(organization, row)
        return Matches(seen.version, self._engine.read_identifiers(collected))

    async def document(self, organization: Organization, interview: InterviewId) -> bytes | None:
        """Return one interview as served; None where the organization has none of that id."""
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
        """Tell whether the organization has that application."""
        parameters = {"organization": organization.id, "application": application}
        return await self._at(organization).row(self._application, parameters) is not None

    async def documents(self, organization: Organization, query: InterviewQuery) -> AsyncIterator[list[bytes]]:
        """Return every interview that matched when it began and is still there, in batches ordered by id, as served."""
        matches = await self._engine.read(partial(self._gather, organization, query.criteria))
        for start in range(0, len(matches.ids), _EXPORT_BATCH):
            wanted: array[int] = matches.ids[start : start + _EXPORT_BATCH]
            rows = await self._engine.rows(
                self._listed_documents,
                {"organization": organization.id, "ids": self._engine.bind_identifiers(wanted)},
            )
            if len(rows) != len(wanted) and await self._version(organization) == matches.version:
                # Nothing was deleted meanwhile.
                raise Unavailable(f"{len(wanted) - len(rows)} interviews could not be read: run `rowen db check`")
            yield [row[1] for row in rows]

    def _at(self, organization: Organization) -> Copy:
        return self._engine.at(organization.id, organization.version)

    async def _version(self, organization: Organization) -> Version:
        row = await self._engine.row(self._ledger, {"organization": organization.id})
        seen: Organization = _as_of(organization, row)[0]
        return seen.version


_EVERYTHING: Final = InterviewQuery()
_BEYOND: Final = Anchor(0, 2**63 - 1)


def _array(joined: bytes | None) -> bytes:
    """Return documents joined by commas as one JSON array. Here, not in SQL: there each end copies all of it."""
    return b"[]" if joined is None else b"".join((b"[", joined, b"]"))


def _as_of(organization: Organization, row: Row | None) -> tuple[Any, ...]:
    """Return the organization as of the row's version, and the rest of the row."""
    if row is None:
        raise LookupError("the organization is gone")
    revision, last_updated_at, count, *rest = row
    if (revision, last_updated_at) != organization.version:
        organization = organization._replace(
            revision=revision, last_updated_at=Instant(last_updated_at), interview_count=count
        )
    return organization, *rest
