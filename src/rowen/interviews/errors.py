"""What can be wrong, as data with stable codes.

Owns the vocabulary of refusals that the domain and the use cases speak. Must not know HTTP statuses, bodies or
exit codes: the wire (`harvest/problems.py`) and the command line translate them.
"""

from enum import StrEnum
from typing import NamedTuple


class Code(StrEnum):
    """Why something was refused. The names are stable: logs, metrics and tests rely on them."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    INSECURE = "insecure"
    UNEXPECTED_BODY = "unexpected_body"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    IN_FLIGHT = "in_flight"
    STALE = "stale"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA = "unsupported_media"
    MALFORMED = "malformed"
    ADDRESS_TOO_LONG = "address_too_long"
    INVALID = "invalid"
    RATE_LIMITED = "rate_limited"
    HEADERS_TOO_LARGE = "headers_too_large"
    FAULT = "fault"
    UNAVAILABLE = "unavailable"


class FieldProblem(NamedTuple):
    """One thing wrong with one field: `field` is its path, `message` completes the sentence "field …"."""

    field: str
    message: str


class Refusal(Exception):  # noqa: N818  (a refusal is an answer, not a fault)
    """A request that is answered with a reason instead of a result."""

    def __init__(self, code: Code, message: str = "", problems: tuple[FieldProblem, ...] = ()) -> None:
        super().__init__(message or code.value)
        self.code = code
        self.message = message
        self.problems = problems


class Unavailable(Refusal):
    """The store cannot answer now: the message tells the operator why and names no secret."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.UNAVAILABLE, message)
