"""Limits on peers: with a clock that tests set, and sockets that are the kernel's or simulated."""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from rowen.app.keys import Identity
from rowen.http.connections import Connection, ConnectionLimits, Connections
from rowen.http.sockets import SUPPORTED, Peer, Sockets, SocketState
from rowen.interviews.errors import Code, Refusal
from tests.support.identities import access

LIMITS = ConnectionLimits(
    connections=8, first_request_seconds=10, idle_seconds=75, stalled_seconds=20,
    bytes_per_key=1_000, bytes_per_process=3_000, followers_per_key=2,
)  # fmt: skip


class MadeUpSockets(Sockets):
    """Connections simulated by a test."""

    def __init__(self) -> None:
        super().__init__(0)
        self.states: dict[Peer, SocketState] = {}
        self.new: list[Peer] = []
        self.closed: list[Peer] = []

    def accept(self, number: int) -> Peer:
        peer = ("10.0.0.1", str(number))
        self.states[peer] = SocketState(0, False)
        self.new.append(peer)
        return peer

    def discover(self) -> list[Peer]:
        found, self.new = self.new, []
        return found

    def read(self, peer: Peer) -> SocketState | None:
        return self.states.get(peer)

    def close(self, peer: Peer) -> None:
        self.closed.append(peer)
        self.states.pop(peer)


class Process:
    """The connections of a process, and its time."""

    def __init__(self, limits: ConnectionLimits = LIMITS) -> None:
        self.now = 1_000.0
        self.sockets = MadeUpSockets()
        self.reports: list[tuple[int, dict[str, int]]] = []
        self.connections = Connections(limits, self.sockets, self._report, lambda: self.now)

    def _report(self, number: int, closed: Mapping[str, int]) -> None:
        self.reports.append((number, {reason: each for reason, each in closed.items() if each}))

    def begin(self, peer: Peer, version: str = "1.1") -> Connection:
        return self.connections.begin({"client": peer, "http_version": version})

    def serve(self, peer: Peer, key: Identity | None = None, size: int = 0, version: str = "1.1") -> Connection:
        connection = self.begin(peer, version)
        if key:
            self.connections.charge(connection, key)
        self.connections.admit(connection)
        connection.hand(size)
        self.connections.end(connection, self.now)
        return connection

    def look(self, seconds: float = 0) -> None:
        """Let time pass, and check every connection."""
        self.now += seconds
        asyncio.run(self.connections.check_all(self.sockets, self.now))

    def refused(self, peer: Peer, key: Identity | None = None, version: str = "1.1") -> Code | None:
        try:
            self.serve(peer, key, version=version)
        except Refusal as refusal:
            return refusal.code
        return None


@pytest.fixture
def process() -> Process:
    return Process()


def test_a_peer_that_sends_no_request_is_cut_off(process: Process) -> None:
    silent, served = process.sockets.accept(1), process.sockets.accept(2)
    process.look()
    process.serve(served)
    process.look(10)
    assert process.sockets.closed == []
    process.look(0.1)
    assert process.sockets.closed == [silent]
    assert process.reports[-1] == (2, {"silent": 1})


def test_idle_connections_are_closed_and_busy_ones_are_not(process: Process) -> None:
    idle, busy = process.sockets.accept(1), process.sockets.accept(2)
    process.look()
    process.serve(idle)
    process.begin(busy)
    process.look(75)
    assert process.sockets.closed == []
    process.look(0.1)
    assert process.sockets.closed == [idle]
    process.look(10_000)
    assert process.sockets.closed == [idle]


def test_peers_that_read_nothing_are_cut_off_and_slow_ones_are_not(process: Process) -> None:
    stalled, slow = process.sockets.accept(1), process.sockets.accept(2)
    for peer in (stalled, slow):
        process.serve(peer, size=900)
        process.sockets.states[peer] = SocketState(10, True)
    for second in range(30):
        process.sockets.states[slow] = SocketState(10 + second, True)
        process.look(1)
    assert process.sockets.closed == [stalled]


def test_a_connection_that_was_idle_for_long_has_time_to_read(process: Process) -> None:
    peer = process.sockets.accept(1)
    process.serve(peer)
    process.look(60)
    process.serve(peer, size=900)
    process.sockets.states[peer] = SocketState(0, True)
    process.look(15)
    assert process.sockets.closed == []


def test_a_key_that_does_not_read_is_refused_until_it_does(process: Process) -> None:
    first, second = process.sockets.accept(1), process.sockets.accept(2)
    process.serve(first, access(1), 1_500)
    process.sockets.states[first] = SocketState(100, True)
    assert process.refused(second, access(1)) is Code.UNREAD
    assert process.refused(second, access(2)) is None, "another key has its own"
    assert process.refused(second, access(1)) is Code.UNREAD
    process.sockets.states[first] = SocketState(600, True)
    process.now += 1
    assert process.refused(second, access(1)) is None


async def test_a_key_that_reads_steadily_waits_and_is_not_refused(process: Process) -> None:
    peer, other = process.sockets.accept(1), process.sockets.accept(2)
    process.serve(peer, access(1), 1_500)
    process.sockets.states[peer] = SocketState(100, True)
    connection = process.begin(other)
    process.connections.charge(connection, access(1))

    waiting = asyncio.create_task(process.connections.room(connection, 300))
    await asyncio.sleep(0)
    assert connection.account.held == 300
    process.now += 1
    process.sockets.states[peer] = SocketState(600, True)
    await waiting
    assert connection.account.held == connection.account.process.held == connection.account.waiting == 0


@pytest.mark.parametrize("waiting", [0, 1])
async def test_a_key_that_does_not_read_is_refused_after_some_time(process: Process, waiting: int) -> None:
    peer = process.sockets.accept(1)
    connection = process.serve(peer, access(1), 1_500)
    process.sockets.states[peer] = SocketState(100, True)

    with connection.account.wait(900 * waiting):
        asked = asyncio.create_task(process.connections.room(connection, 300))
        await asyncio.sleep(0)
        assert asked.done() is bool(waiting), "what may wait is limited, too"
        process.now += 10
        with pytest.raises(Refusal) as refused:
            await asked
        assert refused.value.code is Code.UNREAD


def test_responses_that_were_read_do_not_count(process: Process) -> None:
    peer = process.sockets.accept(1)
    for number in range(1, 100):
        process.serve(peer, access(1), 900)
        process.sockets.states[peer] = SocketState(number * 1_000, False)
        process.now += 1


def test_http2_may_hold_back_what_no_window_has_room_for(process: Process) -> None:
    peer = process.sockets.accept(1)
    process.serve(peer, access(1), 1_500, "2")
    process.sockets.states[peer] = SocketState(100, False)
    process.look(1)
    assert process.refused(peer, access(1), "2") is Code.UNREAD
    process.look(21)
    assert process.sockets.closed == [peer]


def test_answers_to_pings_do_not_count_as_read_responses(process: Process) -> None:
    peer = process.sockets.accept(1)
    connection = process.serve(peer, access(1), 1_500, "2")
    process.look()
    for sent in range(1, 21):
        process.sockets.states[peer] = SocketState(sent * 900, False, sent * 900)
        process.look(1)
    assert process.sockets.closed == []
    assert connection.unsent == 1_500
    process.look(1)
    assert process.sockets.closed == [peer]


def test_a_body_that_was_sent_does_not_hide_what_was_read(process: Process) -> None:
    peer = process.sockets.accept(1)
    connection = process.serve(peer, access(1), 900, "2")
    connection.bodies = 50_000
    process.sockets.states[peer] = SocketState(1_000, False, 50_050)
    process.look()
    assert connection.unsent == 0


def test_a_process_that_has_too_much_to_send_refuses_everyone(process: Process) -> None:
    for number in range(4):
        peer = process.sockets.accept(number)
        process.serve(peer, access(number + 1), 900)
        process.sockets.states[peer] = SocketState(0, True)
    assert process.refused(process.sockets.accept(9)) is Code.OVERLOADED
    for peer in list(process.sockets.states):
        process.sockets.states[peer] = SocketState(900, False)
    process.now += 1
    assert process.refused(process.sockets.accept(10)) is None


def test_bodies_that_arrive_count_until_they_are_done(process: Process) -> None:
    connection = process.begin(process.sockets.accept(1))
    process.connections.charge(connection, access(1))
    with connection.account.receive() as count:
        count(1_000)
        process.connections.admit(connection)
        count(1)
        with pytest.raises(Refusal):
            process.connections.admit(connection)
    process.connections.admit(connection)
    assert connection.account.process.load == 0


def test_closed_connections_no_longer_count(process: Process) -> None:
    peer = process.sockets.accept(1)
    connection = process.serve(peer, access(1), 1_500)
    process.look()
    process.sockets.states.clear()
    process.look(1)
    process.look(1)
    assert connection.account.load == connection.account.process.load == 0
    another = process.begin(peer)
    assert another is not connection
    account = connection.account
    process.connections.charge(another, access(1))
    assert another.account is not account


def test_connections_that_were_closed_since_the_last_look_do_not_count(process: Process) -> None:
    """As with a client that opens one for each request."""
    for number in range(10):
        peer = process.sockets.accept(number)
        assert process.refused(peer, access(1)) is None
        process.serve(peer, access(1), 600)
        process.sockets.states.pop(peer)
        process.now += 0.1


def test_a_connection_with_the_descriptor_of_a_closed_one_is_not_forgotten(process: Process) -> None:
    peer = process.sockets.accept(1)
    process.look(1)
    state = process.sockets.states.pop(
        peer
    )  # not shown before its descriptor's previous connection is known to be closed
    process.now += 0.5
    process.serve(peer)
    process.look(0.5)
    process.sockets.new.append(peer)
    process.sockets.states[peer] = state
    for _ in range(15):
        process.look(1)
    assert process.sockets.closed == []


def test_another_connection_of_the_same_port_may_speak_another_protocol(process: Process) -> None:
    peer = process.sockets.accept(1)
    process.serve(peer, access(1))
    process.sockets.accept(1)
    process.serve(peer, access(1), 1_500, "2")
    process.look(1)
    assert process.refused(peer, access(1), "2") is Code.UNREAD


def test_another_connection_on_the_same_port_starts_from_zero(process: Process) -> None:
    peer = process.sockets.accept(1)
    connection = process.serve(peer, access(1), 900)
    process.sockets.states[peer] = SocketState(500, True)
    process.look(1)
    assert connection.unsent == 400
    process.now += 70
    process.sockets.accept(1)
    process.look(10)
    assert process.sockets.closed == []
    assert connection.unsent == 0


def test_followers_are_counted(process: Process) -> None:
    connection = process.begin(process.sockets.accept(1))
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(process.connections.following(connection))
        with pytest.raises(Refusal), process.connections.following(connection):
            pass
    with process.connections.following(connection):
        pass


def test_where_connections_run_out_those_idle_longest_make_room(process: Process) -> None:
    peers = []
    for number in range(8):
        peers.append(process.sockets.accept(number))
        process.look(1)
    assert process.sockets.closed == peers[:2]
    assert process.reports[-1][1] == {"surplus": 2}


async def test_without_the_kernels_help_nothing_is_kept() -> None:
    connections = Connections(LIMITS, None, lambda *_: None)
    seen, accounts = [], []
    for _ in range(5):
        connection = connections.begin({"client": ("10.0.0.1", "1"), "http_version": "1.1"})
        accounts.append(connection.account)
        connections.charge(connection, access(1))
        accounts.append(connection.account)
        connection.hand(10_000)
        connections.end(connection, 0)
        seen.append(connection)
    assert len(set(map(id, seen))) == 5
    assert len(set(map(id, accounts))) == 10
    await connections.supervise()


# --- the kernel's


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    if not SUPPORTED:
        pytest.skip("TCP_INFO is Linux's")
    with socket.create_server(("127.0.0.1", 0), backlog=64) as made:
        yield made


def test_accepted_connections_are_found_and_others_are_not(listening: socket.socket) -> None:
    sockets = Sockets(listening.getsockname()[1])
    assert sockets.discover() == []
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listening.getsockname())) for _ in range(5)]
        accepted = [stack.enter_context(listening.accept()[0]) for _ in clients]
        peers = {(host, str(port)) for host, port in (client.getsockname() for client in clients)}
        assert set(sockets.discover()) == peers
        assert sockets.discover() == []
        assert all(sockets.read(peer) == SocketState(0, False) for peer in peers)
        accepted[0].sendall(b"x" * 1_000)
        assert clients[0].recv(1_000, socket.MSG_WAITALL)
        host, port = clients[0].getsockname()
        while sockets.read((host, str(port))) != SocketState(1_000, False):
            pass  # until the kernel has acknowledged them
        fill(accepted[0])
        state = sockets.read((host, str(port)))
        assert state is not None
        assert state.queued
        sockets.close((host, str(port)))
        with pytest.raises(ConnectionError):
            while clients[0].recv(2**16):
                pass
            raise ConnectionResetError
    assert all(sockets.read(peer) is None for peer in peers)


def test_accepted_connections_beyond_many_closed_ones_are_found(listening: socket.socket) -> None:
    with ExitStack() as stack:
        closed: list[socket.socket] = []
        for _ in range(300):
            closed.append(stack.enter_context(socket.create_connection(listening.getsockname())))
            closed.append(stack.enter_context(listening.accept()[0]))
        kept = stack.enter_context(socket.create_connection(listening.getsockname()))
        stack.enter_context(listening.accept()[0])
        for each in closed:
            each.close()
        host, port = kept.getsockname()
        assert Sockets(listening.getsockname()[1]).discover() == [(host, str(port))]


def fill(connection: socket.socket) -> None:
    """Send until nothing more fits."""
    connection.setblocking(False)
    try:
        while True:
            connection.send(b"x" * 2**16)
    except BlockingIOError:
        pass


def test_a_descriptor_that_is_used_again_is_not_mistaken(listening: socket.socket) -> None:
    sockets = Sockets(listening.getsockname()[1])

    clients = [socket.create_connection(listening.getsockname()) for _ in range(2)]
    first_peer, second_peer = [(host, str(port)) for host, port in (each.getsockname() for each in clients)]
    first = listening.accept()[0]
    assert sockets.discover() == [first_peer]
    descriptor = first.fileno()
    first.close()
    second = listening.accept()[0]
    assert second.fileno() == descriptor
    sockets.close(first_peer)
    assert sockets.read(first_peer) is None
    assert sockets.discover() == [second_peer]
    assert sockets.read(second_peer) == SocketState(0, False)
    for each in (*clients, second):
        each.close()
