"""The demo's key: the one that the founding document prints.

Owns that it works in the demo, and only there: it is never stored, so that no other server can come to accept
it. Must not know what the demo holds.
"""

from collections.abc import Sequence
from hmac import compare_digest
from typing import Final

from rowen.app.keys import PERMISSIONS, digest
from rowen.app.ports import KeyAccess, Keyring, Organizations
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

DEMO_KEY: Final = "0d031d8227eafa61dc375a6c2e067e24"
"""The key of the founding document's `Authorization` header."""

DEMO_ORGANIZATION: Final = "demo"
_DIGEST: Final = digest(DEMO_KEY)
_NO_ROW: Final = 0


class DemoKeyring:
    """The keys of a database, and the demo's."""

    def __init__(self, keys: Keyring, organizations: Organizations) -> None:
        self._keys = keys
        self._organizations = organizations

    async def authenticate(self, digest: bytes) -> KeyAccess | None:
        """Return what a key opens; the demo's opens everything of the demo's organization."""
        if not compare_digest(digest, _DIGEST):
            return await self._keys.authenticate(digest)
        organization = await self._organizations.find(DEMO_ORGANIZATION)
        return None if organization is None else KeyAccess(_NO_ROW, "demo", frozenset(PERMISSIONS), None, organization)

    async def record_use(self, uses: Sequence[tuple[OrganizationId, int, Instant]]) -> None:
        """Store when stored keys were last used."""
        await self._keys.record_use([use for use in uses if use[1] != _NO_ROW])
