"""Interviews as the board's modules in a browser get them: JSON, with times of the clock in the viewer's zone.

Owns the form of that JSON; `static/modules/types.d.ts` describes it to the modules. Must not know who may see what.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from rowen.interviews.interview import Interviewer
from rowen.interviews.people import person_of
from rowen.web.local_times import clock_at
from rowen.web.schedule import Entry
from rowen.web.views import Viewer, name_of

_DAY: Final = timedelta(days=1)


class BoardMember(msgspec.Struct, frozen=True):
    """A member of a panel. `key` is the same in all interviews of a person; `user` is empty for a guest."""

    key: str
    name: str
    answer: str
    owes: bool
    user: str


class BoardPerson(msgspec.Struct, frozen=True):
    """Somebody who has a row without having an interview; `key` is that of a `BoardMember`."""

    key: str
    name: str


class BoardInterview(msgspec.Struct, frozen=True):
    """An interview. `start` and `end` are times or dates of the viewer's clock; those in milliseconds are instants.

    `updated_at` names its version, 0 if unknown; `open` is whether it can be changed.
    """

    id: int
    start: str
    end: str
    all_day: bool
    starts_at: int
    ends_at: int
    candidate: str
    title: str
    job: str
    place: str
    status: str
    coordinator: str
    open: bool
    updated_at: int
    panel: list[BoardMember]


def board_interview(viewer: Viewer, entry: Entry, team_zone: ZoneInfo) -> BoardInterview:
    """Return an interview for a person's board; in `team_zone` all-day interviews keep people busy."""
    interview, language = entry.interview, viewer.language
    all_day = interview.start.is_date
    if interview.start.date is not None and interview.end.date is not None:
        last = max(interview.end.date, interview.start.date + _DAY)
        start, end = interview.start.date.isoformat(), last.isoformat()
    else:
        start = clock_at(interview.start.instant(team_zone), viewer.zone)
        end = clock_at(interview.end.instant(team_zone), viewer.zone)
    reference, organizer = interview.interview, interview.organizer
    return BoardInterview(
        interview.id,
        start,
        end,
        all_day,
        int(interview.start.instant(team_zone)),
        int(interview.end.instant(team_zone)),
        entry.candidate or language.text("interview.unknown_candidate", application=interview.application_id),
        (reference.name if reference else None) or language.text("interview.untitled"),
        entry.job or "",
        interview.location or "",
        interview.status.value,
        (organizer.name if organizer else None) or "",
        entry.open,
        int(interview.updated_at or 0),
        [_member(each) for each in interview.interviewers],
    )


def board_interviews(viewer: Viewer, entries: Iterable[Entry], team_zone: ZoneInfo) -> list[BoardInterview]:
    """Return interviews for a person's board."""
    return [board_interview(viewer, each, team_zone) for each in entries]


def _member(interviewer: Interviewer) -> BoardMember:
    key = person_of(interviewer.id, interviewer.email)
    user = "" if interviewer.id is None else str(interviewer.id)
    owes = interviewer.scorecard_id is None and interviewer.id is not None
    return BoardMember(str(key), name_of(interviewer), interviewer.response_status.value, owes, user)


def for_script(value: Any) -> Markup:
    """Return JSON that may stand in a script element: nothing in it can end the element."""
    text = msgspec.json.encode(value).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704
