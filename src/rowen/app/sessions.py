"""People who sign in: one-time links, and the sessions that these begin.

Owns what a link and a session are made of, how long they last, and the port that keeps them. Must not know cookies,
pages or SQL. Of the secrets only digests (SHA-256) are stored. A secret begins with its organization's id, so that it
is looked up there only.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from rowen.app.keys import Identity, digest
from rowen.app.organizations import Organization
from rowen.app.roles import ROLE_PERMISSIONS, Role
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.interviews.people import User

_SECRET_BYTES: Final = 24
_TOKEN: Final = re.compile(r"([1-9][0-9]{0,9})\.([A-Za-z0-9_-]{32})")
_LARGEST_ORGANIZATION: Final = 2**31 - 1
_FIRST_IDENTITY: Final = 2**30
"""Sessions identify themselves by negative ids that no client of v3 has: `-(2**30) - person`."""

_HOUR: Final = 3_600_000
LINK_LIFETIME: Final = 72 * _HOUR
"""How long a sign-in link works, in milliseconds: over a weekend."""

SESSION_LIFETIME: Final = 30 * 24 * _HOUR
"""How long a session lasts at most, in milliseconds."""

IDLE_LIFETIME: Final = 7 * 24 * _HOUR
"""How long a session lasts without a request, in milliseconds."""

USE_INTERVAL: Final = _HOUR // 6
"""How often the last use of a session is stored, in milliseconds."""


class SignInToken(NamedTuple):
    """The secret of a link or a session, as its digest, with the organization that it begins with."""

    organization: OrganizationId
    digest: bytes


class PersonAccess(NamedTuple):
    """A person who can sign in: a user of an organization with a role. `id` is the person's own, unlike the user's."""

    id: int
    user: User
    role: Role
    organization: Organization


class SignInSession(NamedTuple):
    """A valid session: whose it is, and when it was last known to be used.

    `confirmed_at` is when an identity provider last confirmed it; None for one that a link began.
    """

    person: PersonAccess
    used_at: Instant
    confirmed_at: Instant | None = None

    @property
    def name(self) -> str:
        """The name that the history and logs have for the maker of a request."""
        user = self.person.user
        return user.name or user.email or f"user {user.id}"

    @property
    def identity(self) -> Identity:
        """The identity of a request of the session: it acts for its user."""
        person = self.person
        permissions = ROLE_PERMISSIONS[person.role]
        return Identity(-_FIRST_IDENTITY - person.id, self.name, permissions, None, person.organization, person.user.id)


class SignInLink(NamedTuple):
    """A sign-in link that works: the person whom it signs in, None for the first admin, whom nobody knows yet."""

    organization: Organization
    person: PersonAccess | None


@dataclass(frozen=True, slots=True)
class InvitedPerson:
    """A person as the operator sees one."""

    organization: str
    user_id: int
    name: str | None
    email: str | None
    role: Role
    sessions: int
    last_used_at: Instant | None
    revoked_at: Instant | None


class Sessions(Protocol):
    """The people of a database who sign in, and their sessions."""

    async def invite(
        self, organization: OrganizationId, user: int, role: Role, link: SignInToken, now: Instant
    ) -> None:
        """Give a user a role, in place of another one, and store a link that signs the user in; older links end."""
        ...

    async def change_role(self, organization: OrganizationId, user: int, role: Role, now: Instant) -> None:
        """Give a user a role, in place of another one; links and sessions stay."""
        ...

    async def invite_first(self, organization: OrganizationId, link: SignInToken, now: Instant) -> bool:
        """Store a link for the first admin; False if the organization has people already. An older link ends."""
        ...

    async def link(self, link: SignInToken, now: Instant) -> SignInLink | None:
        """Return a link; None if it is unknown, expired or used."""
        ...

    async def sign_in(
        self, link: SignInToken, session: SignInToken, now: Instant, first_user: int | None = None
    ) -> bool:
        """Use a link, and begin a session; False if the link does not work.

        `first_user` is the user who becomes the first admin by a link that is nobody's.
        """
        ...

    async def sign_in_as(self, organization: OrganizationId, role: Role, session: SignInToken, now: Instant) -> bool:
        """Begin a session of the first person with a role, without a link: for the demo. False if there is none."""
        ...

    async def find(self, session: SignInToken, now: Instant) -> SignInSession | None:
        """Return a session; None if it is unknown, has ended, or its person may no longer sign in."""
        ...

    async def record_use(self, session: SignInToken, now: Instant) -> None:
        """Store when a session was last used."""
        ...

    async def sign_out(self, session: SignInToken) -> None:
        """End a session."""
        ...

    async def sign_out_everywhere(self, organization: OrganizationId, person: int) -> None:
        """End all sessions of a person."""
        ...

    async def revoke(self, organization: OrganizationId, user: int, now: Instant) -> bool:
        """Take a user's role, and end all sessions and links; False if the user has no role."""
        ...

    async def people(self, organization: OrganizationId | None = None) -> list[InvitedPerson]:
        """Return everybody who can or could sign in, of one or every organization, ordered by it and by invitation."""
        ...


def new_token(
    organization: OrganizationId, random_bytes: Callable[[int], str] = secrets.token_urlsafe
) -> tuple[str, SignInToken]:
    """Make the secret of a link or a session, of 192 random bits; return it, and what is stored of it."""
    text = f"{organization}.{random_bytes(_SECRET_BYTES)}"
    return text, SignInToken(organization, digest(text))


def read_token(text: str) -> SignInToken | None:
    """Return what is stored of a secret; None for text that is none."""
    found = _TOKEN.fullmatch(text)
    if found is None or int(found[1]) > _LARGEST_ORGANIZATION:
        return None
    return SignInToken(OrganizationId(int(found[1])), digest(text))
