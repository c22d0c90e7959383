"""The body of a request.

Owns how much of it is read, for how long, and which media types are accepted. Must not know its content.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from starlette.types import Receive, Scope

from rowen.http.addresses import RequestHeaders
from rowen.http.responses import Headers, context_of
from rowen.interviews.errors import Code, FieldProblem, Refusal

LARGEST_BODY: Final = 2**20

BODY_SECONDS: Final = 20.0
"""How long a request's body may take to arrive, in seconds."""

_Body = TypeVar("_Body")
_STRICT: Final = "/rowen/"
"""Harvest clients may omit `Content-Type`. Under this path it is required: browsers can omit it for other sites.
"""


_TOO_LARGE: Final = FieldProblem("body", "is larger than 1 MiB")


async def has_body(scope: Scope, headers: RequestHeaders, receive: Receive) -> bool:
    """Return whether a request that should have no body has one. Raises Refusal (timed out)."""
    announced = headers.get(b"content-length")
    if announced:
        return announced.strip(b"0") != b""
    if b"transfer-encoding" in headers or scope["http_version"] == "2":
        message = await _in_time(receive())
        return bool(message.get("body")) or bool(message.get("more_body"))
    return False


async def read_body(
    scope: Scope, headers: RequestHeaders, receive: Receive, count: Callable[[int], None], *, forms: bool = False
) -> bytes:
    """Return the whole body; `count` is called with the size of each part, and may raise Refusal.

    With `forms` it may be a form, too (`is_form`). Raises Refusal: too large, too slow, or of an unsupported media
    type.
    """
    announced = headers.get(b"content-length", b"").strip()
    if announced.isdigit() and int(announced) > LARGEST_BODY:
        raise Refusal(Code.TOO_LARGE, problems=(_TOO_LARGE,))
    body = b""
    if announced != b"0" and (announced or b"transfer-encoding" in headers or scope["http_version"] == "2"):
        body = await _in_time(_whole(receive, count))
        context_of(scope).body_read = True
    if body and scope["method"] != "DELETE" and not (forms and is_form(headers)):
        _require_json(headers, assumed=not scope["path"].startswith(_STRICT))
    return body


def is_form(headers: RequestHeaders) -> bool:
    """Return whether a body is a form, as browsers encode it."""
    kind = headers.get(b"content-type", b"").partition(b";")[0]
    return kind.strip().lower() == b"application/x-www-form-urlencoded"


def unread(scope: Scope) -> Headers:
    """Return the headers of a refusal that leaves a body unread, if it does: its rest would precede the next request.

    The server closes such a connection of HTTP/1 in any case, and a next request on it would fail.
    """
    context = context_of(scope)
    announced = context.headers.get(b"content-length", b"0").strip(b"0") or b"transfer-encoding" in context.headers
    if context.body_read or not announced or scope["http_version"] == "2":
        return []
    return [(b"connection", b"close")]


async def _whole(receive: Receive, count: Callable[[int], None]) -> bytes:
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(Code.MALFORMED, "the client disconnected")
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            raise Refusal(Code.TOO_LARGE, problems=(_TOO_LARGE,))
        count(len(part))
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


async def _in_time(body: Awaitable[_Body]) -> _Body:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await body
    except TimeoutError:
        raise Refusal(Code.TIMED_OUT) from None


def _require_json(headers: RequestHeaders, *, assumed: bool) -> None:
    """Raise Refusal if a body is not JSON in UTF-8; if `assumed`, one without `Content-Type` is taken for it."""
    kind, _, parameters = headers.get(b"content-type", b"application/json" if assumed else b"").partition(b";")
    kind = kind.strip().lower()
    coded = headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b"")
    charset = parameters.strip().lower().replace(b'"', b"").replace(b" ", b"")
    foreign = charset.startswith(b"charset=") and charset not in (b"charset=utf-8", b"charset=utf8")
    if coded or foreign or not (kind == b"application/json" or kind.endswith(b"+json")):
        raise Refusal(Code.UNSUPPORTED_MEDIA)
