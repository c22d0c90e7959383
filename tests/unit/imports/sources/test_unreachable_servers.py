"""An error that waiting cannot fix fails at once, with advice; others are tried again a few times."""

import socket
import ssl
from pathlib import Path
from typing import Final

import pytest

from rowen.client.change_feed import ServerFeed
from rowen.imports.errors import ServerResponseError, ServerUnavailableError, SourceAddressError, SourceError
from rowen.imports.sources.retries import RetryPolicy
from rowen.imports.sources.server import ServerSource
from tests.support.certificates import new_pair
from tests.support.hostile_server import head, hostile

KEY: Final = "s3cret-key-of-ours"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def retry_policy(waits: list[float]) -> RetryPolicy:
    return RetryPolicy(sleep=waits.append)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the files of an untrusted certificate for `localhost`, and of its key."""
    pair = new_pair(tmp_path_factory.mktemp("tls"), "server", addresses="DNS:localhost")
    return pair.certificate, pair.key


def answering(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def failures(origin: str, retry_policy: RetryPolicy) -> list[str]:
    """Return the errors of an import and of `rowen follow`, neither of which may contain the key."""
    scheme, _, host = origin.partition("://")
    found = []
    with pytest.raises(SourceError) as raised:
        list(ServerSource(f"{scheme}://{KEY}:@{host}/v1/scheduled_interviews", retry_policy=retry_policy).batches())
    found.append(str(raised.value))
    with pytest.raises(SourceError) as raised:
        list(ServerFeed(origin, KEY, retry_policy).entries(None))
    found.append(str(raised.value))
    assert not any(KEY in text for text in found)
    return found


def test_a_certificate_that_is_not_trusted_fails_at_once(
    certificate: tuple[Path, Path], retry_policy: RetryPolicy, waits: list[float]
) -> None:
    with hostile(lambda _: [], tls=answering(certificate)) as server:
        for text in failures(f"https://localhost:{server.port}", retry_policy):
            assert "the certificate of localhost is not accepted: self-signed certificate; check the host name" in text
            assert "SSL_CERT_FILE" in text
    assert waits == []


def test_a_certificate_for_another_host_fails_at_once(
    certificate: tuple[Path, Path], retry_policy: RetryPolicy, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with hostile(lambda _: [], tls=answering(certificate)) as server:
        for text in failures(f"https://127.0.0.1:{server.port}", retry_policy):
            assert "the certificate of 127.0.0.1 is not accepted: IP address mismatch" in text
    assert waits == []


def test_a_private_authority_can_be_named(
    certificate: tuple[Path, Path], retry_policy: RetryPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with hostile(lambda _: [head("Content-Length: 2"), b"[]"], tls=answering(certificate)) as server:
        assert len(list(ServerSource(f"https://localhost:{server.port}", retry_policy=retry_policy).batches())) == 1


def test_https_to_a_port_without_tls_fails_at_once(retry_policy: RetryPolicy, waits: list[float]) -> None:
    with hostile(lambda _: []) as server:
        port = server.port
        # A TLS hello has no blank line: this makes the server respond at once.
        server.RequestHandlerClass = _BadRequest  # type: ignore[assignment]
        for text in failures(f"https://127.0.0.1:{port}", retry_policy):
            assert f"no TLS connection to 127.0.0.1:{port}: " in text
            assert "check that the server speaks HTTPS on this port" in text
    assert waits == []


class _BadRequest:
    def __init__(self, request: socket.socket, *_: object) -> None:
        request.recv(65_536)
        request.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def test_http_to_a_port_with_tls_fails_at_once(retry_policy: RetryPolicy, waits: list[float]) -> None:
    def alert(_: str) -> list[bytes]:
        return [b"\x15\x03\x03\x00\x02\x02\x46\r\n\r\n"]

    with hostile(alert) as server, pytest.raises(ServerResponseError, match="whether it is http:// or https://"):
        list(ServerSource(server.url, retry_policy=retry_policy).batches())
    assert waits == []


@pytest.mark.parametrize("host", ["nosuch.invalid", "x" * 70 + ".example"])
def test_an_unknown_host_fails_at_once(
    host: str, retry_policy: RetryPolicy, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def answer(name: str, *rest: object, **options: object) -> object:
        if name == "nosuch.invalid":  # without a network, the error would be another
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(name, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    for text in failures(f"http://{host}", retry_policy):
        assert f"the host {host} is not known; check its spelling in the address" in text
    assert waits == []


def test_a_name_server_that_is_away_is_tried_a_few_times(
    retry_policy: RetryPolicy, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    for text in failures("http://harvest.example.com", retry_policy):
        assert "the name of harvest.example.com cannot be looked up at present; gave up after 3 attempts" in text
    assert len(waits) == 4


def test_a_refused_connection_is_tried_a_few_times(retry_policy: RetryPolicy, waits: list[float]) -> None:
    with hostile(lambda _: []) as gone:
        port = gone.port
    for text in failures(f"http://127.0.0.1:{port}", retry_policy):
        assert f"cannot connect to 127.0.0.1:{port}: Connection refused; gave up after 3 attempts" in text
    assert len(waits) == 4


def test_a_server_that_has_answered_before_is_waited_for_longer(retry_policy: RetryPolicy, waits: list[float]) -> None:
    with hostile(lambda _: [head("Content-Length: 2", 'Link: </?page=2>; rel="next"'), b"[]"]) as server:
        batches = ServerSource(server.url, retry_policy=retry_policy).batches()
        next(batches)
    with pytest.raises(ServerUnavailableError, match="Connection refused; gave up after 7 attempts"):
        next(batches)
    assert len(waits) == 6


def test_a_key_that_the_server_repeats_is_kept_nowhere(retry_policy: RetryPolicy) -> None:
    """It may be in a record, in the next address, or in a redirect."""
    answers = [
        [head(), b'[{"id":1,"location":"%s"}]' % KEY.encode()],
        [head("Content-Length: 2", f'Link: </?page=2&who={KEY}>; rel="next"'), b"[]"],
        [head(f"Location: http://{KEY}.example.com/", "Content-Length: 0", status="302 Found")],
        [head("Content-Length: 0", status=f"500 {KEY}")],
    ]
    for answer in answers:
        with hostile(lambda _, blocks=answer: blocks) as server:  # type: ignore[misc]
            source = ServerSource(f"http://{KEY}:@127.0.0.1:{server.port}", retry_policy=retry_policy)
            with pytest.raises(SourceError) as raised:
                list(source.batches())
        assert KEY not in str(raised.value)


@pytest.mark.parametrize("name", ["api_key", "token", "Password"])
def test_a_key_in_the_query_is_refused(name: str) -> None:
    """It would be in checkpoints, and in the messages that name a page."""
    with pytest.raises(SourceAddressError, match="write the key before the host instead") as raised:
        ServerSource(f"https://harvest.example.com/v1/scheduled_interviews?{name}={KEY}")
    assert KEY not in str(raised.value)
