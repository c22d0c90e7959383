"""The bodies of writes of interviews in Harvest v3.

Owns their fields, and what these are called by the use cases, which v1 and v2 share. Each is read as in v2. Must not
know the schedule.
"""

from collections.abc import Mapping
from typing import Any, Final

from rowen.api import examples
from rowen.api.reading.body import Body
from rowen.api.reading.fields import INTERVIEW_CHANGES, NEW_INTERVIEW
from rowen.api.reading.values import Reader
from rowen.api.request import ApiRequest
from rowen.api.schemas import Json
from rowen.interviews.errors import FieldProblem, Problems
from rowen.interviews.scheduling import InterviewFields

_NAMES: Final = {"start": "starts_at", "end": "ends_at", "interview_id": "job_interview_id", "On-Behalf-Of": "sub"}
"""The names in v3, by those in v2."""

_OWN: Final = {name: own for own, name in _NAMES.items()}


def _fields(readers: Mapping[str, Reader[Any]]) -> dict[str, Reader[Any]]:
    return {_NAMES.get(name, name): reader for name, reader in readers.items()}


def _example(example: Json) -> Json:
    return {_NAMES.get(name, name): value for name, value in example.items()}


NEW_V3_INTERVIEW: Final = Body(
    "V3NewInterview",
    _fields({**NEW_INTERVIEW.fields, **INTERVIEW_CHANGES.fields}),
    _example(examples.NEW_INTERVIEW),
    ("application_id", "job_interview_id", "interviewers", "starts_at", "ends_at"),
)
V3_INTERVIEW_CHANGES: Final = Body(
    "V3InterviewChanges", _fields(INTERVIEW_CHANGES.fields), _example(examples.INTERVIEW_CHANGES)
)


def read_v3_interview(request: ApiRequest, body: Body) -> InterviewFields:
    """Read a POST or a PATCH; without an acting user the integration acts. Raises Refusal."""
    problems = Problems()
    fields = {_OWN.get(name, name): value for name, value in body.read(request.body, problems).items()}
    user = request.acting_user
    return InterviewFields(**fields, on_behalf_of=user, by_integration=user is None, problems=tuple(problems.found))


def named_as_in_v3(problem: FieldProblem) -> FieldProblem:
    """Return a problem of a use case under the name that its field has in v3."""
    return problem._replace(field=_NAMES.get(problem.field, problem.field))
