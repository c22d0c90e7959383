"""What every refusal looks like, and that bad input never becomes a fault (contract section 3)."""

import httpx
import msgspec
import pytest

from tests.support.raw_http import RawAnswer, send_raw, written_request
from tests.support.served_schedule import HOME, RATE_LIMIT, ServedSchedule, make_key
from tests.support.server import basic

LIST = "/v1/scheduled_interviews"
UNAUTHENTICATED = b'{"message":"Invalid Basic Auth credentials"}'
FORBIDDEN = b'{"message":"This API Key does not have permission for this endpoint"}'
NOT_FOUND = b'{"message":"Resource not found"}'
NOT_ALLOWED = b'{"message":"Method not allowed"}'
UNEXPECTED_BODY = b'{"message":"A GET request may not have a body"}'
BESIDE = ("/", "/openapi.json", "/docs/api", "/healthz", "/readyz", "/metrics")


@pytest.fixture
def raw_headers(schedule: ServedSchedule) -> dict[str, str]:
    """Return the headers of an authenticated raw request."""
    return basic(schedule.keys[HOME])


def assert_shaped(answer: httpx.Response | RawAnswer) -> None:
    """Check what every refusal has in common."""
    body = answer.content if isinstance(answer, httpx.Response) else answer.body
    problem = msgspec.json.decode(body)
    assert isinstance(problem["message"], str)
    assert problem.keys() <= {"message", "errors"}
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    assert_marked(answer.headers)


def assert_marked(headers: httpx.Headers) -> None:
    """Check the headers that every response carries."""
    assert 0 <= int(headers["x-ratelimit-remaining"]) <= int(headers["x-ratelimit-limit"])
    assert len(headers["x-request-id"]) >= 16


@pytest.mark.parametrize("path", [LIST, f"{LIST}/9001", "/v1/applications/7003/scheduled_interviews"])
def test_without_a_key(schedule: ServedSchedule, path: str) -> None:
    with schedule.server.client() as nobody:
        answer = nobody.get(path)
    assert answer.status_code == 401
    assert answer.content == UNAUTHENTICATED
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert_shaped(answer)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/v1", "/v2/", "/v1/nothing", "/v1/nothing/", "/v2/users", "/v1/users/1/2/3", "/v1/users"]
)
def test_without_a_key_every_path_is_the_same(schedule: ServedSchedule, method: str, path: str) -> None:
    """Harvest authenticates before it routes: a path and a method that nothing has look like any other."""
    wrong = "rowen_" + "0" * 40
    with schedule.server.client() as nobody, schedule.server.client(wrong) as stranger:
        for client in (nobody, stranger):
            answer = client.request(method, path)
            assert answer.status_code == 401
            assert answer.content == (b"" if method == "HEAD" else UNAUTHENTICATED)
            assert answer.headers["www-authenticate"].startswith("Basic ")
            assert_marked(answer.headers)
        assert nobody.request(method, "/v3x").status_code == nobody.request(method, "/v1x").status_code == 404


def test_what_a_key_asks_for_in_vain_counts_towards_its_limit(schedule: ServedSchedule) -> None:
    key = make_key(schedule.database, HOME, "vain", rate_limit=3)
    with schedule.server.client(key) as client:
        asked = [client.get("/v1/nothing"), client.put("/v1/users"), client.get("/v1/users"), client.get("/v1/nothing")]
    assert [answer.status_code for answer in asked] == [404, 405, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in asked[:3]] == ["2", "1", "0"]


def test_without_the_permission(schedule: ServedSchedule) -> None:
    key = make_key(schedule.database, HOME, "retrieves", allow=["scheduled_interviews:retrieve"])
    with schedule.server.client(key) as client:
        answer = client.get(LIST)
        assert client.get(f"{LIST}/9001").status_code == 200
    assert answer.status_code == 403
    assert answer.content == FORBIDDEN
    assert_shaped(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v2",
        "/v2/candidates",
        "/v1/candidatures",
        "/V1/scheduled_interviews",
        "/v1/scheduled_interviewsx",
        "/v1/scheduled_interviews/1/2",
        "/favicon.ico",
        "/docs/other.js",
        "/docs/../../pyproject.toml",
    ],
)
def test_an_unknown_route(home: httpx.Client, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = home.request(method, path)
        assert answer.status_code == 404
        assert answer.content == NOT_FOUND
        assert_shaped(answer)


@pytest.mark.parametrize(
    "identifier",
    [
        "0",
        "1",
        "-9001",
        "+9001",
        "9001.0",
        "9001e0",
        "0x2329",
        "\uff19\uff10\uff10\uff11",
        "9001%0A",
        "9001%00",
        "%00",
        "%20",
        "%ff",
        "%C3%28",
        "%2e%2e%2fscheduled_interviews",
        "..%2f9001",
        "null",
        "'%20OR%201=1--",
        "9007199254740992",
        "9223372036854775808",
        "18446744073709551617",
        "9" * 400,
        "600000",
    ],
)
def test_an_id_of_nothing(home: httpx.Client, identifier: str) -> None:
    answer = home.get(f"{LIST}/{identifier}")
    assert answer.status_code == 404
    assert answer.content == NOT_FOUND
    assert_shaped(answer)


ALLOWED = {
    LIST: {"GET", "HEAD", "POST"},
    f"{LIST}/9001": {"GET", "HEAD", "PATCH", "DELETE"},
    "/v1/applications/7003/scheduled_interviews": {"GET", "HEAD", "POST"},
    "/v2/scheduled_interviews": {"POST"},
    "/v2/scheduled_interviews/9001": {"PATCH"},
    "/v1/users": {"GET", "HEAD", "POST"},
    **{path: {"GET", "HEAD"} for path in BESIDE},
}


@pytest.mark.parametrize("path", ALLOWED)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_the_wrong_method(home: httpx.Client, method: str, path: str) -> None:
    if method in ALLOWED[path]:
        return
    answer = home.request(method, path, json={"id": 1})
    assert answer.status_code == 405
    assert answer.content == NOT_ALLOWED
    assert {each.strip() for each in answer.headers["allow"].split(",")} == ALLOWED[path]
    assert_shaped(answer)


@pytest.mark.parametrize("path", [LIST, f"{LIST}/9001", "/v1/applications/7003/scheduled_interviews"])
def test_a_body_is_refused(home: httpx.Client, path: str) -> None:
    answer = home.request("GET", path, content=b"{}")
    assert answer.status_code == 403
    assert answer.content == UNEXPECTED_BODY
    assert_shaped(answer)
    assert home.request("HEAD", path, content=b"{}").status_code == 403


def test_a_body_in_chunks_is_refused_and_an_empty_one_is_none(
    schedule: ServedSchedule, raw_headers: dict[str, str]
) -> None:
    headers = {**raw_headers, "Transfer-Encoding": "chunked"}
    answer = send_raw(schedule.server, written_request("GET", LIST, headers, b"2\r\n{}\r\n0\r\n\r\n"))
    assert (answer.status, answer.body) == (403, UNEXPECTED_BODY)
    assert send_raw(schedule.server, written_request("GET", LIST, headers, b"0\r\n\r\n")).status == 200


def test_a_large_body_is_refused_before_it_is_sent(schedule: ServedSchedule, raw_headers: dict[str, str]) -> None:
    headers = {**raw_headers, "Content-Length": str(2**40)}
    answer = send_raw(schedule.server, written_request("GET", LIST, headers))
    assert (answer.status, answer.body) == (403, UNEXPECTED_BODY)


def test_a_content_type_without_a_body_is_fine(home: httpx.Client) -> None:
    for media_type in ("application/json", "text/html", "nonsense", ""):
        assert home.get(LIST, headers={"Content-Type": media_type}).status_code == 200
    assert home.get(LIST, headers={"Content-Type": "application/json", "Content-Length": "0"}).status_code == 200


@pytest.mark.parametrize("size", [33_000, 40_000, 60_000])
def test_huge_headers_are_refused(schedule: ServedSchedule, home: httpx.Client, size: int) -> None:
    for headers in ({"X-Huge": "x" * size}, {"Authorization": "Basic " + "A" * size}, {"If-None-Match": '"' * size}):
        answer = home.get(LIST, headers=headers)
        assert answer.status_code == 431
        assert_shaped(answer)
    assert home.get(LIST, headers={"X-Large": "x" * 16_000}).status_code == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"{LIST}/%", 404),
        (f"{LIST}/%zz", 404),
        (f"{LIST}/%f", 404),
        ("/v1/../v1/scheduled_interviews", 404),
        ("/v1/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/../../etc/passwd", 404),
        ("//v1/scheduled_interviews", 404),
        ("/v1/" + "a" * 50_000, 404),
        ("/" + "%00" * 1_000, 404),
        (f"{LIST}?%", 200),
        (f"{LIST}?%=%&%zz=%ff", 200),
        (f"{LIST}?x=é", 200),
        (f"{LIST}?" + "x=1&" * 2_000, 200),
        (f"{LIST}?" + "x=1&" * 10_000, 414),
        (f"{LIST}?page=%", 422),
        (f"{LIST}?created_after=%ff", 422),
        (f"{LIST}?created_after=" + "9" * 8_000, 422),
        (f"{LIST}?created_after=" + "9" * 50_000, 414),
        (f"{LIST}?per_page=" + "%00" * 2_000, 422),
    ],
)
def test_broken_targets(schedule: ServedSchedule, raw_headers: dict[str, str], target: str, status: int) -> None:
    answer = send_raw(schedule.server, written_request("GET", target, raw_headers))
    assert answer.status == status
    assert_marked(answer.headers)
    if status != 200:
        assert_shaped(answer)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/scheduled_interviews?x=\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/scheduled_interviews HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
        b"GET /v1/scheduled_interviews HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"GET /v1/scheduled_interviews?" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 300 + b"\r\n",
    ],
    ids=["tls", "half", "null", "header name", "length", "long target", "many headers"],
)
def test_a_request_that_is_not_http_is_refused_by_the_transport(schedule: ServedSchedule, request_bytes: bytes) -> None:
    # The server library answers these before there is a request: a status, and no body.
    answer = send_raw(schedule.server, request_bytes)
    assert 400 <= answer.status < 500
    with schedule.server.client() as client:
        assert client.get("/healthz").status_code == 200


def test_answers_of_every_kind_are_marked(schedule: ServedSchedule, home: httpx.Client) -> None:
    for path in (LIST, f"{LIST}/9001", f"{LIST}/1", "/v1/none", f"{LIST}?page=0", *BESIDE):
        assert_marked(home.get(path).headers)
        assert_marked(home.head(path).headers)
    with schedule.server.client() as nobody:
        assert nobody.get(LIST).headers["x-ratelimit-limit"] == str(RATE_LIMIT)


def test_request_ids_are_never_the_same(home: httpx.Client) -> None:
    seen = {
        home.get(path).headers["x-request-id"] for path in (LIST, LIST, "/v1/none", "/", "/v1/none") for _ in range(5)
    }
    assert len(seen) == 25


def test_refusals_reveal_nothing_internal(home: httpx.Client) -> None:
    for path in (f"{LIST}?page=x", f"{LIST}/x", "/v1/none", f"{LIST}?created_after=x"):
        answer = home.get(path)
        for word in ("Traceback", "sqlite", "rowen", "select", "/site-packages"):
            assert word not in answer.text.lower()
        assert "server" not in answer.headers or "python" not in answer.headers["server"].lower()
