"""Static files that are served next to the API, and redirects.

Owns how a file that does not change is compressed, tagged and kept. Must not know which files are served.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from starlette.types import Receive, Scope, Send

from rowen.api.headers.conditional import matches
from rowen.http.compression import accepts_gzip
from rowen.http.connections import Connection
from rowen.http.responses import JSON, REVALIDATED, Headers, RequestContext, context_of, send_response
from rowen.interviews.errors import Code, Refusal

Room = Callable[[Connection, int], Awaitable[None]]
"""A function that waits, and raises Refusal, if the peer already has too much to read."""

_ALLOW: Final[Headers] = [(b"allow", b"GET, HEAD")]


class Asset:
    """The ASGI application of a file that never changes while the process runs.

    It is loaded and compressed on first use, and kept.
    """

    def __init__(
        self,
        path: str,
        load: Callable[[], bytes],
        room: Room,
        media_type: bytes = JSON,
        headers: Headers | None = None,
        *,
        cache_control: bytes = REVALIDATED,
    ) -> None:
        self.path = path
        self._cache_control = cache_control
        self._load = load
        self._room = room
        self._headers: Headers = [(b"vary", b"Accept-Encoding"), *(headers or [])]
        self._media_type = media_type
        self._copies: _Copies | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's shape)
        """Answer one request. Raises Refusal."""
        context = enter(scope, self.path)
        if self._copies is None:
            self._copies = await asyncio.to_thread(_copies, self._load)
        copies = self._copies
        headers: Headers = [(b"etag", copies.etag.encode()), *self._headers]
        if matches(str(context.headers.get(b"if-none-match", b""), "latin-1"), copies.etag):
            await send_response(scope, send, 304, b"", headers=headers, cache_control=self._cache_control)
            return
        body = copies.plain
        if copies.compressed and accepts_gzip(context.headers.get(b"accept-encoding", b"")):
            headers.append((b"content-encoding", b"gzip"))
            body = copies.compressed
        await self._room(context.connection, 0)  # waiting copies are shared by all requests
        await send_response(
            scope,
            send,
            200,
            body,
            media_type=self._media_type,
            headers=headers,
            cache_control=self._cache_control,
        )


class _Copies(NamedTuple):
    """The stored forms of an asset; `compressed` is None if it is not smaller."""

    etag: str
    plain: bytes
    compressed: bytes | None


def _copies(load: Callable[[], bytes]) -> _Copies:
    plain = load()
    compressed = gzip.compress(plain, mtime=0)
    etag = f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"'  # weak: both codings share it (RFC 9110 section 8.8.1)
    return _Copies(etag, plain, compressed if len(compressed) < len(plain) else None)


def enter(scope: Scope, path: str) -> RequestContext:
    """Record the route of a request for a page. Raises Refusal (method not allowed)."""
    context = context_of(scope)
    if scope["method"] not in {"GET", "HEAD"}:
        context.extra = _ALLOW
        raise Refusal(Code.METHOD_NOT_ALLOWED)
    context.route = path
    return context


class Redirect:
    """The ASGI application of a path that redirects to another; `target` is relative to it.

    A relative address also works behind a proxy that serves Rowen under a path of its own. The redirect is temporary
    (307), because its target depends on the installation.
    """

    def __init__(self, path: str, target: bytes) -> None:
        self.path = path
        self._headers: Headers = [(b"location", target)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's shape)
        """Answer one request. Raises Refusal."""
        enter(scope, self.path)
        await send_response(scope, send, 307, b"", headers=self._headers)
