"""Interviews as the templates show them: every time and name already written for one person.

Owns how an interview is written. Must not know HTML, or what is shown on which page.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from rowen.api.codec.v3.scorecards import KEY_TAKE_AWAYS
from rowen.interviews.changes import Kind
from rowen.interviews.interview import Interviewer, Moment, ResponseStatus, ScheduledInterview, Status
from rowen.interviews.moments import Instant
from rowen.web.languages import Language, zone_name
from rowen.web.schedule import Entry, HistoryActor, HistoryEntry, HistoryField, SubmittedScorecard

_WEB: Final = ("http", "https")
_INITIALS: Final = 2
_TO: Final = "\u2013"
OVERDUE_AFTER: Final = 24 * 3_600_000
"""How long after the end of an interview its feedback is overdue, in milliseconds."""


class Viewer(NamedTuple):
    """How times and texts are written for a person."""

    language: Language
    zone: ZoneInfo
    zone_key: str


class PanelAnswer(NamedTuple):
    """A member of a panel: the initials and the name, and the answer, as a value and in words."""

    initials: str
    name: str
    status: str
    words: str


class Shown(NamedTuple):
    """An interview on a page; `video` is None unless it is a link that may be followed."""

    id: int
    day: date
    time: str
    until: str
    title: str
    candidate: str
    job: str | None
    place: str | None
    video: str | None
    status: str
    status_words: str
    answers: Sequence[PanelAnswer]
    open: bool


class ShownChange(NamedTuple):
    """A change in a history: what, who, when, the fields that differ, and the revision of the organization."""

    words: str
    actor: str
    time: str
    fields: Sequence[tuple[str, str, str]]
    revision: int


class ShownScorecard(NamedTuple):
    """A scorecard in a list; `notes` are its questions and attributes, each with the answer or the rating."""

    name: str
    recommendation: str
    words: str
    submitted: str
    notes: Sequence[tuple[str, str]]


def local(viewer: Viewer, instant: Instant) -> datetime:
    """Return an instant in a person's time zone."""
    return datetime.fromtimestamp(instant / 1_000, UTC).astimezone(viewer.zone)


def day_of(viewer: Viewer, moment: Moment) -> date:
    """Return the day of a moment for a person: that of an all-day interview is the same everywhere."""
    return moment.date if moment.date is not None else local(viewer, moment.date_time or Instant(0)).date()


def shown(viewer: Viewer, entry: Entry) -> Shown:
    """Return an interview as a person sees it."""
    interview, language = entry.interview, viewer.language
    begins, ends = times_of(viewer, interview)
    reference = interview.interview
    return Shown(
        interview.id,
        day_of(viewer, interview.start),
        begins,
        ends,
        (reference.name if reference else None) or language.text("interview.untitled"),
        entry.candidate or language.text("interview.unknown_candidate", application=interview.application_id),
        entry.job,
        interview.location,
        link_of(interview.video_conferencing_url),
        interview.status.value,
        language.text(f"status.{interview.status.value}"),
        [_answer(viewer, each) for each in interview.interviewers],
        entry.open,
    )


def times_of(viewer: Viewer, interview: ScheduledInterview) -> tuple[str, str]:
    """Return the start and the end of an interview; the end names its day if that is another one."""
    language = viewer.language
    first, last = day_of(viewer, interview.start), day_of(viewer, interview.end)
    if interview.start.date_time is None or interview.end.date_time is None:
        last -= timedelta(days=1)  # an all-day interview ends on the day after the last one
        return language.text("interview.all_day"), language.short_day(last) if last > first else ""
    end = local(viewer, interview.end.date_time)
    written = language.time(end)
    return (
        language.time(local(viewer, interview.start.date_time)),
        written if last == first else f"{language.short_day(last)}, {written}",
    )


def when(viewer: Viewer, interview: ScheduledInterview) -> str:
    """Write when an interview is, in a sentence, in a person's time zone."""
    begins, ends = times_of(viewer, interview)
    day = day_of(viewer, interview.start)
    return f"{viewer.language.full_day(day)}, {begins}{_TO + ends if ends else ''}"


def zone_of(viewer: Viewer, interview: ScheduledInterview) -> str:
    """Write a person's time zone as it is when an interview begins."""
    start = interview.start.instant(viewer.zone)
    return zone_name(viewer.zone_key, local(viewer, start))


def link_of(url: str | None) -> str | None:
    """Return an address if it is safe to follow: stored text may be anything, such as `javascript:`."""
    try:
        return url if url and urlsplit(url).scheme in _WEB else None
    except ValueError:
        return None


def name_of(interviewer: Interviewer) -> str:
    """Return the name of a member of a panel, or else the address or the id."""
    return interviewer.name or interviewer.email or str(interviewer.id)


def initials(name: str) -> str:
    """Return up to two letters that stand for a name."""
    parts = [part for part in name.partition("@")[0].replace(".", " ").split() if part]
    chosen = parts[:1] + parts[-1:] if len(parts) > 1 else parts
    return "".join(part[0] for part in chosen)[:_INITIALS].upper()


def is_unanswered(interview: ScheduledInterview) -> bool:
    """Return whether somebody on the panel of an interview to come has not answered."""
    waiting = (each.response_status is ResponseStatus.NEEDS_ACTION for each in interview.interviewers)
    return interview.status is Status.SCHEDULED and any(waiting)


def is_overdue(interview: ScheduledInterview, now: Instant) -> bool:
    """Return whether feedback has been missing for a day; of an all-day interview, since its last day in UTC."""
    return interview.status is Status.AWAITING_FEEDBACK and now - interview.end.instant(UTC) > OVERDUE_AFTER


def _answer(viewer: Viewer, interviewer: Interviewer) -> PanelAnswer:
    name, status = name_of(interviewer), interviewer.response_status.value
    return PanelAnswer(initials(name), name, status, viewer.language.text(f"answer.{status}"))


def shown_scorecards(viewer: Viewer, scorecards: Iterable[SubmittedScorecard]) -> list[ShownScorecard]:
    """Return the scorecards of an interview as a person sees them."""
    language = viewer.language
    found = []
    for each in scorecards:
        recommendation = each.overall_recommendation or "elsewhere"
        submitted = "" if each.submitted_at is None else moment(viewer, each.submitted_at)
        found.append(
            ShownScorecard(
                (each.interviewer and each.interviewer.name) or str(each.id),
                recommendation,
                _known(language, f"scorecard.{recommendation}", recommendation),
                language.text("scorecard.submitted", time=submitted).strip(),
                list(_notes(language, each)),
            )
        )
    return found


def _notes(language: Language, scorecard: SubmittedScorecard) -> Iterator[tuple[str, str]]:
    """Yield the answered questions and the rated attributes of a scorecard."""
    for question in scorecard.questions:
        if question.answer:
            title = None if question.question == KEY_TAKE_AWAYS else question.question
            yield title or language.text("scorecard.note"), question.answer
    for each in scorecard.attributes:
        rating = _known(language, f"scorecard.{each.rating.value}", each.rating.value)
        yield each.name, f"{rating}: {each.note}" if each.note else rating


def moment(viewer: Viewer, instant: Instant) -> str:
    """Write an instant with its day and year."""
    at = local(viewer, instant)
    return f"{viewer.language.whole_day(at.date())}, {viewer.language.time(at)}"


def shown_history(viewer: Viewer, entry: Entry, history: Iterable[HistoryEntry]) -> list[ShownChange]:
    """Return the changes of an interview, the newest first, as a person sees them."""
    found = list(history)
    names = {str(each.id): name_of(each) for each in entry.interview.interviewers if each.id is not None}
    return [
        ShownChange(
            _words(viewer.language, each, previous),
            _actor(viewer.language, each.actor),
            moment(viewer, each.time),
            _fields(viewer, names, each, previous),
            each.revision,
        )
        for each, previous in zip(found, [*found, None][1:], strict=True)
    ]


def _fields(
    viewer: Viewer, names: Mapping[str, str], change: HistoryEntry, previous: HistoryEntry | None
) -> list[tuple[str, str, str]]:
    """Return the fields of a change, each before and after: none of a cancellation, as that is all of them."""
    if change.kind == Kind.CANCELLED or _is_undone(change, previous):
        return []
    # An event is a reference of programs. It is shown where it is all that has changed.
    fields = [each for each in change.fields if each.field != "external_event_id"] or change.fields
    found = [_field(viewer, names, each) for each in fields]
    return [(name, "", after) for name, _, after in found] if change.kind == Kind.CREATED else found


def _is_undone(change: HistoryEntry, previous: HistoryEntry | None) -> bool:
    """Return whether a change undid the cancellation before it."""
    return change.kind == Kind.CREATED and previous is not None and previous.kind == Kind.CANCELLED


def _words(language: Language, change: HistoryEntry, previous: HistoryEntry | None) -> str:
    """Write what happened; an interview is created after its cancellation if that is undone."""
    is_undone = _is_undone(change, previous)
    return language.text("change.restored") if is_undone else _known(language, f"change.{change.kind}", change.kind)


def _actor(language: Language, actor: HistoryActor) -> str:
    by = actor.api_key or ""
    if actor.kind == "user" and by and by != actor.name:
        return language.text("actor.user_by", name=actor.name or actor.id, by=by)
    return language.text(f"actor.{actor.kind}", name=actor.name or actor.id or "", by=by)


def _field(viewer: Viewer, names: Mapping[str, str], change: HistoryField) -> tuple[str, str, str]:
    """Return a field's name, and its value before and after, in words."""
    language, path = viewer.language, change.field
    if path.startswith("interviewers."):
        member = path.removeprefix("interviewers.")
        # An e-mail address has dots, too: the field is the part after the last, if it is one of an interviewer.
        head, _, last = member.rpartition(".")
        attribute = last if head and last in Interviewer.__struct_fields__ else ""
        member = head if attribute else member
        key = f"field.member.{attribute}" if attribute else "field.member"
        given = next((value for value in (change.after, change.before) if isinstance(value, dict)), {})
        words = language.text(key, name=names.get(member) or given.get("name") or member)
    else:
        attribute, words = path, _known(language, f"field.{path}", path)
    return words, _value(viewer, attribute, change.before), _value(viewer, attribute, change.after)


def _value(viewer: Viewer, attribute: str, value: Any) -> str:
    """Write a JSON value in words."""
    language = viewer.language
    if value is None:
        return language.text("field.none")
    if attribute == "scorecard_id":
        return language.text("field.submitted")
    if attribute == "status":
        return _known(language, f"status.{value}", str(value))
    if attribute == "response_status":
        return _known(language, f"answer.{value}", str(value))
    if isinstance(value, dict):
        return _object(viewer, value)
    return str(value)


def _object(viewer: Viewer, value: Mapping[str, Any]) -> str:
    """Write an object: an end of an interview, a member of a panel, a person, or the interview of a stage."""
    if isinstance(value.get("date_time"), str):
        return moment(viewer, Instant.parse(value["date_time"]))
    if isinstance(value.get("date"), str):
        return viewer.language.whole_day(date.fromisoformat(value["date"]))
    if "response_status" in value:
        status = value["response_status"]
        return _known(viewer.language, f"answer.{status}", str(status))
    return str(value.get("name") or value.get("email") or value.get("id") or viewer.language.text("field.none"))


def _known(language: Language, key: str, otherwise: str) -> str:
    """Return a text, or what was stored: imports may hold values that no text is for."""
    return language.text(key) if language.has(key) else otherwise


ANSWERS: Final = (ResponseStatus.ACCEPTED, ResponseStatus.TENTATIVE, ResponseStatus.DECLINED)
"""The answers that an interviewer can give."""
