"""The fields of scorecards ("The scorecard object").

Owns their order, their types and their search terms. Must not know other resources.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rowen.api.codec.records.shape import Json, Shape, Term
from rowen.interviews.interview import Identifier
from rowen.interviews.moments import Instant
from rowen.interviews.scorecards import SUBMITTED


class ScorecardRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A scorecard."""

    id: Identifier
    updated_at: Instant | None = None
    created_at: Instant | None = None
    interview: str | None = None
    interview_step: Any = None
    candidate_id: Identifier | None = None
    application_id: Identifier | None = None
    interviewed_at: Instant | None = None
    submitted_by: Any = None
    interviewer: Any = None
    submitted_at: Instant | None = None
    overall_recommendation: str | None = None
    attributes: list[Any] = []
    ratings: Any = None
    questions: list[Any] = []


def _terms(document: Json) -> Iterator[Term]:
    if document.get("application_id") is not None:
        yield "application_id", str(document["application_id"])


SHAPE: Final = Shape(
    ScorecardRecord,
    frozenset({"overall_recommendation", "submitted_at", "submitted_by", "interviewed_at", "interviewer"}),
    "created_at",
    "updated_at",
    lambda document: "draft" if document["submitted_at"] is None else SUBMITTED,
    _terms,
)
