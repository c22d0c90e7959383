"""One page: everything between its route and the function that makes it.

Owns the order session, role, limits, form, answer; the headers of every page; and the pages of refusals. Must not know
what a page shows.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from enum import Enum
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import structlog
from starlette.types import Receive, Scope, Send

from rowen.api.errors import ERROR_RESPONSES
from rowen.app.organizations import Organization
from rowen.app.records import Records
from rowen.app.roles import Role
from rowen.http.addresses import origin
from rowen.http.bodies import is_form, read_body, unread
from rowen.http.compression import accepts_gzip, compress
from rowen.http.connections import Connections
from rowen.http.rate_limit import Limiter
from rowen.http.responses import JSON, Headers, context_of, send_response
from rowen.http.streaming import EventStreams
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
from rowen.web.directory import MOST_PEOPLE
from rowen.web.languages import chosen_language
from rowen.web.own_zone import own_zone
from rowen.web.rendering import Renderer
from rowen.web.request import Answer, Data, Events, Fields, Handler, Redirected, Rendered, WebRequest

_HTML: Final = b"text/html;charset=utf-8"
_MOST_FIELDS: Final = MOST_PEOPLE + 250  # a box for each person, and everything else
_LARGEST_FORM: Final = 256 * 1024
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
OF_ACCOUNT: Final = frozenset(
    {
        Code.ACCOUNT_FORBIDS,
        Code.ACCOUNT_BUSY,
        Code.ACCOUNT_FAILED,
        Code.ACCOUNT_UNREACHABLE,
        Code.ACCOUNT_SILENT,
        Code.NOT_TAKEN,
    }
)
"""What may become of a write that passes through a mirror, other than that the account takes it or finds mistakes."""

SHOWN: Final = frozenset(
    {
        Code.NOT_FOUND,
        Code.FORBIDDEN,
        Code.CROSS_SITE,
        Code.MALFORMED,
        Code.TOO_LARGE,
        Code.INVALID,
        Code.CONFLICT,
        Code.IN_FLIGHT,
        Code.READ_ONLY,
        Code.PARTLY_READ_ONLY,
        Code.RATE_LIMITED,
        Code.UNAVAILABLE,
        *OF_ACCOUNT,
    }
)
"""The refusals that have a page; the edge answers the others, which no page of ours leads to."""

_log = structlog.stdlib.get_logger("rowen.web")


class Audience(Enum):
    """The people who may see a page."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed in"


class PageDeps(NamedTuple):
    """What every page needs."""

    finder: SessionFinder
    renderer: Renderer
    limiter: Limiter
    connections: Connections
    public_url: str | None
    streams: EventStreams
    records: Records
    writable: Callable[[Organization], Awaitable[bool]]


class PageApplication:
    """The ASGI application of a page: a function for each method.

    Its path has no `{`, or a secret in it keeps the path out of the access log. `roles` are those that may see it. What
    is `for_modules` has no page for refusals: they are JSON, as those of the API are.
    """

    def __init__(
        self,
        path: str,
        handlers: Mapping[str, Handler],
        deps: PageDeps,
        access: Audience = Audience.SIGNED_IN,
        roles: frozenset[Role] = frozenset(Role),
        *,
        for_modules: bool = False,
    ) -> None:
        self.path = path
        self.for_modules = for_modules
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
            visit = await self._deps.finder.find(scope)
            own_zone = "" if visit is None else await self._own_zone(visit)
            writable = visit is None or await self._deps.writable(visit.session.person.organization)
            request = replace(request, visit=visit, own_zone=own_zone, writable=writable)
            answer = await self._answer(request, receive)
        except Refusal as refusal:
            if refusal.code not in SHOWN or self.for_modules:
                raise
            if refusal.code is Code.UNAVAILABLE:
                _log.error("store unavailable", reason=refusal.message, request_id=context.request_id)
            context.extra = [*context.extra, *unread(scope)]
            answer = refused(refusal.code)
        if isinstance(answer, Events):
            await self._follow(scope, receive, send, answer)
        else:
            await self._send(request, answer, send)

    async def _own_zone(self, visit: Visit) -> str:
        person = visit.session.person
        return await own_zone(self._deps.records, person.organization, person.user.id)

    def _request(self, scope: Scope) -> WebRequest:
        headers = context_of(scope).headers
        preferred = cookies.read_cookie(headers, cookies.LANGUAGE)
        public_url = self._deps.public_url
        return WebRequest(
            scope,
            scope["path"],
            scope["path_params"],
            _fields(scope["query_string"]),
            Fields(),
            None,
            chosen_language(preferred, headers.get(b"accept-language", b"")),
            origin(scope, headers),
            urlsplit(public_url).path.rstrip("/") if public_url else "",
        )

    async def _answer(self, request: WebRequest, receive: Receive) -> Answer:
        scope = request.scope
        context = context_of(scope)
        handler = self._handlers.get(scope["method"])
        if handler is None:
            context.extra = self._allow
            # A browser that restores the page after a form asks for its address.
            is_visit = scope["method"] in SAFE and not self.for_modules
            raise Refusal(Code.NOT_FOUND if is_visit else Code.METHOD_NOT_ALLOWED)
        if request.visit is not None:
            identity = request.visit.session.identity
            context.key = identity.name
            self._deps.connections.charge(context.connection, identity)
            await self._deps.limiter.admit(identity, context)
        if scope["method"] not in SAFE:
            request = replace(request, form=await _form(scope, receive))
            if not self._is_own(request):
                if self.for_modules:
                    raise Refusal(Code.CROSS_SITE)
                return _to_be_sent_again(request)
        if self.access is Audience.SIGNED_IN:
            if request.visit is None:
                if self.for_modules:
                    raise Refusal(Code.UNAUTHENTICATED)
                return _to_sign_in(request)
            if request.visit.session.person.role not in self.roles:
                raise Refusal(Code.FORBIDDEN)
        return await handler(request)

    def _is_own(self, request: WebRequest) -> bool:
        """Return whether a form has the token of its session, or needs none.

        Raises Refusal (cross-site) for one that no page of ours sent.
        """
        try:
            if request.visit is not None:
                require_token(request.visit, request.form.get("csrf", ""))
                return True
        except Refusal:
            require_own_page(context_of(request.scope).headers)
            return False
        require_own_page(context_of(request.scope).headers)
        return True

    async def _follow(self, scope: Scope, receive: Receive, send: Send, answer: Events) -> None:
        async with aclosing(answer.chunks) as chunks:
            with self._deps.connections.following(context_of(scope).connection):
                await self._deps.streams.send(scope, receive, send, chunks, answer.check)

    async def _send(self, request: WebRequest, answer: Rendered | Redirected | Data, send: Send) -> None:
        scope = request.scope
        context = context_of(scope)
        cookies_set = [] if isinstance(answer, Data) else list(answer.cookies)
        if isinstance(answer, Redirected) and answer.message:
            cookies_set.append(cookies.message(request.origin, answer.message))
        elif isinstance(answer, Rendered) and request.cookie(cookies.MESSAGE):
            cookies_set.append(cookies.message(request.origin, ""))
        headers = [*_HEADERS, *context.extra, *(each.header for each in cookies_set)]
        if isinstance(answer, Redirected):
            base = "" if answer.is_elsewhere else request.base
            headers.append((b"location", f"{base}{answer.path}".encode()))
            await send_response(scope, send, 303, b"", headers=headers, media_type=_HTML, cache_control=_NOT_KEPT)
            return
        if isinstance(answer, Data):
            body, media_type = answer.body, JSON
        else:
            body = self._deps.renderer.render(answer.template, {**_shared(request), **answer.values}, request)
            media_type = _HTML
        if self._deps.connections.crowded(context.connection):
            await self._deps.connections.room(context.connection, len(body))
        if accepts_gzip(context.headers.get(b"accept-encoding", b"")) and (compressed := compress(body)):
            headers.append((b"content-encoding", b"gzip"))
            body = compressed
        await send_response(
            scope, send, answer.status, body, headers=headers, media_type=media_type, cache_control=_NOT_KEPT
        )


def _to_sign_in(request: WebRequest) -> Answer:
    """Lead to the page for signing in, and back from there; a form is kept, to be sent again."""
    if request.scope["method"] not in SAFE:
        return _to_be_sent_again(request)
    query = str(request.scope["query_string"], "latin-1")
    return Redirected("/sign-in", (cookies.way_back(request.origin, f"{request.path}{query and '?' + query}"),))


def _to_be_sent_again(request: WebRequest) -> Rendered:
    """Return the page of a form that was not taken, with everything that was typed.

    Its session has ended, or another one has begun: only the person decides whether to send it in this one.
    """
    kept = [(name, value) for name, value in request.form.pairs if name != "csrf"]
    values = {"kept": kept, "query": str(request.scope["query_string"], "latin-1")}
    return Rendered("send_again.html", values, ERROR_RESPONSES[Code.CROSS_SITE].status)


def refused(code: Code) -> Rendered:
    """Return the page of a refusal."""
    return Rendered("error.html", {"code": code.value}, ERROR_RESPONSES[code].status)


def _shared(request: WebRequest) -> dict[str, Any]:
    """Return the values that every page has."""
    visit, key = request.visit, f"message.{request.cookie(cookies.MESSAGE)}"
    return {
        "csrf": "" if visit is None else shown_token(visit.csrf),
        "person": None if visit is None else visit.session.person,
        "person_name": "" if visit is None else visit.session.name,
        "path": request.path,
        "message": request.language.text(key) if request.language.has(key) else "",
        "writable": request.writable,
    }


async def _form(scope: Scope, receive: Receive) -> Fields:
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


def _fields(encoded: bytes) -> Fields:
    """Return the fields of a query or a form. Raises Refusal (malformed) for too many."""
    try:
        text = encoded.decode("latin-1")
        return Fields(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace"))
    except ValueError:
        raise Refusal(Code.MALFORMED) from None
