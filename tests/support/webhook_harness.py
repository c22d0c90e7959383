"""Webhooks in-process: a database, a clock that tests set, and a dispatcher that sends to real receivers."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from rowen.app.deliveries import Delivery, DeliveryState
from rowen.app.delivery_attempts import WebhookSender
from rowen.app.outbox import WebhookEvent
from rowen.app.subscriptions import Action, Webhook, WebhookId, new_secret
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.database import locate, open_engine, upgrade
from rowen.store.engines.base import Engine, Transaction
from rowen.store.ledger.commit_watcher import CommitWatcher
from rowen.store.organizations.organizations import OrganizationTable
from rowen.store.webhooks.deliveries import DeliveryTable
from rowen.store.webhooks.outbox import Outbox
from rowen.store.webhooks.subscriptions import WebhookTable
from rowen.webhooks.addresses import AllowedHosts
from rowen.webhooks.dispatcher import MOST_AT_ONCE, MOST_SLOW_AT_ONCE, Dispatcher, DispatcherDeps
from rowen.webhooks.network import Resolver
from rowen.webhooks.sender import HttpWebhookSender
from tests.support.harness import FakeClock

Result = TypeVar("Result")
START = Instant(1_700_000_000_000)
SECONDS = 60
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ALL = frozenset(Action)


def event(number: int, action: Action = Action.INTERVIEW_UPDATED) -> WebhookEvent:
    """Return an event of a change."""
    return WebhookEvent(action, b'{"action":"%b","payload":{"interview":{"id":%d}}}' % (action.encode(), number))


@dataclass
class WebhookHarness:
    """One organization with webhooks, and what delivers to them."""

    engine: Engine
    organization: OrganizationId
    table: WebhookTable
    log: DeliveryTable
    outbox: Outbox
    commits: CommitWatcher
    clock: FakeClock
    sender: WebhookSender
    dispatching: list[asyncio.Task[None]] = field(default_factory=list)
    revision: int = 0

    async def add(self, url: str, actions: frozenset[Action] = ALL) -> Webhook:
        """Add a webhook, whatever its address."""
        added = await self.table.add(self.organization, url, actions, new_secret(), self.clock())
        assert added is not None
        return added

    async def enqueue(self, *events: WebhookEvent) -> int:
        """Commit a change that enqueues these events, and return its revision."""
        self.revision += 1
        revision = self.revision

        async def work(transaction: Transaction) -> None:
            await self.outbox.enqueue(transaction, self.organization, revision, self.clock(), events)

        await self.engine.write(work)
        return revision

    async def commit_unrelated(self) -> None:
        """Commit something that enqueues nothing."""
        name = f"another {random.random()}"
        await OrganizationTable(self.engine).create(name, "UTC", self.clock())

    def start(
        self, sender: WebhookSender | None = None, *, most: int = MOST_AT_ONCE, most_slow: int = MOST_SLOW_AT_ONCE
    ) -> asyncio.Task[None]:
        """Start a dispatcher."""
        around = DispatcherDeps(self.engine.try_lead, self.clock, lambda: 0.5, most=most, most_slow=most_slow)
        dispatcher = Dispatcher(self.outbox, sender or self.sender, self.commits, around)
        self.dispatching.append(asyncio.create_task(dispatcher.run()))
        return self.dispatching[-1]

    async def deliveries(self, webhook: WebhookId) -> Sequence[Delivery]:
        """Return the deliveries, the oldest first."""
        return list(reversed(await self.log.newest(self.organization, webhook, 500)))

    async def once(self, use: Callable[[], Awaitable[Result]], fine: Callable[[Result], bool]) -> Result:
        """Return what is read as soon as it is as expected: read again after every commit."""
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
        """Return the deliveries once there were `times` attempts."""
        return await self.once(
            lambda: self.deliveries(webhook), lambda found: sum(each.attempts for each in found) >= times
        )


@asynccontextmanager
async def webhook_harness(database: str, name: str = "home") -> AsyncIterator[WebhookHarness]:
    """Open a database with a new organization until the end of the block."""
    location = locate(database)
    upgrade(location)
    engine = open_engine(location)
    clock = FakeClock(START)
    post = HttpWebhookSender(AllowedHosts(["127.0.0.1"]), Resolver(), clock, trust=lambda: TRUSTS_NOBODY)
    organization = await OrganizationTable(engine).create(name, "UTC", START)
    table, log, outbox = WebhookTable(engine), DeliveryTable(engine), Outbox(engine)
    opened = WebhookHarness(engine, organization.id, table, log, outbox, CommitWatcher(engine), clock, post)
    try:
        yield opened
    finally:
        for task in opened.dispatching:
            task.cancel()
        await asyncio.gather(*opened.dispatching, return_exceptions=True)
        await post.aclose()
        await engine.close()
