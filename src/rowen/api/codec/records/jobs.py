"""The fields of jobs ("The job object").

Owns their order, their types and their search terms. Must not know other resources.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rowen.api.codec.records.shape import Json, Shape, Term
from rowen.interviews.interview import Identifier
from rowen.interviews.moments import Instant


class JobDepartment(msgspec.Struct, frozen=True):
    """The department of a job, as far as searches need it."""

    id: Identifier
    external_id: str | None = None


class JobOffice(msgspec.Struct, frozen=True):
    """An office of a job, as far as searches need it."""

    id: Identifier
    external_id: str | None = None


class Opening(msgspec.Struct, frozen=True):
    """An opening of a job, as far as searches need it."""

    id: Identifier
    opening_id: str | None = None
    status: str | None = None


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A job. The list of departments of a job without one holds a null."""

    id: Identifier
    name: str | None = None
    requisition_id: str | None = None
    notes: str | None = None
    confidential: bool = False
    status: str | None = None
    created_at: Instant | None = None
    opened_at: Instant | None = None
    closed_at: Instant | None = None
    updated_at: Instant | None = None
    is_template: bool | None = None
    copied_from_id: Identifier | None = None
    departments: list[JobDepartment | None] = []
    offices: list[JobOffice | None] = []
    custom_fields: Any = None
    keyed_custom_fields: Any = None
    hiring_team: dict[str, list[Any] | None] | None = None
    openings: list[Opening] = []


def _terms(document: Json) -> Iterator[Term]:
    if document["requisition_id"] is not None:
        yield "requisition_id", document["requisition_id"]
    for opening in document["openings"]:
        if opening.get("opening_id") is not None:
            yield "opening_id", opening["opening_id"]
    for name, places in (("department", document["departments"]), ("office", document["offices"])):
        for place in places:
            if place is None:
                continue
            yield f"{name}_id", str(place["id"])
            if place.get("external_id") is not None:
                yield f"external_{name}_id", place["external_id"]


SHAPE: Final = Shape(
    JobRecord,
    frozenset({"requisition_id", "hiring_team", "openings", "confidential", "is_template", "copied_from_id"}),
    "created_at",
    "updated_at",
    lambda document: document["status"],
    _terms,
)
