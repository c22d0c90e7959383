"""Writes that a page of another site makes a browser send, with a key that the browser remembers."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.hiring_teams import INTERVIEWS, HiringTeam
from tests.support.raw_http import send_raw, written_request
from tests.support.served_schedule import HOME, ServedSchedule
from tests.support.server import basic, serving

pytestmark = pytest.mark.slow

REFUSAL = b'{"message":"A page of another site may not change anything here"}'
WEBHOOKS = "/rowen/v1/webhooks"
ELSEWHERE = "https://elsewhere.example"

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "nonsense"},
    {"Sec-Fetch-Site": ""},
    {"Origin": ELSEWHERE},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://127.0.0.1"},
    {"Origin": ELSEWHERE, "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://127.0.0.1.elsewhere.example"},
]


@pytest.fixture(scope="module")
def published(schedule: ServedSchedule) -> Iterator[httpx.Client]:
    """Return a client of a server behind a proxy with an address of its own."""
    options = ["--public-url", "https://rowen.example/hiring"]
    with serving(schedule.database, options) as server, server.client(schedule.keys[HOME]) as client:
        yield client


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", WEBHOOKS),
        ("POST", f"{WEBHOOKS}/1/rotate"),
        ("DELETE", f"{WEBHOOKS}/1"),
        ("POST", INTERVIEWS),
        ("PATCH", f"{INTERVIEWS}/1"),
        ("DELETE", "/v1/scheduled_interviews/1"),
        ("POST", "/nowhere"),
        ("POST", "/docs"),
        ("BREW", "/v1/scheduled_interviews"),
    ],
)
def test_no_write_of_another_site_gets_anywhere(
    refusing: HiringTeam, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = refusing.client.request(method, path, headers=headers)
    assert (answer.status_code, answer.content) == (403, REFUSAL)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_links_of_other_sites_may_be_followed(schedule: ServedSchedule, headers: dict[str, str]) -> None:
    with schedule.server.client(schedule.keys[HOME]) as client:
        assert client.get("/v1/scheduled_interviews?per_page=1", headers=headers).status_code == 200
        assert client.head("/docs/api", headers=headers).status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "none", None])
@pytest.mark.parametrize("origin", ["own", None])
def test_our_own_pages_and_programs_may_write(refusing: HiringTeam, site: str | None, origin: str | None) -> None:
    headers = {"Sec-Fetch-Site": site} if site else {}
    if origin:
        headers["Origin"] = str(refusing.client.base_url).rstrip("/")
    answer = refusing.client.post(INTERVIEWS, json={}, headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://rowen.example"}, 401),
        ({"Origin": "https://rowen.example/hiring"}, 403),
        ({"Origin": "http://rowen.example"}, 403),
        ({"Origin": "https://rowen.example:8443"}, 403),
        ({"Origin": "https://proxy.example", "Host": "proxy.example", "X-Forwarded-Proto": "https"}, 401),
        ({"Origin": "https://proxy.example", "Host": "proxy.example"}, 403),
    ],
)
def test_the_public_address_is_our_own(published: httpx.Client, headers: dict[str, str], status: int) -> None:
    answer = published.post(WEBHOOKS, headers={**headers, "Authorization": ""}, json={})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "media_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_bodies_of_our_own_calls_say_that_they_are_json(refusing: HiringTeam, media_type: str | None) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    answer = refusing.client.post(WEBHOOKS, content=b'{"url":"https://hooks.example.com"}', headers=headers)
    assert answer.status_code == 415


def test_harvest_clients_may_leave_the_media_type_out(refusing: HiringTeam) -> None:
    assert refusing.client.post(INTERVIEWS, content=b"{}").status_code == 422


@pytest.mark.parametrize("host", [[], [b"a", b"b"], [b"a, b"]], ids=["none", "two", "list"])
def test_a_request_has_one_host(schedule: ServedSchedule, host: list[bytes]) -> None:
    lines = b"".join(b"Host: %b\r\n" % each for each in host)
    answer = send_raw(schedule.server, b"GET /healthz HTTP/1.1\r\n%bConnection: close\r\n\r\n" % lines)
    assert answer.status == 400
    assert answer.body == b'{"message":"An HTTP/1.1 request must have one Host header"}'


def test_http_1_0_needs_no_host(schedule: ServedSchedule) -> None:
    assert send_raw(schedule.server, b"GET /healthz HTTP/1.0\r\n\r\n").status == 200
    assert send_raw(schedule.server, written_request("GET", "/healthz", basic(schedule.keys[HOME]))).status == 200
