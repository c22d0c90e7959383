"""The pages beside the API: what this is, its description, its health.

Owns `/`, `/openapi.json`, `/docs`, `/healthz`, `/readyz` and `/metrics`. Must not know the schedule.
"""

from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from rowen import __version__
from rowen.http import metrics
from rowen.http.addresses import is_loopback
from rowen.http.answers import JSON, Headers, exchange_of, send_answer
from rowen.http.openapi import openapi_document
from rowen.interviews.errors import Code, Refusal

_HTML: Final = b"text/html;charset=utf-8"
_ABOUT: Final = {
    "name": "Rowen",
    "version": __version__,
    "description": "The interview schedule of a hiring team, speaking the Harvest API.",
    "documentation": "/docs",
    "openapi": "/openapi.json",
    "scheduled_interviews": "/v1/scheduled_interviews",
    "health": "/healthz",
}
_ALLOW: Final[Headers] = [(b"allow", b"GET, HEAD")]

# The page's own script is in a file beside the library's: the policy allows no inline code.
_POLICY: Final[Headers] = [
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    )
]
_DOCS: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rowen: the API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""
_START: Final = b"""SwaggerUIBundle({
  url: "openapi.json", dom_id: "#swagger-ui", tryItOutEnabled: true, validatorUrl: null, deepLinking: true
});
"""
_LIBRARY_FILES: Final = {
    "swagger-ui.css": b"text/css",
    "swagger-ui-bundle.js": b"text/javascript",
    "favicon-32x32.png": b"image/png",
}


class Page:
    """The ASGI application of a page that takes GET and needs no key; `make` returns its body."""

    def __init__(
        self,
        path: str,
        make: Callable[[Scope], Awaitable[bytes]],
        media_type: bytes = JSON,
        headers: Headers | None = None,
    ) -> None:
        self.path = path
        self._make = make
        self._media_type = media_type
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's shape)
        """Answer one request. Raises Refusal."""
        if scope["method"] not in {"GET", "HEAD"}:
            exchange_of(scope).extra = _ALLOW
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        exchange_of(scope).route = self.path
        body = await self._make(scope)
        await send_answer(scope, send, 200, body, media_type=self._media_type, headers=self._headers)


def pages(ready: Callable[[], Awaitable[None]], *, public_url: str | None, public_metrics: bool) -> list[Page]:
    """Return the pages; `ready` raises Unavailable where the store does not answer."""

    async def readyz(_: Scope) -> bytes:
        await ready()
        return b'{"status":"ready"}'

    async def exposed_metrics(scope: Scope) -> bytes:
        # A proxy's requests come from this machine, too: what it forwards is the public side.
        if not public_metrics and (not is_loopback(scope) or b"x-forwarded-for" in exchange_of(scope).headers):
            raise Refusal(Code.NOT_FOUND)
        return metrics.exposition()

    return [
        Page("/", _constant(msgspec.json.encode(_ABOUT))),
        Page("/openapi.json", _constant(msgspec.json.encode(openapi_document(public_url or "/")))),
        Page("/docs", _constant(_DOCS), _HTML, _POLICY),
        Page("/docs/start.js", _constant(_START), b"text/javascript"),
        *(Page(f"/docs/{name}", _library_file(name), kind) for name, kind in _LIBRARY_FILES.items()),
        Page("/healthz", _constant(b'{"status":"ok"}')),
        Page("/readyz", readyz),
        Page("/metrics", exposed_metrics, metrics.CONTENT_TYPE),
    ]


def _constant(body: bytes) -> Callable[[Scope], Awaitable[bytes]]:
    async def make(_: Scope) -> bytes:
        return body

    return make


def _library_file(name: str) -> Callable[[Scope], Awaitable[bytes]]:
    async def make(_: Scope) -> bytes:
        # Found, not imported: the package's code is not needed, only what it ships.
        package = find_spec("swagger_ui")
        if package is None or package.origin is None:
            raise Refusal(Code.NOT_FOUND)
        return (Path(package.origin).parent / "static" / name).read_bytes()

    return make
