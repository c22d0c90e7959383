"""All pages: their paths, and who may see them.

Owns the table. Must not know what a page shows.
"""

from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rowen.api.rowen.booking_links import PATH
from rowen.app.roles import OWN_AVAILABILITY, OWN_CALENDARS, OWN_INTERVIEWS, OWN_SCORECARDS, roles_with
from rowen.http.assets import Asset
from rowen.http.bodies import is_form
from rowen.http.responses import context_of
from rowen.interviews.errors import Code
from rowen.web.agenda_page import AgendaPage
from rowen.web.answering import Answering
from rowen.web.beginning import BeginningPage
from rowen.web.board_moves import BoardMoves
from rowen.web.board_page import CALENDAR, BoardPage
from rowen.web.board_targets import BoardTargets
from rowen.web.booking_page import BookingPage
from rowen.web.busy import BusyForm, OwnBusy
from rowen.web.calls import Calls
from rowen.web.cancelling import CancellingPage
from rowen.web.editing import Editing
from rowen.web.finding import FindPage
from rowen.web.interview_page import InterviewPage
from rowen.web.link_list import LinkList
from rowen.web.link_making import LinkMaking
from rowen.web.moving import MovingPage
from rowen.web.new_interview import NewInterviewPage
from rowen.web.own_availability import AvailabilityForm, OwnAvailability
from rowen.web.own_calendar import OwnCalendar
from rowen.web.own_pages import OwnPages
from rowen.web.page import Audience, PageApplication, PageDeps, refused
from rowen.web.panel_page import PanelPage
from rowen.web.ports import PagePorts
from rowen.web.repairing import RepairPage
from rowen.web.request import Answer, WebRequest
from rowen.web.scorecard_page import ScorecardPage
from rowen.web.settings.pages import settings_pages
from rowen.web.signing_in import SigningIn
from rowen.web.to_do_page import ToDoPage


def table_of_pages(ports: PagePorts, deps: PageDeps) -> list[PageApplication]:
    """Return every page; the first one is that of `/`."""
    signing_in, new, beginning = (
        SigningIn(ports),
        NewInterviewPage(ports, Calls(ports.services, deps.public_url)),
        BeginningPage(ports),
    )
    installed = deps.renderer.has(CALENDAR)
    board = BoardPage(ports, deps.finder, AgendaPage(ports, has_board=installed), installed=installed)
    schedulers = roles_with("scheduled_interviews:create")

    async def home(request: WebRequest) -> Answer:
        if request.visit is None:
            return await signing_in.visitor(request)
        return await (beginning.show if beginning.is_for(request) else board.show)(request)

    pages = [
        PageApplication("/", {"GET": home}, deps, Audience.ANYBODY),
        *_pages_of_the_board(ports, deps, board),
        PageApplication("/interviews/new", {"GET": new.show, "POST": new.submit}, deps, roles=schedulers),
        *_pages_of_interviews(ports, deps),
        *_own_pages(ports, deps),
        *settings_pages(ports, deps),
        PageApplication("/sign-in", {"GET": signing_in.sign_in}, deps, Audience.ANYBODY),
        PageApplication(
            "/sign-in/{token}", {"GET": signing_in.show_link, "POST": signing_in.use_link}, deps, Audience.ANYBODY
        ),
        PageApplication("/sign-out", {"POST": signing_in.sign_out}, deps, Audience.ANYBODY),
        PageApplication("/sign-out-everywhere", {"POST": signing_in.sign_out_everywhere}, deps),
    ]
    if ports.provided is not None:
        from rowen.web.provider.pages import CALLBACK, ProviderPages  # a server without a provider starts sooner

        provider = ProviderPages(ports, ports.provided, deps.public_url)
        pages.append(PageApplication("/oidc/start", {"GET": provider.start}, deps, Audience.ANYBODY))
        pages.append(PageApplication(CALLBACK, {"GET": provider.finish}, deps, Audience.ANYBODY))
    if ports.demo is not None:
        pages.append(PageApplication("/demo/sign-in", {"POST": signing_in.sign_in_to_demo}, deps, Audience.ANYBODY))
    return pages


def _pages_of_the_board(ports: PagePorts, deps: PageDeps, board: BoardPage) -> list[PageApplication]:
    """Return what the modules of the board ask for."""
    moves, targets = BoardMoves(ports, Calls(ports.services, deps.public_url)), BoardTargets(ports)
    seeing, moving = roles_with(OWN_INTERVIEWS), roles_with("scheduled_interviews:update")
    return [
        PageApplication("/board/week", {"GET": board.week}, deps, roles=seeing, for_modules=True),
        PageApplication("/board/changes", {"GET": board.changes}, deps, roles=seeing, for_modules=True),
        PageApplication("/board/people", {"GET": board.people}, deps, roles=moving, for_modules=True),
        PageApplication("/board/interviews/{id}", {"POST": moves.move}, deps, roles=moving, for_modules=True),
        PageApplication("/board/interviews/{id}/targets", {"GET": targets.find}, deps, roles=moving, for_modules=True),
    ]


def _pages_of_interviews(ports: PagePorts, deps: PageDeps) -> list[PageApplication]:
    """Return the pages of interviews; those that change one are for the roles that may call the API for it."""
    calls = Calls(ports.services, deps.public_url)
    editing = Editing(ports, calls)
    interview, cancelling = InterviewPage(ports, Answering(ports, calls)), CancellingPage(editing, calls)
    moving, panel, scorecard = (
        MovingPage(editing, ports.directory),
        PanelPage(editing, ports.directory),
        ScorecardPage(ports, calls),
    )
    repairing, links = RepairPage(ports, editing), LinkMaking(ports, calls)
    revoking = roles_with("booking_links:delete")
    one = "/interviews/{id}"
    changing, deleting = roles_with("scheduled_interviews:update"), roles_with("scheduled_interviews:delete")
    creating, listing = roles_with("scheduled_interviews:create"), roles_with("scheduled_interviews:list")
    own, scoring = roles_with(OWN_INTERVIEWS), roles_with(OWN_SCORECARDS)
    return [
        PageApplication(one, {"GET": interview.show}, deps, roles=own),
        PageApplication(f"{one}/answer", {"POST": interview.answer}, deps, roles=own),
        PageApplication(f"{one}/scorecard", {"GET": scorecard.show, "POST": scorecard.save}, deps, roles=scoring),
        PageApplication(f"{one}/move", {"GET": moving.show, "POST": moving.save}, deps, roles=changing),
        PageApplication(f"{one}/move-back", {"POST": cancelling.move_back}, deps, roles=changing),
        PageApplication(f"{one}/repair", {"GET": repairing.show, "POST": repairing.save}, deps, roles=changing),
        PageApplication(f"{one}/repair/undo", {"POST": repairing.undo}, deps, roles=changing),
        PageApplication(f"{one}/panel", {"GET": panel.show, "POST": panel.save}, deps, roles=changing),
        PageApplication(f"{one}/cancel", {"GET": cancelling.show, "POST": cancelling.cancel}, deps, roles=deleting),
        PageApplication(f"{one}/restore", {"POST": cancelling.undo}, deps, roles=creating),
        PageApplication(
            "/applications/{id}/booking-link",
            {"GET": links.show, "POST": links.make},
            deps,
            roles=roles_with("booking_links:create"),
        ),
        PageApplication("/booking-links/{id}/revoke", {"POST": LinkList(ports, calls).revoke}, deps, roles=revoking),
        PageApplication("/todo", {"GET": ToDoPage(ports).show}, deps, roles=listing),
        PageApplication("/interviews", {"GET": FindPage(ports).show}, deps, roles=listing),
    ]


def _own_pages(ports: PagePorts, deps: PageDeps) -> list[PageApplication]:
    """Return the pages of a person's own things."""
    calls = Calls(ports.services, deps.public_url)
    calendar = OwnCalendar(ports, calls)
    availability = OwnAvailability(AvailabilityForm(ports, calls), Answering(ports, calls))
    busy = OwnBusy(BusyForm(ports, calls))
    own = OwnPages(ports, calendar, busy)
    return [
        PageApplication("/me", {"GET": own.mine}, deps, roles=roles_with(OWN_INTERVIEWS)),
        PageApplication(
            "/me/availability",
            {"GET": availability.show, "POST": availability.save},
            deps,
            roles=roles_with(OWN_AVAILABILITY),
        ),
        PageApplication(
            "/me/availability/decline", {"POST": availability.decline}, deps, roles=roles_with(OWN_INTERVIEWS)
        ),
        PageApplication("/me/busy", {"GET": busy.show, "POST": busy.change}, deps, roles=roles_with(OWN_AVAILABILITY)),
        PageApplication("/me/calendar", {"POST": calendar.change}, deps, roles=roles_with(OWN_CALENDARS)),
        PageApplication("/preferences", {"GET": own.preferences, "POST": own.save}, deps),
    ]


_VARY: Final = (b"vary", b"Accept")


class PageRouter:
    """The pages, as the application routes them."""

    def __init__(self, ports: PagePorts, deps: PageDeps) -> None:
        home, *others = table_of_pages(ports, deps)
        booking = BookingPage(ports, deps)
        of_link = PageApplication(PATH, {"GET": booking.show, "POST": booking.submit}, deps, Audience.ANYBODY)
        self._shared = {each.path: each for each in (home, of_link)}
        self._missing = PageApplication("", {"GET": _missing}, deps, Audience.ANYBODY)
        self.routes: Sequence[PageApplication | Asset] = [*others, *deps.renderer.assets(deps.connections.room)]

    def in_front(self, path: str, otherwise: ASGIApp) -> ASGIApp:
        """Return the application of a path that browsers and programs share; `otherwise` if it has no page."""
        page = self._shared.get(path)
        return otherwise if page is None else _ForBrowsers(page, otherwise)

    def missing(self, otherwise: ASGIApp) -> ASGIApp:
        """Return the application of paths that nothing has."""
        return _ForBrowsers(self._missing, otherwise, outside=("/v1/", "/v2/", "/v3/", "/rowen/"))


class _ForBrowsers:
    """Sends a page to browsers, which ask for HTML and send forms, and something else to everybody else."""

    def __init__(self, page: PageApplication, otherwise: ASGIApp, outside: tuple[str, ...] = ()) -> None:
        self._page = page
        self._otherwise = otherwise
        self._outside = outside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = context_of(scope).headers
        is_read = scope["method"] in ("GET", "HEAD")
        sends_form = scope["method"] in self._page.methods and is_form(headers)
        wants_page = b"text/html" in headers.get(b"accept", b"") and (is_read or sends_form)
        if wants_page and not f"{scope['path']}/".startswith(self._outside or ("\0",)):
            scope.setdefault("path_params", {})
            await self._page(scope, receive, send)
        else:
            context_of(scope).extra.append(_VARY)
            await self._otherwise(scope, receive, _varying(send))


def _varying(send: Send) -> Send:
    """Return a `send` that says in `Vary` that the answer depends on `Accept`."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            varied = b", ".join(value for name, value in message["headers"] if name == b"vary")
            if b"Accept" not in varied.split(b", "):
                others = [each for each in message["headers"] if each[0] != b"vary"]
                message = {
                    **message,
                    "headers": [*others, (b"vary", b"%b, Accept" % varied)] if varied else [*others, _VARY],
                }
        await send(message)

    return sent


async def _missing(_: WebRequest) -> Answer:
    return refused(Code.NOT_FOUND)
