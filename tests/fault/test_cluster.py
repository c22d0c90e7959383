"""Many machines serve one schedule, and each of them ends, hangs or falls behind while clients write and read.

The clients (`cluster_clients.py`) check the results, and in the end `Load` (`cluster_load.py`) does: nothing
acknowledged is lost or duplicated, every read sees every write acknowledged before it began, syncs and the feed are
complete, and errors, which ask to try again, occur only during a fault and up to five seconds after it.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, contextmanager
from datetime import UTC, datetime
from typing import Final, Literal

import asyncpg
import httpx
import pytest

from rowen import wiring
from rowen.app.subscriptions import Action
from rowen.store.database import locate
from tests.support import programs
from tests.support.cluster_clients import V2, Kind
from tests.support.cluster_load import Load
from tests.support.cluster_nodes import Node
from tests.support.cluster_site import AHEAD_SECONDS, Site, running
from tests.support.crash_clients import ON_BEHALF, new_interview
from tests.support.receiver import Receiver, receiving
from tests.support.server import basic
from tests.support.sql import fetch

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

_OUTAGE: Final = (Kind.REFUSED, Kind.NO_NODE, Kind.CUT)
"""The failures of clients while the database is away: a balancer without any node cuts connections, too."""

_SOME: Final = 40
"""Writes that are acknowledged during a fault: a few for each client."""

_FEW: Final = 10
"""Webhook deliveries by another node than before."""

_WAITING: Final = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
_ENDED: Final = "terminating connection due to idle-in-transaction timeout"
_PENDING: Final = "SELECT count(*) FROM deliveries WHERE organization_id = ? AND state = 'pending'"
_DELIVERIES: Final = "SELECT event_id FROM deliveries WHERE organization_id = ? ORDER BY revision, action"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Return the running parts; after each test all of them are sound."""
    with running() as everything:
        yield everything
    for node in everything.nodes:
        assert '"exception"' not in "".join(node.said), "\n".join(node.said)


# The primary


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_primary_is_restarted(site: Site, mode: Literal["fast", "immediate"]) -> None:
    with site.load(f"restarted {mode}") as load, load.fault(*_OUTAGE):
        site.cluster.primary.restart(mode)


def test_the_primary_is_lost_and_a_replica_takes_its_place(site: Site) -> None:
    with site.load("promoted") as load:
        lost = site.cluster.primary
        with load.fault(*_OUTAGE):
            lost.kill()
            site.cluster.promote()
        site.cluster.rejoin(lost)
        load.wait_for_writes(_SOME)


def test_the_primary_has_no_connection_left(site: Site) -> None:
    site.wait_until_all_serve()  # so that each node has a connection
    with site.load("full") as load:
        with load.fault(), every_connection(site):
            load.wait_for_writes(_SOME)  # over the nodes' existing connections
        with load.fault(*_OUTAGE), nobody_let_in(site):
            load.wait_for_errors()


@contextmanager
def every_connection(site: Site) -> Iterator[None]:
    """Take every connection that the primary has left."""

    async def take() -> list[asyncpg.Connection]:
        taken: list[asyncpg.Connection] = []
        while True:
            try:
                taken.append(await asyncpg.connect(site.cluster.primary.url()))
            except asyncpg.TooManyConnectionsError:
                return taken

    with asyncio.Runner() as runner:
        taken = runner.run(take())
        assert taken
        yield
        for each in taken:
            runner.run(each.close())


@contextmanager
def nobody_let_in(site: Site) -> Iterator[None]:
    """End the connections to the database, and accept no new ones."""
    primary, name = site.cluster.primary, site.name
    primary.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    primary.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    yield
    primary.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")


# The replicas


def test_a_replica_is_stopped(site: Site) -> None:
    replica = site.cluster.replicas[0]
    with site.load("stopped") as load, load.fault():
        replica.stop()
        load.wait_for_writes(_SOME)
        replica.start()


def test_a_replica_hangs(site: Site) -> None:
    replica = site.cluster.replicas[0]
    with site.load("hanging") as load, load.fault():
        replica.freeze()
        load.wait_for_writes(_SOME)
        load.wait_until_all_went_on()
        replica.thaw()


def test_a_replica_falls_behind(site: Site) -> None:
    replica = site.cluster.replicas[0]
    with site.load("behind") as load, load.fault():
        replica.execute("SELECT pg_wal_replay_pause()")
        load.wait_for_writes(_SOME)
        load.wait_until_all_went_on()
        replica.execute("SELECT pg_wal_replay_resume()")


# Redis


def test_redis_is_gone(site: Site) -> None:
    with site.load("uncounted") as load, load.fault():
        site.cache.stop()
        load.wait_for_writes(_SOME)
        load.wait_until_all_went_on()
        site.cache.start()


# The nodes


def test_a_node_is_killed(site: Site) -> None:
    node = site.nodes[0]
    with site.load("killed") as load:
        with load.fault(Kind.CUT, Kind.NO_NODE):
            node.kill()
            load.wait_for_writes(_SOME)
        with load.fault():
            node.start()
            site.wait_until_all_serve()


def test_a_node_hangs_with_an_organization(site: Site) -> None:
    """PostgreSQL ends its transaction after six seconds, and those waiting for the same organization continue."""
    node, load = site.nodes[0], site.load("held")
    before = site.cluster.primary.log.count(_ENDED)
    with ThreadPoolExecutor(1) as pool, load.fault(*_OUTAGE, Kind.SILENT), ExitStack() as hurt:
        with held(site, load.organization):
            asked = pool.submit(schedule, node, load, "held")
            programs.wait_until(lambda: site.cluster.primary.execute(_WAITING) == "1", "the node waits for the row")
            hurt.enter_context(node.frozen())
        load.start()
        load.wait_for_writes(_SOME)
        hurt.close()
        load.board.created["held"] = asked.result(programs.SECONDS)
    assert site.cluster.primary.log.count(_ENDED) > before
    site.wait_until_all_serve()
    load.require_all()


@contextmanager
def held(site: Site, organization: int) -> Iterator[None]:
    """Hold the row of an organization, so that its writers wait."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(site.cluster.primary.url(site.name)))
        runner.run(connection.execute("BEGIN"))
        runner.run(connection.execute("SELECT FROM organizations WHERE id = $1 FOR UPDATE", organization))
        yield
        runner.run(connection.execute("COMMIT"))
        runner.run(connection.close())


def schedule(node: Node, load: Load, event: str) -> bytes:
    """Schedule an interview on one node, and return it."""
    headers = {**basic(load.key), **ON_BEHALF, "Idempotency-Key": event}
    url = f"http://127.0.0.1:{node.port}{V2}"
    answer = httpx.post(url, json=new_interview(event), headers=headers, timeout=programs.SECONDS)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_the_node_that_sends_webhooks_hangs(site: Site) -> None:
    """Another one sends when its lease has expired: everything, in order, some of it possibly twice."""
    with receiving() as receiver:
        load = site.load("delivered")
        asyncio.run(add_webhook(site, load, receiver))
        with load:
            programs.wait_until(lambda: site.leader() is not None, "a node leads")
            leader = site.leader()
            assert leader is not None
            load.wait_for_writes(_SOME)
            receiver.wait_for(1)
            with load.fault(*_OUTAGE, Kind.SILENT), leader.frozen():
                programs.wait_until(lambda: site.leader() not in (leader, None), "another node leads")
                receiver.wait_for(len(receiver.received) + _FEW)
        programs.wait_until(
            lambda: fetch(site.database, _PENDING, load.organization) == [(0,)], "everything is delivered"
        )
        delivered = list(dict.fromkeys(each.event_id for each in receiver.received))
        assert delivered == [row[0] for row in fetch(site.database, _DELIVERIES, load.organization)]
    site.wait_until_all_serve()


async def add_webhook(site: Site, load: Load, receiver: Receiver) -> None:
    """Add a webhook that sends an organization's changes to a receiver."""
    async with wiring.opened(locate(site.database)) as store, aclosing(wiring.sender(["127.0.0.1"])) as sender:
        await wiring.webhooks(store, sender).add(load.organization, receiver.url, frozenset(Action))


def test_the_clock_of_a_node_is_ahead(site: Site) -> None:
    """Times continue from the last one assigned by any node."""
    load = site.load("ahead")
    behind, early, *_ = site.nodes
    times: list[str] = []
    for number in range(6):
        began = datetime.now(UTC)
        document = schedule((early, behind)[number % 2], load, f"ahead {number}")
        times.append(httpx.Response(200, content=document).json()["updated_at"])
        if number == 0:
            assert (datetime.fromisoformat(times[0]) - began).total_seconds() >= AHEAD_SECONDS
    assert times == sorted(set(times))
