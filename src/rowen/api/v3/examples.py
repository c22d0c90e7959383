"""An example row of each list of Harvest v3 that is held.

Owns that they show the people and the interview of the other examples, by the codec that makes all rows.
"""

from typing import Final

import msgspec

from rowen.api import examples
from rowen.api.codec import records, v3
from rowen.api.schemas import Json
from rowen.app.rows import SOURCES, InterviewerSource, Row, Surroundings
from rowen.interviews.moments import Instant

_MADE: Final = Instant.parse(examples.TIMED["created_at"])
_SEAT: Final[Json] = examples.TIMED["interviewers"][0]
_SEAT_ID: Final = 5501
_EQUIPPED: Final[Json] = {
    **examples.JOB_STAGE,
    "interviews": [
        {
            **examples.JOB_STAGE["interviews"][0],
            "default_interviewer_users": [{"id": examples.INTERVIEWER_ID}],
            "interview_kit": {"id": 9101, "content": "<p>Ask for an example.</p>", "questions": []},
        }
    ],
}
_RECORDS: Final[dict[str, Json]] = {
    "users": examples.USER,
    "applications": examples.APPLICATION,
    "job_stages": _EQUIPPED,
    "scorecards": examples.SCORECARD,
    "candidates": examples.CANDIDATE,
    "jobs": examples.JOB,
}


def _shown(rows: list[Row]) -> Json:
    first: Json = msgspec.json.decode(v3.encode(rows[:1]))[0]
    return first


def _row(list_name: str) -> Json:
    resource = SOURCES[list_name]
    draft = records.draft(resource, msgspec.json.encode(_RECORDS[resource]))
    return _shown(v3.records(list_name, [draft], _MADE))


def _interview() -> Json:
    jobs = {examples.TIMED["application_id"]: examples.JOB_ID}
    seats = {examples.TIMED["id"]: [_SEAT_ID]}
    stored = v3.stored_interviews(msgspec.json.encode([examples.TIMED]))
    return _shown(v3.interviews(stored, Surroundings(jobs, seats, _MADE)))


def _interviewer() -> Json:
    seat = (_SEAT["id"], _SEAT["scorecard_id"], _SEAT["email"], _SEAT["response_status"])
    source = InterviewerSource(_SEAT_ID, int(_MADE), int(_MADE), examples.TIMED["id"], *seat)
    return _shown(v3.interviewers([source]))


ROWS: Final[dict[str, Json]] = {
    "interviews": _interview(),
    "interviewers": _interviewer(),
    **{name: _row(name) for name in SOURCES},
}
"""An example row of each list, by name."""
