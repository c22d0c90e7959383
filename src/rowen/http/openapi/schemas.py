"""The schemas of requests and responses.

Owns how types become JSON Schema, and what they are called in public. Must not know paths or statuses.
"""

from collections.abc import Iterable
from typing import Any, Final, get_args, get_origin

import msgspec

from rowen.api.codec import records, v3
from rowen.api.declarations import Operation
from rowen.api.schemas import DATE, TEXT, Json, closed
from rowen.api.v1.archive import ArchivedDocument
from rowen.interviews.moments import Instant

_TEMPLATE: Final = "#/components/schemas/{name}"
_NAMES: Final = {
    "Scorecard": "OwnScorecard",
    "PingResult": "Ping",
    "ChangeSummary": "HistoryEntry",
    "ChangePage": "Changes",
    "ConflictPage": "Conflicts",
}
"""The public names of types, where they are neither the Python names nor those without `Record`."""

_OPEN: Final = {ArchivedDocument.__name__, *(shape.kind.__name__ for shape in records.SHAPES.values())}
"""Imported records, which keep their unknown fields."""
_PARTS: Final = {
    kind.__name__
    for kind in (
        *(records.ApplicationJob, records.StageInterview),
        *(records.CandidateApplication, records.CandidateJob, records.EmailAddress),
        *(records.JobDepartment, records.JobMember, records.JobOffice, records.Opening),
    )
}
"""Types that name only the fields that Rowen searches by."""


_LEFT_OUT: Final = {"ConflictRecord": {"person", "room"}}
"""The fields that a type leaves out where they have no value, by its name; all others are null there."""

_ROWS: Final = {kind.__name__ for kind in v3.KINDS.values()}
"""The rows of Harvest v3, of which `fields` selects some keys."""


def reference(name: str) -> Json:
    """Return a reference to a schema."""
    return {"$ref": _TEMPLATE.format(name=name)}


def type_reference(kind: Any) -> Json:
    """Return a reference to the schema of a type; for `str` its schema, for a list that of an array of references."""
    if get_origin(kind) is list:
        return {"type": "array", "items": type_reference(get_args(kind)[0])}
    return TEXT if kind is str else reference(_public_name(kind.__name__))


def schemas(operations: Iterable[Operation]) -> Json:
    """Return the schemas of all bodies and replies, by name."""
    operations = list(operations)
    bodies = {operation.body.name: operation.body.schema for operation in operations if operation.body is not None}
    kinds = dict.fromkeys(_element(operation.reply.kind) for operation in operations)
    _, replies = msgspec.json.schema_components(kinds, schema_hook=_schema_of, ref_template=_TEMPLATE)
    for name, schema in replies.items():
        if "properties" in schema:
            _tighten(name, schema)
    replies["Moment"] = _moment_schema()
    public = {_public_name(name): _with_public_references(schema) for name, schema in replies.items()}
    return {**public, "Error": _error_schema(), "V3Error": _v3_error_schema(), **bodies}


def _element(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is list else kind


def _public_name(name: str) -> str:
    if name in _ROWS:
        return f"V3{name.removesuffix('Row')}"
    return _NAMES.get(name, name.removesuffix("Record"))


def _with_public_references(schema: Any) -> Any:
    """Return a schema in which references have the public names."""
    if isinstance(schema, list):
        return [_with_public_references(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {**schema, **reference(_public_name(schema["$ref"].rpartition("/")[2]))}
    return {key: _with_public_references(inner) for key, inner in schema.items()}


def _tighten(name: str, schema: Json) -> None:
    """Require every key: responses contain null where there is no value."""
    if name in _ROWS:
        schema["required"], schema["additionalProperties"] = [], False
    elif name not in _PARTS:
        schema["required"] = [field for field in schema["properties"] if field not in _LEFT_OUT.get(name, ())]
        if name not in _OPEN:
            schema["additionalProperties"] = False
    schema["title"] = _public_name(name)
    for described in schema["properties"].values():
        described.pop("default", None)


def _moment_schema() -> Json:
    one_of = [("date_time", _schema_of(Instant)), ("date", DATE)]
    return {
        "title": "Moment",
        "description": "`date_time` where the interview is timed, `date` where it is all-day",
        "oneOf": [closed({name: schema}) for name, schema in one_of],
    }


def _error_schema() -> Json:
    request_id = {"type": "string", "description": "Given where the fault is ours"}
    errors = {"type": "array", "items": closed({"message": TEXT, "field": TEXT})}
    return closed({"message": TEXT, "errors": errors, "request_id": request_id}, "errors", "request_id")


def _v3_error_schema() -> Json:
    problem = {"anyOf": [TEXT, {"type": "object", "additionalProperties": TEXT}]}
    properties = {"message": TEXT, "errors": {"type": "array", "items": problem}, "request_id": TEXT}
    return closed(properties, "errors", "request_id")


def _schema_of(kind: type) -> Json:
    if kind is not Instant:
        raise NotImplementedError(kind)
    return {
        "type": "string",
        "format": "date-time",
        "description": "UTC, with exactly three decimals",
        "examples": ["2014-03-26T22:15:00.000Z"],
    }
