"""The codec of records: users, applications, job stages and scorecards.

Owns their fields (public Harvest v1 reference, "The user object" and so on): the order of keys, every key present,
timestamps with three decimals and `Z`, fields outside of the reference kept at the end. Must not know where records
come from or go.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from rowen.api.codec.diagnosis import diagnose
from rowen.api.codec.documents import InvalidDocumentError, read_instant
from rowen.app.records import ACTIVE, APPLICATIONS, JOB_STAGES, SCORECARDS, USERS, RecordRow
from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import Identifier, InterviewReference
from rowen.interviews.moments import Instant
from rowen.interviews.observations import Fact, PersonFacts
from rowen.interviews.people import User, fold
from rowen.interviews.scorecards import SUBMITTED

Json = dict[str, Any]
Term = tuple[str, str]


class UserRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A user, without the custom fields, which are shown on request only."""

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
    """The job of an application, as far as searches need it."""

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
    """The interview of a job stage, as far as searches need it."""

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
    """One resource: its fields, and its search columns.

    `marks` are the keys that distinguish a record from other resources. `created` and `updated` name the fields that
    hold its times. `status` and `terms` compute its other search columns from a complete document.
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
"""The objects that every record has, as served if nothing is known of them."""

_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


def detect_resource(body: bytes) -> str | None:
    """Return the resource of a record by its keys; None for an interview and for unknown records."""
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


def draft(resource: str, body: bytes) -> RecordRow:
    """Return the row of one record, for any order of keys. Raises InvalidDocumentError."""
    shape = SHAPES[resource]
    try:
        record = msgspec.json.decode(body, type=Json)
        # Null and a missing key mean the same: nothing is known.
        given = {name: value for name, value in record.items() if value is not None}
        document = _whole(shape, record, msgspec.convert(given, shape.kind, dec_hook=read_instant))
        if resource == USERS:
            _complete_user(document)
        return _draft(resource, document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocumentError(diagnose(body, error, read_instant, shape.kind)) from error
    except OverflowError as error:
        raise InvalidDocumentError([FieldProblem("record", "holds a number that is too large")]) from error


def _whole(shape: Shape, record: Json, checked: msgspec.Struct) -> Json:
    """Return a document with every key of its resource in order, and others after them."""
    document: Json = {}
    for name in shape.kind.__struct_fields__:
        value = getattr(checked, name)
        if isinstance(value, Instant) or record.get(name) is None:
            document[name] = _EMPTY_OBJECTS.get(name) if value is None else value
        else:
            document[name] = record[name]
    return document | {name: value for name, value in record.items() if name not in document}


def _complete_user(document: Json) -> None:
    """Fill in the fields that follow from others: the full name, and the primary address among all addresses."""
    parts = [part for part in (document["first_name"], document["last_name"]) if part]
    if document["name"] is None and parts:
        document["name"] = " ".join(parts)
    primary = document["primary_email_address"]
    if primary is None and document["emails"]:
        document["primary_email_address"] = document["emails"][0]
    elif primary is not None and primary not in document["emails"]:
        document["emails"] = [primary, *document["emails"]]


def _draft(resource: str, document: Json, *, derived: bool = False) -> RecordRow:
    shape = SHAPES[resource]
    return RecordRow(
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


def inferred_user(identifier: int, facts: PersonFacts, at: tuple[Instant, Instant]) -> RecordRow:
    """Return a user known from interviews only, created and updated at those times."""
    name, first_name, last_name, employee_id, email = facts.texts()
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


def inferred_job_stage(identifier: int, name: Fact | None, at: tuple[Instant, Instant]) -> RecordRow:
    """Return the stage of an interview known from interviews only, created and updated at those times.

    Nothing but its interview is known: the stage gets that interview's id and name.
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


def with_times(record: RecordRow, created_at: int | None, updated_at: int | None) -> RecordRow:
    """Return a record with other times, in its document, too; both in milliseconds since 1970."""
    changed = record._replace(created_at=created_at, updated_at=updated_at)
    if record.document is None:
        return changed
    shape = SHAPES[record.resource]
    document: Json = msgspec.json.decode(record.document)
    document |= {shape.created: _instant(created_at), shape.updated: _instant(updated_at)}
    return changed._replace(document=_encode(document))


def document(record: RecordRow) -> bytes:
    """Return a record as served: its document, or one made of its columns if it has none (applications only)."""
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
    """Return a time clamped to years 1 to 9999 in UTC: a day at either end may begin outside of them."""
    return None if milliseconds is None else Instant(min(max(milliseconds, _EARLIEST), _LATEST))


_EARLIEST: Final = Instant.parse("0001-01-01T00:00:00.000Z")
_LATEST: Final = Instant.parse("9999-12-31T23:59:59.999Z")
_PERSON_FIELDS: Final = ("interviewer", "submitted_by", "recruiter", "coordinator", "credited_to")


class _Candidate(msgspec.Struct):
    candidate_id: int | None = None


class _Stage(msgspec.Struct):
    interviews: list[InterviewReference] = []


_users: Final = msgspec.json.Decoder(User)
_candidates: Final = msgspec.json.Decoder(_Candidate)
_stages: Final = msgspec.json.Decoder(_Stage)


def user(document: bytes) -> User:
    """Decode a user's document."""
    return _users.decode(document)


def candidate_id(document: bytes) -> int | None:
    """Return the candidate of an application's document, where it names one."""
    return _candidates.decode(document).candidate_id


def interviews(document: bytes) -> Sequence[InterviewReference]:
    """Return the interviews of a job stage's document."""
    return _stages.decode(document).interviews


def people(document: bytes) -> Iterator[int]:
    """Yield the ids of the users that the document of a scorecard, application or job stage names.

    Values of other shapes than the reference has name none.
    """
    record: Json = msgspec.json.decode(document)
    named = [record.get(name) for name in _PERSON_FIELDS]
    for interview in _dictionaries(record.get("interviews")):
        named += _dictionaries(interview.get("default_interviewer_users"))
    for person in _dictionaries(named):
        if isinstance(person.get("id"), int):
            yield person["id"]


def _dictionaries(value: Any) -> Iterator[Json]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
