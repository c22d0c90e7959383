"""The caches: within their limits, and never of another revision."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from rowen.app.organizations import Version
from rowen.interviews.interview import OrganizationId
from rowen.interviews.query import InterviewQuery
from rowen.store.cache import ORIGIN, AnchorCache, MatchesCache, MatchingIds, PageAnchor
from tests.support.strategies import PROFILE

ONE, TWO = OrganizationId(1), OrganizationId(2)
ENTRY = 1_024


def at(revision: int) -> Version:
    """Return the version of a revision."""
    return (revision, revision * 1000)


def query(event: str) -> InterviewQuery:
    return InterviewQuery(external_event_id=event)


def matches(size: int, revision: int = 1) -> MatchingIds:
    return MatchingIds(at(revision), array("q", range(size)))


def test_matches_are_found_for_their_organization_query_and_revision_only() -> None:
    cache: MatchesCache[InterviewQuery] = MatchesCache()
    cache.put(ONE, query("a"), matches(3, revision=5))
    assert cache.get(ONE, query("a"), at(5)) == matches(3, revision=5)
    assert cache.get(TWO, query("a"), at(5)) is None
    assert cache.get(ONE, query("b"), at(5)) is None
    assert cache.get(ONE, query("a"), at(6)) is None
    assert cache.get(ONE, query("a"), at(4)) is None
    assert cache.get(ONE, query("a"), (5, 4_999)) is None, "a restored database may reach a revision again"


def test_of_one_query_only_the_last_matches_weigh() -> None:
    cache: MatchesCache[InterviewQuery] = MatchesCache(limit=2 * ENTRY + 100)
    for revision in range(100):
        cache.put(ONE, query("a"), matches(5, revision))
        cache.put(TWO, query("a"), matches(5, revision))
    assert cache.get(ONE, query("a"), at(99)) is not None
    assert cache.get(TWO, query("a"), at(99)) is not None


def test_the_longest_unused_are_forgotten_first() -> None:
    cache: MatchesCache[InterviewQuery] = MatchesCache(limit=3 * ENTRY)
    for event in "abc":
        cache.put(ONE, query(event), matches(0))
    assert cache.get(ONE, query("a"), at(1)) is not None  # used again
    cache.put(ONE, query("d"), matches(0))
    assert [event for event in "abcd" if cache.get(ONE, query(event), at(1))] == ["a", "c", "d"]


def test_a_value_above_the_limit_is_not_cached_and_evicts_nothing() -> None:
    cache: MatchesCache[InterviewQuery] = MatchesCache(limit=2 * ENTRY)
    cache.put(ONE, query("a"), matches(0))
    cache.put(ONE, query("b"), matches(10_000))
    assert cache.get(ONE, query("b"), at(1)) is None
    assert cache.get(ONE, query("a"), at(1)) is not None


def test_the_nearest_place_before_is_found() -> None:
    anchors = AnchorCache()
    for offset in (200, 100, 300, 200):
        anchors.learn(ONE, at(1), PageAnchor(offset, offset * 10))
    assert anchors.nearest(ONE, at(1), 99) is ORIGIN
    assert anchors.nearest(ONE, at(1), 100) == PageAnchor(100, 1000)
    assert anchors.nearest(ONE, at(1), 299) == PageAnchor(200, 2000)
    assert anchors.nearest(ONE, at(1), 10**9) == PageAnchor(300, 3000)
    assert anchors.nearest(TWO, at(1), 300) is ORIGIN


def test_another_revision_forgets_the_one_before() -> None:
    anchors = AnchorCache()
    anchors.learn(ONE, at(1), PageAnchor(100, 1))
    anchors.learn(ONE, at(2), PageAnchor(50, 2))
    assert anchors.nearest(ONE, at(2), 100) == PageAnchor(50, 2)
    assert anchors.nearest(ONE, at(1), 100) is ORIGIN
    anchors.learn(ONE, at(1), PageAnchor(70, 3))
    assert anchors.nearest(ONE, at(1), 100) == PageAnchor(70, 3)
    assert anchors.nearest(ONE, at(2), 100) is ORIGIN


@PROFILE
@given(st.lists(st.integers(1, 10**6), max_size=60), st.integers(0, 10**6))
def test_the_nearest_anchor_is_the_greatest_known_one_that_is_not_after(offsets: list[int], wanted: int) -> None:
    anchors = AnchorCache()
    for offset in offsets:
        anchors.learn(ONE, at(1), PageAnchor(offset, offset))
    assert anchors.nearest(ONE, at(1), wanted).offset == max((o for o in offsets if o <= wanted), default=0)


def test_places_are_pruned_and_stay_true() -> None:
    anchors = AnchorCache()
    for offset in range(1, 20_000):
        anchors.learn(ONE, at(1), PageAnchor(offset, offset * 3))
    for wanted in range(0, 20_000, 97):
        found = anchors.nearest(ONE, at(1), wanted)
        assert found.offset <= wanted
        assert found.after == found.offset * 3
        assert wanted - found.offset < 16, "half of the places are still known, and half of those"


def test_the_least_recently_used_organizations_are_evicted() -> None:
    anchors = AnchorCache()
    for number in range(1_001):
        anchors.learn(OrganizationId(number), at(1), PageAnchor(10, 1))
    assert anchors.nearest(OrganizationId(0), at(1), 10) is ORIGIN
    assert anchors.nearest(OrganizationId(1_000), at(1), 10) == PageAnchor(10, 1)
