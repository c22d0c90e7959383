"""Changing an interview: what all of its forms share.

Owns that a form changes the version that its person saw, and what is shown if somebody else has changed it since. Must
not know which fields a form has. The calls are those of the API.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from rowen.api.identifiers import read_identifier
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import InterviewId
from rowen.web.calls import Calls
from rowen.web.forms import Form
from rowen.web.page import OF_ACCOUNT
from rowen.web.ports import PagePorts
from rowen.web.request import Rendered, WebRequest
from rowen.web.schedule import Detail
from rowen.web.views import shown, shown_history

CHANGE: Final = ("PATCH", "/v2/scheduled_interviews/{id}")
CANCEL: Final = ("DELETE", "/v1/scheduled_interviews/{id}")
RESTORE: Final = ("POST", "/rowen/v1/scheduled_interviews/{id}/restore")

UNSEEN: Final = '"unseen"'
"""The `ETag` of no interview: for a form that does not name what its person saw."""

_MEMBER: Final = re.compile(r"interviewers\[(\d+)\]")


class Edited(NamedTuple):
    """A form of an interview, and the interview as it is now; `overtaken` if somebody changed it meanwhile."""

    detail: Detail
    form: Form
    overtaken: bool = False


class WantedInterview(NamedTuple):
    """What a form makes of an interview: the body of the call, and the names of the panel as it will be.

    `keys` are the field of the form and the text for what may be wrong with a field of the call.
    """

    body: Mapping[str, Any]
    panel: Sequence[str]
    keys: Mapping[str, tuple[str, str]] = {}


class Editing:
    """Opens interviews for forms, and saves what was typed."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._calls = calls

    async def open(self, request: WebRequest) -> Detail:
        """Return the interview in the path. Raises Refusal: not found; invalid, if it cannot be changed."""
        detail = await self._ports.schedule.detail(request.session.person, identifier_of(request))
        if not detail.entry.open:
            raise Refusal(Code.INVALID)
        return detail

    async def change(self, request: WebRequest, detail: Detail, form: Form, wanted: WantedInterview) -> Edited | None:
        """Change an interview; None if that is done, or else the form with what is wrong with it."""
        identifier, version = detail.entry.interview.id, form.value("version") or UNSEEN
        try:
            await self._calls.make(request, CHANGE, wanted.body, version, id=identifier)
        except Refusal as refusal:
            if refusal.code is Code.STALE:
                return Edited(await self.open(request), form, overtaken=True)
            if refusal.code in OF_ACCOUNT:
                form.note("form", f"error.{refusal.code.value}_hint")
            elif refusal.code not in (Code.CONFLICT, Code.INVALID):
                raise
            for problem in refusal.problems:
                _note(form, wanted, problem)
            return Edited(detail, form)
        return None


def _note(form: Form, wanted: WantedInterview, problem: FieldProblem) -> None:
    """Note what the API says is wrong, at the field of the form."""
    member = _MEMBER.fullmatch(problem.field)
    if member is not None and problem.message.startswith("Overlaps") and int(member[1]) < len(wanted.panel):
        form.note("form", "edit.booked", person=wanted.panel[int(member[1])])
    else:
        form.note_refused([problem], wanted.keys)


def page_of(request: WebRequest, template: str, edited: Edited, **values: Any) -> Rendered:
    """Return the page of a form, with what others have changed since it was opened."""
    viewer, (detail, form, overtaken) = request.viewer, edited
    seen = form.value("seen")
    known = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < len(str(2**63)) else 0
    newer = [each for each in detail.history if each.revision > known] if overtaken else []
    shared = {
        "interview": shown(viewer, detail.entry),
        "form": form,
        # What the person saw when the form was opened, also after a mistake in it.
        "version": detail.version if overtaken else form.value("version") or detail.version,
        "seen": detail.revision if overtaken else form.value("seen") or detail.revision,
        "overtaken": overtaken,
        "meanwhile": shown_history(viewer, detail.entry, newer),
    }
    status = 409 if overtaken else form.status
    return Rendered(template, {**shared, **values}, status)


def identifier_of(request: WebRequest) -> InterviewId:
    """Return the id in the path. Raises Refusal (not found) if it is none."""
    identifier = read_identifier(request.parameters["id"])
    if identifier is None:
        raise Refusal(Code.NOT_FOUND)
    return InterviewId(identifier)
