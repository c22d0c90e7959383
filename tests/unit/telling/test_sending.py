"""One try: what counts as delivered, what is not waited for, and what is not followed."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, TypeVar

import pytest

from rowen import wiring
from rowen.app.telling import Letter, Outcome, new_secret
from rowen.telling.addresses import Address, Allowed
from rowen.telling.network import Resolver
from rowen.telling.sending import LARGEST_ANSWER, Post
from tests.support.receiver import Reply, receiving
from tests.support.server import free_port

Result = TypeVar("Result")
BODY = b'{"action":"ping","payload":{"webhook_id":1}}'
HERE = "127.0.0.1"
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading the certificates of the world takes long
NAME = "hooks.example.test"


def letter(url: str) -> Letter:
    return Letter(url, "msg_1", BODY, (new_secret(),))


async def here(host: str) -> Sequence[Address]:
    """Resolve every name to this machine."""
    return [IPv4Address(HERE)]


def with_post(
    use: Callable[[Post], Awaitable[Result]],
    *,
    seconds: float = 15.0,
    allow: str = HERE,
    trust: ssl.SSLContext | None = None,
) -> Result:
    """Use a messenger that may send to this machine."""

    async def whole() -> Result:
        post = Post(Allowed([allow]), here, wiring.now, seconds, lambda: trust or NOBODY)
        try:
            return await use(post)
        finally:
            await post.aclose()

    return asyncio.run(whole())


def send(url: str, *, seconds: float = 15.0, allow: str = HERE, trust: ssl.SSLContext | None = None) -> Outcome:
    return with_post(lambda post: post.send(letter(url)), seconds=seconds, allow=allow, trust=trust)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 400, 404, 410, 429, 500, 503])
def test_the_status_is_the_outcome(status: int) -> None:
    with receiving(Reply(status, body=b"" if status == 204 else b"fine")) as receiver:
        outcome = send(f"{receiver.url}?a=1&b=%20")
        (received,) = receiver.received
    assert (outcome.status, outcome.delivered) == (status, status < 300)
    assert outcome.reason == (None if status < 300 else f"answered {status}")
    assert (received.path, received.body) == ("/hook?a=1&b=%20", BODY)
    assert received.headers["host"] == f"{HERE}:{receiver.port}"
    assert received.headers["content-length"] == str(len(BODY))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with receiving() as target, receiving(Reply(status, {"Location": target.url})) as receiver:
        assert send(receiver.url) == Outcome(status)
        assert target.received == []


def test_a_receiver_that_does_not_answer_is_not_waited_for() -> None:
    with receiving(otherwise=Reply(hangs=True)) as receiver:
        outcome = send(receiver.url, seconds=0.2)
        assert outcome == Outcome(None, "no answer within 0.2 seconds")
        assert len(receiver.received) == 1


def test_nobody_there() -> None:
    assert send(f"http://{HERE}:{free_port()}/") == Outcome(None, "the connection was refused")


@pytest.mark.parametrize(
    "raw",
    [b"", b"\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 banana\r\n\r\n", b"HTTP/1.1 200", b"\x16\x03\x01" * 50],
)
def test_what_is_no_http_is_no_answer(raw: bytes) -> None:
    with receiving(Reply(raw=raw)) as receiver:
        outcome = send(receiver.url)
    assert outcome == Outcome(None, "the connection broke off, or the answer was no HTTP")


def test_a_status_counts_though_the_rest_of_the_answer_does_not_come() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"
    with receiving(Reply(raw=cut)) as receiver:
        assert send(receiver.url) == Outcome(200)


def test_a_long_answer_is_not_read() -> None:
    with receiving(Reply(200, body=b"x" * (LARGEST_ANSWER * 200)), Reply(200)) as receiver:

        async def twice(post: Post) -> list[Outcome]:
            return [await post.send(letter(receiver.url)) for _ in range(2)]

        assert with_post(twice) == [Outcome(200), Outcome(200)]
        first, second = receiver.received
    assert first.client_port != second.client_port, "its connection is not used again"


def test_a_connection_is_used_again() -> None:
    with receiving() as receiver:

        async def twice(post: Post) -> None:
            for _ in range(2):
                await post.send(letter(receiver.url))

        with_post(twice)
        first, second = receiver.received
    assert first.client_port == second.client_port


def test_how_long_a_receiver_wants_to_be_left_in_peace() -> None:
    asked = [{"Retry-After": value} for value in ("120", "soon", "-1", "9" * 10, "Wed, 21 Oct 2026 07:28:00 GMT")]
    with receiving(*(Reply(503, headers) for headers in asked)) as receiver:
        found = [send(receiver.url).retry_after for _ in asked]
    assert found == [120, None, None, None, None]


def test_a_name_that_nobody_knows() -> None:
    async def whole() -> Outcome:
        post = Post(Allowed(), Resolver(), wiring.now)
        return await post.send(letter("http://nobody.invalid/"))

    assert asyncio.run(whole()) == Outcome(None, "the host cannot be resolved")


def test_the_system_resolves_names() -> None:
    async def twice() -> list[Sequence[Address]]:
        resolve = Resolver()
        both = await asyncio.gather(resolve("localhost"), resolve("localhost"))
        return [*both, await resolve("localhost")]

    first, *others = asyncio.run(twice())
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


def test_tls_is_with_the_host_by_name_though_its_address_is_connected_to(certificate: tuple[Path, Path]) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*certificate)
    trust = ssl.create_default_context(cafile=certificate[0])
    other = "other.example.test"
    with receiving(tls=serving) as receiver:
        assert send(f"https://{NAME}:{receiver.port}/hook", allow=NAME, trust=trust) == Outcome(204)
        (received,) = receiver.received
        assert received.headers["host"] == f"{NAME}:{receiver.port}"
        refused = [
            send(f"https://{other}:{receiver.port}/hook", allow=other, trust=trust),
            send(f"https://{NAME}:{receiver.port}/hook", allow=NAME),
        ]
        assert refused == [Outcome(None, "the certificate is not accepted")] * 2
        assert len(receiver.received) == 1


def test_names_that_do_not_resolve_delay_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    asked: list[str] = []
    resolve_at_once = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        if host.startswith("dead"):
            released.wait()
            raise socket.gaierror("gave up")
        return resolve_at_once(host, *arguments, **options)

    async def whole() -> None:
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

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    asyncio.run(whole())
