"""Counting together in a real Redis, and alone while it is away."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from time import time
from typing import Final

import pytest
import structlog

from rowen.app.keys import Identity
from rowen.http import shared_rate_limit
from rowen.http.rate_limit import UNLIMITED, V3_WINDOW, WINDOW, RateLimiter
from rowen.http.responses import RateState, RequestContext
from rowen.http.shared_rate_limit import Counted, SharedCounts, SharedRateLimiter, connections
from rowen.interviews.errors import Code, Refusal
from tests.support.harness import FakeSeconds
from tests.support.identities import access
from tests.support.programs import quiet_port
from tests.support.redis import RedisServer, serving_redis

GONE: Final = "rate limits not shared"
BACK: Final = "rate limits shared again"
SECRET: Final = "p4ss-of-the-store"


async def admitted(limiter: SharedRateLimiter, key: Identity) -> RateState:
    context = RequestContext("id", {}, RateState(0, 0))
    await limiter.admit(key, context)
    return context.rate


async def refused(limiter: SharedRateLimiter, key: Identity) -> dict[bytes, bytes]:
    context = RequestContext("id", {}, RateState(0, 0))
    with pytest.raises(Refusal) as caught:
        await limiter.admit(key, context)
    assert caught.value.code is Code.RATE_LIMITED
    assert context.rate.remaining == 0
    return dict(context.extra)


@asynccontextmanager
async def counting(address: str, clock: FakeSeconds | None = None) -> AsyncIterator[SharedCounts]:
    counts = SharedCounts(address, clock or FakeSeconds())
    try:
        yield counts
    finally:
        await counts.close()


Patience = Callable[[float], None]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """Wait for Redis as long as a busy machine requires; return a function that shortens that, for a silent Redis."""

    def wait(seconds: float) -> None:
        monkeypatch.setattr(shared_rate_limit, "TIMEOUT_SECONDS", seconds)

    wait(30)
    return wait


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with serving_redis() as server:
        yield server


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Return the log."""
    caplog.set_level(logging.DEBUG, "rowen")
    processors = [structlog.stdlib.render_to_log_kwargs]
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory(), processors=processors)
    yield caplog
    structlog.reset_defaults()


def commands(redis: RedisServer, name: str) -> int:
    """Return how often Redis got a command."""
    for line in redis.ask("INFO", "commandstats").splitlines():
        if line.startswith(f"cmdstat_{name}:"):
            return int(line.partition("calls=")[2].partition(",")[0])
    return 0


@pytest.mark.parametrize(
    "address",
    [
        "redis://localhost",
        "redis://127.0.0.1:6379",
        "redis://cache.internal:6379/",
        "redis://cache_1.internal:6379/2",
        "redis://[::1]:6379/2",
        f"redis://:{SECRET}@localhost:6379/0",
        f"redis://counter:{SECRET}@localhost:6379/0",
        "redis://counter:a%40b%2Fc@localhost:6379/0",
        "rediss://localhost:6380/0",
        "rediss://localhost:6380/0?ssl_ca_certs=/etc/ca.pem&ssl_check_hostname=false",
        "unix:///run/redis/redis.sock",
        f"unix:///run/redis/redis.sock?db=2&password={SECRET}",
    ],
)
def test_addresses_of_a_redis(address: str) -> None:
    assert connections(address).connection_kwargs["protocol"] == 2


@pytest.mark.parametrize(
    "address",
    [
        "",
        "redis",
        "localhost:6379",
        "redis://",
        "redis:///0",
        f"http://:{SECRET}@localhost:6379/0",
        f"memory://{SECRET}",
        f"redis+cluster://:{SECRET}@localhost:6379",
        f"redis://:{SECRET}/x@localhost:6379/0",
        f"redis://:{SECRET}#x@localhost:6379/0",
        f"redis://:{SECRET}@x@localhost:6379/0",
        f"redis://:{SECRET}@localhost:6379/one",
        f"redis://:{SECRET}@localhost:99999/0",
        f"redis://:{SECRET}@localhost:6379/0?max_connections=1",
        f"redis://:{SECRET}@localhost:6379/0?db=one",
        f"redis://:{SECRET}@localhost:6379/0?ssl_ca_certs=/etc/ca.pem",
        f"rediss://:{SECRET}@localhost:6379/0?ssl_nonsense=1",
        f"rediss://:{SECRET}@localhost:6379/0?ssl_cert_reqs=perhaps",
        f"unix://:{SECRET}@",
    ],
)
def test_an_invalid_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ValueError, match="must look like redis://") as caught:
        connections(address)
    assert SECRET not in str(caught.value)


async def test_all_servers_share_a_limit(redis: RedisServer) -> None:
    one, other = (SharedRateLimiter(redis.url, RateLimiter(3)) for _ in range(2))
    assert one.shown == 3
    begun = time()
    assert await admitted(one, access()) == RateState(3, 2)
    assert await admitted(other, access()) == RateState(3, 1)
    assert await admitted(one, access()) == RateState(3, 0)
    for limiter in (one, other, one):
        headers = await refused(limiter, access())
        assert 1 <= int(headers[b"retry-after"]) <= WINDOW
        assert begun + WINDOW - 1 <= int(headers[b"x-ratelimit-reset"]) <= time() + WINDOW + 1
    assert await admitted(other, access(key_id=2)) == RateState(3, 2), "another key has its own"
    await one.close()
    await other.close()


async def test_windows_of_v3_are_counted_apart_and_show_their_end(redis: RedisServer) -> None:
    of_keys = SharedRateLimiter(redis.url, RateLimiter(3))
    one, other = (SharedRateLimiter(redis.url, RateLimiter(3, window=V3_WINDOW, shows_reset=True)) for _ in range(2))
    assert await admitted(of_keys, access()) == RateState(3, 2)
    now = time()
    states = [await admitted(limiter, access()) for limiter in (one, other, one)]
    assert [(each.limit, each.remaining) for each in states] == [(3, 2), (3, 1), (3, 0)]
    for state in (*states, one.initial()):
        assert now + V3_WINDOW - 1 <= state.resets <= time() + V3_WINDOW + 1
    headers = await refused(other, access())
    assert now + V3_WINDOW - 1 <= int(headers[b"x-ratelimit-reset"]) <= time() + V3_WINDOW + 1
    assert await admitted(of_keys, access()) == RateState(3, 1)
    for limiter in (of_keys, one, other):
        await limiter.close()


async def test_the_end_of_a_window_is_asked_for_again_when_it_is_over(redis: RedisServer) -> None:
    limiter = SharedRateLimiter(redis.url, RateLimiter(9, window=V3_WINDOW, shows_reset=True))
    first = await admitted(limiter, access())
    (name,) = (line for line in redis.ask("KEYS", "*").splitlines() if ":1:1" in line)
    redis.ask("DEL", name)
    again = await admitted(limiter, access())
    assert (again.remaining, again.resets >= first.resets) == (8, True)
    await limiter.close()


async def test_a_key_has_its_own_limit_or_none(redis: RedisServer) -> None:
    limiter = SharedRateLimiter(redis.url, RateLimiter(0))
    assert limiter.shown == UNLIMITED
    assert await admitted(limiter, access()) == RateState(UNLIMITED, UNLIMITED)
    assert await admitted(limiter, access(2, rate_limit=0)) == RateState(UNLIMITED, UNLIMITED)
    assert redis.ask("DBSIZE") == ":0\r\n"
    assert await admitted(limiter, access(3, rate_limit=1)) == RateState(1, 0)
    await refused(limiter, access(3, rate_limit=1))
    await limiter.close()


async def test_nobody_is_called_back_before_the_window_ends(redis: RedisServer) -> None:
    limiter = SharedRateLimiter(redis.url, RateLimiter(1))
    await admitted(limiter, access())
    (name,) = (line for line in redis.ask("KEYS", "*").splitlines() if ":1:1" in line)
    for milliseconds in (9_999, 3_490, 3_400, 1_490, 700):
        redis.ask("PEXPIRE", name, milliseconds)
        wait = int((await refused(limiter, access()))[b"retry-after"])
        left = int(redis.ask("PTTL", name).strip(":\r\n"))
        assert left <= wait * 1_000
    redis.ask("DEL", name)
    assert await admitted(limiter, access()) == RateState(1, 0)
    assert 0 < int(redis.ask("PTTL", name).strip(":\r\n")) <= WINDOW * 1_000
    await limiter.close()


async def test_requests_of_a_busy_key_share_round_trips_and_each_has_its_number(redis: RedisServer) -> None:
    async with counting(redis.url) as counts:
        found = await asyncio.gather(*(counts.count("1:1", 1_000) for _ in range(500)))
        assert found == [Counted(number, 0.0) for number in range(1, 501)]
        assert commands(redis, "evalsha") <= 3  # at first Redis does not know the script
        more = await asyncio.gather(*(counts.count("1:1", 510) for _ in range(20)))
        assert [each and each.number for each in more] == list(range(501, 521))
        assert commands(redis, "ttl") <= 2


async def test_many_keys_share_few_connections(redis: RedisServer) -> None:
    async with counting(redis.url) as counts:
        found = await asyncio.gather(*(counts.count(f"1:{key}", 9) for key in range(200) for _ in range(2)))
        assert found == [Counted(number, 0.0) for _ in range(200) for number in (1, 2)]
        clients = redis.ask("CLIENT", "LIST").splitlines()[1:]
        assert len([line for line in clients if line]) <= 16 + 1


async def test_a_socket_in_the_file_system_will_do(redis: RedisServer) -> None:
    async with counting(f"unix://{redis.socket_path}") as counts, counting(redis.url) as others:
        assert await counts.count("1:1", 9) == Counted(1, 0.0)
        assert await others.count("1:1", 9) == Counted(2, 0.0)


async def test_a_cancelled_caller_stops_nobody_else(redis: RedisServer) -> None:
    async with counting(redis.url) as counts:
        first, second, third = (asyncio.create_task(counts.count("1:1", 9)) for _ in range(3))
        await asyncio.sleep(0)
        first.cancel()
        assert [await second, await third] == [Counted(2, 0.0), Counted(3, 0.0)]
        assert await counts.count("1:1", 9) == Counted(4, 0.0)


async def test_connections_that_redis_closed_are_replaced(redis: RedisServer, logged: pytest.LogCaptureFixture) -> None:
    async with counting(redis.url) as counts:
        assert await counts.count("1:1", 9) == Counted(1, 0.0)
        redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        redis.ask("SCRIPT", "FLUSH")
        while redis.ask("CLIENT", "LIST").count(" addr=") > 1:
            pass
        await asyncio.sleep(0)  # lets the loop notice it
        assert await counts.count("1:1", 9) == Counted(2, 0.0)
    assert logged.messages == []


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def impostor(handler: Handler) -> AsyncIterator[str]:
    """Serve something other than Redis; return its address."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    server.close()


async def test_an_outage_costs_one_request_a_second(logged: pytest.LogCaptureFixture) -> None:
    attempts = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.close()

    clock = FakeSeconds()
    async with impostor(hang_up) as address, counting(address, clock) as counts:
        assert await counts.count("1:1", 9) is None
        for expected in (1, 2, 3):
            assert await asyncio.gather(*(counts.count(f"1:{key}", 9) for key in range(5))) == [None] * 5
            assert attempts == expected
            clock.now += 0.99
            assert await counts.count("1:1", 9) is None
            assert attempts == expected
            clock.now += 0.01
    assert logged.messages == [GONE]


async def test_connections_from_before_an_outage_are_not_used_again(redis: RedisServer, patience: Patience) -> None:
    """The address may belong to another machine by now, and the old one may be silent."""
    silent: list[asyncio.Task[None]] = []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        redis_reader, redis_writer = await asyncio.open_connection("127.0.0.1", redis.port)
        silent.append(asyncio.create_task(forward(redis_reader, writer)))
        await forward(reader, redis_writer)
        redis_writer.close()
        writer.close()

    clock = FakeSeconds()
    async with impostor(proxy) as address, counting(address, clock) as counts:
        assert None not in await asyncio.gather(*(counts.count(f"1:{key}", 9) for key in range(9)))
        assert len(silent) == 9
        for task in silent:
            task.cancel()
        patience(0.1)
        assert await counts.count("2:1", 9) is None
        patience(30)
        clock.now += 1
        assert await counts.count("2:2", 9) == Counted(1, 0.0)
        assert None not in await asyncio.gather(*(counts.count(f"1:{key}", 9) for key in range(9)))


async def test_callers_waiting_when_an_outage_begins_are_not_counted_in_redis(
    redis: RedisServer, logged: pytest.LogCaptureFixture
) -> None:
    async with counting(redis.url) as counts:
        first = asyncio.create_task(counts.count("1:1", 9))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # now it is in progress, and the next has to wait
        second = asyncio.create_task(counts.count("1:1", 9))
        await asyncio.sleep(0)
        counts.outage.begin(OSError("another key was not counted"))
        assert [await first, await second] == [Counted(1, 0.0), None]
    assert logged.messages == [GONE]


async def test_the_log_reports_once_that_it_is_gone_and_once_that_it_is_back(
    redis: RedisServer, logged: pytest.LogCaptureFixture
) -> None:
    clock = FakeSeconds()
    async with counting(redis.url, clock) as counts:
        assert await asyncio.gather(*(counts.count(f"1:{key}", 9) for key in range(9))) == [Counted(1, 0.0)] * 9
        redis.kill()
        assert await asyncio.gather(*(counts.count(f"1:{key}", 9) for key in range(9))) == [None] * 9
        assert logged.messages == [GONE]
        with serving_redis(port=redis.port):
            assert await counts.count("1:1", 9) is None, "it is left alone for a while"
            clock.now += 1
            assert await counts.count("1:1", 9) == Counted(1, 0.0)
            assert await counts.count("1:1", 9) == Counted(2, 0.0)
    assert logged.messages == [GONE, BACK]


async def test_a_redis_that_hangs_is_not_waited_for(
    redis: RedisServer, logged: pytest.LogCaptureFixture, patience: Patience
) -> None:
    clock = FakeSeconds()
    async with counting(redis.url, clock) as counts:
        await asyncio.gather(*(counts.count(f"1:{key}", 9) for key in range(9)))
        redis.pause()
        patience(0.1)
        assert await asyncio.gather(*(counts.count(f"1:{key}", 9) for key in range(9))) == [None] * 9
        clock.now += 1
        assert await counts.count("2:1", 9) is None
        redis.resume()
        patience(30)
        clock.now += 1
        assert await counts.count("3:1", 9) == Counted(1, 0.0)
    assert logged.messages == [GONE, BACK]


async def test_a_redis_that_answers_nonsense_is_away(logged: pytest.LogCaptureFixture) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with impostor(answer) as address, counting(address) as counts:
        assert await counts.count("1:1", 9) is None
    assert logged.messages == [GONE]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--requirepass", "another"), "invalid"),
        (("--rename-command", "AUTH", "SESAME"), "unknown command"),  # its error repeats the command
    ],
)
async def test_the_log_holds_the_complaint_and_not_the_password(
    logged: pytest.LogCaptureFixture, options: tuple[str, ...], complaint: str
) -> None:
    async def work(port: int) -> None:
        async with counting(f"redis://:{SECRET}@127.0.0.1:{port}/0") as counts:
            assert await counts.count("1:1", 9) is None

    with serving_redis(*options) as server:
        await work(server.port)
    (record,) = logged.records
    assert complaint in record.__dict__["reason"]
    assert SECRET not in str(record.__dict__)


async def test_a_process_counts_alone_while_redis_is_away() -> None:
    limiter = SharedRateLimiter(f"redis://127.0.0.1:{quiet_port()}/0", RateLimiter(2))
    assert await admitted(limiter, access()) == RateState(2, 1)
    assert await admitted(limiter, access()) == RateState(2, 0)
    assert int((await refused(limiter, access()))[b"retry-after"]) == WINDOW
    await limiter.close()
