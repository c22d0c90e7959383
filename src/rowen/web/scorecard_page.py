"""The form of a person's own scorecard for an interview, and its draft, which is stored while the person types.

Owns what the form asks, and how that becomes a scorecard. Must not know how scorecards are stored: they are calls of
the API, for the person of the session only.
"""

from typing import Any, Final

import msgspec

from rowen.api.codec.v3.scorecards import KEY_TAKE_AWAYS
from rowen.api.reading.values import LONGEST_PROSE
from rowen.app.roles import OWN_SCORECARDS
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.scorecards import Question, Recommendation, Scorecard
from rowen.web.calls import Calls
from rowen.web.editing import identifier_of
from rowen.web.forms import Form
from rowen.web.interview_page import may_score
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Data, Redirected, Rendered, WebRequest
from rowen.web.schedule import Detail
from rowen.web.views import shown, when

CREATE: Final = ("POST", "/rowen/v1/scorecards")
CHANGE: Final = ("PATCH", "/rowen/v1/scorecards/{id}")
CHOICES: Final = (
    Recommendation.STRONG_YES,
    Recommendation.YES,
    Recommendation.NO,
    Recommendation.DEFINITELY_NOT,
    Recommendation.NO_DECISION,
)
_WITHOUT_TEXT: Final = "submit_without_text"
_MISSING: Final = {"recommendation": "scorecard.choose", "note": "scorecard.no_text"}


class ScorecardPage:
    """The page of a person's own scorecard."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._calls = calls

    async def show(self, request: WebRequest) -> Answer:
        """Show the form with the draft."""
        detail = await self._owed(request)
        if detail is None:
            return Redirected(f"/interviews/{identifier_of(request)}")
        draft = await self._draft(request, detail)
        missing = request.query.get("missing", "")
        form = Form(request.language, defaults=_given(draft, is_undecided=missing == "note"))
        if missing in _MISSING and not form.text(missing):
            form.note(missing, _MISSING[missing])
        return _page(request, detail, form, saved=draft is not None)._replace(status=200)

    async def save(self, request: WebRequest) -> Answer:
        """Store the draft, or submit the scorecard.

        What lacks something is stored as a draft, and asked for on the page of the draft: reloading that loses nothing.
        """
        detail = await self._owed(request)
        if detail is None:
            return Redirected(f"/interviews/{identifier_of(request)}")
        form = Form(request.language, request.form)
        recommendation = next((each for each in CHOICES if each.value == form.value("recommendation")), None)
        if len(form.value("note")) > LONGEST_PROSE:
            form.note("note", "scorecard.too_long", most=LONGEST_PROSE)
            return _page(request, detail, form, saved=False)
        missing = ""
        if recommendation is None:
            missing = "recommendation"
        elif not form.text("note") and form.value("do") != _WITHOUT_TEXT:
            missing = "note"
        tries = form.value("do") in ("submit", _WITHOUT_TEXT)
        submits = tries and not missing
        wanted: dict[str, Any] = {"submit": submits}
        if recommendation is not None:
            wanted["overall_recommendation"] = recommendation.value
        await self._store(request, detail, form.value("note").replace("\r\n", "\n"), wanted)
        if form.value("do") == "autosave":
            return Data(b"{}")
        page = f"/interviews/{detail.entry.interview.id}"
        if submits:
            return Redirected(f"{page}?from=me", message="submitted")
        return Redirected(f"{page}/scorecard{f'?missing={missing}' if tries else ''}")

    async def _store(self, request: WebRequest, detail: Detail, note: str, wanted: dict[str, Any]) -> None:
        """Create the scorecard, or change its draft; of two first drafts at once, the second one changes the first."""
        interview, user = detail.entry.interview.id, request.session.person.user.id
        for is_last in (False, True):
            draft = await self._draft(request, detail)
            body = {**wanted, "questions": _questions(draft, note)}
            try:
                if draft is not None:
                    await self._calls.make(request, CHANGE, body, own=OWN_SCORECARDS, id=draft.id)
                else:
                    new = {**body, "scheduled_interview_id": interview, "interviewer_id": user}
                    await self._calls.make(request, CREATE, new, own=OWN_SCORECARDS)
            except Refusal as refusal:
                if is_last or refusal.code is not Code.INVALID:
                    raise
            else:
                return

    async def _owed(self, request: WebRequest) -> Detail | None:
        """Return the interview if the person owes a scorecard for it; None otherwise. Raises Refusal (not found)."""
        person = request.session.person
        detail = await self._ports.schedule.detail(person, identifier_of(request))
        owes = detail.cancelled_at is None and may_score(person, detail.entry.interview, self._ports.now())
        return detail if owes else None

    async def _draft(self, request: WebRequest, detail: Detail) -> Scorecard | None:
        person = request.session.person
        return await self._ports.schedule.draft(person.organization, detail.entry.interview.id, person.user.id)


def _given(draft: Scorecard | None, *, is_undecided: bool) -> dict[str, str]:
    """Return the fields of a draft; `is_undecided` is whether `no_decision` was chosen, if the draft has that."""
    if draft is None:
        return {}
    # A draft without a choice has `no_decision`, too: that must not be submitted as the person's own.
    is_chosen = is_undecided or draft.overall_recommendation is not Recommendation.NO_DECISION
    chosen = draft.overall_recommendation.value if is_chosen else ""
    note = next((each.answer or "" for each in draft.questions if each.question == KEY_TAKE_AWAYS), "")
    return {"recommendation": chosen, "note": note}


def _questions(draft: Scorecard | None, note: str) -> list[dict[str, Any]]:
    """Return the questions of a scorecard with a note; others that a program has stored stay."""
    others = [each for each in draft.questions if each.question != KEY_TAKE_AWAYS] if draft else []
    found = [*others, *([Question(question=KEY_TAKE_AWAYS, answer=note)] if note else [])]
    return [
        {name: value for name, value in msgspec.structs.asdict(each).items() if value is not None} for each in found
    ]


def _page(request: WebRequest, detail: Detail, form: Form, *, saved: bool) -> Rendered:
    viewer, language = request.viewer, request.language
    choices = [(each.value, language.text(f"scorecard.{each.value}")) for each in CHOICES]
    values = {
        "interview": shown(viewer, detail.entry),
        "when": when(viewer, detail.entry.interview),
        "form": form,
        "choices": choices,
        "saved": saved,
    }
    return Rendered("scorecard.html", values, form.status)
