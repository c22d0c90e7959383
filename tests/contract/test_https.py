"""Serving over TLS, and refusing to serve without (contract section 3)."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from tests.support.certificates import new_pair
from tests.support.command import rowen
from tests.support.served_schedule import HOME, ServedSchedule
from tests.support.server import Server, basic, serving

pytestmark = pytest.mark.slow

LIST = "/v1/scheduled_interviews?per_page=1"
REFUSAL = b'{"message":"Requests must use HTTPS"}'


@pytest.fixture(scope="module")
def strict(schedule: ServedSchedule) -> Iterator[Server]:
    """Return a server on every address of this machine that refuses plain HTTP."""
    with serving(schedule.database, ["--host", "0.0.0.0", "--require-https"]) as server:
        yield server


@pytest.fixture(scope="module")
def elsewhere(strict: Server) -> str:
    """Return the URL of the strict server for connections from an address other than loopback."""
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
    pair = new_pair(tmp_path_factory.mktemp("tls"), "chain")
    return pair.certificate, pair.key


@pytest.mark.parametrize("forwarded", ["https", "HTTPS", "https, http", " https "])
def test_requests_over_https_to_the_proxy_are_served(schedule: ServedSchedule, strict: Server, forwarded: str) -> None:
    headers = {"X-Forwarded-Proto": forwarded.strip(), **basic(schedule.keys[HOME])}
    answer = httpx.get(strict.url + LIST, headers=headers)
    assert answer.status_code == 200
    assert answer.links["next"]["url"].startswith("https://")


@pytest.mark.parametrize("path", [LIST, "/v1/none", "/", "/openapi.json"])
def test_requests_over_http_to_the_proxy_are_refused(schedule: ServedSchedule, strict: Server, path: str) -> None:
    answer = httpx.get(strict.url + path, headers={"X-Forwarded-Proto": "http", **basic(schedule.keys[HOME])})
    assert answer.status_code == 403
    assert answer.content == REFUSAL
    assert answer.headers["x-request-id"]


def test_a_client_on_this_machine_needs_no_https(schedule: ServedSchedule, strict: Server) -> None:
    assert httpx.get(strict.url + LIST, headers=basic(schedule.keys[HOME])).status_code == 200
    assert httpx.get(strict.url + "/metrics").status_code == 200


def test_a_client_elsewhere_does(schedule: ServedSchedule, elsewhere: str) -> None:
    answer = httpx.get(elsewhere + LIST, headers=basic(schedule.keys[HOME]))
    assert (answer.status_code, answer.content) == (403, REFUSAL)
    proxied = {"X-Forwarded-Proto": "https", **basic(schedule.keys[HOME])}
    assert httpx.get(elsewhere + LIST, headers=proxied).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-Proto": "http"}], ids=["direct", "proxied"])
def test_probes_of_an_orchestrator_need_no_https(elsewhere: str, path: str, headers: dict[str, str]) -> None:
    assert httpx.get(elsewhere + path, headers=headers).status_code == 200
    assert httpx.head(elsewhere + path, headers=headers).status_code == 200


PATHS = (
    "/",
    "/docs",
    "/docs/",
    "/docs/api",
    "/openapi.json",
    "/metrics",
    LIST,
    "/healthz/",
    "//healthz",
    "/healthz/x",
    "/x/../healthz",
)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_but_the_two_probes_is_exempt(elsewhere: str, path: str) -> None:
    connection = HTTPConnection(httpx.URL(elsewhere).netloc.decode(), timeout=30)  # sends a path unchanged
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (403, REFUSAL)


def test_metrics_are_not_for_other_machines(elsewhere: str) -> None:
    assert httpx.get(f"{elsewhere}/metrics", headers={"X-Forwarded-Proto": "https"}).status_code == 404


def test_tls(schedule: ServedSchedule, certificate: tuple[Path, Path]) -> None:
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
