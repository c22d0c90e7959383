"""Refusals on the wire.

Owns the one table from code to status and message, and the JSON of an error in each generation of the API (contract
sections 3 and 11). Must not know why a request is refused.
"""

from typing import Final, NamedTuple

import msgspec

from rowen.api.generations import Generation
from rowen.interviews.errors import Code, FieldProblem, Refusal


class ErrorResponse(NamedTuple):
    """The status and the message of a kind of refusal."""

    status: int
    message: str


ERROR_RESPONSES: Final[dict[Code, ErrorResponse]] = {
    Code.MALFORMED: ErrorResponse(400, "The request's body is not JSON"),
    Code.BAD_HOST: ErrorResponse(400, "An HTTP/1.1 request must have one Host header"),
    Code.UNAUTHENTICATED: ErrorResponse(401, "Invalid Basic Auth credentials"),
    Code.FORBIDDEN: ErrorResponse(403, "This API Key does not have permission for this endpoint"),
    Code.READ_ONLY: ErrorResponse(
        403, "This organization mirrors a Harvest v3 account and is read-only here: make the change in that account"
    ),
    Code.PARTLY_READ_ONLY: ErrorResponse(
        403,
        "This organization mirrors a Harvest v3 account: scheduled interviews can be created, changed and deleted here;"
        " make any other change in that account",
    ),
    Code.ACCOUNT_FORBIDS: ErrorResponse(403, "The mirrored account does not permit this change"),
    Code.INSECURE: ErrorResponse(403, "Requests must use HTTPS"),
    Code.CROSS_SITE: ErrorResponse(403, "A page of another site may not change anything here"),
    Code.UNEXPECTED_BODY: ErrorResponse(403, "A GET request may not have a body"),
    Code.NOT_FOUND: ErrorResponse(404, "Resource not found"),
    Code.METHOD_NOT_ALLOWED: ErrorResponse(405, "Method not allowed"),
    Code.TIMED_OUT: ErrorResponse(408, "The request's body did not arrive in time"),
    Code.CONFLICT: ErrorResponse(409, "Conflict"),
    Code.IN_FLIGHT: ErrorResponse(409, "A request with this Idempotency-Key is being answered right now"),
    Code.STALE: ErrorResponse(412, "The record has changed since: If-Match names an older version of it"),
    Code.TOO_LARGE: ErrorResponse(413, "The request's body is larger than 1 MiB"),
    Code.ADDRESS_TOO_LONG: ErrorResponse(414, "The request's address is too long"),
    Code.UNSUPPORTED_MEDIA: ErrorResponse(415, "The request's body must be application/json, in UTF-8"),
    Code.INVALID: ErrorResponse(422, "Validation error"),
    Code.RATE_LIMITED: ErrorResponse(429, "Rate limit exceeded"),
    Code.UNREAD: ErrorResponse(429, "Responses to this API Key are waiting to be read: read them, then try again"),
    Code.TOO_MANY_FOLLOWERS: ErrorResponse(429, "This API Key has too many live followers: end one, then try again"),
    Code.ACCOUNT_BUSY: ErrorResponse(429, "The mirrored account takes no more requests now: nothing was changed"),
    Code.HEADERS_TOO_LARGE: ErrorResponse(431, "The request's headers are too large"),
    Code.FAULT: ErrorResponse(500, "Server error"),
    Code.ACCOUNT_FAILED: ErrorResponse(
        502, "The mirrored account gave no valid answer: it may have made the change, so look before you repeat it"
    ),
    Code.ACCOUNT_UNREACHABLE: ErrorResponse(503, "The mirrored account cannot be reached: nothing was changed"),
    Code.NOT_TAKEN: ErrorResponse(
        503, "Nothing was changed: no `rowen mirror --write-through` was there, or free, to pass the change on"
    ),
    Code.ACCOUNT_SILENT: ErrorResponse(
        504, "The mirrored account has not answered yet: it may make the change, so look before you repeat it"
    ),
    Code.UNAVAILABLE: ErrorResponse(503, "The schedule is not available right now: try again in a moment"),
    Code.OVERLOADED: ErrorResponse(503, "The server has too much to send right now: try again in a moment"),
}

_UNDECODED: Final = FieldProblem("", "Token could not be decoded. Please ensure your token is from a trusted source.")
_OF_V3: Final[dict[Code, str]] = {
    Code.UNAUTHENTICATED: "Unauthorized",
    Code.FORBIDDEN: "This token does not have the scope of this endpoint",
    Code.INVALID: "Unprocessable Content",
    Code.RATE_LIMITED: "Too Many Requests",
    Code.UNREAD: "Responses to this client are waiting to be read: read them, then try again",
}
"""The messages that differ in v3; the statuses are the same."""


class _Error(msgspec.Struct):
    message: str
    field: str


class _Body(msgspec.Struct, omit_defaults=True):
    message: str
    errors: list[_Error] = []
    request_id: str = ""


class _BodyOfV3(msgspec.Struct, omit_defaults=True):
    message: str
    errors: list[str | dict[str, str]] = []
    request_id: str = ""


def message_of(code: Code, generation: Generation) -> str:
    """Return the message of a kind of refusal in a generation of the API."""
    message = ERROR_RESPONSES[code].message
    return _OF_V3.get(code, message) if generation is Generation.V3 else message


def error_body(refusal: Refusal, request_id: str, generation: Generation = Generation.V1) -> bytes:
    """Return the JSON of a refusal; internal errors carry the request id to quote, and no details."""
    message = message_of(refusal.code, generation)
    quoted = request_id if ERROR_RESPONSES[refusal.code].status >= 500 else ""
    if generation is Generation.V3:
        problems = refusal.problems or ((_UNDECODED,) if refusal.code is Code.UNAUTHENTICATED else ())
        # A problem of no single field is a sentence, that of a field an object.
        errors = [{field: reason} if field else reason for field, reason in problems]
        return msgspec.json.encode(_BodyOfV3(message, errors, quoted))
    return msgspec.json.encode(_Body(message, [_Error(reason, field) for field, reason in refusal.problems], quoted))
