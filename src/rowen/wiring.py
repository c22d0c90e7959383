"""The one place where objects are built.

Owns which part gets which. Nothing is built when this is imported.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rowen.app.demo import DemoKeyring
from rowen.app.ports import Interviews, Keys, Merger, Organizations
from rowen.interviews.moments import Instant
from rowen.settings import ServerSettings
from rowen.store.database import Location, open_engine
from rowen.store.engine import Engine
from rowen.store.interviews import InterviewReader
from rowen.store.keys import KeyTable
from rowen.store.merging import InterviewMerger
from rowen.store.organizations import OrganizationTable

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Store:
    """The ports of one open database."""

    engine: Engine
    organizations: Organizations
    keys: Keys
    interviews: Interviews
    merger: Merger


def now() -> Instant:
    """Return the present instant by this machine's clock."""
    return Instant.of(datetime.now(UTC))


def open_store(location: Location) -> Store:
    """Open a database that is up to date."""
    engine = open_engine(location)
    return Store(engine, OrganizationTable(engine), KeyTable(engine), InterviewReader(engine), InterviewMerger(engine))


@asynccontextmanager
async def opened(location: Location) -> AsyncIterator[Store]:
    """Open a database that is up to date, for the length of the block."""
    store = open_store(location)
    try:
        yield store
    finally:
        await store.engine.close()


def build_application(settings: ServerSettings) -> "ASGIApp":
    """Return the ASGI application of a server."""
    # Here, not above: the other commands need none of it and start in half the time; and prometheus-client decides
    # when it is imported whether workers share their numbers.
    from rowen.http.application import application
    from rowen.http.authentication import Authentication
    from rowen.http.edge import EdgePolicy
    from rowen.http.endpoint import Gate
    from rowen.http.rate_limit import RateLimiter

    store = open_store(Location.parse(settings.database))
    keys = DemoKeyring(store.keys, store.organizations) if settings.demo else store.keys
    limiter = RateLimiter(settings.rate_limit)
    public_url = settings.public_url.rstrip("/") if settings.public_url else None
    gate = Gate(store.interviews, Authentication(keys, now), limiter, public_url)

    async def ready() -> None:
        await store.organizations.all()

    return application(
        gate,
        EdgePolicy(settings.require_https, limiter.shown, settings.access_log),
        ready=ready,
        close=store.engine.close,
        public_metrics=settings.public_metrics,
    )
