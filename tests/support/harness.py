"""A real application for tests: a database on either engine, its store, a clock, and organizations with their keys.

Owns what tests do from within a database, in-process or beside the server that serves it: making organizations and
keys, importing, and the writes that no command does (deleting many interviews, closing applications known from
interviews only, logging a change), which keep the ledger's discipline: its row first, its revision raised, one
transaction. Must not know an engine.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import bindparam, delete, literal_column, update

from rowen import wiring
from rowen.api.codec import archive, documents
from rowen.api.codec import records as record_codec
from rowen.app.archive import ARCHIVED
from rowen.app.imports import MergeCounts
from rowen.app.keys import new_key
from rowen.app.organizations import DoubleBooking, Organization
from rowen.interviews.changes import Actor, ActorKind, ChangeSummary, FieldChange, Kind
from rowen.interviews.moments import Instant
from rowen.store.database import locate, upgrade
from rowen.store.engines.base import Transaction
from rowen.store.ledger.change_log import ChangeLog, LoggedChange
from rowen.store.ledger.ledger import Ledger, LedgerState, next_state
from rowen.store.schema.tables import interviewers, panel, records, scheduled_interviews
from tests.support.records import Record, canonical
from tests.support.server import Server, serving

Result = TypeVar("Result")
NOW: Final = Instant.parse("2024-05-23")
"""Less than a day before the times of the records: an import at this time moves the ledger on to them."""

JACK: Final = Actor(ActorKind.USER, 2000, "Jack Shepard", "script")
_numbers = count(1)


@dataclass
class FakeClock:
    """A clock that stands still at `instant` until a test moves it; with None it is the machine's clock."""

    instant: Instant | None = NOW

    def __call__(self) -> Instant:
        return wiring.now() if self.instant is None else self.instant

    def advance(self, milliseconds: int) -> None:
        """Move the clock."""
        self.instant = Instant(self() + milliseconds)


@dataclass
class FakeSeconds:
    """A clock in seconds, as `time` and `monotonic` are, that stands still at `now` until a test moves it."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class SampleChange:
    """One change to be logged: its kind, its interview, and the document after it."""

    kind: Kind = Kind.UPDATED
    interview: int | None = 1
    document: bytes | None = b'{"id":1}'
    fields: Sequence[FieldChange] = ()


_ROWS_OF_INTERVIEWS: Final = (
    (panel, panel.c.interview_id),
    (interviewers, interviewers.c.interview_id),
    (scheduled_interviews, scheduled_interviews.c.id),
)
"""The tables that have rows of an interview, each with the column of its id; the interviews themselves come last."""


class Harness:
    """An open database. It has a loop of its own: a thread that writes needs a harness of its own."""

    def __init__(self, database: str, clock: FakeClock, server: Server | None = None) -> None:
        self.database = database
        self.clock = clock
        self.store = wiring.open_store(locate(database), clock)
        self._server = server
        self._runner = asyncio.Runner()

    @property
    def server(self) -> Server:
        """The server of the database, if there is one."""
        assert self._server is not None, "nothing serves this database"
        return self._server

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine of the store to its end: on another thread if Playwright runs its loop on this one."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._runner.run(work)
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._runner.run, work).result()

    def tenant(self, name: str | None = None, time_zone: str = "UTC") -> "Tenant":
        """Make an organization and a key named `test` that has every permission."""
        name = name or f"tenant-{next(_numbers)}"
        organization = self.run(self.store.organizations.create(name, time_zone, self.clock()))
        return Tenant(self, organization, self.new_key(organization, "test"))

    def new_key(
        self, organization: Organization, name: str, allow: Iterable[str] = (), rate_limit: int | None = None
    ) -> str:
        """Make a key with these permissions, with every one if none is named, and return it."""
        key, stored = new_key(name, allow=tuple(allow), rate_limit=rate_limit)
        self.run(self.store.keys.create(organization.id, stored, self.clock()))
        return key

    def close(self) -> None:
        """Close the database."""
        self.run(self.store.engine.close())
        self._runner.close()


@dataclass(frozen=True)
class Tenant:
    """An organization, and a key to it."""

    harness: Harness
    organization: Organization
    key: str

    def open_client(self) -> httpx.Client:
        """Return an HTTP client of the server that authenticates with the key. It is to be closed."""
        return self.harness.server.client(self.key)

    def new_key(self, *permissions: str, name: str | None = None) -> str:
        """Make a key with these permissions, with every one if none is named, and return it."""
        return self.harness.new_key(self.organization, name or f"key-{next(_numbers)}", permissions)

    def revoke(self, name: str) -> None:
        """Revoke a key."""
        harness = self.harness
        assert harness.run(harness.store.keys.revoke(self.organization.id, name, harness.clock()))

    def merge(
        self,
        interviews: Iterable[Record],
        *,
        created_through_api: bool = False,
        now: Instant | None = None,
        clamp: bool = False,
    ) -> MergeCounts:
        """Import interviews in one transaction."""
        zone = ZoneInfo(self.organization.time_zone)
        rows = [documents.draft(documents.decode(canonical(each)), zone) for each in interviews]
        merger, now = self.harness.store.merger, self.harness.clock() if now is None else now
        return self.harness.run(
            merger.merge(self.organization, rows, now=now, created_through_api=created_through_api, clamp=clamp)
        )

    def merge_records(
        self, resource: str, found: Iterable[Record], *, now: Instant | None = None, clamp: bool = False
    ) -> MergeCounts:
        """Import records of a resource other than interviews in one transaction."""
        draft = archive.draft if resource in ARCHIVED else record_codec.draft
        rows = [draft(resource, canonical(each)) for each in found]
        merger, now = self.harness.store.record_merger, self.harness.clock() if now is None else now
        return self.harness.run(merger.merge(self.organization, rows, now=now, clamp=clamp))

    def change_settings(self, double_booking: DoubleBooking | None = None, grace: int | None = None) -> None:
        """Change the settings of the organization; `grace` in milliseconds."""
        organizations = self.harness.store.organizations
        self.harness.run(organizations.change(self.organization.name, double_booking, grace))

    def delete_interviews(self, identifiers: Sequence[int]) -> int:
        """Delete interviews in one transaction, and return how many existed."""
        engine = self.harness.store.engine
        values = {"organization": self.organization.id, "ids": engine.bind_identifiers(identifiers)}

        async def work(transaction: Transaction, state: LedgerState) -> LedgerState:
            deleted = 0
            for table, column in _ROWS_OF_INTERVIEWS:
                own = table.c.organization_id == bindparam("organization")
                statement = engine.prepare(delete(table).where(own, engine.id_in(column, "ids")))
                deleted = await transaction.run(statement, values)
            if not deleted:
                return state
            return next_state(state, self.harness.clock())._replace(interview_count=state.interview_count - deleted)

        before, after = self._in_ledger(work)
        return before.interview_count - after.interview_count

    def set_active(self, application: int, active: bool) -> None:
        """Open or close an application."""
        statement = self.harness.store.engine.prepare(
            update(records)
            .where(
                records.c.organization_id == bindparam("organization"),
                records.c.resource == literal_column("'applications'"),
                records.c.id == bindparam("one"),
            )
            .values(status=bindparam("new_status"))
        )
        status = "active" if active else "rejected"
        values = {"organization": self.organization.id, "one": application, "new_status": status}

        async def work(transaction: Transaction, state: LedgerState) -> LedgerState:
            await transaction.run(statement, values)
            return next_state(state, self.harness.clock())

        self._in_ledger(work)

    def log_changes(self, *changes: SampleChange) -> int:
        """Log changes in one transaction, each at a revision of its own, and return the last revision."""
        log = ChangeLog(self.harness.store.engine, documents)

        async def work(transaction: Transaction, state: LedgerState) -> LedgerState:
            for each in changes:
                state = next_state(state, self.harness.clock())
                summary = ChangeSummary(
                    state.revision, state.last_updated_at, each.kind, JACK, each.interview, fields=each.fields
                )
                await log.append(transaction, self.organization.id, LoggedChange(summary, each.document))
            return state

        return self._in_ledger(work)[1].revision

    def skip_revision(self) -> int:
        """Raise the revision without a change in the feed, and return it."""

        async def work(_: Transaction, state: LedgerState) -> LedgerState:
            return next_state(state, self.harness.clock())

        return self._in_ledger(work)[1].revision

    def _in_ledger(
        self, work: Callable[[Transaction, LedgerState], Awaitable[LedgerState]]
    ) -> tuple[LedgerState, LedgerState]:
        """Do work in a transaction that takes the ledger; return its state before and after."""
        engine = self.harness.store.engine
        ledger = Ledger(engine)

        async def unit(transaction: Transaction) -> tuple[LedgerState, LedgerState]:
            before = await ledger.take(transaction, self.organization.id)
            after = await work(transaction, before)
            if after != before:
                await ledger.advance(transaction, self.organization.id, after)
            return before, after

        return self.harness.run(engine.write(unit))


@contextmanager
def opened(database: str, clock: FakeClock | None = None, server: Server | None = None) -> Iterator[Harness]:
    """Open a database, made if it is missing, until the end of the block; the clock stands at `NOW` by default."""
    upgrade(locate(database))
    harness = Harness(database, clock or FakeClock(), server)
    try:
        yield harness
    finally:
        harness.close()


@contextmanager
def served(database: str, *options: str, clock: FakeClock | None = None) -> Iterator[Harness]:
    """Serve a database, made if missing, until the end of the block: without a rate limit, by the machine's clock."""
    upgrade(locate(database))
    with (
        serving(database, ["--rate-limit", "0", *options]) as server,
        opened(database, clock or FakeClock(None), server) as harness,
    ):
        yield harness
