"""The outermost layer: every request enters and leaves here.

Owns request ids, the refusal of oversized headers and plain HTTP, and the responses to internal errors. Must not know a
route, except those of health probes.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from rowen.http.addresses import RequestHeaders, is_loopback, joined_headers, origin, scheme
from rowen.http.bodies import unread
from rowen.http.connections import Connections
from rowen.http.responses import Headers, RateState, RequestContext, attach, send_refusal
from rowen.interviews.errors import Code, Refusal

_ID_BYTES: Final = 16
_IDS_AT_ONCE: Final = 64
LARGEST_HEADERS: Final = 32 * 1024
MOST_HEADERS: Final = 100
_LONGEST_QUERY: Final = 8 * 1024  # every link to another page repeats the query
# Orchestrators probe over plain HTTP from other machines. Nothing in the two responses is secret.
_PROBES: Final = frozenset({"/healthz", "/readyz"})
_HEADERS: Final[dict[Code, Headers]] = {
    Code.UNAVAILABLE: [(b"retry-after", b"5")],  # seconds; a restart or freeing disk space rarely takes less
    Code.UNREAD: [(b"retry-after", b"1")],
    Code.TOO_MANY_FOLLOWERS: [(b"retry-after", b"5")],
    Code.OVERLOADED: [(b"retry-after", b"1")],
    Code.ACCOUNT_BUSY: [(b"retry-after", b"30")],  # the length of a window of Harvest v3
    Code.ACCOUNT_UNREACHABLE: [(b"retry-after", b"30")],
    Code.NOT_TAKEN: [(b"retry-after", b"5")],
}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OWN_SITE: Final = frozenset({b"same-origin", b"none"})
# What follows is a secret, also where nothing is routed; the calendars of the API have ids.
_SECRET: Final = re.compile(r"(?<!/rowen/v1)(/(?:book|sign-in|calendars)/).+", re.IGNORECASE | re.DOTALL)

_log = structlog.stdlib.get_logger("rowen.http")

Observer = Callable[[RequestContext, str, float], None]
"""Called after each request with its context, its method, and how many seconds it took."""


@dataclass(frozen=True, slots=True)
class EdgePolicy:
    """What the edge requires of every request; `rate_limit` is what responses show before a key is known."""

    public_url: str | None
    require_https: bool
    rate_limit: int
    access_log: bool


class RequestIds:
    """Random request ids, many drawn at a time: each draw releases the interpreter lock, and waits to get it back."""

    def __init__(self) -> None:
        self._drawn = b""

    def draw(self) -> str:
        """Return a unique id of 128 random bits."""
        if not self._drawn:
            self._drawn = os.urandom(_ID_BYTES * _IDS_AT_ONCE)
        taken, self._drawn = self._drawn[:_ID_BYTES], self._drawn[_ID_BYTES:]
        return taken.hex()


class Edge:
    """The ASGI application around all others."""

    def __init__(self, inner: ASGIApp, policy: EdgePolicy, connections: Connections, observe: Observer) -> None:
        self._inner = inner
        self._policy = policy
        self._connections = connections
        self._own_origin = _origin_of(policy.public_url)
        self._observe = observe
        self._ids = RequestIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = perf_counter()
        limit = self._policy.rate_limit
        connection = self._connections.begin(scope)
        context = RequestContext(self._ids.draw(), {}, RateState(limit, limit), connection)
        attach(scope, context)
        try:
            context.headers = _bounded_headers(scope)
            self._admit(scope, context.headers)
            await self._inner(scope, receive, send)
        except Refusal as refusal:
            await self._refuse(scope, send, refusal, context)
        except Exception:  # the last resort: whatever went wrong, the client gets a response
            _log.exception("request failed", request_id=context.request_id, route=context.route)
            if context.status:
                raise  # the response has begun: only the connection can be broken
            await send_refusal(scope, send, Refusal(Code.FAULT))
        finally:
            ended = perf_counter()
            self._connections.end(connection, ended)
        seconds = ended - started
        self._observe(context, scope["method"], seconds)
        if self._policy.access_log:
            _log.info(
                "request",
                method=scope["method"],
                path=context.path or without_secrets(scope["path"]),
                status=context.status,
                milliseconds=round(seconds * 1000, 2),
                key=context.key,
                request_id=context.request_id,
            )

    def _admit(self, scope: Scope, headers: RequestHeaders) -> None:
        """Check a request. Raises Refusal."""
        if len(scope["query_string"]) > _LONGEST_QUERY:
            raise Refusal(Code.ADDRESS_TOO_LONG)
        host = headers.get(b"host")  # Granian adds an empty Host if there is none
        if scope["http_version"] == "1.1" and (not host or b"," in host):
            raise Refusal(Code.BAD_HOST)  # none, or several (RFC 9112 section 3.2)
        wants_https = self._policy.require_https and scope["path"] not in _PROBES
        if wants_https and scheme(scope, headers) != "https":
            # Plain HTTP is safe only within this machine: not for requests that a proxy on it forwards.
            proxied = b"x-forwarded-proto" in headers
            if proxied or not is_loopback(scope):
                raise Refusal(Code.INSECURE)
        if scope["method"] not in _SAFE:
            self._require_own_site(scope, headers)

    def _require_own_site(self, scope: Scope, headers: RequestHeaders) -> None:
        """Refuse requests that a page of another site makes a browser send with a remembered password."""
        if headers.get(b"sec-fetch-site", b"none") not in _OWN_SITE:
            raise Refusal(Code.CROSS_SITE)
        sender = headers.get(b"origin")
        if sender is not None and sender.decode("latin-1") not in (self._own_origin, origin(scope, headers)):
            raise Refusal(Code.CROSS_SITE)

    async def _refuse(self, scope: Scope, send: Send, refusal: Refusal, context: RequestContext) -> None:
        if refusal.code is Code.UNAVAILABLE:
            _log.error("store unavailable", reason=refusal.message, request_id=context.request_id)
        headers = _HEADERS.get(refusal.code, [])
        if refusal.retry_after is not None:
            headers = [(b"retry-after", b"%d" % refusal.retry_after)]
        await send_refusal(scope, send, refusal, [*headers, *context.extra, *unread(scope)])


def without_secrets(path: str) -> str:
    """Return a path as the access log has it: `/book/{token}` in place of a secret address, and all that follows it."""
    return _SECRET.sub(r"\1{token}", path)


def _bounded_headers(scope: Scope) -> RequestHeaders:
    """Return the headers of a request. Raises Refusal (headers too large) before anything else is done with them."""
    headers = scope["headers"]
    if len(headers) > MOST_HEADERS or sum([len(name) + len(value) for name, value in headers]) > LARGEST_HEADERS:
        raise Refusal(Code.HEADERS_TOO_LARGE)
    return joined_headers(scope)


def _origin_of(url: str | None) -> str | None:
    """Return the origin of an address in the form that browsers use."""
    if url is None:
        return None
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
