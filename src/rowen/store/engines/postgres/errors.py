"""The meaning of PostgreSQL's errors: our own mistakes, transactions to try again, and unavailability.

Owns the table from its codes (PostgreSQL, appendix A) to sentences. Must not know a statement, or who tries again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from rowen.interviews.errors import Unavailable

LOST_AGAINST_ANOTHER: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    # Another transaction holds the ledger for too long: it may hang, and is ended before the next try.
    asyncpg.LockNotAvailableError,
    # Unique values are looked up before they are written: another transaction came first, and is seen at the next try.
    asyncpg.UniqueViolationError,
)

_OURS: Final = ("22", "23", "42")
"""Classes of errors that are our own mistakes (PostgreSQL, appendix A): data, constraints, syntax."""

_EXPLANATIONS: Final = {
    "25006": "it takes no writes: it is a standby",
    "28000": "it does not let this user in",
    "28P01": "it refuses the password of this user",
    "3D000": "it does not exist: create it with createdb",
    "42501": "this user may not do what Rowen needs",
    "42P01": "its tables are not there: run `rowen db upgrade`",
    "53100": "the disk is full",
    "53300": "it has no connection left",
    "55P03": "another transaction has been writing for too long",
    "57P01": "it is being stopped",
    "57P02": "it has crashed and is restarting",
    "57P03": "it is starting, or being stopped",
}


OF_THE_CONNECTION: Final = (
    asyncpg.InterfaceError,
    # The server has sent its shutdown message, but asyncpg has not closed the connection yet.
    asyncpg.InternalClientError,
)


def unavailable_to_all(error: Exception) -> Exception:
    """Return the error for a unit that lost at every attempt."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return error  # then it did not lose against another: it is our own mistake
    if isinstance(error, asyncpg.LockNotAvailableError):
        return Unavailable(f"the PostgreSQL database: {_EXPLANATIONS['55P03']}")
    return Unavailable("the PostgreSQL database: other transactions came first at every attempt")


def is_lost(error: Exception) -> bool:
    """Return whether a connection was lost or is unusable, so that a new one may succeed."""
    if isinstance(error, asyncpg.DataError):
        return False  # a value that cannot be encoded, which asyncpg reports as an interface error
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return True  # a table has a new column since the statement was prepared: the schema was upgraded meanwhile
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in ("08", "57") and error.sqlstate != "57014"
    return isinstance(error, (*OF_THE_CONNECTION, ConnectionError))


def _unavailable(error: Exception, database: str) -> Exception:
    """Return the error to raise: our own mistakes and those to be tried again are returned unchanged."""
    if isinstance(error, (*LOST_AGAINST_ANOTHER, asyncpg.DataError)):
        return error
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        known = _EXPLANATIONS.get(state)
        if known is None and state[:2] in _OURS:
            return error
        return Unavailable(f"database {database}: {known or str(error)}")
    if isinstance(error, TimeoutError):
        return Unavailable(f"database {database}: it does not answer")
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return Unavailable(f"database {database}: none of its servers is a primary")
    if isinstance(error, (OSError, *OF_THE_CONNECTION)):
        return Unavailable(f"database {database}: {_reason(error)}")
    return error


@contextmanager
def explained(database: str) -> Iterator[None]:
    """Turn PostgreSQL's errors into Unavailable, in the block, where that is what they mean."""
    try:
        yield
    except Exception as error:
        meaning = _unavailable(error, database)
        if meaning is error:
            raise
        raise meaning from error


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
