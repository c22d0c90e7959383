"""The one place where objects are built.

Owns which part gets which. Must not know what a part does. Nothing is built when this is imported.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import cached_property
from time import time_ns
from typing import TYPE_CHECKING

from rowen.api.codec import booking_links, documents, hiring, holds, records, scorecards, setups, tokens, users, v3
from rowen.app.account_writes import AccountWrites, WaitLimits
from rowen.app.adoption import Adopter
from rowen.app.agenda import Agenda
from rowen.app.booking_links import BookingLinks, Codecs, LinkStore
from rowen.app.busy import BusySources
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
from rowen.app.planning import DEFAULT_FRESHNESS, Freshness
from rowen.app.provided_sessions import ProvidedSessions
from rowen.app.records import RecordMerger, Records, UserRemover
from rowen.app.rows import Rows
from rowen.app.services import Services
from rowen.app.sessions import Sessions
from rowen.app.slots import Planner
from rowen.app.status_updates import StatusUpdater
from rowen.app.tokens import Tokens
from rowen.app.unit_of_work import UnitOfWorks
from rowen.app.webhooks import Webhooks
from rowen.demo.key import DEMO_ORGANIZATION
from rowen.interviews.moments import Instant
from rowen.settings import ServerSettings
from rowen.store import database
from rowen.store.booking_links import BookingLinkTable
from rowen.store.busy import BusyTable
from rowen.store.busy_addresses import BusyAddressTable
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
from rowen.store.organizations.provided_sessions import ProvidedSessionTable
from rowen.store.organizations.sessions import SessionTable
from rowen.store.organizations.tokens import TokenTable
from rowen.store.planning import PlanningReader
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
    from rowen.http.connections import ConnectionLimits
    from rowen.polling.fetching import CalendarFetcher
    from rowen.polling.poller import BusyPoller
    from rowen.web.ports import PagePorts, Provided
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
        return TokenTable(self.engine, tokens, users)

    @cached_property
    def sessions(self) -> Sessions:
        """The people who sign in, and their sessions."""
        return SessionTable(self.engine, records)

    @cached_property
    def provided_sessions(self) -> ProvidedSessions:
        """The sessions that an identity provider began."""
        return ProvidedSessionTable(self.engine)

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
        return StoreUnitOfWorks(self.engine, (documents, records, setups, holds), self._clock)

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
    def booking_links(self) -> LinkStore:
        """Its booking links."""
        return BookingLinkTable(self.engine, booking_links)

    @cached_property
    def calendars(self) -> CalendarStore:
        """Its calendars."""
        return CalendarTable(self.engine)

    @cached_property
    def busy(self) -> BusySources:
        """What reads its busy times."""
        return BusyTable(self.engine)

    async def close(self) -> None:
        """Close the database."""
        await self.engine.close()


def now() -> Instant:
    """Return the current instant by this machine's clock."""
    return Instant(time_ns() // 1_000_000)


def open_store(location: Location, clock: Callable[[], Instant] = now) -> Store:
    """Open a database that is up to date; writes are stamped by `clock`."""
    return Store(database.open_engine(location), clock)


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


def calendar_fetcher(allow: Iterable[str]) -> "CalendarFetcher":
    """Return what reads calendars; `allow` are the hosts that may have a private address. The caller closes it."""
    from rowen.polling.fetching import CalendarFetcher  # imported here: the other commands need none of it
    from rowen.webhooks.addresses import AllowedHosts
    from rowen.webhooks.network import Resolver

    return CalendarFetcher(AllowedHosts(allow), Resolver())


def busy_poller(store: Store, fetcher: "CalendarFetcher", age: int) -> "BusyPoller":
    """Return what reads calendar addresses, four times within an `age` in minutes: one per process, and one leads."""
    from rowen.polling.poller import BusyPoller, PollerDeps
    from rowen.polling.process import Expander

    async def try_lead() -> bool:
        return await store.engine.try_lead("busy")

    addresses = BusyAddressTable(store.engine, records, setups)
    return BusyPoller(addresses, fetcher, Expander(), PollerDeps(try_lead, now, age * 60_000 // 4))


def planner(store: Store, freshness: Freshness = DEFAULT_FRESHNESS) -> Planner:
    """Return what finds slots; `freshness` is how old busy times may be."""
    return Planner(PlanningReader(store.engine, (records, setups, holds)), now, freshness)


def services(
    store: Store, sender: WebhookSender, mirror_wait: float = 30, freshness: Freshness = DEFAULT_FRESHNESS
) -> Services:
    """Return the services that the calls of the API work with.

    Writes of mirrors wait `mirror_wait` seconds; `freshness` is how old busy times may be.
    """
    finding = planner(store, freshness)
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
        setup_codec=setups,
        hold_codec=holds,
        booking_links=BookingLinks(
            store.booking_links, Codecs(booking_links, documents, scorecards, holds), finding, store.interviews, now
        ),
        planner=finding,
        busy=store.busy,
    )


def inviting(store: Store) -> Inviting:
    """Return the ports of inviting people to sign in."""
    return Inviting(store.sessions, store.writing, users)


def page_ports(
    store: Store, services: Services, settings: ServerSettings, provided: "Provided | None" = None
) -> "PagePorts":
    """Return what the pages for people work with; `provided` is the identity provider, if there is one."""
    from rowen.web.directory import Directory  # imported here: the other commands need none of it
    from rowen.web.ports import PagePorts
    from rowen.web.schedule import Schedule

    async def demo_organization() -> Organization | None:
        return await store.organizations.find(DEMO_ORGANIZATION)

    schedule = Schedule(store.agenda, store.records, store.feed, store.account_writes)
    return PagePorts(
        services=services,
        sessions=store.sessions,
        organizations=store.organizations,
        keys=store.keys,
        schedule=schedule,
        directory=Directory(store.records),
        writing=store.writing,
        inviting=inviting(store),
        now=now,
        shows_responses=not settings.webhook_allow,
        provided=provided,
        demo=demo_organization if settings.demo else None,
    )


def check(location: Location, at: Instant | None = None) -> list[str]:
    """Return what is wrong with a database, as `store.database.check` does; without `at` no time is too late."""
    return database.check(location, documents.read_stored, at)


def repairer(store: Store) -> Repairer:
    """Return the repairer of times in the future."""
    return Repairer(store.engine, documents, records)


def status_updater(store: Store) -> StatusUpdater:
    """Return the status updater: one per process."""
    return StatusUpdater(DueInterviewFinder(store.engine), store.writing, now)


def connection_limits(settings: ServerSettings) -> "ConnectionLimits":
    """Return the limits of what peers may use of one process."""
    from rowen.http.connections import ConnectionLimits

    return ConnectionLimits(connections=settings.connections)
