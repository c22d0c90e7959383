"""Adoption: imported interviews that clients may change from then on.

Owns which imported interviews need adoption, and the port that adopts them. Must not know SQL or a command line. See
docs/decisions/0024-adoption.md.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from rowen.app.organizations import Organization
from rowen.interviews.interview import Status
from rowen.interviews.moments import Instant
from rowen.interviews.query import InterviewQuery

_SCHEDULED: Final = Status.SCHEDULED.value


def is_upcoming(status: str, starts_at: int, now: Instant) -> bool:
    """Return whether an interview is scheduled in the future, so that clients are likely to change it."""
    return status == _SCHEDULED and starts_at > now


class Adopted(NamedTuple):
    """How many interviews clients can now change, and how many of the requested ones they could change before."""

    adopted: int
    already: int


class Adopter(Protocol):
    """Lets clients change interviews that were imported."""

    async def adopt(
        self,
        organization: Organization,
        query: InterviewQuery,
        identifiers: Sequence[int],
        *,
        now: Instant,
        dry_run: bool = False,
    ) -> Adopted:
        """Mark the matching interviews as created through the API; only those among `identifiers`, if there are any.

        With `dry_run` they are only counted. Raises Refusal (not found), before anything is written, if an identifier
        is unknown.
        """
        ...

    async def frozen(self, organization: Organization, now: Instant) -> int:
        """Return how many interviews are scheduled in the future and cannot be changed by clients."""
        ...
