"""A database, a clock that tests set, and a dispatcher that tells real receivers."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from rowen.app.telling import Action, Delivery, DeliveryState, Event, Messenger, Webhook, WebhookId, new_secret
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.database import locate, open_engine, upgrade
from rowen.store.engine import Engine, Transaction
from rowen.store.organizations import OrganizationTable
from rowen.store.outbox import Outbox
from rowen.store.watching import CommitWatcher
from rowen.store.webhooks import WebhookTable
from rowen.telling.addresses import Allowed
from rowen.telling.dispatcher import Dispatcher, Surroundings
from rowen.telling.network import Resolver
from rowen.telling.sending import Post

Result = TypeVar("Result")
START = Instant(1_700_000_000_000)
SECONDS = 30
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ALL = frozenset(Action)


@dataclass
class HandClock:
    """A clock that stands still until it is set."""

    instant: Instant = START

    def __call__(self) -> Instant:
        return self.instant

    def advance(self, milliseconds: int) -> None:
        self.instant = Instant(self.instant + milliseconds)


def event(number: int, action: Action = Action.INTERVIEW_UPDATED) -> Event:
    """Return something to tell."""
    return Event(action, b'{"action":"%b","payload":{"interview":{"id":%d}}}' % (action.encode(), number))


@dataclass
class Office:
    """An organization whose changes are told."""

    engine: Engine
    organization: OrganizationId
    table: WebhookTable
    outbox: Outbox
    commits: CommitWatcher
    clock: HandClock
    messenger: Messenger
    dispatching: list[asyncio.Task[None]] = field(default_factory=list)
    revision: int = 0

    async def add(self, url: str, actions: frozenset[Action] = ALL) -> Webhook:
        """Add a webhook, whatever its address."""
        return await self.table.add(self.organization, url, actions, new_secret(), self.clock())

    async def happen(self, *events: Event) -> int:
        """Commit a change that is told as these events, and return its revision."""
        self.revision += 1
        revision = self.revision

        async def work(transaction: Transaction) -> None:
            await self.outbox.enqueue(transaction, self.organization, revision, self.clock(), events)

        await self.engine.write(work)
        return revision

    async def stir(self) -> None:
        """Commit something that is told to nobody."""
        name = f"another {random.random()}"
        await OrganizationTable(self.engine).create(name, "UTC", self.clock())

    def start(self, messenger: Messenger | None = None) -> asyncio.Task[None]:
        """Begin to dispatch."""
        around = Surroundings(self.engine.lead, self.clock, lambda: 0.5)
        dispatcher = Dispatcher(self.outbox, messenger or self.messenger, self.commits, around)
        self.dispatching.append(asyncio.create_task(dispatcher.run()))
        return self.dispatching[-1]

    async def deliveries(self, webhook: WebhookId) -> Sequence[Delivery]:
        """Return the deliveries, the oldest first."""
        return list(reversed(await self.table.deliveries(self.organization, webhook, 500)))

    async def once(self, use: Callable[[], Awaitable[Result]], fine: Callable[[Result], bool]) -> Result:
        """Return what is read, as soon as it is as it should be: asked again after every commit."""
        async with asyncio.timeout(SECONDS):
            while True:
                known = self.commits.state
                found = await use()
                if fine(found):
                    return found
                await self.commits.wait(known, SECONDS)

    async def settled(self, webhook: WebhookId) -> Sequence[Delivery]:
        """Return the deliveries, once none is pending."""
        return await self.once(
            lambda: self.deliveries(webhook),
            lambda found: all(each.state is not DeliveryState.PENDING for each in found),
        )

    async def tried(self, webhook: WebhookId, times: int) -> Sequence[Delivery]:
        """Return the deliveries, once there were so many tries."""
        return await self.once(
            lambda: self.deliveries(webhook), lambda found: sum(each.attempts for each in found) >= times
        )


@asynccontextmanager
async def office(database: str, name: str = "home") -> AsyncIterator[Office]:
    """Open an office of a new organization until the end of the block."""
    location = locate(database)
    upgrade(location)
    engine = open_engine(location)
    clock = HandClock()
    post = Post(Allowed(["127.0.0.1"]), Resolver(), clock, trust=lambda: NOBODY)
    organization = await OrganizationTable(engine).create(name, "UTC", START)
    opened = Office(engine, organization.id, WebhookTable(engine), Outbox(engine), CommitWatcher(engine), clock, post)
    try:
        yield opened
    finally:
        for task in opened.dispatching:
            task.cancel()
        await asyncio.gather(*opened.dispatching, return_exceptions=True)
        await post.aclose()
        await engine.close()
