"""The pages next to the API: an overview, its description, its health.

Owns `/`, `/openapi.json`, `/healthz`, `/readyz` and `/metrics`. Must not know the schedule.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from rowen import __version__
from rowen.http import metrics
from rowen.http.addresses import is_loopback
from rowen.http.assets import Asset, Redirect, Room, enter
from rowen.http.documentation import DocumentationSite, documentation
from rowen.http.mirror_metrics import MirrorCollector
from rowen.http.openapi import openapi_document
from rowen.http.responses import JSON, context_of, send_response
from rowen.interviews.errors import Code, Refusal, Unavailable

_ABOUT: Final = {
    "name": "Rowen",
    "version": __version__,
    "description": "The interview schedule of a hiring team, speaking the Harvest API.",
}
_LINKS: Final = {
    "documentation": "/docs",
    "openapi": "/openapi.json",
    "scheduled_interviews": "/v1/scheduled_interviews",
    "v3": "/v3/interviews",
    "tokens": "/token",
    "health": "/healthz",
}
_VARY: Final = [(b"vary", b"Accept")]


class Overview(Asset):
    """The ASGI application of `/`: a program gets an overview, a browser is sent to the documentation."""

    _documentation: Final = Redirect("/", b"docs")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Refusal."""
        if b"text/html" in context_of(scope).headers.get(b"accept", b""):
            await self._documentation(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class PublicPage:
    """The ASGI application of a page that takes GET and needs no key; `make` returns its body."""

    def __init__(self, path: str, make: Callable[[Scope], Awaitable[bytes]], media_type: bytes = JSON) -> None:
        self.path = path
        self._make = make
        self._media_type = media_type

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's shape)
        """Answer one request. Raises Refusal."""
        enter(scope, self.path)
        await send_response(scope, send, 200, await self._make(scope), media_type=self._media_type)


def pages(
    ready: Callable[[], Awaitable[None]],
    room: Room,
    mirrors: Callable[[], Awaitable[MirrorCollector]],
    *,
    public_url: str | None,
    public_metrics: bool,
) -> list[PublicPage | Asset | Redirect | DocumentationSite]:
    """Return the pages; `ready` and `mirrors` raise Unavailable if the store does not respond."""
    about = _ABOUT | {name: f"{public_url or ''}{path}" for name, path in _LINKS.items()}

    async def healthz(_: Scope) -> bytes:
        return b'{"status":"ok"}'

    async def readyz(_: Scope) -> bytes:
        await ready()
        return b'{"status":"ready"}'

    async def exposed_metrics(scope: Scope) -> bytes:
        # Requests that a proxy on this machine forwards are public.
        if not public_metrics and (not is_loopback(scope) or b"x-forwarded-for" in context_of(scope).headers):
            raise Refusal(Code.NOT_FOUND)
        try:
            return metrics.exposition(await mirrors())
        except Unavailable:  # the other numbers show what is wrong
            return metrics.exposition()

    def description() -> bytes:  # when it is first asked for: it takes a third of a worker's start
        return msgspec.json.encode(openapi_document(public_url or "/"))

    return [
        Overview("/", lambda: msgspec.json.encode(about), room, headers=_VARY),
        Asset("/openapi.json", description, room),
        *documentation(room),
        PublicPage("/healthz", healthz),
        PublicPage("/readyz", readyz),
        PublicPage("/metrics", exposed_metrics, metrics.CONTENT_TYPE),
    ]
