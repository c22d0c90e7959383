"""What can be wrong, as data with stable codes.

Owns the refusals of the domain and the use cases. Must not know HTTP statuses, bodies or exit codes: `api/errors.py`
and the command line translate them.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple


class Code(StrEnum):
    """Why something was refused. The names are stable: logs, metrics and tests rely on them."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    READ_ONLY = "read_only"
    PARTLY_READ_ONLY = "partly_read_only"
    ACCOUNT_FORBIDS = "account_forbids"
    INSECURE = "insecure"
    CROSS_SITE = "cross_site"
    BAD_HOST = "bad_host"
    TIMED_OUT = "timed_out"
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
    UNREAD = "unread"
    TOO_MANY_FOLLOWERS = "too_many_followers"
    ACCOUNT_BUSY = "account_busy"
    HEADERS_TOO_LARGE = "headers_too_large"
    FAULT = "fault"
    ACCOUNT_FAILED = "account_failed"
    ACCOUNT_UNREACHABLE = "account_unreachable"
    ACCOUNT_SILENT = "account_silent"
    NOT_TAKEN = "not_taken"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"


LONGEST_QUOTE: Final = 60
"""How many characters of foreign text, such as the name of an unknown field, a message shows."""

MOST_PROBLEMS: Final = 1_000
"""How many problems of one request are kept: a megabyte of mistakes must not cause a response of several."""


class FieldProblem(NamedTuple):
    """One thing wrong with one field: `field` is its path, `message` completes the sentence "field …"."""

    field: str
    message: str


class Problems:
    """Collects what is wrong with one request, so that all of it is returned at once.

    It keeps those it starts with and `MOST_PROBLEMS` more; `count` is the number of calls of `note`.
    """

    def __init__(self, found: Iterable[FieldProblem] = ()) -> None:
        self.found = list(found)
        self.count = 0
        self._most = len(self.found) + MOST_PROBLEMS

    def note(self, field: str, message: str) -> None:
        """Add a problem of the field at a path."""
        self.count += 1
        if len(self.found) < self._most:
            self.found.append(FieldProblem(field, message))

    def refusal(self) -> "Refusal":
        """Return the refusal (invalid) that names them all."""
        return Refusal(Code.INVALID, problems=tuple(self.found))

    def raise_any(self) -> None:
        """Raise Refusal (invalid) with all problems, if any."""
        if self.found:
            raise self.refusal()


class Refusal(Exception):
    """A request that is refused, with the reason, and after how many seconds it may be sent again, if that is known."""

    def __init__(
        self,
        code: Code,
        message: str = "",
        problems: tuple[FieldProblem, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message or code.value)
        self.code = code
        self.message = message
        self.problems = problems
        self.retry_after = retry_after


class UnknownUserError(Refusal):
    """A write is made on behalf of a user who is not in the organization."""

    def __init__(self) -> None:
        super().__init__(Code.NOT_FOUND, "unknown user")


class Unavailable(Refusal):
    """The store cannot respond now: the message is for the operator, and contains no secret."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.UNAVAILABLE, message)
