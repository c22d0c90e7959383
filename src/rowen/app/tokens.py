"""Bearer tokens: issuing and verifying them.

Owns what a token says, how long it lives, and the rules of each grant. Must not know how tokens are written or sent, or
how clients are stored.

A token names its issuer, a client or an API key, and is signed with the issuer's key. It holds no scopes: these are the
issuer's as of each request, and a revoked issuer has none.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as mac
from typing import Final, NamedTuple, Protocol

from rowen.app.keys import Identity, digest
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

LIFETIME: Final = 3_600
"""How long a token is valid, in seconds."""

_FOR_KEYS: Final = b"rowen: signing key of tokens"


class IssuerKind(StrEnum):
    """The kinds of credentials that a token can be made with."""

    CLIENT = "client"
    KEY = "key"
    DEMO = "demo"
    """The key of the demo, which is not stored."""


class Issuer(NamedTuple):
    """A client or an API key that is in force; `id` is its row in its organization."""

    kind: IssuerKind
    organization: OrganizationId
    id: int
    signing_key: bytes
    scopes: frozenset[str]
    user_id: int | None


class RegisteredClient(NamedTuple):
    """A client in force with the digests of its secret and its refresh token."""

    issuer: Issuer
    secret_digest: bytes
    refresh_digest: bytes


class Claims(NamedTuple):
    """The content of a token; `expires` and `issued` are Unix times, `user` is the id of the acting user."""

    organization: OrganizationId
    kind: IssuerKind
    id: int
    issued: int
    expires: int
    user: int | None = None


class SignedClaims(NamedTuple):
    """A token that was sent: its claims, the text that is signed, and the signature that it has."""

    claims: Claims
    signed: bytes
    signature: bytes

    def is_signed_by(self, signing_key: bytes) -> bool:
        """Return whether the signature is that of its issuer."""
        return compare_digest(signature_of(self.signed, signing_key), self.signature)


class TokenCodec(Protocol):
    """The text of tokens, as those who verify them need it."""

    def read(self, token: str) -> SignedClaims | None:
        """Return what a token says, which is not verified; None if it is not in the form of ours."""
        ...


class TokenGrant(NamedTuple):
    """What a new token is made of, and its scopes; `refresh_token` only if it was asked for with one."""

    claims: Claims
    signing_key: bytes
    scopes: frozenset[str]
    refresh_token: str | None = None


class Tokens(Protocol):
    """The tokens of a database's clients and keys, as a server uses them."""

    async def authenticate(self, token: str, now: Instant) -> Identity | None:
        """Return the identity of a token; None if it is not valid now."""
        ...

    async def client(self, client_id: str) -> RegisteredClient | None:
        """Return the client with that id; None if it is unknown or revoked."""
        ...

    async def key(self, digest: bytes) -> Issuer | None:
        """Return the API key with a SHA-256 digest as an issuer of tokens; None if it is unknown or revoked."""
        ...

    async def may_act(self, organization: OrganizationId, user: int) -> bool:
        """Return whether tokens can act for a user: one of the organization who is not disabled."""
        ...

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None:
        """Store when the issuers of tokens were last used; negative ids are those of clients."""
        ...


async def authenticated_client(tokens: Tokens, client_id: str, secret: str) -> RegisteredClient | None:
    """Return the client with an id and a secret; None if they are wrong."""
    client = await tokens.client(client_id)
    return client if client is not None and compare_digest(client.secret_digest, digest(secret)) else None


def grant_to_refresh_token(
    client: RegisteredClient, refresh_token: str, user: int | None, now: Instant
) -> TokenGrant | None:
    """Grant a token, and the same refresh token again; None if that is not the client's."""
    if not compare_digest(client.refresh_digest, digest(refresh_token)):
        return None
    return grant(client.issuer, user, now)._replace(refresh_token=refresh_token)


def grant(issuer: Issuer, user: int | None, now: Instant) -> TokenGrant:
    """Grant a token; without `user` it acts as the issuer's user, if it has one."""
    seconds = int(now) // 1_000
    acting = user or issuer.user_id
    claims = Claims(issuer.organization, issuer.kind, issuer.id, seconds, seconds + LIFETIME, acting)
    return TokenGrant(claims, issuer.signing_key, issuer.scopes)


def signing_key_of(key_digest: bytes) -> bytes:
    """Return the key that signs the tokens of an API key: it is derived from the digest that is stored."""
    return mac(key_digest, _FOR_KEYS, sha256)


def signature_of(signed: bytes, signing_key: bytes) -> bytes:
    """Return the signature of a text, by HMAC-SHA-256."""
    return mac(signing_key, signed, sha256)
