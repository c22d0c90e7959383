"""Sessions as credentials of requests.

Owns finding the session of a request, and the token that its unsafe requests must carry. Must not know pages.

The token is made of the session's secret, which no script and no other site can read: it needs no row of its own, and
ends with the session.
"""

import hmac
from collections.abc import Coroutine, Sequence
from hashlib import sha256
from secrets import token_bytes
from typing import Final, NamedTuple, Protocol

import structlog
from starlette.types import Scope

from rowen.app.keys import Identity
from rowen.app.sessions import USE_INTERVAL, Sessions, SignInSession, SignInToken, read_token
from rowen.http.addresses import RequestHeaders, origin
from rowen.http.authentication import Authentication, Authenticator
from rowen.http.responses import context_of
from rowen.interviews.errors import Code, Refusal, Unavailable
from rowen.interviews.moments import Clock
from rowen.web.cookies import read_cookie, session_name

CSRF_HEADER: Final = b"x-csrf-token"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PURPOSE: Final = b"rowen csrf"
_OWN_SITE: Final = (b"same-origin", b"none")

_log = structlog.stdlib.get_logger("rowen.web")


class Visit(NamedTuple):
    """A request of a session: the session, what is stored of its secret, and the token of its forms."""

    session: SignInSession
    token: SignInToken
    csrf: bytes


class Confirmer(Protocol):
    """Asks the identity provider about the sessions that it began."""

    async def confirmed(self, session: SignInSession, token: SignInToken, secret: str) -> SignInSession | None:
        """Return a session as the provider says it is; None if it has ended. Raises Unavailable."""
        ...


class SessionFinder:
    """Finds the sessions of requests, and records their use now and then.

    Without a `confirmer` there is no provider any more: the sessions that it began have ended.
    """

    def __init__(self, sessions: Sessions, now: Clock, confirmer: Confirmer | None = None) -> None:
        self._sessions = sessions
        self._now = now
        self._confirmer = confirmer

    def secret(self, scope: Scope, headers: RequestHeaders) -> str:
        """Return the secret in the cookie of a request; empty if there is none."""
        if b"cookie" not in headers:
            return ""
        name = session_name(origin(scope, headers))
        return read_cookie(headers, name) if name else ""

    async def find(self, scope: Scope) -> Visit | None:
        """Return the visit that a request belongs to; None without a valid session."""
        secret = self.secret(scope, context_of(scope).headers)
        token = read_token(secret)
        if token is None:
            return None
        now = self._now()
        session = await self._sessions.find(token, now)
        if session is not None and session.confirmed_at is not None:
            confirmer = self._confirmer
            session = None if confirmer is None else await confirmer.confirmed(session, token, secret)
        if session is None:
            return None
        if now - session.used_at >= USE_INTERVAL:
            try:
                await self._sessions.record_use(token, now)
            except Unavailable as error:  # reading goes on: the next request records it
                _log.warning("use of a session not recorded", reason=error.message)
        return Visit(session, token, csrf_token(secret))


class SessionAuthentication(Authentication):
    """Authenticates requests of the API: by the authenticators, or else by a session."""

    def __init__(self, authenticators: Sequence[Authenticator], finder: SessionFinder) -> None:
        super().__init__(authenticators)
        self._finder = finder

    def authenticate(self, scope: Scope) -> Coroutine[None, None, Identity]:
        """Return the identity of a request. Raises Refusal: unauthenticated; cross-site, without the session's token.

        Credentials of another kind count before a session, valid or not. No coroutine of its own: programs send no
        cookie, and each costs them 0.2 µs.
        """
        if b"cookie" not in context_of(scope).headers or self.has_credentials(scope):
            return super().authenticate(scope)
        return self._of_session(scope)

    async def _of_session(self, scope: Scope) -> Identity:
        visit = await self._finder.find(scope)
        if visit is None:
            return await super().authenticate(scope)
        if scope["method"] not in SAFE:
            require_token(visit, str(context_of(scope).headers.get(CSRF_HEADER, b""), "latin-1"))
        return visit.session.identity


def csrf_token(secret: str) -> bytes:
    """Return the token that the unsafe requests of a session carry."""
    return hmac.digest(secret.encode("latin-1"), _PURPOSE, sha256)


def shown_token(token: bytes) -> str:
    """Return a token as a page shows it: other text in each page, so that compressing it reveals nothing (BREACH)."""
    pad = token_bytes(len(token))
    return (pad + _xor(pad, token)).hex()


def require_token(visit: Visit, given: str) -> None:
    """Raise Refusal (cross-site) if a request has not the token of its session."""
    try:
        content = bytes.fromhex(given)
    except ValueError:
        content = b""
    size = len(visit.csrf)
    if len(content) != 2 * size or not hmac.compare_digest(_xor(content[:size], content[size:]), visit.csrf):
        raise Refusal(Code.CROSS_SITE)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def require_own_page(headers: RequestHeaders) -> None:
    """Raise Refusal (cross-site) if nothing shows that a form of our own sent a request without a session.

    The edge refuses those that name another site; browsers name one with every form.
    """
    if b"origin" not in headers and headers.get(b"sec-fetch-site") not in _OWN_SITE:
        raise Refusal(Code.CROSS_SITE)
