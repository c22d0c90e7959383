"""Authentication: the ways to prove who makes a request, in order.

Owns how credentials are found in a request, and the challenges of a 401 (RFC 9110 section 11; contract section 3). Must
not know permissions of endpoints or what is asked. To add a way, such as a bearer token, the cookie of a session or a
secret address, write a class with the methods of `Authenticator` and put it into the list in `wiring.py`.
"""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Sequence
from typing import Final, Protocol

import structlog
from starlette.types import Scope

from rowen.app.keys import Identity, Keyring, digest
from rowen.http.addresses import RequestHeaders
from rowen.http.responses import context_of
from rowen.interviews.errors import Code, Refusal, Unavailable
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Clock

FLUSH_SECONDS: Final = 30

_log = structlog.stdlib.get_logger("rowen.http")


class Authenticator(Protocol):
    """One kind of credentials."""

    def credentials(self, path: str, headers: RequestHeaders) -> str | None:
        """Return the credentials of this kind in the path or the headers of a request; None if it has none."""
        ...

    async def identify(self, credentials: str) -> Identity | None:
        """Return the identity of the credentials; None if they are not valid."""
        ...

    def challenge(self, *, rejected: bool) -> bytes | None:
        """Return the `WWW-Authenticate` of a 401, None for no header.

        `rejected` is true for a request with credentials of this kind that are not valid, false for one without any.
        """
        ...


class Authentication:
    """Authenticates requests: the first authenticator that finds credentials in one decides."""

    def __init__(self, authenticators: Sequence[Authenticator]) -> None:
        self._authenticators = tuple(authenticators)

    async def authenticate(self, scope: Scope) -> Identity:
        """Return the identity of a request. Raises Refusal (unauthenticated) with the challenges of all of them."""
        context = context_of(scope)
        rejecting = None
        for each in self._authenticators:
            credentials = each.credentials(scope["path"], context.headers)
            if credentials is not None:
                identity = await each.identify(credentials)
                if identity is not None:
                    return identity
                rejecting = each
                break
        challenges = [each.challenge(rejected=each is rejecting) for each in self._authenticators]
        context.extra = [(b"www-authenticate", each) for each in challenges if each is not None]
        raise Refusal(Code.UNAUTHENTICATED)


class ApiKeyAuthenticator:
    """API keys, sent as the user name of HTTP Basic (RFC 7617), and when they were used.

    A key goes from the header to its digest here and nowhere else.
    """

    def __init__(self, keys: Keyring, now: Clock) -> None:
        self._keys = keys
        self._now = now
        self._used: set[tuple[OrganizationId, int]] = set()

    def credentials(self, path: str, headers: RequestHeaders) -> str | None:  # noqa: ARG002  (keys are in headers)
        """Return the key in a request, or None."""
        kind, _, encoded = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() != b"basic":
            return None
        try:
            return b64decode(encoded.strip(), validate=True).partition(b":")[0].decode() or None
        except (binascii.Error, UnicodeDecodeError):
            return None

    async def identify(self, credentials: str) -> Identity | None:
        """Return the identity of a key; None if it is unknown or revoked."""
        identity = await self._keys.authenticate(digest(credentials))
        if identity is not None:
            self._used.add((identity.organization.id, identity.id))
        return identity

    def challenge(self, *, rejected: bool) -> bytes:
        """Return the `WWW-Authenticate` of a 401. The body is the same for all (contract section 3)."""
        return _REJECTED if rejected else _MISSING

    async def record_uses(self) -> None:
        """Store every 30 seconds when keys were last used, until cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Store when keys were last used."""
        used, self._used = self._used, set()
        if not used:
            return
        try:
            now = self._now()
            await self._keys.record_use([(organization, key, now) for organization, key in used])
        except Unavailable as error:
            # A time of last use is not worth an outage: the next flush writes it.
            self._used |= used
            _log.warning("use of keys not recorded", reason=error.message)


_REJECTED: Final = b'Basic realm="Rowen"'
_MISSING: Final = (
    b'Basic realm="Rowen", error="missing_key",'
    b' error_description="Send the API key as the user name of HTTP Basic, with an empty password"'
)
