"""The form of a booking link: which interviews of a plan a candidate books, when, and what the link allows.

Owns its fields, and the question for slots that they become. Must not know how a link is made, or how times are found.
"""

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, Final, NamedTuple

from rowen.api.reading.slot_fields import LONGEST_NOTICE, MOST_DAYS, MOST_MOVES, MOST_SESSIONS
from rowen.app.booking_links import DEFAULT_DAYS, DEFAULT_MOVES, DEFAULT_NOTICE, LONGEST_DAYS
from rowen.app.slots import DEFAULT_GAP
from rowen.interviews.moments import Instant
from rowen.interviews.pools import Pool
from rowen.web.directory import Applicant, PlannedInterview, StageChoice
from rowen.web.forms import Form
from rowen.web.local_times import read_time
from rowen.web.request import Fields, WebRequest
from rowen.web.time_search import read_window
from rowen.web.usual_panel import panel_words, seats_of

_LONGEST_GAP: Final = 480
_HOUR: Final = 60
_DEFAULTS: Final = {
    "days": "1",
    "gap": str(DEFAULT_GAP),
    "lunch_from": "12:00",
    "lunch_until": "14:00",
    "expires_in_days": str(DEFAULT_DAYS),
    "moves": str(DEFAULT_MOVES),
    "notice_hours": str(DEFAULT_NOTICE // _HOUR),
}


class PlanChoices(NamedTuple):
    """What the form chooses from: a candidate's plan, the names of people by their ids, and the pools."""

    applicant: Applicant
    stages: Sequence[StageChoice]
    people: Mapping[int, str]
    pools: Sequence[Pool]

    def seats(self, planned: PlannedInterview) -> list[dict[str, Any]]:
        """Return the seats of an interview; none if no time can be found for it, as it has no length."""
        return seats_of(planned, self.people, self.pools) if planned.minutes else []


class OfferedInterview(NamedTuple):
    """An interview that can be chosen: its name, its stage, and how long it takes and with whom, in words."""

    id: int
    name: str
    stage: str
    words: str
    is_chosen: bool
    is_ready: bool


def first_fields(plan: PlanChoices) -> Fields:
    """Return what a new form shows: the interviews of the candidate's stage, or else of all, in any order."""
    ready = [(stage, each) for stage in plan.stages for each in stage.interviews if plan.seats(each)]
    current = [each for stage, each in ready if stage.id == plan.applicant.stage]
    chosen = [("interview", str(each.id)) for each in (current or [each for _, each in ready])[:MOST_SESSIONS]]
    return Fields([*chosen, ("any_order", "1")])


def add_defaults(form: Form, first: date, last: date) -> None:
    """Show the days that are searched at first, and the limits that a link has by default."""
    for name, text in {**_DEFAULTS, "times_from": first.isoformat(), "times_until": last.isoformat()}.items():
        form.default(name, text)


def offered(request: WebRequest, form: Form, plan: PlanChoices) -> list[OfferedInterview]:
    """Return the interviews of the plan, in its order."""
    language, chosen = request.language, set(form.all("interview"))
    found = []
    for stage in plan.stages:
        for each in stage.interviews:
            words = [language.text("form.minutes_of", minutes=each.minutes)] if each.minutes else []
            words += [", ".join(panel_words(language, each, plan.people, plan.pools))]
            name, ready = each.name or language.text("interview.untitled"), bool(plan.seats(each))
            shown = " · ".join(filter(None, words))
            found.append(OfferedInterview(each.id, name, stage.name or "", shown, str(each.id) in chosen, ready))
    return found


def link_body(request: WebRequest, form: Form, plan: PlanChoices) -> dict[str, Any] | None:
    """Return the body that makes the link of a form; None, with the problems noted."""
    sessions = _sessions(form, plan)
    window = read_window(request, form)
    lunch = _lunch(form)
    days = form.whole("days", 1, MOST_DAYS, "find.places")
    gap = form.whole("gap", 0, _LONGEST_GAP, "find.places")
    expires = form.whole("expires_in_days", 1, LONGEST_DAYS, "find.places")
    moves = form.whole("moves", 0, MOST_MOVES, "find.places")
    hours = form.whole("notice_hours", 0, LONGEST_NOTICE // _HOUR, "find.places")
    if form.problems or window is None or hours is None:
        return None
    return {
        "application_id": plan.applicant.application,
        "window": {"from": str(Instant(window[0])), "to": str(Instant(window[1]))},
        "time_zones": [request.session.person.organization.time_zone],
        "sessions": sessions,
        "order": "any" if form.value("any_order") else "given",
        "days": days,
        "gap_minutes": {"max": gap},
        "lunch": lunch,
        "repeat_people": bool(form.value("repeat_people")),
        "expires_in_days": expires,
        "moves": moves,
        "change_notice_minutes": hours * _HOUR,
    }


def _sessions(form: Form, plan: PlanChoices) -> list[dict[str, Any]]:
    """Return the sessions of the chosen interviews, in the order of the plan."""
    chosen = set(form.all("interview"))
    found: list[dict[str, Any]] = []
    for each in (one for stage in plan.stages for one in stage.interviews if str(one.id) in chosen):
        session = {"name": each.name, "minutes": each.minutes, "interview_id": each.id, "seats": plan.seats(each)}
        found.append({**session, "room": {} if form.value("with_room") else None})
    if not found:
        form.note("interview", "book.link_none")
    elif len(found) > MOST_SESSIONS:
        form.note("interview", "book.link_many", most=MOST_SESSIONS)
    elif not all(each["seats"] for each in found):
        form.note("interview", "book.link_lacks")
    return found


def _lunch(form: Form) -> dict[str, Any] | None:
    """Return the lunch break of a form; None if there is none or, with the problem noted, it is wrong."""
    if not form.text("lunch"):
        return None
    minutes = form.whole("lunch", 1, _LONGEST_GAP, "find.places")
    begins, ends = read_time(form.text("lunch_from")), read_time(form.text("lunch_until"))
    if begins is None:
        form.note("lunch_from", "form.time")
    if ends is None:
        form.note("lunch_until", "form.time")
    if minutes is None or begins is None or ends is None:
        return None
    if minutes > _minute(ends) - _minute(begins):
        form.note("lunch", "book.link_lunch_wrong")
    return {"from": f"{begins:%H:%M}", "to": f"{ends:%H:%M}", "minutes": minutes}


def _minute(at: time) -> int:
    return at.hour * _HOUR + at.minute
