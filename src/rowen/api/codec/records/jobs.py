"""The fields of jobs ("The job object").

Owns their order, their types and their search terms, and the parts of a job that have addresses of their own: its
openings and its hiring team. Must not know other resources.
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


class JobMember(msgspec.Struct, frozen=True):
    """Somebody on the hiring team in a job's document, as far as the team's own call needs it."""

    id: Identifier | None = None
    active: bool | None = None
    responsible: bool | None = None


Team = dict[str, list[JobMember | None] | None]


class TeamMember(msgspec.Struct, frozen=True):
    """A hiring manager or sourcer of a job."""

    user_id: Identifier
    active: bool


class ResponsibleMember(msgspec.Struct, frozen=True):
    """A recruiter or coordinator of a job, who may be responsible for future candidates."""

    user_id: Identifier
    active: bool
    responsible: bool


class HiringTeam(msgspec.Struct, frozen=True, kw_only=True):
    """The hiring team of a job, as its own call shows it ("GET: Hiring Team")."""

    hiring_managers: list[TeamMember] = []
    recruiters: list[ResponsibleMember] = []
    coordinators: list[ResponsibleMember] = []
    sourcers: list[TeamMember] = []


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
    hiring_team: Team | None = None
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


class _Openings(msgspec.Struct):
    openings: list[msgspec.Raw] = []


class _Team(msgspec.Struct):
    hiring_team: Team = {}


_openings: Final = msgspec.json.Decoder(_Openings).decode
_opening: Final = msgspec.json.Decoder(Opening).decode
_team: Final = msgspec.json.Decoder(_Team).decode


def openings(document: bytes) -> list[tuple[Opening, bytes]]:
    """Return the openings in a job's document by id, each as far as searches need it and as it was imported."""
    found = [(_opening(raw), bytes(raw)) for raw in _openings(document).openings]
    return sorted(found, key=lambda each: each[0].id)


def hiring_team(document: bytes) -> HiringTeam:
    """Return the hiring team of a job's document.

    Whoever is in the document is active there, unless it says otherwise; members without an id are left out.
    """
    groups = _team(document).hiring_team

    def members(name: str) -> Iterator[ResponsibleMember]:
        for each in groups.get(name) or ():
            if each is not None and each.id is not None:
                yield ResponsibleMember(each.id, each.active is not False, bool(each.responsible))

    def team(name: str) -> list[TeamMember]:
        return [TeamMember(each.user_id, each.active) for each in members(name)]

    return HiringTeam(
        hiring_managers=team("hiring_managers"),
        recruiters=list(members("recruiters")),
        coordinators=list(members("coordinators")),
        sourcers=team("sourcers"),
    )


SHAPE: Final = Shape(
    JobRecord,
    frozenset({"requisition_id", "hiring_team", "openings", "confidential", "is_template", "copied_from_id"}),
    "created_at",
    "updated_at",
    lambda document: document["status"],
    _terms,
)
