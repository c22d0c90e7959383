"""The fields of job stages ("The job stage object").

Owns their order, their types and their search terms. Must not know other resources.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from rowen.api.codec.records.shape import Json, Shape, Term
from rowen.interviews.interview import Identifier
from rowen.interviews.moments import Instant


class StageInterview(msgspec.Struct, frozen=True):
    """The interview of a job stage, as far as searches need it."""

    id: Identifier
    name: str | None = None


class JobStageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A job stage."""

    id: Identifier
    name: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    active: bool = True
    job_id: Identifier | None = None
    priority: int = 0
    interviews: list[StageInterview] = []


def _terms(document: Json) -> Iterator[Term]:
    if document["job_id"] is not None:
        yield "job_id", str(document["job_id"])
    for interview in document["interviews"]:
        yield "interview_id", str(interview["id"])


SHAPE: Final = Shape(
    JobStageRecord,
    frozenset({"interviews", "job_id", "priority"}),
    "created_at",
    "updated_at",
    lambda _: None,
    _terms,
)
