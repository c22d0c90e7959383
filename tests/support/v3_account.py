"""A small account of Harvest v3: who interviews whom, in the rows of an upstream.

Owns its content: two users, a plan of one stage, one application, and three interviews, of which one has no v1 form.
"""

from typing import Any, Final

import httpx

from tests.support.harness import Tenant
from tests.support.v3_upstream import V3Upstream

ANN: Final = 2001
BOB: Final = 2002
TIMED: Final = 9001
ALL_DAY: Final = 9002
UNSCHEDULED: Final = 9003
COMPLETE: Final = 7001
DRAFT: Final = 7002
MAIL: Final = {"value": "cleo@example.com", "type": "personal"}
STARTS: Final = "2030-01-01T09:00:00.000Z"
ENDS: Final = "2030-01-01T10:00:00.000Z"
NEW: Final[dict[str, Any]] = {
    "application_id": 70,
    "interview_id": 61,
    "interviewers": [{"user_id": BOB, "response_status": "tentative"}],
    "start": {"date_time": STARTS},
    "end": {"date_time": ENDS},
    "location": "Oven",
}
NEW_V3: Final[dict[str, Any]] = {
    "application_id": 70,
    "job_interview_id": 61,
    "interviewers": [{"user_id": BOB, "response_status": "tentative"}],
    "starts_at": STARTS,
    "ends_at": ENDS,
    "location": "Oven",
}
"""A new interview for the account, as a client of v3 sends it; `NEW` is for v1 and v2."""


def fill(upstream: V3Upstream) -> None:
    """Put the account into an upstream."""
    put = upstream.put
    put("users", user(ANN, "Ann", employee_id="E-1"), user(BOB, "Bob"))
    put("jobs", {"id": 40, "name": "Baker", "status": "open"})
    put(
        "candidates",
        {"id": 80, "first_name": "Cleo", "last_name": "Stone", "email_addresses": [MAIL], "private": False},
    )
    put("job_interview_stages", {"id": 50, "job_id": 40, "name": "On site", "sort_order": 1, "active": True})
    put("job_interviews", job_interview(60, "Bread"), job_interview(61, "Cake", sort_order=0))
    put("interview_kits", {"id": 65, "job_id": 40, "job_interview_id": 60})
    put("default_interviewers", {"id": 66, "interview_kit_id": 65, "user_id": BOB})
    put(
        "applications",
        {
            "id": 70,
            "candidate_id": 80,
            "job_id": 40,
            "status": "in_process",
            "stage_name": "On site",
            "prospect": False,
        },
    )
    put("application_stages", {"id": 75, "application_id": 70, "job_interview_stage_id": 50, "current": True})
    put("candidate_attribute_types", {"id": 90, "name": "Skills"})
    put("job_candidate_attributes", {"id": 91, "job_id": 40, "candidate_attribute_type_id": 90, "name": "Kneading"})
    put("scorecard_questions", question(92, "Early riser?"), question(93, "Which shifts?"), question(94, "Why?"))
    put("scorecard_question_options", option(95, "Night"), option(96, "Dawn"))
    put(
        "scorecard_candidate_attributes",
        {
            "id": 97,
            "scorecard_id": COMPLETE,
            "job_candidate_attribute_id": 91,
            "candidate_attribute_rating": "definitely_not",
            "note": None,
        },
    )
    put(
        "scorecard_question_answers",
        answer(101, 92, boolean_value=True),
        answer(102, 93),
        answer(103, 94, answer="Bread."),
    )
    put("scorecard_question_answer_options", chosen(105, 95), chosen(106, 96))
    put(
        "scorecards",
        scorecard(COMPLETE, ANN, "complete", notes="Strong arms", private_notes="Late"),
        scorecard(DRAFT, BOB, "draft"),
    )
    put("interviews", interview(TIMED), interview(ALL_DAY, **ALL_DAY_TIMES), interview(UNSCHEDULED, **NO_TIMES))
    put(
        "interviewers",
        seat(1, TIMED, user_id=ANN, scorecard_id=COMPLETE, response_status="accepted"),
        seat(2, TIMED, user_id=BOB, scorecard_id=DRAFT),
        seat(3, ALL_DAY, email="guest@example.com", response_status="tentative"),
    )


def user(identifier: int, name: str, **fields: Any) -> dict[str, Any]:
    """Return a user's row."""
    mail = f"{name.lower()}@example.com"
    return {
        "id": identifier,
        "first_name": name,
        "last_name": "Reed",
        "name": f"{name} Reed",
        "primary_email": mail,
        "emails": [mail],
        "employee_id": None,
        "deactivated": False,
        "site_admin": False,
        **fields,
    }


def job_interview(identifier: int, name: str, **fields: Any) -> dict[str, Any]:
    """Return the row of an interview of the stage."""
    return {
        "id": identifier,
        "job_interview_stage_id": 50,
        "job_id": 40,
        "name": name,
        "sort_order": 1,
        "duration": 45,
        "active": True,
        **fields,
    }


def scorecard(identifier: int, interviewer: int, status: str, **fields: Any) -> dict[str, Any]:
    """Return a scorecard's row."""
    return {
        "id": identifier,
        "application_id": 70,
        "interview_kit_id": 65,
        "interviewer_id": interviewer,
        "submitter_id": interviewer,
        "candidate_rating": "strong_no",
        "status": status,
        "interviewed_at": "2026-10-01T09:00:00.000Z",
        "submitted_at": "2026-10-01T11:00:00.000Z" if status == "complete" else None,
        **fields,
    }


def question(identifier: int, text: str) -> dict[str, Any]:
    """Return the row of a question of the kit."""
    return {"id": identifier, "interview_kit_id": 65, "question": text, "active": True}


def option(identifier: int, name: str) -> dict[str, Any]:
    """Return the row of an option of the question about shifts."""
    return {"id": identifier, "scorecard_question_id": 93, "name": name, "active": True}


def answer(identifier: int, question: int, **fields: Any) -> dict[str, Any]:
    """Return the row of an answer in the complete scorecard."""
    asked = {"scorecard_id": COMPLETE, "scorecard_question_id": question}
    return {"id": identifier, **asked, "answer": None, "boolean_value": None, **fields}


def chosen(identifier: int, option: int) -> dict[str, Any]:
    """Return the row of an option that was chosen for the question about shifts."""
    return {"id": identifier, "scorecard_question_answer_id": 102, "scorecard_question_option_id": option}


TIMES: Final = {"starts_at": "2026-10-01T09:00:00.000Z", "ends_at": "2026-10-01T10:00:00.000Z"}
NO_TIMES: Final = {"starts_at": None, "ends_at": None, "status": "to_be_scheduled"}
ALL_DAY_TIMES: Final = {
    "starts_at": None,
    "ends_at": None,
    "all_day_start_on": "2027-01-04",
    "all_day_end_on": "2027-01-05",
    "status": "scheduled",
}


def interview(identifier: int, **fields: Any) -> dict[str, Any]:
    """Return an interview's row; it is over unless other times are given."""
    return {
        "id": identifier,
        "job_id": 40,
        "application_id": 70,
        "job_interview_id": 60,
        "organizer_id": ANN if identifier == TIMED else None,
        "location": "Kitchen",
        "status": "awaiting_feedback",
        "external_event_id": f"event-{identifier}",
        "video_conferencing_url": None,
        "all_day_start_on": None,
        "all_day_end_on": None,
        **TIMES,
        **fields,
    }


def seat(identifier: int, interview: int, **fields: Any) -> dict[str, Any]:
    """Return the row of a member of a panel."""
    return {
        "id": identifier,
        "interview_id": interview,
        "user_id": None,
        "scorecard_id": None,
        "email": None,
        "response_status": "needs_action",
        **fields,
    }


def bearer(tenant: Tenant, client: httpx.Client) -> dict[str, str]:
    """Return the headers of a client of v3 that acts for Ann."""
    made = client.post("/auth/token", json={"sub": str(ANN)}, auth=(tenant.key, ""))
    return {"Authorization": f"Bearer {made.json()['access_token']}"}
