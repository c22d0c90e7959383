"""Sending an answer over ASGI.

Owns the messages of a response and the headers that every one carries. Must not know what an answer says.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from starlette.types import Scope, Send

from rowen.harvest.problems import PROBLEMS, problem_body
from rowen.http.addresses import RequestHeaders
from rowen.interviews.errors import Refusal

JSON: Final = b"application/json;charset=utf-8"
_KEY: Final = "rowen.exchange"

Headers = list[tuple[bytes, bytes]]


class RateState(NamedTuple):
    """Where a key stands in its window: `limit` and `remaining` requests."""

    limit: int
    remaining: int


@dataclass(slots=True)
class Exchange:
    """One request and its answer, as the edge follows them: what the parts of it tell each other.

    `route` is the template of the path that matched, `key` the name of the API key, for logs and metrics; `extra` are
    headers that a refusal has besides its own.
    """

    request_id: str
    headers: RequestHeaders
    rate: RateState
    route: str = ""
    key: str = ""
    status: int = 0
    extra: Headers = field(default_factory=list)


def exchange_of(scope: Scope) -> Exchange:
    """Return the exchange that a scope belongs to."""
    found: Exchange = scope[_KEY]
    return found


def attach(scope: Scope, exchange: Exchange) -> None:
    """Make an exchange known to all that handle its scope."""
    scope[_KEY] = exchange


async def send_answer(
    scope: Scope,
    send: Send,
    status: int,
    body: bytes,
    *,
    headers: Headers | None = None,
    media_type: bytes = JSON,
) -> None:
    """Send a whole answer; `headers` are those that only this answer has."""
    own: Headers = [(b"cache-control", b"max-age=0, private, must-revalidate")]
    if status != 304:
        own.append((b"content-type", media_type))
        own.append((b"content-length", b"%d" % len(body)))
    if headers:
        own += headers
    await send_start(scope, send, status, own)
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def send_start(scope: Scope, send: Send, status: int, headers: Headers) -> None:
    """Begin an answer: its status, the headers that every one carries, and its own."""
    exchange = exchange_of(scope)
    exchange.status = status
    rate = exchange.rate
    all_headers: Headers = [
        (b"x-request-id", exchange.request_id.encode()),
        (b"x-ratelimit-limit", b"%d" % rate.limit),
        (b"x-ratelimit-remaining", b"%d" % rate.remaining),
        (b"x-content-type-options", b"nosniff"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})


async def send_refusal(scope: Scope, send: Send, refusal: Refusal, headers: Headers | None = None) -> None:
    """Send the answer to what was refused."""
    exchange = exchange_of(scope)
    body = problem_body(refusal, exchange.request_id)
    await send_answer(scope, send, PROBLEMS[refusal.code].status, body, headers=headers)
