"""The servers that fault tests use: the faults take effect, the servers come back, and nothing of them is left."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support import process_reaper, programs
from tests.support.balancer import Balancer, haproxy, round_robin
from tests.support.cluster import Cluster, pgbouncer
from tests.support.postgres import PostgresServer, binary, new_database, serving_postgres, shared_postgres
from tests.support.processes import uncovered

_ROWS = "SELECT count(*) FROM rows"
_PROCESS = """
import sys
from tests.support.postgres import shared_postgres

server = shared_postgres()
server.freeze()
print(server.folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with serving_postgres(durable=True) as server:
        yield server


def test_databases_are_new_or_like_a_template() -> None:
    first, server = new_database(), shared_postgres()
    server.execute("CREATE TABLE rows (id integer)", first.rpartition("/")[2])
    copy = new_database(first)
    assert server.execute(_ROWS, copy.rpartition("/")[2]) == "0"
    assert len({first, copy, new_database()}) == 3
    server.drop_database(copy)
    assert copy.rpartition("/")[2] not in server.execute("SELECT datname FROM pg_database").splitlines()


def test_a_killed_server_comes_back_with_its_commits(postgres: PostgresServer) -> None:
    postgres.execute("CREATE TABLE rows (id integer); INSERT INTO rows VALUES (1)")
    postgres.kill()
    assert not postgres.is_running
    postgres.start()
    assert postgres.execute(_ROWS) == "1"
    assert "was not properly shut down" in postgres.log


def test_a_frozen_server_answers_once_it_is_thawed(postgres: PostgresServer) -> None:
    postgres.freeze()
    with pytest.raises(subprocess.TimeoutExpired):
        postgres.execute("SELECT 1", seconds=0.3)
    postgres.thaw()
    assert postgres.execute("SELECT 1") == "1"


def test_passwords_can_be_required() -> None:
    with serving_postgres(password="secret") as server:
        assert server.execute("SELECT 1") == "1"
        without = server.url().replace(":secret", "")
        with pytest.raises(AssertionError, match="password"):
            programs.run(binary("psql"), "--no-password", without, "--command=SELECT 1", folder=server.folder)


def test_a_cluster_survives_its_primary() -> None:
    with Cluster(2, synchronous=True) as cluster:
        old = cluster.primary
        old.execute("CREATE TABLE rows (id integer); INSERT INTO rows VALUES (1)")
        assert _rows(cluster) == ["1", "1"]
        old.kill()
        cluster.promote()
        cluster.primary.execute("INSERT INTO rows VALUES (2)")
        cluster.rejoin(old)
        assert _rows(cluster) == ["2", "2"]
        cluster.replicas[0].stop()
        cluster.primary.execute("INSERT INTO rows VALUES (3)")
        cluster.replicas[0].start()
        assert _rows(cluster) == ["3", "3"]


def test_pgbouncer_pools_by_transactions(postgres: PostgresServer) -> None:
    with pgbouncer(postgres.url()) as url:
        assert _ask(postgres, url, "SELECT 41 + 1") == "42"
        console = urlsplit(url.replace("rowen@", "postgres@"))._replace(path="/pgbouncer").geturl()
        assert "|transaction" in _ask(postgres, console, "SHOW POOLS")


@pytest.mark.parametrize("balance", [haproxy, round_robin])
def test_a_balancer_uses_servers_that_are_ready(
    balance: Callable[[Sequence[int]], AbstractContextManager[Balancer]],
) -> None:
    if balance is haproxy and programs.find("haproxy") is None:
        pytest.skip("haproxy is not installed: it is in Debian's package of that name")
    with ExitStack() as stack:
        servers = [stack.enter_context(_serving()) for _ in range(2)]
        ports = [server.server_port for server in servers]
        balancer = stack.enter_context(balance(ports))
        assert balancer.in_use() == set(ports)
        assert Counter(_answers(balancer, 10)) == {str(port): 5 for port in ports}
        servers[0].ready = False
        balancer.wait_until_in_use(ports[1:])
        assert Counter(_answers(balancer, 10)) == {str(ports[1]): 10}
        servers[0].ready = True
        balancer.wait_until_in_use(ports)


@pytest.mark.skipif(programs.find("haproxy") is None, reason="haproxy is not installed")
def test_haproxy_repeats_safe_requests() -> None:
    with _serving() as sound, _serving() as mute, haproxy([sound.server_port, mute.server_port]) as balancer:
        mute.answers = False
        assert Counter(_answers(balancer, 10)) == {str(sound.server_port): 10}
        with _client(balancer) as client:
            assert {client.post("/").status_code for _ in range(4)} == {200, 502}


def test_nothing_is_left_of_killed_tests() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _PROCESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=uncovered(),
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert process_reaper.programs_below(folder)
    process.kill()
    process.communicate()
    programs.wait_until(lambda: not folder.parent.exists(), "the folders are removed")
    assert not process_reaper.programs_below(folder)


def _rows(cluster: Cluster) -> list[str]:
    """Return how many rows each replica shows."""
    cluster.wait_until_caught_up()
    return [replica.execute(_ROWS) for replica in cluster.replicas]


def _ask(server: PostgresServer, url: str, question: str) -> str:
    """Run a query at a URL that is not the server's own."""
    options = ("--no-psqlrc", "--no-align", "--tuples-only", url, f"--command={question}")
    return programs.run(binary("psql"), *options, folder=server.folder).strip()


def _answers(balancer: Balancer, count: int) -> list[str]:
    with _client(balancer) as client:
        return [client.get("/").text for _ in range(count)]


def _client(balancer: Balancer) -> httpx.Client:
    """Return a client that opens a connection for each request."""
    return httpx.Client(base_url=balancer.url, headers={"Connection": "close"}, verify=False)


class _HttpServer(ThreadingHTTPServer):
    ready = True
    answers = True


class _Handler(BaseHTTPRequestHandler):
    """Responds with the port of its server, or on request not at all."""

    server: _HttpServer

    def do_GET(self) -> None:
        is_check = self.path == "/readyz"
        if not is_check and not self.server.answers:
            return
        body = str(self.server.server_port).encode()
        self.send_response(503 if is_check and not self.server.ready else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815  (the library's name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        """Log nothing."""


@contextmanager
def _serving() -> Iterator[_HttpServer]:
    with _HttpServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
