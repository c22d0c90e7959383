"""Lists that are read by ids: the matching ids are collected once per version, and every page is a slice of them.

Owns how ids are collected, cached and divided into pages, and that a page belongs to one version. Must not know what is
listed, or how a query becomes SQL: each kind of list has its `ListQueries`. See docs/decisions/0003.
"""

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

from rowen.app.interviews import Page
from rowen.app.organizations import Organization
from rowen.interviews.interview import OrganizationId
from rowen.interviews.query import PageRequest
from rowen.store.cache import MatchesCache, MatchingIds
from rowen.store.engines.base import Engine, Parameters, Prepared, Reader, ReadTarget
from rowen.store.ledger.ledger import as_of

_HANDFUL: Final = 500

Query = TypeVar("Query")
Query_contra = TypeVar("Query_contra", contravariant=True)


class ListQueries(Protocol[Query_contra]):
    """The queries of one kind of list."""

    def is_narrow(self, query: Query_contra) -> bool:
        """Return whether a query matches so few rows that finding them takes no time."""
        ...

    def gathering(self, query: Query_contra) -> tuple[Prepared, Parameters]:
        """Return the statement that reads the ledger and all matching ids as one value, and its parameters.

        The organization is added to the parameters.
        """
        ...

    async def checked(
        self, organization: Organization, query: Query_contra, ids: "array[int]", reader: Reader
    ) -> "array[int]":
        """Return the ids, ascending, that match what the statement could not decide."""
        ...

    async def listed(
        self, organization: Organization, query: Query_contra, ids: "array[int]", reader: Reader
    ) -> tuple[Organization, bytes]:
        """Return the documents of the ids as one JSON array, and the organization as of the version they are read at.

        Both come from one statement.
        """
        ...


class IdListReader(Generic[Query]):
    """Reads the pages of one kind of list through one engine."""

    def __init__(self, engine: Engine, queries: ListQueries[Query]) -> None:
        self._engine = engine
        self._queries = queries
        self._matches: MatchesCache[Query] = MatchesCache()
        self._running: dict[tuple[OrganizationId, Query], asyncio.Future[MatchingIds]] = {}

    async def page(self, organization: Organization, query: Query, request: PageRequest) -> Page:
        """Return one page of the matches, ordered by id. Raises LookupError if the organization is gone."""
        matches = self._matches.get(organization.id, query, organization.version)
        if matches is None:
            matches = await self._find(organization, query)
        page = await self._slice(organization, query, matches, request, self._at(organization))
        if page.organization.version == matches.version:
            return page
        # A commit came between the two: both are read again, on one snapshot.
        fresh, page = await self._at(organization).read(partial(self._fresh_page, organization, query, request))
        self._remember(organization, query, fresh)
        return page

    async def gather(self, organization: Organization, query: Query, reader: Reader) -> MatchingIds:
        """Return the matching ids, as of the version that the reader reads."""
        statement, parameters = self._queries.gathering(query)
        row = await reader.row(statement, {"organization": organization.id, **parameters})
        seen, (collected,) = as_of(organization, row)
        ids = self._engine.read_identifiers(collected)
        return MatchingIds(seen.version, await self._queries.checked(organization, query, ids, reader))

    async def _find(self, organization: Organization, query: Query) -> MatchingIds:
        """Return the matching ids: at once if there are few, otherwise off the event loop and once for all callers."""
        if self._queries.is_narrow(query):
            matches = await self.gather(organization, query, self._at(organization))
        else:
            key = (organization.id, query)
            running = self._running.get(key)
            if running is None:
                work = self._at(organization).read(partial(self.gather, organization, query))
                running = self._running[key] = asyncio.ensure_future(work)
                running.add_done_callback(lambda _: self._running.pop(key, None))
            matches = await asyncio.shield(running)
        self._remember(organization, query, matches)
        return matches

    def _remember(self, organization: Organization, query: Query, matches: MatchingIds) -> None:
        # Finding a handful again by an index is cheaper than caching it.
        if len(matches.ids) > _HANDFUL or not self._queries.is_narrow(query):
            self._matches.put(organization.id, query, matches)

    async def _fresh_page(
        self, organization: Organization, query: Query, request: PageRequest, reader: Reader
    ) -> tuple[MatchingIds, Page]:
        matches = await self.gather(organization, query, reader)
        return matches, await self._slice(organization, query, matches, request, reader)

    async def _slice(
        self, organization: Organization, query: Query, matches: MatchingIds, request: PageRequest, reader: Reader
    ) -> Page:
        ids = matches.ids
        if request.descending:
            end = len(ids) if request.after is None else bisect_left(ids, request.after)
            first = max(end - request.size, 0)
        else:
            first = request.offset if request.after is None else bisect_right(ids, request.after)
            end = first + request.size
        wanted = ids[first:end]
        seen, body = await self._queries.listed(organization, query, wanted, reader)
        total = len(ids) if request.counted else None
        more = first > 0 if request.descending else end < len(ids)
        last = wanted[0 if request.descending else -1] if wanted else None
        return Page(body, last, more, total, seen)

    def _at(self, organization: Organization) -> ReadTarget:
        return self._engine.reader_for(organization.id, organization.version)
