"""Caches of answers between requests, each keyed by the version for which it is valid.

Owns five caches: the pages and the documents served, the ids that match a query, the anchors where the chunks of an
organization begin, and the jobs of applications. Must not know SQL. Nothing here can be stale: entries of another
version are not found.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

from rowen.app.interviews import Page
from rowen.app.organizations import Organization, Version
from rowen.interviews.interview import OrganizationId
from rowen.interviews.query import PageRequest

Key = TypeVar("Key")
Value = TypeVar("Value")

_MATCHES_BYTES: Final = 16 * 2**20
_PAGES_BYTES: Final = 2**20  # room for the pages that pollers share; pages of walks are soon evicted
_DOCUMENTS_BYTES: Final = 4 * 2**20
_ENTRY_BYTES: Final = 1_024  # the weight of an entry apart from its ids or its body
_ORGANIZATIONS: Final = 200
_ANCHORS: Final = 8_192
_JOBS: Final = 50_000  # applications of an organization: some megabytes
_JOB_ORGANIZATIONS: Final = 20


class MatchingIds(NamedTuple):
    """The ids that match a query, ascending, as of a version."""

    version: Version
    ids: "array[int]"


class _LruCache(Generic[Key, Value]):
    """Caches the values used most recently, within a memory limit; `weigh` returns the bytes of one.

    Finding a value takes a quarter of the time of `cachetools.LRUCache` (docs/decisions/0027).
    """

    def __init__(self, limit: int, weigh: Callable[[Value], int]) -> None:
        self._limit = limit
        self._weigh = weigh
        self._used = 0
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return the cached value, if any."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Cache a value, evicting those not used for longest."""
        self._forget(key)
        weight = self._weigh(value)
        if weight > self._limit:
            return
        self._entries[key] = value
        self._used += weight
        while self._used > self._limit:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: Key) -> None:
        value = self._entries.pop(key, None)
        if value is not None:
            self._used -= self._weigh(value)


Query = TypeVar("Query")


class MatchesCache(Generic[Query]):
    """The newest matches of recent queries, within a memory limit."""

    def __init__(self, limit: int = _MATCHES_BYTES) -> None:
        self._matches: _LruCache[tuple[OrganizationId, Query], MatchingIds] = _LruCache(limit, _matches_weight)

    def get(self, organization: OrganizationId, query: Query, version: Version) -> MatchingIds | None:
        """Return the matches as of `version`, if cached."""
        matches = self._matches.get((organization, query))
        return matches if matches is not None and matches.version == version else None

    def put(self, organization: OrganizationId, query: Query, matches: MatchingIds) -> None:
        """Cache matches, evicting those not used for longest."""
        self._matches.put((organization, query), matches)


class PageCache(Generic[Query]):
    """Recently used pages, within a memory limit: pollers request the same ones over and over."""

    def __init__(self, limit: int = _PAGES_BYTES) -> None:
        self._pages: _LruCache[tuple[OrganizationId, Query, PageRequest], Page] = _LruCache(limit, _page_weight)

    def get(self, organization: Organization, query: Query, request: PageRequest) -> Page | None:
        """Return the page as of the organization's version, if cached."""
        page = self._pages.get((organization.id, query, request))
        return page if page is not None and page.organization == organization else None

    def put(self, query: Query, request: PageRequest, page: Page) -> None:
        """Cache a page, evicting those not used for longest."""
        self._pages.put((page.organization.id, query, request), page)


class DocumentCache(Generic[Key]):
    """Recently used documents, within a memory limit."""

    def __init__(self, limit: int = _DOCUMENTS_BYTES) -> None:
        self._documents: _LruCache[tuple[OrganizationId, Key], tuple[Version, bytes]] = _LruCache(
            limit, lambda entry: _ENTRY_BYTES + len(entry[1])
        )

    def get(self, organization: Organization, key: Key) -> bytes | None:
        """Return the document as of the organization's version, if cached."""
        entry = self._documents.get((organization.id, key))
        return entry[1] if entry is not None and entry[0] == organization.version else None

    def put(self, organization: Organization, key: Key, document: bytes) -> None:
        """Cache a document, evicting those not used for longest."""
        self._documents.put((organization.id, key), (organization.version, document))


def _matches_weight(matches: MatchingIds) -> int:
    return _ENTRY_BYTES + len(matches.ids) * matches.ids.itemsize


def _page_weight(page: Page) -> int:
    return _ENTRY_BYTES + len(page.body)


class PageAnchor(NamedTuple):
    """A known position in an organization's order: `offset` records up to and including the id `after`."""

    offset: int
    after: int


ORIGIN: Final = PageAnchor(0, 0)
"""The position before the first record, valid for every version."""


class _OrganizationAnchors(NamedTuple):
    version: Version
    offsets: "array[int]"
    ids: "array[int]"


class AnchorCache:
    """Where chunks of an organization's interviews begin, learned from the pages served."""

    def __init__(self) -> None:
        self._organizations: OrderedDict[OrganizationId, _OrganizationAnchors] = OrderedDict()

    def nearest(self, organization: OrganizationId, version: Version, offset: int) -> PageAnchor:
        """Return the nearest known position before `offset`, or `ORIGIN`."""
        known = self._organizations.get(organization)
        if known is None or known.version != version:
            return ORIGIN
        index = bisect_right(known.offsets, offset) - 1
        return PageAnchor(known.offsets[index], known.ids[index]) if index >= 0 else ORIGIN

    def learn(self, organization: OrganizationId, version: Version, anchor: PageAnchor) -> None:
        """Cache a position as of a version."""
        known = self._organizations.get(organization)
        if known is None or known.version != version:
            known = self._organizations[organization] = _OrganizationAnchors(version, array("q"), array("q"))
        self._organizations.move_to_end(organization)
        index = bisect_right(known.offsets, anchor.offset)
        if index and known.offsets[index - 1] == anchor.offset:
            return
        known.offsets.insert(index, anchor.offset)
        known.ids.insert(index, anchor.after)
        if len(known.offsets) > _ANCHORS:
            del known.offsets[::2], known.ids[::2]
        if len(self._organizations) > _ORGANIZATIONS:
            self._organizations.popitem(last=False)


class JobCache:
    """The jobs of applications, each organization's as of one version; None for those that have no job."""

    def __init__(self) -> None:
        self._organizations: OrderedDict[OrganizationId, tuple[Version, dict[int, int | None]]] = OrderedDict()

    def of(self, organization: Organization) -> dict[int, int | None]:
        """Return what is known as of the organization's version; the caller adds to it."""
        version, jobs = self._organizations.get(organization.id, (None, {}))
        if version != organization.version or len(jobs) > _JOBS:
            jobs = {}
            self._organizations[organization.id] = (organization.version, jobs)
        self._organizations.move_to_end(organization.id)
        if len(self._organizations) > _JOB_ORGANIZATIONS:
            self._organizations.popitem(last=False)
        return jobs
