"""The demo's key: the one that the Harvest reference prints.

Owns the rule that this key works in the demo only: it is never stored, so that no other server can accept it. Must not
know what the demo contains.
"""

from collections.abc import Sequence
from hmac import compare_digest
from typing import Final

from rowen.app.keys import PERMISSIONS, Identity, Keyring, digest
from rowen.app.organizations import Organizations
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

DEMO_KEY: Final = "0d031d8227eafa61dc375a6c2e067e24"
"""The key of the `Authorization` header in the Harvest reference."""

DEMO_ORGANIZATION: Final = "demo"
_DIGEST: Final = digest(DEMO_KEY)
_NO_ROW: Final = 0


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
