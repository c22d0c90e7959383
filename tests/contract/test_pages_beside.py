"""The pages next to the API: an overview, its description, its health."""

import re

import httpx
import pytest

from rowen import __version__
from tests.support.served_schedule import HOME, ServedSchedule
from tests.support.server import serving

LINK = re.compile(r"""(?:src|href|url)\s*[=:(]\s*["']?([^"'\s>)]+)""")


@pytest.fixture
def nobody(schedule: ServedSchedule) -> httpx.Client:
    """Return a client without a key."""
    return schedule.server.client()


def test_the_root_describes_the_server_and_links_to_the_pages(nobody: httpx.Client) -> None:
    with nobody:
        answer = nobody.get("/")
        about = answer.json()
        assert answer.status_code == 200
        assert (about["name"], about["version"]) == ("Rowen", __version__)
        for name in ("documentation", "openapi", "health"):
            assert nobody.get(about[name], follow_redirects=True).status_code == 200
        assert nobody.get(about["scheduled_interviews"]).status_code == 401


def test_the_overview_is_for_programs(nobody: httpx.Client) -> None:
    with nobody:
        overview = nobody.get("/")
        page = nobody.get("/", headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})
    assert "Accept" in overview.headers.get_list("vary")
    assert overview.json()["v3"] == "/v3/interviews"
    assert page.headers["content-type"].startswith("text/html")


def test_the_api_reference_works_offline(nobody: httpx.Client) -> None:
    with nobody:
        page = nobody.get("/docs/api")
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in page.headers["content-security-policy"]
        own = [address for address in LINK.findall(page.text) if address != "index.html"]
        assert len(own) == 5
        for address in own:
            assert address.startswith("api/")  # relative, so that a public address may have a path
            part = nobody.get(f"/docs/{address}")
            assert part.status_code == 200
            assert len(part.content) > 50
        assert "//" not in page.text.replace("<!doctype", "")
        start = nobody.get("/docs/api/start.js").text
    assert '"../openapi.json"' in start
    assert "tryItOutEnabled: false" in start
    assert "validatorUrl: null" in start
    assert "http" not in start


@pytest.mark.parametrize("below", ["", "/team/rowen"])
@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs/api/"])
def test_the_docs_lead_to_a_page_below_the_same_path(schedule: ServedSchedule, below: str, path: str) -> None:
    with schedule.server.client() as client:
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (307, b"")
        asked = httpx.URL(f"https://proxy.example.com{below}{path}")
        page = f"https://proxy.example.com{below}/docs/"
        assert asked.join(answer.headers["location"]) in {f"{page}api", f"{page}index.html"}
        assert client.get(path, follow_redirects=True).status_code == 200
        assert client.head(path).status_code == 307
        assert client.post(path).status_code == 405


@pytest.mark.slow
@pytest.mark.parametrize("path", ["", "/team/rowen"])
def test_the_root_links_to_where_clients_find_us(schedule: ServedSchedule, path: str) -> None:
    public = f"https://interviews.example.com{path}"
    with serving(schedule.database, ["--public-url", f"{public}/"]) as server, server.client() as client:
        about = client.get("/").json()
        assert about["documentation"] == f"{public}/docs"
        assert about["openapi"] == f"{public}/openapi.json"
        assert client.get("/openapi.json").json()["servers"] == [{"url": public}]


def test_the_style_of_the_api_reference_loads_nothing_from_elsewhere(nobody: httpx.Client) -> None:
    with nobody:
        style = nobody.get("/docs/api/swagger-ui.css")
    assert style.headers["content-type"].startswith("text/css")
    loaded = [address for address in re.findall(r"url\([\"']?([^)]*)\)", style.text) if not address.startswith("data:")]
    assert loaded == []
    assert "@import" not in style.text


@pytest.mark.parametrize(("path", "body"), [("/healthz", {"status": "ok"}), ("/readyz", {"status": "ready"})])
def test_health(nobody: httpx.Client, path: str, body: dict[str, str]) -> None:
    with nobody:
        answer = nobody.get(path)
        assert answer.status_code == 200
        assert answer.json() == body
        assert nobody.head(path).status_code == 200


def test_metrics_count_requests_and_name_nobody(
    schedule: ServedSchedule, nobody: httpx.Client, home: httpx.Client
) -> None:
    home.get("/v1/scheduled_interviews/9001")
    home.request("BREW", "/v1/scheduled_interviews")
    home.get("/v1/an-address-of-a-client")
    with nobody:
        answer = nobody.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    count = re.search(
        r'rowen_request_seconds_count\{method="GET",route="/v1/scheduled_interviews/\{id\}",status="200"\} ([0-9.]+)',
        answer.text,
    )
    assert count is not None
    assert float(count[1]) >= 1
    for secret in ("BREW", "an-address-of-a-client", "/9001", schedule.keys[HOME], schedule.keys[HOME][6:]):
        assert secret not in answer.text


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "127.0.0.1"}])
def test_metrics_are_not_on_the_public_side_of_a_proxy(nobody: httpx.Client, headers: dict[str, str]) -> None:
    with nobody:
        answer = nobody.get("/metrics", headers=headers)
    assert answer.status_code == 404
    assert answer.content == b'{"message":"Resource not found"}'


@pytest.mark.parametrize(
    "path", ["/", "/openapi.json", "/docs/api", "/docs/api/start.js", "/docs/api/swagger-ui-bundle.js"]
)
def test_constant_pages_are_compressed_and_not_sent_again(nobody: httpx.Client, path: str) -> None:
    with nobody:
        plain = nobody.get(path)
        packed = nobody.get(path, headers={"Accept-Encoding": "gzip"})
        assert packed.content == plain.content
        assert plain.headers["etag"] == packed.headers["etag"]
        assert plain.headers.get_list("vary")[0] == "Accept-Encoding"
        if len(plain.content) > 1_000:
            assert packed.headers["content-encoding"] == "gzip"
            assert int(packed.headers["content-length"]) < len(plain.content) * 0.4
        again = nobody.get(path, headers={"If-None-Match": f'"other", {plain.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert nobody.get(path, headers={"If-None-Match": '"other"'}).content == plain.content
