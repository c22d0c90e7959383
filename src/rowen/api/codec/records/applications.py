"""The fields of applications ("The application object").

Owns their order, their types and their search terms. Must not know other resources.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rowen.api.codec.records.shape import Json, Shape, Term
from rowen.app.records import ACTIVE
from rowen.interviews.interview import Identifier
from rowen.interviews.moments import Instant


class ApplicationJob(msgspec.Struct, frozen=True):
    """The job of an application, as far as searches need it."""

    id: Identifier


class ApplicationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An application."""

    id: Identifier
    candidate_id: Identifier | None = None
    prospect: bool = False
    applied_at: Instant | None = None
    rejected_at: Instant | None = None
    last_activity_at: Instant | None = None
    location: Any = None
    source: Any = None
    credited_to: Any = None
    recruiter: Any = None
    coordinator: Any = None
    rejection_reason: Any = None
    rejection_details: Any = None
    jobs: list[ApplicationJob] = []
    job_post_id: Identifier | None = None
    status: str = ACTIVE
    current_stage: Any = None
    answers: list[Any] = []
    prospective_office: Any = None
    prospective_department: Any = None
    prospect_detail: Any = None
    custom_fields: Any = None
    keyed_custom_fields: Any = None
    attachments: list[Any] = []


def _terms(document: Json) -> Iterator[Term]:
    for job in document["jobs"]:
        yield "job_id", str(job["id"])
    if document["candidate_id"] is not None:
        yield "candidate_id", str(document["candidate_id"])


SHAPE: Final = Shape(
    ApplicationRecord,
    frozenset({"prospect", "applied_at", "last_activity_at", "job_post_id", "current_stage"}),
    "applied_at",
    "last_activity_at",
    lambda document: str(document["status"]),
    _terms,
)
