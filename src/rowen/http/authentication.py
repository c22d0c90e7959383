"""Authentication: the ways to prove who makes a request, in order.

Owns how credentials are found in a request, and the challenges of a 401 (RFC 9110 section 11; contract section 3). Must
not know permissions of endpoints or what is asked. To add a way, such as a secret address, write a class with the
methods of `Authenticator` and put it into a list in `server_wiring.py`: each generation of the API has one. Sessions
are in `web/authentication.py`, as they need a token for unsafe methods, too.
"""

import asyncio
import binascii
import re
from collections.abc import Sequence
from typing import Final, Protocol

import structlog
from starlette.types import Scope

from rowen.app.booking_links import LinkStore
from rowen.app.calendars import CalendarStore
from rowen.app.keys import Identity, Keyring, digest
from rowen.app.tokens import Tokens
from rowen.http.addresses import RequestHeaders
from rowen.http.responses import context_of
from rowen.interviews.errors import Code, Refusal, Unavailable
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Clock, Instant

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

    def has_credentials(self, scope: Scope) -> bool:
        """Return whether a request has credentials of any kind, valid or not."""
        headers = context_of(scope).headers
        return any(each.credentials(scope["path"], headers) is not None for each in self._authenticators)

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


class _UseRecorder(Protocol):
    """Where the last use of credentials is stored."""

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None: ...


class _Uses:
    """When credentials were used, until that is stored."""

    def __init__(self, store: _UseRecorder, now: Clock) -> None:
        self._store = store
        self._now = now
        self._used: set[tuple[OrganizationId, int]] = set()

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
            await self._store.record_use([(organization, key, now) for organization, key in used])
        except Unavailable as error:
            # A time of last use is not worth an outage: the next flush writes it.
            self._used |= used
            _log.warning("use of keys not recorded", reason=error.message)


class ApiKeyAuthenticator(_Uses):
    """API keys, sent as the user name of HTTP Basic (RFC 7617), and when they were used.

    A key goes from the header to its digest here and nowhere else.
    """

    def __init__(self, keys: Keyring, now: Clock) -> None:
        super().__init__(keys, now)
        self._keys = keys

    def credentials(self, path: str, headers: RequestHeaders) -> str | None:  # noqa: ARG002  (keys are in headers)
        """Return the key in a request, or None."""
        found = _basic(headers)
        try:
            return None if found is None else found.partition(b":")[0].decode() or None
        except UnicodeDecodeError:
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


class BearerAuthenticator(_Uses):
    """Bearer tokens of v3 (RFC 6750), and when their issuers were used."""

    def __init__(self, tokens: Tokens, now: Clock) -> None:
        super().__init__(tokens, now)
        self._tokens = tokens

    def credentials(self, path: str, headers: RequestHeaders) -> str | None:  # noqa: ARG002  (tokens are in headers)
        """Return the token in a request, or None."""
        kind, _, token = headers.get(b"authorization", b"").partition(b" ")
        return str(token.strip(), "latin-1") or None if kind.lower() == b"bearer" else None

    async def identify(self, credentials: str) -> Identity | None:
        """Return the identity of a token; None if it is not valid now."""
        identity = await self._tokens.authenticate(credentials, self._now())
        if identity is not None:
            self._used.add((identity.organization.id, identity.id))
        return identity

    def challenge(self, *, rejected: bool) -> bytes:
        """Return the `WWW-Authenticate` of a 401 (RFC 6750 section 3)."""
        return _BAD_TOKEN if rejected else _NO_TOKEN


class SecretAddressAuthenticator(_Uses):
    """Secret addresses of calendars, and when they were used.

    A request with an API key is one of that key: no address is looked up for it.
    """

    def __init__(self, calendars: CalendarStore, now: Clock) -> None:
        super().__init__(calendars, now)
        self._calendars = calendars

    def credentials(self, path: str, headers: RequestHeaders) -> str | None:  # noqa: ARG002  (the path is the secret)
        """Return the secret in the path of a request, or None."""
        found = _CALENDAR.fullmatch(path)
        return None if found is None else found[1]

    async def identify(self, credentials: str) -> Identity:
        """Return the identity of an address. Raises Refusal (not found): there is nothing to ask a person for."""
        identity = await self._calendars.authenticate(digest(credentials))
        if identity is None:
            raise Refusal(Code.NOT_FOUND)
        self._used.add((identity.organization.id, identity.id))
        return identity

    def challenge(self, *, rejected: bool) -> None:
        """Return no challenge."""


class BookingLinkAuthenticator:
    """Secret addresses of booking links. A request with an API key is one of that key."""

    def __init__(self, links: LinkStore) -> None:
        self._links = links

    def credentials(self, path: str, headers: RequestHeaders) -> str | None:  # noqa: ARG002  (the path is the secret)
        """Return the secret in the path of a request, or None."""
        found = _BOOKING.fullmatch(path)
        return None if found is None else found[1]

    async def identify(self, credentials: str) -> Identity:
        """Return the identity of an address. Raises Refusal (not found): there is nothing to ask a person for."""
        identity = await self._links.authenticate(credentials)
        if identity is None:
            raise Refusal(Code.NOT_FOUND)
        return identity

    def challenge(self, *, rejected: bool) -> None:
        """Return no challenge."""


def basic_credentials(headers: RequestHeaders) -> tuple[str, str] | None:
    """Return the user name and the password of HTTP Basic; None if the request has none in this form."""
    found = _basic(headers)
    if found is None:
        return None
    name, _, password = found.partition(b":")
    try:
        return name.decode(), password.decode("utf-8", "replace")
    except UnicodeDecodeError:
        return None


def _basic(headers: RequestHeaders) -> bytes | None:
    """Return what HTTP Basic encodes; None if a request has nothing in this form."""
    kind, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() != b"basic":
        return None
    try:
        return binascii.a2b_base64(encoded.strip(), strict_mode=True)  # base64.b64decode takes 0.2 µs more
    except binascii.Error:
        return None


_CALENDAR: Final = re.compile(r"/calendars/([^/]+)\.ics")
_BOOKING: Final = re.compile(r"/book/([^/]+)(?:/calendar\.ics)?")
_NO_TOKEN: Final = b'Bearer realm="Rowen"'
_BAD_TOKEN: Final = b'Bearer realm="Rowen", error="invalid_token"'
_REJECTED: Final = b'Basic realm="Rowen"'
_MISSING: Final = (
    b'Basic realm="Rowen", error="missing_key",'
    b' error_description="Send the API key as the user name of HTTP Basic, with an empty password"'
)
