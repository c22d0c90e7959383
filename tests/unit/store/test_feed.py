"""Reading what happened: in order, whole, and of the organization asked for only."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rowen.app.following import FeedPage
from rowen.app.ports import Organization
from rowen.interviews.changes import FieldChange, Kind
from rowen.interviews.interview import InterviewId
from tests.support.changes import Chronicler, Happening, chronicling


@pytest.fixture
def chronicler(database: str) -> Iterator[Chronicler]:
    with chronicling(database) as opened:
        yield opened


@pytest.fixture
def one(chronicler: Chronicler) -> Organization:
    return chronicler.new_organization("one")


def page(chronicler: Chronicler, organization: Organization, after: int, limit: int = 100) -> FeedPage:
    return chronicler.run(chronicler.store.feed.after(organization, after, limit))


def bodies(found: FeedPage) -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in found.entries]


def test_an_entry_is_its_summary_with_the_document_behind(chronicler: Chronicler, one: Organization) -> None:
    changed = [FieldChange("location", None, 'The "Hatch", }')]
    document = b'{"id":7,"location":"The \\"Hatch\\", }"}'
    chronicler.write(one, Happening(Kind.UPDATED, 7, document, changed), Happening(Kind.IMPORTED, None, None))
    found = page(chronicler, one, 0)
    updated, imported = bodies(found)
    assert list(updated)[:5] == ["revision", "time", "kind", "actor", "scheduled_interview_id"]
    assert list(updated)[-2:] == ["fields", "document"]
    assert found.entries[0].body.endswith(document + b"}")
    assert updated["fields"] == [{"field": "location", "before": None, "after": 'The "Hatch", }'}]
    assert (imported["document"], imported["kind"], imported["scheduled_interview_id"]) == (None, "imported", None)
    assert [(entry.revision, entry.kind) for entry in found.entries] == [(1, "updated"), (2, "imported")]


def test_pages_lead_on_without_skipping(chronicler: Chronicler, one: Organization) -> None:
    chronicler.write(one, *[Happening()] * 7)
    seen: list[int] = []
    after, more = 0, True
    while more:
        found = page(chronicler, one, after, 3)
        assert len(found.entries) <= 3
        seen += [entry.revision for entry in found.entries]
        after, more = found.last_revision, found.more
    assert seen == list(range(1, 8))
    assert after == 7


def test_a_full_last_page_says_that_it_is_the_last(chronicler: Chronicler, one: Organization) -> None:
    chronicler.write(one, *[Happening()] * 3)
    assert not page(chronicler, one, 0, 3).more
    assert page(chronicler, one, 0, 2).more


def test_revisions_that_nobody_is_told_of_are_passed_over(chronicler: Chronicler, one: Organization) -> None:
    assert (page(chronicler, one, 0).entries, page(chronicler, one, 0).last_revision) == ((), 0)
    chronicler.write(one, Happening())
    newest = chronicler.pass_over(one)
    found = page(chronicler, one, 0)
    assert [entry.revision for entry in found.entries] == [1]
    assert found.last_revision == newest == 2
    assert found.organization.revision == 2
    assert page(chronicler, one, newest).entries == ()


def test_what_is_still_to_come_is_the_newest(chronicler: Chronicler, one: Organization) -> None:
    """As after a restored backup, which counts revisions anew."""
    chronicler.write(one, Happening())
    found = page(chronicler, one, 1_000)
    assert (found.entries, found.last_revision, found.more) == ((), 1, False)


def test_nothing_of_another_organization_is_told(chronicler: Chronicler, one: Organization) -> None:
    two = chronicler.new_organization("two")
    chronicler.write(two, Happening(document=b'{"secret":1}'))
    assert page(chronicler, one, 0).entries == ()
    assert chronicler.run(chronicler.store.feed.history(one, InterviewId(1))) == []
    assert len(chronicler.run(chronicler.store.feed.history(two, InterviewId(1)))) == 1


def test_a_history_is_the_summaries_of_one_interview(chronicler: Chronicler, one: Organization) -> None:
    kinds = (Kind.CREATED, Kind.RESCHEDULED, Kind.CANCELLED)
    for kind in kinds:
        chronicler.write(one, Happening(kind, 5), Happening(kind, 6))
    found = [json.loads(each) for each in chronicler.run(chronicler.store.feed.history(one, InterviewId(5)))]
    assert [each["kind"] for each in found] == list(kinds)
    assert [each["revision"] for each in found] == [1, 3, 5]
    assert all("document" not in each for each in found)
