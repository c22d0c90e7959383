"""The OpenAPI 3.1 description of the API, put together.

Owns its outline. Paths and permissions come from the table of operations, and what is said of each call from the
table of calls: none of them is written here again.
"""

from typing import Any, Final

from rowen import __version__
from rowen.app.keys import PERMISSIONS
from rowen.harvest.operations import OPERATIONS, Operation
from rowen.http.openapi.answers import headers, not_modified, refusal_references, refusals, success
from rowen.http.openapi.bodies import BODY_SCHEMAS
from rowen.http.openapi.calls import DESCRIPTIONS, TAGS, Description
from rowen.http.openapi.parameters import IDEMPOTENCY_KEY, IF_MATCH, ON_BEHALF_OF, path_parameter
from rowen.http.openapi.schemas import answer_schemas, reference
from rowen.interviews.errors import Code

Json = dict[str, Any]

_ALWAYS: Final = {
    Code.UNAUTHENTICATED,
    Code.FORBIDDEN,
    Code.METHOD_NOT_ALLOWED,
    Code.ADDRESS_TOO_LONG,
    Code.RATE_LIMITED,
    Code.HEADERS_TOO_LARGE,
    Code.FAULT,
    Code.UNAVAILABLE,
}
_DESCRIPTION: Final = """\
Rowen keeps a hiring team's interview schedule and speaks the Harvest API: clients written against
`/v1/scheduled_interviews` and `/v2/scheduled_interviews` work with only the base URL changed. What Harvest never had
(the feed of changes, who is booked twice, webhooks, handing in scorecards) is under `/rowen/v1`.

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
        "tags": [{"name": tag} for tag in TAGS],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "api_key": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The user name is the API key; leave the password blank.",
                }
            },
            "schemas": {**answer_schemas(), **BODY_SCHEMAS},
            "responses": refusals(),
            "headers": headers(),
        },
    }


def _paths() -> Json:
    paths: Json = {}
    for operation in OPERATIONS:
        described = _operation(operation, DESCRIPTIONS[operation.handler])
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return paths


def _operation(operation: Operation, told: Description) -> Json:
    answers = {"200": success(told.reply, _links(told))}
    if operation.method == "GET":
        answers["304"] = not_modified()
    described: Json = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "description": f"{PERMISSIONS[operation.permission]}. The key needs the permission `{operation.permission}`.",
        "tags": [told.tag],
        "parameters": [*([path_parameter(operation.path)] if "{id}" in operation.path else []), *told.parameters],
        "responses": {**answers, **refusal_references(_codes(operation, told))},
    }
    if told.body is not None:
        content = {"application/json": {"schema": reference(told.body.schema), "example": told.body.example}}
        described["requestBody"] = {"required": told.body.required, "content": content}
    return described


def _links(told: Description) -> Json:
    """Return the calls that go on with what one has answered."""
    return {
        handler.__name__: {"operationId": handler.__name__, "parameters": {"path.id": "$response.body#/id"}}
        for handler in told.leads_to
    }


def _codes(operation: Operation, told: Description) -> set[Code]:
    """Return how a call can be refused."""
    codes = set(_ALWAYS)
    acts = ON_BEHALF_OF in told.parameters
    if "{id}" in operation.path or acts:
        codes.add(Code.NOT_FOUND)
    if acts or told.body is not None or any(each["in"] == "query" for each in told.parameters):
        codes.add(Code.INVALID)
    if told.body is not None:
        codes |= {Code.MALFORMED, Code.UNSUPPORTED_MEDIA}
    if operation.method != "GET":
        codes.add(Code.TOO_LARGE)
    if IDEMPOTENCY_KEY in told.parameters:
        codes |= {Code.CONFLICT, Code.IN_FLIGHT}
    if IF_MATCH in told.parameters:
        codes.add(Code.STALE)
    return codes
