"""The demo's key: the one that the Harvest reference prints.

Owns the rule that this key works in the demo only: it is never stored, so that no other server can accept it. Must not
know what the demo contains.
"""

from collections.abc import Sequence
from hmac import compare_digest
from typing import Final

from rowen.api.codec.tokens import read
from rowen.app.keys import PERMISSIONS, Identity, Keyring, NewKey, digest
from rowen.app.organizations import Organizations
from rowen.app.scopes import scopes_of
from rowen.app.tokens import Issuer, IssuerKind, RegisteredClient, Tokens, signing_key_of
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

DEMO_KEY: Final = "0d031d8227eafa61dc375a6c2e067e24"
"""The key of the `Authorization` header in the Harvest reference."""

DEMO_ORGANIZATION: Final = "demo"
_DIGEST: Final = digest(DEMO_KEY)
_NO_ROW: Final = 0
_SCOPES: Final = scopes_of(frozenset(PERMISSIONS))
_ONLY: Final = 1
"""The id in tokens of the demo's key."""


def require_secret(key: NewKey) -> None:
    """Raise Refusal (invalid) for the demo's key, which must not open anything else."""
    if key.digest == _DIGEST:
        raise Refusal(Code.INVALID, "this key is public: the documentation prints it")


class DemoKeyring:
    """The keys of a database, and the demo's."""

    def __init__(self, keys: Keyring, organizations: Organizations) -> None:
        self._keys = keys
        self._organizations = organizations

    async def authenticate(self, digest: bytes) -> Identity | None:
        """Return what a key gives access to; the demo's key gives access to everything in the demo's organization."""
        if not compare_digest(digest, _DIGEST):
            return await self._keys.authenticate(digest)
        organization = await self._organizations.find(DEMO_ORGANIZATION)
        return None if organization is None else Identity(_NO_ROW, "demo", frozenset(PERMISSIONS), None, organization)

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None:
        """Store when stored keys were last used."""
        await self._keys.record_use([use for use in uses if use[1] != _NO_ROW])


class DemoTokens:
    """The tokens of a database, and those of the demo's key, which everybody could sign, as everybody knows the key."""

    def __init__(self, tokens: Tokens, organizations: Organizations) -> None:
        self._tokens = tokens
        self._organizations = organizations

    async def authenticate(self, token: str, now: Instant) -> Identity | None:
        """Return the identity of a token; None if it is not valid now."""
        known = await self._tokens.authenticate(token, now)
        sent = read(token) if known is None else None
        if sent is None or sent.claims.kind is not IssuerKind.DEMO:
            return known
        claims = sent.claims
        organization = await self._organizations.find(DEMO_ORGANIZATION)
        if organization is None or organization.id != claims.organization or now >= claims.expires * 1_000:
            return None
        if not sent.is_signed_by(signing_key_of(_DIGEST)):
            return None
        return Identity(_NO_ROW, "demo", _SCOPES, None, organization, claims.user)

    async def client(self, client_id: str) -> RegisteredClient | None:
        """Return the client with that id; None if it is unknown or revoked."""
        return await self._tokens.client(client_id)

    async def key(self, digest: bytes) -> Issuer | None:
        """Return an API key as an issuer of tokens; that of the demo has every scope."""
        if not compare_digest(digest, _DIGEST):
            return await self._tokens.key(digest)
        organization = await self._organizations.find(DEMO_ORGANIZATION)
        if organization is None:
            return None
        return Issuer(IssuerKind.DEMO, organization.id, _ONLY, signing_key_of(_DIGEST), _SCOPES, None)

    async def may_act(self, organization: OrganizationId, user: int) -> bool:
        """Return whether tokens can act for a user."""
        return await self._tokens.may_act(organization, user)

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None:
        """Store when stored issuers were last used."""
        await self._tokens.record_use([use for use in uses if use[1] != _NO_ROW])
