"""Receivers that send without end, or nothing: each attempt is cut off, and the event loop is never blocked."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h11
import pytest

from rowen import wiring
from rowen.app.deliveries import DeliveryState
from rowen.app.delivery_attempts import AttemptResult, WebhookMessage
from rowen.app.subscriptions import new_secret
from rowen.webhooks.addresses import AllowedHosts
from rowen.webhooks.network import Resolver
from rowen.webhooks.sender import EXCESSIVE, LARGEST_EXCERPT, HttpWebhookSender
from tests.support.hostile_receiver import Attack, attacking, for_ever
from tests.support.receiver import Reply, receiving
from tests.support.webhook_harness import TRUSTS_NOBODY, event, webhook_harness

pytestmark = pytest.mark.slow

HERE = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MOST_EVENTS = 300
"""How many parts of a response may be parsed before other tasks run: a few milliseconds."""
TAKEN = 8 * 1024 * 1024
"""How much of a response the kernel may buffer on both sides, although nobody reads it."""

EXCESSIVE_ANSWERS: dict[str, Attack] = {
    "100 Continue for ever": for_ever(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    "100 Continue for ever, one at a time": for_ever(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints for ever": for_ever(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" * 100),
    "bare line feeds": for_ever(b"HTTP/1.1 102 P\n\n" * 1_000),
    "a header without an end": for_ever(b"x" * 65_536, OK + b"X-Long: "),
    "headers without an end": for_ever(b"X-More: 1\r\n" * 1_000, OK),
    "one byte at a time": for_ever(b"x", OK + b"X-Slow: "),
    "a reason without an end": for_ever(b"x" * 65_536, b"HTTP/1.1 200 "),
    "interim answers with headers without an end": for_ever(b"X-More: 1\r\n" * 1_000, b"HTTP/1.1 103 Hints\r\n"),
}
ANSWERS_WITHOUT_END: dict[str, Attack] = {
    "a body without an end": for_ever(b"x" * 65_536, OK + b"Content-Length: 99999999999999\r\n\r\n"),
    "a body until the connection closes": for_ever(b"x" * 65_536, OK + b"\r\n"),
    "a body of one byte at a time": for_ever(b"x", OK + b"\r\n"),
    "chunks of one byte": for_ever(b"1\r\nx\r\n" * 10_000, CHUNKED),
    "a chunk extension without an end": for_ever(b"x" * 65_536, CHUNKED + b"1;"),
    "a chunk size without an end": for_ever(b"0" * 65_536, CHUNKED),
    "chunks with long extensions": for_ever((b"1;" + b"x" * 500 + b"\r\nx\r\n") * 100, CHUNKED),
    "trailers without an end": for_ever(b"X-More: 1\r\n" * 1_000, CHUNKED + b"0\r\n"),
}


@dataclass
class Turns:
    """How many parts of responses were parsed in each turn of the event loop."""

    events: list[int] = field(default_factory=lambda: [0])

    async def count(self) -> None:
        """Count each turn, for ever."""
        while True:
            await asyncio.sleep(0)
            self.events.append(0)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """Return the counts of what is parsed."""
    counted = Turns()
    parse = h11.Connection.next_event

    def next_event(self: h11.Connection) -> Any:
        counted.events[-1] += 1
        return parse(self)

    monkeypatch.setattr(h11.Connection, "next_event", next_event)
    return counted


def message(url: str) -> WebhookMessage:
    return WebhookMessage(url, "msg_1", b"{}", (new_secret(),))


async def sent(url: str, seconds: float = 60.0) -> AttemptResult:
    post = HttpWebhookSender(AllowedHosts([HERE]), Resolver(), wiring.now, seconds, lambda: TRUSTS_NOBODY)
    try:
        return await post.send(message(url))
    finally:
        await post.aclose()


async def send_counted(url: str, turns: Turns) -> AttemptResult:
    """Send, and count what is parsed in each turn of the loop."""
    counting = asyncio.create_task(turns.count())
    try:
        return await sent(url)
    finally:
        counting.cancel()


@pytest.mark.parametrize("attack", EXCESSIVE_ANSWERS)
async def test_data_before_the_status_is_limited(attack: str, turns: Turns) -> None:
    with attacking(EXCESSIVE_ANSWERS[attack]) as receiver:
        assert await send_counted(receiver.url, turns) == AttemptResult(None, EXCESSIVE)
        (taken,) = receiver.wait_until_cut(1)
    assert max(turns.events) <= MOST_EVENTS
    assert taken <= TAKEN


@pytest.mark.parametrize("attack", ANSWERS_WITHOUT_END)
async def test_of_a_body_without_end_the_beginning_is_read(attack: str, turns: Turns) -> None:
    with attacking(ANSWERS_WITHOUT_END[attack]) as receiver:
        outcome = await send_counted(receiver.url, turns)
        (taken,) = receiver.wait_until_cut(1)
    assert (outcome.status, outcome.reason) == (200, None)
    assert len(outcome.excerpt) <= LARGEST_EXCERPT
    assert max(turns.events) <= MOST_EVENTS
    assert taken <= TAKEN


async def test_interim_responses_with_bodies_are_not_http(turns: Turns) -> None:
    attack = for_ever(b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello" * 1_000)
    with attacking(attack) as receiver:
        outcome = await send_counted(receiver.url, turns)
        receiver.wait_until_cut(1)
    assert outcome == AttemptResult(None, EXCESSIVE)
    assert max(turns.events) <= MOST_EVENTS


async def test_a_few_interim_answers_are_fine() -> None:
    hints = b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3
    body = b"HTTP/1.1 100 Continue\r\n\r\n" * 50  # a body may contain anything
    final = b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n" % len(body)
    with receiving(Reply(raw=hints + final + body)) as receiver:
        outcome = await sent(receiver.url)
    assert (outcome.status, outcome.excerpt) == (202, body[:LARGEST_EXCERPT])


async def test_the_limits_are_of_each_answer_and_not_of_a_connection() -> None:
    async def work(url: str) -> list[int | None]:
        post = HttpWebhookSender(AllowedHosts([HERE]), Resolver(), wiring.now, trust=lambda: TRUSTS_NOBODY)
        try:
            return [(await post.send(message(url))).status for _ in range(100)]
        finally:
            await post.aclose()

    with receiving(otherwise=Reply(200, {f"X-{number}": "x" * 100 for number in range(90)}, b"y" * 3_000)) as receiver:
        assert await work(receiver.url) == [200] * 100
        assert len({each.client_port for each in receiver.received}) == 1


HANDSHAKES: dict[str, Attack] = {
    "alerts": for_ever(b"\x15\x03\x03\x00\x02\x01\x00" * 5_000),
    "empty records": for_ever(b"\x16\x03\x03\x00\x00" * 5_000),
    "a message without an end": for_ever(b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" + b"\x00" * 16_380),
    "one byte at a time": for_ever(b"\x00", b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"),
    "another program": for_ever(b"SSH-2.0-OpenSSH_9.6\r\n"),
}


@pytest.mark.parametrize("attack", HANDSHAKES)
async def test_a_handshake_without_end_is_cut_off(attack: str) -> None:
    with attacking(HANDSHAKES[attack]) as receiver:
        outcome = await sent(f"https://{HERE}:{receiver.port}/")
        receiver.wait_until_cut(1)
    assert outcome == AttemptResult(None, "the TLS handshake failed")


def descriptors() -> int:
    """Return how many files and sockets this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_silent_receiver_is_disconnected(scheme: str) -> None:
    """The sender closes its end: otherwise each attempt would cost a descriptor for as long as the receiver likes."""
    before = descriptors()

    async def work(port: int) -> set[AttemptResult]:
        url = f"{scheme}://{HERE}:{port}/"
        post = HttpWebhookSender(AllowedHosts([HERE]), Resolver(), wiring.now, 0.5, lambda: TRUSTS_NOBODY)
        try:
            return set(await asyncio.gather(*(post.send(message(url)) for _ in range(20))))
        finally:
            receiver.wait_until_cut(20)
            await post.aclose()

    with attacking(for_ever(b""), mute=True) as receiver:
        assert await work(receiver.port) == {AttemptResult(None, "no answer within 0.5 seconds")}
    assert descriptors() <= before


async def test_hostile_receivers_delay_nobody(database: str, turns: Turns) -> None:
    async with webhook_harness(database) as here:
        attack = EXCESSIVE_ANSWERS["100 Continue for ever"]
        with attacking(attack) as hostile, receiving() as receiver:
            others = [await here.add(hostile.url) for _ in range(20)]
            webhook = await here.add(receiver.url)
            counting = asyncio.create_task(turns.count())
            here.start()
            for number in range(10):
                await here.enqueue(event(number))
            await here.settled(webhook.id)
            for other in others:
                first = (await here.tried(other.id, 1))[0]
                assert (first.state, first.last_error) == (DeliveryState.PENDING, EXCESSIVE)
            counting.cancel()
        assert [each.json["payload"]["interview"]["id"] for each in receiver.received] == list(range(10))
    assert max(turns.events) <= MOST_EVENTS
