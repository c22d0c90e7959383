"""The answers of the calls: what comes back where all is well, and each refusal.

Owns their statuses, headers and examples; statuses and messages come from the table of problems. Must not know paths.
"""

from typing import Any, Final

from rowen.harvest.problems import PROBLEMS
from rowen.http.openapi.calls import Reply
from rowen.http.openapi.schemas import reference
from rowen.interviews.errors import Code

Json = dict[str, Any]

_COMMON: Final = ("X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining")
_SPECIAL: Final = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After", "X-RateLimit-Reset"),
    503: ("Retry-After",),
}
_HEADERS: Final = {
    "ETag": ("What `If-None-Match` and `If-Match` take", "string"),
    "Link": ("The pages `next`, `prev` and `last` (RFC 8288); absent where there is one page", "string"),
    "Warning": ("The interviews that this one overlaps, where the organization warns of double booking", "string"),
    "X-Request-ID": ("What to quote when reporting a fault", "string"),
    "X-RateLimit-Limit": ("How many requests the key may make in 10 seconds", "integer"),
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
    *(Code.HEADERS_TOO_LARGE, Code.FAULT, Code.UNAVAILABLE),
)
"""The refusals, one of each status."""


def headers() -> Json:
    """Return the descriptions of all headers of answers, by name."""
    return {
        name: {"description": description, "schema": {"type": kind}} for name, (description, kind) in _HEADERS.items()
    }


def refusals() -> Json:
    """Return the answers to what is refused, by name."""
    return {code.value: _refusal(code) for code in _SHOWN}


def refusal_references(codes: set[Code]) -> Json:
    """Return references to some of them, by status."""
    shown = {PROBLEMS[code].status: code for code in _SHOWN}
    statuses = sorted({PROBLEMS[code].status for code in codes})
    return {str(status): {"$ref": f"#/components/responses/{shown[status].value}"} for status in statuses}


def success(reply: Reply, links: Json) -> Json:
    """Return the answer where all is well."""
    extra = [name for name, given in (("Link", reply.paged), ("Warning", reply.warns)) if given]
    content: Json = {"application/json": {"schema": reply.schema, "example": reply.example}}
    if reply.events is not None:
        content["text/event-stream"] = {"schema": {"type": "string"}, "example": reply.events}
    answer = {
        "description": reply.description,
        "headers": _references("ETag", *_COMMON, *extra),
        "content": content,
    }
    return {**answer, "links": links} if links else answer


def not_modified() -> Json:
    """Return the answer to who has it already."""
    return {"description": "The copy that the client has is still good", "headers": _references("ETag", *_COMMON)}


def _refusal(code: Code) -> Json:
    status, message = PROBLEMS[code]
    example: Json = {"message": message}
    if code in _PROBLEMS_SHOWN:
        field, told = _PROBLEMS_SHOWN[code]
        example["errors"] = [{"message": told, "field": field}]
    return {
        "description": message,
        "headers": _references(*_COMMON, *_SPECIAL.get(status, ())),
        "content": {"application/json": {"schema": reference("Error"), "example": example}},
    }


def _references(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
