"""The text of calendars (iCalendar, RFC 5545).

Owns what a calendar shows of an interview: everything to the team, and to candidates no answers, scorecards or other
candidates. Must not know where interviews come from, or who reads a calendar.

Times are in UTC, so that an event needs no definition of a time zone and is right whatever rules change; calendar
programs show it in the reader's zone. The text of an event is made by icalendar once and cached, which is 40 times as
fast (benchmarks/README.md).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import icalendar
import msgspec

from rowen.api.codec.documents import decode
from rowen.app.calendars import MOST_EVENTS, CalendarEvent, CalendarKind
from rowen.app.organizations import Organization
from rowen.interviews.interview import Interviewer, Moment, ResponseStatus, ScheduledInterview

_REFRESH: Final = timedelta(minutes=15)
_END: Final = b"END:VCALENDAR\r\n"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ANSWERS: Final = {
    ResponseStatus.NEEDS_ACTION: "not answered",
    ResponseStatus.DECLINED: "declined",
    ResponseStatus.TENTATIVE: "tentative",
    ResponseStatus.ACCEPTED: "accepted",
}


class _Named(msgspec.Struct):
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class _Application(msgspec.Struct):
    jobs: tuple[_Named, ...] = ()


_read_named: Final = msgspec.json.Decoder(_Named).decode
_read_application: Final = msgspec.json.Decoder(_Application).decode


def calendar_text(
    organization: Organization, kind: CalendarKind, subject: bytes | None, events: Sequence[CalendarEvent]
) -> bytes:
    """Return a calendar; `subject` is the document of the user or job whose interviews it contains."""
    calendar = icalendar.Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", "-//Rowen//Interview schedule//EN")
    calendar.add("METHOD", "PUBLISH")
    shown = _name(subject) or organization.name
    for name in ("NAME", "X-WR-CALNAME"):
        calendar.add(name, _plain(f"Interviews: {shown}"))
    calendar.add("X-WR-TIMEZONE", organization.time_zone)
    calendar.add("REFRESH-INTERVAL", _REFRESH, {"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", "PT15M")
    whose = (f"{organization.id}-{int(organization.created_at)}", organization.name)
    text = event_for_candidate if kind is CalendarKind.APPLICATION else event_for_team
    return b"".join((calendar.to_ical().removesuffix(_END), *(text(each, *whose) for each in events), _END))


@lru_cache(maxsize=MOST_EVENTS + 1_000)
def event_for_team(event: CalendarEvent, origin: str, organization: str) -> bytes:
    """Return an event with all that the team sees; `origin` makes the id of its interview unique everywhere."""
    del organization
    interview = decode(event.interview)
    candidate, job = _name(event.candidate), _job(event.application)
    lines = [
        ("Candidate", candidate),
        ("Job", job),
        ("Organizer", interview.organizer.name if interview.organizer else None),
        (
            "Interviewers",
            ", ".join(f"{_who(each)} ({_ANSWERS[each.response_status]})" for each in interview.interviewers),
        ),
    ]
    return _event(event, interview, origin, (candidate, job), lines)


@lru_cache(maxsize=1_000)
def event_for_candidate(event: CalendarEvent, origin: str, organization: str) -> bytes:
    """Return an event with what its candidate may see: the time and place, and the interviewers' names."""
    interview = decode(event.interview)
    coming = [
        each for each in interview.interviewers if each.name and each.response_status is not ResponseStatus.DECLINED
    ]
    lines = [("Interviewers", ", ".join(_who(each) for each in coming))]
    return _event(event, interview, origin, (organization,), lines)


def _event(
    event: CalendarEvent,
    interview: ScheduledInterview,
    origin: str,
    titles: Sequence[str | None],
    lines: Sequence[tuple[str, str | None]],
) -> bytes:
    changed = max(interview.updated_at or 0, event.cancelled_at or 0)
    stamp = _time(changed or interview.created_at or 0)
    about = interview.interview.name if interview.interview else None
    entry = icalendar.Event()
    entry.add("UID", f"interview-{interview.id}-{origin}@rowen")
    entry.add("DTSTAMP", stamp)
    entry.add("LAST-MODIFIED", stamp)
    # It grows with every change, and a cancellation comes after all of them (RFC 5545 section 3.8.7.4).
    since = interview.created_at or 0
    entry.add("SEQUENCE", min(max(changed - since, 0) // 1_000 + (event.cancelled_at is not None), _LARGEST))
    entry.add("STATUS", "CONFIRMED" if event.cancelled_at is None else "CANCELLED")
    entry.add("DTSTART", _when(interview.start))
    entry.add("DTEND", _when(interview.end))
    title = ", ".join(each for each in titles if each)
    entry.add("SUMMARY", _plain(f"{about or 'Interview'}: {title}" if title else about or "Interview"))
    if interview.location:
        entry.add("LOCATION", _plain(interview.location))
    description = [f"{name}: {text}" for name, text in lines if text]
    if interview.video_conferencing_url:
        address = _plain(interview.video_conferencing_url)
        description.append(f"Video: {address}")
        entry.add("URL", address)
    if description:
        entry.add("DESCRIPTION", "\n".join(map(_plain, description)))
    text: bytes = entry.to_ical()
    return text


_LARGEST: Final = 2**31 - 1


def _when(moment: Moment) -> date | datetime:
    return moment.date if moment.date is not None else _time(moment.date_time or 0)


def _time(instant: int) -> datetime:
    return _EPOCH + timedelta(seconds=instant // 1_000)


def _name(document: bytes | None) -> str | None:
    if document is None:
        return None
    found = _read_named(document)
    return found.name or " ".join(each for each in (found.first_name, found.last_name) if each) or None


def _job(application: bytes | None) -> str | None:
    jobs: Sequence[Any] = _read_application(application).jobs if application is not None else ()
    return next((each.name for each in jobs if each.name), None)


def _who(interviewer: Interviewer) -> str:
    return interviewer.name or interviewer.email or "?"


def _plain(text: str) -> str:
    """Return a text on one line, without control characters, which calendars do not have."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
