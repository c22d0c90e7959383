"""The sources of a person's busy times: the form that connects and removes them, and the page of one's own.

Owns how a source is shown. The address of a calendar is a secret: pages show its host only. Must not know how an
address is read, or how a source is stored: its calls are those of the API.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from rowen.api.reading.busy_fields import read_source_name
from rowen.app.roles import OWN_AVAILABILITY
from rowen.interviews.busy import BusySource
from rowen.interviews.errors import Code, Refusal
from rowen.web.calls import Calls
from rowen.web.forms import Form
from rowen.web.ports import PagePorts
from rowen.web.reasons import objection, reason_in
from rowen.web.request import Answer, Redirected, Rendered, WebRequest
from rowen.web.views import moment

_WEBCAL: Final = re.compile("^webcal://", re.IGNORECASE)

PUT: Final = ("PUT", "/rowen/v1/users/{id}/busy")
DELETE: Final = ("DELETE", "/rowen/v1/users/{id}/busy")
PERMISSION: Final = "busy:retrieve"
"""The permission to see the sources of others."""


class ShownSource(NamedTuple):
    """A source: `host` is that of its address, empty without one; `known` is what was read, `problem` what failed."""

    name: str
    host: str
    known: str
    problem: str


class BusyForm:
    """The sources of a user, and the form that connects the address of a calendar: for oneself, and for others."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._sources = ports.services.busy
        self._calls = calls

    async def sources(self, request: WebRequest, user: int, own: str | None = None) -> Sequence[ShownSource]:
        """Return the sources of a user, ordered by name. Raises Refusal (forbidden).

        `own` is the permission for one's own things, if the page is for these.
        """
        request.require(own or PERMISSION)
        organization = request.session.person.organization
        listed = await self._sources.all(organization, user)
        found = [await self._sources.find(organization, user, each.source) for each in listed]
        return [_shown(request, each) for each in found if each is not None]

    async def change(self, request: WebRequest, user: int, own: str | None = None) -> Form:
        """Connect an address or remove a source, and return the form: with problems if it was not accepted."""
        form = Form(request.language, request.form)
        if form.value("do") == "remove":
            await self._remove(request, user, own, form.value("source"))
            return form
        name, url = form.text("name"), _WEBCAL.sub("https://", form.text("url"))
        known = {each.name for each in await self.sources(request, user, own)}
        _check(form, name, url, known)
        if not form.problems:
            try:
                await self._calls.make(request, PUT, {"url": url}, own=own, id=user, source=name)
            except Refusal as refusal:
                _note(form, refusal)
        return form

    async def _remove(self, request: WebRequest, user: int, own: str | None, source: str) -> None:
        """Remove a source. One's own may be gone already, as after a second press of the button."""
        try:
            await self._calls.make(request, DELETE, own=own, id=user, source=source)
        except Refusal as refusal:
            if own is None or refusal.code is not Code.NOT_FOUND:
                raise


class OwnBusy:
    """The page of a person's own sources."""

    def __init__(self, form: BusyForm) -> None:
        self._form = form

    async def show(self, request: WebRequest) -> Answer:
        """Show the sources, and the form that connects an address."""
        return await self._page(request, Form(request.language))

    async def change(self, request: WebRequest) -> Answer:
        """Connect an address; or, after asking, remove a source."""
        if request.form.get("do") == "remove" and request.form.get("sure") != "1":
            return Rendered("busy_question.html", {"source": request.form.get("source", "")})
        form = await self._form.change(request, request.session.person.user.id, OWN_AVAILABILITY)
        return await self._page(request, form) if form.problems else Redirected("/me/busy", message=done(form))

    async def held(self, request: WebRequest) -> Sequence[ShownSource]:
        """Return the sources of the person of the session."""
        return await self._form.sources(request, request.session.person.user.id, OWN_AVAILABILITY)

    async def _page(self, request: WebRequest, form: Form) -> Rendered:
        return Rendered("busy.html", {"form": form, "sources": await self.held(request)}, form.status)


def done(form: Form) -> str:
    """Return the message after a form that was accepted."""
    return "removed" if form.value("do") == "remove" else "added"


def _check(form: Form, name: str, url: str, known: set[str]) -> None:
    """Note what is wrong with a new source; `known` are the names of the others, which it must not replace."""
    if not url:
        form.note("url", "form.address")
    try:
        read_source_name(name)
    except ValueError:
        form.note("name", "form.name")
    if name in known:
        form.note("name", "busy.taken")


def _note(form: Form, refusal: Refusal) -> None:
    """Note why a source was refused. Raises the refusal if it is about no field."""
    if refusal.code is not Code.INVALID:
        raise refusal
    for each in refusal.problems:
        form.note_refused([each], {"url": ("url", objection(each.message)), "source": ("name", "busy.too_many")})


def _shown(request: WebRequest, source: BusySource) -> ShownSource:
    language = request.language
    text, host, reason = language.text, urlsplit(source.url or "").hostname or "", source.error
    known = text("busy.unread")
    if source.read_at is not None:
        count = language.counted("busy.times", len(source.busy))
        known = text("busy.read" if host else "busy.pushed", time=moment(request.viewer, source.read_at), times=count)
    problem = ""
    if reason:
        key = "busy.never" if source.read_at is None else "busy.failed"
        problem = text(key, reason=reason_in(language, reason))
    return ShownSource(source.source, host, "" if problem and source.read_at is None else known, problem)
