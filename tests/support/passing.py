"""A mirror that passes writes through, in a thread of its own, as `rowen mirror --write-through` does.

Owns the thread, and a harness for it. Must not know what is written.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from rowen.imports.sources.http_client import TransferLimits
from rowen.mirror.account import Account, AccountPolicy
from rowen.mirror.account_writes import AccountWriter, prompt
from rowen.mirror.credentials import AccountClient
from rowen.mirror.write_through import PassingDeps, WriteThrough
from rowen.mirror.writing import MirrorPorts
from tests.support.harness import Tenant, opened
from tests.support.mirroring import Mirroring, mirroring_of
from tests.support.v3_upstream import CLIENT_ID, CLIENT_SECRET, V3Upstream

Change = Callable[[MirrorPorts, PassingDeps], tuple[MirrorPorts, PassingDeps]]

_LIMITS = TransferLimits(silent_seconds=20.0, window_seconds=20.0, window_bytes=1, total_seconds=60.0)


@contextmanager
def write_through_of(mirroring: Mirroring, change: Change = lambda *ports: ports) -> Iterator[WriteThrough]:
    """Return what passes writes through to the upstream of a mirror, which has been read; `change` alters its ports."""
    harness, upstream = mirroring.tenant.harness, mirroring.upstream
    client = AccountClient(CLIENT_ID, CLIENT_SECRET, httpx.URL(upstream.token_url))
    base = httpx.URL(upstream.base)
    reading = Account(base, client, prompt(AccountPolicy()))
    sending = AccountWriter(base, client, mirroring.clock, _LIMITS)

    async def lead() -> bool:
        return mirroring.leads

    store = harness.store
    deps = PassingDeps(store.account_writes, reading, sending, mirroring.turns, lead, store.commits)
    try:
        destination, deps = change(mirroring.destination, deps)
        yield WriteThrough(destination, mirroring.tenant.organization, deps)
    finally:
        reading.close()


def allow(mirroring: Mirroring) -> None:
    """Read the account, and let writes pass through from now on."""
    mirroring.round()
    harness, upstream = mirroring.tenant.harness, mirroring.upstream
    harness.run(
        harness.store.mirrors.begin(mirroring.tenant.organization, upstream.base, mirroring.clock(), write_through=True)
    )


@dataclass
class Passing:
    """A running mirror."""

    upstream: V3Upstream
    mirroring: Mirroring
    _loop: asyncio.AbstractEventLoop

    def round(self) -> None:
        """Do one round, as the follower does."""
        asyncio.run_coroutine_threadsafe(self.mirroring.follower.run_once(), self._loop).result(60)


@contextmanager
def passing(tenant: Tenant, upstream: V3Upstream) -> Iterator[Passing]:
    """Pass the writes of a tenant through to an upstream until the end of the block."""
    started: list[Passing] = []
    ready = threading.Event()
    stopping: list[Callable[[], object]] = []

    def run() -> None:
        with (
            opened(tenant.harness.database) as harness,
            mirroring_of(Tenant(harness, tenant.organization, tenant.key), upstream) as mirroring,
        ):
            allow(mirroring)
            harness.run(_pass(mirroring))
        ready.set()

    async def _pass(mirroring: Mirroring) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        stopping.append(lambda: loop.call_soon_threadsafe(stop.set))
        started.append(Passing(upstream, mirroring, loop))
        with write_through_of(mirroring) as through:
            task = asyncio.create_task(through.run())
            ready.set()
            await stop.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(60)
    try:
        yield started[0]
    finally:
        for each in stopping:
            each()
        thread.join()
