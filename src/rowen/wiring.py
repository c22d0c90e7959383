"""The one place where objects are built.

Owns which part gets which. Must not know what a part does. Nothing is built when this is imported.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import time_ns
from typing import TYPE_CHECKING

from rowen.api.codec import documents, hiring, records, scorecards, users, v3
from rowen.app.account_writes import AccountWrites, WaitLimits
from rowen.app.adoption import Adopter
from rowen.app.agenda import Agenda
from rowen.app.calendars import Calendars, CalendarStore
from rowen.app.changes import Commits, Feed
from rowen.app.clients import Clients
from rowen.app.delivery_attempts import WebhookSender
from rowen.app.imports import Merger
from rowen.app.interviews import Interviews
from rowen.app.invitations import Inviting
from rowen.app.keys import Keys
from rowen.app.mirror import Mirrors
from rowen.app.organizations import Organization, Organizations
from rowen.app.records import RecordMerger, Records, UserRemover
from rowen.app.rows import Rows
from rowen.app.services import Services
from rowen.app.sessions import Sessions
from rowen.app.status_updates import StatusUpdater
from rowen.app.tokens import Tokens
from rowen.app.unit_of_work import UnitOfWorks
from rowen.app.webhooks import Webhooks
from rowen.demo.key import DEMO_ORGANIZATION
from rowen.interviews.moments import Instant
from rowen.settings import ServerSettings
from rowen.store.database import open_engine
from rowen.store.engines.base import Engine, Location
from rowen.store.integrity.repair import Repairer
from rowen.store.interviews.adoption import InterviewAdopter
from rowen.store.interviews.agenda import AgendaReader
from rowen.store.interviews.calendars import CalendarReader
from rowen.store.interviews.conflicts import ConflictFinder
from rowen.store.interviews.merger import InterviewMerger
from rowen.store.interviews.reader import InterviewReader
from rowen.store.ledger.commit_watcher import CommitWatcher
from rowen.store.ledger.feed import ChangeFeed
from rowen.store.mirror.account_writes import AccountWriteTable
from rowen.store.mirror.mirrors import MirrorTables
from rowen.store.organizations.api_keys import KeyTable
from rowen.store.organizations.calendars import CalendarTable
from rowen.store.organizations.clients import ClientTable
from rowen.store.organizations.organizations import OrganizationTable
from rowen.store.organizations.sessions import SessionTable
from rowen.store.organizations.tokens import TokenTable
from rowen.store.records.merger import RecordTableMerger
from rowen.store.records.reader import RecordReader
from rowen.store.records.user_removal import UserTable
from rowen.store.rows.reader import RowReader
from rowen.store.unit_of_work.due_interviews import DueInterviewFinder
from rowen.store.unit_of_work.unit_of_work import StoreUnitOfWorks
from rowen.store.webhooks.deliveries import DeliveryTable
from rowen.store.webhooks.outbox import Outbox
from rowen.store.webhooks.subscriptions import WebhookTable

if TYPE_CHECKING:
    import httpx

    from rowen.http.connections import ConnectionLimits
    from rowen.mirror.account import AccountPolicy
    from rowen.mirror.credentials import Client
    from rowen.mirror.follower import Follower
    from rowen.mirror.reading import LoadStep
    from rowen.mirror.write_through import WriteThrough
    from rowen.web.ports import PagePorts
    from rowen.webhooks.dispatcher import Dispatcher
    from rowen.webhooks.sender import HttpWebhookSender


class Store:
    """The ports of one open database.

    Each is built when it is first used: building all takes a command longer than most of its work, and a server uses
    those that it needs at its start.
    """

    def __init__(self, engine: Engine, clock: Callable[[], Instant]) -> None:
        self.engine = engine
        self._clock = clock

    @cached_property
    def organizations(self) -> Organizations:
        """Its organizations."""
        return OrganizationTable(self.engine)

    @cached_property
    def keys(self) -> Keys:
        """Its API keys."""
        return KeyTable(self.engine)

    @cached_property
    def clients(self) -> Clients:
        """Its clients of v3."""
        return ClientTable(self.engine)

    @cached_property
    def tokens(self) -> Tokens:
        """Their tokens."""
        return TokenTable(self.engine, users)

    @cached_property
    def sessions(self) -> Sessions:
        """The people who sign in, and their sessions."""
        return SessionTable(self.engine, records)

    @cached_property
    def agenda(self) -> Agenda:
        """What reads the interviews of a stretch of time."""
        return AgendaReader(self.engine)

    @cached_property
    def interviews(self) -> Interviews:
        """What reads interviews."""
        return InterviewReader(self.engine)

    @cached_property
    def merger(self) -> Merger:
        """What merges interviews."""
        return InterviewMerger(self.engine, documents, records)

    @cached_property
    def record_merger(self) -> RecordMerger:
        """What merges all other records."""
        return RecordTableMerger(self.engine, documents, records)

    @cached_property
    def writing(self) -> UnitOfWorks:
        """Its units of work."""
        return StoreUnitOfWorks(self.engine, documents, records, self._clock)

    @cached_property
    def records(self) -> Records:
        """What reads all other records."""
        return RecordReader(self.engine, records)

    @cached_property
    def rows(self) -> Rows:
        """What reads the rows of v3."""
        return RowReader(self.engine, v3)

    @cached_property
    def feed(self) -> Feed:
        """The log of changes."""
        return ChangeFeed(self.engine)

    @cached_property
    def commits(self) -> Commits:
        """What reports commits."""
        return CommitWatcher(self.engine)

    @cached_property
    def adopter(self) -> Adopter:
        """What lets clients change imported interviews."""
        return InterviewAdopter(self.engine)

    @cached_property
    def users(self) -> UserRemover:
        """What deletes users."""
        return UserTable(self.engine, documents, records)

    @cached_property
    def mirrors(self) -> Mirrors:
        """Its mirrors."""
        return MirrorTables(self.engine)

    @cached_property
    def account_writes(self) -> AccountWrites:
        """Its writes that pass through mirrors."""
        return AccountWriteTable(self.engine)

    @cached_property
    def calendars(self) -> CalendarStore:
        """Its calendars."""
        return CalendarTable(self.engine)

    async def close(self) -> None:
        """Close the database."""
        await self.engine.close()


def now() -> Instant:
    """Return the current instant by this machine's clock."""
    return Instant(time_ns() // 1_000_000)


def open_store(location: Location, clock: Callable[[], Instant] = now) -> Store:
    """Open a database that is up to date; writes are stamped by `clock`."""
    return Store(open_engine(location), clock)


@asynccontextmanager
async def opened(location: Location) -> AsyncIterator[Store]:
    """Open a database that is up to date, for the duration of the block."""
    store = open_store(location)
    upkeep = asyncio.create_task(store.engine.maintain(), name="database: upkeep")
    try:
        yield store
    finally:
        upkeep.cancel()
        await asyncio.gather(upkeep, return_exceptions=True)
        await store.close()


def sender(allow: Iterable[str]) -> "HttpWebhookSender":
    """Return the sender of webhooks; `allow` are the hosts that may have a private address. The caller closes it."""
    from rowen.webhooks.addresses import AllowedHosts  # imported here: the other commands need none of it
    from rowen.webhooks.network import Resolver
    from rowen.webhooks.sender import HttpWebhookSender

    return HttpWebhookSender(AllowedHosts(allow), Resolver(), now)


def allowed_host(url: str, allow: Iterable[str]) -> str | None:
    """Return the host of a webhook's URL if it is among those allowed."""
    from rowen.webhooks import addresses

    return addresses.allowed_host(url, allow)


def forbidden_reason() -> str:
    """Return the reason of an attempt that was not made because the address is private and not allowed."""
    from rowen.webhooks.sender import FORBIDDEN

    return FORBIDDEN


def private_url_objection() -> str:
    """Return the objection to a webhook's URL whose address is private and not allowed."""
    from rowen.webhooks.sender import MUST_BE_PUBLIC

    return MUST_BE_PUBLIC


def webhooks(store: Store, sender: WebhookSender) -> Webhooks:
    """Return the use cases of webhooks."""
    return Webhooks(WebhookTable(store.engine), DeliveryTable(store.engine), sender, documents.ping_body, now)


def dispatcher(store: Store, sender: WebhookSender) -> "Dispatcher":
    """Return the dispatcher, which empties the outbox: one per process, of which one leads."""
    from rowen.webhooks.dispatcher import Dispatcher, DispatcherDeps

    return Dispatcher(Outbox(store.engine), sender, store.commits, DispatcherDeps(store.engine.try_lead, now))


def services(store: Store, sender: WebhookSender, mirror_wait: float = 30) -> Services:
    """Return the services that the calls of the API work with; writes of mirrors wait `mirror_wait` seconds."""
    return Services(
        interviews=store.interviews,
        records=store.records,
        rows=store.rows,
        writing=store.writing,
        account_writes=store.account_writes,
        account_wait=WaitLimits.of(mirror_wait),
        conflicts=ConflictFinder(store.engine, documents),
        feed=store.feed,
        commits=store.commits,
        webhooks=webhooks(store, sender),
        calendars=Calendars(
            store.calendars, CalendarReader(store.engine, documents, records), store.records, store.interviews, now
        ),
        scorecard_codec=scorecards,
        user_codec=users,
        hiring_codec=hiring,
    )


def inviting(store: Store) -> Inviting:
    """Return the ports of inviting people to sign in."""
    return Inviting(store.sessions, store.writing, users)


def page_ports(store: Store, *, demo: bool) -> "PagePorts":
    """Return what the pages for people work with."""
    from rowen.web.ports import PagePorts  # imported here: the other commands need none of it
    from rowen.web.schedule import Schedule

    async def demo_organization() -> Organization | None:
        return await store.organizations.find(DEMO_ORGANIZATION)

    schedule = Schedule(store.agenda, store.records, store.feed)
    found = demo_organization if demo else None
    return PagePorts(store.sessions, schedule, store.writing, inviting(store), now, found)


def repairer(store: Store) -> Repairer:
    """Return the repairer of times in the future."""
    return Repairer(store.engine, documents, records)


def status_updater(store: Store) -> StatusUpdater:
    """Return the status updater: one per process."""
    return StatusUpdater(DueInterviewFinder(store.engine), store.writing, now)


@dataclass(frozen=True, slots=True)
class MirroredAccount:
    """An account to mirror: its address, the client, and how it is treated; writes may pass through to it."""

    base: "httpx.URL"
    client: "Client"
    policy: "AccountPolicy"
    write_through: bool = False


@contextmanager
def following(
    store: Store,
    organization: Organization,
    mirrored: MirroredAccount,
    loading: Callable[[], AbstractContextManager[Callable[["LoadStep"], None]]],
) -> "Iterator[tuple[Follower, WriteThrough | None]]":
    """Return what mirrors an account into an organization, and what passes writes through, if they do.

    Their requests end with the block.
    """
    from rowen.mirror.account import Account  # imported here: the other commands need none of it
    from rowen.mirror.account_writes import AccountWriter, prompt
    from rowen.mirror.follower import Follower, FollowerDeps
    from rowen.mirror.turns import Turns
    from rowen.mirror.write_through import PassingDeps, WriteThrough
    from rowen.mirror.writing import Destination

    async def try_lead() -> bool:
        return await store.engine.try_lead(f"mirror-{organization.id}")

    base, client, turns = mirrored.base, mirrored.client, Turns()
    account = Account(base, client, mirrored.policy)
    reading = Account(base, client, prompt(mirrored.policy))
    destination = Destination(store.mirrors, store.merger, store.record_merger, store.writing, now)
    deps = FollowerDeps(try_lead, loading, turns=turns, write_through=mirrored.write_through)
    passing = PassingDeps(
        store.account_writes, reading, AccountWriter(base, client, now), turns, try_lead, store.commits
    )
    through = WriteThrough(destination, organization, passing) if mirrored.write_through else None
    try:
        yield Follower(destination, organization, account, str(base), deps), through
    finally:
        account.close()
        reading.close()


def connection_limits(settings: ServerSettings) -> "ConnectionLimits":
    """Return the limits of what peers may use of one process."""
    from rowen.http.connections import ConnectionLimits

    return ConnectionLimits(connections=settings.connections)
