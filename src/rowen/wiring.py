"""The one place where objects are built.

Owns which part gets which. Nothing is built when this is imported.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rowen.app.clock import Clock
from rowen.app.demo import DemoKeyring
from rowen.app.desk import Writing
from rowen.app.following import Commits, Feed
from rowen.app.ports import Interviews, Keys, Merger, Organizations
from rowen.app.records import RecordMerger, Records
from rowen.app.services import Services
from rowen.app.telling import Messenger, Webhooks
from rowen.harvest import documents, resources
from rowen.interviews.moments import Instant
from rowen.settings import DEFAULT_ORGANIZATION, ServerSettings
from rowen.store.conflicts import ConflictFinder
from rowen.store.database import locate, open_engine
from rowen.store.desk import DeskWriting
from rowen.store.due import DueInterviews
from rowen.store.engine import Engine, Location
from rowen.store.feed import ChangeFeed
from rowen.store.interviews import InterviewReader
from rowen.store.keys import KeyTable
from rowen.store.merging import InterviewMerger
from rowen.store.organizations import OrganizationTable
from rowen.store.outbox import Outbox
from rowen.store.record_merging import RecordTableMerger
from rowen.store.record_reading import RecordReader
from rowen.store.watching import CommitWatcher
from rowen.store.webhooks import WebhookTable

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from rowen.http.rate_limit import Limiter
    from rowen.telling.dispatcher import Dispatcher
    from rowen.telling.sending import Post


@dataclass(frozen=True, slots=True)
class Store:
    """The ports of one open database."""

    engine: Engine
    organizations: Organizations
    keys: Keys
    interviews: Interviews
    merger: Merger
    record_merger: RecordMerger
    writing: Writing
    records: Records
    feed: Feed
    commits: Commits


def now() -> Instant:
    """Return the present instant by this machine's clock."""
    return Instant.of(datetime.now(UTC))


def open_store(location: Location) -> Store:
    """Open a database that is up to date."""
    engine = open_engine(location)
    return Store(
        engine,
        OrganizationTable(engine),
        KeyTable(engine),
        InterviewReader(engine),
        InterviewMerger(engine, documents, resources),
        RecordTableMerger(engine, documents, resources),
        DeskWriting(engine, documents, now),
        RecordReader(engine, resources),
        ChangeFeed(engine),
        CommitWatcher(engine),
    )


@asynccontextmanager
async def opened(location: Location) -> AsyncIterator[Store]:
    """Open a database that is up to date, for the length of the block."""
    store = open_store(location)
    try:
        yield store
    finally:
        await store.engine.close()


def messenger(allow: Iterable[str]) -> "Post":
    """Return what sends to webhooks; `allow` are the hosts that may have a private address. It is to be closed."""
    from rowen.telling.addresses import Allowed  # the other commands need none of it
    from rowen.telling.network import Resolver
    from rowen.telling.sending import Post

    return Post(Allowed(allow), Resolver(), now)


def webhooks(store: Store, messenger: Messenger) -> Webhooks:
    """Return the use cases of webhooks."""
    return Webhooks(WebhookTable(store.engine), messenger, now)


def dispatcher(store: Store, messenger: Messenger) -> "Dispatcher":
    """Return what empties the outbox: one a process, of which one leads."""
    from rowen.telling.dispatcher import Dispatcher, Surroundings

    return Dispatcher(Outbox(store.engine), messenger, store.commits, Surroundings(store.engine.lead, now))


def services(store: Store, messenger: Messenger) -> Services:
    """Return what the calls of the API work with."""
    return Services(
        interviews=store.interviews,
        records=store.records,
        writing=store.writing,
        conflicts=ConflictFinder(store.engine, documents),
        feed=store.feed,
        commits=store.commits,
        webhooks=webhooks(store, messenger),
    )


def clock(store: Store) -> Clock:
    """Return what moves interviews when their time has come: one a process."""
    return Clock(DueInterviews(store.engine), store.writing, now)


def rate_limiter(settings: ServerSettings) -> "Limiter":
    """Return what counts the requests of keys: with others where they share a store, otherwise alone."""
    from rowen.http.rate_limit import RateLimiter

    alone = RateLimiter(settings.rate_limit)
    if settings.rate_limit_store is None:
        return alone
    from rowen.http.shared_rate_limit import SharedRateLimiter  # Redis's client takes long to import

    return SharedRateLimiter(settings.rate_limit_store, alone)


def build_application(settings: ServerSettings) -> "ASGIApp":
    """Return the ASGI application of a server."""
    # Here, not above: the other commands need none of it and start in half the time; and prometheus-client decides
    # when it is imported whether workers share their numbers.
    from rowen.http.application import application
    from rowen.http.authentication import Authentication
    from rowen.http.edge import EdgePolicy
    from rowen.http.endpoint import Gate

    store = open_store(locate(settings.database, settings.replicas))
    keys = DemoKeyring(store.keys, store.organizations) if settings.demo else store.keys
    limiter = rate_limiter(settings)
    public_url = settings.public_url.rstrip("/") if settings.public_url else None
    post = messenger(settings.webhook_allow)
    gate = Gate(services(store, post), Authentication(keys, now), limiter, public_url)

    async def close() -> None:
        await post.aclose()
        await limiter.close()
        await store.engine.close()

    async def ready() -> None:
        await store.organizations.find(DEFAULT_ORGANIZATION)  # whether there is one or not: it was looked up

    return application(
        gate,
        EdgePolicy(settings.require_https, limiter.shown, settings.access_log),
        ready=ready,
        close=close,
        public_metrics=settings.public_metrics,
        background=(clock(store).run, dispatcher(store, post).run),
    )
