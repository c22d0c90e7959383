"""A Harvest-compatible server on loopback that a test can watch and stop at every step.

Owns pages and their links only; the test provides the content.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

from tests.support.records import Record, canonical

KEY: Final = "upstream-s3cret-key"
LIST: Final = "/v1/scheduled_interviews"


def nothing(_: int) -> None:
    """Do nothing at this step."""


class Upstream(ThreadingHTTPServer):
    """Serves `pages`, numbered from 1.

    `asked` are the requested pages, in order. `before` and `after` are called with the count of requests since
    `count_from_here`, before and after a page is sent.
    """

    daemon_threads = True

    def __init__(self, pages: Sequence[Sequence[Record]], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.pages: list[bytes] = [b"[" + b",".join(map(canonical, page)) + b"]" for page in pages]
        self.asked: list[int] = []
        self.before: Callable[[int], None] = nothing
        self.after: Callable[[int], None] = nothing
        self._start = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def address(self) -> str:
        """What an importer is given: the address of the list with the key in it."""
        return f"http://{KEY}:@127.0.0.1:{self.server_port}{LIST}?per_page=20"

    @property
    def count(self) -> int:
        """How many requests have come since `count_from_here`."""
        return len(self.asked) - self._start

    def count_from_here(self) -> None:
        """Restart the count of requests."""
        self._start = len(self.asked)


class _Handler(BaseHTTPRequestHandler):
    server: Upstream
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        upstream = self.server
        number = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
        upstream.asked.append(number)
        count = upstream.count
        upstream.before(count)
        try:
            self._answer(upstream, number)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        upstream.after(count)

    def _answer(self, upstream: Upstream, number: int) -> None:
        body = upstream.pages[number - 1]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if number < len(upstream.pages):
            self.send_header("Link", f'<{upstream.origin}{LIST}?per_page=20&page={number + 1}>; rel="next"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""


class _Quiet(Upstream):
    def handle_error(self, *_: object) -> None:
        """Ignore errors of killed clients."""


@contextmanager
def upstream_of(pages: Sequence[Sequence[Record]], port: int = 0) -> Iterator[Upstream]:
    """Serve pages until the end of the block, on any port unless one is named."""
    with _Quiet(pages, port) as upstream:
        thread = threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield upstream
        finally:
            upstream.shutdown()
            thread.join()
