"""The rows of candidates and jobs in Harvest v3 (contract section 9).

Owns their fields, their order, and how they follow from a document of v1. What v1 does not have is null.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from rowen.api.codec.v3.rows import Json, Times, ids_of, list_of, text_of
from rowen.app.records import RecordRow


class CandidateRow(msgspec.Struct, frozen=True):
    """A candidate."""

    id: int
    created_at: str
    updated_at: str
    first_name: str | None
    last_name: str | None
    preferred_name: str | None
    company: str | None
    title: str | None
    last_activity_at: str | None
    private: bool
    can_email: bool
    email_addresses: list[Any]
    phone_numbers: list[Any]
    addresses: list[Any]
    website_addresses: list[Any]
    social_media_addresses: list[Any]
    tags: list[Any]
    linked_user_ids: list[Any]
    message: str | None
    time_zone: str | None
    custom_fields: Any


class JobRow(msgspec.Struct, frozen=True):
    """A job."""

    id: int
    created_at: str
    updated_at: str
    name: str | None
    requisition_id: str | None
    status: str | None
    confidential: bool
    is_template: bool | None
    copied_from_id: int | None
    department_id: int | None
    office_ids: list[int]
    opened_at: str | None
    closed_at: str | None
    notes: str | None
    custom_fields: Any


def candidate(source: RecordRow, found: Json, at: Times) -> Iterator[Any]:
    """Make the row of a candidate."""
    yield CandidateRow(
        source.id,
        *at,
        text_of(found["first_name"]),
        text_of(found["last_name"]),
        None,
        text_of(found["company"]),
        text_of(found["title"]),
        found["last_activity"],
        bool(found["is_private"]),
        bool(found["can_email"]),
        found["email_addresses"],
        found["phone_numbers"],
        found["addresses"],
        found["website_addresses"],
        found["social_media_addresses"],
        list_of(found["tags"]),
        found["linked_user_ids"],
        None,
        None,
        found["custom_fields"],
    )


def job(source: RecordRow, found: Json, at: Times) -> Iterator[Any]:
    """Make the row of a job."""
    copied = found.get("copied_from_id")
    yield JobRow(
        source.id,
        *at,
        text_of(found["name"]),
        text_of(found["requisition_id"]),
        text_of(found["status"]),
        bool(found["confidential"]),
        found.get("is_template"),
        copied if isinstance(copied, int) else None,
        min(ids_of(found["departments"]), default=None),
        ids_of(found["offices"]),
        found["opened_at"],
        found["closed_at"],
        text_of(found["notes"]),
        found["custom_fields"],
    )
