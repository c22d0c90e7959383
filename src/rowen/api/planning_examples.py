"""The examples of finding times, and of the people, pools and rooms that it needs, in the story of `examples.py`.

Owns them. Must not know how a description is written.
"""

from typing import Final

from rowen.api import examples
from rowen.api.schemas import Json

NEW_ROOM: Final[Json] = {
    "name": "Big Conference Room",
    "site": "Lisbon",
    "capacity": 8,
    "features": ["video", "whiteboard"],
}
ROOM_CHANGES: Final[Json] = {"capacity": 10}
ROOM: Final[Json] = {"id": examples.ROOM_ID, **NEW_ROOM}
ROOM_DELETED: Final[Json] = {"message": f"Room {examples.ROOM_ID} has been deleted."}
NEW_POOL: Final[Json] = {
    "name": "Backend",
    "members": [{"user_id": examples.INTERVIEWER_ID, "weight": 2, "tags": ["senior"]}, {"user_id": examples.USER_ID}],
    "interviews": [{"interview_id": examples.TIMED["interview"]["id"]}],
}
POOL_CHANGES: Final[Json] = {"members": [{"user_id": examples.INTERVIEWER_ID}]}
POOL: Final[Json] = {
    "id": examples.POOL_ID,
    "name": "Backend",
    "members": [
        {"user_id": examples.INTERVIEWER_ID, "weight": 2, "tags": ["senior"]},
        {"user_id": examples.USER_ID, "weight": 1, "tags": []},
    ],
    "interviews": [{"interview_id": examples.TIMED["interview"]["id"], "count": 1}],
}
POOL_DELETED: Final[Json] = {"message": f"Pool {examples.POOL_ID} has been deleted."}
AVAILABILITY: Final[Json] = {
    "time_zone": "Europe/Berlin",
    "working_hours": {
        "monday": [{"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "17:00"}],
        "tuesday": [{"from": "09:00", "to": "17:00"}],
    },
    "buffer_minutes": {"before": 0, "after": 15},
    "limits": {"per_day": 3, "per_week": 10},
    "minimum_notice_minutes": 120,
    "holidays": "DE",
    "time_off": [{"from": "2031-02-03", "to": "2031-02-05"}],
}
_WINDOW: Final[Json] = {"from": "2031-02-03T00:00:00.000Z", "to": "2031-03-03T00:00:00.000Z"}
_READ: Final = "2016-05-23T20:43:11.679Z"
PUSHED_BUSY: Final[Json] = {
    "window": _WINDOW,
    "read_at": _READ,
    "busy": [{"from": "2031-02-03T09:00:00.000Z", "to": "2031-02-03T10:30:00.000Z"}],
}
BUSY_SOURCE: Final[Json] = {
    "user_id": examples.INTERVIEWER_ID,
    "source": "google",
    "url": None,
    "read_at": _READ,
    "error": None,
    "window": _WINDOW,
    "windows": [{**_WINDOW, "read_at": _READ}],
}
BUSY: Final[Json] = {**BUSY_SOURCE, "busy": PUSHED_BUSY["busy"]}
QUESTION: Final[Json] = {
    "window": {"from": "2031-02-03T00:00:00Z", "to": "2031-02-08T00:00:00Z"},
    "sessions": [{"minutes": 60, "seats": [{"users": [examples.INTERVIEWER_ID]}]}],
    "time_zones": ["Europe/Berlin"],
}
BOOKING: Final[Json] = {
    "application_id": examples.TIMED["application_id"],
    "sessions": [
        {
            "interview_id": examples.TIMED["interview"]["id"],
            "start": "2031-02-03T08:00:00.000Z",
            "end": "2031-02-03T09:00:00.000Z",
            "interviewers": [{"user_id": examples.INTERVIEWER_ID}],
            "room_id": None,
        }
    ],
}
HOLD_ID: Final = 1
HOLD_BODY: Final[Json] = {**BOOKING, "minutes": 30}
HOLD: Final[Json] = {
    "id": HOLD_ID,
    **BOOKING,
    "created_at": "2031-01-31T10:00:00.000Z",
    "expires_at": "2031-01-31T10:30:00.000Z",
}
LINK_ID: Final = 1
LINK_URL: Final = "https://rowen.example.com/book/1-8d1f0c2b7a6e5f4d3c2b1a0f9e8d7c6b5a4f3e2d"
LINK_BODY: Final[Json] = {**QUESTION, "application_id": BOOKING["application_id"]}
LINK: Final[Json] = {
    "id": LINK_ID,
    "application_id": BOOKING["application_id"],
    "created_at": "2031-01-31T10:00:00.000Z",
    "expires_at": "2031-02-14T10:00:00.000Z",
    "scheduled_interview_ids": [],
    "moves": 2,
}
OFFER: Final[Json] = {
    "organization": "default",
    "job": "Designer",
    "contact": {"name": "Jack Shepard", "email": "jack.shepard@example.com"},
    "sessions": [{"name": "Culture Fit", "minutes": 60}],
    "time_zone": "Europe/Berlin",
    "slots": [
        {
            "start": "2031-02-03T08:00:00.000Z",
            "end": "2031-02-03T09:00:00.000Z",
            "local": "2031-02-03T09:00:00+01:00",
        }
    ],
    "booked": [],
    "may_move": False,
    "may_cancel": False,
    "moves": 2,
    "change_notice_minutes": 1440,
    "booked_elsewhere": False,
    "expires_at": "2031-02-14T10:00:00.000Z",
}
ANSWER: Final[Json] = {
    "slots": [
        {
            "start": "2031-02-03T08:00:00.000Z",
            "end": "2031-02-03T09:00:00.000Z",
            "local": {"Europe/Berlin": "2031-02-03T09:00:00+01:00"},
            "sessions": [
                {
                    "name": None,
                    "index": 0,
                    "interview_id": None,
                    "start": "2031-02-03T08:00:00.000Z",
                    "end": "2031-02-03T09:00:00.000Z",
                    "interviewers": [{"user_id": examples.INTERVIEWER_ID, "seat": 0, "why": "Asked for by name"}],
                    "room_id": None,
                }
            ],
        }
    ],
    "total": 1,
    "not_offered": [],
    "why_none": [],
}
