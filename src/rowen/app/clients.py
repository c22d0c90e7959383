"""Clients of Harvest v3: making them, and the port that keeps them.

Owns how an id, a secret and a refresh token look, and what is stored of them. Must not know how they are sent or
stored, or what a token is made of.

The secret and the refresh token are stored as digests only. The signing key, with which the client's tokens are signed
and verified, is stored in clear, like the secrets of webhooks: each server must verify tokens without the secret. A
person who can read the database could sign tokens; everything that they open to read is in the database, too.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from rowen.app.keys import digest
from rowen.app.scopes import SCOPES, expanded_scopes
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

_ID_BYTES: Final = 10
_SECRET_BYTES: Final = 20
_SIGNING_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Client:
    """A client as the operator sees it, without its secrets.

    `user_id` is the acting user of tokens that name none.
    """

    organization: str
    name: str
    client_id: str
    scopes: frozenset[str]
    user_id: int | None
    created_at: Instant
    last_used_at: Instant | None
    revoked_at: Instant | None


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client to be stored: of its secret and its refresh token only the digests (SHA-256) are kept."""

    name: str
    client_id: str
    secret_digest: bytes
    refresh_digest: bytes
    signing_key: bytes
    scopes: frozenset[str]
    user_id: int | None


class ClientSecrets(NamedTuple):
    """A new client's id, its secret and its refresh token, to be shown once."""

    client_id: str
    secret: str
    refresh_token: str


class Clients(Protocol):
    """The clients of a database, as an operator manages them."""

    async def create(self, organization: OrganizationId, client: NewClient, now: Instant) -> None:
        """Store a client. Raises Refusal (conflict) if the organization has a client with that name."""
        ...

    async def all(self) -> list[Client]:
        """Return every client, ordered by organization and creation."""
        ...

    async def revoke(self, organization: OrganizationId, name: str, now: Instant) -> bool:
        """Revoke a client with all its tokens; False if no valid client has that name."""
        ...


def new_client(
    name: str,
    *,
    scopes: Iterable[str] = (),
    user_id: int | None = None,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[ClientSecrets, NewClient]:
    """Make a client; return what is to be shown once, and the record to store.

    Without `scopes` it has every scope that exists today. Raises Refusal (invalid) for unknown scopes.
    """
    granted = expanded_scopes(scopes) or frozenset(SCOPES)
    shown = ClientSecrets(
        f"rowen_client_{random_bytes(_ID_BYTES).hex()}",
        f"rowen_secret_{random_bytes(_SECRET_BYTES).hex()}",
        f"rowen_refresh_{random_bytes(_SECRET_BYTES).hex()}",
    )
    signing_key = random_bytes(_SIGNING_BYTES)
    record = NewClient(
        name, shown.client_id, digest(shown.secret), digest(shown.refresh_token), signing_key, granted, user_id
    )
    return shown, record
