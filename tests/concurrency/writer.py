"""Writing to a database while a server serves it, as an importer does: through the store, from outside.

Owns organizations and keys for tests, merges, and the two writes that no command does so (deleting many interviews,
closing applications known from interviews only), which keep the ledger's discipline: its row first, its revision
raised, one transaction.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import bindparam, delete, literal_column, update

from rowen import wiring
from rowen.app.keys import new_key
from rowen.app.ports import DoubleBooking, MergeCounts, Organization
from rowen.harvest import resources
from rowen.harvest.documents import decode, draft
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.database import locate, upgrade
from rowen.store.engine import Transaction
from rowen.store.ledger import Ledger, next_state
from rowen.store.tables import panel, records, scheduled_interviews
from tests.support.records import Record

Result = TypeVar("Result")
NOW: Final = Instant.parse("2024-02-01")
"""Before the times of the records: what is merged stamps the ledger, as a clock that goes on does."""


@dataclass(frozen=True)
class Client:
    """An organization and a key that opens it."""

    organization: Organization
    key: str

    @property
    def zone(self) -> ZoneInfo:
        """The organization's time zone."""
        return ZoneInfo(self.organization.time_zone)


class Writer:
    """One writer; a thread that writes has its own."""

    def __init__(self, database: str) -> None:
        self._runner = asyncio.Runner()
        self._store = wiring.open_store(locate(database))
        engine = self._store.engine
        self._ledger = Ledger(engine)
        stored = scheduled_interviews.c
        self._delete = engine.prepare(
            delete(scheduled_interviews).where(
                stored.organization_id == bindparam("organization"), engine.among(stored.id, "ids")
            )
        )
        self._unbook = engine.prepare(
            delete(panel).where(
                panel.c.organization_id == bindparam("organization"), engine.among(panel.c.interview_id, "ids")
            )
        )
        self._activate = engine.prepare(
            update(records)
            .where(
                records.c.organization_id == bindparam("organization"),
                records.c.resource == literal_column("'applications'"),
                records.c.id == bindparam("one"),
            )
            .values(status=bindparam("new_status"))
        )

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a use of the store to its end."""
        return self._runner.run(work)

    def new_client(self, name: str, time_zone: str = "UTC") -> Client:
        """Make an organization and a key with every permission."""
        organization = self.run(self._store.organizations.create(name, time_zone, NOW))
        key, stored = new_key("test")
        self.run(self._store.keys.create(organization.id, stored, NOW))
        return Client(organization, key)

    def merge(self, client: Client, records: Iterable[Record], *, created_through_api: bool = False) -> MergeCounts:
        """Merge records in one transaction."""
        drafts = [draft(decode(msgspec.json.encode(record)), client.zone) for record in records]
        return self.run(
            self._store.merger.merge(client.organization, drafts, now=NOW, created_through_api=created_through_api)
        )

    def merge_records(self, client: Client, resource: str, records: Iterable[Record]) -> MergeCounts:
        """Merge records other than interviews in one transaction."""
        drafts = [resources.draft(resource, msgspec.json.encode(record)) for record in records]
        return self.run(self._store.record_merger.merge(client.organization, drafts, now=NOW))

    def delete(self, client: Client, identifiers: Sequence[int]) -> int:
        """Delete interviews in one transaction, and return how many there were."""
        engine = self._store.engine
        organization = client.organization.id

        async def work(transaction: Transaction) -> int:
            ledger = await self._ledger.take(transaction, organization)
            ids = engine.bind_identifiers(identifiers)
            deleted = await transaction.run(self._delete, {"organization": organization, "ids": ids})
            await transaction.run(self._unbook, {"organization": organization, "ids": ids})
            if deleted:
                state = next_state(ledger, NOW)._replace(interview_count=ledger.interview_count - deleted)
                await self._ledger.advance(transaction, organization, state)
            return deleted

        return self.run(engine.write(work))

    def set_active(self, client: Client, application: int, active: bool) -> None:
        """Open or close an application."""
        organization: OrganizationId = client.organization.id

        async def work(transaction: Transaction) -> None:
            ledger = await self._ledger.take(transaction, organization)
            status = "active" if active else "rejected"
            await transaction.run(
                self._activate, {"organization": organization, "one": application, "new_status": status}
            )
            await self._ledger.advance(transaction, organization, next_state(ledger, NOW))

        self.run(self._store.engine.write(work))

    def change_settings(self, client: Client, double_booking: DoubleBooking) -> None:
        """Say what is done about double booking."""
        self.run(self._store.organizations.change(client.organization.name, double_booking, None))

    def close(self) -> None:
        """Let go of the database."""
        self.run(self._store.engine.close())
        self._runner.close()


@contextmanager
def writing(database: str) -> Iterator[Writer]:
    """Open a database, made if it is missing, for writing until the end of the block."""
    upgrade(locate(database))
    writer = Writer(database)
    try:
        yield writer
    finally:
        writer.close()
