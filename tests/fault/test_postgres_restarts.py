"""PostgreSQL crashes repeatedly under load: nothing is lost or duplicated, and each time everything continues.

At full scale (`scale.py`) it crashes twenty times.
"""

from pathlib import Path
from typing import Final

import pytest

from rowen.store.database import locate, upgrade
from tests.support.cluster_clients import Kind
from tests.support.cluster_load import Load
from tests.support.cluster_nodes import Node
from tests.support.postgres import serving_postgres
from tests.support.scale import scaled

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

RESTARTS: Final = scaled(20)
_SOME: Final = 20
"""Writes between two crashes."""


def test_nothing_is_lost_in_crashes(tmp_path: Path) -> None:
    with serving_postgres() as server:  # in memory: data handed to the system survives there, too
        database = server.create_database()
        upgrade(locate(database))
        node = Node(database, ["--rate-limit", "0"])
        node.launch()
        with node.ended():
            node.wait_until_ready()
            with Load("crashing", database, node.port) as load:
                for _ in range(RESTARTS):
                    load.wait_for_writes(_SOME)
                    with load.fault(Kind.REFUSED):
                        server.stop("immediate")
                        load.wait_for_errors()
                        server.start()
    assert '"exception"' not in "".join(node.said), "\n".join(node.said)
