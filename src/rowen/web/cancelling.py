"""Cancelling an interview, and one click back: from a cancellation and from a move.

Owns what is asked before, and what can be undone. Must not know how that is stored: it is calls of the API.
"""

from typing import Final

from rowen.interviews.changes import Kind
from rowen.interviews.errors import Code, Refusal
from rowen.web.calls import Calls
from rowen.web.editing import CANCEL, CHANGE, RESTORE, UNSEEN, Edited, Editing, identifier_of, page_of
from rowen.web.forms import Form
from rowen.web.page import OF_ACCOUNT, refused
from rowen.web.request import Answer, Redirected, Rendered, WebRequest
from rowen.web.schedule import Detail, HistoryEntry
from rowen.web.views import when

_ENDS: Final = ("start", "end")
_PLACES: Final = ("location", "video_conferencing_url")


class CancellingPage:
    """The page that cancels an interview, and the forms that undo a cancellation and a move."""

    def __init__(self, editing: Editing, calls: Calls) -> None:
        self._editing = editing
        self._calls = calls

    async def show(self, request: WebRequest) -> Answer:
        """Ask whether to cancel."""
        return _page(request, Edited(await self._editing.open(request), Form(request.language)))

    async def cancel(self, request: WebRequest) -> Answer:
        """Cancel the interview."""
        identifier = identifier_of(request)
        form = Form(request.language, request.form)
        try:
            await self._calls.make(request, CANCEL, version=form.value("version") or UNSEEN, id=identifier)
        except Refusal as refusal:
            if refusal.code not in (Code.STALE, *OF_ACCOUNT):
                raise
            if refusal.code is not Code.STALE:
                form.note("form", f"error.{refusal.code.value}_hint")
            return _page(request, Edited(await self._editing.open(request), form, refusal.code is Code.STALE))
        return Redirected(f"/interviews/{identifier}", message="cancelled")

    async def undo(self, request: WebRequest) -> Answer:
        """Undo the cancellation."""
        identifier = identifier_of(request)
        try:
            await self._calls.make(request, RESTORE, id=identifier)
        except Refusal as refusal:
            if refusal.code is not Code.INVALID:
                raise
            return refused(Code.INVALID)
        return Redirected(f"/interviews/{identifier}", message="undone")

    async def move_back(self, request: WebRequest) -> Answer:
        """Undo the last move, unless something has changed since the page was shown."""
        detail = await self._editing.open(request)
        move = last_move(detail)
        identifier = detail.entry.interview.id
        if move is not None:
            interview = detail.entry.interview
            moved = {name: getattr(interview, name) for name in _ENDS}
            moved |= {each.field: each.before for each in move.fields if each.field in _ENDS}
            # The place that it moved to is left, too, unless somebody has changed it since.
            moved |= {
                each.field: each.before
                for each in move.fields
                if each.field in _PLACES and getattr(interview, each.field) == each.after
            }
            version = request.form.get("version") or UNSEEN
            try:
                await self._calls.make(request, CHANGE, moved, version, id=identifier)
            except Refusal as refusal:
                if refusal.code not in (Code.STALE, Code.CONFLICT):
                    raise
                return Redirected(f"/interviews/{identifier}?kept={refusal.code.value}")
        return Redirected(f"/interviews/{identifier}", message="moved_back")


def last_move(detail: Detail) -> HistoryEntry | None:
    """Return the move that can be undone: the newest one, if the interview is still where it led."""
    return next((each for each in detail.history if each.kind == Kind.RESCHEDULED), None)


def _page(request: WebRequest, edited: Edited) -> Rendered:
    return page_of(request, "cancel.html", edited, when=when(request.viewer, edited.detail.entry.interview))
