"""One attempt: what counts as delivered, what is not waited for, and what is not followed."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, TypeVar

import pytest

from rowen import wiring
from rowen.app.delivery_attempts import AttemptResult, WebhookMessage
from rowen.app.subscriptions import new_secret
from rowen.webhooks.addresses import Address, AllowedHosts
from rowen.webhooks.network import Resolver
from rowen.webhooks.sender import LARGEST_ANSWER, LARGEST_EXCERPT, HttpWebhookSender
from tests.support.programs import quiet_port
from tests.support.receiver import Reply, receiving

Result = TypeVar("Result")
BODY = b'{"action":"ping","payload":{"webhook_id":1}}'
HERE = "127.0.0.1"
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading all certificates takes long
NAME = "hooks.example.test"


def message(url: str) -> WebhookMessage:
    return WebhookMessage(url, "msg_1", BODY, (new_secret(),))


async def here(host: str) -> Sequence[Address]:
    """Resolve every name to this machine."""
    return [IPv4Address(HERE)]


@asynccontextmanager
async def sender(
    *,
    seconds: float = 15.0,
    allow: str = HERE,
    trust: ssl.SSLContext | None = None,
) -> AsyncIterator[HttpWebhookSender]:
    """Return a sender that may send to this machine."""
    post = HttpWebhookSender(AllowedHosts([allow]), here, wiring.now, seconds, lambda: trust or TRUSTS_NOBODY)
    try:
        yield post
    finally:
        await post.aclose()


async def send(
    url: str, *, seconds: float = 15.0, allow: str = HERE, trust: ssl.SSLContext | None = None
) -> AttemptResult:
    async with sender(seconds=seconds, allow=allow, trust=trust) as post:
        return await post.send(message(url))


@pytest.mark.parametrize("status", [200, 201, 202, 204, 400, 404, 410, 429, 500, 503])
async def test_the_status_is_the_outcome(status: int) -> None:
    with receiving(Reply(status, body=b"" if status == 204 else b"fine")) as receiver:
        outcome = await send(f"{receiver.url}?a=1&b=%20")
        (received,) = receiver.received
    assert (outcome.status, outcome.delivered) == (status, status < 300)
    assert outcome.reason == (None if status < 300 else f"answered {status}")
    assert (received.path, received.body) == ("/hook?a=1&b=%20", BODY)
    assert received.headers["host"] == f"{HERE}:{receiver.port}"
    assert received.headers["content-length"] == str(len(BODY))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    with receiving() as target, receiving(Reply(status, {"Location": target.url})) as receiver:
        assert await send(receiver.url) == AttemptResult(status, f"answered {status}")
        assert target.received == []


async def test_a_receiver_that_does_not_answer_is_not_waited_for() -> None:
    with receiving(otherwise=Reply(hangs=True)) as receiver:
        while not receiver.received:  # a busy machine may not even get to send the request in time
            outcome = await send(receiver.url, seconds=0.2)
            assert outcome == AttemptResult(None, "no answer within 0.2 seconds")


async def test_nobody_there() -> None:
    assert await send(f"http://{HERE}:{quiet_port()}/") == AttemptResult(None, "the connection was refused")


@pytest.mark.parametrize(
    "raw",
    [b"", b"\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 banana\r\n\r\n", b"HTTP/1.1 200", b"\x16\x03\x01" * 50],
)
async def test_a_response_that_is_not_http_is_a_failure(raw: bytes) -> None:
    with receiving(Reply(raw=raw)) as receiver:
        outcome = await send(receiver.url)
    assert outcome == AttemptResult(None, "the connection broke off, or the answer was no HTTP")


async def test_a_status_counts_though_the_rest_of_the_answer_does_not_come() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"
    with receiving(Reply(raw=cut)) as receiver:
        assert await send(receiver.url) == AttemptResult(200, excerpt=b"part")


async def test_a_long_answer_is_not_read() -> None:
    with receiving(Reply(200, body=b"x" * (LARGEST_ANSWER * 200)), Reply(200)) as receiver:
        async with sender() as post:
            found = [await post.send(message(receiver.url)) for _ in range(2)]
        assert found == [AttemptResult(200, excerpt=b"x" * LARGEST_EXCERPT), AttemptResult(200)]
        first, second = receiver.received
    assert first.client_port != second.client_port, "its connection is not used again"


async def test_a_connection_is_used_again() -> None:
    with receiving() as receiver:
        async with sender() as post:
            for _ in range(2):
                await post.send(message(receiver.url))
        first, second = receiver.received
    assert first.client_port == second.client_port


async def test_retry_after_is_returned_in_seconds() -> None:
    asked = [{"Retry-After": value} for value in ("120", "soon", "-1", "9" * 10, "Wed, 21 Oct 2026 07:28:00 GMT")]
    with receiving(*(Reply(503, headers) for headers in asked)) as receiver:
        found = [(await send(receiver.url)).retry_after for _ in asked]
    assert found == [120, None, None, None, None]


async def test_a_name_that_nobody_knows() -> None:
    post = HttpWebhookSender(AllowedHosts(), Resolver(), wiring.now)
    assert await post.send(message("http://nobody.invalid/")) == AttemptResult(None, "the host cannot be resolved")


async def test_the_system_resolves_names() -> None:
    resolve = Resolver()
    first, *others = await asyncio.gather(resolve("localhost"), resolve("localhost"))
    others.append(await resolve("localhost"))
    assert first
    assert all(address.is_loopback for address in first)
    assert others == [first, first]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of a certificate for `NAME` and of its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", chain, *subject]
    subprocess.run([openssl, "req", *map(str, made)], check=True, capture_output=True)
    return chain, key


async def test_tls_is_with_the_host_by_name_though_its_address_is_connected_to(certificate: tuple[Path, Path]) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*certificate)
    trust = ssl.create_default_context(cafile=certificate[0])
    other = "other.example.test"
    with receiving(tls=serving) as receiver:
        assert await send(f"https://{NAME}:{receiver.port}/hook", allow=NAME, trust=trust) == AttemptResult(204)
        (received,) = receiver.received
        assert received.headers["host"] == f"{NAME}:{receiver.port}"
        refused = [
            await send(f"https://{other}:{receiver.port}/hook", allow=other, trust=trust),
            await send(f"https://{NAME}:{receiver.port}/hook", allow=NAME),
        ]
        assert refused == [AttemptResult(None, "the certificate is not accepted")] * 2
        assert len(receiver.received) == 1


async def test_names_that_do_not_resolve_delay_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    asked: list[str] = []
    resolve_at_once = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        if host.startswith("dead"):
            released.wait()
            raise socket.gaierror("gave up")
        return resolve_at_once(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolve = Resolver()
    dead = [asyncio.ensure_future(resolve(f"dead-{number % 50}.example")) for number in range(100)]
    assert await resolve("localhost")
    assert not any(each.done() for each in dead)
    dead[0].cancel()
    released.set()
    failures = await asyncio.gather(*dead, return_exceptions=True)
    assert [type(each) for each in failures] == [asyncio.CancelledError, *[OSError] * 99]
    assert len(asked) == 51, "one that is being looked up is not looked up again"
    with pytest.raises(OSError, match="gave up"):
        await resolve("dead-0.example")


async def test_names_that_do_not_resolve_take_a_limited_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    released, begun = threading.Event(), threading.Semaphore(0)
    asked: list[str] = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        begun.release()
        released.wait()
        raise socket.gaierror("gave up")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolve = Resolver(most=8)
    names = [f"dead-{number % 50}.example" for number in range(100)]
    waiting = [asyncio.ensure_future(resolve(name)) for name in names]
    for _ in range(8):
        assert await asyncio.to_thread(begun.acquire, timeout=60)
    assert len(asked) == 8
    assert sum(thread.name == "rowen-resolve" for thread in threading.enumerate()) == 8
    waiting[60].cancel()
    released.set()
    failures = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in failures].count(OSError) == 99
    assert set(asked) == set(names)
