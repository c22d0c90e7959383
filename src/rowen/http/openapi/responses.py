"""The responses of operations: success, and each refusal.

Owns their statuses, headers and examples; statuses and messages of refusals come from `api/errors.py`. Must not know
paths.
"""

from typing import Final

import msgspec

from rowen.api.declarations import Reply
from rowen.api.errors import ERROR_RESPONSES, error_body, message_of
from rowen.api.generations import Generation
from rowen.api.schemas import Json
from rowen.http.openapi.schemas import reference, type_reference
from rowen.interviews.errors import Code, FieldProblem, Refusal

_COMMON: Final = ("X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining")
_SPECIAL: Final = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After", "X-RateLimit-Reset"),
    503: ("Retry-After",),
}
_HEADERS: Final = {
    "ETag": ("The value for `If-None-Match` and `If-Match`", "string"),
    "Link": ("The pages `next`, `prev` and `last` (RFC 8288); absent where there is one page", "string"),
    "Warning": ("The interviews that this one overlaps, where the organization warns of double booking", "string"),
    "X-Rowen-Empty": ("`not held`: the response is empty because nothing of the kind was imported", "string"),
    "X-Request-ID": ("The id to quote when reporting a fault", "string"),
    "X-RateLimit-Limit": ("How many requests the key may make in 10 seconds, or the client of v3 in 30", "integer"),
    "X-RateLimit-Remaining": ("How many of them are left", "integer"),
    "X-RateLimit-Reset": ("The Unix time at which the window ends", "integer"),
    "Retry-After": ("How many seconds to wait", "integer"),
    "WWW-Authenticate": ("The scheme to authenticate with", "string"),
    "Allow": ("The methods that the path takes", "string"),
}
_PROBLEMS_SHOWN: Final = {
    Code.MALFORMED: ("body", "Expecting value: line 1 column 1 (char 0)"),
    Code.CONFLICT: ("interviewers[0]", "Overlaps interview 9128481"),
    Code.TOO_LARGE: ("body", "is larger than 1 MiB"),
    Code.INVALID: ("per_page", "Must be an integer between 1 and 500"),
}
_SHOWN: Final = (
    *(Code.MALFORMED, Code.UNAUTHENTICATED, Code.FORBIDDEN, Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED, Code.CONFLICT),
    *(Code.STALE, Code.TOO_LARGE, Code.ADDRESS_TOO_LONG, Code.UNSUPPORTED_MEDIA, Code.INVALID, Code.RATE_LIMITED),
    *(Code.TIMED_OUT, Code.HEADERS_TOO_LARGE, Code.FAULT, Code.ACCOUNT_FAILED, Code.UNAVAILABLE, Code.ACCOUNT_SILENT),
)
"""The refusals, one for each status."""


def headers() -> Json:
    """Return the descriptions of all response headers, by name."""
    return {
        name: {"description": description, "schema": {"type": kind}} for name, (description, kind) in _HEADERS.items()
    }


def refusals() -> Json:
    """Return the responses of refusals, by name."""
    return {_name(code, generation): _refusal(code, generation) for generation in Generation for code in _SHOWN}


def refusal_references(codes: set[Code], generation: Generation) -> Json:
    """Return references to the responses of these codes, by status."""
    shown = {ERROR_RESPONSES[code].status: _name(code, generation) for code in _SHOWN}
    statuses = sorted({ERROR_RESPONSES[code].status for code in codes})
    return {str(status): {"$ref": f"#/components/responses/{shown[status]}"} for status in statuses}


def _name(code: Code, generation: Generation) -> str:
    return code.value if generation is Generation.V1 else f"{generation.value}_{code.value}"


def success(reply: Reply, links: Json) -> Json:
    """Return the response of success."""
    special = (("Link", reply.paged), ("Warning", reply.warns), ("X-Rowen-Empty", reply.archived))
    extra = [name for name, given in special if given]
    content: Json = {reply.media_type: {"schema": type_reference(reply.kind), "example": reply.example}}
    if reply.events is not None:
        content["text/event-stream"] = {"schema": {"type": "string"}, "example": reply.events}
    response = {
        "description": reply.description,
        "headers": _references("ETag", *_COMMON, *extra),
        "content": content,
    }
    return {**response, "links": links} if links else response


def not_modified() -> Json:
    """Return the 304 response."""
    return {"description": "The client's copy is still current", "headers": _references("ETag", *_COMMON)}


def _refusal(code: Code, generation: Generation) -> Json:
    status = ERROR_RESPONSES[code].status
    problems = (FieldProblem(*_PROBLEMS_SHOWN[code]),) if code in _PROBLEMS_SHOWN else ()
    example: Json = msgspec.json.decode(error_body(Refusal(code, problems=problems), "", generation))
    is_v3 = generation is Generation.V3
    special = dict.fromkeys((*_SPECIAL.get(status, ()), *(("X-RateLimit-Reset",) if is_v3 else ())))
    return {
        "description": message_of(code, generation),
        "headers": _references(*_COMMON, *special),
        "content": {"application/json": {"schema": reference("V3Error" if is_v3 else "Error"), "example": example}},
    }


def _references(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
