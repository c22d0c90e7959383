"""The demo's candidates with their applications, and its jobs with the stages of one.

Owns invented records only, made from the demo's interviews: the same interviews give the same records. Must not know a
clock or a database.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from rowen.api import examples
from rowen.api.codec.records import draft
from rowen.app.records import ACTIVE, APPLICATIONS, CANDIDATES, JOB_STAGES, JOBS, RecordRow
from rowen.demo.data import INTERVIEWERS, ORGANIZERS, STAGES
from rowen.interviews.interview import ScheduledInterview, Status

_Json = dict[str, Any]

_OPENED: Final = "2024-01-08T09:00:00.000Z"
_CLOSED: Final = "2025-06-30T17:00:00.000Z"
_FIRST_CANDIDATE: Final = 53_900_001
_JOB: Final[_Json] = {"id": examples.JOB_ID, "name": examples.JOB["name"]}
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
    made = [_drafted(JOBS, job) for job in _jobs()] + [_drafted(JOB_STAGES, stage) for stage in _stages()]
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
    newest = interviews[-1]
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
        "jobs": [_JOB],
        "status": status,
        "current_stage": newest.interview,
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


def _stages() -> Iterator[_Json]:
    """Yield a stage for each interview of the job; both have the same id."""
    for priority, (identifier, name, minutes, _) in enumerate(STAGES):
        yield {
            "id": identifier,
            "name": name,
            "created_at": _OPENED,
            "updated_at": _OPENED,
            "job_id": _JOB["id"],
            "priority": priority,
            "interviews": [
                {
                    "id": identifier,
                    "name": name,
                    "schedulable": True,
                    "estimated_minutes": minutes or None,
                    "default_interviewer_users": [_interviewer(priority)],
                    "interview_kit": None,
                }
            ],
        }


def _jobs() -> Iterator[_Json]:
    """Yield the job of all applications, one that is being prepared, and one that is closed."""
    shared = {"created_at": _OPENED, "updated_at": _OPENED, "offices": examples.JOB["offices"]}
    yield {
        **shared,
        **_JOB,
        "requisition_id": "ENG-1",
        "status": "open",
        "opened_at": _OPENED,
        "departments": examples.JOB["departments"],
        "hiring_team": {
            "hiring_managers": [_person(2)],
            "recruiters": [{**_person(1), "responsible": True}],
            "coordinators": [{**_person(0), "responsible": True}],
            "sourcers": [],
        },
        "openings": [_opening(number, _OPENED) for number in (1, 2)],
    }
    yield {**shared, "id": 8002, "name": "Data Analyst", "requisition_id": "DATA-1", "status": "draft"}
    ended = {"status": "closed", "opened_at": _OPENED, "closed_at": _CLOSED, "updated_at": _CLOSED}
    openings = [_opening(3, _OPENED, _CLOSED)]
    yield {**shared, **ended, "id": 8003, "name": "Community Manager", "requisition_id": "COM-1", "openings": openings}


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
