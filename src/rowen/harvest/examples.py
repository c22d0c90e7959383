"""The interviews of the founding document, as Rowen serves them.

Owns the two examples (seed headings "The scheduled interview object" and "GET: List Interviews"), which the
API's description shows and the demo holds.
"""

from typing import Any, Final

_ORGANIZER: Final = {
    "id": 2000,
    "first_name": "Jack",
    "last_name": "Shepard",
    "name": "Jack Shepard",
    "employee_id": "12345",
}

TIMED: Final[dict[str, Any]] = {
    "id": 9128481,
    "application_id": 4684156,
    "external_event_id": "event123",
    "start": {"date_time": "2014-03-26T22:15:00.000Z"},
    "end": {"date_time": "2014-03-26T22:30:00.000Z"},
    "location": "Big Conference Room",
    "video_conferencing_url": None,
    "status": "awaiting_feedback",
    "created_at": "2016-02-10T14:31:51.019Z",
    "updated_at": "2016-05-23T20:43:11.679Z",
    "interview": {"id": 7001, "name": "Culture Fit"},
    "organizer": _ORGANIZER,
    "interviewers": [
        {
            "id": 4080,
            "employee_id": "employee123",
            "name": "Kate Austen",
            "email": "kate.austen@example.com",
            "response_status": "needs_action",
            "scorecard_id": 11274,
        }
    ],
}

ALL_DAY: Final[dict[str, Any]] = {
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
