"""Records are pulled from a real server on a real socket; the key goes nowhere else and is never shown."""

import gzip
import json
import logging
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rowen.imports.errors import (
    ServerRefusedError,
    ServerResponseError,
    ServerUnavailableError,
    SourceAddressError,
    SourceError,
)
from rowen.imports.items import Batch, Checkpoint, SourceFault, SourceRecord
from rowen.imports.sources.pages import next_link
from rowen.imports.sources.retries import RetryPolicy
from rowen.imports.sources.server import ServerSource

KEY = "s3cret+/key"
ENCODED = b64encode(f"{KEY}:".encode()).decode()
LIST = "/v1/scheduled_interviews"
NOW = 1_700_000_000.0


@dataclass(frozen=True)
class Answer:
    """One response of the server."""

    body: bytes = b"[]"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


Script = Callable[[str, int], Answer]
"""From the path of a request and its number (from 0) to the response."""


class Server(ThreadingHTTPServer):
    """A server that responds by a script and records its requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: Script = lambda _path, _number: Answer()
        self.requests: list[tuple[str, str | None]] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def url(self, rest: str = "/v1/scheduled_interviews") -> str:
        return f"http://{KEY.replace('/', '%2F')}:@127.0.0.1:{self.server_port}{rest}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        number = len(self.server.requests)
        self.server.requests.append((self.path, self.headers["Authorization"]))
        answer = self.server.script(self.path, number)
        if answer.hang_up:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_arguments: object) -> None:
        """Keep the test's output quiet."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def retry_policy(waits: list[float]) -> RetryPolicy:
    return RetryPolicy(attempts=4, sleep=waits.append, now=lambda: NOW, chance=lambda: 0.0)


def page(*ids: int, link: str = "", **headers: str) -> Answer:
    body = json.dumps([{"id": number} for number in ids], separators=(",", ":")).encode()
    return Answer(body, headers=headers | ({"Link": link} if link else {}))


def test_a_missing_key_is_distinguished_from_a_rejected_one(server: Server) -> None:
    server.script = lambda _path, _number: Answer(b'{"message":"Invalid Basic Auth credentials"}', 401)
    with pytest.raises(
        ServerRefusedError,
        match=r"requires an API key, and none was given: set ROWEN_KEY, or put it before the host.*: 401",
    ):
        list(ServerSource(f"{server.origin}{LIST}").batches())
    with pytest.raises(ServerRefusedError, match="does not accept this API key: 401") as refused:
        list(ServerSource(server.url()).batches())
    assert KEY not in str(refused.value)
    assert [header for _, header in server.requests] == [None, f"Basic {ENCODED}"]


def three_pages(server: Server) -> Script:
    """Return three pages that are linked as the live service does."""

    def answer(path: str, _number: int) -> Answer:
        base = f"{server.origin}/v1/scheduled_interviews?per_page=500"
        if "page=2" in path:
            return page(
                3, link=f'<{base}&page=3&after=3>; rel="next",<{base}&page=1>; rel="prev",<{base}&page=3>; rel="last"'
            )
        if "page=3" in path:
            return page(4, 5, link=f'<{base}&page=2>; rel="prev"')
        return page(1, 2, link=f'<{base}&page=2&after=2>; rel="next",<{base}&page=3>; rel="last"')

    return answer


def ids(batches: list[Batch]) -> list[int]:
    return [json.loads(item.body)["id"] for batch in batches for item in batch if isinstance(item, SourceRecord)]


def failure(source: ServerSource, kind: type[SourceError]) -> str:
    """Return the text of the error with which a source ends, which must contain no secret."""
    with pytest.raises(kind) as raised:
        list(source.batches())
    text = str(raised.value)
    assert KEY not in text
    assert ENCODED not in text
    return text


def test_pages_are_followed_by_their_links(server: Server, retry_policy: RetryPolicy) -> None:
    server.script = three_pages(server)
    source = ServerSource(server.url(), retry_policy=retry_policy)
    batches = list(source.batches())
    assert ids(batches) == [1, 2, 3, 4, 5]
    base = f"{server.origin}/v1/scheduled_interviews?per_page=500"
    assert [batch[-1] for batch in batches] == [
        Checkpoint(f"{base}&page=2&after=2"),
        Checkpoint(f"{base}&page=3&after=3"),
        Checkpoint(None),
    ]
    first = batches[0][1]
    assert isinstance(first, SourceRecord)
    assert first.place == f"{base} (record 2)"
    assert [path for path, _ in server.requests] == [
        "/v1/scheduled_interviews?per_page=500",
        "/v1/scheduled_interviews?per_page=500&page=2&after=2",
        "/v1/scheduled_interviews?per_page=500&page=3&after=3",
    ]
    assert {authorization for _, authorization in server.requests} == {f"Basic {ENCODED}"}
    assert source.position > 0


def test_a_checkpoint_is_gone_on_from(server: Server, retry_policy: RetryPolicy) -> None:
    server.script = three_pages(server)
    source = ServerSource(server.url(), retry_policy=retry_policy)
    checkpoint = next(source.batches())[-1]
    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.next_url is not None
    resumed = source.resumed(checkpoint.next_url)
    assert resumed.name == source.name
    assert ids(list(resumed.batches())) == [3, 4, 5]
    assert ids(list(ServerSource(server.url(), start=checkpoint.next_url).batches())) == [3, 4, 5]


def test_a_checkpoint_of_another_server_is_refused(server: Server) -> None:
    with pytest.raises(ServerResponseError, match="the API key is not sent there"):
        ServerSource(server.url(), start="http://127.0.0.1:1/v1/scheduled_interviews")


@pytest.mark.parametrize(
    ("rest", "asked"),
    [
        ("", f"{LIST}?per_page=500"),
        ("/?created_after=2024-01-15T10%3A00%2B02:00", f"{LIST}?created_after=2024-01-15T10%3A00%2B02:00&per_page=500"),
        ("/v1/x?per_page=7&page=3", "/v1/x?per_page=7&page=3"),
        ("/v1/applications/1/scheduled_interviews#top", "/v1/applications/1/scheduled_interviews?per_page=500"),
    ],
)  # fmt: skip
def test_the_address_is_kept_but_for_the_page_size(
    server: Server, retry_policy: RetryPolicy, rest: str, asked: str
) -> None:
    list(ServerSource(server.url(rest), retry_policy=retry_policy).batches())
    assert server.requests[0][0] == asked


def test_without_a_key_none_is_sent(server: Server, retry_policy: RetryPolicy) -> None:
    list(ServerSource(f"{server.origin}/v1/scheduled_interviews", retry_policy=retry_policy).batches())
    assert server.requests[0][1] is None


def test_a_relative_next_and_gzip_are_understood(server: Server, retry_policy: RetryPolicy) -> None:
    def answer(path: str, _number: int) -> Answer:
        if "page=2" in path:
            return page(2)
        body = gzip.compress(b'[{"id":1}]')
        return Answer(body, headers={"Content-Encoding": "gzip", "Link": "<?page=2>; rel=next"})

    server.script = answer
    assert ids(list(ServerSource(server.url(), retry_policy=retry_policy).batches())) == [1, 2]


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/v1/scheduled_interviews?page=2",
        "https://127.0.0.1:{port}/v1/scheduled_interviews?page=2",
        "http://localhost:{port}/v1/scheduled_interviews?page=2",
        "//example.com/",
        "http://127.0.0.1:{port}@example.com/",
        "http://other:key@127.0.0.2:{port}/",
    ],
)
@pytest.mark.parametrize("status", [200, 302, 307])
def test_the_key_is_not_taken_to_another_origin(
    server: Server, retry_policy: RetryPolicy, target: str, status: int
) -> None:
    with Server() as elsewhere:
        where = target.format(port=server.server_port)
        name = "Link" if status == 200 else "Location"
        value = f'<{where}>; rel="next"' if status == 200 else where
        server.script = lambda _path, _number: Answer(status=status, headers={name: value})
        kind = ServerResponseError if status == 200 else ServerRefusedError
        text = failure(ServerSource(server.url(), retry_policy=retry_policy), kind)
        assert "the API key is not sent there" in text.replace("not sent there.", "not sent there")
        assert len(server.requests) == 1
        assert elsewhere.requests == []


def test_credentials_in_a_next_link_are_ignored(server: Server, retry_policy: RetryPolicy) -> None:
    link = f'<http://other:x@127.0.0.1:{server.server_port}/v1/scheduled_interviews?page=2>; rel="next"'
    server.script = lambda _path, number: page(number + 1, link=link if number == 0 else "")
    (first, _) = ServerSource(server.url(), retry_policy=retry_policy).batches()
    assert first[-1] == Checkpoint(f"{server.origin}/v1/scheduled_interviews?page=2")
    assert server.requests[1][1] == f"Basic {ENCODED}"


def test_a_redirect_within_the_origin_is_followed(server: Server, retry_policy: RetryPolicy) -> None:
    moved = Answer(status=301, headers={"Location": "/v2?per_page=500"})
    server.script = lambda path, _number: page(1) if path.startswith("/v2") else moved
    assert ids(list(ServerSource(server.url(), retry_policy=retry_policy).batches())) == [1]


def test_redirects_without_end_are_an_error(server: Server, retry_policy: RetryPolicy) -> None:
    server.script = lambda _path, _number: Answer(status=302, headers={"Location": "/again"})
    assert "keeps redirecting" in failure(ServerSource(server.url(), retry_policy=retry_policy), ServerRefusedError)


@pytest.mark.parametrize("status", [200, 302])
def test_an_invalid_address_to_continue_at_is_an_error(server: Server, retry_policy: RetryPolicy, status: int) -> None:
    headers = {"Link": '<http://h:port/>; rel="next"', "Location": "http://h:port/"}
    server.script = lambda _path, _number: Answer(status=status, headers=headers)
    text = failure(ServerSource(server.url(), retry_policy=retry_policy), SourceError)
    assert ("no valid address" if status == 200 else "an address that is not valid") in text


@pytest.mark.parametrize("circle", [1, 2, 5])
def test_pages_in_a_circle_are_an_error(server: Server, retry_policy: RetryPolicy, circle: int) -> None:
    server.script = lambda _path, number: page(number, link=f'<?page={number % circle}>; rel="next"')
    assert "in a circle" in failure(ServerSource(server.url(), retry_policy=retry_policy), ServerResponseError)
    assert len(server.requests) < 6 * circle + 6


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked", ["7", formatdate(NOW + 7, usegmt=True)])
def test_retry_after_is_honored(
    server: Server, retry_policy: RetryPolicy, waits: list[float], status: int, asked: str
) -> None:
    busy = Answer(status=status, headers={"Retry-After": asked})
    server.script = lambda _path, number: page(1) if number == 2 else busy
    assert ids(list(ServerSource(server.url(), retry_policy=retry_policy).batches())) == [1]
    assert waits == [7.0, 7.0]


def test_a_longer_wait_than_is_sensible_ends_it(server: Server, retry_policy: RetryPolicy, waits: list[float]) -> None:
    server.script = lambda _path, _number: Answer(status=429, headers={"Retry-After": "86400"})
    text = failure(ServerSource(server.url(), retry_policy=retry_policy), ServerUnavailableError)
    assert "it asks to wait 86400 seconds: try again later" in text
    assert waits == []


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(status=500),
        Answer(status=502, body=b"<html>Bad gateway</html>"),
        Answer(status=429),
        Answer(hang_up=True),
        Answer(body=b'[{"id"', headers={"Content-Length": "1000", "Connection": "close"}),
        Answer(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
    ],
)
def test_passing_trouble_is_waited_out(
    server: Server, retry_policy: RetryPolicy, waits: list[float], trouble: Answer
) -> None:
    server.script = lambda _path, number: page(1) if number == 3 else trouble
    assert ids(list(ServerSource(server.url(), retry_policy=retry_policy).batches())) == [1]
    assert waits == [0.25, 0.5, 1.0]


def test_lasting_trouble_ends_after_some_attempts(
    server: Server, retry_policy: RetryPolicy, waits: list[float]
) -> None:
    server.script = lambda _path, _number: Answer(status=500, body=b'{"message":"Out of\\ncoffee"}')
    text = failure(ServerSource(server.url(), retry_policy=retry_policy), ServerUnavailableError)
    assert text.endswith('the server cannot answer now: 500 ("Out of coffee"); gave up after 4 attempts')
    assert len(waits) == 3


def test_a_server_that_is_not_there_is_an_error(retry_policy: RetryPolicy, waits: list[float]) -> None:
    with Server() as gone:
        url = gone.url()
    text = failure(ServerSource(url, retry_policy=retry_policy), ServerUnavailableError)
    assert f"cannot connect to {url.rpartition('@')[2].partition('/')[0]}: Connection refused" in text
    assert text.endswith("gave up after 3 attempts")
    assert len(waits) == 2


def test_waits_are_reported(server: Server, waits: list[float]) -> None:
    retried: list[tuple[str, float]] = []
    retry_policy = RetryPolicy(sleep=waits.append, chance=lambda: 0.0, on_retry=lambda *said: retried.append(said))
    server.script = lambda _path, number: page(1) if number else Answer(status=503)
    list(ServerSource(server.url(), retry_policy=retry_policy).batches())
    assert [seconds for _, seconds in retried] == waits
    assert "503" in retried[0][0]


@pytest.mark.parametrize(
    ("status", "part"),
    [(401, "does not accept this API key"), (403, "no permission to read"), (404, "finds nothing"), (422, "filters")],
)
def test_refusals_are_reported_with_the_servers_words(
    server: Server, retry_policy: RetryPolicy, waits: list[float], status: int, part: str
) -> None:
    said = {
        "message": f"No. {KEY} {ENCODED} " + "x" * 5000,
        "errors": [{"field": "per_page", "message": "is bad"}],
    }
    server.script = lambda _path, _number: Answer(json.dumps(said).encode(), status)
    text = failure(ServerSource(server.url(), retry_policy=retry_policy), ServerRefusedError)
    assert part in text
    assert f'{status} ("No. *** *** xxx' in text
    assert len(text) < 600
    assert waits == []


def test_wrong_fields_are_reported(server: Server, retry_policy: RetryPolicy) -> None:
    said = b'{"message":"Validation error","errors":[{"field":"created_after","message":"is no date"}]}'
    server.script = lambda _path, _number: Answer(said, 422)
    text = failure(ServerSource(server.url(), retry_policy=retry_policy), ServerRefusedError)
    assert text.endswith('("Validation error. created_after: is no date")')


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"", b"[", b'[{"id":1}', b"null", b'["\xff"]', b"[" * 100_000])
def test_a_response_that_is_not_a_list_is_an_error(server: Server, retry_policy: RetryPolicy, body: bytes) -> None:
    server.script = lambda _path, _number: Answer(body)
    assert "the server's answer is" in failure(
        ServerSource(server.url(), retry_policy=retry_policy), ServerResponseError
    )


def test_an_element_that_is_no_object_is_a_fault(server: Server, retry_policy: RetryPolicy) -> None:
    server.script = lambda _path, _number: Answer(b'[{"id":1}, 7, {"id":2}]')
    ((first, fault, last, end),) = ServerSource(server.url(), retry_policy=retry_policy).batches()
    assert isinstance(first, SourceRecord)
    assert isinstance(fault, SourceFault)
    assert fault.place.endswith("(record 2)")
    assert isinstance(last, SourceRecord)
    assert end == Checkpoint(None)


def test_an_oversize_page_is_an_error(
    server: Server, retry_policy: RetryPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rowen.imports.sources.server.LARGEST_PAGE", 1024 * 1024)
    bomb = gzip.compress(b" " * 50_000_000)
    server.script = lambda _path, _number: Answer(bomb, headers={"Content-Encoding": "gzip"})
    assert "larger than 1 MiB" in failure(ServerSource(server.url(), retry_policy=retry_policy), ServerResponseError)


def test_the_key_is_in_no_log_and_no_name(
    server: Server, retry_policy: RetryPolicy, caplog: pytest.LogCaptureFixture
) -> None:
    server.script = three_pages(server)
    with caplog.at_level(logging.DEBUG):
        source = ServerSource(server.url(), retry_policy=retry_policy)
        list(source.batches())
    assert caplog.records
    for text in (caplog.text, repr(source), source.name):
        assert KEY not in text
        assert KEY.replace("/", "%2F") not in text
        assert ENCODED not in text


@pytest.mark.parametrize("address", ["ftp://k:@host/", "https://", "nonsense", "https://k:@ho st/", "http://k:@[::1/"])
def test_an_address_that_cannot_be_used_is_an_error_without_its_key(address: str) -> None:
    with pytest.raises(SourceAddressError) as raised:
        ServerSource(address)
    assert "k:@" not in str(raised.value)


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", None),
        ('<https://h/a?x=1;y=2>; rel="next"', "https://h/a?x=1;y=2"),
        ('<https://h/a>; rel="prev", <https://h/b>; rel="next"', "https://h/b"),
        ('<https://h/a>;rel=next', "https://h/a"),
        ('<https://h/a>; title="next"; rel="Next last"', "https://h/a"),
        ('<https://h/a>; rel="prev"', None),
        ('<https://h/a?x=1,2>; rel="prev",<https://h/b?x=1,2>; rel="next"', "https://h/b?x=1,2"),
        ('<https://h/a>; title="; rel=x, <y>"; rel="next"', "https://h/a"),
        ("<https://h/a>", None),
        ('<https://h/a; rel="next"', None),
        ("<" * 50_000, None),
        ("nonsense", None),
    ],
)  # fmt: skip
def test_the_next_link_is_found(header: str, target: str | None) -> None:
    assert next_link(header) == target
