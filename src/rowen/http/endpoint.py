"""One path of the API: everything between routing and the call itself.

Owns the order authorise, parse and decide (both in the handler), render. Must not know what a call does.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Receive, Scope, Send

from rowen.api.declarations import Operation
from rowen.api.generations import Generation
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app.keys import Identity
from rowen.app.services import Services
from rowen.http.addresses import origin
from rowen.http.authentication import Authentication
from rowen.http.bodies import has_body, read_body
from rowen.http.compression import accepts_gzip, compress
from rowen.http.connections import Connections
from rowen.http.rate_limit import Limiter
from rowen.http.responses import Headers, context_of, send_response
from rowen.http.streaming import EventStreams
from rowen.interviews.errors import Code, Refusal

_NOT_HELD: Final = (b"x-rowen-empty", b"not held")


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides who may call the operations of a generation of the API, and how often."""

    authentication: Authentication
    limiter: Limiter


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What every endpoint needs: the gate of each generation, and the public address if one is set."""

    services: Services
    gates: Mapping[Generation, Gate]
    connections: Connections
    public_url: str | None
    streams: EventStreams = field(default_factory=EventStreams)


class Endpoint:
    """The ASGI application of one path."""

    def __init__(self, api: ApiContext, operations: Mapping[str, Operation]) -> None:
        (self._generation,) = {each.generation for each in operations.values()}
        self._api = api
        self._gate = api.gates[self._generation]
        self._operations = dict(operations)
        if "GET" in operations:
            self._operations["HEAD"] = operations["GET"]
        secret = [each.path for each in operations.values() if each.secret_path]
        self._logged_path = secret[0] if secret else ""
        self._allow: Headers = [(b"allow", ", ".join(sorted(self._operations)).encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Refusal."""
        context = context_of(scope)
        context.path = self._logged_path
        if self._generation is not Generation.V1:
            context.generation = self._generation
        operation = self._operations.get(scope["method"])
        if operation is None:
            await identify(self._gate, scope)
            context.extra = self._allow
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        context.route = operation.path
        # As in `identify`, which would cost each request a coroutine more.
        try:
            access = await self._gate.authentication.authenticate(scope)
        except Exception:
            context.rate = self._gate.limiter.initial()
            raise
        context.key = access.name
        await self._gate.limiter.admit(access, context)
        connections, connection = self._api.connections, context.connection
        connections.charge(connection, access)
        if connections.crowded(connection):
            await connections.room(connection)
        _require(operation, access)
        if operation.method == "GET":
            if await has_body(scope, context.headers, receive):
                raise Refusal(Code.UNEXPECTED_BODY)
            response = await operation.handler(self._api.services, self._call(scope, operation, access))
            # Checked again: many requests may have found room before the first of them was answered.
            if connections.crowded(connection):
                await connections.room(connection, len(response.body or b""))
        else:
            response = await self._write(scope, receive, operation, access)
        if response.stream is None:
            await _render(scope, send, response)
        else:
            await self._stream(scope, receive, send, operation, response.stream)

    async def _write(self, scope: Scope, receive: Receive, operation: Operation, access: Identity) -> Response:
        context = context_of(scope)
        with context.connection.account.receive() as count:

            def admit(size: int) -> None:
                count(size)
                context.connection.bodies += size
                self._api.connections.admit(context.connection)

            body = await read_body(scope, context.headers, receive, admit)
            return await operation.handler(self._api.services, self._call(scope, operation, access, body))

    async def _stream(
        self, scope: Scope, receive: Receive, send: Send, operation: Operation, events: AsyncGenerator[bytes, None]
    ) -> None:
        connection = context_of(scope).connection

        async def check() -> None:
            _require(operation, await self._gate.authentication.authenticate(scope))
            self._api.connections.admit(connection)

        async with aclosing(events) as stream:
            with self._api.connections.following(connection):
                await self._api.streams.send(scope, receive, send, stream, check)

    def _call(self, scope: Scope, operation: Operation, access: Identity, body: bytes = b"") -> ApiRequest:
        headers = context_of(scope).headers
        return ApiRequest(
            access.organization,
            access.id,
            access.name,
            operation.method,
            scope["path_params"],
            (self._api.public_url or origin(scope, headers)) + scope["path"],
            str(scope["query_string"], "latin-1"),
            headers,
            body,
            access.acting_user,
            access.permissions,
        )


async def identify(gate: Gate, scope: Scope) -> Identity:
    """Return the maker of a request, which counts towards the rate limit. Raises Refusal."""
    context = context_of(scope)
    try:
        access = await gate.authentication.authenticate(scope)
    except Exception:  # whatever it is, the answer shows the limit, as every answer does
        context.rate = gate.limiter.initial()
        raise
    context.key = access.name
    await gate.limiter.admit(access, context)
    return access


def _require(operation: Operation, access: Identity) -> None:
    if operation.permission not in access.permissions:
        raise Refusal(Code.FORBIDDEN)


async def _render(scope: Scope, send: Send, response: Response) -> None:
    headers: Headers = [(b"vary", b"Accept-Encoding")]
    if response.etag:
        headers.append((b"etag", response.etag.encode()))
    if response.body is None:
        await send_response(scope, send, 304, b"", headers=headers)
        return
    if response.link is not None:
        headers.append((b"link", response.link.encode("latin-1")))
    if not response.is_held:
        headers.append(_NOT_HELD)
    if response.warning is not None:
        headers.append((b"warning", response.warning.encode("latin-1")))
    body = response.body
    # A strong tag stands for exact bytes: only a response with a weak one may be compressed.
    if response.etag.startswith("W/") and accepts_gzip(context_of(scope).headers.get(b"accept-encoding", b"")):
        compressed = compress(body)
        if compressed is not None:
            headers.append((b"content-encoding", b"gzip"))
            body = compressed
    media_type = response.media_type.encode("latin-1")
    await send_response(scope, send, response.status, body, headers=headers, media_type=media_type)
