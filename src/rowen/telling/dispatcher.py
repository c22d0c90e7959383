"""Emptying the outbox: one task for each receiver that something is due to.

Owns when things are sent. Must not know how, nor what the rules say of a failure. A receiver is told one thing
after the other, in the order of changes; receivers do not wait for each other. What was sent but could not be
recorded is sent again after a restart, under the same id: at least once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from rowen.app.following import Commits
from rowen.app.telling import Clock, Deliveries, Due, Endpoint, Letter, Messenger, judge
from rowen.interviews.errors import Unavailable
from rowen.interviews.moments import Instant

Result = TypeVar("Result")

KEPT: Final = 30 * 86_400_000
"""How long a delivery that was settled is kept: milliseconds."""

_BETWEEN_SWEEPS: Final = 3_600.0
_REST_AFTER_FAULT: Final = 30_000  # milliseconds
_LONGEST_WAIT: Final = 1.0  # the lead may be a lease, to be renewed
_WAIT_FOR_THE_LEAD: Final = 1.0
_WAIT_WITHOUT_STATE: Final = 0.1  # where only a look can tell whether there was a commit
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0

_log = structlog.stdlib.get_logger("rowen.webhooks")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the process lends the dispatcher.

    `lead` says whether it is this process's to tell; `random` returns numbers from 0 to 1; `pause` sleeps for so many
    seconds.
    """

    lead: Callable[[], Awaitable[bool]]
    now: Clock
    random: Callable[[], float] = random.random
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep


class Dispatcher:
    """Tells webhooks what is due to them, in one process of a database only."""

    def __init__(
        self, deliveries: Deliveries, messenger: Messenger, commits: Commits, surroundings: Surroundings
    ) -> None:
        self._deliveries = deliveries
        self._messenger = messenger
        self._commits = commits
        self._around = surroundings
        self._telling: dict[Endpoint, asyncio.Task[None]] = {}
        self._resting: dict[Endpoint, Instant] = {}

    async def run(self) -> None:
        """Tell what is due until cancelled; a try that is cut off stays pending."""
        sweeping = asyncio.create_task(self._sweep_for_ever(), name="webhooks: sweeping")
        sweeping.add_done_callback(_log_fault)
        try:
            while True:
                await self._patiently(self._turn)
        finally:
            tasks = [sweeping, *self._telling.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _turn(self) -> None:
        """Look once at what is due, and wait until there may be something else."""
        if not await self._around.lead():
            await self._around.pause(_WAIT_FOR_THE_LEAD)
            return
        known = self._commits.state
        seconds = await self._look()
        if known is None:
            seconds = min(seconds, _WAIT_WITHOUT_STATE)
        commit = asyncio.ensure_future(self._commits.wait(known, seconds))
        try:
            await asyncio.wait({commit, *self._telling.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            commit.cancel()
        if commit.done() and not commit.cancelled():
            commit.result()

    async def _look(self) -> float:
        """Begin to tell everyone to whom something is due; return in how many seconds the next will be."""
        self._reap()
        soonest = _LONGEST_WAIT
        for endpoint, due_at in await self._deliveries.waiting():
            if endpoint in self._telling:
                continue
            wait = (max(due_at, self._resting.get(endpoint, due_at)) - self._around.now()) / 1000
            if wait > 0:
                soonest = min(soonest, wait)
            else:
                self._begin(endpoint)
        return soonest

    def _begin(self, endpoint: Endpoint) -> None:
        self._resting.pop(endpoint, None)
        name = f"webhooks: {endpoint.organization_id}/{endpoint.webhook_id}"
        task = self._telling[endpoint] = asyncio.create_task(self._tell(endpoint), name=name)
        task.add_done_callback(_log_fault)

    def _reap(self) -> None:
        """Forget the tasks that have ended; after a fault of ours the receiver is left alone for a while."""
        for endpoint, task in list(self._telling.items()):
            if task.done():
                del self._telling[endpoint]
                if task.cancelled() or task.exception() is not None:
                    self._resting[endpoint] = Instant(self._around.now() + _REST_AFTER_FAULT)

    async def _tell(self, endpoint: Endpoint) -> None:
        """Send one thing after the other for as long as something is due."""
        while True:
            due = await self._patiently(lambda: self._deliveries.next(endpoint))
            if due is None or due.next_attempt_at > self._around.now():
                return
            if not await self._patiently(self._around.lead):
                return  # this process hung, and another tells meanwhile
            await self._try(due)

    async def _try(self, due: Due) -> None:
        letter = Letter(due.webhook.url, due.event_id, due.body, due.webhook.secrets(self._around.now()))
        outcome = await self._messenger.send(letter)
        verdict = judge(due.attempts + 1, outcome, self._around.now(), self._around.random)
        await self._patiently(lambda: self._deliveries.record(due, outcome, verdict))
        if not outcome.delivered:
            _log.warning(
                "webhook not delivered",
                webhook=due.endpoint.webhook_id,
                event_id=due.event_id,
                attempts=verdict.attempts,
                reason=outcome.reason,
                state=verdict.state.value,
            )

    async def _sweep_for_ever(self) -> None:
        """Remove what is old, step by step, and look again in an hour."""
        while True:
            while (await self._patiently(self._sweep)) > 0:
                pass
            await self._around.pause(_BETWEEN_SWEEPS)

    async def _sweep(self) -> int:
        if not await self._around.lead():
            return 0
        return await self._deliveries.sweep(Instant(self._around.now() - KEPT))

    async def _patiently(self, use: Callable[[], Awaitable[Result]]) -> Result:
        """Use the store; where it does not answer, try again after a while, and again."""
        seconds = _FIRST_PAUSE
        while True:
            try:
                return await use()
            except Unavailable as error:
                _log.error("webhooks wait for the database", reason=error.message)
                await self._around.pause(seconds)
                seconds = min(seconds * 2, _LONGEST_PAUSE)


def _log_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        _log.error("fault", task=task.get_name(), exc_info=fault)
