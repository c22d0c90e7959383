"""The rows of Harvest v3 that follow from users, applications and job stages (contract section 9).

Owns the fields of each list, their order, and how they follow from a document of v1. What v1 does not have is null.
Values of other shapes than the v1 reference has count as missing.

Rows that are no records in v1 have ids that follow from what they are: the stage of an application that of the
application, and an address or a default interviewer a hash (docs/decisions/0033).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from rowen.api.codec import records as documents
from rowen.api.codec.v3.candidates import CandidateRow, JobRow, candidate, job
from rowen.api.codec.v3.rows import Json, ListOfRecords, Times, derived_id, id_of, ids_of, list_of, text_of, times
from rowen.api.codec.v3.scorecards import AnswerRow, AttributeRow, ScorecardRow, answers, attributes, scorecard
from rowen.app.records import RecordRow
from rowen.app.rows import Row
from rowen.interviews.moments import Instant
from rowen.interviews.people import fold


class UserRow(msgspec.Struct, frozen=True):
    """A user."""

    id: int
    created_at: str
    updated_at: str
    first_name: str | None
    last_name: str | None
    primary_email: str | None
    job_title: str | None
    name: str | None
    deactivated: bool
    site_admin: bool
    employee_id: str | None
    linked_candidate_ids: list[Any]
    office_ids: list[int]
    department_ids: list[int]
    interviewer_tags: list[Any]
    emails: list[str]
    custom_fields: Any
    agency_id: int | None


class UserEmailRow(msgspec.Struct, frozen=True):
    """An e-mail address of a user; those of Harvest v1 are verified."""

    id: int
    created_at: str
    updated_at: str
    user_id: int
    email: str
    verified: bool
    verification_token_sent_at: str | None


class ApplicationRow(msgspec.Struct, frozen=True):
    """An application; an active one is `in_process`. Newer accounts name the stage of its job, too."""

    id: int
    created_at: str
    updated_at: str
    candidate_id: int | None
    coordinator_id: int | None
    job_id: int | None
    recruiter_id: int | None
    source_id: int | None
    stage_id: int | None
    stage_name: str | None
    status: str
    needs_decision: bool | None
    prospect: bool
    rejected_at: str | None
    last_activity_at: str | None
    answers: Any
    prospective_job_ids: list[int]
    custom_fields: Any
    agency_note_id: int | None
    job_post_id: int | None
    location_address: str | None
    referrer_id: int | None
    job_interview_stage_id: int | None


class ApplicationStageRow(msgspec.Struct, frozen=True):
    """The current stage of an application, which has the id of the application: v1 knows no earlier ones."""

    id: int
    created_at: str
    updated_at: str
    application_id: int
    job_interview_stage_id: int
    entered_at: str | None
    exited_at: str | None
    days_in_stage: int | None
    current: bool


class JobInterviewStageRow(msgspec.Struct, frozen=True):
    """A stage of a job; one that is known from interviews only has no `job_id`."""

    id: int
    created_at: str
    updated_at: str
    job_id: int | None
    sort_order: int
    name: str | None
    active: bool


class JobInterviewRow(msgspec.Struct, frozen=True):
    """An interview of a stage, such as a phone screen; `duration` is in minutes."""

    id: int
    created_at: str
    updated_at: str
    job_interview_stage_id: int
    job_id: int | None
    sort_order: int
    scheduling_type: str | None
    duration: int | None
    summary: str | None
    instructions: str | None
    name: str | None
    active: bool
    require_scorecard: bool | None


class InterviewKitRow(msgspec.Struct, frozen=True):
    """The kit of an interview of a stage."""

    id: int
    created_at: str
    updated_at: str
    job_id: int | None
    job_interview_id: int
    exercises: str | None
    anonymize_candidate: bool | None
    anonymize_resumes: bool | None


class DefaultInterviewerRow(msgspec.Struct, frozen=True):
    """A user who is asked for an interview of a stage unless somebody else is; only where the interview has a kit."""

    id: int
    created_at: str
    updated_at: str
    user_id: int
    interview_kit_id: int


def _user(source: RecordRow, user: Json, at: Times) -> Iterator[Any]:
    yield UserRow(
        source.id,
        *at,
        text_of(user["first_name"]),
        text_of(user["last_name"]),
        text_of(user["primary_email_address"]),
        text_of(user.get("job_title")),
        text_of(user["name"]),
        bool(user["disabled"]),
        bool(user["site_admin"]),
        text_of(user["employee_id"]),
        user["linked_candidate_ids"],
        ids_of(user["offices"]),
        ids_of(user["departments"]),
        list_of(user.get("interviewer_tags")),
        [each for each in user["emails"] if isinstance(each, str)],
        user.get("custom_fields"),
        None,
    )


def _user_emails(source: RecordRow, user: Json, at: Times) -> Iterator[Any]:
    for email in {fold(each): each for each in reversed(user["emails"])}.values():
        yield UserEmailRow(derived_id("user_emails", source.id, fold(email)), *at, source.id, email, True, None)


def _application(source: RecordRow, application: Json, at: Times) -> Iterator[Any]:
    jobs, is_prospect = ids_of(application["jobs"]), bool(application["prospect"])
    stage, status = application["current_stage"], application["status"]
    location = application["location"]
    yield ApplicationRow(
        source.id,
        *at,
        application["candidate_id"],
        id_of(application["coordinator"]),
        None if is_prospect else min(jobs, default=None),
        id_of(application["recruiter"]),
        id_of(application["source"]),
        id_of(stage),
        text_of(stage.get("name")) if isinstance(stage, dict) else None,
        "in_process" if status == "active" else status,
        None,
        is_prospect,
        application["rejected_at"],
        application["last_activity_at"],
        application["answers"],
        jobs if is_prospect else [],
        application["custom_fields"],
        None,
        application["job_post_id"],
        text_of(location.get("address")) if isinstance(location, dict) else None,
        None,
        id_of(stage),
    )


def _application_stages(source: RecordRow, application: Json, at: Times) -> Iterator[Any]:
    stage = id_of(application["current_stage"])
    if stage is not None:
        yield ApplicationStageRow(source.id, *at, source.id, stage, None, None, None, True)


def _stage(source: RecordRow, stage: Json, at: Times) -> Iterator[Any]:
    yield JobInterviewStageRow(source.id, *at, stage["job_id"], stage["priority"], stage["name"], bool(stage["active"]))


def _stage_interviews(source: RecordRow, stage: Json, at: Times) -> Iterator[Any]:
    for position, interview in enumerate(stage["interviews"]):
        minutes = interview.get("estimated_minutes")
        yield JobInterviewRow(
            interview["id"],
            *at,
            source.id,
            stage["job_id"],
            position,
            None,
            minutes if isinstance(minutes, int) else None,
            None,
            None,
            interview.get("name"),
            bool(stage["active"]),
            None,
        )


def _kits(source: RecordRow, stage: Json, at: Times) -> Iterator[Any]:
    del source
    for interview in stage["interviews"]:
        kit = interview.get("interview_kit")
        if (identifier := id_of(kit)) is not None:
            exercises = text_of(kit.get("content"))
            yield InterviewKitRow(identifier, *at, stage["job_id"], interview["id"], exercises, None, None)


def _default_interviewers(source: RecordRow, stage: Json, at: Times) -> Iterator[Any]:
    del source
    for interview in stage["interviews"]:
        kit = id_of(interview.get("interview_kit"))
        for user in ids_of(interview.get("default_interviewer_users")):
            if kit is not None:
                yield DefaultInterviewerRow(derived_id("default_interviewers", interview["id"], user), *at, user, kit)


_APPLIED: Final = ("applied_at", "last_activity_at")

ROWS: Final[Mapping[str, ListOfRecords]] = {
    "users": ListOfRecords(UserRow, _user),
    "user_emails": ListOfRecords(UserEmailRow, _user_emails),
    "applications": ListOfRecords(ApplicationRow, _application, *_APPLIED),
    "application_stages": ListOfRecords(ApplicationStageRow, _application_stages, *_APPLIED),
    "job_interview_stages": ListOfRecords(JobInterviewStageRow, _stage),
    "job_interviews": ListOfRecords(JobInterviewRow, _stage_interviews),
    "interview_kits": ListOfRecords(InterviewKitRow, _kits),
    "default_interviewers": ListOfRecords(DefaultInterviewerRow, _default_interviewers),
    "scorecards": ListOfRecords(ScorecardRow, scorecard),
    "scorecard_candidate_attributes": ListOfRecords(AttributeRow, attributes),
    "scorecard_question_answers": ListOfRecords(AnswerRow, answers),
    "candidates": ListOfRecords(CandidateRow, candidate),
    "jobs": ListOfRecords(JobRow, job),
}
"""The lists of v3 whose rows follow from records, by name."""

_decode: Final = msgspec.json.Decoder().decode


def records(list_name: str, sources: Iterable[RecordRow], made: Instant) -> list[Row]:
    """Return the rows of a list that follow from records, in their order; one without times has `made`."""
    declared, otherwise = ROWS[list_name], str(made)
    rows: list[Row] = []
    for source in sources:
        record = _decode(documents.document(source))
        at = times(record.get(declared.created), record.get(declared.updated), otherwise)
        rows.extend(declared.make(source, record, at))
    return rows
