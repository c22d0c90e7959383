"""The fields of candidates ("The candidate object").

Owns their order, their types and their search terms. Must not know other resources.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rowen.api.codec.records.shape import Json, Shape, Term
from rowen.interviews.interview import Identifier
from rowen.interviews.moments import Instant
from rowen.interviews.people import fold


class EmailAddress(msgspec.Struct, frozen=True):
    """An e-mail address of a candidate, as far as searches need it."""

    value: str | None = None


class CandidateJob(msgspec.Struct, frozen=True):
    """A job that a candidate applied to or is a prospect for, as far as searches need it."""

    id: Identifier


class CandidateApplication(msgspec.Struct, frozen=True):
    """An application in a candidate's document, as far as searches need it."""

    id: Identifier
    jobs: list[CandidateJob] | None = None


class CandidateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate."""

    id: Identifier
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    title: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    last_activity: Instant | None = None
    is_private: bool = False
    photo_url: str | None = None
    attachments: list[Any] = []
    application_ids: list[Any] = []
    phone_numbers: list[Any] = []
    addresses: list[Any] = []
    email_addresses: list[EmailAddress] = []
    website_addresses: list[Any] = []
    social_media_addresses: list[Any] = []
    recruiter: Any = None
    coordinator: Any = None
    can_email: bool = True
    tags: list[Any] = []
    applications: list[CandidateApplication] = []
    educations: list[Any] = []
    employments: list[Any] = []
    linked_user_ids: list[Any] = []
    custom_fields: Any = None
    keyed_custom_fields: Any = None


def _terms(document: Json) -> Iterator[Term]:
    for address in document["email_addresses"]:
        if address.get("value"):
            yield "email", fold(address["value"])
    for application in document["applications"]:
        for job in application.get("jobs") or ():
            yield "job_id", str(job["id"])


SHAPE: Final = Shape(
    CandidateRecord,
    frozenset(
        {
            *("email_addresses", "phone_numbers", "social_media_addresses", "website_addresses", "linked_user_ids"),
            *("application_ids", "applications", "can_email", "is_private"),
        }
    ),
    "created_at",
    "updated_at",
    lambda _: None,
    _terms,
)
