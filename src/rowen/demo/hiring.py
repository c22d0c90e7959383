"""The demo's candidates with their applications, and its jobs with their stages.

Owns invented records only, made from the demo's interviews: the same interviews give the same records. Must not know a
clock or a database.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from rowen.api import examples
from rowen.api.codec.records import draft
from rowen.app.records import ACTIVE, APPLICATIONS, CANDIDATES, JOB_STAGES, JOBS, RecordRow
from rowen.demo.data import INTERVIEWERS, ORGANIZERS
from rowen.demo.plans import PLANNED_JOBS, PlannedJob, stage_of
from rowen.interviews.hiring import JobStatus
from rowen.interviews.interview import ScheduledInterview, Status

_Json = dict[str, Any]

_OPENED: Final = "2024-01-08T09:00:00.000Z"
_CLOSED: Final = "2025-06-30T17:00:00.000Z"
_FIRST_CANDIDATE: Final = 53_900_001
_FIRST_NAMES: Final = (
    *("Ana", "Boone", "Danielle", "Desmond", "Ethan", "Frank", "Ilana", "Jin"),
    *("Juliet", "Libby", "Michael", "Naomi", "Penelope", "Richard", "Shannon", "Walter"),
)
_LAST_NAMES: Final = (
    *("Alpert", "Arzt", "Burke", "Carlyle", "Cortez", "Dawson", "Dorrit", "Hume"),
    *("Lapidus", "Lloyd", "Paik", "Rom", "Rousseau", "Rutherford", "Smith", "Widmore"),
)
_COMPANIES: Final = ("Oceanic Airlines", "Widmore Industries", "Paik Automotive", "Mittelos Bioscience", None)
_TITLES: Final = ("Software Engineer", "Backend Developer", "Data Engineer", "Team Lead")
_TAGS: Final = ("Python", "Ruby", "Referral", "Remote", "SQL")


def hiring_records(interviews: Iterable[ScheduledInterview]) -> list[RecordRow]:
    """Return a candidate and an application for each application of the interviews, and the jobs and stages."""
    by_application: dict[int, list[ScheduledInterview]] = {}
    for interview in interviews:
        by_application.setdefault(interview.application_id, []).append(interview)
    made = [_drafted(JOBS, _job(each)) for each in PLANNED_JOBS]
    made += [_drafted(JOB_STAGES, stage) for each in PLANNED_JOBS for stage in _stages(each)]
    for number, (identifier, found) in enumerate(sorted(by_application.items())):
        candidate = _known_candidate() if identifier == examples.APPLICATION["id"] else _candidate(number)
        application = _drafted(APPLICATIONS, _application(identifier, candidate, found))
        made += [application, _drafted(CANDIDATES, _with_application(candidate, application))]
    return made


def _drafted(resource: str, record: _Json) -> RecordRow:
    return draft(resource, msgspec.json.encode(record, enc_hook=str))


def _known_candidate() -> _Json:
    """Return the candidate of the examples."""
    given = ("id", "first_name", "last_name", "company", "title", "phone_numbers", "email_addresses", "tags")
    return {name: examples.CANDIDATE[name] for name in given}


def _candidate(number: int) -> _Json:
    """Return an invented candidate: each number is another pair of names."""
    first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
    last = _LAST_NAMES[(number + number // len(_FIRST_NAMES)) % len(_LAST_NAMES)]
    return {
        "id": _FIRST_CANDIDATE + number,
        "first_name": first,
        "last_name": last,
        "company": _COMPANIES[number % len(_COMPANIES)],
        "title": _TITLES[number % len(_TITLES)],
        "phone_numbers": [{"value": f"555-0{100 + number % 100}", "type": "mobile"}],
        "email_addresses": [{"value": f"{first}.{last}@mail.example.com".lower(), "type": "personal"}],
        "tags": [_TAGS[number % len(_TAGS)]],
    }


def _application(identifier: int, candidate: _Json, interviews: Sequence[ScheduledInterview]) -> _Json:
    """Return an application: it is active unless all of its interviews are complete."""
    job, stage = stage_of(interviews[-1])
    is_over = len(interviews) > 1 and all(each.status is Status.COMPLETE for each in interviews)
    created = [each.created_at for each in interviews if each.created_at is not None]
    updated = [each.updated_at for each in interviews if each.updated_at is not None]
    last = max(updated, default=None)
    status = ("rejected", "rejected", "hired")[identifier % 3] if is_over else ACTIVE
    return {
        "id": identifier,
        "candidate_id": candidate["id"],
        "applied_at": min(created, default=None),
        "rejected_at": last if status == "rejected" else None,
        "last_activity_at": last,
        "location": {"address": "Portland, Oregon, USA"},
        "source": {"id": 16, "public_name": "Job board"},
        "recruiter": _person(1),
        "coordinator": _person(0),
        "jobs": [{"id": job.id, "name": job.name}],
        "status": status,
        "current_stage": {"id": stage.id, "name": stage.name},
    }


def _with_application(candidate: _Json, row: RecordRow) -> _Json:
    """Return a candidate with an application, and with its times and people."""
    application = msgspec.json.decode(row.document or b"")
    return {
        **candidate,
        "created_at": application["applied_at"],
        "updated_at": application["last_activity_at"],
        "last_activity": application["last_activity_at"],
        "application_ids": [application["id"]],
        "applications": [application],
        "recruiter": application["recruiter"],
        "coordinator": application["coordinator"],
    }


def _stages(job: PlannedJob) -> Iterator[_Json]:
    """Yield the stages of a job's plan."""
    for priority, stage in enumerate(job.stages):
        yield {
            "id": stage.id,
            "name": stage.name,
            "created_at": _OPENED,
            "updated_at": _OPENED,
            "job_id": job.id,
            "priority": priority,
            "interviews": [
                {
                    "id": each.id,
                    "name": each.name,
                    "schedulable": True,
                    "estimated_minutes": each.minutes or None,
                    "default_interviewer_users": [_interviewer(each.usual)],
                    "interview_kit": None,
                }
                for each in stage.interviews
            ],
        }


def _job(job: PlannedJob) -> _Json:
    """Return a job: nothing is known of the people of one that is not open."""
    made = {
        "id": job.id,
        "name": job.name,
        "requisition_id": job.requisition,
        "status": job.status,
        "created_at": _OPENED,
        "updated_at": _OPENED,
        "offices": examples.JOB["offices"],
    }
    if job.status is JobStatus.DRAFT:
        return made
    made["opened_at"] = _OPENED
    if job.status is JobStatus.CLOSED:
        openings = [_opening(number, _OPENED, _CLOSED) for number in job.openings]
        return {**made, "updated_at": _CLOSED, "closed_at": _CLOSED, "openings": openings}
    return {
        **made,
        "departments": examples.JOB["departments"],
        "hiring_team": {
            "hiring_managers": [_person(2)],
            "recruiters": [{**_person(1), "responsible": True}],
            "coordinators": [{**_person(0), "responsible": True}],
            "sourcers": [],
        },
        "openings": [_opening(number, _OPENED) for number in job.openings],
    }


def _opening(number: int, opened_at: str, closed_at: str | None = None) -> _Json:
    return {
        "id": examples.OPENING_ID + number,
        "opening_id": f"{number}-1",
        "status": "open" if closed_at is None else "closed",
        "opened_at": opened_at,
        "closed_at": closed_at,
        "application_id": None,
        "close_reason": None if closed_at is None else {"id": 689, "name": "Not filling"},
    }


def _person(index: int) -> _Json:
    identifier, first, last, employee = ORGANIZERS[index]
    return {
        "id": identifier,
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}",
        "employee_id": employee,
    }


def _interviewer(index: int) -> _Json:
    identifier, name, employee = INTERVIEWERS[index]
    first, _, last = name.partition(" ")
    return {"id": identifier, "first_name": first, "last_name": last, "name": name, "employee_id": employee}
