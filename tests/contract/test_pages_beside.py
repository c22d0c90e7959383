"""The pages beside the API: what this is, its description, its health."""

import re

import httpx
import pytest

from tests.contract.schedule import HOME, Schedule

LINK = re.compile(r"""(?:src|href|url)\s*[=:(]\s*["']?([^"'\s>)]+)""")


@pytest.fixture
def nobody(schedule: Schedule) -> httpx.Client:
    """Return a client without a key."""
    return schedule.server.client()


def test_the_root_says_what_this_is_and_links_on(nobody: httpx.Client) -> None:
    with nobody:
        answer = nobody.get("/")
        about = answer.json()
        assert answer.status_code == 200
        assert about["name"] == "Rowen"
        for name in ("documentation", "openapi", "health"):
            assert nobody.get(about[name]).status_code == 200
        assert nobody.get(about["scheduled_interviews"]).status_code == 401


def test_the_docs_work_offline(nobody: httpx.Client) -> None:
    with nobody:
        page = nobody.get("/docs")
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in page.headers["content-security-policy"]
        own = LINK.findall(page.text)
        assert len(own) == 3
        for address in own:
            assert address.startswith("docs/")  # relative, so that a public address may have a path
            part = nobody.get(f"/{address}")
            assert part.status_code == 200
            assert len(part.content) > 50
        assert "//" not in page.text.replace("<!doctype", "")
        start = nobody.get("/docs/start.js").text
    assert '"openapi.json"' in start
    assert "tryItOutEnabled: true" in start
    assert "validatorUrl: null" in start
    assert "http" not in start


def test_the_style_of_the_docs_loads_nothing_from_elsewhere(nobody: httpx.Client) -> None:
    with nobody:
        style = nobody.get("/docs/swagger-ui.css")
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


def test_metrics_count_requests_and_name_nobody(schedule: Schedule, nobody: httpx.Client, home: httpx.Client) -> None:
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
