"""The booking links of a database, which are records.

Owns how the organization of an address is found: its number is the beginning of the secret. Must not know a secret
itself, beyond its digest, or what a link offers.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy import bindparam, select

from rowen.app.booking_links import APPLICATION, USING, BookingLink, LinkCodec
from rowen.app.keys import Identity, digest
from rowen.app.organizations import Organization
from rowen.app.records import BOOKING_LINKS
from rowen.interviews.interview import OrganizationId
from rowen.store.engines.base import Engine, Transaction
from rowen.store.ledger.ledger import COLUMNS, organization_of
from rowen.store.records.writer import RecordWriter
from rowen.store.schema.tables import organizations

_RATE_LIMIT: Final = 20
"""How many requests an address may have in a window: one candidate opens it."""

_PERMISSIONS: Final = frozenset({USING})
_FIRST: Final = -(2**40)
"""The id of the first link as an identity: no API key, calendar or session has such an id."""

_LARGEST: Final = 2**31 - 1
_MOST_DIGITS: Final = len(str(_LARGEST))


class BookingLinkTable:
    """The `LinkStore` on an engine."""

    def __init__(self, engine: Engine, codec: LinkCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._records = RecordWriter(engine)
        self._organization = engine.prepare(select(*COLUMNS).where(organizations.c.id == bindparam("organization")))

    async def all(self, organization: Organization) -> Sequence[BookingLink]:
        """Return an organization's links, ordered by id."""
        return await self._read(organization, ("kind", "link"))

    async def of_application(self, organization: Organization, application: int) -> Sequence[BookingLink]:
        """Return the links of an application, ordered by id."""
        return await self._read(organization, (APPLICATION, str(application)))

    async def find(self, organization: Organization, digest: bytes) -> BookingLink | None:
        """Return the link whose secret has this SHA-256 digest."""
        found = await self._read(organization, ("digest", digest.hex()))
        return found[0] if found else None

    async def authenticate(self, secret: str) -> Identity | None:
        """Return the identity of an address by its secret; None if there is none."""
        number, _, _ = secret.partition("-")
        is_number = len(number) <= _MOST_DIGITS and number.isascii() and number.isdigit()
        if not is_number or int(number) > _LARGEST:
            return None
        row = await self._engine.row(self._organization, {"organization": int(number)})
        if row is None:
            return None
        organization = organization_of(row)
        link = await self.find(organization, digest(secret))
        if link is None:
            return None
        return Identity(_FIRST - link.id, f"booking link {link.id}", _PERMISSIONS, _RATE_LIMIT, organization)

    async def _read(self, organization: Organization, term: tuple[str, str]) -> Sequence[BookingLink]:
        """Return the links with a term, ordered by id."""
        copy = self._engine.reader_for(organization.id, organization.version)
        return await copy.read(partial(self._by_term, organization.id, term))

    async def _by_term(
        self, organization: OrganizationId, term: tuple[str, str], transaction: Transaction
    ) -> list[BookingLink]:
        rows = await self._records.by_term(transaction, organization, BOOKING_LINKS, *term)
        return [self._codec.link(row.document) for row in rows if row.document]
