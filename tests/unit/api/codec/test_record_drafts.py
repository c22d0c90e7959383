"""Drafts of records that are decoded already: the same as of their bytes, and the same problems."""

from typing import Any, Final

import msgspec
import pytest

from rowen.api import examples
from rowen.api.codec import records
from rowen.api.codec.documents import InvalidDocumentError

EXAMPLES: Final = {
    "users": examples.USER,
    "applications": examples.APPLICATION,
    "job_stages": examples.JOB_STAGE,
    "scorecards": examples.SCORECARD,
    "candidates": examples.CANDIDATE,
    "jobs": examples.JOB,
}
BARE: Final[dict[str, Any]] = {"id": 5, "another": None, "created_at": "2024-01-02T03:04:05+01:00"}
WRONG: Final[dict[str, Any]] = {"id": 0, "created_at": "yesterday", "applied_at": 5}


@pytest.mark.parametrize("resource", EXAMPLES)
@pytest.mark.parametrize("kind", ["whole", "backwards", "bare"])
def test_a_decoded_record_has_the_draft_of_its_bytes(resource: str, kind: str) -> None:
    whole = EXAMPLES[resource]
    record = {"whole": whole, "backwards": dict(reversed(whole.items())), "bare": BARE}[kind]
    draft = records.draft_of(resource, record)
    assert draft == records.draft(resource, msgspec.json.encode(record))
    assert list(msgspec.json.decode(draft.document or b""))[: len(whole)] == list(whole), "every key, in its order"


@pytest.mark.parametrize("resource", EXAMPLES)
def test_a_decoded_record_has_the_problems_of_its_bytes(resource: str) -> None:
    with pytest.raises(InvalidDocumentError) as of_bytes:
        records.draft(resource, msgspec.json.encode(WRONG))
    with pytest.raises(InvalidDocumentError) as decoded:
        records.draft_of(resource, WRONG)
    assert decoded.value.problems == of_bytes.value.problems


def test_drafts_share_nothing_that_another_could_change() -> None:
    first = records.draft_of("users", {"id": 1, "primary_email_address": "ann@example.com"})
    second = records.draft_of("users", {"id": 2})
    assert msgspec.json.decode(first.document or b"")["emails"] == ["ann@example.com"]
    assert msgspec.json.decode(second.document or b"")["emails"] == []
