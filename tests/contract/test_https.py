"""Serving over TLS, and refusing to serve without (contract section 3)."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.schedule import HOME, Schedule
from tests.support.command import rowen
from tests.support.server import Server, basic, serving

LIST = "/v1/scheduled_interviews?per_page=1"
REFUSAL = b'{"message":"Requests must use HTTPS"}'


@pytest.fixture(scope="module")
def strict(schedule: Schedule) -> Iterator[Server]:
    """Return a server on every address of this machine that refuses plain HTTP."""
    with serving(schedule.database, ["--host", "0.0.0.0", "--require-https"]) as server:
        yield server


@pytest.fixture(scope="module")
def elsewhere(strict: Server) -> str:
    """Return the URL of the strict server by which the connection comes from another address than loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only picks the address to send from
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address: str = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return f"http://{address}:{strict.port}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the files of a certificate for this machine and of its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", chain, *subject]
    subprocess.run([openssl, "req", *map(str, made)], check=True, capture_output=True)
    return chain, key


@pytest.mark.parametrize("forwarded", ["https", "HTTPS", "https, http", " https "])
def test_what_came_over_https_to_the_proxy_is_served(schedule: Schedule, strict: Server, forwarded: str) -> None:
    headers = {"X-Forwarded-Proto": forwarded.strip(), **basic(schedule.keys[HOME])}
    answer = httpx.get(strict.url + LIST, headers=headers)
    assert answer.status_code == 200
    assert answer.links["next"]["url"].startswith("https://")


@pytest.mark.parametrize("path", [LIST, "/v1/none", "/", "/openapi.json"])
def test_what_came_over_http_to_the_proxy_is_refused(schedule: Schedule, strict: Server, path: str) -> None:
    answer = httpx.get(strict.url + path, headers={"X-Forwarded-Proto": "http", **basic(schedule.keys[HOME])})
    assert answer.status_code == 403
    assert answer.content == REFUSAL
    assert answer.headers["x-request-id"]


def test_a_client_on_this_machine_needs_no_https(schedule: Schedule, strict: Server) -> None:
    assert httpx.get(strict.url + LIST, headers=basic(schedule.keys[HOME])).status_code == 200
    assert httpx.get(strict.url + "/metrics").status_code == 200


def test_a_client_elsewhere_does(schedule: Schedule, elsewhere: str) -> None:
    answer = httpx.get(elsewhere + LIST, headers=basic(schedule.keys[HOME]))
    assert (answer.status_code, answer.content) == (403, REFUSAL)
    proxied = {"X-Forwarded-Proto": "https", **basic(schedule.keys[HOME])}
    assert httpx.get(elsewhere + LIST, headers=proxied).status_code == 200


def test_metrics_are_not_for_other_machines(elsewhere: str) -> None:
    assert httpx.get(f"{elsewhere}/metrics", headers={"X-Forwarded-Proto": "https"}).status_code == 404


def test_tls(schedule: Schedule, certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    options = ["--tls-certificate", str(chain), "--tls-key", str(key), "--require-https"]
    trust = ssl.create_default_context(cafile=str(chain))
    with serving(schedule.database, options) as server:
        address = f"https://127.0.0.1:{server.port}"
        with httpx.Client(base_url=address, verify=trust, headers=basic(schedule.keys[HOME])) as client:
            answer = client.get(LIST)
            assert answer.status_code == 200
            assert answer.links["next"]["url"].startswith(f"{address}/v1/scheduled_interviews?")
            assert client.get(answer.links["next"]["url"]).json()[0]["id"] == schedule.home[1]["id"]
            assert client.get(LIST, headers={"Authorization": ""}).status_code == 401
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{server.port}/healthz")
        with (
            socket.create_connection(("127.0.0.1", server.port)) as plain,
            trust.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            assert connection.version() in {"TLSv1.2", "TLSv1.3"}
        assert server.stop() == 0


def test_a_certificate_needs_its_key(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    database = f"sqlite:///{tmp_path / 'unused.db'}"
    done = rowen("serve", "--database", database, "--tls-certificate", certificate[0], status=2)
    assert "--tls-key" in done.stderr
    rowen("serve", "--database", database, "--tls-key", tmp_path / "missing.pem", status=2)
    assert list(tmp_path.iterdir()) == []
