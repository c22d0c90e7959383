"""A strict Harvest v3 server on loopback that a test fills, watches, and makes fail.

Owns the wire of v3 lists, tokens and writes of interviews (contract sections 11 and 13): cursors, 422s, tokens, windows
of requests. A test provides the rows, and what the next requests meet (`faults`, `write_faults`).
"""

import threading
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from rowen import wiring
from rowen.interviews.moments import Instant
from tests.support import v3_writes
from tests.support.v3_lists import PARAMETERS

CLIENT_ID: Final = "client-1"
CLIENT_SECRET: Final = "upstream-client-s3cret"
_UNIVERSAL: Final = frozenset({"cursor", "per_page", "ids", "created_at", "updated_at", "fields"})
_MOST_IDS: Final = 50
_LARGEST_PAGE: Final = 500

Row = dict[str, Any]
Fault = Callable[["Handler"], bool]
"""What a request meets in place of its answer, or before it: true where it has answered."""


class InvalidError(Exception):
    """A request that is answered with 422."""


class Written(NamedTuple):
    """A write that reached the upstream: `user` is the `sub` of its token."""

    method: str
    path: str
    body: Any
    user: int | None


class V3Upstream(ThreadingHTTPServer):
    """Serves rows by resource and id. `asked` are the targets of all requests of lists, in order.

    `written` are the writes of interviews. `now` is its clock. A row put with `visible_at` is shown from then on.
    `faults` are taken by the next requests of lists, `token_faults` by those of tokens, `write_faults` by writes, and
    `late_faults` by writes once they are made. `limit` is the number of requests in a window, 0 for none.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.now = Instant(wiring.now() // 1000 * 1000)
        self.rows: dict[str, dict[int, Row]] = {}
        self.asked: list[str] = []
        self.faults: deque[Fault] = deque()
        self.token_faults: deque[Fault] = deque()
        self.write_faults: deque[Fault] = deque()
        self.late_faults: deque[Fault] = deque()
        self.written: list[Written] = []
        self.before: Callable[[int], None] = lambda _: None
        self.limit = 0
        self.used = 0
        self.expires_in = 3600
        self.minted: list[dict[str, str]] = []
        self.valid: dict[str, int | None] = {}
        self.secret = CLIENT_SECRET
        self._hidden: dict[tuple[str, int], Instant] = {}
        self._cursors: dict[str, tuple[str, int, dict[str, str]]] = {}
        self.lock = threading.RLock()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def base(self) -> str:
        """What a mirror is given."""
        return f"{self.origin}/v3"

    @property
    def token_url(self) -> str:
        return f"{self.origin}/token"

    def put(self, resource: str, *rows: Row, visible_at: Instant | None = None) -> None:
        """Store rows as of now, each with the times that it lacks."""
        with self.lock:
            for row in rows:
                before = self.rows.setdefault(resource, {}).get(row["id"], {})
                created = {"created_at": before.get("created_at", str(self.now)), "updated_at": str(self.now)}
                self.rows[resource][row["id"]] = {**before, **created, **row}
                if visible_at is not None:
                    self._hidden[(resource, row["id"])] = visible_at

    def remove(self, resource: str, *identifiers: int) -> None:
        """Delete rows without a trace."""
        with self.lock:
            for identifier in identifiers:
                del self.rows[resource][identifier]

    def revoke_tokens(self) -> None:
        """Make every token so far invalid."""
        self.valid.clear()

    def forget_cursors(self) -> None:
        """Make every cursor so far invalid."""
        self._cursors.clear()

    def advance(self, milliseconds: int) -> None:
        """Move the clock, into a new window of requests."""
        self.now = Instant(self.now + milliseconds)
        self.used = 0

    def page(self, resource: str, query: dict[str, str]) -> tuple[list[Row], str | None]:
        """Return a page and the cursor of the next one. Raises InvalidError."""
        with self.lock:
            below = 2**62
            if "cursor" in query:
                if len(query) > 1:
                    raise InvalidError("When passing a cursor, do not include other query params.")
                if query["cursor"] not in self._cursors:
                    raise InvalidError("cursor is invalid")
                listed, below, query = self._cursors[query["cursor"]]
                if listed != resource:
                    raise InvalidError("cursor is of another list")
            size = _size_of(query.get("per_page", "100"))
            found = [row for row in self._visible(resource, query) if row["id"] < below]
            found.sort(key=lambda row: -row["id"])
            page = found[:size]
            if len(found) <= size:
                return page, None
            cursor = f"c{len(self._cursors)}="
            self._cursors[cursor] = (resource, page[-1]["id"], query)
            return page, cursor

    def _visible(self, resource: str, query: Mapping[str, str]) -> Iterator[Row]:
        own = PARAMETERS[resource]
        for name in query:
            if name not in own and name not in _UNIVERSAL:
                raise InvalidError(f"{name} is not allowed")
        if "created_at" in query and "updated_at" in query:
            raise InvalidError("created_at and updated_at may not be combined")
        tests = [_test_of(name, value) for name, value in query.items() if name not in ("cursor", "per_page", "fields")]
        for row in self.rows.get(resource, {}).values():
            if self._hidden.get((resource, row["id"]), self.now) <= self.now and all(test(row) for test in tests):
                yield row


def _size_of(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _LARGEST_PAGE:
        raise InvalidError(f"per_page: `{text}` number is greater than: {_LARGEST_PAGE}")
    return int(text)


def _test_of(name: str, value: str) -> Callable[[Row], bool]:
    if name.endswith("_at"):
        return _time_test(name, value)
    if name == "ids" or name.endswith("_ids"):
        wanted = value.split(",")
        if len(wanted) > _MOST_IDS or not all(each.isdigit() for each in wanted):
            raise InvalidError(f"{name}: must be at most {_MOST_IDS} ids")
        field = "id" if name == "ids" else name.removesuffix("s")
        return lambda row: str(row.get(field)) in wanted
    return lambda row: str(row.get(name)).lower() == value.lower()


def _time_test(name: str, value: str) -> Callable[[Row], bool]:
    parts = value.split("|")
    bounds = list(zip(parts[::2], parts[1::2], strict=False))
    if len(parts) % 2 or not all(operator in _COMPARE and "T" in text for operator, text in bounds):
        raise InvalidError(f"{name}: is not a filter of times")
    return lambda row: all(
        _COMPARE[operator](Instant.parse(row[name]), Instant.parse(text)) for operator, text in bounds
    )


_COMPARE: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "gte": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "lte": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
}


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: V3Upstream
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            self._list()

    def do_POST(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            if self.path.startswith("/v3/"):
                self._write()
            else:
                self._mint()

    def do_PATCH(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            self._write()

    def do_DELETE(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            self._write()

    def _write(self) -> None:
        upstream = self.server
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if upstream.write_faults and upstream.write_faults.popleft()(self):
            return
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in upstream.valid:
            self.answer(401, {"message": "Unauthorized", "errors": ["Token could not be decoded."]})
            return
        body = msgspec.json.decode(content) if content else None
        upstream.written.append(Written(self.command, self.path, body, upstream.valid[token]))
        try:
            status, answer = v3_writes.write(upstream, upstream.written[-1])
        except v3_writes.RefusedError as error:
            self.answer(422, {"message": "Unprocessable Content", "errors": error.errors})
            return
        if upstream.late_faults and upstream.late_faults.popleft()(self):
            return
        self.answer(status, answer)

    def _list(self) -> None:
        upstream = self.server
        parts = urlsplit(self.path)
        resource = parts.path.removeprefix("/v3/")
        if not parts.path.startswith("/v3/") or resource not in PARAMETERS:
            self.answer(404, {"message": "Resource not found"})
            return
        upstream.asked.append(self.path)
        upstream.before(len(upstream.asked))
        if upstream.faults and upstream.faults.popleft()(self):
            return
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in upstream.valid:
            self.answer(401, {"message": "Unauthorized", "errors": ["Token could not be decoded."]})
            return
        upstream.used += 1
        if upstream.limit and upstream.used > upstream.limit:
            self.answer(429, {"message": "Too Many Requests"}, {"Retry-After": "7"})
            return
        try:
            rows, cursor = upstream.page(resource, dict(parse_qsl(parts.query, keep_blank_values=True)))
        except InvalidError as error:
            self.answer(422, {"message": "Unprocessable Content", "errors": [str(error)]})
            return
        link = {"Link": f'<{upstream.base}/{resource}?cursor={cursor}>; rel="next"'} if cursor else {}
        self.answer(200, rows, link)

    def _mint(self) -> None:
        upstream = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        if upstream.token_faults and upstream.token_faults.popleft()(self):
            return
        form = dict(parse_qsl(body))
        pair = b64encode(f"{CLIENT_ID}:{upstream.secret}".encode()).decode()
        if self.path != "/token":
            self.answer(404, {"message": "Resource not found"})
        elif self.headers.get("Authorization") != f"Basic {pair}":
            self.answer(401, {"error": "invalid_client"})
        elif form.get("grant_type") != "client_credentials":
            self.answer(400, {"message": "Must include `grant_type` parameter in /token request"})
        else:
            upstream.minted.append(form)
            token = f"token-{len(upstream.minted)}-of-upstream"
            upstream.valid[token] = int(form["sub"]) if "sub" in form else None
            given = {"access_token": token, "token_type": "Bearer", "expires_in": upstream.expires_in}
            self.answer(200, given)

    def answer(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole response."""
        upstream, content = self.server, msgspec.json.encode(body)
        self.send_response_only(status)
        self.send_header("Date", formatdate(upstream.now / 1000, usegmt=True))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if upstream.limit:
            self.send_header("X-RateLimit-Limit", str(upstream.limit))
            self.send_header("X-RateLimit-Remaining", str(max(0, upstream.limit - upstream.used)))
            self.send_header("X-RateLimit-Reset", str(upstream.now // 1000 + 5))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""


def status(code: int, headers: Mapping[str, str] | None = None, message: str = "Server error") -> Fault:
    """Return a fault: an answer with this status."""

    def fail(handler: Handler) -> bool:
        handler.answer(code, {"message": message}, headers)
        return True

    return fail


def truncated(handler: Handler) -> bool:
    """Break the connection in the middle of a page."""
    handler.send_response_only(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    handler.wfile.write(b'[{"id":1,"created_at":"2026')
    handler.close_connection = True
    return True


def endless(handler: Handler) -> bool:
    """Send a body without an end, until the client has had enough."""
    handler.send_response_only(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    with suppress(OSError):
        while True:
            handler.wfile.write(b" " * 65_536)
    handler.close_connection = True
    return True


def body(content: bytes, headers: Mapping[str, str] | None = None) -> Fault:
    """Return a fault: a 200 with this body."""

    def fail(handler: Handler) -> bool:
        handler.send_response_only(200)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)
        return True

    return fail


class _Quiet(V3Upstream):
    def handle_error(self, *_: object) -> None:
        """Ignore errors of killed clients."""


@contextmanager
def v3_upstream() -> Iterator[V3Upstream]:
    """Serve until the end of the block."""
    with _Quiet() as upstream:
        thread = threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield upstream
        finally:
            upstream.shutdown()
            thread.join()
