"""One page: everything between its route and the function that makes it.

Owns the order session, role, limits, form, answer; the headers of every page; and the pages of refusals. Must not know
what a page shows.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from starlette.types import Receive, Scope, Send

from rowen.api.errors import ERROR_RESPONSES
from rowen.app.roles import Role
from rowen.app.sessions import Session
from rowen.http.addresses import origin
from rowen.http.bodies import is_form, read_body
from rowen.http.compression import accepts_gzip, compress
from rowen.http.connections import Connections
from rowen.http.rate_limit import Limiter
from rowen.http.responses import Headers, context_of, send_response
from rowen.interviews.errors import Code, Refusal
from rowen.web import cookies
from rowen.web.authentication import (
    SAFE,
    SessionFinder,
    Visit,
    require_own_page,
    require_token,
    shown_token,
)
from rowen.web.cookies import Cookie
from rowen.web.languages import Language, chosen_language
from rowen.web.rendering import Renderer
from rowen.web.views import Viewer

_HTML: Final = b"text/html;charset=utf-8"
_MOST_FIELDS: Final = 50
_LARGEST_FORM: Final = 64 * 1024
# Nothing of a page is kept: a shared computer's back button shows nothing after signing out.
_NOT_KEPT: Final = b"no-store"
_POLICY: Final = (
    b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final[Headers] = [
    (b"content-security-policy", _POLICY),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"vary", b"Accept, Accept-Encoding, Accept-Language, Cookie"),
]
_SHOWN: Final = frozenset(
    {
        Code.NOT_FOUND,
        Code.FORBIDDEN,
        Code.CROSS_SITE,
        Code.INVALID,
        Code.CONFLICT,
        Code.READ_ONLY,
        Code.RATE_LIMITED,
        Code.UNAVAILABLE,
    }
)
"""The refusals that have a page; the edge answers the others, which no page of ours leads to."""

_log = structlog.stdlib.get_logger("rowen.web")


class Access(Enum):
    """The people who may see a page."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed in"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for a page. `base` is the path under which the pages are, empty at the root of a host."""

    scope: Scope
    path: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    visit: Visit | None
    language: Language
    origin: str
    base: str

    @property
    def session(self) -> Session:
        """The session of a page for people who are signed in. Raises Refusal (forbidden) without one."""
        if self.visit is None:
            raise Refusal(Code.FORBIDDEN)
        return self.visit.session

    @property
    def viewer(self) -> Viewer:
        """How times are written: in the zone of the browser's preference, or else in the organization's."""
        key = cookies.read_cookie(context_of(self.scope).headers, cookies.ZONE)
        zone = zone_of(key)
        if zone is None:
            key = self.session.person.organization.time_zone
            zone = ZoneInfo(key)
        return Viewer(self.language, zone, key)


class Rendered(NamedTuple):
    """A page to be rendered: its template and values."""

    template: str
    values: Mapping[str, Any]
    status: int = 200
    cookies: Sequence[Cookie] = ()


class Redirected(NamedTuple):
    """A redirect to another page of ours, after a form or where nobody is signed in."""

    path: str
    cookies: Sequence[Cookie] = ()


Answer = Rendered | Redirected
Handler = Callable[[PageRequest], Awaitable[Answer]]


class PageDeps(NamedTuple):
    """What every page needs."""

    finder: SessionFinder
    renderer: Renderer
    limiter: Limiter
    connections: Connections
    public_url: str | None


class Page:
    """The ASGI application of a page: a function for each method.

    Its path has no `{`, or a secret in it keeps the path out of the access log. `roles` are those that may see it.
    """

    def __init__(
        self,
        path: str,
        handlers: Mapping[str, Handler],
        deps: PageDeps,
        access: Access = Access.SIGNED_IN,
        roles: frozenset[Role] = frozenset(Role),
    ) -> None:
        self.path = path
        self.access = access
        self.roles = roles
        self.methods = tuple(handlers)
        self._handlers = {**handlers, **({"HEAD": handlers["GET"]} if "GET" in handlers else {})}
        self._deps = deps
        self._allow: Headers = [(b"allow", ", ".join(sorted(self._handlers)).encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Refusal for those that have no page."""
        context = context_of(scope)
        context.route = self.path
        if "{token}" in self.path:
            context.path = self.path
        request = self._request(scope)
        try:
            request = replace(request, visit=await self._deps.finder.find(scope))
            answer = await self._answer(request, receive)
        except Refusal as refusal:
            if refusal.code not in _SHOWN:
                raise
            if refusal.code is Code.UNAVAILABLE:
                _log.error("store unavailable", reason=refusal.message, request_id=context.request_id)
            answer = refused(refusal.code)
        await self._send(request, answer, send)

    def _request(self, scope: Scope) -> PageRequest:
        headers = context_of(scope).headers
        preferred = cookies.read_cookie(headers, cookies.LANGUAGE)
        public_url = self._deps.public_url
        return PageRequest(
            scope,
            scope["path"],
            scope["path_params"],
            _fields(scope["query_string"]),
            {},
            None,
            chosen_language(preferred, headers.get(b"accept-language", b"")),
            origin(scope, headers),
            urlsplit(public_url).path.rstrip("/") if public_url else "",
        )

    async def _answer(self, request: PageRequest, receive: Receive) -> Answer:
        scope = request.scope
        context = context_of(scope)
        handler = self._handlers.get(scope["method"])
        if handler is None:
            context.extra = self._allow
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        if request.visit is not None:
            identity = request.visit.session.identity
            context.key = identity.name
            self._deps.connections.charge(context.connection, identity)
            await self._deps.limiter.admit(identity, context)
        if scope["method"] not in SAFE:
            request = replace(request, form=await _form(scope, receive))
            self._require_own(request)
        if self.access is Access.SIGNED_IN:
            if request.visit is None:
                return Redirected("/sign-in")
            if request.visit.session.person.role not in self.roles:
                raise Refusal(Code.FORBIDDEN)
        return await handler(request)

    def _require_own(self, request: PageRequest) -> None:
        """Raise Refusal (cross-site) for a form that a page of ours did not send."""
        if request.visit is not None:
            require_token(request.visit, request.form.get("csrf", ""))
        else:
            require_own_page(context_of(request.scope).headers)

    async def _send(self, request: PageRequest, answer: Answer, send: Send) -> None:
        scope = request.scope
        context = context_of(scope)
        headers = [*_HEADERS, *context.extra, *(each.header for each in answer.cookies)]
        if isinstance(answer, Redirected):
            headers.append((b"location", f"{request.base}{answer.path}".encode()))
            await send_response(scope, send, 303, b"", headers=headers, media_type=_HTML, cache_control=_NOT_KEPT)
            return
        body = self._deps.renderer.render(answer.template, {**_shared(request), **answer.values}, request)
        if self._deps.connections.crowded(context.connection):
            await self._deps.connections.room(context.connection, len(body))
        if accepts_gzip(context.headers.get(b"accept-encoding", b"")) and (compressed := compress(body)):
            headers.append((b"content-encoding", b"gzip"))
            body = compressed
        await send_response(
            scope, send, answer.status, body, headers=headers, media_type=_HTML, cache_control=_NOT_KEPT
        )


def refused(code: Code) -> Rendered:
    """Return the page of a refusal."""
    return Rendered("error.html", {"code": code.value}, ERROR_RESPONSES[code].status)


def _shared(request: PageRequest) -> dict[str, Any]:
    """Return the values that every page has."""
    visit = request.visit
    return {
        "csrf": "" if visit is None else shown_token(visit.csrf),
        "person": None if visit is None else visit.session.person,
        "person_name": "" if visit is None else visit.session.name,
        "path": request.path,
    }


async def _form(scope: Scope, receive: Receive) -> dict[str, str]:
    """Return the fields of a form. Raises Refusal: unsupported media, too large."""
    received = 0

    def count(size: int) -> None:
        nonlocal received
        received += size
        if received > _LARGEST_FORM:
            raise Refusal(Code.TOO_LARGE)

    headers = context_of(scope).headers
    body = await read_body(scope, headers, receive, count, forms=True)
    if body and not is_form(headers):
        raise Refusal(Code.UNSUPPORTED_MEDIA)
    return _fields(body)


def _fields(encoded: bytes) -> dict[str, str]:
    """Return the fields of a query or a form: the last of each name. Raises Refusal (malformed) for too many."""
    try:
        text = encoded.decode("latin-1")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace"))
    except ValueError:
        raise Refusal(Code.MALFORMED) from None


def zone_of(key: str) -> ZoneInfo | None:
    """Return the time zone with a name; None if there is none."""
    try:
        return ZoneInfo(key) if key else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # as a path it may be a folder, or too long
        return None
