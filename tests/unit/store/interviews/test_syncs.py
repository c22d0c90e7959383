"""The later pages of a sync: as of its first, and no slower."""

from collections.abc import Iterator

import msgspec
import pytest

from rowen.app.interviews import Page
from rowen.app.organizations import Organization
from rowen.interviews.moments import Instant
from rowen.interviews.query import InterviewQuery, PageRequest
from rowen.store.cache import MatchingIds
from rowen.store.engines.base import Reader
from rowen.store.id_lists import IdListReader
from rowen.store.interviews.reader import InterviewReader
from tests.support.harness import Harness, Tenant, opened
from tests.support.records import record

SINCE = Instant.parse("2024-01-01")
FIRST = "2024-05-23T20:00:00.000Z"
LATER = "2024-05-23T20:00:01.000Z"
FAR_AHEAD = "2031-01-01T00:00:00.000Z"


class Reading:
    """A reader of one organization."""

    def __init__(self, harness: Harness, name: str) -> None:
        self._harness = harness
        self._name = name
        self.reader = InterviewReader(harness.store.engine)

    def organization(self) -> Organization:
        """Return the organization's current state."""
        found = self._harness.run(self._harness.store.organizations.find(self._name))
        assert found is not None
        return found

    def page(self, organization: Organization, as_of: int | None, after: int | None = None) -> Page:
        """Return a page of two."""
        query = InterviewQuery(updated_after=SINCE, as_of=None if as_of is None else Instant(as_of))
        return self._harness.run(self.reader.page(organization, query, PageRequest(size=2, after=after)))


@pytest.fixture
def reading(tenant: Tenant, database: str) -> Iterator[Reading]:
    tenant.merge([record(i, updated_at=FIRST) for i in range(1, 9)])
    with opened(database) as harness:
        yield Reading(harness, tenant.organization.name)


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> list[InterviewQuery]:
    """Return the queries for which ids are collected, while the test runs."""
    queries: list[InterviewQuery] = []
    gather = IdListReader.gather

    async def gather_and_note(
        lists: IdListReader[InterviewQuery], organization: Organization, query: InterviewQuery, reader: Reader
    ) -> MatchingIds:
        queries.append(query)
        return await gather(lists, organization, query, reader)

    monkeypatch.setattr(IdListReader, "gather", gather_and_note)
    return queries


def ids(page: Page) -> list[int]:
    return [each["id"] for each in msgspec.json.decode(page.body)]


def test_as_long_as_nothing_is_written_all_pages_share_their_matches(
    reading: Reading, gathered: list[InterviewQuery]
) -> None:
    first = reading.page(reading.organization(), None)
    as_of = first.organization.last_updated_at
    seen, after = ids(first), first.last_id
    while after is not None:
        page = reading.page(reading.organization(), as_of, after)
        seen, after = seen + ids(page), page.last_id if page.more else None
    assert seen == list(range(1, 9))
    assert len(gathered) == 1


def test_changes_made_meanwhile_are_left_out_and_searched_once(
    reading: Reading, gathered: list[InterviewQuery], tenant: Tenant
) -> None:
    as_of = reading.organization().last_updated_at
    tenant.merge([record(i, updated_at=LATER) for i in (4, 5, 20)])
    assert ids(reading.page(reading.organization(), as_of, 2)) == [3, 6]
    assert ids(reading.page(reading.organization(), as_of, 6)) == [7, 8]
    assert len(gathered) == 1
    assert ids(reading.page(reading.organization(), None, 3)) == [4, 5], "the next sync's"


def test_a_change_between_request_and_read_is_left_out_too(reading: Reading, tenant: Tenant) -> None:
    before = reading.organization()
    tenant.merge([record(4, updated_at=LATER)])
    page = reading.page(before, before.last_updated_at, 2)
    assert ids(page) == [3, 5]
    assert page.organization.version == reading.organization().version


def test_a_time_of_no_commit_hides_nothing(reading: Reading, tenant: Tenant) -> None:
    """A record with a time years ahead is not a recent change: it is shown, or nobody would ever see it."""
    tenant.merge([record(4, updated_at=FAR_AHEAD)])
    as_of = reading.organization().last_updated_at
    tenant.merge([record(5, updated_at=LATER)])
    assert ids(reading.page(reading.organization(), as_of, 2)) == [3, 4]
