"""The OpenAPI 3.1 description of the API.

Owns its text. Paths and permissions come from the table of operations, statuses and messages from the table of
problems, the schema from the types: none of them is written here again.
"""

from typing import Any, Final

import msgspec

from rowen import __version__
from rowen.app.keys import PERMISSIONS
from rowen.harvest.examples import ALL_DAY, TIMED
from rowen.harvest.operations import OPERATIONS, Operation
from rowen.harvest.problems import PROBLEMS
from rowen.interviews.errors import Code
from rowen.interviews.interview import LARGEST_ID, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.query import DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE

Json = dict[str, Any]

_TEMPLATE: Final = "#/components/schemas/{name}"
_ERRORS: Final = (
    Code.UNAUTHENTICATED,
    Code.FORBIDDEN,
    Code.NOT_FOUND,
    Code.METHOD_NOT_ALLOWED,
    Code.ADDRESS_TOO_LONG,
    Code.INVALID,
    Code.RATE_LIMITED,
    Code.HEADERS_TOO_LARGE,
    Code.FAULT,
    Code.UNAVAILABLE,
)
_DESCRIPTION: Final = """\
Rowen serves a hiring team's interview schedule and speaks the Harvest API: clients written against
`/v1/scheduled_interviews` work with only the base URL changed.

Authenticate with HTTP Basic: the user name is an API key, the password is blank.
"""


def openapi_document(server: str = "/") -> Json:
    """Return the whole document, for the API at the address `server`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rowen",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "security": [{"api_key": []}],
        "tags": [{"name": "Scheduled interviews"}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "api_key": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The user name is the API key; leave the password blank.",
                }
            },
            "schemas": {**_schemas(), "Error": _error_schema()},
            "responses": {_name(status): _error_response(status) for status in sorted(_statuses())},
            "headers": _headers(),
        },
    }


def _paths() -> Json:
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: Operation) -> Json:
    is_list = operation.path.endswith("scheduled_interviews")
    of_application = operation.path.startswith("/v1/applications")
    parameters = [_path_parameter(of_application)] if "{id}" in operation.path else []
    if is_list:
        parameters += _list_parameters()
    parameters.append(_header_parameter())
    statuses = _statuses() - (set() if is_list else {422}) - ({404} if is_list and not of_application else set())
    return {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "description": f"{PERMISSIONS[operation.permission]}. The key needs the permission `{operation.permission}`.",
        "tags": ["Scheduled interviews"],
        "parameters": parameters,
        "responses": {
            "200": _list_response() if is_list else _one_response(),
            "304": {"description": "The copy that the client has is still good", "headers": _header_references()},
            **{str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in sorted(statuses)},
        },
    }


def _path_parameter(of_application: bool) -> Json:
    return {
        "name": "id",
        "in": "path",
        "required": True,
        "description": f"The id of the {'application' if of_application else 'scheduled interview'}",
        "schema": {"type": "integer", "minimum": 1, "maximum": LARGEST_ID},
        "example": TIMED["application_id" if of_application else "id"],
    }


def _list_parameters() -> list[Json]:
    size = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE}
    number = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1, "default": 1}
    behind = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    time = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
    times = {
        f"{column}_{side}": (f"Only interviews that {verb} {relation} this ISO-8601 date or time", time)
        for column, verb in (
            ("created", "were created"),
            ("updated", "were updated"),
            ("starts", "start"),
            ("ends", "end"),
        )
        for side, relation in (("before", "before"), ("after", "at or after"))
    }
    flag = {"type": "boolean", "default": False}
    parameters: dict[str, tuple[str, Json]] = {
        "per_page": ("How many interviews a page holds at the most", size),
        "page": ("Which page: the n-th chunk of `per_page` interviews", number),
        "after": (
            "Continue behind the interview with this id, whatever was inserted or deleted since: `next` links carry it",
            behind,
        ),
        "skip_count": ("Leave out the link to the last page", flag),
        **times,
        "external_event_id": ("Only interviews with this id of an external event", {"type": "string"}),
        "actionable": (
            "Only interviews that can be changed: created through the API, not complete, of an active application",
            flag,
        ),
    }
    return [
        {"name": name, "in": "query", "description": description, "schema": schema}
        for name, (description, schema) in parameters.items()
    ]


def _header_parameter() -> Json:
    return {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of the copy that the client has",
        "schema": {"type": "string"},  # what is no tag names no copy, and is no error
    }


def _list_response() -> Json:
    schema = {"type": "array", "items": {"$ref": _TEMPLATE.format(name=ScheduledInterview.__name__)}}
    headers = _header_references()
    headers["Link"] = {"$ref": "#/components/headers/Link"}
    return {
        "description": "A page of scheduled interviews, ordered by id",
        "headers": headers,
        "content": {"application/json": {"schema": schema, "example": [TIMED, ALL_DAY]}},
    }


def _one_response() -> Json:
    schema = {"$ref": _TEMPLATE.format(name=ScheduledInterview.__name__)}
    return {
        "description": "The scheduled interview",
        "headers": _header_references(),
        "content": {"application/json": {"schema": schema, "example": TIMED}},
    }


def _header_references() -> Json:
    names = ("ETag", "X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _headers() -> Json:
    def described(description: str, kind: str = "string") -> Json:
        return {"description": description, "schema": {"type": kind}}

    return {
        "ETag": described("What `If-None-Match` takes"),
        "Link": described("The pages `next`, `prev` and `last` (RFC 8288); absent where there is one page"),
        "X-Request-ID": described("What to quote when reporting a fault"),
        "X-RateLimit-Limit": described("How many requests the key may make in 10 seconds", "integer"),
        "X-RateLimit-Remaining": described("How many of them are left", "integer"),
        "X-RateLimit-Reset": described("The Unix time at which the window ends", "integer"),
        "Retry-After": described("How many seconds to wait", "integer"),
        "WWW-Authenticate": described("The scheme to authenticate with"),
        "Allow": described("The methods that the path takes"),
    }


def _statuses() -> set[int]:
    return {PROBLEMS[code].status for code in _ERRORS}


def _name(status: int) -> str:
    return next(code.value for code in _ERRORS if PROBLEMS[code].status == status)


def _error_response(status: int) -> Json:
    code = next(code for code in _ERRORS if PROBLEMS[code].status == status)
    message = PROBLEMS[code].message
    example: Json = {"message": message}
    if code is Code.INVALID:
        error = {"message": f"Must be an integer between 1 and {LARGEST_PAGE_SIZE}", "field": "per_page"}
        example["errors"] = [error]
    special = {
        401: ["WWW-Authenticate"],
        405: ["Allow"],
        429: ["Retry-After", "X-RateLimit-Reset"],
        503: ["Retry-After"],
    }
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in special.get(status, [])}
    references = _header_references()
    del references["ETag"]
    return {
        "description": message,
        "headers": {**references, **headers},
        "content": {"application/json": {"schema": {"$ref": _TEMPLATE.format(name="Error")}, "example": example}},
    }


def _error_schema() -> Json:
    text = {"type": "string"}
    error = {
        "type": "object",
        "properties": {"message": text, "field": text},
        "required": ["message", "field"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "message": text,
            "errors": {"type": "array", "items": error},
            "request_id": {"type": "string", "description": "Given where the fault is ours"},
        },
        "required": ["message"],
        "additionalProperties": False,
    }


def _schemas() -> Json:
    _, schemas = msgspec.json.schema_components([ScheduledInterview], schema_hook=_schema_of, ref_template=_TEMPLATE)
    for schema in schemas.values():
        if schema.get("type") == "object" and schema["title"] != "Moment":
            schema["required"] = list(schema["properties"])  # served with every key, null where there is no value
            schema["additionalProperties"] = False
        for described in schema.get("properties", {}).values():
            described.pop("default", None)
    schemas["Moment"] = _moment_schema()
    return schemas


def _moment_schema() -> Json:
    one_of = [("date_time", _schema_of(Instant)), ("date", {"type": "string", "format": "date"})]
    return {
        "title": "Moment",
        "description": "`date_time` where the interview is timed, `date` where it is all-day",
        "oneOf": [
            {
                "type": "object",
                "properties": {name: schema},
                "required": [name],
                "additionalProperties": False,
            }
            for name, schema in one_of
        ],
    }


def _schema_of(kind: type) -> Json:
    if kind is not Instant:
        raise NotImplementedError(kind)
    return {
        "type": "string",
        "format": "date-time",
        "description": "UTC, with exactly three decimals",
        "examples": ["2014-03-26T22:15:00.000Z"],
    }
