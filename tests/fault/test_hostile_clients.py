"""Malicious clients, with a key and without: everybody else is served, and memory stays bounded."""

import re
import resource
import select
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from hyperframe.frame import PingFrame, SettingsFrame

from rowen.http.connections import ConnectionLimits
from tests.support.certificates import Pair, new_pair
from tests.support.harness import SampleChange, opened
from tests.support.http2 import PREFACE, Headers, Http2Peer, literal
from tests.support.processes import script
from tests.support.server import Server, basic, serving

MEBIBYTE: Final = 2**20
GROWTH: Final = 50 * MEBIBYTE
UNREAD_GROWTH: Final = 96 * MEBIBYTE
"""16 MiB may be unread, and as much in the connections below; the requests add up to 240 MB and more."""
MOST: Final = 1_024
"""How many connections locked everybody out before there was a time limit."""

IMPATIENT: Final = """
import multiprocessing

multiprocessing.set_start_method("fork")
from rowen import wiring
from rowen.api.rowen import changes
from rowen.http import bodies
from rowen.http.connections import ConnectionLimits

bodies.BODY_SECONDS = 1
changes.SILENCE_SECONDS = 3
limits = ConnectionLimits(first_request_seconds=1, idle_seconds=5, stalled_seconds=1)
wiring.connection_limits = lambda settings: limits
from rowen.cli.main import main

main()
"""
"""`rowen` that gives its peers one second where it usually gives them more."""

PATIENT: Final = IMPATIENT.replace("stalled_seconds=1", "stalled_seconds=600").replace("seconds=1", "seconds=600")
"""`rowen` that waits for peers that do not read, even on a machine that is busy with other tests."""

FEW: Final = IMPATIENT.replace("first_request_seconds=1", "connections=40, first_request_seconds=600")
"""`rowen` that keeps 40 connections open."""

FEW_FILES: Final = """
import multiprocessing
import resource

multiprocessing.set_start_method("fork")
resource.setrlimit(resource.RLIMIT_NOFILE, (600, 600))
from rowen.cli.main import main

main()
"""
"""`rowen` that may open 600 files, 512 of which are not for connections."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Return a certificate for this machine and its key."""
    return new_pair(tmp_path_factory.mktemp("tls"), "server")


@pytest.fixture(scope="module")
def trusting() -> ssl.SSLContext:
    """Return a context for HTTP/2 that trusts any server."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


@pytest.fixture(scope="module")
def database(filled: tuple[Path, str]) -> str:
    """Return a database with 2,000 interviews."""
    return f"sqlite:///{filled[0]}"


@pytest.fixture(scope="module")
def server(database: str) -> Iterator[Server]:
    """Return a server that accepts HTTP/2 without TLS."""
    with serving(database, ["--http2"]) as made:
        yield made


@pytest.fixture(scope="module")
def impatient(database: str) -> Iterator[Server]:
    """Return such a server with short time limits."""
    with serving(database, ["--http2"], command=script(IMPATIENT)) as made:
        yield made


def workers(server: Server) -> list[int]:
    """Return the process ids of a server's workers."""
    return [int(each) for line in server.log for each in re.findall(r"Spawning worker-\d+ with PID: (\d+)", line)]


def memory(server: Server) -> int:
    """Return the resident memory of a server's worker, in bytes."""
    (worker,) = workers(server)
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{worker}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def require_service(server: Server) -> None:
    """Require that another client is served, on a connection of its own."""
    with server.client() as client:
        assert client.get("/healthz").status_code == 200


@contextmanager
def growing_little(server: Server, limit: int = GROWTH) -> Iterator[None]:
    """Require that the block makes the memory of a server grow by less than a limit in bytes."""
    before = memory(server)
    yield
    assert memory(server) - before < limit


def names(number: int, references: int) -> bytes:
    """Return headers with different names, and as many one-byte references to one more."""
    return b"".join(literal(b"x%d" % each, b"") for each in range(number)) + b"\x90" * references


@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
def test_a_request_with_many_headers_stops_nobody(
    database: str, certificate: Pair, trusting: ssl.SSLContext, secure: bool
) -> None:
    options = certificate.options if secure else ["--http2"]
    with serving(database, options) as server, Http2Peer(server.port, trusting if secure else None) as peer:
        with suppress(OSError):  # the server may have closed the connection before all was sent
            peer.request("/healthz", extra=names(16_000, 100_000))
        with Http2Peer(server.port, trusting if secure else None) as other:
            other.request("/healthz")
            assert other.status() == 200
        assert peer.status() in (0, 431)


def test_headers_are_counted_before_they_are_joined(server: Server) -> None:
    with Http2Peer(server.port) as peer:
        peer.request("/healthz", extra=names(0, 101))
        assert peer.status() == 431
        peer.request("/healthz", extra=names(0, 80))
        assert peer.status() == 200


def test_headers_that_expand_do_not_fill_the_memory(server: Server) -> None:
    """4,000 references of a byte to a header of 4,000 bytes are 16 MB."""
    with growing_little(server), ExitStack() as stack:
        for _ in range(2):
            peer = stack.enter_context(Http2Peer(server.port))
            peer.request("/healthz", extra=literal(b"x", b"a" * 4_000, indexed=True))
            assert peer.status() == 200
            with suppress(ConnectionError):
                for _ in range(100):
                    peer.request("/healthz", extra=b"\xbe" * 4_000)
            assert peer.status() in (0, 431)
        require_service(server)


def silent(port: int) -> socket.socket:
    """Connect, and send nothing."""
    return socket.create_connection(("127.0.0.1", port), 30)


def saying(text: bytes) -> Callable[[int], socket.socket]:
    """Return a function that connects and sends a few bytes."""

    def connect(port: int) -> socket.socket:
        connection = silent(port)
        connection.sendall(text)
        return connection

    return connect


def unfinished(key: str, head: str) -> Callable[[int], socket.socket]:
    """Return a function that sends a write whose body never ends."""
    known = f"Authorization: {basic(key)['Authorization']}\r\nOn-Behalf-Of: 1\r\nContent-Type: application/json"
    return saying(f"POST /v2/scheduled_interviews HTTP/1.1\r\nHost: x\r\n{known}\r\n{head}".encode())


def closed_in_the_end(connection: socket.socket) -> bytes:
    """Return what a connection receives until the server closes it."""
    connection.settimeout(30)
    received = b""
    try:
        while part := connection.recv(2**16):
            received += part
    except (ConnectionError, ssl.SSLEOFError):
        pass
    return received


HALF_A_HEAD: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "


@pytest.mark.parametrize(
    "connect", [silent, saying(b"PRI"), saying(HALF_A_HEAD), saying(PREFACE)], ids=["nothing", "pri", "half", "mute"]
)
def test_silent_connections_lock_nobody_out(server: Server, connect: Callable[[int], socket.socket]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4 * MOST), hard), hard))
    with ExitStack() as stack:
        for _ in range(MOST + 200):
            stack.enter_context(connect(server.port))
        require_service(server)


@pytest.mark.parametrize(
    "connect", [silent, saying(b"PRI"), saying(HALF_A_HEAD), saying(PREFACE)], ids=["nothing", "pri", "half", "mute"]
)
def test_a_peer_without_a_request_is_cut_off(impatient: Server, connect: Callable[[int], socket.socket]) -> None:
    with connect(impatient.port) as connection:
        closed_in_the_end(connection)
    require_service(impatient)


def test_an_http2_peer_that_only_pings_is_cut_off(impatient: Server) -> None:
    with Http2Peer(impatient.port) as peer:
        peer.request("/healthz")
        assert peer.status() == 200
        with suppress(ConnectionError):
            peer.send(PingFrame(0, opaque_data=bytes(8)).serialize())
            while (frame := peer.next_frame()) is not None:
                if isinstance(frame, PingFrame):
                    peer.send(PingFrame(0, opaque_data=bytes(8)).serialize())


@pytest.mark.parametrize("handshake", [False, True], ids=["silent", "after-the-handshake"])
def test_a_tls_peer_without_a_request_is_cut_off(
    database: str, certificate: Pair, trusting: ssl.SSLContext, handshake: bool
) -> None:
    with serving(database, certificate.options, command=script(IMPATIENT)) as server, silent(server.port) as plain:
        with trusting.wrap_socket(plain, server_hostname="localhost") if handshake else plain as connection:
            closed_in_the_end(connection)
        with Http2Peer(server.port, trusting) as other:
            other.request("/healthz")
            assert other.status() == 200


@pytest.mark.parametrize(
    "head", ["Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"], ids=["length", "chunked"]
)
def test_a_body_that_never_ends_is_a_408(impatient: Server, filled: tuple[Path, str], head: str) -> None:
    with unfinished(filled[1], head)(impatient.port) as connection:
        received = closed_in_the_end(connection)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert received.endswith(b'{"message":"The request\'s body did not arrive in time"}')


def test_a_get_over_http2_that_never_ends_is_a_408(impatient: Server, filled: tuple[Path, str]) -> None:
    with Http2Peer(impatient.port) as peer:
        peer.request("/v1/scheduled_interviews", [("authorization", basic(filled[1])["Authorization"])], ends=False)
        assert peer.status() == 408


def test_a_live_follower_and_a_client_that_comes_back_are_not_cut_off(
    impatient: Server, filled: tuple[Path, str]
) -> None:
    headers = {**basic(filled[1]), "Accept": "text/event-stream"}
    with (
        impatient.client(filled[1]) as client,
        client.stream("GET", "/rowen/v1/changes?after=now", headers=headers) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines).startswith("retry:")
        with silent(impatient.port) as connection:
            closed_in_the_end(connection)  # until here longer than a peer without a request is tolerated
        while not next(lines).startswith(": "):
            pass


def test_where_connections_run_out_those_idle_longest_make_room(database: str) -> None:
    with serving(database, command=script(FEW)) as server, ExitStack() as stack:
        quiet = [stack.enter_context(silent(server.port)) for _ in range(39)]
        for connection in quiet[:5]:
            closed_in_the_end(connection)
        require_service(server)


def test_a_low_limit_of_open_files_lowers_the_limit_of_connections(database: str) -> None:
    """Silent connections would take all descriptors before the only limit that was enforced."""
    with serving(database, command=script(FEW_FILES)) as server, ExitStack() as stack:
        assert any("limit of open files allows fewer connections" in line for line in server.log)
        quiet = [stack.enter_context(silent(server.port)) for _ in range(100)]
        closed_in_the_end(quiet[0])
        require_service(server)


def asked_unread(server: Server, stack: ExitStack, path: str, headers: Headers, connections: int) -> list[int]:
    """Send 60 requests on each of some connections, read no body, and return the statuses."""
    peers = [stack.enter_context(Http2Peer(server.port, receive_buffer=4_096)) for _ in range(connections)]
    for peer in peers:
        for _ in range(60):
            peer.request(path, headers)
    return [peer.status() for peer in peers for _ in range(60)]


def test_the_docs_unread_do_not_fill_the_memory(database: str) -> None:
    with (
        serving(database, ["--http2"], command=script(PATIENT)) as server,
        ExitStack() as stack,
        growing_little(server, UNREAD_GROWTH),
    ):
        statuses = asked_unread(server, stack, "/docs/api/swagger-ui-bundle.js", [], 10)
        assert set(statuses) == {200, 429}
        require_service(server)


def test_lists_unread_do_not_fill_the_memory(database: str, filled: tuple[Path, str]) -> None:
    key = ("authorization", basic(filled[1])["Authorization"])
    with serving(database, ["--http2", "--rate-limit", "0"], command=script(PATIENT)) as server:
        with growing_little(server, UNREAD_GROWTH), ExitStack() as stack:
            statuses = asked_unread(server, stack, "/v1/scheduled_interviews?per_page=500", [key], 10)
            assert set(statuses) == {200, 429}
            require_service(server)
        with server.client(filled[1]) as client:
            while client.get("/v1/scheduled_interviews").status_code == 429:
                pass  # until the server has noticed that the peers are gone


def test_requests_in_a_row_without_reading_do_not_fill_the_memory(database: str, filled: tuple[Path, str]) -> None:
    """HTTP/1.1 pipelining, RFC 9112 section 9.3.2."""
    request = b"GET /v1/scheduled_interviews?per_page=500 HTTP/1.1\r\nHost: x\r\nAuthorization: %b\r\n\r\n"
    written = request % basic(filled[1])["Authorization"].encode()
    with serving(database, ["--rate-limit", "0"], command=script(IMPATIENT)) as server, growing_little(server):
        with silent(server.port) as connection, suppress(ConnectionError, TimeoutError):
            connection.settimeout(10)
            for _ in range(2_000):
                connection.sendall(written)
        require_service(server)


def test_streams_unread_do_not_fill_the_memory(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'rowen.db'}"
    with opened(database) as harness:
        tenant = harness.tenant("default")
        tenant.log_changes(*[SampleChange(document=b'{"id":1,"location":"%b"}' % (b"x" * 40_000))] * 100)
    headers = [("authorization", basic(tenant.key)["Authorization"]), ("accept", "text/event-stream")]
    with serving(database, ["--http2", "--rate-limit", "0"]) as server, growing_little(server), ExitStack() as stack:
        statuses = asked_unread(server, stack, "/rowen/v1/changes", headers, 5)
        assert set(statuses) == {200, 429}
        require_service(server)


def test_the_live_followers_of_a_key_are_limited(server: Server, filled: tuple[Path, str]) -> None:
    most = ConnectionLimits().followers_per_key
    headers = [("authorization", basic(filled[1])["Authorization"]), ("accept", "text/event-stream")]
    with ExitStack() as stack:
        assert Counter(asked_unread(server, stack, "/rowen/v1/changes?after=now", headers, 5)) == {
            200: most,
            429: 300 - most,
        }


def test_the_streams_of_an_http2_connection_are_limited(server: Server) -> None:
    with Http2Peer(server.port) as peer:
        settings = next(frame for frame in iter(peer.next_frame, None) if isinstance(frame, SettingsFrame))
        assert settings.settings[SettingsFrame.MAX_CONCURRENT_STREAMS] == ConnectionLimits().streams
        assert settings.settings[SettingsFrame.MAX_HEADER_LIST_SIZE] == 32 * 1024


def test_bodies_that_are_still_arriving_do_not_fill_the_memory(database: str, filled: tuple[Path, str]) -> None:
    connect = unfinished(filled[1], "Content-Length: 1000000\r\n\r\n" + "x" * 900_000)
    with serving(database, ["--rate-limit", "0"]) as server, growing_little(server), ExitStack() as stack:
        connections = [stack.enter_context(connect(server.port)) for _ in range(60)]
        require_service(server)
        refused = [each for each in connections if each in select.select(connections, [], [], 20)[0]]
        assert refused
        assert all(each.recv(100).startswith(b"HTTP/1.1 429 ") for each in refused)


def test_a_peer_that_reads_nothing_is_cut_off(database: str, filled: tuple[Path, str]) -> None:
    key = ("authorization", basic(filled[1])["Authorization"])
    with serving(database, ["--http2"], command=script(IMPATIENT)) as server, ExitStack() as stack:
        asked_unread(server, stack, "/v1/scheduled_interviews?per_page=500", [key], 1)
        with server.client() as client:
            while 'reason="stalled"} 1.0' not in client.get("/metrics").text:
                pass


def test_clear_http2_is_off_unless_it_is_asked_for(database: str) -> None:
    with serving(database) as server, Http2Peer(server.port) as peer:
        assert peer.connection.recv(2**16).startswith(b"HTTP/1.1 400 ") or peer.next_frame() is None
