"""How often a key may call if several servers count together (contract section 3)."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.command import rowen
from tests.support.processes import script
from tests.support.programs import quiet_port
from tests.support.redis import serving_redis
from tests.support.served_schedule import HOME, make_key
from tests.support.server import Server, basic, serving

pytestmark = pytest.mark.slow

LIST: Final = "/v1/scheduled_interviews?per_page=1"
GONE: Final = "rate limits not shared"
BACK: Final = "rate limits shared again"
PASSWORD: Final = "p4ss-of-the-store"

PATIENT: Final = script("""
import multiprocessing

multiprocessing.set_start_method("fork")
from rowen.http import shared_rate_limit

shared_rate_limit.TIMEOUT_SECONDS = 30
from rowen.cli.main import main

main()
""")
"""`rowen` that waits for Redis as long as a busy machine requires: for tests with exact counts."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Return a stack that ends the servers of a test."""
    with ExitStack() as made:
        yield made


def answers(servers: list[Server], key: str, each: int) -> list[httpx.Response]:
    """Call every server this many times, all at once, each time over a new connection."""

    def call(server: Server) -> httpx.Response:
        # Loading the system's certificates each time would take longer than the window, on a slow machine.
        return httpx.get(server.url + LIST, headers=basic(key), timeout=60, verify=False)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, servers * each))


def assert_one_limit(found: list[httpx.Response], limit: int) -> None:
    """Check that a limit was counted once, whichever server counted."""
    assert Counter(answer.status_code for answer in found) == {200: limit, 429: len(found) - limit}
    admitted = [answer for answer in found if answer.status_code == 200]
    remaining = sorted(int(answer.headers["x-ratelimit-remaining"]) for answer in admitted)
    assert remaining == list(range(limit))
    for answer in found:
        assert answer.headers["x-ratelimit-limit"] == str(limit)
        if answer.status_code == 429:
            assert answer.content == b'{"message":"Rate limit exceeded"}'
            assert answer.headers["x-ratelimit-remaining"] == "0"
            assert 1 <= int(answer.headers["retry-after"]) <= 10
            assert int(answer.headers["x-ratelimit-reset"]) > 0


def calling_until(event: str, server: Server, key: str) -> set[int]:
    """Call a server until its log contains an event; return the statuses on the way."""
    statuses = set()
    with server.client(key) as client:
        while not count_logged(server, event):
            statuses.add(client.get(LIST).status_code)
    return statuses


def count_logged(server: Server, event: str) -> int:
    """Return how often a server's log contains an event."""
    return sum(f'"event": "{event}"' in line for line in server.log)


def test_servers_and_workers_share_one_limit_exactly(database: str, stack: ExitStack) -> None:
    key, other = (make_key(database, HOME, name, rate_limit=25) for name in ("limited", "other"))
    redis = stack.enter_context(serving_redis())
    options = ["--rate-limit-store", redis.url]
    servers = [
        stack.enter_context(serving(database, each, command=PATIENT)) for each in (options, [*options, "--workers=2"])
    ]
    assert_one_limit(answers(servers, key, 20), 25)
    assert_one_limit(answers(servers, other, 20), 25)
    assert [count_logged(server, GONE) for server in servers] == [0, 0]


def test_keys_without_limit_are_not_counted_together_either(database: str, stack: ExitStack) -> None:
    key = make_key(database, HOME, "unlimited", rate_limit=0)
    redis = stack.enter_context(serving_redis())
    server = stack.enter_context(serving(database, ["--rate-limit-store", redis.url]))
    assert {answer.status_code for answer in answers([server], key, 10)} == {200}
    assert redis.ask("DBSIZE") == ":0\r\n"


def test_requests_go_on_while_redis_is_gone(database: str, stack: ExitStack) -> None:
    key, after = (make_key(database, HOME, name, rate_limit=limit) for name, limit in (("one", 100_000), ("two", 6)))
    first = stack.enter_context(serving_redis())
    options = ["--rate-limit-store", first.url]
    servers = [stack.enter_context(serving(database, options, command=command)) for command in (PATIENT, PATIENT)]
    assert {answer.status_code for answer in answers(servers, key, 5)} == {200}
    first.kill()
    for server in servers:
        assert calling_until(GONE, server, key) <= {200}
    assert {answer.status_code for answer in answers(servers, key, 20)} == {200}
    stack.enter_context(serving_redis(port=first.port))
    for server in servers:
        assert calling_until(BACK, server, key) <= {200}
    assert_one_limit(answers(servers, after, 6), 6)
    assert [(count_logged(server, GONE), count_logged(server, BACK)) for server in servers] == [(1, 1), (1, 1)]


def test_a_redis_that_hangs_stops_nobody(database: str, stack: ExitStack) -> None:
    key = make_key(database, HOME, "own", rate_limit=100_000)
    redis = stack.enter_context(serving_redis())
    server = stack.enter_context(serving(database, ["--rate-limit-store", redis.url]))
    assert {answer.status_code for answer in answers([server], key, 10)} == {200}
    redis.pause()
    assert calling_until(GONE, server, key) == {200}
    assert {answer.status_code for answer in answers([server], key, 20)} == {200}
    redis.resume()
    assert calling_until(BACK, server, key) == {200}
    assert server.stop() == 0


def test_an_unreachable_store_is_reported_and_each_server_counts_alone(database: str, stack: ExitStack) -> None:
    key = make_key(database, HOME, "limited", rate_limit=3)
    store = f"redis://counter:{PASSWORD}@127.0.0.1:{quiet_port()}/0"
    server = stack.enter_context(serving(database, extra_environment={"ROWEN_RATE_LIMIT_STORE": store}))
    with server.client(key) as client:
        assert [client.get(LIST).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert server.stop() == 0
    assert count_logged(server, GONE) == 1
    assert PASSWORD not in "".join(server.log)


@pytest.mark.parametrize("address", [f"http://:{PASSWORD}@127.0.0.1:6379", f"redis://:{PASSWORD}/@127.0.0.1:6379/0"])
def test_an_invalid_address_is_refused_at_the_start(tmp_path: Path, address: str) -> None:
    done = rowen("serve", "--rate-limit-store", address, cwd=tmp_path, status=2)
    assert "--rate-limit-store" in done.stderr
    assert PASSWORD not in done.stderr
    assert not list(tmp_path.iterdir())
