"""Jobs with their plans, candidates and applications: what clients set of them.

Owns that as typed values. Must not know JSON or storage.
"""

from enum import StrEnum
from typing import Any

import msgspec

from rowen.interviews.errors import FieldProblem
from rowen.interviews.people import UserReference
from rowen.interviews.scheduling import UNSET, Unset


class JobStatus(StrEnum):
    """The status of a job."""

    OPEN = "open"
    CLOSED = "closed"
    DRAFT = "draft"


class JobFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a job that a client sets; those that are UNSET stay as they are.

    Here and below `problems` are those of the request itself, and `on_behalf_of` is the acting user, None only if that
    is among the problems.
    """

    name: str | Unset = UNSET
    status: JobStatus | Unset = UNSET
    requisition_id: str | Unset | None = UNSET
    notes: str | Unset | None = UNSET
    on_behalf_of: int | None = None
    problems: tuple[FieldProblem, ...] = ()


class StageInterviewInput(msgspec.Struct, frozen=True, kw_only=True):
    """An interview of a stage as a client sends it; `id` is that of one that the stage has."""

    name: str | None = None
    id: int | None = None
    estimated_minutes: int | None = None
    default_interviewer_users: tuple[int, ...] = ()


class StageFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a job stage that a client sets."""

    name: str | Unset = UNSET
    job_id: int | Unset = UNSET
    priority: int | Unset = UNSET
    active: bool | Unset = UNSET
    interviews: tuple[StageInterviewInput, ...] | Unset = UNSET
    on_behalf_of: int | None = None
    problems: tuple[FieldProblem, ...] = ()


class ApplicationInput(msgspec.Struct, frozen=True, kw_only=True):
    """An application as a client sends it."""

    job_id: int | None = None
    initial_stage_id: int | None = None


class ApplicationFields(msgspec.Struct, frozen=True, kw_only=True):
    """An application that is added to a candidate, and who adds it."""

    application: ApplicationInput
    on_behalf_of: int | None = None
    problems: tuple[FieldProblem, ...] = ()


class CandidateFields(msgspec.Struct, frozen=True, kw_only=True):
    """A new candidate: `person` are the plain fields by name, as in the document.

    `employments` are those of the document but for their ids. `responsible` are the users who are the `recruiter` or
    the `coordinator`.
    """

    person: dict[str, Any]
    employments: tuple[dict[str, Any], ...] = ()
    responsible: dict[str, UserReference] = {}
    applications: tuple[ApplicationInput, ...] = ()
    on_behalf_of: int | None = None
    problems: tuple[FieldProblem, ...] = ()


class Stage(msgspec.Struct, frozen=True, gc=False):
    """A stage of a job, as far as applications need it."""

    id: int
    name: str | None = None
    job_id: int | None = None
    priority: int = 0
    active: bool = True
