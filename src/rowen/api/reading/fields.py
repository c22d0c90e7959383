"""The bodies of writes of interviews and scorecards.

Owns their fields (contract section 4; public Harvest reference, "POST: Create Scheduled Interview"), and the header
that names the user. Must not know the schedule: problems that only it reveals are found later, and reported together
with these.
"""

import datetime
from collections.abc import Mapping
from typing import Any, Final

from rowen.api import examples, schemas
from rowen.api.headers.acting_user import read_acting_user
from rowen.api.reading import values
from rowen.api.reading.body import Body, read_object
from rowen.api.reading.values import ValueReader, read_fields, require
from rowen.api.request import ApiRequest
from rowen.api.schemas import DATE, TIME, closed
from rowen.interviews.errors import Problems
from rowen.interviews.interview import Moment, ResponseStatus
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import MOST_INTERVIEWERS, InterviewerInput, InterviewFields
from rowen.interviews.scorecards import Attribute, Question, Rating, Recommendation, ScorecardFields

MOST_ATTRIBUTES: Final = 500
"""How many attributes, and how many questions, a scorecard may have."""


def _read_moment(problems: Problems, path: str, value: Any) -> Moment | None:
    """Read one end of an interview: ISO-8601 text, or an object with `date_time` or `date`."""
    try:
        if isinstance(value, str):
            return Moment(date_time=Instant.parse(value))
        if isinstance(value, dict) and len(value) == 1:
            (kind, inner), *_ = value.items()
            if kind == "date_time" and isinstance(inner, str):
                return Moment(date_time=Instant.parse(inner))
            if kind == "date" and isinstance(inner, str):
                return Moment(date=datetime.date.fromisoformat(inner))
    except ValueError:
        pass
    problems.note(path, 'Must be an ISO-8601 time, {"date_time": …} or {"date": …}')
    return None


_MOMENT: Final = ValueReader(
    _read_moment,
    {
        "description": "An ISO-8601 time (a date is its midnight in UTC), or an object; all-day is `date`",
        "anyOf": [*TIME["anyOf"], closed({"date_time": TIME}), closed({"date": DATE})],
    },
)


def _read_day(problems: Problems, path: str, value: Any) -> Moment | None:
    try:
        return Moment(date=datetime.date.fromisoformat(value))
    except (TypeError, ValueError):
        problems.note(path, "Must be an ISO-8601 date")
        return None


day: Final = ValueReader(_read_day, {**DATE, "description": "The date of an end of an all-day interview"})
"""One end of an all-day interview, as its date."""

_IDENTIFYING: Final[Mapping[str, ValueReader[Any]]] = {
    "user_id": values.identifier,
    "id": values.identifier,
    "email": values.email,
    "employee_id": values.name,
}
"""The fields that name a user; null is the same as leaving one out."""

_INTERVIEWER_FIELDS: Final[Mapping[str, ValueReader[Any]]] = {
    **{name: reader for name, reader in _IDENTIFYING.items() if name != "id"},
    "name": values.nullable(values.name),
    "response_status": values.choice(ResponseStatus),
}


def _read_interviewer(problems: Problems, path: str, value: Any) -> InterviewerInput | None:
    """Read one interviewer, who may have no answer yet; its valid parts are kept along with its problems."""
    if not isinstance(value, dict):
        problems.note(path, "Must be an object")
        return InterviewerInput()
    fields = {name: inner for name, inner in value.items() if not (inner is None and name in _IDENTIFYING)}
    if "id" in fields:  # sent by an existing client
        if "user_id" in fields and fields["user_id"] != fields["id"]:
            problems.note(f"{path}.id", "Must be the same as user_id")
        fields["user_id"] = fields.pop("id")
    if not any(name in fields for name in _IDENTIFYING):
        problems.note(path, "Must name a user by user_id, email or employee_id")
    return InterviewerInput(**read_fields(problems, path, fields, _INTERVIEWER_FIELDS))


def _read_answered_interviewer(problems: Problems, path: str, value: Any) -> InterviewerInput | None:
    """Read one interviewer, whose answer is required."""
    if isinstance(value, dict):
        require(problems, path, value, ("response_status",))
    return _read_interviewer(problems, path, value)


def _interviewer_schema(description: str, *optional: str) -> schemas.Json:
    properties = {
        **{name: schemas.nullable(reader.schema) for name, reader in _IDENTIFYING.items()},
        **{name: reader.schema for name, reader in _INTERVIEWER_FIELDS.items() if name not in _IDENTIFYING},
    }
    return {
        **closed(properties, *_IDENTIFYING, "name", *optional),
        "description": f"Names a user by `user_id` (or `id`), `email` or `employee_id`; all that are given must agree"
        f"{description}",
        "anyOf": [{"required": [name]} for name in _IDENTIFYING],
    }


_ANSWERED_INTERVIEWER: Final = ValueReader(_read_answered_interviewer, _interviewer_schema(""))
_INTERVIEWER: Final = ValueReader(
    _read_interviewer,
    _interviewer_schema(
        ". Without a `response_status` those who stay keep theirs, and others have not answered", "response_status"
    ),
)

_CHANGEABLE: Final[Mapping[str, ValueReader[Any]]] = {
    "interviewers": values.sequence(_INTERVIEWER, MOST_INTERVIEWERS, 1),
    "start": _MOMENT,
    "end": _MOMENT,
    "external_event_id": values.name.described("Unique within the organization; a new interview without one gets one"),
    "location": values.or_blank(values.text),
    "video_conferencing_url": values.or_blank(values.web_address),
}
_REFERENCES: Final = {"application_id": values.identifier, "interview_id": values.identifier}
_REQUIRED: Final = ("application_id", "interview_id", "interviewers", "start", "end")

NEW_INTERVIEW: Final = Body(
    "NewInterview",
    {**_REFERENCES, **_CHANGEABLE, "interviewers": values.sequence(_ANSWERED_INTERVIEWER, MOST_INTERVIEWERS, 1)},
    examples.NEW_INTERVIEW,
    _REQUIRED,
)
NEW_INTERVIEW_OF_APPLICATION: Final = Body(
    "NewInterviewOfApplication",
    {**_REFERENCES, **_CHANGEABLE},
    examples.NEW_INTERVIEW_OF_APPLICATION,
    _REQUIRED[1:],
)
"""The same with the application in the path: the body need not name it, and interviewers need no answer."""

INTERVIEW_CHANGES: Final = Body("InterviewChanges", _CHANGEABLE, examples.INTERVIEW_CHANGES)


def read_new_interview(request: ApiRequest, *, knows_guests: bool) -> InterviewFields:
    """Read a POST. Raises Refusal."""
    problems = Problems()
    return _interview(request, problems, NEW_INTERVIEW.read(request.body, problems), knows_guests)


def read_new_interview_of(application: int, request: ApiRequest) -> InterviewFields:
    """Read a POST with the application in the path. Raises Refusal."""
    problems = Problems()
    given = read_object(request.body, problems)
    if given.setdefault("application_id", application) not in (application, str(application)):
        problems.note("application_id", "Must be that of the path")
        given["application_id"] = application
    return _interview(request, problems, NEW_INTERVIEW_OF_APPLICATION.read_values(given, problems), False)


def read_changes(request: ApiRequest, *, knows_guests: bool) -> InterviewFields:
    """Read a PATCH. Raises Refusal."""
    problems = Problems()
    return _interview(request, problems, INTERVIEW_CHANGES.read(request.body, problems), knows_guests)


def _interview(request: ApiRequest, problems: Problems, fields: dict[str, Any], knows_guests: bool) -> InterviewFields:
    user = read_acting_user(request, problems)
    return InterviewFields(**fields, on_behalf_of=user, knows_guests=knows_guests, problems=tuple(problems.found))


_ATTRIBUTE_FIELDS: Final[Mapping[str, ValueReader[Any]]] = {
    "name": values.name,
    "type": values.nullable(values.name),
    "note": values.nullable(values.prose),
    "rating": values.choice(Rating),
}
_QUESTION_FIELDS: Final[Mapping[str, ValueReader[Any]]] = {
    "id": values.nullable(values.identifier),
    "question": values.nullable(values.prose),
    "answer": values.nullable(values.prose),
}
_SCORECARD_CHANGEABLE: Final[Mapping[str, ValueReader[Any]]] = {
    "overall_recommendation": values.choice(Recommendation),
    "attributes": values.sequence(values.structure(Attribute, _ATTRIBUTE_FIELDS, "name", "rating"), MOST_ATTRIBUTES),
    "questions": values.sequence(values.structure(Question, _QUESTION_FIELDS, "question"), MOST_ATTRIBUTES),
    "submit": values.boolean.described("Whether it is final"),
}

NEW_SCORECARD: Final = Body(
    "NewScorecard",
    {
        "scheduled_interview_id": values.identifier,
        "interviewer_id": values.identifier,
        **_SCORECARD_CHANGEABLE,
    },
    examples.NEW_SCORECARD,
    ("scheduled_interview_id", "interviewer_id"),
)
SCORECARD_CHANGES: Final = Body("ScorecardChanges", _SCORECARD_CHANGEABLE, examples.SCORECARD_CHANGES)


def read_scorecard(request: ApiRequest, body: Body) -> ScorecardFields:
    """Read the POST or PATCH of a scorecard. Raises Refusal."""
    problems = Problems()
    fields = body.read(request.body, problems)
    user = read_acting_user(request, problems)
    return ScorecardFields(**fields, on_behalf_of=user, problems=tuple(problems.found))
