"""The bodies of writes of interviews in Harvest v3.

Owns their fields, and what these are called by the use cases, which v1 and v2 share. Each is read as in v2. Must not
know the schedule.
"""

from collections.abc import Mapping
from typing import Any, Final

from rowen.api import examples
from rowen.api.reading.body import Body, read_object
from rowen.api.reading.fields import INTERVIEW_CHANGES, NEW_INTERVIEW, day
from rowen.api.reading.values import ValueReader, require
from rowen.api.request import ApiRequest
from rowen.api.schemas import Json
from rowen.interviews.errors import FieldProblem, Problems
from rowen.interviews.scheduling import InterviewFields

_NAMES: Final = {"start": "starts_at", "end": "ends_at", "interview_id": "job_interview_id", "On-Behalf-Of": "sub"}
"""The names in v3, by those in v2."""

_ALL_DAY: Final = {"all_day_start_on": "starts_at", "all_day_end_on": "ends_at"}
"""The names of the ends of an all-day interview, which is given by them, by those of a timed one."""

_OWN: Final = {name: own for own, name in _NAMES.items()}


def _fields(readers: Mapping[str, ValueReader[Any]]) -> dict[str, ValueReader[Any]]:
    return {**{_NAMES.get(name, name): reader for name, reader in readers.items()}, **dict.fromkeys(_ALL_DAY, day)}


def _example(example: Json) -> Json:
    return {_NAMES.get(name, name): value for name, value in example.items()}


NEW_V3_INTERVIEW: Final = Body(
    "V3NewInterview",
    _fields({**NEW_INTERVIEW.fields, **INTERVIEW_CHANGES.fields}),
    _example(examples.NEW_INTERVIEW),
    ("application_id", "job_interview_id", "interviewers"),
)
V3_INTERVIEW_CHANGES: Final = Body(
    "V3InterviewChanges", _fields(INTERVIEW_CHANGES.fields), _example(examples.INTERVIEW_CHANGES)
)


def read_v3_interview(request: ApiRequest, body: Body) -> InterviewFields:
    """Read a POST or a PATCH; without an acting user the integration acts. Raises Refusal."""
    problems = Problems()
    given = read_object(request.body, problems)
    values = body.read_values(given, problems)
    for all_day, timed in _ALL_DAY.items():
        day_given = values.pop(all_day, None)
        if all_day not in given:
            require(problems, "", given, (timed,) if body is NEW_V3_INTERVIEW else ())
        elif timed in given:
            problems.note(all_day, f"Must not be given together with {timed}")
        elif day_given is not None:
            values[timed] = day_given
    fields = {_OWN.get(name, name): value for name, value in values.items()}
    user = request.acting_user
    return InterviewFields(**fields, on_behalf_of=user, by_integration=user is None, problems=tuple(problems.found))


def named_as_in_v3(problem: FieldProblem) -> FieldProblem:
    """Return a problem of a use case under the name that its field has in v3."""
    return problem._replace(field=_NAMES.get(problem.field, problem.field))
