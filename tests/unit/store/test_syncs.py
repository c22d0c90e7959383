"""The later pages of a sync: as of its first, and found no slower for it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from rowen import wiring
from rowen.app.ports import Organization, Page
from rowen.interviews.moments import Instant
from rowen.interviews.query import InterviewQuery, PageRequest
from rowen.store.database import locate
from rowen.store.interviews import InterviewReader
from rowen.store.matches import Matches
from tests.concurrency.writer import Client, Writer
from tests.support.records import record

SINCE = Instant.parse("2024-01-01")
FIRST = "2024-05-23T20:00:00.000Z"
LATER = "2024-05-23T20:00:01.000Z"
FAR_AHEAD = "2031-01-01T00:00:00.000Z"


class CountingReader(InterviewReader):
    """A reader that counts how often it looks for matches."""

    gathered = 0

    async def _gather(self, *arguments: Any) -> Matches:
        self.gathered += 1
        return await super()._gather(*arguments)


class Reading:
    """A reader of one organization."""

    def __init__(self, store: wiring.Store, name: str) -> None:
        self._store = store
        self._name = name
        self._runner = asyncio.Runner()
        self.reader = CountingReader(store.engine)

    def organization(self) -> Organization:
        """Return the organization as of now."""
        found = self._runner.run(self._store.organizations.find(self._name))
        assert found is not None
        return found

    def page(self, organization: Organization, as_of: int | None, after: int | None = None) -> Page:
        """Return a page of two."""
        query = InterviewQuery(updated_after=SINCE, as_of=None if as_of is None else Instant(as_of))
        return self._runner.run(self.reader.page(organization, query, PageRequest(size=2, after=after)))

    def close(self) -> None:
        """Let go of the database."""
        self._runner.run(self._store.engine.close())
        self._runner.close()


@pytest.fixture
def reading(writer: Writer, client: Client, database: str) -> Iterator[Reading]:
    writer.merge(client, [record(i, updated_at=FIRST) for i in range(1, 9)])
    opened = Reading(wiring.open_store(locate(database)), "one")
    yield opened
    opened.close()


def ids(page: Page) -> list[int]:
    return [each["id"] for each in msgspec.json.decode(page.body)]


def test_as_long_as_nothing_is_written_all_pages_share_their_matches(reading: Reading) -> None:
    first = reading.page(reading.organization(), None)
    as_of = first.organization.last_updated_at
    seen, after = ids(first), first.last_id
    while after is not None:
        page = reading.page(reading.organization(), as_of, after)
        seen, after = seen + ids(page), page.last_id if page.more else None
    assert seen == list(range(1, 9))
    assert reading.reader.gathered == 1


def test_what_is_written_meanwhile_is_left_out_and_looked_for_once(
    reading: Reading, writer: Writer, client: Client
) -> None:
    as_of = reading.organization().last_updated_at
    writer.merge(client, [record(i, updated_at=LATER) for i in (4, 5, 20)])
    assert ids(reading.page(reading.organization(), as_of, 2)) == [3, 6]
    assert ids(reading.page(reading.organization(), as_of, 6)) == [7, 8]
    assert reading.reader.gathered == 1
    assert ids(reading.page(reading.organization(), None, 3)) == [4, 5], "the next sync's"


def test_what_comes_between_asking_and_reading_is_left_out_too(
    reading: Reading, writer: Writer, client: Client
) -> None:
    before = reading.organization()
    writer.merge(client, [record(4, updated_at=LATER)])
    page = reading.page(before, before.last_updated_at, 2)
    assert ids(page) == [3, 5]
    assert page.organization.version == reading.organization().version


def test_a_time_that_is_no_commits_hides_nothing(reading: Reading, writer: Writer, client: Client) -> None:
    """A record with a time years ahead is no change of late: it is shown, or nobody would ever see it."""
    writer.merge(client, [record(4, updated_at=FAR_AHEAD)])
    as_of = reading.organization().last_updated_at
    writer.merge(client, [record(5, updated_at=LATER)])
    assert ids(reading.page(reading.organization(), as_of, 2)) == [3, 4]
