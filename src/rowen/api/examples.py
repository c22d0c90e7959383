"""The examples of requests and responses in the OpenAPI document, and of the demo.

Owns examples that form one story: they have the same people and the same interview throughout. The two interviews
are those of the Harvest reference ("The scheduled interview object", "GET: List Interviews"). Must not know how a
description is written.
"""

from typing import Final

import msgspec

from rowen.api.codec import records
from rowen.api.schemas import Json
from rowen.app.records import APPLICATIONS, CANDIDATES, JOB_STAGES, JOBS, SCORECARDS, USERS

_CREATED: Final = "2016-02-10T14:31:51.019Z"
_UPDATED: Final = "2016-05-23T20:43:11.679Z"
_SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105  (of nobody's webhook)
EVENT_ID: Final = "msg_5b3e4c9d2a1f4e6b8c7d9e0f1a2b3c4d"

USER_ID: Final = 2000
INTERVIEWER_ID: Final = 4080
SCORECARD_ID: Final = 11274
CANDIDATE_ID: Final = 53883394
JOB_ID: Final = 8001
STAGE_ID: Final = 6001
OPENING_ID: Final = 123
WEBHOOK_ID: Final = 1
ROOM_ID: Final = 5
POOL_ID: Final = 3

_INTERVIEWER: Final[Json] = {
    "id": INTERVIEWER_ID,
    "first_name": "Kate",
    "last_name": "Austen",
    "name": "Kate Austen",
    "employee_id": "employee123",
}
_EMAIL: Final = "kate.austen@example.com"
_ORGANIZER: Final[Json] = {
    "id": USER_ID,
    "first_name": "Jack",
    "last_name": "Shepard",
    "name": "Jack Shepard",
    "employee_id": "12345",
}

TIMED: Final[Json] = {
    "id": 9128481,
    "application_id": 4684156,
    "external_event_id": "event123",
    "start": {"date_time": "2014-03-26T22:15:00.000Z"},
    "end": {"date_time": "2014-03-26T22:30:00.000Z"},
    "location": "Big Conference Room",
    "video_conferencing_url": None,
    "status": "awaiting_feedback",
    "created_at": _CREATED,
    "updated_at": _UPDATED,
    "interview": {"id": 7001, "name": "Culture Fit"},
    "organizer": _ORGANIZER,
    "interviewers": [
        {
            "id": INTERVIEWER_ID,
            "employee_id": _INTERVIEWER["employee_id"],
            "name": _INTERVIEWER["name"],
            "email": _EMAIL,
            "response_status": "needs_action",
            "scorecard_id": SCORECARD_ID,
        }
    ],
}

ALL_DAY: Final[Json] = {
    "id": 9128482,
    "application_id": 432905,
    "external_event_id": "event456",
    "start": {"date": "2017-08-22"},
    "end": {"date": "2017-08-23"},
    "location": "Small Conference Room",
    "video_conferencing_url": None,
    "status": "complete",
    "created_at": None,
    "updated_at": None,
    "interview": {"id": 7002, "name": "Whiteboarding Challenge"},
    "organizer": _ORGANIZER,
    "interviewers": [
        {
            "id": 3412,
            "employee_id": "employee456",
            "name": "Charlie Pace",
            "email": "youalleverybody@example.com",
            "response_status": "needs_action",
            "scorecard_id": None,
        }
    ],
}


def _served(resource: str, record: Json) -> Json:
    """Return a record as served."""
    document: Json = msgspec.json.decode(records.draft(resource, msgspec.json.encode(record)).document or b"")
    return document


USER: Final = _served(
    USERS,
    {
        **_INTERVIEWER,
        "primary_email_address": _EMAIL,
        "updated_at": _UPDATED,
        "created_at": _CREATED,
    },
)
APPLICATION: Final = _served(
    APPLICATIONS,
    {
        "id": TIMED["application_id"],
        "candidate_id": CANDIDATE_ID,
        "applied_at": _CREATED,
        "last_activity_at": _UPDATED,
        "jobs": [{"id": JOB_ID, "name": "Software Engineer"}],
        "current_stage": {"id": STAGE_ID, "name": "Face to Face"},
    },
)
CANDIDATE: Final = _served(
    CANDIDATES,
    {
        "id": CANDIDATE_ID,
        "first_name": "John",
        "last_name": "Locke",
        "company": "The Tustin Box Company",
        "title": "Man of Mystery",
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "last_activity": _UPDATED,
        "application_ids": [APPLICATION["id"]],
        "phone_numbers": [{"value": "555-0100", "type": "mobile"}],
        "email_addresses": [{"value": "john.locke@example.com", "type": "personal"}],
        "recruiter": _ORGANIZER,
        "tags": ["Walkabout"],
        "applications": [
            {name: value for name, value in APPLICATION.items() if name not in ("custom_fields", "keyed_custom_fields")}
        ],
    },
)
JOB: Final = _served(
    JOBS,
    {
        "id": JOB_ID,
        "name": "Software Engineer",
        "requisition_id": "abc123",
        "status": "open",
        "created_at": _CREATED,
        "opened_at": _CREATED,
        "updated_at": _UPDATED,
        "departments": [
            {"id": 25907, "name": "Engineering", "parent_id": None, "child_ids": [], "external_id": "12345"}
        ],
        "offices": [
            {
                "id": 47012,
                "name": "New York",
                "location": {"name": "New York, United States"},
                "primary_contact_user_id": USER_ID,
                "parent_id": None,
                "child_ids": [],
                "external_id": "15679",
            }
        ],
        "hiring_team": {
            "hiring_managers": [_INTERVIEWER],
            "recruiters": [{**_ORGANIZER, "responsible": True}],
            "coordinators": [],
            "sourcers": [],
        },
        "openings": [
            {
                "id": OPENING_ID,
                "opening_id": "3-1",
                "status": "open",
                "opened_at": _CREATED,
                "closed_at": None,
                "application_id": None,
                "close_reason": None,
            }
        ],
    },
)
OPENING: Final[Json] = JOB["openings"][0]
HIRING_TEAM: Final[Json] = {
    "hiring_managers": [{"user_id": INTERVIEWER_ID, "active": True}],
    "recruiters": [{"user_id": USER_ID, "active": True, "responsible": True}],
    "coordinators": [],
    "sourcers": [],
}
JOB_STAGE: Final = _served(
    JOB_STAGES,
    {
        "id": STAGE_ID,
        "name": "Face to Face",
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "job_id": JOB_ID,
        "priority": 2,
        "interviews": [
            {
                "id": TIMED["interview"]["id"],
                "name": TIMED["interview"]["name"],
                "schedulable": True,
                "estimated_minutes": 30,
                "default_interviewer_users": [],
                "interview_kit": None,
            }
        ],
    },
)
_OWN_FIELDS: Final[Json] = {
    "overall_recommendation": "yes",
    "attributes": [{"name": "Communication", "type": "Skills", "note": "Listens first", "rating": "strong_yes"}],
    "questions": [{"id": None, "question": "What stood out?", "answer": "Every answer had a number in it."}],
}
SCORECARD: Final = _served(
    SCORECARDS,
    {
        "id": SCORECARD_ID,
        "updated_at": _UPDATED,
        "created_at": _UPDATED,
        "interview": TIMED["interview"]["name"],
        "interview_step": TIMED["interview"],
        "candidate_id": APPLICATION["candidate_id"],
        "application_id": TIMED["application_id"],
        "interviewed_at": TIMED["start"]["date_time"],
        "submitted_by": TIMED["organizer"],
        "interviewer": _INTERVIEWER,
        "submitted_at": _UPDATED,
        "ratings": {"definitely_not": [], "no": [], "mixed": [], "yes": [], "strong_yes": ["Communication"]},
        **_OWN_FIELDS,
    },
)

_TIMES: Final[Json] = {"start": "2049-03-26T22:15:00Z", "end": "2049-03-26T22:45:00Z"}
NEW_INTERVIEW: Final[Json] = {
    "application_id": TIMED["application_id"],
    "interview_id": TIMED["interview"]["id"],
    "interviewers": [{"user_id": INTERVIEWER_ID, "response_status": "needs_action"}],
    **_TIMES,
    "external_event_id": "event789",
    "location": "Big Conference Room",
    "video_conferencing_url": "https://video.example.com/rooms/789",
}
NEW_INTERVIEW_OF_APPLICATION: Final[Json] = {
    name: value for name, value in NEW_INTERVIEW.items() if name != "application_id"
}
INTERVIEW_CHANGES: Final[Json] = {
    **_TIMES,
    "interviewers": [
        {"email": _EMAIL, "response_status": "accepted"},
        {"user_id": USER_ID, "response_status": "tentative"},
    ],
}
NEW_SCORECARD: Final[Json] = {
    "scheduled_interview_id": TIMED["id"],
    "interviewer_id": INTERVIEWER_ID,
    **_OWN_FIELDS,
    "submit": True,
}
SCORECARD_CHANGES: Final[Json] = {**_OWN_FIELDS, "submit": True}
NEW_USER: Final[Json] = {
    "first_name": "Juliet",
    "last_name": "Burke",
    "email": "juliet.burke@example.com",
    "send_email_invite": False,
    "employee_id": "221",
}
USER_CHANGES: Final[Json] = {"last_name": "Ford", "employee_id": "employee124"}
USER_EDIT: Final[Json] = {"user": {"email": _EMAIL}, "payload": USER_CHANGES}
USER_CHOICE: Final[Json] = {"user": {"user_id": INTERVIEWER_ID}}
NEW_JOB: Final[Json] = {"name": "Community Manager", "status": "open", "requisition_id": "abc123"}
JOB_CHANGES: Final[Json] = {"status": "closed"}
NEW_STAGE: Final[Json] = {
    "job_id": JOB_ID,
    "name": "Face to Face",
    "interviews": [
        {"name": "Culture Fit", "estimated_minutes": 30, "default_interviewer_users": [INTERVIEWER_ID]},
    ],
}
STAGE_CHANGES: Final[Json] = {"name": "On site"}
NEW_CANDIDATE: Final[Json] = {
    "first_name": "John",
    "last_name": "Locke",
    "company": "The Tustin Box Company",
    "title": "Man of Mystery",
    "is_private": False,
    "phone_numbers": [{"value": "555-1212", "type": "mobile"}],
    "email_addresses": [{"value": "john.locke@example.com", "type": "personal"}],
    "social_media_addresses": [{"value": "@johnlocke"}],
    "tags": ["Walkabout"],
    "employments": [{"company_name": "The Tustin Box Company", "title": "Collections Supervisor"}],
    "recruiter": {"id": USER_ID},
    "applications": [{"job_id": JOB_ID}],
}
NEW_APPLICATION: Final[Json] = {"job_id": JOB_ID, "initial_stage_id": STAGE_ID}
SUCCESS: Final[Json] = {"success": "true"}
NEW_WEBHOOK: Final[Json] = {"url": "https://hooks.example.com/rowen", "actions": ["interview_scheduled"]}
WEBHOOK_CHANGES: Final[Json] = {"enabled": False}

WEBHOOK: Final[Json] = {
    "id": WEBHOOK_ID,
    **NEW_WEBHOOK,
    "enabled": True,
    "reason": None,
    "created_at": _CREATED,
    "previous_secret_until": None,
}
WEBHOOK_WITH_SECRET: Final[Json] = {**WEBHOOK, "secret": _SECRET}
PING: Final[Json] = {"delivered": True, "status": 204, "reason": None}
DELIVERY: Final[Json] = {
    "state": "delivered",
    "action": "interview_scheduled",
    "event_id": EVENT_ID,
    "revision": 57,
    "attempts": 1,
    "last_status": 204,
    "last_error": None,
    "created_at": _UPDATED,
    "next_attempt_at": None,
    "settled_at": _UPDATED,
    "interview_id": TIMED["id"],
    "last_attempt_at": _UPDATED,
}
DELIVERY_DETAIL: Final[Json] = {
    **DELIVERY,
    "headers": {
        "Content-Type": "application/json",
        "Greenhouse-Event-ID": EVENT_ID,
        "webhook-id": EVENT_ID,
        "webhook-timestamp": "1464036079",
    },
    "body": {"action": "interview_scheduled", "payload": {"interview": TIMED}},
}
RESENDING: Final[Json] = {"failed_since": _UPDATED}
SKIPPING: Final[Json] = {"event_id": EVENT_ID}
COUNT: Final[Json] = {"count": 1}

HAPPENING: Final[Json] = {
    "revision": 57,
    "time": _UPDATED,
    "kind": "rescheduled",
    "actor": {"kind": "user", "id": USER_ID, "name": "Jack Shepard", "api_key": "calendar"},
    "scheduled_interview_id": TIMED["id"],
    "resource": "scheduled_interviews",
    "counts": None,
    "fields": [
        {"field": "start", "before": {"date_time": "2014-03-26T21:15:00.000Z"}, "after": TIMED["start"]},
        {"field": "end", "before": {"date_time": "2014-03-26T21:30:00.000Z"}, "after": TIMED["end"]},
    ],
}
CHANGES_PAGE: Final[Json] = {
    "changes": [{**HAPPENING, "document": TIMED}],
    "last_revision": 57,
    "more": False,
}
EVENTS: Final = (
    f"retry: 1000\n\nid: 57\nevent: rescheduled\ndata: {msgspec.json.encode(CHANGES_PAGE['changes'][0]).decode()}\n\n"
)
CONFLICTS: Final[Json] = {
    "conflicts": [
        {
            "person": {"user_id": INTERVIEWER_ID, "name": _INTERVIEWER["name"], "email": _EMAIL},
            "start": TIMED["start"]["date_time"],
            "end": TIMED["end"]["date_time"],
            "scheduled_interview_ids": [TIMED["id"], TIMED["id"] + 1],
        }
    ],
    "more": False,
}

INTERVIEWS: Final = [TIMED, ALL_DAY]
INTERVIEW_DELETED: Final[Json] = {"message": f"Interview {TIMED['id']} has been deleted."}
SCORECARD_DELETED: Final[Json] = {"message": f"Scorecard {SCORECARD_ID} has been deleted."}
WEBHOOK_DELETED: Final[Json] = {"message": f"Webhook {WEBHOOK_ID} has been deleted."}

IDS: Final = {
    "scheduled_interviews": TIMED["id"],
    "applications": TIMED["application_id"],
    "users": INTERVIEWER_ID,
    "job_stages": STAGE_ID,
    "candidates": CANDIDATE_ID,
    "jobs": JOB_ID,
    "scorecards": SCORECARD_ID,
    "webhooks": WEBHOOK_ID,
    "rooms": ROOM_ID,
    "pools": POOL_ID,
}
"""An id of each resource, by its name in paths."""

V3_ROW: Final[Json] = {"id": 4, "created_at": "2024-05-23T20:43:11.679Z", "updated_at": "2024-05-23T20:43:11.679Z"}
