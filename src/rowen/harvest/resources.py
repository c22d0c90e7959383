"""The codec of what stands around the interviews: users, applications, job stages, scorecards.

Owns their shapes (public Harvest v1 reference, "The user object" and its like): the order of keys, every key
present, timestamps with three decimals and `Z`, what is not of the reference kept behind. Must not know where
records come from or go.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from rowen.app.ports import RecordDraft
from rowen.app.records import ACTIVE, APPLICATIONS, JOB_STAGES, SCORECARDS, USERS
from rowen.harvest.diagnosis import diagnose
from rowen.harvest.documents import InvalidDocument, read_instant
from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import Identifier
from rowen.interviews.mentions import Person, Said
from rowen.interviews.moments import Instant
from rowen.interviews.people import User, fold
from rowen.interviews.scorecards import SUBMITTED

Json = dict[str, Any]
Term = tuple[str, str]


class UserRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A user; custom fields, which are shown on demand only, are none of its keys."""

    id: Identifier
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    primary_email_address: str | None = None
    updated_at: Instant | None = None
    created_at: Instant | None = None
    disabled: bool = False
    site_admin: bool = False
    emails: list[str] = []
    employee_id: str | None = None
    linked_candidate_ids: list[Any] = []
    offices: list[Any] = []
    departments: list[Any] = []


class Job(msgspec.Struct, frozen=True):
    """The job of an application, as far as it is searched by."""

    id: Identifier


class ApplicationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An application."""

    id: Identifier
    candidate_id: Identifier | None = None
    prospect: bool = False
    applied_at: Instant | None = None
    rejected_at: Instant | None = None
    last_activity_at: Instant | None = None
    location: Any = None
    source: Any = None
    credited_to: Any = None
    recruiter: Any = None
    coordinator: Any = None
    rejection_reason: Any = None
    rejection_details: Any = None
    jobs: list[Job] = []
    job_post_id: Identifier | None = None
    status: str = ACTIVE
    current_stage: Any = None
    answers: list[Any] = []
    prospective_office: Any = None
    prospective_department: Any = None
    prospect_detail: Any = None
    custom_fields: Any = None
    keyed_custom_fields: Any = None
    attachments: list[Any] = []


class StageInterview(msgspec.Struct, frozen=True):
    """The interview of a job stage, as far as it is searched by."""

    id: Identifier
    name: str | None = None


class JobStageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A job stage."""

    id: Identifier
    name: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    active: bool = True
    job_id: Identifier | None = None
    priority: int = 0
    interviews: list[StageInterview] = []


class ScorecardRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A scorecard."""

    id: Identifier
    updated_at: Instant | None = None
    created_at: Instant | None = None
    interview: str | None = None
    interview_step: Any = None
    candidate_id: Identifier | None = None
    application_id: Identifier | None = None
    interviewed_at: Instant | None = None
    submitted_by: Any = None
    interviewer: Any = None
    submitted_at: Instant | None = None
    overall_recommendation: str | None = None
    attributes: list[Any] = []
    ratings: Any = None
    questions: list[Any] = []


@dataclass(frozen=True, slots=True)
class Shape:
    """One resource: its fields, and by what it is searched.

    `marks` are the keys by which a record is told from others. `created` and `updated` name the fields that hold its
    times. `status` and `terms` make the rest of what it is searched by, of a document with every key.
    """

    kind: type[msgspec.Struct]
    marks: frozenset[str]
    created: str
    updated: str
    status: Callable[[Json], str | None]
    terms: Callable[[Json], Iterator[Term]]


def _user_terms(document: Json) -> Iterator[Term]:
    for email in document["emails"]:
        yield "email", fold(email)
    if document["employee_id"] is not None:
        yield "employee_id", document["employee_id"]


def _application_terms(document: Json) -> Iterator[Term]:
    for job in document["jobs"]:
        yield "job_id", str(job["id"])


def _job_stage_terms(document: Json) -> Iterator[Term]:
    if document["job_id"] is not None:
        yield "job_id", str(document["job_id"])
    for interview in document["interviews"]:
        yield "interview_id", str(interview["id"])


def _scorecard_terms(document: Json) -> Iterator[Term]:
    if document.get("application_id") is not None:
        yield "application_id", str(document["application_id"])


SHAPES: Final[Mapping[str, Shape]] = {
    USERS: Shape(
        UserRecord,
        frozenset({"primary_email_address", "emails", "site_admin", "disabled"}),
        "created_at",
        "updated_at",
        lambda _: None,
        _user_terms,
    ),
    APPLICATIONS: Shape(
        ApplicationRecord,
        frozenset({"prospect", "applied_at", "last_activity_at", "job_post_id", "current_stage"}),
        "applied_at",
        "last_activity_at",
        lambda document: str(document["status"]),
        _application_terms,
    ),
    JOB_STAGES: Shape(
        JobStageRecord,
        frozenset({"interviews", "job_id", "priority"}),
        "created_at",
        "updated_at",
        lambda _: None,
        _job_stage_terms,
    ),
    SCORECARDS: Shape(
        ScorecardRecord,
        frozenset({"overall_recommendation", "submitted_at", "submitted_by", "interviewed_at", "interviewer"}),
        "created_at",
        "updated_at",
        lambda document: "draft" if document["submitted_at"] is None else SUBMITTED,
        _scorecard_terms,
    ),
}
"""The resources, by their names in URLs."""

_OF_INTERVIEWS: Final = frozenset({"start", "end", "interviewers", "organizer", "external_event_id"})
_EMPTY_OBJECTS: Final[Mapping[str, Json]] = {
    "prospect_detail": {"prospect_pool": None, "prospect_stage": None, "prospect_owner": None},
    "custom_fields": {},
    "keyed_custom_fields": {},
    "ratings": {"definitely_not": [], "no": [], "mixed": [], "yes": [], "strong_yes": []},
}
"""What is served of objects that every record has, where nothing is known."""

_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


def told(body: bytes) -> str | None:
    """Tell the resource of a record by its keys; None where it is an interview, or nothing that is known."""
    try:
        keys = _keys.decode(body).keys()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not _OF_INTERVIEWS.isdisjoint(keys):
        return None
    likeness = {name: len(shape.marks & keys) for name, shape in SHAPES.items()}
    best = max(likeness, key=lambda name: likeness[name])
    # Other resources of an export have a job or a priority, too: offers, job posts, tasks.
    return best if likeness[best] > (best == JOB_STAGES and "interviews" not in keys) else None


def draft(resource: str, body: bytes) -> RecordDraft:
    """Return what is stored of one record, whatever the order of its keys. Raises InvalidDocument."""
    shape = SHAPES[resource]
    try:
        found = msgspec.json.decode(body, type=Json)
        # Null and a key left out mean the same: nothing is known.
        known = {name: value for name, value in found.items() if value is not None}
        document = _whole(shape, found, msgspec.convert(known, shape.kind, dec_hook=read_instant))
        if resource == USERS:
            _complete_user(document)
        return _draft(resource, document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocument(diagnose(body, error, read_instant, shape.kind)) from error
    except OverflowError as error:
        raise InvalidDocument([FieldProblem("record", "holds a number that is too large")]) from error


def _whole(shape: Shape, found: Json, checked: msgspec.Struct) -> Json:
    """Return a document with every key of its shape, in their order, and others behind them."""
    document: Json = {}
    for name in shape.kind.__struct_fields__:
        value = getattr(checked, name)
        if isinstance(value, Instant) or found.get(name) is None:
            document[name] = _EMPTY_OBJECTS.get(name) if value is None else value
        else:
            document[name] = found[name]
    return document | {name: value for name, value in found.items() if name not in document}


def _complete_user(document: Json) -> None:
    """Put in what a user's other fields say: the whole name of both its parts, the primary address among all."""
    parts = [part for part in (document["first_name"], document["last_name"]) if part]
    if document["name"] is None and parts:
        document["name"] = " ".join(parts)
    primary = document["primary_email_address"]
    if primary is None and document["emails"]:
        document["primary_email_address"] = document["emails"][0]
    elif primary is not None and primary not in document["emails"]:
        document["emails"] = [primary, *document["emails"]]


def _draft(resource: str, document: Json, *, derived: bool = False) -> RecordDraft:
    shape = SHAPES[resource]
    return RecordDraft(
        resource,
        document["id"],
        _milliseconds(document[shape.created]),
        _milliseconds(document[shape.updated]),
        shape.status(document),
        derived,
        _encode(document),
        tuple(shape.terms(document)),
    )


def _milliseconds(time: Instant | None) -> int | None:
    return None if time is None else int(time)


def terms(resource: str, document: bytes) -> tuple[Term, ...]:
    """Return what a stored record is found by."""
    return tuple(SHAPES[resource].terms(msgspec.json.decode(document)))


def derived_user(identifier: int, known: Person, at: tuple[Instant, Instant]) -> RecordDraft:
    """Return a user known from interviews only, created and updated at those times."""
    name, first_name, last_name, employee_id, email = known.texts()
    made = UserRecord(
        id=identifier,
        name=name,
        first_name=first_name,
        last_name=last_name,
        primary_email_address=email,
        created_at=at[0],
        updated_at=at[1],
        emails=[] if email is None else [email],
        employee_id=employee_id,
    )
    document = _whole(SHAPES[USERS], {}, made)
    _complete_user(document)
    return _draft(USERS, document, derived=True)


def derived_job_stage(identifier: int, name: Said | None, at: tuple[Instant, Instant]) -> RecordDraft:
    """Return the stage of an interview known from interviews only, created and updated at those times.

    Nothing is known of the stage but its interview: it takes that one's id and name.
    """
    title = None if name is None else name[1]
    made = JobStageRecord(id=identifier, name=title, created_at=at[0], updated_at=at[1])
    interview: Json = {
        "id": identifier,
        "name": title,
        "schedulable": True,
        "estimated_minutes": None,
        "default_interviewer_users": [],
        "interview_kit": None,
    }
    return _draft(JOB_STAGES, _whole(SHAPES[JOB_STAGES], {"interviews": [interview]}, made), derived=True)


def document(record: RecordDraft) -> bytes:
    """Return a record as served: its document, or what its columns say where it has none (applications only)."""
    if record.document is not None:
        return record.document
    made = ApplicationRecord(
        id=record.id,
        applied_at=_instant(record.created_at),
        last_activity_at=_instant(record.updated_at),
        status=record.status or ACTIVE,
    )
    return _encode(_whole(SHAPES[APPLICATIONS], {}, made))


def _instant(milliseconds: int | None) -> Instant | None:
    """Return a time that can be written: a day of year 1 or 9999 may begin outside of them, east or west of UTC."""
    return None if milliseconds is None else Instant(min(max(milliseconds, _EARLIEST), _LATEST))


_EARLIEST: Final = Instant.parse("0001-01-01T00:00:00.000Z")
_LATEST: Final = Instant.parse("9999-12-31T23:59:59.999Z")
_users: Final = msgspec.json.Decoder(User)


def user(document: bytes) -> User:
    """Read a user's document."""
    return _users.decode(document)


def without_custom_fields(body: bytes) -> bytes:
    """Return an array of users without their custom fields, which are shown on demand only."""
    if b'custom_fields":' not in body:
        return body
    shown = [
        {name: value for name, value in each.items() if name not in ("custom_fields", "keyed_custom_fields")}
        for each in msgspec.json.decode(body, type=list[dict[str, msgspec.Raw]])
    ]
    return msgspec.json.encode(shown)
