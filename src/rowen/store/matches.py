"""What is remembered of answers between requests, each keyed by the revision that it is true for.

Owns two caches: the ids that match a query, and where the chunks of an organization begin. Must not know SQL.
Nothing here can be stale: what was remembered for another revision is not found.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from typing import Final, NamedTuple

from rowen.interviews.interview import OrganizationId
from rowen.interviews.query import InterviewQuery

_MATCHES_BYTES: Final = 32 * 2**20
_ENTRY_BYTES: Final = 512  # what an entry weighs besides its ids
_ORGANIZATIONS: Final = 1_000
_ANCHORS: Final = 8_192


class Matches(NamedTuple):
    """The ids that match a query, ascending, as of a revision."""

    revision: int
    ids: "array[int]"


class MatchesCache:
    """The newest matches of the queries asked lately, within a bound of memory."""

    def __init__(self, limit: int = _MATCHES_BYTES) -> None:
        self._limit = limit
        self._used = 0
        self._entries: OrderedDict[tuple[OrganizationId, InterviewQuery], Matches] = OrderedDict()

    def get(self, organization: OrganizationId, query: InterviewQuery, revision: int) -> Matches | None:
        """Return the matches as of `revision`, if they are remembered."""
        key = (organization, query)
        matches = self._entries.get(key)
        if matches is None or matches.revision != revision:
            return None
        self._entries.move_to_end(key)
        return matches

    def put(self, organization: OrganizationId, query: InterviewQuery, matches: Matches) -> None:
        """Remember matches, forgetting those not asked for longest."""
        key = (organization, query)
        self._forget(key)
        weight = _weight(matches)
        if weight > self._limit:
            return
        self._entries[key] = matches
        self._used += weight
        while self._used > self._limit:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: tuple[OrganizationId, InterviewQuery]) -> None:
        matches = self._entries.pop(key, None)
        if matches is not None:
            self._used -= _weight(matches)


def _weight(matches: Matches) -> int:
    return _ENTRY_BYTES + len(matches.ids) * matches.ids.itemsize


class Anchor(NamedTuple):
    """A known place in an organization's order: `offset` records stand up to and including the id `after`."""

    offset: int
    after: int


ORIGIN: Final = Anchor(0, 0)
"""The place before the first record: true for every revision."""


class _OrganizationAnchors(NamedTuple):
    revision: int
    offsets: list[int]
    ids: list[int]


class AnchorCache:
    """Where chunks of an organization's interviews begin, learned from the pages served."""

    def __init__(self) -> None:
        self._organizations: OrderedDict[OrganizationId, _OrganizationAnchors] = OrderedDict()

    def nearest(self, organization: OrganizationId, revision: int, offset: int) -> Anchor:
        """Return the known place nearest before `offset`; `ORIGIN` where none is known."""
        known = self._organizations.get(organization)
        if known is None or known.revision != revision:
            return ORIGIN
        index = bisect_right(known.offsets, offset) - 1
        return Anchor(known.offsets[index], known.ids[index]) if index >= 0 else ORIGIN

    def learn(self, organization: OrganizationId, revision: int, anchor: Anchor) -> None:
        """Remember a place as of a revision."""
        known = self._organizations.get(organization)
        if known is None or known.revision != revision:
            if known is not None and known.revision > revision:
                return
            known = self._organizations[organization] = _OrganizationAnchors(revision, [], [])
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
