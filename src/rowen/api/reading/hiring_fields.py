"""The bodies of writes of jobs, job stages, candidates and applications.

Owns their fields (contract section 10; public Harvest v1 reference, "POST: Add Candidate"). Must not know the records
that exist: problems that only they reveal are found later, and reported together with these.
"""

from collections.abc import Mapping
from typing import Any, Final

from rowen.api import examples
from rowen.api.headers.acting_user import read_acting_user
from rowen.api.reading import values
from rowen.api.reading.body import Body
from rowen.api.reading.user_fields import reference_by
from rowen.api.reading.values import ValueReader, sequence, structure, whole
from rowen.api.request import ApiRequest
from rowen.interviews.errors import Problems
from rowen.interviews.hiring import (
    ApplicationFields,
    ApplicationInput,
    CandidateFields,
    JobFields,
    JobStatus,
    StageFields,
    StageInterviewInput,
)

_MOST: Final = 100
"""How many elements an array may have."""

_LARGEST: Final = 100_000


_WHOLE: Final = whole(0, _LARGEST)

_JOB: Final[Mapping[str, ValueReader[Any]]] = {
    "name": values.name,
    "status": values.choice(JobStatus),
    "requisition_id": values.or_blank(values.name),
    "notes": values.nullable(values.prose),
}
NEW_JOB: Final = Body("NewJob", _JOB, examples.NEW_JOB, ("name",))
JOB_CHANGES: Final = Body("JobChanges", _JOB, examples.JOB_CHANGES)

_PLANNED: Final[Mapping[str, ValueReader[Any]]] = {
    "name": values.name,
    "estimated_minutes": values.nullable(_WHOLE),
    "default_interviewer_users": sequence(values.identifier, _MOST),
}
_KEPT: Final[Mapping[str, ValueReader[Any]]] = {
    "id": values.identifier.described("That of an interview of the stage, which it keeps; without one it is new"),
    **_PLANNED,
}
_STAGE: Final[Mapping[str, ValueReader[Any]]] = {"name": values.name, "priority": _WHOLE, "active": values.boolean}
NEW_STAGE: Final = Body(
    "NewJobStage",
    {
        "job_id": values.identifier,
        **_STAGE,
        "interviews": sequence(structure(StageInterviewInput, _PLANNED, "name"), _MOST),
    },
    examples.NEW_STAGE,
    ("job_id", "name"),
)
STAGE_CHANGES: Final = Body(
    "JobStageChanges",
    {**_STAGE, "interviews": sequence(structure(StageInterviewInput, _KEPT, "name"), _MOST)},
    examples.STAGE_CHANGES,
)

_APPLICATION: Final[Mapping[str, ValueReader[Any]]] = {
    "job_id": values.identifier,
    "initial_stage_id": values.identifier.described("A stage of the job; the first one where it is left out"),
}
NEW_APPLICATION: Final = Body("NewApplication", _APPLICATION, examples.NEW_APPLICATION, ("job_id",))


def _contacts(reader: ValueReader[str]) -> ValueReader[Any]:
    """Return the reader of an array of contacts, each a value and what kind of contact it is."""
    return sequence(structure(dict, {"value": reader, "type": values.nullable(values.name)}, "value"), _MOST)


_TIME: Final = values.nullable(values.instant)
_EMPLOYMENT: Final[Mapping[str, ValueReader[Any]]] = {
    "company_name": values.name,
    "title": values.name,
    "start_date": _TIME,
    "end_date": _TIME,
}


def _employment(**given: Any) -> dict[str, Any]:
    """Return an employment with all of its fields."""
    return {name: given.get(name) for name in _EMPLOYMENT}


_RESPONSIBLE: Final[Mapping[str, ValueReader[Any]]] = {
    name: reference_by({"id": values.identifier, "email": values.email}) for name in ("recruiter", "coordinator")
}

NEW_CANDIDATE: Final = Body(
    "NewCandidate",
    {
        "first_name": values.name,
        "last_name": values.name,
        "company": values.or_blank(values.name),
        "title": values.or_blank(values.name),
        "is_private": values.boolean,
        "phone_numbers": _contacts(values.name),
        "addresses": _contacts(values.prose),
        "email_addresses": _contacts(values.email),
        "website_addresses": _contacts(values.text),
        "social_media_addresses": _contacts(values.text),
        "tags": sequence(values.name, _MOST),
        "employments": sequence(structure(_employment, _EMPLOYMENT, "company_name", "title"), _MOST),
        **_RESPONSIBLE,
        "applications": sequence(structure(ApplicationInput, _APPLICATION, "job_id"), _MOST, 1),
    },
    examples.NEW_CANDIDATE,
    ("first_name", "last_name", "applications"),
)


def read_job(request: ApiRequest, body: Body) -> JobFields:
    """Read the POST or PATCH of a job. Raises Refusal."""
    return JobFields(**_read(request, body))


def read_stage(request: ApiRequest, body: Body) -> StageFields:
    """Read the POST or PATCH of a job stage. Raises Refusal."""
    fields = _read(request, body)
    if "interviews" in fields:  # those among the problems are None
        fields["interviews"] = tuple(each or StageInterviewInput() for each in fields["interviews"])
    return StageFields(**fields)


def read_application(request: ApiRequest) -> ApplicationFields:
    """Read the POST of an application. Raises Refusal."""
    fields = _read(request, NEW_APPLICATION)
    application = ApplicationInput(**{name: fields.pop(name) for name in _APPLICATION if name in fields})
    return ApplicationFields(application=application, **fields)


def read_candidate(request: ApiRequest) -> CandidateFields:
    """Read the POST of a candidate. Raises Refusal."""
    fields = _read(request, NEW_CANDIDATE)
    applications = tuple(each or ApplicationInput() for each in fields.pop("applications", ()))
    taken = {name: fields.pop(name) for name in ("on_behalf_of", "problems", "employments") if name in fields}
    responsible = {name: fields.pop(name) for name in _RESPONSIBLE if name in fields}
    return CandidateFields(person=fields, applications=applications, responsible=responsible, **taken)


def _read(request: ApiRequest, body: Body) -> dict[str, Any]:
    """Return the fields of a body, the acting user, and all problems of both. Raises Refusal."""
    problems = Problems()
    fields = body.read(request.body, problems)
    user = read_acting_user(request, problems)
    return {**fields, "on_behalf_of": user, "problems": tuple(problems.found)}
