"""Several PostgreSQL servers with the same data: a primary and its replicas, and PgBouncer in front of one.

Owns how replicas are created, follow and take over. It decides nothing by itself: promoting a replica while the old
primary lives makes two primaries, which some tests are about. Must not know what Rowen stores in them.
"""

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import pytest

from tests.support import programs
from tests.support.postgres import ADMINISTRATOR, OWNER, PostgresServer, binary, new_server, without_data
from tests.support.server import is_open

_SETTINGS: Final = {
    "hot_standby": "on",
    "wal_level": "replica",
    "wal_retrieve_retry_interval": "50ms",  # the default of 5 s is how long replicas take to follow a new primary
}
_SYNCHRONOUS: Final = {"synchronous_standby_names": "ANY 1 (*)"}

_PGBOUNCER: Final = """
[databases]
* = host=127.0.0.1 port={server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = users
admin_users = {administrator}
pool_mode = transaction
default_pool_size = 10
max_client_conn = 200
"""


class Cluster:
    """A primary and its replicas, which run until the end of the `with` block.

    With `synchronous` a commit waits until one replica has it on disk. A replica that was stopped and started again
    continues to follow: the primary keeps unsent data for each, in a slot.
    """

    def __init__(
        self,
        replicas: int = 2,
        *,
        synchronous: bool = False,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        together = {**_SETTINGS, **(_SYNCHRONOUS if synchronous else {}), **(settings or {})}
        self.primary = new_server(durable=durable, settings=together)
        self.replicas = [without_data(durable=durable) for _ in range(replicas)]
        self._servers = (self.primary, *self.replicas)

    def __enter__(self) -> Self:
        try:
            self.primary.start()
            with ThreadPoolExecutor() as pool:
                list(pool.map(self._join, self.replicas))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all servers and remove their folders."""
        for server in self._servers:
            server.close()

    def url(self, database: str = "postgres") -> str:
        """Return a URL that names every server and leads to the primary."""
        addresses = ",".join(f"127.0.0.1:{server.port}" for server in self._servers)
        return f"postgresql://{OWNER}@{addresses}/{database}?target_session_attrs=read-write"

    def furthest(self) -> PostgresServer:
        """Return the replica that has received most: the others can follow it."""
        received = "SELECT coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0'"
        return max((each for each in self.replicas if each.is_running), key=lambda each: int(each.execute(received)))

    def promote(self, replica: PostgresServer | None = None) -> None:
        """Make a replica the primary, the furthest if none is named; the other replicas follow it.

        Those that are further cannot, and have to `rejoin`. The old primary is left as it is, and no longer belongs to
        the cluster.
        """
        replica = replica or self.furthest()
        replica.promote()
        self.primary = replica
        self.replicas.remove(replica)
        for other in self.replicas:
            self._follow(other)

    def rejoin(self, server: PostgresServer) -> None:
        """Make a server that left the cluster a replica of the primary; it loses data that the primary lacks."""
        if server.is_running:
            server.stop("immediate")
        self._join(server)
        if server not in self.replicas:
            self.replicas.append(server)

    def wait_until_caught_up(self) -> None:
        """Return once every running replica shows everything committed on the primary before."""
        # A record of its own: a replica may reach the position after the last one only with the next record.
        position = self.primary.execute("SELECT pg_logical_emit_message(true, '', '')")
        for replica in self.replicas:
            if replica.is_running:
                programs.wait_until(partial(_shows, replica, position), f"{replica.name} has caught up")

    def _join(self, replica: PostgresServer) -> None:
        """Give a server the data of the primary, and start it as its replica."""
        shutil.rmtree(replica.data, ignore_errors=True)
        self._new_slot(replica)
        source = self.primary.url(user=ADMINISTRATOR)
        how = ("--write-recovery-conf", f"--slot={replica.name}", "--checkpoint=fast", "--no-sync", "--no-manifest")
        backup = binary("pg_basebackup")
        programs.run(backup, "--pgdata", replica.data, "--dbname", source, *how, folder=replica.folder)
        replica.start()

    def _follow(self, replica: PostgresServer) -> None:
        """Make a replica, running or not, follow the primary."""
        self._new_slot(replica)
        replica.configure({"primary_conninfo": self.primary.url(user=ADMINISTRATOR), "primary_slot_name": replica.name})
        if replica.is_running:
            replica.reload()

    def _new_slot(self, replica: PostgresServer) -> None:
        """Make the primary keep data that a replica lacks from now on, and release older data."""
        mine = f"FROM pg_replication_slots WHERE slot_name = '{replica.name}'"
        idle = f"SELECT coalesce(bool_and(NOT active), true) {mine}"
        programs.wait_until(lambda: self.primary.execute(idle) == "t", "the primary notices that a replica is gone")
        self.primary.execute(f"SELECT pg_drop_replication_slot(slot_name) {mine}")
        self.primary.execute(f"SELECT pg_create_physical_replication_slot('{replica.name}', true)")


def _shows(replica: PostgresServer, position: str) -> bool:
    """Return whether a replica shows everything up to a position of the log."""
    return replica.execute(f"SELECT coalesce(pg_last_wal_replay_lsn() >= '{position}', false)") == "t"


@contextmanager
def pgbouncer(url: str) -> Iterator[str]:
    """Pool connections to the server of a URL by transactions until the end of the block; return the URL to use."""
    program = programs.find("pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed: it is in Debian's package of that name")
    place, port = urlsplit(url), programs.quiet_port()
    folder = programs.new_folder("pgbouncer")
    (folder / "users").write_text("".join(f'"{role}" ""\n' for role in (OWNER, ADMINISTRATOR)))
    text = _PGBOUNCER.format(server=place.port, port=port, administrator=ADMINISTRATOR)
    (folder / "pgbouncer.ini").write_text(text)
    process = programs.start(program, "pgbouncer.ini", folder=folder, log=folder / "log")
    try:
        programs.wait_until(lambda: is_open(port), "PgBouncer answers")
        yield place._replace(netloc=f"{place.username}@127.0.0.1:{port}").geturl()
    finally:
        process.terminate()
        process.wait(programs.SECONDS)
        programs.remove(folder)
