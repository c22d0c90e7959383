"""What a refusal looks like on the wire.

Owns the one table from code to status and message, and the JSON of an error (contract section 3). Must not know
why.
"""

from typing import Final, NamedTuple

import msgspec

from rowen.interviews.errors import Code, Refusal


class Problem(NamedTuple):
    """The status and the message of a kind of refusal."""

    status: int
    message: str


PROBLEMS: Final[dict[Code, Problem]] = {
    Code.MALFORMED: Problem(400, "The request's body is not JSON"),
    Code.UNAUTHENTICATED: Problem(401, "Invalid Basic Auth credentials"),
    Code.FORBIDDEN: Problem(403, "This API Key does not have permission for this endpoint"),
    Code.INSECURE: Problem(403, "Requests must use HTTPS"),
    Code.UNEXPECTED_BODY: Problem(403, "A GET request may not have a body"),
    Code.NOT_FOUND: Problem(404, "Resource not found"),
    Code.METHOD_NOT_ALLOWED: Problem(405, "Method not allowed"),
    Code.CONFLICT: Problem(409, "Conflict"),
    Code.IN_FLIGHT: Problem(409, "A request with this Idempotency-Key is being answered right now"),
    Code.STALE: Problem(412, "The record has changed since: If-Match names an older version of it"),
    Code.TOO_LARGE: Problem(413, "The request's body is larger than 1 MiB"),
    Code.ADDRESS_TOO_LONG: Problem(414, "The request's address is too long"),
    Code.UNSUPPORTED_MEDIA: Problem(415, "The request's body must be application/json, in UTF-8"),
    Code.INVALID: Problem(422, "Validation error"),
    Code.RATE_LIMITED: Problem(429, "Rate limit exceeded"),
    Code.HEADERS_TOO_LARGE: Problem(431, "The request's headers are too large"),
    Code.FAULT: Problem(500, "Server error"),
    Code.UNAVAILABLE: Problem(503, "The schedule is not available right now: try again in a moment"),
}


class _Error(msgspec.Struct):
    message: str
    field: str


class _Body(msgspec.Struct, omit_defaults=True):
    message: str
    errors: list[_Error] = []
    request_id: str = ""


def problem_body(refusal: Refusal, request_id: str) -> bytes:
    """Write the JSON of a refusal; our own faults carry the request id to quote, and no internals."""
    problem = PROBLEMS[refusal.code]
    return msgspec.json.encode(
        _Body(
            problem.message,
            [_Error(message, field) for field, message in refusal.problems],
            request_id if problem.status >= 500 else "",
        )
    )
