"""Roles: what people who sign in may do.

Owns the permissions of each role, from the same table as those of API keys. Must not know how people sign in.
"""

from enum import StrEnum
from typing import Final

from rowen.app.keys import PERMISSIONS


class Role(StrEnum):
    """The role of a person who can sign in."""

    ADMIN = "admin"
    COORDINATOR = "coordinator"
    INTERVIEWER = "interviewer"


# A receiver's address often holds a secret, and whoever changes the e-mail address of a user can take over its account.
_ADMINS_ONLY: Final = frozenset(
    {"users:update", "users:disable", "users:enable", *(name for name in PERMISSIONS if name.startswith("webhooks:"))}
)

ROLE_PERMISSIONS: Final = {
    Role.ADMIN: frozenset(PERMISSIONS),
    Role.COORDINATOR: frozenset(PERMISSIONS) - _ADMINS_ONLY,
    # No operation of the API shows only what concerns its caller: interviewers have the pages, which do.
    Role.INTERVIEWER: frozenset[str](),
}
"""The permissions of a session of each role."""
