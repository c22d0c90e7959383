"""All pages: their paths, and who may see them.

Owns the table. Must not know what a page shows.
"""

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from rowen.http.assets import Asset
from rowen.http.responses import context_of
from rowen.interviews.errors import Code
from rowen.web.agenda_page import AgendaPage
from rowen.web.interview_page import InterviewPage
from rowen.web.own_pages import OwnPages
from rowen.web.page import Access, Answer, Page, PageDeps, PageRequest, refused
from rowen.web.ports import PagePorts
from rowen.web.signing_in import SigningIn


def table_of_pages(ports: PagePorts, deps: PageDeps) -> list[Page]:
    """Return every page; the first one is that of `/`."""
    signing_in, own = SigningIn(ports), OwnPages(ports)
    agenda, interview = AgendaPage(ports), InterviewPage(ports)

    async def home(request: PageRequest) -> Answer:
        return await (signing_in.visitor if request.visit is None else agenda.show)(request)

    pages = [
        Page("/", {"GET": home}, deps, Access.ANYBODY),
        Page("/interviews/{id}", {"GET": interview.show}, deps),
        Page("/interviews/{id}/answer", {"POST": interview.answer}, deps),
        Page("/me", {"GET": own.mine}, deps),
        Page("/preferences", {"GET": own.preferences, "POST": own.save}, deps),
        Page("/sign-in", {"GET": signing_in.sign_in}, deps, Access.ANYBODY),
        Page("/sign-in/{token}", {"GET": signing_in.show_link, "POST": signing_in.use_link}, deps, Access.ANYBODY),
        Page("/sign-out", {"POST": signing_in.sign_out}, deps, Access.ANYBODY),
        Page("/sign-out-everywhere", {"POST": signing_in.sign_out_everywhere}, deps),
    ]
    if ports.demo is not None:
        pages.append(Page("/demo/sign-in", {"POST": signing_in.sign_in_to_demo}, deps, Access.ANYBODY))
    return pages


class Site:
    """The pages, as the application routes them."""

    def __init__(self, ports: PagePorts, deps: PageDeps) -> None:
        home, *others = table_of_pages(ports, deps)
        self._home = home
        self._missing = Page("", {"GET": _missing}, deps, Access.ANYBODY)
        self.routes: Sequence[Page | Asset] = [*others, *deps.renderer.assets(deps.connections.room)]

    def home(self, otherwise: ASGIApp) -> ASGIApp:
        """Return the application of `/`: a page for browsers; programs get what they got before there were pages."""
        return _ForBrowsers(self._home, otherwise)

    def missing(self, otherwise: ASGIApp) -> ASGIApp:
        """Return the application of paths that nothing has."""
        return _ForBrowsers(self._missing, otherwise, outside=("/v1/", "/v2/", "/v3/", "/rowen/"))


class _ForBrowsers:
    """Sends a page to browsers, which ask for HTML, and something else to everybody else."""

    def __init__(self, page: ASGIApp, otherwise: ASGIApp, outside: tuple[str, ...] = ()) -> None:
        self._page = page
        self._otherwise = otherwise
        self._outside = outside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = context_of(scope).headers
        wants_page = b"text/html" in headers.get(b"accept", b"") and scope["method"] in ("GET", "HEAD")
        if wants_page and not f"{scope['path']}/".startswith(self._outside or ("\0",)):
            scope.setdefault("path_params", {})
            await self._page(scope, receive, send)
        else:
            await self._otherwise(scope, receive, send)


async def _missing(_: PageRequest) -> Answer:
    return refused(Code.NOT_FOUND)
