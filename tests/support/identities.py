"""An organization and the identities of its API keys, without a database."""

from typing import Final

from rowen.app.keys import Identity
from rowen.app.organizations import DoubleBooking, Organization
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

ORGANIZATION: Final = Organization(
    OrganizationId(1), "one", "UTC", Instant(0), 0, Instant(0), 0, DoubleBooking.ALLOW, 0
)


def access(key_id: int = 1, rate_limit: int | None = None) -> Identity:
    """Return the identity of a key without permissions."""
    return Identity(key_id, "etl", frozenset(), rate_limit, ORGANIZATION)
