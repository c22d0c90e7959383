"""Sending a response over ASGI.

Owns the messages of a response and the headers that all of them carry. Must not know its content.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from starlette.types import Scope, Send

from rowen.api import response
from rowen.api.errors import ERROR_RESPONSES, error_body
from rowen.api.generations import Generation
from rowen.http.addresses import RequestHeaders
from rowen.http.connections import Connection, MemoryAccount
from rowen.interviews.errors import Refusal

JSON: Final = response.JSON.encode()
_KEY: Final = "rowen.request"
REVALIDATED: Final = b"max-age=0, private, must-revalidate"
"""The `Cache-Control` of a response that a client may keep, but must ask about."""

Headers = list[tuple[bytes, bytes]]


class RateState(NamedTuple):
    """The state of a key in its window: `limit` and `remaining` requests.

    `resets` is the Unix time of the window's end, 0 if responses do not show it.
    """

    limit: int
    remaining: int
    resets: int = 0


@dataclass(slots=True)
class RequestContext:
    """One request and its response, shared by the layers that handle them.

    `route` is the template of the matching path, `key` the name of the API key, for logs and metrics; `path` is what
    the access log shows in place of a secret path; `extra` are additional headers of a refusal. `connection` counts the
    bytes sent on it. `generation` decides the form of errors. `body_read` is whether the request's body was read.
    """

    request_id: str
    headers: RequestHeaders
    rate: RateState
    connection: Connection = field(default_factory=lambda: Connection(("", ""), MemoryAccount(), 0))
    route: str = ""
    path: str = ""
    key: str = ""
    status: int = 0
    extra: Headers = field(default_factory=list)
    generation: Generation = Generation.V1
    body_read: bool = False


def context_of(scope: Scope) -> RequestContext:
    """Return the context of the request with this scope."""
    found: RequestContext = scope[_KEY]
    return found


def attach(scope: Scope, context: RequestContext) -> None:
    """Store a context in a scope, for all that handle it."""
    scope[_KEY] = context


async def send_response(
    scope: Scope,
    send: Send,
    status: int,
    body: bytes,
    *,
    headers: Headers | None = None,
    media_type: bytes = JSON,
    cache_control: bytes = REVALIDATED,
) -> None:
    """Send a whole response; `headers` are those that only this response has."""
    own: Headers = [(b"cache-control", cache_control)]
    if status != 304:
        own.append((b"content-type", media_type))
        own.append((b"content-length", b"%d" % len(body)))
    if headers:
        own += headers
    if scope["method"] == "HEAD":
        body = b""
    await send_start(scope, send, status, own)
    context: RequestContext = scope[_KEY]
    context.connection.hand(len(body))
    await send({"type": "http.response.body", "body": body})


async def send_start(scope: Scope, send: Send, status: int, headers: Headers) -> None:
    """Begin a response: its status, the headers of every response, and its own."""
    context = context_of(scope)
    context.status = status
    rate = context.rate
    all_headers: Headers = [
        (b"x-request-id", context.request_id.encode()),
        (b"x-ratelimit-limit", b"%d" % rate.limit),
        (b"x-ratelimit-remaining", b"%d" % rate.remaining),
        (b"x-content-type-options", b"nosniff"),
        *headers,
    ]
    if rate.resets:
        all_headers.append((b"x-ratelimit-reset", b"%d" % rate.resets))
    await send({"type": "http.response.start", "status": status, "headers": all_headers})


async def send_refusal(scope: Scope, send: Send, refusal: Refusal, headers: Headers | None = None) -> None:
    """Send the response to a refusal."""
    context = context_of(scope)
    body = error_body(refusal, context.request_id, context.generation)
    await send_response(scope, send, ERROR_RESPONSES[refusal.code].status, body, headers=headers)
