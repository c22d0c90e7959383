"""Reading the feed: in order, complete, and only for the requested organization."""

import json
from typing import Any

from rowen.api.rowen.changes import entry_body
from rowen.app.changes import FeedPage
from rowen.interviews.changes import FieldChange, Kind
from rowen.interviews.interview import InterviewId
from tests.support.harness import SampleChange, Tenant


def page(tenant: Tenant, after: int, limit: int = 100) -> FeedPage:
    return tenant.harness.run(tenant.harness.store.feed.after(tenant.organization, after, limit))


def history(tenant: Tenant, interview: int) -> list[dict[str, Any]]:
    feed = tenant.harness.store.feed
    found = tenant.harness.run(feed.history(tenant.organization, InterviewId(interview)))
    return [json.loads(each) for each in found]


def bodies(found: FeedPage) -> list[dict[str, Any]]:
    return [json.loads(entry_body(entry)) for entry in found.entries]


def test_an_entry_is_its_summary_with_the_document_at_the_end(tenant: Tenant) -> None:
    changed = [FieldChange("location", None, 'The "Hatch", }')]
    document = b'{"id":7,"location":"The \\"Hatch\\", }"}'
    tenant.log_changes(SampleChange(Kind.UPDATED, 7, document, changed), SampleChange(Kind.IMPORTED, None, None))
    found = page(tenant, 0)
    updated, imported = bodies(found)
    assert list(updated)[:5] == ["revision", "time", "kind", "actor", "scheduled_interview_id"]
    assert list(updated)[-2:] == ["fields", "document"]
    assert entry_body(found.entries[0]).endswith(document + b"}")
    assert updated["fields"] == [{"field": "location", "before": None, "after": 'The "Hatch", }'}]
    assert (imported["document"], imported["kind"], imported["scheduled_interview_id"]) == (None, "imported", None)
    assert [(entry.revision, entry.kind) for entry in found.entries] == [(1, "updated"), (2, "imported")]


def test_pages_lead_on_without_skipping(tenant: Tenant) -> None:
    tenant.log_changes(*[SampleChange()] * 7)
    seen: list[int] = []
    after, more = 0, True
    while more:
        found = page(tenant, after, 3)
        assert len(found.entries) <= 3
        seen += [entry.revision for entry in found.entries]
        after, more = found.last_revision, found.more
    assert seen == list(range(1, 8))
    assert after == 7


def test_a_full_last_page_is_marked_as_the_last(tenant: Tenant) -> None:
    tenant.log_changes(*[SampleChange()] * 3)
    assert not page(tenant, 0, 3).more
    assert page(tenant, 0, 2).more


def test_revisions_without_a_change_are_skipped(tenant: Tenant) -> None:
    assert (page(tenant, 0).entries, page(tenant, 0).last_revision) == ((), 0)
    tenant.log_changes(SampleChange())
    newest = tenant.skip_revision()
    found = page(tenant, 0)
    assert [entry.revision for entry in found.entries] == [1]
    assert found.last_revision == newest == 2
    assert found.organization.revision == 2
    assert page(tenant, newest).entries == ()


def test_a_future_revision_is_the_newest(tenant: Tenant) -> None:
    """As after a restored backup, which counts revisions again."""
    tenant.log_changes(SampleChange())
    found = page(tenant, 1_000)
    assert (found.entries, found.last_revision, found.more) == ((), 1, False)


def test_no_change_of_another_organization_is_returned(tenant: Tenant) -> None:
    two = tenant.harness.tenant("two")
    two.log_changes(SampleChange(document=b'{"secret":1}'))
    assert page(tenant, 0).entries == ()
    assert history(tenant, 1) == []
    assert len(history(two, 1)) == 1


def test_a_history_is_the_summaries_of_one_interview(tenant: Tenant) -> None:
    kinds = (Kind.CREATED, Kind.RESCHEDULED, Kind.CANCELLED)
    for kind in kinds:
        tenant.log_changes(SampleChange(kind, 5), SampleChange(kind, 6))
    found = history(tenant, 5)
    assert [each["kind"] for each in found] == list(kinds)
    assert [each["revision"] for each in found] == [1, 3, 5]
    assert all("document" not in each for each in found)
