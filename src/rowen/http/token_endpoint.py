"""`/token` and `/auth/token`: where clients of Harvest v3 get their bearer tokens.

Owns how a request for a token is spelled, and the bodies of the answers (contract section 11). Must not know the
form of a token. Secrets are read from the `Authorization` header and from the body only, never from the address, which
the logs of servers and proxies contain.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from rowen.api.codec.tokens import write
from rowen.api.generations import Generation
from rowen.api.identifiers import read_identifier
from rowen.api.reading.body import read_object
from rowen.app.keys import digest
from rowen.app.tokens import (
    LIFETIME,
    Issuer,
    RegisteredClient,
    TokenGrant,
    Tokens,
    authenticated_client,
    grant,
    grant_to_refresh_token,
)
from rowen.http.authentication import basic_credentials
from rowen.http.bodies import is_form, read_body
from rowen.http.rate_limit import Limiter
from rowen.http.responses import Headers, RequestContext, context_of, send_response
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.moments import Clock, Instant

ISSUING_PATH: Final = "/token"
BRIDGE_PATH: Final = "/auth/token"
"""The path that also takes an API key in place of a client's id and secret."""

_LARGEST: Final = 16 * 1024
_MOST_FIELDS: Final = 20
_ALLOW: Final[Headers] = [(b"allow", b"POST")]
_NO_STORE: Final = b"no-store"  # RFC 6749 section 5.1
_GRANTS: Final = (
    "authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:token-exchange"
)


class _Answer(NamedTuple):
    status: int
    body: Mapping[str, Any]


class _Asked(NamedTuple):
    """A request for a token: who asks (an id and a secret), and the fields of the query and the body."""

    name: str
    secret: str
    fields: Mapping[str, str]


_INVALID_CLIENT: Final = _Answer(401, {"error": "invalid_client"})
_INVALID_GRANT: Final = _Answer(400, {"error": "invalid_grant"})
_UNSUPPORTED: Final = _Answer(400, {"error": "unsupported_grant_type"})
_NO_GRANT_TYPE: Final = _Answer(400, {"message": "Must include `grant_type` parameter in /token request"})
_BAD_USER: Final = _Answer(
    400, {"error": "invalid_request", "error_description": "`sub` must be the id of an active user"}
)


class TokenEndpoint:
    """The ASGI application of a path that issues tokens; with `takes_keys` also to API keys."""

    def __init__(self, path: str, tokens: Tokens, limiter: Limiter, now: Clock, *, takes_keys: bool) -> None:
        self.path = path
        self._tokens = tokens
        self._limiter = limiter
        self._now = now
        self._takes_keys = takes_keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Refusal."""
        context = context_of(scope)
        context.route = self.path
        context.generation = Generation.V3
        context.rate = self._limiter.initial()
        if scope["method"] != "POST":
            context.extra = _ALLOW
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        status, body = await self._answer(await _asked(scope, receive, context), context)
        await send_response(scope, send, status, msgspec.json.encode(body), cache_control=_NO_STORE)

    async def _answer(self, asked: _Asked, context: RequestContext) -> _Answer:
        if not asked.name:
            return _Answer(401, {"message": "Unauthorized", "errorId": f"err-{context.request_id}"})
        text = asked.fields.get("sub", "")
        user = read_identifier(text)
        if text and user is None:
            return _BAD_USER
        grant_type = asked.fields.get("grant_type")
        if not grant_type and self._takes_keys:
            issuer = await self._tokens.key(digest(asked.name))
            if issuer is None:
                return _INVALID_CLIENT
            return await self._require_user(issuer, user) or _granted(grant(issuer, user, self._now()), _INVALID_GRANT)
        if not grant_type:
            return _NO_GRANT_TYPE
        if grant_type not in _GRANTS.split(", "):
            message = f"grant_type={grant_type[:100]} is invalid, please use one of: {_GRANTS}"
            return _Answer(400, {"message": message})
        client = await authenticated_client(self._tokens, asked.name, asked.secret)
        if client is None:
            return _INVALID_CLIENT
        return await self._require_user(client.issuer, user) or self._grant(grant_type, client, asked, user)

    async def _require_user(self, issuer: Issuer, user: int | None) -> _Answer | None:
        """Return the refusal of a request that names a user who cannot act."""
        return None if user is None or await self._tokens.may_act(issuer.organization, user) else _BAD_USER

    def _grant(self, grant_type: str, client: RegisteredClient, asked: _Asked, user: int | None) -> _Answer:
        if grant_type == "client_credentials":
            return _granted(grant(client.issuer, user, self._now()), _INVALID_CLIENT)
        if grant_type == "refresh_token":
            refresh_token = asked.fields.get("refresh_token", "")
            return _granted(grant_to_refresh_token(client, refresh_token, user, self._now()), _INVALID_GRANT)
        # Rowen has no page on which a person allows an application, so no code was ever issued.
        return _INVALID_GRANT if grant_type == "authorization_code" else _UNSUPPORTED


async def _asked(scope: Scope, receive: Receive, context: RequestContext) -> _Asked:
    received = 0

    def count(size: int) -> None:
        nonlocal received
        received += size
        if received > _LARGEST:
            raise Refusal(Code.TOO_LARGE)

    fields = _form(scope["query_string"])
    # Never taken from the address.
    fields = {name: text for name, text in fields.items() if name in ("grant_type", "sub")}
    body = await read_body(scope, context.headers, receive, count, forms=True)
    if body:
        fields.update(_form(body) if is_form(context.headers) else _object(body))
    name, secret = basic_credentials(context.headers) or (fields.get("client_id", ""), fields.get("client_secret", ""))
    return _Asked(name, secret, fields)


def _form(content: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(content.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:  # too many
        raise Refusal(Code.MALFORMED) from None


def _object(body: bytes) -> dict[str, str]:
    problems = Problems()
    given = read_object(body, problems)
    problems.raise_any()
    fields = {name: _text(value) for name, value in given.items() if value is not None}
    if any("\ud800" <= character <= "\udfff" for text in fields.values() for character in text):
        raise Refusal(Code.MALFORMED)  # half of a surrogate pair, which no encoding of text has
    return fields


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else msgspec.json.encode(value).decode()


def _granted(granted: TokenGrant | None, refused: _Answer) -> _Answer:
    """Return the answer with a token: a superset of what clients read."""
    if granted is None:
        return refused
    ends = str(Instant(granted.claims.expires * 1_000)).replace(".000Z", "Z")
    refreshing = {} if granted.refresh_token is None else {"refresh_token": granted.refresh_token}
    body = {
        "access_token": write(granted),
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "expires_at": ends,
        "expires": ends,
        "scope": " ".join(sorted(granted.scopes)),
    }
    return _Answer(200, body | refreshing)
