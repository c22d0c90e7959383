"""One path of the API: what happens between routing and the call itself.

Owns the order parse, authorise, decide, render. Must not know what a call does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from rowen.app.ports import KeyAccess
from rowen.app.services import Services
from rowen.harvest.calls import Answer, Call
from rowen.harvest.operations import Operation
from rowen.http.addresses import origin
from rowen.http.answers import Headers, exchange_of, send_answer
from rowen.http.authentication import Authentication
from rowen.http.bodies import has_body, read_body
from rowen.http.compression import accepts_gzip, compress
from rowen.http.rate_limit import Limiter
from rowen.http.streaming import Streams
from rowen.interviews.errors import Code, Refusal


@dataclass(frozen=True, slots=True)
class Gate:
    """What every endpoint needs: who may call, how often, and the public address if one is set."""

    services: Services
    authentication: Authentication
    limiter: Limiter
    public_url: str | None
    streams: Streams = field(default_factory=Streams)


class Endpoint:
    """The ASGI application of one path."""

    def __init__(self, gate: Gate, operations: Mapping[str, Operation]) -> None:
        self._gate = gate
        self._operations = dict(operations)
        if "GET" in operations:
            self._operations["HEAD"] = operations["GET"]
        self._allow: Headers = [(b"allow", ", ".join(sorted(self._operations)).encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Refusal."""
        exchange = exchange_of(scope)
        operation = self._operations.get(scope["method"])
        if operation is None:
            exchange.extra = self._allow
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        exchange.route = operation.path
        call = await self._authorise(scope, operation)
        if operation.method == "GET":
            if await has_body(scope, exchange.headers, receive):
                raise Refusal(Code.UNEXPECTED_BODY)
        else:
            call = call._replace(body=await read_body(scope, exchange.headers, receive))
        answer = await operation.handler(self._gate.services, call)
        if answer.stream is None:
            await _render(scope, send, answer)
            return

        async def check() -> None:
            access = await self._gate.authentication.authenticate(scope)
            _require(operation, access)

        await self._gate.streams.send(scope, receive, send, answer.stream, check)

    async def _authorise(self, scope: Scope, operation: Operation) -> Call:
        exchange = exchange_of(scope)
        access = await self._gate.authentication.authenticate(scope)
        exchange.key = access.name
        await self._gate.limiter.admit(access, exchange)
        _require(operation, access)
        return Call(
            access.organization,
            access.key_id,
            access.name,
            operation.method,
            scope["path_params"],
            (self._gate.public_url or origin(scope, exchange.headers)) + scope["path"],
            str(scope["query_string"], "latin-1"),
            exchange.headers,
        )


def _require(operation: Operation, access: KeyAccess) -> None:
    if operation.permission not in access.permissions:
        raise Refusal(Code.FORBIDDEN)


async def _render(scope: Scope, send: Send, answer: Answer) -> None:
    headers: Headers = [(b"vary", b"Accept-Encoding")]
    if answer.etag:
        headers.append((b"etag", answer.etag.encode()))
    if answer.body is None:
        await send_answer(scope, send, 304, b"", headers=headers)
        return
    if answer.link is not None:
        headers.append((b"link", answer.link.encode("latin-1")))
    if answer.warning is not None:
        headers.append((b"warning", answer.warning.encode("latin-1")))
    body = answer.body
    # A strong tag stands for the very bytes: only what has a weak one may be sent in another coding.
    if answer.etag.startswith("W/") and accepts_gzip(exchange_of(scope).headers.get(b"accept-encoding", b"")):
        compressed = compress(body)
        if compressed is not None:
            headers.append((b"content-encoding", b"gzip"))
            body = compressed
    await send_answer(scope, send, answer.status, body, headers=headers)
