"""Changes described in sentences.

Owns the sentence of each kind of change. Must not know where changes come from or how they are shown.
"""

import datetime
from collections.abc import Callable, Iterator
from datetime import tzinfo
from typing import Any, Final

import msgspec

from rowen.interviews.changes import ActorKind, Kind
from rowen.interviews.interview import ResponseStatus, Status


class _Actor(msgspec.Struct, frozen=True):
    kind: str = ""
    id: int | None = None
    name: str | None = None


class _Field(msgspec.Struct, frozen=True):
    field: str
    before: Any = None
    after: Any = None


class _Moment(msgspec.Struct, frozen=True):
    date_time: datetime.datetime | None = None
    date: datetime.date | None = None


class _Named(msgspec.Struct, frozen=True):
    id: int | None = None
    name: str | None = None
    email: str | None = None


class _Document(msgspec.Struct, frozen=True):
    start: _Moment | None = None
    interview: _Named | None = None
    interviewers: tuple[_Named, ...] = ()


class _Counts(msgspec.Struct, frozen=True):
    new: int = 0
    changed: int = 0


class ChangeEntry(msgspec.Struct, frozen=True):
    """The part of a feed's entry that a sentence needs."""

    revision: int
    time: datetime.datetime
    kind: str
    actor: _Actor = _Actor()
    scheduled_interview_id: int | None = None
    resource: str = "scheduled_interviews"
    counts: _Counts | None = None
    fields: tuple[_Field, ...] = ()
    document: _Document | None = None


_decoder: Final = msgspec.json.Decoder(ChangeEntry)


def read_entry(body: bytes) -> ChangeEntry:
    """Return a decoded entry of the feed. Raises msgspec.DecodeError if it is not valid."""
    return _decoder.decode(body)


def describe(entry: ChangeEntry, zone: tzinfo | None) -> str:
    """Return a printable sentence for a change, with times in `zone` (None for this machine's)."""
    text = _DESCRIPTIONS.get(entry.kind, _other)(entry, zone)
    # Names come from anywhere: none may move the cursor of the terminal.
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _created(entry: ChangeEntry, zone: tzinfo | None) -> str:
    return f"{_actor(entry)} scheduled {_interview(entry, zone)}"


def _rescheduled(entry: ChangeEntry, zone: tzinfo | None) -> str:
    was = next((field.before for field in entry.fields if field.field == "start"), None)
    before = "" if was is None else f", before {_when(msgspec.convert(was, _Moment), entry, zone)}"
    return f"{_actor(entry)} moved {_interview(entry, zone)}{before}"


def _panel_changed(entry: ChangeEntry, zone: tzinfo | None) -> str:
    came = [_name(field.after) for field in _seats(entry) if field.before is None]
    went = [_name(field.before) for field in _seats(entry) if field.after is None]
    changes = [*(f"{name} joins" for name in came), *(f"{name} leaves" for name in went)]
    return f"{_actor(entry)} changed the panel of {_interview(entry, zone)}" + _listed(changes)


def _responded(entry: ChangeEntry, zone: tzinfo | None) -> str:
    answers = [
        f"{_person(entry, seat)} {_ANSWERS.get(field.after, 'answered')}"
        for field, seat in _seat_fields(entry, "response_status")
    ]
    return f"{' and '.join(answers) or f'{_actor(entry)} answered'} {_interview(entry, zone)}"


def _updated(entry: ChangeEntry, zone: tzinfo | None) -> str:
    names = [field.field.replace("_", " ") for field in entry.fields]
    return f"{_actor(entry)} changed {_interview(entry, zone)}" + _listed(names)


def _status_changed(entry: ChangeEntry, zone: tzinfo | None) -> str:
    status = next((field.after for field in entry.fields if field.field == "status"), None)
    return f"{_interview(entry, zone)} {_STATUSES.get(str(status), 'has a new status')}"


def _scored(entry: ChangeEntry, zone: tzinfo | None) -> str:
    who = [_person(entry, seat) for _, seat in _seat_fields(entry, "scorecard_id")]
    return f"{' and '.join(who) or _actor(entry)} scored {_interview(entry, zone)}"


def _score_removed(entry: ChangeEntry, zone: tzinfo | None) -> str:
    who = [_person(entry, seat) for _, seat in _seat_fields(entry, "scorecard_id")]
    of = f" of {' and '.join(who)}" if who else ""
    return f"{_actor(entry)} took back the scorecard{of} for {_interview(entry, zone)}"


def _person_renamed(entry: ChangeEntry, zone: tzinfo | None) -> str:
    renamed = [f"{_name(field.before)} is now {_name(field.after)}" for field, _ in _seat_fields(entry, "name")]
    renamed += [
        f"{_name(field.before)} is now {_name(field.after)}" for field in entry.fields if field.field == "organizer"
    ]
    return f"{' and '.join(dict.fromkeys(renamed)) or 'a person was renamed'} in {_interview(entry, zone)}"


def _cancelled(entry: ChangeEntry, zone: tzinfo | None) -> str:
    return f"{_actor(entry)} cancelled {_interview(entry, zone)}"


def _imported(entry: ChangeEntry, zone: tzinfo | None) -> str:  # noqa: ARG001  (one shape for all)
    counts = entry.counts or _Counts()
    resource = entry.resource.replace("_", " ")
    return f"{_actor(entry)} imported {counts.new} new and {counts.changed} changed {resource}"


def _repaired(entry: ChangeEntry, zone: tzinfo | None) -> str:
    if entry.scheduled_interview_id is None:
        count = (entry.counts or _Counts()).changed
        return f"{_actor(entry)} repaired the times of {count} {entry.resource.replace('_', ' ')}"
    return f"{_actor(entry)} repaired the times of {_interview(entry, zone)}"


def _recorded(entry: ChangeEntry, zone: tzinfo | None) -> str:  # noqa: ARG001  (one shape for all)
    """Return a sentence with the record's id, which is the first part of each field's path."""
    verb = "added" if entry.counts is not None and entry.counts.new else "changed"
    what = entry.resource.removesuffix("s").replace("_", " ")
    identifiers = dict.fromkeys(field.field.partition(".")[0] for field in entry.fields)
    names = [field.field.partition(".")[2].replace("_", " ") for field in entry.fields]
    return f"{_actor(entry)} {verb} {' '.join([what, *identifiers])}" + _listed(names if verb == "changed" else [])


def _other(entry: ChangeEntry, zone: tzinfo | None) -> str:
    return f"{_actor(entry)}: {entry.kind.replace('_', ' ')}, {_interview(entry, zone)}"


_DESCRIPTIONS: Final[dict[str, Callable[[ChangeEntry, tzinfo | None], str]]] = {
    Kind.CREATED: _created,
    Kind.RESCHEDULED: _rescheduled,
    Kind.PANEL_CHANGED: _panel_changed,
    Kind.RESPONDED: _responded,
    Kind.UPDATED: _updated,
    Kind.STATUS_CHANGED: _status_changed,
    Kind.SCORED: _scored,
    Kind.SCORE_REMOVED: _score_removed,
    Kind.PERSON_RENAMED: _person_renamed,
    Kind.REPAIRED: _repaired,
    Kind.CANCELLED: _cancelled,
    Kind.IMPORTED: _imported,
    Kind.RECORDED: _recorded,
}
_ANSWERS: Final[dict[str, str]] = {
    ResponseStatus.NEEDS_ACTION: "has yet to answer",
    ResponseStatus.DECLINED: "declined",
    ResponseStatus.TENTATIVE: "may come to",
    ResponseStatus.ACCEPTED: "accepted",
}
_STATUSES: Final[dict[str, str]] = {
    Status.SCHEDULED: "is scheduled again",
    Status.AWAITING_FEEDBACK: "awaits feedback",
    Status.COMPLETE: "is complete",
}


def _actor(entry: ChangeEntry) -> str:
    actor = entry.actor
    if actor.kind == ActorKind.USER:
        return actor.name or f"user {actor.id}"
    return {
        ActorKind.CLOCK.value: "the clock",
        ActorKind.IMPORT.value: "an import",
        ActorKind.OPERATOR.value: "the operator",
        ActorKind.INTEGRATION.value: "an integration",
    }.get(actor.kind, actor.kind)


def _interview(entry: ChangeEntry, zone: tzinfo | None) -> str:
    """Return an interview's name: `interview 9128481 (Culture Fit), Tue 26 Mar 22:15`."""
    text = f"interview {entry.scheduled_interview_id}"
    document = entry.document
    if document is not None and document.interview is not None and document.interview.name:
        text += f" ({document.interview.name})"
    if document is not None and document.start is not None:
        text += f", {_when(document.start, entry, zone)}"
    return text


def _when(moment: _Moment, entry: ChangeEntry, zone: tzinfo | None) -> str:
    """Return when an interview starts, with the year if it is not that of the change."""
    if moment.date_time is not None:
        start = moment.date_time.astimezone(zone)
        form = "%a %d %b %H:%M" if start.year == entry.time.year else "%a %d %b %Y %H:%M"
        return start.strftime(form)
    if moment.date is not None:
        return moment.date.strftime("%a %d %b" if moment.date.year == entry.time.year else "%a %d %b %Y")
    return "some day"


def _seats(entry: ChangeEntry) -> Iterator[_Field]:
    """Return the changes of whole panel members: those who joined or left."""
    return (
        field
        for field in entry.fields
        if field.field.startswith("interviewers.") and (field.before is None or isinstance(field.before, dict))
        if isinstance(field.after, dict) or isinstance(field.before, dict)
    )


def _seat_fields(entry: ChangeEntry, name: str) -> Iterator[tuple[_Field, str]]:
    """Return the changes of one field of panel members, each with the member's id or e-mail address."""
    for field in entry.fields:
        if field.field.startswith("interviewers.") and field.field.endswith(f".{name}"):
            yield field, field.field.removeprefix("interviewers.").removesuffix(f".{name}")


def _person(entry: ChangeEntry, seat: str) -> str:
    for each in entry.document.interviewers if entry.document else ():
        if seat in (str(each.id), each.email):
            return each.name or each.email or f"user {seat}"
    return seat if "@" in seat else f"user {seat}"


def _name(value: Any) -> str:
    """Return the name in a field's value: that of a person's object, or the value itself."""
    if isinstance(value, dict):
        return str(value.get("name") or value.get("email") or f"user {value.get('id')}")
    return "nobody" if value is None else str(value)


def _listed(texts: list[str]) -> str:
    return f": {', '.join(texts)}" if texts else ""
