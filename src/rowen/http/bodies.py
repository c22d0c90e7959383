"""The body of a request.

Owns how much of it is read and of what kind it may be. Must not know what it says.
"""

from typing import Final

from starlette.types import Receive, Scope

from rowen.http.addresses import RequestHeaders
from rowen.interviews.errors import Code, FieldProblem, Refusal

LARGEST_BODY: Final = 2**20

_TOO_LARGE: Final = FieldProblem("body", "is larger than 1 MiB")


async def has_body(scope: Scope, headers: RequestHeaders, receive: Receive) -> bool:
    """Tell whether a request has a body, though it should have none."""
    announced = headers.get(b"content-length")
    if announced:
        return announced.strip(b"0") != b""
    if b"transfer-encoding" in headers or scope["http_version"] == "2":
        message = await receive()
        return bool(message.get("body")) or bool(message.get("more_body"))
    return False


async def read_body(scope: Scope, headers: RequestHeaders, receive: Receive) -> bytes:
    """Return the whole body. Raises Refusal: too large, or of a kind that is not read here."""
    announced = headers.get(b"content-length", b"").strip()
    if announced.isdigit() and int(announced) > LARGEST_BODY:
        raise Refusal(Code.TOO_LARGE, problems=(_TOO_LARGE,))
    body = b""
    if announced != b"0" and (announced or b"transfer-encoding" in headers or scope["http_version"] == "2"):
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refusal(Code.MALFORMED, "the client has gone")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > LARGEST_BODY:
                raise Refusal(Code.TOO_LARGE, problems=(_TOO_LARGE,))
            more = message.get("more_body", False)
        body = b"".join(parts)
    if body and scope["method"] != "DELETE":
        _require_json(headers)
    return body


def _require_json(headers: RequestHeaders) -> None:
    kind, _, parameters = headers.get(b"content-type", b"application/json").partition(b";")
    kind = kind.strip().lower()
    coded = headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b"")
    charset = parameters.strip().lower().replace(b'"', b"").replace(b" ", b"")
    foreign = charset.startswith(b"charset=") and charset not in (b"charset=utf-8", b"charset=utf8")
    if coded or foreign or not (kind == b"application/json" or kind.endswith(b"+json")):
        raise Refusal(Code.UNSUPPORTED_MEDIA)
