"""The parts of the edge, each by its table of cases."""

import gzip
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from rowen import logs
from rowen.http import metrics
from rowen.http.addresses import is_loopback, joined_headers, origin, scheme
from rowen.http.compression import accepts_gzip, compress
from rowen.http.rate_limit import UNLIMITED, WINDOW, RateLimiter
from rowen.http.responses import RateState, RequestContext, attach
from tests.support.harness import FakeSeconds
from tests.support.identities import access


def scope(headers: list[tuple[bytes, bytes]] | None = None, **changes: Any) -> dict[str, Any]:
    made = {"type": "http", "scheme": "http", "server": ("10.0.0.1", 8000), "headers": headers or [], **changes}
    attach(made, RequestContext("id", joined_headers(made), RateState(1, 1)))
    return made


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (b"gzip", True),
        (b"GZIP", True),
        (b"x-gzip", True),
        (b"gzip, deflate, br", True),
        (b"br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        (b"*", True),
        (b"gzip ; q=0.001", True),
        (b"", False),
        (b"identity", False),
        (b"br", False),
        (b"gzip;q=0", False),
        (b"gzip;q=0.000, *", False),
        (b"*;q=0", False),
        (b"gzip;q=nonsense", False),
        (b"gzip;q=nan", False),
        (b"\xff\xfe;q=\xff", False),
        (b",,;;==", False),
    ],
)
def test_gzip_is_sent_to_clients_that_accept_it(header: bytes, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_a_body_that_fits_a_packet_is_not_compressed() -> None:
    assert compress(b"x" * 1_399) is None
    body = b"x" * 10_000
    compressed = compress(body)
    assert compressed is not None
    assert len(compressed) < 200
    assert gzip.decompress(compressed) == body
    assert compress(body) == compressed, "the same bytes at any time"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (b"rowen.example", "http://rowen.example"),
        (b"rowen.example:8080", "http://rowen.example:8080"),
        (b"[::1]:8000", "http://[::1]:8000"),
        (b"[2001:db8::1]", "http://[2001:db8::1]"),
        *(
            (host, "http://10.0.0.1:8000")
            for host in (
                b"",
                b"a b",
                b"a,b",
                b'a>; rel="next"',
                b"a/../b",
                b"a@b",
                b"a:b",
                b"a:999999",
                b"a\r\nx: y",
                b"[::1",
                b"\xc3\xa9",
                b"a?b",
                b"a#b",
                b"a\n",
            )
        ),
    ],
)
def test_links_contain_the_requested_host_if_it_is_valid(host: bytes, expected: str) -> None:
    asked = scope([(b"host", host)])
    assert origin(asked, dict(asked["headers"])) == expected


@pytest.mark.parametrize(
    ("server", "expected"),
    [(("::1", 8000), "http://[::1]:8000"), (None, "http://127.0.0.1"), (("10.0.0.1", None), "http://10.0.0.1")],
)
def test_without_a_host_our_own_address_serves(server: tuple[str, int | None] | None, expected: str) -> None:
    assert origin(scope(server=server), {}) == expected


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (b"https", "https"),
        (b"HTTPS , http", "https"),
        (b"http", "http"),
        (b"ftp", "http"),
        (b"", "http"),
        (b"\xff", "http"),
    ],
)
def test_a_proxy_reports_the_scheme(forwarded: bytes, expected: str) -> None:
    headers: Mapping[bytes, bytes] = {b"x-forwarded-proto": forwarded}
    assert scheme(scope(), headers) == expected


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (("127.0.0.1", 1), True),
        (("127.8.8.8", 1), True),
        (("::1", 1), True),
        (("::ffff:127.0.0.1", 1), True),
        (("10.0.0.1", 1), False),
        (("::ffff:10.0.0.1", 1), False),
        (None, False),
    ],
)
def test_a_request_from_this_machine_is_recognized(client: tuple[str, int] | None, expected: bool) -> None:
    assert is_loopback(scope(client=client)) is expected


def test_a_key_may_ask_so_often_in_a_window() -> None:
    clock = FakeSeconds(1_000.25)
    limiter = RateLimiter(2, clock)
    assert limiter.shown == 2
    assert [limiter.count(access()) for _ in range(3)] == [RateState(2, 1), RateState(2, 0), None]
    state, headers = limiter.refused(access())
    assert state == RateState(2, 0)
    assert dict(headers) == {b"retry-after": b"10", b"x-ratelimit-reset": b"1011"}
    assert limiter.count(access(key_id=2)) == RateState(2, 1), "another key has its own"
    clock.now += WINDOW - 0.5
    assert limiter.count(access()) is None
    assert dict(limiter.refused(access())[1])[b"retry-after"] == b"1"
    clock.now += 0.5
    assert limiter.count(access()) == RateState(2, 1)


def test_a_key_has_its_own_limit_or_none() -> None:
    limiter = RateLimiter(2, FakeSeconds())
    assert [limiter.count(access(rate_limit=1)) for _ in range(2)] == [RateState(1, 0), None]
    assert [limiter.count(access(2, rate_limit=0)) for _ in range(9)] == [RateState(UNLIMITED, UNLIMITED)] * 9
    assert RateLimiter(0, FakeSeconds()).shown == UNLIMITED
    assert RateLimiter(0, FakeSeconds()).count(access(rate_limit=3)) == RateState(3, 2)


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    clock = FakeSeconds()
    limiter = RateLimiter(1, clock)
    limiter.count(access())
    clock.now -= 3_600
    assert limiter.count(access()) == RateState(1, 0)


def test_past_windows_are_forgotten() -> None:
    clock = FakeSeconds()
    limiter = RateLimiter(1, clock)
    for key_id in range(10_000):
        limiter.count(access(key_id))
    clock.now += WINDOW
    limiter.count(access(10_001))
    assert limiter.windows == 1


def test_clients_cannot_make_metrics_grow() -> None:
    def size() -> int:
        return len(metrics.exposition().splitlines())

    context = RequestContext("id", {}, RateState(1, 1), route="/v1/x", status=405)
    metrics.observe(context, "FIRST", 0.1)
    before = size()
    for number in range(500):
        metrics.observe(context, f"METHOD{number}", 0.1)
    assert size() == before
    assert b'method="other"' in metrics.exposition()
    assert b"METHOD1" not in metrics.exposition()


@pytest.mark.parametrize("name", ["authorization", "Authorization", "api_key", "the_password", "client_secret"])
def test_logs_hide_what_is_secret(name: str) -> None:
    hidden = logs.hide_secrets(logging.getLogger(), "info", {"event": "x", name: "hunter2", "key": "etl"})
    assert hidden == {"event": "x", name: "[hidden]", "key": "etl"}
