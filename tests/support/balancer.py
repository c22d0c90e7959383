"""One address for several servers: HAProxy, or if it is not installed, a minimal balancer of our own.

Owns the distribution of requests, and that servers whose `GET /readyz` is not 200 get none. Must not know what they
serve.
"""

import asyncio
import csv
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.request import urlopen

from tests.support import programs
from tests.support.server import is_open

_CHECK_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = 3  # a server that is only slow is kept
_CHECK: Final = b"GET /readyz HTTP/1.1\r\nHost: balancer\r\nConnection: close\r\n\r\n"
_BLOCK: Final = 65_536  # bytes

_UNCHECKED: Final = "INI"

_HAPROXY: Final = """
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout check 3s

frontend rowen
    bind 127.0.0.1:{port}
    default_backend servers

backend servers
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    # A request that was sent and got no answer is sent again, to another server, if it is a GET only.
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response response-timeout
    http-request disable-l7-retry unless METH_GET
    # Who waits for a server that has gone, or hangs, hears of it.
    default-server check inter 200ms fall 1 rise 1 on-marked-down shutdown-sessions
{servers}

frontend state
    bind 127.0.0.1:{state}
    stats enable
    stats uri /
"""


@dataclass(frozen=True)
class Balancer:
    """A running balancer; `in_use` returns the ports that it currently uses."""

    port: int
    in_use: Callable[[], set[int]]

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def wait_until_in_use(self, ports: Collection[int]) -> None:
        """Return once it uses these servers and no other."""
        programs.wait_until(lambda: self.in_use() == set(ports), f"the balancer uses the servers {sorted(ports)}")


@contextmanager
def balancing(ports: Sequence[int]) -> Iterator[Balancer]:
    """Balance HTTP between servers until the end of the block, by HAProxy where it is installed."""
    with (haproxy if programs.find("haproxy") else round_robin)(ports) as balancer:
        yield balancer


@contextmanager
def haproxy(ports: Sequence[int]) -> Iterator[Balancer]:
    """Balance by HAProxy, which has to be installed."""
    program = programs.find("haproxy")
    assert program is not None
    port, state = programs.quiet_port(), programs.quiet_port()
    folder = programs.new_folder("haproxy")
    servers = "\n".join(f"    server {each} 127.0.0.1:{each}" for each in ports)
    (folder / "haproxy.cfg").write_text(_HAPROXY.format(port=port, state=state, servers=servers))
    process = programs.start(program, "-db", "-f", "haproxy.cfg", folder=folder, log=folder / "log")
    try:
        programs.wait_until(lambda: is_open(port) and is_open(state), "HAProxy answers")
        programs.wait_until(lambda: _UNCHECKED not in _column(state, "check_status").values(), "HAProxy has checked")
        yield Balancer(port, lambda: _used_by_haproxy(state))
    finally:
        process.kill()
        process.wait(programs.SECONDS)
        programs.remove(folder)


def _used_by_haproxy(state: int) -> set[int]:
    return {port for port, status in _column(state, "status").items() if status.startswith("UP")}


def _column(state: int, name: str) -> dict[int, str]:
    """Return one figure of each server from HAProxy's table, which its frontend `state` serves."""
    with urlopen(f"http://127.0.0.1:{state}/;csv") as answer:
        rows = csv.DictReader(answer.read().decode().removeprefix("# ").splitlines())
    return {int(row["svname"]): row[name] for row in rows if row["svname"].isdigit()}


@contextmanager
def round_robin(ports: Sequence[int]) -> Iterator[Balancer]:
    """Balance connections, one server after the other, by a thread of this process."""
    dealer = _Dealer(ports)
    thread = threading.Thread(target=lambda: asyncio.run(dealer.run()))
    thread.start()
    try:
        assert dealer.started.wait(programs.SECONDS)
        yield Balancer(dealer.port, lambda: set(dealer.in_use))
    finally:
        dealer.stop()
        thread.join(programs.SECONDS)


class _Dealer:
    """The balancer of our own. It distributes connections, and sends nothing twice."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = programs.quiet_port()
        self.in_use: list[int] = []
        self.started = threading.Event()
        self._ports = ports
        self._turn = 0

    async def run(self) -> None:
        """Balance until `stop`."""
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        checks = asyncio.create_task(self._check_all())
        await self._stopped.wait()
        checks.cancel()
        server.close()

    def stop(self) -> None:
        """End all connections, and stop; to be called from another thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _check_all(self) -> None:
        while True:
            sound = await asyncio.gather(*map(_is_ready, self._ports))
            self.in_use = [port for port, is_sound in zip(self._ports, sound, strict=True) if is_sound]
            self.started.set()
            await asyncio.sleep(_CHECK_SECONDS)

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        async with _closing(answer):
            connection = await self._connect()
            if connection is None:
                return
            server, request = connection
            # Only asyncio's streams wait for this task, and some of them report its cancellation as an error.
            async with _closing(request):
                with suppress(asyncio.CancelledError):
                    await asyncio.gather(_pass_on(client, request), _pass_on(server, answer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to the next server, or to the first one after it that accepts."""
        self._turn += 1
        candidates = self.in_use
        for number in range(len(candidates)):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", candidates[(self._turn + number) % len(candidates)])
        return None


async def _is_ready(port: int) -> bool:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE_SECONDS):
            server, request = await asyncio.open_connection("127.0.0.1", port)
            async with _closing(request):
                request.write(_CHECK)
                return b" 200 " in await server.readline()
    return False


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Forward bytes until either side ends, and then end the other side."""
    with suppress(ConnectionError):
        while block := await source.read(_BLOCK):
            target.write(block)
            await target.drain()
    target.close()


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
