"""Rows of v3: what each list shows of the documents of v1, which rows match, and pages, on every engine."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from rowen.app.rows import HELD, LARGEST_WHOLE, PARTS, Dates, RowQuery, Times, rows_below
from rowen.interviews.moments import Instant
from tests.support.harness import Tenant, opened
from tests.support.records import Record, record
from tests.support.storage import Storage

KATE: Final = record(1)["interviewers"][0]
GUEST: Final[Record] = {
    "id": None,
    "employee_id": None,
    "name": None,
    "email": "guest@example.com",
    "response_status": "accepted",
    "scorecard_id": None,
}
EARLY, LATE = "2024-01-01T00:00:00.000Z", "2024-04-01T00:00:00.000Z"
STAGE: Final[Record] = {
    "id": 6001,
    "name": "Face to Face",
    "created_at": EARLY,
    "updated_at": LATE,
    "job_id": 8001,
    "priority": 2,
    "interviews": [
        {
            "id": 7001,
            "name": "Culture Fit",
            "estimated_minutes": 30,
            "default_interviewer_users": [{"id": 4080}, {"id": 2000}],
            "interview_kit": {"id": 9101, "content": "<p>Ask.</p>", "questions": []},
        },
        {"id": 7002, "name": "Whiteboard", "interview_kit": None},
    ],
}
ATTRIBUTES: Final = [
    {"name": "Curiosity", "type": "Qualities", "note": "asks", "rating": "strong_yes"},
    {"name": "Tact", "type": "Qualities", "note": None, "rating": "mixed"},
]
QUESTIONS: Final = [
    {"id": None, "question": "Key Take-Aways", "answer": "Hire"},
    {"id": None, "question": "Private Notes", "answer": ""},
    {"id": 11, "question": "Where?", "answer": "Oslo"},
]
INTERVIEWS: Final = [
    record(1, application_id=5, created_at=EARLY, updated_at=EARLY, interviewers=[KATE, GUEST]),
    record(2, application_id=6, created_at=None, updated_at=LATE, interviewers=[], organizer=None, interview=None),
    record(3, application_id=5, created_at=None, updated_at=None, status="scheduled"),
    record(4, application_id=7, start={"date": "2024-05-01"}, end={"date": "2024-05-02"}),
]


@pytest.fixture(scope="module")
def filled(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """Return an organization with interviews and records of every kind, which the tests only read."""
    with opened(storage.new_database(tmp_path_factory.mktemp("rows"))) as harness:
        tenant = harness.tenant()
        fill(tenant)
        yield tenant


def fill(tenant: Tenant) -> None:
    """Import interviews and records of every kind."""
    kate = {"id": 4080, "first_name": "Kate", "last_name": "Austen", "emails": ["k@example.com", "K@example.com"]}
    jack = {"id": 2000, "name": "Jack", "primary_email_address": "jack@example.com", "disabled": True}
    tenant.merge_records("users", [{**kate, "created_at": EARLY, "offices": [{"id": 3}]}, jack])
    tenant.merge(INTERVIEWS)
    applied = {"applied_at": EARLY, "last_activity_at": LATE, "candidate_id": 50}
    stage = {"id": 6001, "name": "Face to Face"}
    tenant.merge_records(
        "applications",
        [
            {"id": 5, **applied, "jobs": [{"id": 8001}], "current_stage": stage, "source": {"id": 12}},
            {"id": 6, **applied, "prospect": True, "jobs": [{"id": 8003}, {"id": 8002}], "status": "rejected"},
        ],
    )
    tenant.merge_records("job_stages", [STAGE])
    addresses = [{"value": "ada@example.com", "type": "work"}]
    tenant.merge_records("candidates", [{"id": 50, "first_name": "Ada", "email_addresses": addresses, "tags": ["x"]}])
    tenant.merge_records("jobs", [{"id": 8001, "name": "Manager", "status": "open", "offices": [{"id": 3}]}])
    score = {
        "interviewer": {"id": 4080},
        "submitted_by": {"id": 2000},
        "application_id": 5,
        "interviewed_at": EARLY,
        "attributes": ATTRIBUTES,
        "questions": QUESTIONS,
    }
    tenant.merge_records(
        "scorecards",
        [
            {"id": 1, **score, "overall_recommendation": "definitely_not", "submitted_at": LATE, "updated_at": LATE},
            {"id": 2, **score, "overall_recommendation": "yes", "submitted_at": None, "created_at": EARLY},
            {"id": 3, **score, "overall_recommendation": "yes", "submitted_at": EARLY, "created_at": EARLY},
        ],
    )


def listed(tenant: Tenant, name: str, size: int = 100, below: int | None = None, **filters: Any) -> list[Record]:
    """Return a page of a list."""
    harness = tenant.harness
    organization = harness.run(harness.store.organizations.find(tenant.organization.name))
    assert organization is not None
    query = RowQuery(name, tuple(sorted(filters.items())))
    page = harness.run(harness.store.rows.page(organization, query, rows_below(below, size)))
    found: list[Record] = json.loads(page.body)
    assert page.last_id == (found[-1]["id"] if found else None)
    return found


def ids(tenant: Tenant, name: str, **filters: Any) -> list[int]:
    """Return the ids that match filters."""
    return [row["id"] for row in listed(tenant, name, **filters)]


def test_an_interview_is_the_same_in_other_words(filled: Tenant) -> None:
    made = str(filled.organization.created_at)
    rows = {row["id"]: row for row in listed(filled, "interviews")}
    assert rows[1] == {
        "id": 1,
        "created_at": EARLY,
        "updated_at": EARLY,
        "job_id": 8001,
        "application_id": 5,
        "job_interview_id": 7001,
        "starts_at": INTERVIEWS[0]["start"]["date_time"],
        "ends_at": INTERVIEWS[0]["end"]["date_time"],
        "location": INTERVIEWS[0]["location"],
        "status": INTERVIEWS[0]["status"],
        "organizer_id": 2000,
        "scheduled_at": None,
        "all_day_start_on": None,
        "all_day_end_on": None,
        "external_event_id": INTERVIEWS[0]["external_event_id"],
        "video_conferencing_url": INTERVIEWS[0]["video_conferencing_url"],
        "availability_received_at": None,
        "interviewer_ids": [1, 2],
    }
    assert [rows[2][name] for name in ("job_id", "job_interview_id", "organizer_id")] == [8002, None, None]
    assert (rows[2]["created_at"], rows[2]["updated_at"]) == (LATE, LATE)
    assert (rows[3]["created_at"], rows[3]["updated_at"]) == (made, made)
    assert [rows[4][name] for name in ("starts_at", "ends_at", "job_id")] == [None] * 3
    assert [rows[4][name] for name in ("all_day_start_on", "all_day_end_on")] == ["2024-05-01", "2024-05-02"]


def test_interviewers_are_the_members_of_panels(filled: Tenant) -> None:
    assert listed(filled, "interviewers", interview_ids=(1, 9)) == [
        {
            "id": 2,
            "created_at": EARLY,
            "updated_at": EARLY,
            "interview_id": 1,
            "user_id": None,
            "scorecard_id": None,
            "email": "guest@example.com",
            "response_status": "accepted",
        },
        {
            "id": 1,
            "created_at": EARLY,
            "updated_at": EARLY,
            "interview_id": 1,
            "user_id": 4080,
            "scorecard_id": KATE["scorecard_id"],
            "email": KATE["email"],
            "response_status": KATE["response_status"],
        },
    ]


def test_records_are_the_same_in_other_words(filled: Tenant) -> None:
    kate, jack = listed(filled, "users")
    assert (kate["primary_email"], kate["office_ids"], kate["deactivated"]) == ("k@example.com", [3], False)
    assert (jack["name"], jack["deactivated"], jack["created_at"]) == ("Jack", True, jack["updated_at"])
    first = listed(filled, "applications", ids=(5,))[0]
    assert (first["status"], first["job_id"], first["source_id"], first["stage_name"]) == (
        *("in_process", 8001, 12),
        "Face to Face",
    )
    prospect = listed(filled, "applications", ids=(6,))[0]
    assert (prospect["job_id"], prospect["prospective_job_ids"]) == (None, [8003, 8002])
    (stage,) = listed(filled, "application_stages")
    assert (stage["id"], stage["job_interview_stage_id"], stage["current"]) == (5, 6001, True)
    (stage,) = listed(filled, "job_interview_stages", job_ids=(8001,))
    assert (stage["id"], stage["sort_order"], stage["active"]) == (6001, 2, True)
    second, first = listed(filled, "job_interviews", job_ids=(8001,))
    assert (first["id"], first["job_interview_stage_id"], first["sort_order"], first["duration"]) == (7001, 6001, 0, 30)
    assert (second["id"], second["name"], second["duration"]) == (7002, "Whiteboard", None)
    (kit,) = listed(filled, "interview_kits")
    assert (kit["id"], kit["job_interview_id"], kit["exercises"]) == (9101, 7001, "<p>Ask.</p>")
    assert {(row["user_id"], row["interview_kit_id"]) for row in listed(filled, "default_interviewers")} == {
        *((4080, 9101), (2000, 9101)),
    }
    _, _, final = listed(filled, "scorecards")
    assert (final["status"], final["candidate_rating"], final["interviewer_id"]) == ("complete", "strong_no", 4080)
    assert (final["notes"], final["private_notes"], final["public_notes"]) == ("Hire", "", None)


def test_attributes_and_answers_are_rows_after_their_scorecard(filled: Tenant) -> None:
    tact, curiosity = listed(filled, "scorecard_candidate_attributes", scorecard_ids=(1,))
    assert curiosity == {
        "id": 1001,
        "created_at": LATE,
        "updated_at": LATE,
        "scorecard_id": 1,
        "job_candidate_attribute_id": curiosity["job_candidate_attribute_id"],
        "candidate_attribute_rating": "strong_yes",
        "note": "asks",
        "name": "Curiosity",
        "type": "Qualities",
    }
    assert (tact["id"], tact["candidate_attribute_rating"], tact["note"]) == (1002, "mixed", None)
    attribute = tact["job_candidate_attribute_id"]
    assert 0 < attribute < 2**53
    same = listed(filled, "scorecard_candidate_attributes", job_candidate_attribute_ids=(attribute,))
    assert [(row["id"], row["name"]) for row in same] == [(3002, "Tact"), (1002, "Tact")]
    oslo, private, key = listed(filled, "scorecard_question_answers", scorecard_ids=(3,))
    assert oslo == {
        "id": 3003,
        "created_at": EARLY,
        "updated_at": EARLY,
        "scorecard_id": 3,
        "scorecard_question_id": 11,
        "answer": "Oslo",
        "boolean_value": None,
        "question": "Where?",
    }
    assert [(row["id"], row["scorecard_question_id"], row["answer"]) for row in (private, key)] == [
        *((3002, None, ""), (3001, None, "Hire")),
    ]


def test_a_draft_shows_who_owes_a_scorecard_and_nothing_that_it_says(filled: Tenant) -> None:
    (draft,) = listed(filled, "scorecards", status="draft")
    assert (draft["id"], draft["interviewer_id"], draft["application_id"]) == (2, 4080, 5)
    assert [draft[name] for name in ("candidate_rating", "notes", "private_notes", "submitted_at")] == [None] * 4
    for name in PARTS:
        assert {row["scorecard_id"] for row in listed(filled, name)} == {1, 3}
        assert ids(filled, name, scorecard_ids=(2,)) == []


def test_parts_are_found_behind_many_records_without_any(tenant: Tenant) -> None:
    scores = [{"id": number, "submitted_at": LATE, "interviewer": {"id": 1}} for number in range(2, 40)]
    tenant.merge_records("scorecards", [{**scores[0], "id": 1, "questions": QUESTIONS}, *scores])
    assert [row["id"] for row in listed(tenant, "scorecard_question_answers", 2)] == [1003, 1002]
    assert [row["id"] for row in listed(tenant, "scorecard_question_answers", 2, 1002)] == [1001]


def test_a_scorecard_with_an_id_that_leaves_no_room_has_no_parts(tenant: Tenant) -> None:
    whole = {"submitted_at": LATE, "interviewer": {"id": 1}, "questions": QUESTIONS}
    tenant.merge_records("scorecards", [{"id": 2**53 - 1, **whole}, {"id": LARGEST_WHOLE, **whole}])
    rows = listed(tenant, "scorecard_question_answers")
    assert {row["scorecard_id"] for row in rows} == {LARGEST_WHOLE}
    assert all(row["id"] < 2**53 for row in rows)


def test_every_address_of_a_user_is_a_row(filled: Tenant) -> None:
    """Addresses that differ in case are the same."""
    rows = listed(filled, "user_emails")
    assert sorted((row["user_id"], row["email"]) for row in rows) == [
        (2000, "jack@example.com"),
        (4080, "k@example.com"),
    ]
    assert all(0 < row["id"] < 2**53 for row in rows)
    assert ids(filled, "user_emails", email="K@EXAMPLE.com") == [row["id"] for row in rows if row["user_id"] == 4080]
    assert rows == listed(filled, "user_emails")


FILTERS: Final[dict[str, tuple[str, dict[str, Any], list[int]]]] = {
    "ids": ("interviews", {"ids": (1, 3, 99)}, [3, 1]),
    "applications": ("interviews", {"application_ids": (5,)}, [3, 1]),
    "jobs": ("interviews", {"job_ids": (8001, 8002)}, [3, 2, 1]),
    "stage interviews": ("interviews", {"job_interview_ids": (7001,)}, [4, 3, 1]),
    "organizers": ("interviews", {"organizer_ids": (2000,), "application_ids": (5, 6)}, [3, 1]),
    "a status": ("interviews", {"status": "scheduled"}, [3]),
    "a status of v3 alone": ("interviews", {"status": "to_be_sent"}, []),
    "an event": ("interviews", {"external_event_id": "nobody's"}, []),
    "timed interviews": ("interviews", {"starts_at": Times(None, Instant.parse("2999-01-01"))}, [3, 2, 1]),
    "all-day interviews": ("interviews", {"all_day_start_on": Dates("2024-05-01", "2024-05-01")}, [4]),
    "other days": ("interviews", {"all_day_end_on": Dates(None, "2024-05-01")}, []),
    "created": ("interviews", {"created_at": Times(None, Instant.parse("2024-02-01"))}, [1]),
    "updated, for created": (
        "interviews",
        {"created_at": Times(Instant.parse(LATE), Instant(Instant.parse(LATE) + 1))},
        [2],
    ),
    "interviewers of a user": ("interviewers", {"user_ids": (4080,), "interview_ids": (1, 2)}, [1]),
    "answers": ("interviewers", {"response_status": "accepted", "interview_ids": (1,)}, [2]),
    "scorecards": ("interviewers", {"scorecard_ids": (KATE["scorecard_id"],), "interview_ids": (1,)}, [1]),
    "candidates": ("applications", {"candidate_ids": (50,)}, [6, 5]),
    "applications of a job": ("applications", {"job_ids": (8001, 8002), "candidate_ids": (50, 51)}, [5]),
    "stages of a job": ("job_interview_stages", {"job_ids": (8001, 1)}, [6001]),
    "scorecards of applications": ("scorecards", {"application_ids": (5, 6), "status": "complete"}, [3, 1]),
    "another address": ("users", {"primary_email": "K@example.com"}, [4080]),
    "addresses in vain": ("candidates", {"email": "nobody@example.com"}, []),
    "requisitions": ("jobs", {"requisition_id": "nobody's"}, []),
    "active": ("applications", {"status": "active", "candidate_ids": (50,)}, [5]),
    "prospects": ("applications", {"prospect": True}, [6]),
    "prospective jobs": ("applications", {"prospective_job_ids": (8002,)}, [6]),
    "activity": (
        "applications",
        {"last_activity_at": Times(Instant.parse(LATE), None), "candidate_ids": (50,)},
        [6, 5],
    ),
    "what is not held": ("applications", {"custom_field_option_id": 1}, []),
    "current stages": ("application_stages", {"current": True, "job_interview_stage_ids": (6001,)}, [5]),
    "earlier stages": ("application_stages", {"current": False}, []),
    "deactivated": ("users", {"deactivated": True}, [2000]),
    "an address": ("users", {"primary_email": "JACK@example.com"}, [2000]),
    "employees": ("users", {"employee_ids": ("nobody",)}, []),
    "offices": ("users", {"office_ids": (3, 4)}, [4080]),
    "service accounts": ("users", {"show_service_accounts": True, "ids": (2000,)}, [2000]),
    "final scorecards": ("scorecards", {"status": "complete"}, [3, 1]),
    "interviewers of scorecards": ("scorecards", {"interviewer_ids": (4080,), "submitter_ids": (2000,)}, [3, 2, 1]),
    "changed answers": ("scorecard_question_answers", {"updated_at": Times(Instant.parse(LATE))}, [1003, 1002, 1001]),
    "answers by id": (
        "scorecard_question_answers",
        {"ids": (1002, 3001, 2001, 7), "scorecard_ids": (1, 3)},
        [3001, 1002],
    ),
    "answers to a question": ("scorecard_question_answers", {"scorecard_question_ids": (11,), "ids": (1003,)}, [1003]),
    "interviews of a stage": ("job_interviews", {"job_interview_stage_ids": (6001,)}, [7002, 7001]),
    "an address of a candidate": ("candidates", {"email": "ADA@example.com", "tag": "x", "private": False}, [50]),
    "jobs of an office": ("jobs", {"office_id": 3, "status": "open"}, [8001]),
    "kits": ("interview_kits", {"job_interview_ids": (7001,)}, [9101]),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters(filled: Tenant, name: str) -> None:
    list_name, filters, expected = FILTERS[name]
    assert ids(filled, list_name, **filters) == expected


def test_the_time_of_the_organization_counts_for_rows_without_one(filled: Tenant) -> None:
    made = filled.organization.created_at
    assert ids(filled, "interviews", created_at=Times(made, Instant(made + 1))) == [3]
    assert ids(filled, "interviews", updated_at=Times(made, Instant(made + 1))) == [3]


@pytest.mark.parametrize("name", HELD)
def test_pages_lead_through_all_rows(filled: Tenant, name: str) -> None:
    everything = listed(filled, name)
    assert everything
    assert [row["id"] for row in everything] == sorted({row["id"] for row in everything}, reverse=True)
    assert all(row["created_at"] and row["updated_at"] for row in everything)
    walked: list[Record] = []
    while page := listed(filled, name, 1, walked[-1]["id"] if walked else None):
        walked += page
    assert walked == everything
    filtered = [row for row in everything if listed(filled, name, ids=(row["id"],)) == [row]]
    assert filtered == everything


@pytest.mark.parametrize("name", HELD)
def test_rows_belong_to_their_organization(filled: Tenant, name: str) -> None:
    other = filled.harness.tenant()
    assert listed(other, name) == []
    assert listed(other, name, ids=(1, 5, 2000, 6001, 7001)) == []


def test_a_write_is_seen_at_once(tenant: Tenant) -> None:
    fill(tenant)
    assert ids(tenant, "interviews", organizer_ids=(2000,)) == [4, 3, 1]
    tenant.merge([record(9), record(1, application_id=5, updated_at="2025-01-01T00:00:00.000Z", organizer=None)])
    assert ids(tenant, "interviews", organizer_ids=(2000,)) == [9, 4, 3]
    tenant.merge_records(
        "applications", [{"id": 5, "last_activity_at": "2025-01-01T00:00:00.000Z", "jobs": [{"id": 3}]}]
    )
    assert listed(tenant, "interviews", ids=(1,))[0]["job_id"] == 3


def test_a_filter_by_a_job_reads_its_applications_and_no_others(tenant: Tenant) -> None:
    """A prospect has the job among several, and shows it under another name."""
    tenant.merge_records(
        "applications",
        [
            {"id": 1, "jobs": [{"id": 9}, {"id": 8}], "candidate_id": 1},
            {"id": 2, "jobs": [{"id": 9}], "prospect": True, "candidate_id": 2},
            {"id": 3, "jobs": [], "candidate_id": 3},
        ],
    )
    tenant.merge([record(number, application_id=number) for number in (1, 2, 3)])
    assert ids(tenant, "applications", job_ids=(8,)) == [1]
    assert ids(tenant, "applications", job_ids=(9,)) == []
    assert ids(tenant, "applications", prospective_job_ids=(9, 8)) == [2]
    assert ids(tenant, "interviews", job_ids=(8,)) == [1]
    assert ids(tenant, "interviews", job_ids=(9,)) == [2]
    assert ids(tenant, "interviews", job_ids=tuple(range(9, 59))) == [2]
