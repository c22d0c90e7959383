"""Joining rows of Harvest v3 into v1 documents.

Owns what each field of a v1 document is in v3 (contract section 9): pure functions of rows. Must not know where rows
come from or where documents go.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final

import msgspec

from rowen.interviews.interview import (
    Interviewer,
    InterviewReference,
    Moment,
    Organizer,
    ResponseStatus,
    ScheduledInterview,
    Status,
)
from rowen.interviews.moments import Instant
from rowen.interviews.search_terms import is_too_long
from rowen.mirror import rows

Json = dict[str, Any]

COMPLETE: Final = "complete"
"""The status of a scorecard that was submitted."""

_STATUSES: Final[Mapping[str, Status]] = {each.value: each for each in Status}
_ANSWERS: Final[Mapping[str | None, ResponseStatus]] = {each.value: each for each in ResponseStatus}


_DAY: Final = datetime.timedelta(days=1)
_ID: Final = attrgetter("id")


class LeftOut(StrEnum):
    """Why an interview has no v1 form."""

    STATUS = "status that v1 lacks"
    TIME = "no time"
    UNREADABLE = "a time that cannot be read"
    ORDER = "end before start"
    EVENT = "an external_event_id that is too long"


@dataclass(slots=True)
class Known:
    """The rows that others refer to, by id; `complete` are the scorecards that were submitted."""

    users: Mapping[int, rows.User] = field(default_factory=dict)
    job_interviews: Mapping[int, rows.JobInterview] = field(default_factory=dict)
    jobs: Mapping[int, rows.Job] = field(default_factory=dict)
    kits: Mapping[int, rows.InterviewKit] = field(default_factory=dict)
    applications: Mapping[int, rows.Application] = field(default_factory=dict)
    complete: frozenset[int] = frozenset()


def interview(
    row: rows.Interview, updated_at: int, panel: Sequence[rows.Interviewer], known: Known
) -> ScheduledInterview | LeftOut:
    """Return the v1 form of an interview with the rows of its panel, or why it has none."""
    status = _STATUSES.get(row.status)
    if status is None:
        return LeftOut.STATUS
    try:
        moments = _moments(row)
        created_at = Instant.parse(row.created_at)
    except (ValueError, OverflowError):
        return LeftOut.UNREADABLE
    if moments is None:
        return LeftOut.TIME
    start, end = moments
    if end.is_before(start):
        return LeftOut.ORDER
    if is_too_long(row.external_event_id):
        return LeftOut.EVENT
    return ScheduledInterview(
        id=row.id,
        application_id=row.application_id,
        external_event_id=row.external_event_id,
        start=start,
        end=end,
        location=row.location,
        video_conferencing_url=row.video_conferencing_url,
        status=status,
        created_at=created_at,
        updated_at=Instant(updated_at),
        interview=reference(row.job_interview_id, known),
        organizer=_organizer(row.organizer_id, known),
        interviewers=tuple(
            [_interviewer(each, known) for each in sorted(panel, key=_ID) if each.user_id is not None or each.email]
        ),
    )


def _moments(row: rows.Interview) -> tuple[Moment, Moment] | None:
    """Return both ends; one without an end lasts no time, or its day. Raises ValueError."""
    if row.starts_at is not None:
        start = Instant.parse(row.starts_at)
        return Moment(start), Moment(start if row.ends_at is None else Instant.parse(row.ends_at))
    if row.all_day_start_on is None:
        return None
    first, last = row.all_day_start_on, row.all_day_end_on
    if last is None:
        last = first + _DAY if first < datetime.date.max else first
    return Moment(date=first), Moment(date=last)


def reference(identifier: int | None, known: Known) -> InterviewReference | None:
    """Return an interview of a stage as v1 names it."""
    if identifier is None:
        return None
    found = known.job_interviews.get(identifier)
    return InterviewReference(identifier, None if found is None else found.name)


def _organizer(identifier: int | None, known: Known) -> Organizer | None:
    if identifier is None:
        return None
    user = known.users.get(identifier)
    if user is None:
        return Organizer(identifier)
    return Organizer(identifier, user.first_name, user.last_name, _name(user), user.employee_id)


def _interviewer(row: rows.Interviewer, known: Known) -> Interviewer:
    user = known.users.get(row.user_id or 0)
    answer = _ANSWERS.get(row.response_status, ResponseStatus.NEEDS_ACTION)
    scorecard = row.scorecard_id if row.scorecard_id in known.complete else None
    if user is None:
        return Interviewer(id=row.user_id, email=row.email, response_status=answer, scorecard_id=scorecard)
    return Interviewer(
        id=row.user_id,
        employee_id=user.employee_id,
        name=user.name or _name(user),
        email=user.primary_email or row.email,
        response_status=answer,
        scorecard_id=scorecard,
    )


def _name(user: rows.User) -> str | None:
    return user.name or " ".join(part for part in (user.first_name, user.last_name) if part) or None


def user(row: rows.User, updated_at: int) -> Json:
    """Return the v1 form of a user."""
    return {
        "id": row.id,
        "name": _name(row),
        "first_name": row.first_name,
        "last_name": row.last_name,
        "primary_email_address": row.primary_email,
        "updated_at": str(Instant(updated_at)),
        "created_at": row.created_at,
        "disabled": bool(row.deactivated),
        "site_admin": bool(row.site_admin),
        "emails": _addresses(row),
        "employee_id": row.employee_id,
        "linked_candidate_ids": row.linked_candidate_ids or [],
    }


def _addresses(row: rows.User) -> list[str]:
    """Return all addresses of a user, the primary one first; they are texts, or objects with one."""
    found = [] if row.primary_email is None else [row.primary_email]
    for each in row.emails or []:
        text = each.get("email", each.get("value")) if isinstance(each, dict) else each
        if isinstance(text, str):
            found.append(text)
    return list(dict.fromkeys(found))


def person(identifier: int | None, known: Known) -> Json | None:
    """Return a user as v1 names people."""
    found = _organizer(identifier, known)
    if found is None:
        return None
    shown: Json = msgspec.structs.asdict(found)
    return shown


def application(row: rows.Application, stages: Sequence[rows.ApplicationStage], known: Known) -> Json:
    """Return the v1 form of an application that is in these stages."""
    jobs = [row.job_id] if row.job_id is not None else list(row.prospective_job_ids or [])
    stage = next((each.job_interview_stage_id for each in reversed(stages) if each.current), None)
    named = stage is not None or row.stage_name is not None
    return {
        "id": row.id,
        "candidate_id": row.candidate_id,
        "prospect": bool(row.prospect),
        "applied_at": row.created_at,
        "rejected_at": row.rejected_at,
        "last_activity_at": row.last_activity_at,
        "recruiter": person(row.recruiter_id, known),
        "coordinator": person(row.coordinator_id, known),
        "jobs": [{"id": each, "name": known.jobs[each].name if each in known.jobs else None} for each in jobs],
        "job_post_id": row.job_post_id,
        "status": "active" if row.status in (None, "in_process") else row.status,
        "current_stage": {"id": stage, "name": row.stage_name} if named else None,
    }


def job(row: rows.Job, updated_at: int) -> Json:
    """Return the v1 form of a job, without its departments, offices, openings and hiring team."""
    return {
        "id": row.id,
        "name": row.name,
        "requisition_id": row.requisition_id,
        "notes": row.notes,
        "confidential": bool(row.confidential),
        "status": row.status,
        "created_at": row.created_at,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
        "updated_at": str(Instant(updated_at)),
        "is_template": row.is_template,
        "copied_from_id": row.copied_from_id,
    }


def candidate(row: rows.Candidate, updated_at: int, applications: Sequence[Json]) -> Json:
    """Return the v1 form of a candidate with these applications."""
    addresses = [each for each in row.email_addresses or [] if isinstance(each, dict) and each.get("value")]
    return {
        "id": row.id,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "company": row.company,
        "title": row.title,
        "created_at": row.created_at,
        "updated_at": str(Instant(updated_at)),
        "last_activity": row.last_activity_at,
        "is_private": bool(row.private),
        "application_ids": [each["id"] for each in applications],
        "phone_numbers": row.phone_numbers or [],
        "addresses": row.addresses or [],
        "email_addresses": addresses,
        "website_addresses": row.website_addresses or [],
        "social_media_addresses": row.social_media_addresses or [],
        "can_email": row.can_email is not False,
        "tags": row.tags or [],
        "applications": list(applications),
        "linked_user_ids": row.linked_user_ids or [],
    }


class StagePlan(msgspec.Struct, frozen=True):
    """A job's stage with its interviews, and the users who usually hold each of them, by the interview's id.

    `updated_at` is that of the newest row among them.
    """

    stage: rows.JobInterviewStage
    updated_at: int
    interviews: Sequence[rows.JobInterview]
    kits: Mapping[int, int]
    holders: Mapping[int, Sequence[int]]


def job_stage(plan: StagePlan, known: Known) -> Json:
    """Return the v1 form of a stage; interviews that are no longer active are left out, unless the stage is not."""
    is_active = plan.stage.active is not False
    ordered = sorted(plan.interviews, key=lambda each: (each.sort_order or 0, each.id))
    return {
        "id": plan.stage.id,
        "name": plan.stage.name,
        "created_at": plan.stage.created_at,
        "updated_at": str(Instant(plan.updated_at)),
        "active": is_active,
        "job_id": plan.stage.job_id,
        "priority": plan.stage.sort_order or 0,
        "interviews": [
            _stage_interview(each, plan, known) for each in ordered if each.active is not False or not is_active
        ],
    }


def _stage_interview(row: rows.JobInterview, plan: StagePlan, known: Known) -> Json:
    kit = plan.kits.get(row.id)
    return {
        "id": row.id,
        "name": row.name,
        "schedulable": True,
        "estimated_minutes": row.duration,
        "default_interviewer_users": [person(each, known) for each in plan.holders.get(row.id, ())],
        "interview_kit": None if kit is None else {"id": kit},
    }
