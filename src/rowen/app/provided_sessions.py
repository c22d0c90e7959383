"""Sessions that an identity provider began, and confirms while they last.

Owns how often that is, and the port that keeps what a session needs for it. Must not know OpenID Connect, pages or SQL.
See docs/decisions/0044-openid-connect.md.
"""

from typing import Final, NamedTuple, Protocol

from rowen.app.roles import Role
from rowen.app.sessions import SignInToken
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

_MINUTE: Final = 60_000
CONFIRM_INTERVAL: Final = 2 * _MINUTE
"""After how long the provider is asked again, at the next request of the session, in milliseconds."""

LONGEST_UNCONFIRMED: Final = 5 * _MINUTE - 20_000
"""How long a session works that the provider has not confirmed, in milliseconds: less than five minutes."""

ASKING_TIME: Final = 20_000
"""After how long another process may ask in place of one that was ended meanwhile, in milliseconds."""


class HeldGrant(NamedTuple):
    """What a session asks the provider with, encrypted; None if the provider gave nothing."""

    content: bytes | None


class ProvidedSessions(Protocol):
    """The sessions of a database that a provider began."""

    async def begin(
        self, organization: OrganizationId, user: int, role: Role, session: SignInToken, grant: HeldGrant, now: Instant
    ) -> bool:
        """Give a user the role that the provider says, and begin a session; False if the role was taken here."""
        ...

    async def ask(self, session: SignInToken, confirmed_at: Instant, now: Instant) -> HeldGrant | None:
        """Return what a session asks the provider with, for one caller at a time; None for others meanwhile."""
        ...

    async def confirm(self, session: SignInToken, role: Role, grant: HeldGrant, now: Instant) -> None:
        """Store that the provider has confirmed a session, with the role that its person has now."""
        ...

    async def release(self, session: SignInToken) -> None:
        """Store that the provider did not answer, so that the next caller asks."""
        ...
