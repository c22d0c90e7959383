"""Creating everything over the API: jobs, their plans, candidates and applications (contract section 10)."""

from typing import Any, Final

import pytest

from tests.support.harness import Tenant
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    GRACE,
    INTERVIEWS,
    NOBODY,
    STAGE,
    STAGE_INTERVIEW,
    START,
    STRICT,
    UNKNOWN,
    HiringTeam,
    accepted,
    refused_fields,
    seat,
    written,
)
from tests.support.records import Record

pytestmark = pytest.mark.slow

JOBS: Final = "/rowen/v1/jobs"
STAGES: Final = "/rowen/v1/job_stages"
CANDIDATES: Final = "/v1/candidates"
NAMED_JOB: Final = STAGE["job_id"]
"""The id of a job that is not held, but that a stage names."""
PERSON: Final[Record] = {"first_name": "John", "last_name": "Locke"}


def new_job(team: HiringTeam, **fields: Any) -> Record:
    """Add a job and return it."""
    return accepted(team.post(JOBS, {"name": "Pilot", **fields}))


def new_stage(team: HiringTeam, job: int, name: str, *interviews: str, **fields: Any) -> Record:
    """Add a stage with interviews and return it."""
    plan = [{"name": each, "estimated_minutes": 30, "default_interviewer_users": [ADA]} for each in interviews]
    return accepted(team.post(STAGES, {"job_id": job, "name": name, "interviews": plan, **fields}))


def recorded(team: HiringTeam) -> list[Record]:
    """Return the changes of records that clients have made."""
    return [each for each in team.changes() if each["kind"] == "recorded"]


# --- from nothing


def test_everything_can_be_made_from_nothing(tenant: Tenant) -> None:
    with tenant.open_client() as client:

        def post(path: str, content: Record, user: int | None) -> Record:
            headers = {} if user is None else {"On-Behalf-Of": str(user)}
            return accepted(client.post(path, json=content, headers=headers))

        ada = post("/v1/users", {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@team.example"}, None)["id"]
        job = post(JOBS, {"name": "Engineer"}, ada)["id"]
        plan = [{"name": "Culture Fit", "estimated_minutes": 45, "default_interviewer_users": [ada]}]
        stage = post(STAGES, {"job_id": job, "name": "On site", "interviews": plan}, ada)
        candidate = post(CANDIDATES, {**PERSON, "applications": [{"job_id": job}]}, ada)
        (application,) = candidate["application_ids"]
        made = post(
            f"/v1/applications/{application}/scheduled_interviews",
            {
                "interview_id": stage["interviews"][0]["id"],
                "interviewers": [{"id": ada}],
                "start": START,
                "end": "2049-03-26T23:00:00Z",
            },
            ada,
        )
        assert (made["application_id"], made["interview"]["name"]) == (application, "Culture Fit")
        assert made["interviewers"][0]["name"] == "Ada Lovelace"
        kinds = [each["kind"] for each in client.get("/rowen/v1/changes").json()["changes"]]
        assert kinds == ["recorded"] * 6 + ["created"]
        ids = [ada, job, stage["id"], stage["interviews"][0]["id"], candidate["id"], application, made["id"]]
        assert len(set(ids)) == len(ids)


# --- jobs


def test_a_job_is_added_byte_for_byte(team: HiringTeam) -> None:
    answer = team.post(JOBS, {"name": "Größe", "requisition_id": "R1", "notes": "Two\nlines"})
    made = accepted(answer)
    assert answer.content == written(
        {
            "id": made["id"],
            "name": "Größe",
            "requisition_id": "R1",
            "notes": "Two\nlines",
            "confidential": False,
            "status": "open",
            "created_at": made["created_at"],
            "opened_at": made["opened_at"],
            "closed_at": None,
            "updated_at": made["created_at"],
            "is_template": None,
            "copied_from_id": None,
            "departments": [],
            "offices": [],
            "custom_fields": {},
            "keyed_custom_fields": {},
            "hiring_team": {"hiring_managers": [], "recruiters": [], "coordinators": [], "sourcers": []},
            "openings": [],
        }
    )
    assert team.client.get(f"/v1/jobs/{made['id']}").content == answer.content
    assert [each["id"] for each in team.client.get("/v1/jobs", params={"requisition_id": "R1"}).json()] == [made["id"]]
    assert team.client.get(f"/v1/jobs/{made['id']}/stages").json() == []
    (change,) = recorded(team)
    assert (change["resource"], change["counts"]) == ("jobs", {"new": 1, "changed": 0})


def test_a_job_that_is_only_named_keeps_its_id(team: HiringTeam) -> None:
    team.merge_records("applications", [{"id": 5009, "status": "active", "jobs": [{"id": 1}, {"id": 2}]}])
    assert new_job(team)["id"] > 2


def test_a_job_is_changed(team: HiringTeam) -> None:
    made = new_job(team, status="draft")
    assert (made["opened_at"], made["closed_at"]) == (None, None)
    path = f"{JOBS}/{made['id']}"
    opened = team.patch(path, {"status": "open"}, If_Match=team.client.get(f"/v1/jobs/{made['id']}").headers["etag"])
    assert accepted(opened)["opened_at"] is not None
    closed = accepted(team.patch(path, {"status": "closed", "name": "Captain"}))
    assert (closed["name"], closed["status"], closed["opened_at"]) == (
        "Captain",
        "closed",
        opened.json()["opened_at"],
    )
    assert closed["closed_at"] is not None
    assert closed["updated_at"] > opened.json()["updated_at"]
    with team.unchanged():
        assert accepted(team.patch(path, {"status": "closed", "name": "Captain", "requisition_id": None})) == closed
        assert team.patch(path, {"name": "Cook"}, If_Match=opened.headers["etag"]).status_code == 412
        assert team.patch(f"{JOBS}/{UNKNOWN}", {"name": "Cook"}).status_code == 404
        assert refused_fields(team.post(JOBS, {"status": "gone", "name": "", "id": 1}, None)) == [
            "status",
            "name",
            "id",
            "On-Behalf-Of",
        ]
    assert [each["field"] for each in recorded(team)[-1]["fields"]] == [
        f"{made['id']}.{name}" for name in ("name", "status", "closed_at")
    ]


# --- plans


def test_a_stage_is_added_after_the_others(team: HiringTeam) -> None:
    job = new_job(team)["id"]
    first = new_stage(team, job, "Phone", "Screen", "Talk")
    assert [(each["name"], each["estimated_minutes"]) for each in first["interviews"]] == [("Screen", 30), ("Talk", 30)]
    assert first["interviews"][0]["default_interviewer_users"] == [
        {"id": ADA, "first_name": "Ada", "last_name": "Lovelace", "name": "Ada Lovelace", "employee_id": "E1"}
    ]
    assert list(first["interviews"][0]) == [
        "id",
        "name",
        "schedulable",
        "estimated_minutes",
        "default_interviewer_users",
        "interview_kit",
    ]
    assert new_stage(team, job, "Offer")["priority"] == first["priority"] + 1 == 1
    assert new_stage(team, job, "On site", priority=7)["priority"] == 7
    assert [each["name"] for each in team.client.get(f"/v1/jobs/{job}/stages").json()] == ["Phone", "Offer", "On site"]
    interviews = [each["id"] for each in first["interviews"]]
    made = team.schedule(interview_id=interviews[1])
    assert made["interview"] == {"id": interviews[1], "name": "Talk"}
    assert new_stage(team, NAMED_JOB, "Later")["priority"] == 1, "a job that a stage names will do"


def test_a_plan_is_changed_and_interviews_that_stay_keep_their_ids(team: HiringTeam) -> None:
    stage = new_stage(team, new_job(team)["id"], "Phone", "Screen", "Talk")
    path = f"{STAGES}/{stage['id']}"
    kept, dropped = (each["id"] for each in stage["interviews"])
    plan = [{"name": "Code"}, {"id": kept, "name": "Screening", "default_interviewer_users": [str(GRACE)]}]
    changed = accepted(team.patch(path, {"interviews": plan, "name": "First", "active": False}))
    assert [(each["name"], each["id"] == kept) for each in changed["interviews"]] == [
        ("Code", False),
        ("Screening", True),
    ]
    assert changed["interviews"][1]["default_interviewer_users"][0]["name"] == "Grace Hopper"
    assert (changed["name"], changed["active"], changed["priority"]) == ("First", False, stage["priority"])
    assert team.schedule(interview_id=kept)["interview"]["name"] == "Screening"
    with team.unchanged():
        again = [{"id": each["id"], "name": each["name"]} for each in changed["interviews"]]
        again[1]["default_interviewer_users"] = [GRACE]
        assert accepted(team.patch(path, {"interviews": again})) == changed
        assert refused_fields(team.patch(path, {"interviews": [{"id": dropped, "name": "Talk"}]})) == [
            "interviews[0].id"
        ]
        twice = [{"id": kept, "name": "A"}, {"id": kept, "name": "B"}]
        assert refused_fields(team.patch(path, {"interviews": twice})) == ["interviews[1].id"]
        assert team.patch(f"{STAGES}/{UNKNOWN}", {"name": "None"}).status_code == 404
        assert team.patch(path, {"name": "Old"}, If_Match='"old"').status_code == 412


def test_what_is_wrong_with_a_plan_is_named_at_once(team: HiringTeam) -> None:
    plan = [
        {"name": "Talk", "default_interviewer_users": [ADA, NOBODY]},
        {"estimated_minutes": -1, "id": 4, "default_interviewer_users": ["x"]},
    ]
    with team.unchanged():
        asked = {"job_id": UNKNOWN, "name": "", "interviews": plan, "priority": 1.5}
        assert sorted(refused_fields(team.post(STAGES, asked, None))) == [
            "On-Behalf-Of",
            "interviews[0].default_interviewer_users[1]",
            "interviews[1].default_interviewer_users[0]",
            "interviews[1].estimated_minutes",
            "interviews[1].id",
            "interviews[1].name",
            "job_id",
            "name",
            "priority",
        ]


def test_an_imported_stage_can_be_changed(team: HiringTeam) -> None:
    changed = accepted(team.patch(f"{STAGES}/{STAGE['id']}", {"name": "Face"}))
    assert [each["id"] for each in changed["interviews"]] == [each["id"] for each in STAGE["interviews"]]
    assert team.schedule(interview_id=STAGE_INTERVIEW)["interview"]["name"] == "Culture Fit"


# --- candidates and applications


def test_a_candidate_is_added_with_applications(team: HiringTeam) -> None:
    job = new_job(team)["id"]
    stage = new_stage(team, job, "Phone", "Talk")
    other = new_stage(team, job, "On site")
    answer = team.post(
        CANDIDATES,
        {
            **PERSON,
            "company": "Box",
            "title": "",
            "email_addresses": [{"value": "John.Locke@example.com", "type": "personal"}],
            "phone_numbers": [{"value": "555-1212", "type": "mobile"}],
            "social_media_addresses": [{"value": "@johnlocke"}],
            "tags": ["Walkabout"],
            "employments": [{"company_name": "Box", "title": "Clerk", "start_date": "2012-08-15", "end_date": None}],
            "recruiter": {"id": ADA},
            "coordinator": {"email": "HOPPER@navy.example"},
            "applications": [{"job_id": job}, {"job_id": str(job), "initial_stage_id": other["id"]}],
        },
    )
    made = accepted(answer)
    assert team.client.get(f"{CANDIDATES}/{made['id']}").content == answer.content
    for query in ({"email": "john.locke@EXAMPLE.com"}, {"job_id": job}):
        assert [each["id"] for each in team.client.get(CANDIDATES, params=query).json()] == [made["id"]], query
    assert (made["company"], made["title"], made["tags"]) == ("Box", None, ["Walkabout"])
    assert made["social_media_addresses"] == [{"value": "@johnlocke"}]
    assert made["employments"] == [
        {
            "id": made["id"] * 1000 + 1,
            "company_name": "Box",
            "title": "Clerk",
            "start_date": "2012-08-15T00:00:00.000Z",
            "end_date": None,
        }
    ]
    assert (made["recruiter"]["name"], made["coordinator"]["id"]) == ("Ada Lovelace", GRACE)
    assert made["application_ids"] == [each["id"] for each in made["applications"]]
    assert [each["current_stage"]["name"] for each in made["applications"]] == ["On site", "Phone"]
    for each in made["applications"]:
        assert team.client.get(f"/v1/applications/{each['id']}").json() == each
        assert (each["candidate_id"], each["status"], each["jobs"]) == (
            made["id"],
            "active",
            [{"id": job, "name": "Pilot"}],
        )
    assert len(team.client.get("/v1/applications", params={"job_id": job}).json()) == 2
    application = made["application_ids"][1]
    interview = stage["interviews"][0]["id"]
    assert team.schedule(application_id=application, interview_id=interview)["application_id"] == application
    assert [each["resource"] for each in recorded(team)[-5:]] == [
        "candidates",
        *("applications", "candidates") * 2,
    ]


def test_an_application_is_added_to_a_candidate(team: HiringTeam) -> None:
    team.merge_records(
        "candidates", [{"id": 70, **PERSON, "applications": [{"id": ACTIVE}], "application_ids": [ACTIVE]}]
    )
    made = accepted(team.post(f"{CANDIDATES}/70/applications", {"job_id": NAMED_JOB}))
    assert (made["candidate_id"], made["jobs"]) == (70, [{"id": NAMED_JOB, "name": None}])
    assert made["current_stage"] == {"id": STAGE["id"], "name": STAGE["name"]}
    candidate = accepted(team.client.get(f"{CANDIDATES}/70"))
    assert candidate["application_ids"] == [made["id"], ACTIVE]
    assert candidate["applications"][0] == made
    assert team.client.get(f"{STRICT}?per_page=1").json() == []
    with team.unchanged():
        assert team.post(f"{CANDIDATES}/{UNKNOWN}/applications", {"job_id": NAMED_JOB}).status_code == 404
        once = {"job_id": UNKNOWN, "initial_stage_id": "x", "status": "hired"}
        assert sorted(refused_fields(team.post(f"{CANDIDATES}/70/applications", once))) == [
            "initial_stage_id",
            "job_id",
            "status",
        ]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"applications": []}, ["applications"]),
        ({"applications": ...}, ["applications"]),
        ({"applications": [{"job_id": UNKNOWN}, {}]}, ["applications[1].job_id", "applications[0].job_id"]),
        ({"applications": [{"job_id": NAMED_JOB, "initial_stage_id": UNKNOWN}]}, ["applications[0].initial_stage_id"]),
        ({"email_addresses": [{"value": "no address"}]}, ["email_addresses[0].value"]),
        ({"phone_numbers": [{"type": "home"}], "first_name": ""}, ["phone_numbers[0].value", "first_name"]),
        ({"recruiter": {"id": ADA, "email": "x"}, "custom_fields": []}, ["recruiter", "custom_fields"]),
        (
            {"recruiter": {"id": NOBODY}, "coordinator": {"email": "twins@team.example"}},
            ["recruiter.id", "coordinator.email"],
        ),
        (
            {"educations": [], "employments": [{"title": "Clerk", "start_date": "soon"}]},
            ["educations", "employments[0].company_name", "employments[0].start_date"],
        ),
    ],
)
def test_what_is_wrong_with_a_candidate_is_named_at_once(team: HiringTeam, changes: Record, fields: list[str]) -> None:
    whole = {**PERSON, "applications": [{"job_id": NAMED_JOB}], **changes}
    content = {name: value for name, value in whole.items() if value is not ...}
    with team.unchanged():
        assert sorted(refused_fields(team.post(CANDIDATES, content))) == sorted(fields)


def test_a_repeated_request_adds_one(team: HiringTeam) -> None:
    content = {**PERSON, "applications": [{"job_id": NAMED_JOB}]}
    for path, body in ((CANDIDATES, content), (JOBS, {"name": "Pilot"}), (STAGES, {"job_id": NAMED_JOB, "name": "S"})):
        once = [team.post(path, body, Idempotency_Key=path).content for _ in range(2)]
        assert once[0] == once[1]
    assert len(accepted(team.client.get(CANDIDATES))) == 1
    assert team.post(INTERVIEWS, {"interviewers": [seat(ADA)]}, Idempotency_Key=JOBS).status_code == 422
