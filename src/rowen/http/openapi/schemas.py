"""The schemas of what is answered.

Owns how types become JSON Schema, and the few shapes that have no type. Must not know paths or statuses.
"""

from typing import Any, Final

import msgspec

from rowen.harvest.resources import (
    ApplicationRecord,
    Job,
    JobStageRecord,
    ScorecardRecord,
    StageInterview,
    UserRecord,
)
from rowen.harvest.webhooks import DeliveryRecord, PingResult, WebhookRecord, WebhookWithSecret
from rowen.interviews.interview import LARGEST_ID, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.scorecards import Scorecard
from rowen.store.changes import Summary

Json = dict[str, Any]

_TEMPLATE: Final = "#/components/schemas/{name}"
_NAMES: Final = {
    "UserRecord": "User",
    "ApplicationRecord": "Application",
    "JobStageRecord": "JobStage",
    "ScorecardRecord": "Scorecard",
    "Scorecard": "OwnScorecard",
    "WebhookRecord": "Webhook",
    "DeliveryRecord": "Delivery",
    "PingResult": "Ping",
    "Summary": "HistoryEntry",
}
"""What types are called in public, where that is not their own name."""

_TYPES: Final = (
    *(ScheduledInterview, UserRecord, ApplicationRecord, JobStageRecord, ScorecardRecord, Scorecard),
    *(WebhookRecord, WebhookWithSecret, DeliveryRecord, PingResult, Summary),
)
_OPEN: Final = {kind.__name__ for kind in (UserRecord, ApplicationRecord, JobStageRecord, ScorecardRecord)}
"""Records from elsewhere, that keep what else came with them."""
_PARTS: Final = {kind.__name__ for kind in (Job, StageInterview)}
"""Types that name only what Rowen searches by."""

IDENTIFIER: Final[Json] = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
REVISION: Final[Json] = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
TEXT: Final[Json] = {"type": "string"}


def reference(name: str) -> Json:
    """Return a reference to a schema."""
    return {"$ref": _TEMPLATE.format(name=name)}


def array(name: str) -> Json:
    """Return the schema of an array of what a schema describes."""
    return {"type": "array", "items": reference(name)}


def closed(properties: Json, *optional: str) -> Json:
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def nullable(schema: Json) -> Json:
    """Return a schema that takes null, too."""
    return {"anyOf": [schema, {"type": "null"}]}


def answer_schemas() -> Json:
    """Return the schemas of all that is answered, by name."""
    _, schemas = msgspec.json.schema_components(_TYPES, schema_hook=_schema_of, ref_template=_TEMPLATE)
    for name, schema in schemas.items():
        if "properties" in schema:
            _tighten(name, schema)
    schemas["Moment"] = _moment_schema()
    found = {_NAMES.get(name, name): schema for name, schema in schemas.items()}
    return {**found, **_shapes(found), "Message": closed({"message": TEXT}), "Error": _error_schema()}


def _tighten(name: str, schema: Json) -> None:
    """Say that every key is served, null where there is no value."""
    if name not in _PARTS:
        schema["required"] = list(schema["properties"])
        if name not in _OPEN:
            schema["additionalProperties"] = False
    if name in _NAMES:
        schema["title"] = _NAMES[name]
    for described in schema["properties"].values():
        described.pop("default", None)


def _shapes(found: Json) -> Json:
    """Return the schemas of what is written without a type: the feed, and who is booked twice."""
    entry = found["HistoryEntry"]["properties"]
    document = nullable(reference("ScheduledInterview"))
    document["description"] = "The interview after the change; its last state where it was cancelled"
    person = closed({"user_id": nullable(IDENTIFIER), "name": nullable(TEXT), "email": nullable(TEXT)})
    time = _schema_of(Instant)
    conflict = {"person": person, "start": time, "end": time}
    flag = {"type": "boolean", "description": "Whether there is more"}
    return {
        "Change": closed({**entry, "document": document}),
        "Changes": closed({"changes": array("Change"), "last_revision": REVISION, "more": flag}),
        "Conflict": closed({**conflict, "scheduled_interview_ids": {"type": "array", "items": IDENTIFIER}}),
        "Conflicts": closed({"conflicts": array("Conflict"), "more": flag}),
    }


def _moment_schema() -> Json:
    one_of = [("date_time", _schema_of(Instant)), ("date", {"type": "string", "format": "date"})]
    return {
        "title": "Moment",
        "description": "`date_time` where the interview is timed, `date` where it is all-day",
        "oneOf": [closed({name: schema}) for name, schema in one_of],
    }


def _error_schema() -> Json:
    request_id = {"type": "string", "description": "Given where the fault is ours"}
    errors = {"type": "array", "items": closed({"message": TEXT, "field": TEXT})}
    return closed({"message": TEXT, "errors": errors, "request_id": request_id}, "errors", "request_id")


def _schema_of(kind: type) -> Json:
    if kind is not Instant:
        raise NotImplementedError(kind)
    return {
        "type": "string",
        "format": "date-time",
        "description": "UTC, with exactly three decimals",
        "examples": ["2014-03-26T22:15:00.000Z"],
    }
