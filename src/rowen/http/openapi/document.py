"""The OpenAPI 3.1 document of the API, assembled.

Owns its outline, and how an operation is described. The facts come from what each operation declares. Must
not know a single operation.
"""

from typing import Final

from rowen import __version__
from rowen.api.declarations import Operation
from rowen.api.generations import Generation
from rowen.api.headers.acting_user import ON_BEHALF_OF
from rowen.api.headers.conditional import IF_MATCH, IF_NONE_MATCH
from rowen.api.headers.idempotency import IDEMPOTENCY_KEY
from rowen.api.operations import OPERATIONS
from rowen.api.parameters import Parameter
from rowen.api.schemas import Json
from rowen.app.keys import PERMISSIONS
from rowen.app.scopes import described as scope_in_words
from rowen.http.openapi.responses import headers, not_modified, refusal_references, refusals, success
from rowen.http.openapi.schemas import reference, schemas
from rowen.interviews.errors import Code

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
_PASSED_ON: Final = {"scheduled_interviews", "interviews"}
"""What a mirror passes the writes of on to its account, as permissions and scopes name it."""

_DESCRIPTION: Final = """\
Rowen keeps a hiring team's interview schedule and speaks the Harvest API: clients written against
`/v1/scheduled_interviews` and `/v2/scheduled_interviews` work with only the base URL changed. Calls that Harvest does
not have (the feed of changes, double bookings, webhooks, submitting scorecards) are under `/rowen/v1`.

Authenticate with HTTP Basic: the user name is an API key, the password is blank. Calls under `/v3`, Harvest v3, take a
bearer token instead: `POST /token` with a client's id and secret returns one.
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
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS)],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "api_key": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The user name is the API key; leave the password blank.",
                },
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token from `/token` (client credentials) or `/auth/token` (an API key).",
                },
            },
            "schemas": schemas(OPERATIONS),
            "responses": refusals(),
            "headers": headers(),
        },
    }


def _paths() -> Json:
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: Operation) -> Json:
    responses = {str(operation.reply.status): success(operation.reply, _links(operation))}
    if operation.method == "GET":
        responses["304"] = not_modified()
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [operation.tag],
        "parameters": _parameters(operation),
        "responses": {**responses, **refusal_references(_codes(operation), operation.generation)},
    }
    if operation.generation is Generation.V3:
        described["security"] = [{"token": []}]
    if operation.secret_path:
        described["security"] = []
    body = operation.body
    if body is not None:
        content = {"application/json": {"schema": reference(body.name), "example": body.example}}
        described["requestBody"] = {"required": not body.optional, "content": content}
    return described


def _description(operation: Operation) -> str:
    if operation.generation is Generation.V3:
        return f"{scope_in_words(operation.permission)}. The token needs the scope `{operation.permission}`."
    if operation.secret_path:
        return "The address contains a secret: send no API key."
    return f"{PERMISSIONS[operation.permission]}. The key needs the permission `{operation.permission}`."


def _parameters(operation: Operation) -> list[Json]:
    query = [parameter for parameter in operation.query.values() if parameter.documented]
    header = (*operation.headers, IF_NONE_MATCH) if operation.method == "GET" else operation.headers
    places = (("path", operation.path_parameters), ("query", query), ("header", header))
    return [_parameter(parameter, place) for place, parameters in places for parameter in parameters]


def _parameter(parameter: Parameter, place: str) -> Json:
    default = {} if parameter.default is None else {"default": parameter.default}
    described: Json = {
        "name": parameter.name,
        "in": place,
        "description": parameter.description,
        "schema": {**parameter.schema, **default},
    }
    if parameter.required:
        described["required"] = True
    if parameter.example is not None:
        described["example"] = parameter.example
    return described


def _links(operation: Operation) -> Json:
    """Return links to the operations that take an id from the reply of one."""
    return {name: {"operationId": name, "parameters": {"path.id": "$response.body#/id"}} for name in operation.leads_to}


def _codes(operation: Operation) -> set[Code]:
    """Return the codes with which an operation can be refused."""
    codes = set(_ALWAYS)
    acts = any(header.name == ON_BEHALF_OF.name for header in operation.headers)
    if operation.path_parameters or acts:
        codes.add(Code.NOT_FOUND)
    if acts or operation.body is not None or operation.query or operation.method != "GET":
        codes.add(Code.INVALID)
    if operation.body is not None:
        codes |= {Code.MALFORMED, Code.TIMED_OUT, Code.UNSUPPORTED_MEDIA}
    if operation.method != "GET":
        codes.add(Code.TOO_LARGE)
    if IDEMPOTENCY_KEY in operation.headers:
        codes |= {Code.CONFLICT, Code.IN_FLIGHT}
    if operation.can_conflict:
        codes.add(Code.CONFLICT)
    if IF_MATCH in operation.headers:
        codes.add(Code.STALE)
    if operation.method != "GET" and operation.permission.split(":")[-2] in _PASSED_ON:
        codes |= {Code.ACCOUNT_FAILED, Code.ACCOUNT_SILENT}
    return codes
