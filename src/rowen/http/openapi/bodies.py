"""The schemas of what is sent.

Owns the bodies of writes as JSON Schema, with the limits that the readers of bodies hold them to. Must not know paths
or statuses. What only the schedule can tell (who is a user, which end is later) no schema says: a 422 does.
"""

from enum import StrEnum
from typing import Any, Final

from rowen.app.telling import Action
from rowen.harvest.bodies import LONGEST_NAME, LONGEST_TEXT
from rowen.http.openapi.schemas import IDENTIFIER, closed, nullable
from rowen.interviews.interview import ResponseStatus
from rowen.interviews.scheduling import MOST_INTERVIEWERS
from rowen.interviews.scorecards import Rating, Recommendation

Json = dict[str, Any]

_LONGEST_PROSE: Final = 100_000
_MOST_ATTRIBUTES: Final = 500
_MOST_ACTIONS: Final = 10
_LONGEST_SAFE_NUMBER: Final = 15  # digits that every number of which is an id

_TEXT: Final[Json] = {
    "type": "string",
    "minLength": 1,
    "maxLength": LONGEST_TEXT,
    "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$",
}
_NAME: Final[Json] = {**_TEXT, "maxLength": LONGEST_NAME}
_PROSE: Final[Json] = {
    "type": "string",
    "maxLength": _LONGEST_PROSE,
    "pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$",
}
_EMAIL: Final[Json] = {
    "type": "string",
    "maxLength": LONGEST_NAME,
    "pattern": r"^[^@\s\x00-\x1f\x7f-\x9f]{1,64}@[^@\s\x00-\x1f\x7f-\x9f]{1,253}$",
}
_URL: Final[Json] = {
    "type": "string",
    "maxLength": LONGEST_TEXT,
    "pattern": r"^[hH][tT][tT][pP][sS]?://[^\s\x00-\x1f\x7f-\x9f]+$",
}
_ID: Final[Json] = {
    "description": "An id; clients of JSON without large numbers send it as text",
    "anyOf": [IDENTIFIER, {"type": "string", "pattern": rf"^0?[1-9][0-9]{{0,{_LONGEST_SAFE_NUMBER - 1}}}$"}],
}
_TIME: Final[Json] = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
_MOMENT: Final[Json] = {
    "description": "An ISO-8601 time (a date is its midnight in UTC), or an object; all-day is `date`",
    "anyOf": [*_TIME["anyOf"], closed({"date_time": _TIME}), closed({"date": {"type": "string", "format": "date"}})],
}
_FLAG: Final[Json] = {"type": "boolean"}


def _choice(kind: type[StrEnum]) -> Json:
    return {"type": "string", "enum": [member.value for member in kind]}


_WHO: Final[Json] = {"user_id": _ID, "id": _ID, "email": _EMAIL, "employee_id": _NAME}
_SEAT: Final[Json] = {
    **closed(
        {
            **{name: nullable(schema) for name, schema in _WHO.items()},
            "name": nullable(_NAME),
            "response_status": _choice(ResponseStatus),
        },
        *_WHO,
        "name",
    ),
    "description": "Names a user by `user_id` (or `id`), `email` or `employee_id`; all that are given must agree",
    "anyOf": [{"required": [name]} for name in _WHO],
}
_CHANGEABLE: Final[Json] = {
    "interviewers": {"type": "array", "items": _SEAT, "minItems": 1, "maxItems": MOST_INTERVIEWERS},
    "start": _MOMENT,
    "end": _MOMENT,
    "external_event_id": {**_NAME, "description": "Unique within the organization"},
    "location": nullable(_TEXT),
    "video_conferencing_url": nullable(_URL),
}
_CREATABLE: Final[Json] = {"application_id": _ID, "interview_id": _ID, **_CHANGEABLE}
_OPTIONAL: Final = ("location", "video_conferencing_url")

_ATTRIBUTE: Final = closed(
    {"name": _NAME, "type": nullable(_NAME), "note": nullable(_PROSE), "rating": _choice(Rating)}, "type", "note"
)
_QUESTION: Final = closed(
    {"id": nullable(_ID), "question": nullable(_PROSE), "answer": nullable(_PROSE)}, "id", "answer"
)
_FEEDBACK: Final[Json] = {
    "overall_recommendation": _choice(Recommendation),
    "attributes": {"type": "array", "items": _ATTRIBUTE, "maxItems": _MOST_ATTRIBUTES},
    "questions": {"type": "array", "items": _QUESTION, "maxItems": _MOST_ATTRIBUTES},
    "submit": {**_FLAG, "description": "Whether it is final"},
}
_WEBHOOK: Final[Json] = {
    "url": _URL,
    "actions": {"type": "array", "items": _choice(Action), "minItems": 1, "maxItems": _MOST_ACTIONS},
}

BODY_SCHEMAS: Final[dict[str, Json]] = {
    "NewInterview": closed(_CREATABLE, *_OPTIONAL),
    "NewInterviewOfApplication": closed(_CREATABLE, "application_id", *_OPTIONAL),
    "InterviewChanges": closed(_CHANGEABLE, *_CHANGEABLE),
    "NewScorecard": closed({"scheduled_interview_id": _ID, "interviewer_id": _ID, **_FEEDBACK}, *_FEEDBACK),
    "ScorecardChanges": closed(_FEEDBACK, *_FEEDBACK),
    "NewWebhook": closed(_WEBHOOK, "actions"),
    "WebhookChanges": closed({**_WEBHOOK, "enabled": _FLAG}, *_WEBHOOK, "enabled"),
    "Nothing": closed({}),
}
"""The schemas of the bodies, by name."""
