"""The outermost layer: every request enters and leaves here.

Owns request ids, the refusal of oversized headers and plain HTTP, and what becomes of faults. Must not know a
route.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from rowen.http.addresses import is_loopback, joined_headers, scheme
from rowen.http.answers import Exchange, Headers, RateState, attach, send_refusal
from rowen.interviews.errors import Code, Refusal

_ID_BYTES: Final = 16
_IDS_AT_ONCE: Final = 64
_LARGEST_HEADERS: Final = 32 * 1024
_LONGEST_QUERY: Final = 8 * 1024  # every link to another page repeats it
_HEADERS: Final[dict[Code, Headers]] = {
    Code.UNAUTHENTICATED: [(b"www-authenticate", b'Basic realm="Rowen"')],
    Code.UNAVAILABLE: [(b"retry-after", b"5")],  # seconds; a restart or a freed disk is seldom nearer
}

_log = structlog.stdlib.get_logger("rowen.http")

Observer = Callable[[Exchange, str, float], None]
"""Told of each exchange, its method, and how many seconds it took."""


@dataclass(frozen=True, slots=True)
class EdgePolicy:
    """What the edge asks of every request; `rate_limit` is what answers show before a key is known."""

    require_https: bool
    rate_limit: int
    access_log: bool


class RequestIds:
    """Random request ids, many drawn at a time: each draw lets the interpreter lock go, and waits to get it back."""

    def __init__(self) -> None:
        self._drawn = b""

    def draw(self) -> str:
        """Return an id of 128 random bits that nobody else has."""
        if not self._drawn:
            self._drawn = os.urandom(_ID_BYTES * _IDS_AT_ONCE)
        taken, self._drawn = self._drawn[:_ID_BYTES], self._drawn[_ID_BYTES:]
        return taken.hex()


class Edge:
    """The ASGI application around all others."""

    def __init__(self, inner: ASGIApp, policy: EdgePolicy, observe: Observer) -> None:
        self._inner = inner
        self._policy = policy
        self._observe = observe
        self._ids = RequestIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = perf_counter()
        limit = self._policy.rate_limit
        exchange = Exchange(self._ids.draw(), joined_headers(scope), RateState(limit, limit))
        attach(scope, exchange)
        try:
            self._admit(scope, exchange)
            await self._inner(scope, receive, send)
        except Refusal as refusal:
            await self._refuse(scope, send, refusal, exchange)
        except Exception:  # the last resort: whatever went wrong, the client gets an answer
            _log.exception("request failed", request_id=exchange.request_id, route=exchange.route)
            if exchange.status:
                raise  # the answer has begun: all that is left is to break the connection
            await send_refusal(scope, send, Refusal(Code.FAULT))
        seconds = perf_counter() - started
        self._observe(exchange, scope["method"], seconds)
        if self._policy.access_log:
            _log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=exchange.status,
                milliseconds=round(seconds * 1000, 2),
                key=exchange.key,
                request_id=exchange.request_id,
            )

    def _admit(self, scope: Scope, exchange: Exchange) -> None:
        if sum([len(name) + len(value) for name, value in scope["headers"]]) > _LARGEST_HEADERS:
            raise Refusal(Code.HEADERS_TOO_LARGE)
        if len(scope["query_string"]) > _LONGEST_QUERY:
            raise Refusal(Code.ADDRESS_TOO_LONG)
        if self._policy.require_https and scheme(scope, exchange.headers) != "https":
            # A proxy on this machine says which scheme its client used; who calls from here directly is safe.
            proxied = b"x-forwarded-proto" in exchange.headers
            if proxied or not is_loopback(scope):
                raise Refusal(Code.INSECURE)

    async def _refuse(self, scope: Scope, send: Send, refusal: Refusal, exchange: Exchange) -> None:
        if refusal.code is Code.UNAVAILABLE:
            _log.error("store unavailable", reason=refusal.message, request_id=exchange.request_id)
        if refusal.code is Code.TOO_LARGE and scope["http_version"] != "2":
            # What was not read of the body stands in the way of the next request.
            exchange.extra = [*exchange.extra, (b"connection", b"close")]
        await send_refusal(scope, send, refusal, [*_HEADERS.get(refusal.code, []), *exchange.extra])
