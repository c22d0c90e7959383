"""What PostgreSQL's errors mean: our own mistakes, what is to be tried again, and what nobody can help now.

Owns the table from its codes (PostgreSQL, appendix A) to sentences. Must not know a statement, or who tries again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from rowen.interviews.errors import Unavailable
from rowen.store.postgres_pool import Pool

LOST_AGAINST_ANOTHER: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    # Another holds the ledger for too long: it may hang, and then it is ended before the next try.
    asyncpg.LockNotAvailableError,
    # What must be unique is looked up before it is written: another was quicker, and will be seen the next time.
    asyncpg.UniqueViolationError,
)

_OURS: Final = ("22", "23", "42")
"""Classes of errors that are our own mistakes (PostgreSQL, appendix A): data, constraints, syntax."""

_EXPLANATIONS: Final = {
    "25006": "it takes no writes: it is a standby",
    "28000": "it does not let this user in",
    "28P01": "it refuses the password of this user",
    "3D000": "there is none of that name: make it with createdb",
    "42501": "this user may not do what Rowen needs",
    "42P01": "its tables are not there: run `rowen db upgrade`",
    "53100": "the disk is full",
    "53300": "it has no connection left",
    "55P03": "another transaction has been writing for too long",
    "57P01": "it is being stopped",
    "57P02": "it has crashed, and starts again",
    "57P03": "it is starting, or being stopped",
}


OF_THE_CONNECTION: Final = (
    asyncpg.InterfaceError,
    # The server has just said farewell on it, and it is not closed yet.
    asyncpg.InternalClientError,
)


def unavailable_to_all(error: Exception) -> Exception:
    """Return what it means that a unit has lost time and again."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return error  # not against another, then: it is our own mistake
    if isinstance(error, asyncpg.LockNotAvailableError):
        return Unavailable(f"the PostgreSQL database: {_EXPLANATIONS['55P03']}")
    return Unavailable("the PostgreSQL database: others have been quicker, time and again")


def is_lost(error: Exception) -> bool:
    """Tell whether a connection was lost, or is of no more use, so that another may fare better."""
    if isinstance(error, asyncpg.DataError):
        return False  # a value of ours that cannot be sent; to asyncpg an error of the interface
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return True  # a table has a column more than when the statement was prepared: an upgrade was made meanwhile
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in ("08", "57") and error.sqlstate != "57014"
    return isinstance(error, (*OF_THE_CONNECTION, ConnectionError))


def _unavailable(error: Exception, pool: Pool | None) -> Exception:
    """Return what an error means: our own mistakes, and what is to be tried again, as they are."""
    if isinstance(error, (*LOST_AGAINST_ANOTHER, asyncpg.DataError)):
        return error
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        known = _EXPLANATIONS.get(state)
        if known is None and state[:2] in _OURS:
            return error
        if state == "25006" and pool is not None:
            pool.renew()  # it was the primary, and is no longer: another is, by now or soon
        return Unavailable(f"the PostgreSQL database: {known or str(error)}")
    if isinstance(error, TimeoutError):
        return Unavailable("the PostgreSQL database: it does not answer")
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return Unavailable("the PostgreSQL database: none of its servers is a primary")
    if isinstance(error, (OSError, *OF_THE_CONNECTION)):
        return Unavailable(f"the PostgreSQL database: {_reason(error)}")
    return error


@contextmanager
def explained(pool: Pool | None = None) -> Iterator[None]:
    """Say what PostgreSQL's errors mean, in the block. Raises Unavailable."""
    try:
        yield
    except Exception as error:
        meaning = _unavailable(error, pool)
        if meaning is error:
            raise
        raise meaning from error


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
