"""Who may call: HTTP Basic, the user name being the API key (RFC 7617; contract section 3).

Owns reading the header and finding the key. Must not know permissions of endpoints or what is asked. A key goes
from the header to its digest here and nowhere else.
"""

import binascii
from base64 import b64decode
from collections.abc import Callable

import structlog
from starlette.types import Scope

from rowen.app.keys import digest
from rowen.app.ports import KeyAccess, Keyring
from rowen.http.answers import exchange_of
from rowen.interviews.errors import Code, Refusal, Unavailable
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

_log = structlog.stdlib.get_logger("rowen.http")


class Authentication:
    """Finds the key of a request, and remembers when keys were used."""

    def __init__(self, keys: Keyring, now: Callable[[], Instant]) -> None:
        self._keys = keys
        self._now = now
        self._used: set[tuple[OrganizationId, int]] = set()

    async def authenticate(self, scope: Scope) -> KeyAccess:
        """Return what the request's key opens. Raises Refusal (unauthenticated)."""
        key = _key(scope)
        access = None if key is None else await self._keys.authenticate(digest(key))
        if access is None:
            raise Refusal(Code.UNAUTHENTICATED)
        self._used.add((access.organization.id, access.key_id))
        return access

    async def flush(self) -> None:
        """Store when keys were used since the last time."""
        used, self._used = self._used, set()
        if not used:
            return
        try:
            now = self._now()
            await self._keys.record_use([(organization, key, now) for organization, key in used])
        except Unavailable as error:
            # Telling when a key was last used is not worth an outage of reading; the next time will do.
            self._used |= used
            _log.warning("use of keys not recorded", reason=error.message)


def _key(scope: Scope) -> str | None:
    headers = exchange_of(scope).headers
    kind, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() != b"basic":
        return None
    try:
        return b64decode(encoded.strip(), validate=True).partition(b":")[0].decode() or None
    except (binascii.Error, UnicodeDecodeError):
        return None
