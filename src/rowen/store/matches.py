"""What is remembered of answers between requests, each keyed by the version that it is true for.

Owns four caches: the pages and the documents served, the ids that match a query, and where the chunks of an
organization begin. Must not know SQL. Nothing here can be stale: what was remembered for another version is not
found.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

from rowen.app.ports import Organization, Page, Version
from rowen.interviews.interview import InterviewId, OrganizationId
from rowen.interviews.query import InterviewQuery, PageRequest

Key = TypeVar("Key")
Value = TypeVar("Value")

_MATCHES_BYTES: Final = 16 * 2**20
_PAGES_BYTES: Final = 2**20  # what pollers ask for at once; walks pass through without a trace
_DOCUMENTS_BYTES: Final = 4 * 2**20
_ENTRY_BYTES: Final = 1_024  # what an entry weighs besides its ids or its body
_ORGANIZATIONS: Final = 200
_ANCHORS: Final = 8_192


class Matches(NamedTuple):
    """The ids that match a query, ascending, as of a version."""

    version: Version
    ids: "array[int]"


class _Bounded(Generic[Key, Value]):
    """Remembers the values asked for lately, within a bound of memory; `weigh` tells the bytes of one."""

    def __init__(self, limit: int, weigh: Callable[[Value], int]) -> None:
        self._limit = limit
        self._weigh = weigh
        self._used = 0
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return what is remembered."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Remember a value, forgetting those not asked for longest."""
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
    """The newest matches of the queries asked lately, within a bound of memory."""

    def __init__(self, limit: int = _MATCHES_BYTES) -> None:
        self._matches: _Bounded[tuple[OrganizationId, Query], Matches] = _Bounded(limit, _matches_weight)

    def get(self, organization: OrganizationId, query: Query, version: Version) -> Matches | None:
        """Return the matches as of `version`, if they are remembered."""
        matches = self._matches.get((organization, query))
        return matches if matches is not None and matches.version == version else None

    def put(self, organization: OrganizationId, query: Query, matches: Matches) -> None:
        """Remember matches, forgetting those not asked for longest."""
        self._matches.put((organization, query), matches)


class PageCache:
    """The pages asked lately, within a bound of memory: pollers ask for the same ones again and again."""

    def __init__(self, limit: int = _PAGES_BYTES) -> None:
        self._pages: _Bounded[tuple[OrganizationId, InterviewQuery, PageRequest], Page] = _Bounded(limit, _page_weight)

    def get(self, organization: Organization, query: InterviewQuery, request: PageRequest) -> Page | None:
        """Return the page as of the organization's version, if it is remembered."""
        page = self._pages.get((organization.id, query, request))
        return page if page is not None and page.organization == organization else None

    def put(self, query: InterviewQuery, request: PageRequest, page: Page) -> None:
        """Remember a page, forgetting those not asked for longest."""
        self._pages.put((page.organization.id, query, request), page)


class DocumentCache:
    """The documents asked lately one by one, within a bound of memory."""

    def __init__(self, limit: int = _DOCUMENTS_BYTES) -> None:
        self._documents: _Bounded[tuple[OrganizationId, InterviewId], tuple[Version, bytes]] = _Bounded(
            limit, lambda entry: _ENTRY_BYTES + len(entry[1])
        )

    def get(self, organization: Organization, interview: InterviewId) -> bytes | None:
        """Return the document as of the organization's version, if it is remembered."""
        entry = self._documents.get((organization.id, interview))
        return entry[1] if entry is not None and entry[0] == organization.version else None

    def put(self, organization: Organization, interview: InterviewId, document: bytes) -> None:
        """Remember a document, forgetting those not asked for longest."""
        self._documents.put((organization.id, interview), (organization.version, document))


def _matches_weight(matches: Matches) -> int:
    return _ENTRY_BYTES + len(matches.ids) * matches.ids.itemsize


def _page_weight(page: Page) -> int:
    return _ENTRY_BYTES + len(page.body)


class Anchor(NamedTuple):
    """A known place in an organization's order: `offset` records stand up to and including the id `after`."""

    offset: int
    after: int


ORIGIN: Final = Anchor(0, 0)
"""The place before the first record: true for every version."""


class _OrganizationAnchors(NamedTuple):
    version: Version
    offsets: "array[int]"
    ids: "array[int]"


class AnchorCache:
    """Where chunks of an organization's interviews begin, learned from the pages served."""

    def __init__(self) -> None:
        self._organizations: OrderedDict[OrganizationId, _OrganizationAnchors] = OrderedDict()

    def nearest(self, organization: OrganizationId, version: Version, offset: int) -> Anchor:
        """Return the known place nearest before `offset`; `ORIGIN` where none is known."""
        known = self._organizations.get(organization)
        if known is None or known.version != version:
            return ORIGIN
        index = bisect_right(known.offsets, offset) - 1
        return Anchor(known.offsets[index], known.ids[index]) if index >= 0 else ORIGIN

    def learn(self, organization: OrganizationId, version: Version, anchor: Anchor) -> None:
        """Remember a place as of a version."""
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
