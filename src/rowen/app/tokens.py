"""Bearer tokens: issuing and verifying them.

Owns what a token is made of (RFC 7519, signed by HMAC-SHA-256: RFC 7515), how long it lives, and the rules of each
grant. Must not know how tokens are sent, or how clients are stored.

A token names its issuer, a client or an API key, and is signed with the issuer's key. It holds no scopes: these are the
issuer's as of each request, and a revoked issuer has none. The format is fixed, so that its verification needs no
library, and none of the attacks on a header that names an algorithm (RFC 8725) can apply.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as mac
from typing import Annotated, Final, NamedTuple, Protocol

import msgspec

from rowen.app.keys import Identity, digest
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

LIFETIME: Final = 3_600
"""How long a token is valid, in seconds."""

_HEADER: Final = urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode()
_LONGEST: Final = 1_000  # characters; ours have about 200
_FOR_KEYS: Final = b"rowen: signing key of tokens"
_Row = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
_User = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,15}$")]


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


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of a token; `expires` and `issued` are Unix times, `user` is the id of the acting user."""

    organization: _Row
    kind: IssuerKind
    id: _Row
    issued: int = msgspec.field(name="iat")
    expires: int = msgspec.field(name="exp")
    user: _User | None = msgspec.field(name="sub", default=None)


class IssuedToken(NamedTuple):
    """A new token, the end of its life and its scopes; `refresh_token` only if it was made with one."""

    text: str
    expires_at: Instant
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
) -> IssuedToken | None:
    """Return a token, and the same refresh token again; None if that is not the client's."""
    if not compare_digest(client.refresh_digest, digest(refresh_token)):
        return None
    return issue(client.issuer, user, now)._replace(refresh_token=refresh_token)


def issue(issuer: Issuer, user: int | None, now: Instant) -> IssuedToken:
    """Return a new token; without `user` it acts as the issuer's user, if it has one."""
    seconds = int(now) // 1_000
    acting = user or issuer.user_id
    subject = None if acting is None else str(acting)
    claims = Claims(issuer.organization, issuer.kind, issuer.id, seconds, seconds + LIFETIME, subject)
    signed = f"{_HEADER}.{_encoded(msgspec.json.encode(claims))}"
    text = f"{signed}.{_encoded(_signature(signed, issuer.signing_key))}"
    return IssuedToken(text, Instant(claims.expires * 1_000), issuer.scopes)


def read_claims(token: str) -> Claims | None:
    """Return the content of a token, which is not verified; None if it is not in the form of ours."""
    parts = token.split(".") if len(token) <= _LONGEST else []
    if len(parts) != 3 or parts[0] != _HEADER:
        return None
    try:
        return msgspec.json.decode(urlsafe_b64decode(parts[1] + "=="), type=Claims)
    except ValueError:  # raised for bad base64, bad JSON and bad values
        return None


def is_signed(token: str, signing_key: bytes) -> bool:
    """Return whether a token has the signature of its issuer."""
    signed, _, signature = token.rpartition(".")
    return compare_digest(_encoded(_signature(signed, signing_key)).encode(), signature.encode())


def signing_key_of(key_digest: bytes) -> bytes:
    """Return the key that signs the tokens of an API key: it is derived from the digest that is stored."""
    return mac(key_digest, _FOR_KEYS, sha256)


def _signature(signed: str, signing_key: bytes) -> bytes:
    return mac(signing_key, signed.encode(), sha256)


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
