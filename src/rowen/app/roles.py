"""Roles: what people who sign in may do.

Owns the permissions of each role, from the same table as those of API keys, and those for one's own things, which only
people have. Must not know how people sign in.
"""

from enum import StrEnum
from typing import Final

from rowen.app.keys import PERMISSIONS


class Role(StrEnum):
    """The role of a person who can sign in."""

    ADMIN = "admin"
    COORDINATOR = "coordinator"
    INTERVIEWER = "interviewer"


OWN_INTERVIEWS: Final = "own:interviews"
OWN_SCORECARDS: Final = "own:scorecards"
OWN_CALENDARS: Final = "own:calendars"
OWN_AVAILABILITY: Final = "own:availability"

OWN_PERMISSIONS: Final = {
    OWN_INTERVIEWS: "See and answer the interviews that one holds",
    OWN_SCORECARDS: "Write one's own scorecards",
    OWN_CALENDARS: "Make and remove the address of one's own calendar",
    OWN_AVAILABILITY: "See and change one's own availability and the sources of one's own busy times",
}
"""The permissions for a person's own things, with a description. No API key has them: a key is nobody's."""

# A receiver's address often holds a secret, and whoever changes the e-mail address of a user can take over its account.
_ADMINS_ONLY: Final = frozenset(
    {"users:update", "users:disable", "users:enable", *(name for name in PERMISSIONS if name.startswith("webhooks:"))}
)

ROLE_PERMISSIONS: Final = {
    Role.ADMIN: frozenset(PERMISSIONS) | frozenset(OWN_PERMISSIONS),
    Role.COORDINATOR: (frozenset(PERMISSIONS) - _ADMINS_ONLY) | frozenset(OWN_PERMISSIONS),
    # No operation of the API shows only what concerns its caller: interviewers have the pages, which do.
    Role.INTERVIEWER: frozenset(OWN_PERMISSIONS),
}
"""The permissions of a session of each role."""


def roles_with(permission: str) -> frozenset[Role]:
    """Return the roles that have a permission."""
    return frozenset(role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions)
