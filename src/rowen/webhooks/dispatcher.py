"""Emptying the outbox: one task for each webhook with due deliveries.

Owns when deliveries are sent. Must not know how, nor how a failure is judged. A webhook gets its deliveries one by one,
in the order of changes; webhooks do not wait for each other, up to a number that keeps the process within its file
descriptors. A delivery that was sent but could not be recorded is sent again after a restart, with the same id:
delivery is at least once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from rowen.app.changes import Commits
from rowen.app.delivery_attempts import WebhookMessage, WebhookSender, decide_retry
from rowen.app.outbox import DeliveryQueue, PendingDelivery, WebhookKey
from rowen.interviews.errors import Unavailable
from rowen.interviews.moments import Clock, Instant

Result = TypeVar("Result")

KEPT: Final = 30 * 86_400_000
"""How long a settled delivery is kept, in milliseconds."""

MOST_AT_ONCE: Final = 256
"""How many webhooks one process sends to at a time, one request each."""

MOST_SLOW_AT_ONCE: Final = 128
"""How many of these may be webhooks whose last attempt failed or was slow: the rest is for those that respond."""

SLOW: Final = 5.0
"""How many seconds an attempt may take before its webhook counts as slow."""

_BETWEEN_SWEEPS: Final = 3_600.0
_REST_AFTER_FAULT: Final = 30_000  # milliseconds
_LONGEST_WAIT: Final = 1.0  # leadership may be a lease, which has to be renewed
_WAIT_FOR_LEADER: Final = 1.0
_WAIT_WITHOUT_STATE: Final = 0.1  # where only a query shows whether there was a commit
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0

_log = structlog.stdlib.get_logger("rowen.webhooks")


@dataclass(frozen=True, slots=True)
class DispatcherDeps:
    """What a dispatcher needs of its process.

    `try_lead` returns whether this process sends; `random` returns numbers from 0 to 1; `pause` sleeps for seconds.
    `most` and `most_slow` limit how many webhooks are sent to at a time.
    """

    try_lead: Callable[[], Awaitable[bool]]
    now: Clock
    random: Callable[[], float] = random.random
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    most: int = MOST_AT_ONCE
    most_slow: int = MOST_SLOW_AT_ONCE


class Dispatcher:
    """Sends due deliveries to their webhooks, in only one process of a database."""

    def __init__(
        self, deliveries: DeliveryQueue, sender: WebhookSender, commits: Commits, deps: DispatcherDeps
    ) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._commits = commits
        self._deps = deps
        self._sending: dict[WebhookKey, asyncio.Task[None]] = {}
        self._resting: dict[WebhookKey, Instant] = {}
        self._slow: set[WebhookKey] = set()
        self._started: dict[WebhookKey, int] = {}  # the turn in which each was last started: the earliest is next
        self._turns = 0
        self._crowded = False

    async def run(self) -> None:
        """Send due deliveries until cancelled; an attempt that is cut off stays pending."""
        sweeping = asyncio.create_task(self._sweep_hourly(), name="webhooks: sweeping")
        sweeping.add_done_callback(_log_fault)
        try:
            while True:
                await self._with_retries(self._turn)
        finally:
            tasks = [sweeping, *self._sending.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _turn(self) -> None:
        """Start what is due, and wait until more may be due."""
        if not await self._deps.try_lead():
            await self._deps.pause(_WAIT_FOR_LEADER)
            return
        state = self._commits.state
        seconds = await self._start_due()
        if state is None:
            seconds = min(seconds, _WAIT_WITHOUT_STATE)
        commit = asyncio.ensure_future(self._commits.wait(state, seconds))
        try:
            await asyncio.wait({commit, *self._sending.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            commit.cancel()
        if commit.done() and not commit.cancelled():
            commit.result()

    async def _start_due(self) -> float:
        """Start a task for every webhook with due deliveries; return in how many seconds the next will be due."""
        self._reap()
        soonest = _LONGEST_WAIT
        due: list[WebhookKey] = []
        waiting = await self._deliveries.waiting()
        for key, due_at in waiting:
            if key in self._sending:
                continue
            wait = (max(due_at, self._resting.get(key, due_at)) - self._deps.now()) / 1000
            if wait > 0:
                soonest = min(soonest, wait)
            else:
                due.append(key)
        self._forget_others({key for key, _ in waiting})
        self._start_some(due)
        return soonest

    def _start_some(self, due: list[WebhookKey]) -> None:
        """Start the webhooks that have waited longest, up to the limit; the end of any task makes room."""
        due.sort(key=lambda key: self._started.get(key, 0))
        slow = len(self._slow & self._sending.keys())
        self._crowded = False
        for key in due:
            if len(self._sending) >= self._deps.most:
                self._crowded = True
                return
            if key in self._slow:
                if slow >= self._deps.most_slow:
                    continue
                slow += 1
            self._start(key)

    def _forget_others(self, waiting: set[WebhookKey]) -> None:
        kept = waiting | self._sending.keys()
        self._slow &= kept
        self._started = {key: turn for key, turn in self._started.items() if key in kept}

    def _start(self, key: WebhookKey) -> None:
        self._resting.pop(key, None)
        self._turns += 1
        self._started[key] = self._turns
        name = f"webhooks: {key.organization_id}/{key.webhook_id}"
        task = self._sending[key] = asyncio.create_task(self._send_all(key), name=name)
        task.add_done_callback(_log_fault)

    def _reap(self) -> None:
        """Remove the tasks that have ended; after an internal error the webhook is left alone for a while."""
        for key, task in list(self._sending.items()):
            if task.done():
                del self._sending[key]
                if task.cancelled() or task.exception() is not None:
                    self._resting[key] = Instant(self._deps.now() + _REST_AFTER_FAULT)

    async def _send_all(self, key: WebhookKey) -> None:
        """Send one delivery after the other while any is due and no other webhook waits for room."""
        while True:
            due = await self._with_retries(lambda: self._deliveries.next(key))
            if due is None or due.next_attempt_at > self._deps.now():
                return
            if not await self._with_retries(self._deps.try_lead):
                return  # this process hung, and another one sends by now
            await self._attempt(due)
            if self._crowded:
                return

    async def _attempt(self, due: PendingDelivery) -> None:
        at, webhook = self._deps.now(), due.webhook
        message = WebhookMessage(webhook.url, due.event_id, due.body, webhook.secrets(at), webhook.allowed_host, at)
        began = asyncio.get_running_loop().time()
        result = (await self._sender.send(message))._replace(sent_at=at)
        seconds = asyncio.get_running_loop().time() - began
        (self._slow.discard if result.delivered and seconds < SLOW else self._slow.add)(due.key)
        decision = decide_retry(due.attempts + 1, result, self._deps.now(), self._deps.random)
        await self._with_retries(lambda: self._deliveries.record(due, result, decision))
        if not result.delivered:
            _log.warning(
                "webhook not delivered",
                webhook=due.key.webhook_id,
                event_id=due.event_id,
                attempts=decision.attempts,
                reason=result.reason,
                state=decision.state.value,
            )

    async def _sweep_hourly(self) -> None:
        """Remove old deliveries, step by step, every hour."""
        while True:
            while (await self._with_retries(self._sweep)) > 0:
                pass
            await self._deps.pause(_BETWEEN_SWEEPS)

    async def _sweep(self) -> int:
        if not await self._deps.try_lead():
            return 0
        return await self._deliveries.sweep(Instant(self._deps.now() - KEPT))

    async def _with_retries(self, use: Callable[[], Awaitable[Result]]) -> Result:
        """Use the store; if it does not respond, try again with growing pauses."""
        seconds = _FIRST_PAUSE
        while True:
            try:
                return await use()
            except Unavailable as error:
                _log.error("webhooks wait for the database", reason=error.message)
                await self._deps.pause(seconds)
                seconds = min(seconds * 2, _LONGEST_PAUSE)


def _log_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        _log.error("fault", task=task.get_name(), exc_info=fault)
