"""The rows of Harvest v3, as far as v1 needs them.

Owns the fields that are read of each resource (contract section 9), their links, and the reading of a page. Must not
know how pages are requested, or what is made of rows. Fields that are not named here are not kept.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from types import GenericAlias
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
from msgspec.structs import force_setattr

from rowen.app.mirror import MirroredRow
from rowen.interviews.interview import Identifier
from rowen.interviews.moments import milliseconds_of


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What every row has. Times are texts here: most rows are never shown, and reading a time costs more than a row.

    `updated_at` is left out of what is stored: a row that differs in nothing else is not news.
    """

    id: Identifier
    updated_at: str = ""
    no_link: ClassVar[None] = None


class _Identified(msgspec.Struct, frozen=True, gc=False):
    id: Identifier


class DatedRow(Row, frozen=True, kw_only=True):
    """A row of which v1 shows when it was created."""

    created_at: str


class User(DatedRow, frozen=True, kw_only=True):
    """A user."""

    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    primary_email: str | None = None
    emails: list[Any] | None = None
    employee_id: str | None = None
    deactivated: bool | None = None
    site_admin: bool | None = None
    linked_candidate_ids: list[Any] | None = None


class Job(DatedRow, frozen=True, kw_only=True):
    """A job."""

    name: str | None = None
    requisition_id: str | None = None
    notes: str | None = None
    confidential: bool | None = None
    status: str | None = None
    opened_at: str | None = None
    closed_at: str | None = None
    is_template: bool | None = None
    copied_from_id: Identifier | None = None


class Candidate(DatedRow, frozen=True, kw_only=True):
    """A candidate."""

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    title: str | None = None
    last_activity_at: str | None = None
    private: bool | None = None
    can_email: bool | None = None
    email_addresses: list[Any] | None = None
    phone_numbers: list[Any] | None = None
    addresses: list[Any] | None = None
    website_addresses: list[Any] | None = None
    social_media_addresses: list[Any] | None = None
    tags: list[Any] | None = None
    linked_user_ids: list[Any] | None = None


class JobInterviewStage(DatedRow, frozen=True, kw_only=True):
    """A stage of a job's plan."""

    job_id: Identifier | None = None
    name: str | None = None
    sort_order: int | None = None
    active: bool | None = None


class JobInterview(Row, frozen=True, kw_only=True):
    """An interview of a stage."""

    job_interview_stage_id: Identifier | None = None
    name: str | None = None
    sort_order: int | None = None
    duration: int | None = None
    active: bool | None = None


class InterviewKit(Row, frozen=True, kw_only=True):
    """The kit of an interview of a stage."""

    job_interview_id: Identifier | None = None


class DefaultInterviewer(Row, frozen=True, kw_only=True):
    """A user who usually holds the interview of a kit."""

    interview_kit_id: Identifier | None = None
    user_id: Identifier | None = None


class Application(DatedRow, frozen=True, kw_only=True):
    """An application."""

    candidate_id: Identifier | None = None
    job_id: Identifier | None = None
    prospective_job_ids: list[Identifier] | None = None
    job_post_id: Identifier | None = None
    recruiter_id: Identifier | None = None
    coordinator_id: Identifier | None = None
    status: str | None = None
    prospect: bool | None = None
    stage_name: str | None = None
    rejected_at: str | None = None
    last_activity_at: str | None = None


class ApplicationStage(Row, frozen=True, kw_only=True):
    """A stage that an application is in or was in."""

    application_id: Identifier | None = None
    job_interview_stage_id: Identifier | None = None
    current: bool | None = None


class AttributeType(Row, frozen=True, kw_only=True):
    """A kind of attributes, such as skills."""

    name: str | None = None


class JobAttribute(Row, frozen=True, kw_only=True):
    """What candidates for a job are rated in."""

    candidate_attribute_type_id: Identifier | None = None
    name: str | None = None


class Question(Row, frozen=True, kw_only=True):
    """A question of scorecards."""

    question: str | None = None


class QuestionOption(Row, frozen=True, kw_only=True):
    """One of the answers that a question offers."""

    name: str | None = None


class ChosenOption(Row, frozen=True, kw_only=True):
    """An option that was chosen as an answer, or one of several."""

    scorecard_question_answer_id: Identifier | None = None
    scorecard_question_option_id: Identifier | None = None


class Attribute(Row, frozen=True, kw_only=True):
    """The rating of an attribute in a scorecard. Rowen's name the attribute and its type."""

    scorecard_id: Identifier | None = None
    job_candidate_attribute_id: Identifier | None = None
    candidate_attribute_rating: str | None = None
    note: str | None = None
    name: str | None = None
    type: str | None = None


class Answer(Row, frozen=True, kw_only=True):
    """The answer to a question in a scorecard. Rowen's show the question."""

    scorecard_id: Identifier | None = None
    scorecard_question_id: Identifier | None = None
    answer: str | None = None
    boolean_value: bool | None = None
    question: str | None = None


class Scorecard(DatedRow, frozen=True, kw_only=True):
    """A scorecard. `interviewer_id` is a user's id. Rowen's name the interview, and no kit."""

    application_id: Identifier | None = None
    interview_kit_id: Identifier | None = None
    interviewer_id: Identifier | None = None
    submitter_id: Identifier | None = None
    job_interview_id: Identifier | None = None
    candidate_rating: str | None = None
    notes: str | None = None
    private_notes: str | None = None
    status: str | None = None
    interviewed_at: str | None = None
    submitted_at: str | None = None


class Interviewer(Row, frozen=True, kw_only=True):
    """A member of a panel; a guest has an e-mail address and no user."""

    interview_id: Identifier | None = None
    user_id: Identifier | None = None
    scorecard_id: Identifier | None = None
    email: str | None = None
    response_status: str | None = None


class Interview(DatedRow, frozen=True, kw_only=True):
    """An interview."""

    application_id: Identifier
    job_interview_id: Identifier | None = None
    organizer_id: Identifier | None = None
    status: str
    starts_at: str | None = None
    ends_at: str | None = None
    all_day_start_on: datetime.date | None = None
    all_day_end_on: datetime.date | None = None
    location: str | None = None
    external_event_id: str | None = None
    video_conferencing_url: str | None = None


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """One resource: the type of its rows, and the fields that hold its links."""

    type: type[Row]
    parent: str | None = None
    person: str | None = None
    subject: str | None = None
    other_person: str | None = None


KINDS: Final[Mapping[str, ResourceKind]] = {
    "users": ResourceKind(User),
    "jobs": ResourceKind(Job),
    "job_interview_stages": ResourceKind(JobInterviewStage, "job_id"),
    "job_interviews": ResourceKind(JobInterview, "job_interview_stage_id"),
    "interview_kits": ResourceKind(InterviewKit, "job_interview_id"),
    "default_interviewers": ResourceKind(DefaultInterviewer, "interview_kit_id", "user_id"),
    "candidates": ResourceKind(Candidate),
    "applications": ResourceKind(Application, "job_id", "recruiter_id", "candidate_id", "coordinator_id"),
    "application_stages": ResourceKind(ApplicationStage, "application_id"),
    "candidate_attribute_types": ResourceKind(AttributeType),
    "job_candidate_attributes": ResourceKind(JobAttribute, "candidate_attribute_type_id"),
    "scorecard_questions": ResourceKind(Question),
    "scorecard_question_options": ResourceKind(QuestionOption),
    "scorecard_question_answer_options": ResourceKind(
        ChosenOption, "scorecard_question_answer_id", None, "scorecard_question_option_id"
    ),
    "scorecard_candidate_attributes": ResourceKind(Attribute, "scorecard_id", None, "job_candidate_attribute_id"),
    "scorecard_question_answers": ResourceKind(Answer, "scorecard_id", None, "scorecard_question_id"),
    "scorecards": ResourceKind(Scorecard, "application_id", "interviewer_id", "interview_kit_id", "submitter_id"),
    "interviewers": ResourceKind(Interviewer, "interview_id", "user_id", "scorecard_id"),
    "interviews": ResourceKind(
        Interview, None, "organizer_id", "job_interview_id"
    ),  # nothing is found by its application
}
"""The resources, by their names in URLs."""


class PageRows(NamedTuple):
    """The rows of a page, in its order; how many of its elements could not be read, and all ids on it.

    `unusable` names the first fault.
    """

    rows: list[MirroredRow]
    identifiers: list[int]
    unusable: int = 0
    fault: str = ""


_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])
_identifier: Final = msgspec.json.Decoder(_Identified)
_decoders: Final[Mapping[str, "msgspec.json.Decoder[Any]"]] = {
    name: msgspec.json.Decoder(kind.type) for name, kind in KINDS.items()
}
_pages: Final[Mapping[str, "msgspec.json.Decoder[Any]"]] = {
    name: msgspec.json.Decoder(GenericAlias(list, (kind.type,))) for name, kind in KINDS.items()
}
_encode_lines: Final = msgspec.json.Encoder().encode_lines
_heads: Final[Mapping[str, Callable[[Any], tuple[Any, ...]]]] = {
    name: attrgetter(
        *("id", "updated_at"),
        *(field or "no_link" for field in (kind.parent, kind.person, kind.subject, kind.other_person)),
    )
    for name, kind in KINDS.items()
}
"""The id of a row, its time, and its links."""
_new: Final = tuple.__new__


_FEW_COMMAS: Final = 100_000
_MOST_COMMAS: Final = 2_000_000


def has_more_rows(body: bytes | bytearray, most: int) -> bool:
    """Return whether a large page has more elements than that, before any of them is read.

    A page has a comma between two of them: one with few is read without counting, and one with millions is none.
    """
    commas = body.count(b",")
    return commas > _FEW_COMMAS and (commas > _MOST_COMMAS or len(_elements.decode(body)) > most)


def read_page(resource: str, body: bytes | bytearray) -> PageRows:
    """Return the rows of a page. Raises ValueError if it is no array of objects with ids."""
    try:
        rows = _rows_of(resource, _pages[resource].decode(body))
    except ValueError:  # of msgspec, too: one row is at fault, or all of the page
        return _read_one_by_one(resource, body)
    return PageRows(rows, [row.id for row in rows])


def _read_one_by_one(resource: str, body: bytes | bytearray) -> PageRows:
    rows: list[MirroredRow] = []
    identifiers: list[int] = []
    unusable, fault = 0, ""
    for element in _elements.decode(body):
        identifier = _identifier.decode(element).id
        identifiers.append(identifier)
        try:
            rows += _rows_of(resource, [_decoders[resource].decode(element)])
        except ValueError as error:
            unusable += 1
            fault = fault or f"{resource} {identifier}: {error}"
    return PageRows(rows, identifiers, unusable, fault)


def _rows_of(resource: str, contents: Sequence[Row]) -> list[MirroredRow]:
    """Return rows as they are stored. Raises ValueError if one has no time of its last change."""
    heads = [*map(_heads[resource], contents)]
    for content in contents:
        force_setattr(content, "updated_at", "")
    # Written for speed: a first reading makes millions of them. JSON has no line ends within a row.
    documents = _encode_lines(contents).split(b"\n")
    return [
        _new(MirroredRow, (resource, identifier, milliseconds_of(updated_at), document, parent, person, subject, other))
        for (identifier, updated_at, parent, person, subject, other), document in zip(heads, documents, strict=False)
    ]


def content_of(row: MirroredRow) -> Any:
    """Return the content of a row, of the type of its resource."""
    return _decoders[row.resource].decode(row.document)


def contents_of(rows: Sequence[MirroredRow]) -> Any:
    """Return the contents of rows of one resource, in their order."""
    return read_contents(rows[0].resource, b"[%b]" % b",".join([row.document for row in rows])) if rows else []


def read_contents(resource: str, documents: bytes) -> Any:
    """Return the contents of rows of a resource, whose documents are an array."""
    return _pages[resource].decode(documents)
