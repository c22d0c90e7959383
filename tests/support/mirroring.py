"""A mirror in-process: an organization that follows an upstream, or another organization, round by round.

Owns the clock of its rounds, the waits that it was asked for, none of which it waits, and the command that mirrors in a
process of its own.
"""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx
import msgspec

from rowen import wiring
from rowen.app.mirror import Position
from rowen.imports.sources.http_client import TransferLimits
from rowen.imports.sources.retries import RetryPolicy
from rowen.interviews.query import InterviewQuery, PageRequest
from rowen.mirror.account import Account, AccountPolicy
from rowen.mirror.credentials import AccountClient
from rowen.mirror.follower import SWEEP_REST, Follower, FollowerDeps
from rowen.mirror.helper import HelperProcess
from rowen.mirror.reading import LoadStep
from rowen.mirror.turns import Turns
from rowen.mirror.walks import ListParts
from rowen.mirror.writing import MirrorPorts
from tests.support.harness import FakeClock, Tenant
from tests.support.records import Record
from tests.support.tokens import make_client
from tests.support.v3_upstream import CLIENT_ID, CLIENT_SECRET, V3Upstream

LIMITS = TransferLimits(silent_seconds=10.0, total_seconds=30.0)


class Mirroring:
    """The mirror of an upstream in the organization of a tenant."""

    def __init__(self, tenant: Tenant, upstream: V3Upstream, user: int | None = None) -> None:
        self.tenant = tenant
        self.upstream = upstream
        self.clock = FakeClock(wiring.now())
        self.waits: list[float] = []
        self.leads = True
        self.turns = Turns()
        self.helper = HelperProcess()
        self.pause: Callable[[float], Awaitable[None]] = asyncio.sleep
        store = tenant.harness.store
        self.destination = MirrorPorts(store.mirrors, store.merger, store.record_merger, store.writing, self.clock)
        self._client = AccountClient(CLIENT_ID, CLIENT_SECRET, httpx.URL(upstream.token_url), user)
        self.account = self._new_account()
        self.follower = self._new_follower()

    def restart(self) -> None:
        """Go on as a new process does."""
        self.account.close()
        self.account = self._new_account()
        self.follower = self._new_follower()

    def round(self) -> int:
        """Do one round, and return how many requests for lists it took."""
        before = len(self.upstream.asked)
        self.tenant.harness.run(self.follower.run_once())
        return len(self.upstream.asked) - before

    def sweep(self) -> None:
        """Do the rounds that compare everything, as an hour has passed."""
        self.clock.advance(SWEEP_REST + 1)
        self.round()

    def interviews(self) -> dict[int, Record]:
        """Return the interviews of the organization by id."""
        harness = self.tenant.harness
        found = harness.run(
            harness.store.interviews.page(self.tenant.organization, InterviewQuery(), PageRequest(size=500))
        )
        return {each["id"]: each for each in msgspec.json.decode(found.body)}

    def _wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.upstream.advance(round(seconds * 1000))
        return event.is_set()

    def _new_account(self) -> Account:
        retries = RetryPolicy(chance=lambda: 0.0, now=lambda: self.upstream.now / 1000)
        return Account(httpx.URL(self.upstream.base), self._client, AccountPolicy(LIMITS, retries, wait=self._wait))

    def _new_follower(self, destination: MirrorPorts | None = None) -> Follower:
        return Follower(
            destination or self.destination,
            self.tenant.organization,
            self.account,
            self.upstream.base,
            FollowerDeps(self._lead, _silent, self.pause, self.turns, helper=self.helper),
        )

    def parts_here(self, position: Position) -> ListParts:
        """Return the parts of a list, read by this process."""
        return ListParts(self.account, position, self.clock)

    def restart_with(self, change: Callable[[MirrorPorts], MirrorPorts]) -> None:
        """Go on as a new process that has other ports."""
        self.account.close()
        self.account = self._new_account()
        self.follower = self._new_follower(change(replace(self.destination)))

    async def _lead(self) -> bool:
        return self.leads


class ChainLink:
    """An organization that mirrors another one of the same server, through `/v3`."""

    def __init__(self, upstream: Tenant) -> None:
        harness = upstream.harness
        self.tenant = harness.tenant()
        self._clock = FakeClock(None)
        store, made = harness.store, make_client(upstream)
        base = httpx.URL(f"{harness.server.url}/v3")
        client = AccountClient(made.client_id, made.secret, base.copy_with(path="/token"))
        self.account = Account(base, client, AccountPolicy(LIMITS))
        ports = MirrorPorts(store.mirrors, store.merger, store.record_merger, store.writing, self._clock)
        deps = FollowerDeps(_leads, _silent)
        self._follower = Follower(ports, self.tenant.organization, self.account, str(base), deps)

    def round(self) -> None:
        """Do one round."""
        self.tenant.harness.run(self._follower.run_once())

    def settle(self) -> None:
        """Follow everything that has changed, and compare all ids."""
        self.round()
        self._clock.instant = wiring.now()
        self._clock.advance(SWEEP_REST + 1)
        self.round()
        self._clock.instant = None


async def _leads() -> bool:
    return True


@contextmanager
def chained(upstream: Tenant, length: int) -> Iterator[list[ChainLink]]:
    """Return links of which the first mirrors an organization, and each other one the one before, for the block."""
    links: list[ChainLink] = []
    try:
        for _ in range(length):
            links.append(ChainLink(links[-1].tenant if links else upstream))
        yield links
    finally:
        for each in links:
            each.account.close()


LISTS: Final = ("scheduled_interviews", "users", "applications", "candidates", "jobs", "job_stages", "scorecards")


def lists(tenant: Tenant) -> dict[str, list[bytes]]:
    """Return the pages of every list of v1 that is mirrored, as served."""
    found: dict[str, list[bytes]] = {}
    with tenant.open_client() as client:
        for name in LISTS:
            target: str | None = f"/v1/{name}?per_page=500"
            while target is not None:
                answer = client.get(target)
                assert answer.status_code == 200, answer.text
                found.setdefault(name, []).append(answer.content)
                target = answer.links.get("next", {}).get("url")
    return found


_WRITTEN_AT: Final = re.compile(rb'"updated_at":"[^"]*"')


def undated(pages: list[bytes]) -> list[bytes]:
    """Return pages without the times of the last changes: those of a mirror that follows are its own."""
    return [_WRITTEN_AT.sub(b'"updated_at":"-"', page) for page in pages]


@contextmanager
def _silent() -> Iterator[Callable[[LoadStep], None]]:
    yield lambda _: None


def mirror_command(upstream: V3Upstream, folder: Path, database: str) -> list[str]:
    """Return the arguments of `rowen` that mirror an upstream; the secret is in the file `secret` of a folder."""
    secret = folder / "secret"
    secret.write_text(f"{CLIENT_SECRET}\n")
    client = ("--client-id", CLIENT_ID, "--client-secret-file", str(secret))
    return ["mirror", "--from", upstream.base, *client, "--database", database]


@contextmanager
def mirroring_of(tenant: Tenant, upstream: V3Upstream) -> Iterator[Mirroring]:
    """Mirror an upstream in the organization of a tenant, until the end of the block."""
    mirroring = Mirroring(tenant, upstream)
    try:
        yield mirroring
    finally:
        mirroring.account.close()
