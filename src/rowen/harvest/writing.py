"""Reading what clients want written of interviews and scorecards.

Owns the fields of those bodies (contract section 4; public Harvest reference, "POST: Create Scheduled Interview").
Must not know the schedule: what only it can tell is found out later, and told together.
"""

import datetime
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rowen.app.scheduling import MISSING_USER
from rowen.harvest import bodies
from rowen.harvest.bodies import Problems
from rowen.harvest.calls import Call
from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import LARGEST_ID, Moment, ResponseStatus
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import MOST_INTERVIEWERS, InterviewFields, Seat
from rowen.interviews.scorecards import Attribute, Question, Rating, Recommendation, ScorecardFields

_MOST_ATTRIBUTES: Final = 500
_REQUIRED: Final = ("application_id", "interview_id", "interviewers", "start", "end", "external_event_id")


def _moment(problems: Problems, path: str, value: Any) -> Moment | None:
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


_SEAT_FIELDS: Final[Mapping[str, bodies.Reader[Any]]] = {
    "user_id": bodies.identifier,
    "email": bodies.email,
    "employee_id": bodies.name,
    "name": bodies.optional(bodies.name),
    "response_status": bodies.choice(ResponseStatus),
}


def _seat(problems: Problems, path: str, value: Any) -> Seat | None:
    """Read one interviewer; what is well-formed of it is kept beside its problems."""
    if not isinstance(value, dict):
        problems.note(path, "Must be an object")
        return Seat()
    fields = {name: each for name, each in value.items() if not (each is None and name in _IDENTIFIERS)}
    if "id" in fields:  # a client in the wild sends it
        if "user_id" in fields and fields["user_id"] != fields["id"]:
            problems.note(f"{path}.id", "Must be the same as user_id")
        fields["user_id"] = fields.pop("id")
    if not any(name in fields for name in _IDENTIFIERS):
        problems.note(path, "Must name a user by user_id, email or employee_id")
    bodies.require(problems, path, fields, ("response_status",))
    return Seat(**bodies.read_fields(problems, path, fields, _SEAT_FIELDS))


_IDENTIFIERS: Final = ("user_id", "id", "email", "employee_id")

_CHANGEABLE: Final[Mapping[str, bodies.Reader[Any]]] = {
    "interviewers": bodies.sequence(_seat, MOST_INTERVIEWERS, 1),
    "start": _moment,
    "end": _moment,
    "external_event_id": bodies.name,
    "location": bodies.or_blank(bodies.text),
    "video_conferencing_url": bodies.or_blank(bodies.web_address),
}
_CREATABLE: Final[Mapping[str, bodies.Reader[Any]]] = {
    "application_id": bodies.identifier,
    "interview_id": bodies.identifier,
    **_CHANGEABLE,
}


def read_new_interview(call: Call, *, knows_guests: bool, application: int | None = None) -> InterviewFields:
    """Read a POST; with `application`, that of the path, the body need not name it. Raises Refusal."""
    problems = Problems()
    found = bodies.read_object(call.body, problems)
    if application is not None and found.setdefault("application_id", application) not in (
        application,
        str(application),
    ):
        problems.note("application_id", "Must be that of the path")
        found["application_id"] = application
    bodies.require(problems, "", found, _REQUIRED)
    return _fields(call, problems, bodies.read_fields(problems, "", found, _CREATABLE), knows_guests)


def read_changes(call: Call, *, knows_guests: bool) -> InterviewFields:
    """Read a PATCH. Raises Refusal."""
    problems = Problems()
    found = bodies.read_object(call.body, problems)
    return _fields(call, problems, bodies.read_fields(problems, "", found, _CHANGEABLE), knows_guests)


def _fields(call: Call, problems: Problems, values: dict[str, Any], knows_guests: bool) -> InterviewFields:
    user = read_user(call, problems)
    return InterviewFields(**values, on_behalf_of=user, knows_guests=knows_guests, problems=tuple(problems.found))


def read_user(call: Call, problems: Problems) -> int | None:
    """Read the `On-Behalf-Of` header: the id of a user."""
    value = call.header(b"on-behalf-of")
    if not value:
        problems.found.append(MISSING_USER)
        return None
    if value.isascii() and value.isdigit() and len(value) <= 16 and 0 < int(value) <= LARGEST_ID:
        return int(value)
    problems.found.append(FieldProblem(MISSING_USER.field, "Must be the id of a user"))
    return None


_ATTRIBUTE_FIELDS: Final[Mapping[str, bodies.Reader[Any]]] = {
    "name": bodies.name,
    "type": bodies.optional(bodies.name),
    "note": bodies.optional(bodies.prose),
    "rating": bodies.choice(Rating),
}
_QUESTION_FIELDS: Final[Mapping[str, bodies.Reader[Any]]] = {
    "id": bodies.optional(bodies.identifier),
    "question": bodies.optional(bodies.prose),
    "answer": bodies.optional(bodies.prose),
}
_SCORECARD_CHANGEABLE: Final[Mapping[str, bodies.Reader[Any]]] = {
    "overall_recommendation": bodies.choice(Recommendation),
    "attributes": bodies.sequence(bodies.structure(Attribute, _ATTRIBUTE_FIELDS, "name", "rating"), _MOST_ATTRIBUTES),
    "questions": bodies.sequence(bodies.structure(Question, _QUESTION_FIELDS, "question"), _MOST_ATTRIBUTES),
    "submit": bodies.boolean,
}
_SCORECARD_CREATABLE: Final[Mapping[str, bodies.Reader[Any]]] = {
    "scheduled_interview_id": bodies.identifier,
    "interviewer_id": bodies.identifier,
    **_SCORECARD_CHANGEABLE,
}


def read_new_scorecard(call: Call) -> ScorecardFields:
    """Read the POST of a scorecard. Raises Refusal."""
    problems = Problems()
    found = bodies.read_object(call.body, problems)
    bodies.require(problems, "", found, ("scheduled_interview_id", "interviewer_id"))
    return _scorecard(call, problems, bodies.read_fields(problems, "", found, _SCORECARD_CREATABLE))


def read_scorecard_changes(call: Call) -> ScorecardFields:
    """Read the PATCH of a scorecard. Raises Refusal."""
    problems = Problems()
    found = bodies.read_object(call.body, problems)
    return _scorecard(call, problems, bodies.read_fields(problems, "", found, _SCORECARD_CHANGEABLE))


def _scorecard(call: Call, problems: Problems, values: dict[str, Any]) -> ScorecardFields:
    user = read_user(call, problems)
    return ScorecardFields(**values, on_behalf_of=user, problems=tuple(problems.found))


def encode_record(value: msgspec.Struct) -> bytes:
    """Write a record as it is served and stored."""
    return _encoder.encode(value)


_encoder: Final = msgspec.json.Encoder(enc_hook=str)
