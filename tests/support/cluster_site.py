"""A schedule served by many machines, each of them played by processes of this one.

Owns a primary with two replicas, of which at least one has every commit; three nodes, one of which has a clock that is
five seconds ahead; a balancer in front of them; and a Redis. Must not know the faults that are injected.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from rowen.store.database import locate, upgrade
from tests.support.balancer import Balancer, balancing
from tests.support.cluster import Cluster
from tests.support.cluster_load import Load
from tests.support.cluster_nodes import Node, ahead
from tests.support.command import ROWEN
from tests.support.postgres import OWNER
from tests.support.redis import serving_redis
from tests.support.sql import fetch

AHEAD_SECONDS: Final = 5
_COMMANDS: Final = (ROWEN, ahead(AHEAD_SECONDS), ROWEN)  # of each node
_LIMIT: Final = "1000000"  # requests in ten seconds: never reached, but counted
_SETTINGS: Final = {"max_connections": "80"}


class Cache:
    """A Redis on a fixed port; if none is installed there is none here."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._server = self._running.enter_context(serving_redis())
        self.url = self._server.url

    def stop(self) -> None:
        """End it at once."""
        self._running.close()

    def start(self) -> None:
        """Start it again, without its data."""
        self._server = self._running.enter_context(serving_redis(port=self._server.port))


@dataclass
class Site:
    """The running parts; `database` is an address that leads to whichever server is the primary."""

    cluster: Cluster
    cache: Cache
    name: str
    nodes: list[Node]
    balancer: Balancer

    @property
    def database(self) -> str:
        """The address of the database."""
        return self.cluster.url(self.name)

    def load(self, name: str) -> Load:
        """Create an organization, and clients that use the balancer."""
        return Load(name, self.database, self.balancer.port)

    def wait_until_all_serve(self) -> None:
        """Return once the balancer uses every node."""
        self.balancer.wait_until_in_use([node.port for node in self.nodes])

    def leader(self) -> Node | None:
        """Return the node that sends webhooks, if one does: each reports its own address."""
        found = fetch(self.database, "SELECT holder FROM leases")
        if not found:
            return None
        return next(node for node in self.nodes if found[0][0].startswith(_name(node.database)))


def _name(database: str) -> str:
    return urlsplit(database).netloc.rpartition("@")[2]


@contextmanager
def running() -> Iterator[Site]:
    """Run all parts until the end of the block."""
    with ExitStack() as stack:
        cache = Cache()
        stack.callback(cache.stop)
        cluster = stack.enter_context(Cluster(2, synchronous=True, settings=_SETTINGS))
        name = urlsplit(cluster.primary.create_database()).path.removeprefix("/")
        upgrade(locate(cluster.url(name)))
        cluster.wait_until_caught_up()
        options = [option for each in cluster.replicas for option in ("--replica", each.url(name))]
        options += ["--rate-limit", _LIMIT, "--rate-limit-store", cache.url, "--webhook-allow", "127.0.0.1"]
        nodes = [
            Node(database, options, command)
            for database, command in zip(_addresses(cluster, name), _COMMANDS, strict=True)
        ]
        for node in nodes:
            node.launch()
            stack.enter_context(node.ended())
        for node in nodes:
            node.wait_until_ready()
        balancer = stack.enter_context(balancing([node.port for node in nodes]))
        site = Site(cluster, cache, name, nodes, balancer)
        site.wait_until_all_serve()
        yield site


def _addresses(cluster: Cluster, name: str) -> list[str]:
    """Return an address for each node: they name the same servers, each in another order."""
    hosts = [f"127.0.0.1:{each.port}" for each in (cluster.primary, *cluster.replicas)]
    turned = [hosts[number:] + hosts[:number] for number in range(len(_COMMANDS))]
    return [f"postgresql://{OWNER}@{','.join(each)}/{name}" for each in turned]
