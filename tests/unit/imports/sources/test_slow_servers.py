"""A server that sends too slowly is given up: byte by byte, in its headers, body or event stream, and in total."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count
from typing import Final

import pytest

from rowen.client.change_feed import ServerFeed
from rowen.imports.errors import ServerUnavailableError
from rowen.imports.sources import throughput
from rowen.imports.sources.http_client import TransferLimits
from rowen.imports.sources.retries import RetryPolicy
from rowen.imports.sources.server import ServerSource
from tests.support.hostile_server import SECONDS, head, hostile, trickle

pytestmark = pytest.mark.slow

LIMITS: Final = TransferLimits(silent_seconds=20, window_seconds=0.3, window_bytes=10_000, total_seconds=60)
STREAM: Final = "Content-Type: text/event-stream"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def retry_policy() -> RetryPolicy:
    return RetryPolicy(attempts=4, connection_attempts=2, sleep=lambda _: None)


def body(*headers: str, chunks: Callable[[], Iterable[bytes]]) -> Callable[[str], Iterable[bytes]]:
    return lambda _: chain([head(*headers)], chunks())


TRICKLES: Final = {
    "a body": body(chunks=lambda: trickle(b" ")),
    "a body in chunks": body("Transfer-Encoding: chunked", chunks=lambda: trickle(b"1\r\n \r\n")),
    "a status line": lambda _: chain([b"HTTP/1.1 200 "], trickle(b"x")),
    "a header": lambda _: chain([b"HTTP/1.1 200 OK\r\nA: "], trickle(b"x")),
    "interim responses": lambda _: trickle(b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("trickled", TRICKLES)
def test_a_source_that_sends_a_byte_at_a_time_is_left(trickled: str, retry_policy: RetryPolicy) -> None:
    with hostile(TRICKLES[trickled]) as server:
        source = ServerSource(f"{server.url}/v1/scheduled_interviews", retry_policy=retry_policy, limits=LIMITS)
        with pytest.raises(
            ServerUnavailableError, match=r"too slow: it sent [\d,]+ bytes in 0\.3 seconds, and 10,000 are"
        ):
            list(source.batches())
        assert server.left.wait(SECONDS)
        assert len(server.requests) == retry_policy.connection_attempts


def test_a_source_that_is_never_complete_is_left(retry_policy: RetryPolicy) -> None:
    limits = TransferLimits(silent_seconds=20, window_seconds=20, window_bytes=10, total_seconds=0.5)
    with hostile(body(chunks=lambda: trickle(b" " * 100))) as server:
        source = ServerSource(f"{server.url}/v1/scheduled_interviews", retry_policy=retry_policy, limits=limits)
        with pytest.raises(ServerUnavailableError, match=r"too slow: its answer was not complete after 0\.5 seconds"):
            list(source.batches())


def test_a_source_that_is_slow_enough_is_read(retry_policy: RetryPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock in which each wait for a byte takes eight seconds."""
    limits = TransferLimits(silent_seconds=20, window_seconds=20, window_bytes=1, total_seconds=6_000)
    monkeypatch.setattr(throughput, "monotonic", count(0, 8).__next__)

    def slowly() -> Iterator[bytes]:
        blocks = trickle(b" ", 0.02)
        yield b'[{"id":1}'
        yield from (next(blocks) for _ in range(20))
        yield b"]"

    with hostile(body(chunks=slowly)) as server:
        (batch,) = ServerSource(server.url, retry_policy=retry_policy, limits=limits).batches()
    assert len(batch) == 2


STREAMS: Final = {
    "a comment": b":",
    "a field": b"x",
    "the lines of an event": b"data: {}\n",
}


@pytest.mark.parametrize("trickled", STREAMS)
def test_a_feed_that_sends_a_byte_at_a_time_is_left(trickled: str, retry_policy: RetryPolicy) -> None:
    with hostile(body(STREAM, chunks=lambda: trickle(STREAMS[trickled]))) as server:
        feed = ServerFeed(server.url, "key", retry_policy, LIMITS)
        with pytest.raises(ServerUnavailableError, match="the server is too slow"):
            list(feed.entries(7))


def test_a_feed_may_be_silent_but_for_heartbeats(retry_policy: RetryPolicy) -> None:
    limits = TransferLimits(silent_seconds=20, window_seconds=0.1, window_bytes=10_000, total_seconds=0.1)

    def quietly() -> Iterator[bytes]:
        beats = trickle(b": still here\n\n", 0.02)
        yield from (next(beats) for _ in range(20))
        yield b"id: 8\ndata: {}\n\n"

    with hostile(body(STREAM, chunks=quietly)) as server:
        assert next(ServerFeed(server.url, "key", retry_policy, limits).entries(7)) == b"{}"


def test_a_slow_consumer_of_entries_may_take_its_time(retry_policy: RetryPolicy) -> None:
    """Only waiting for the server counts: here it has sent everything that it will, and half an event more."""
    limits = TransferLimits(silent_seconds=20, window_seconds=0.2, window_bytes=10_000, total_seconds=0.1)
    pause = trickle(b"", 0.5)
    chunks = [b"id: 8\ndata: {}\n\nid: 9\nda", b"ta: []\n\n"]
    with hostile(body(STREAM, chunks=lambda: chunks)) as server:
        entries = ServerFeed(server.url, "key", retry_policy, limits).entries(7)
        assert next(entries) == b"{}"
        next(pause), next(pause)
        assert next(entries) == b"[]"
