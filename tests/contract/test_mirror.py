"""A mirror of an account of Harvest v3, seen by v1 clients and by a strict upstream."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest

from rowen import wiring
from rowen.app.mirror import REACHES
from rowen.interviews.moments import Instant
from rowen.mirror.account import PAGE_SIZE
from tests.support import v3_account
from tests.support.harness import Tenant
from tests.support.mirroring import Mirroring, chained, lists, undated
from tests.support.records import record
from tests.support.sql import execute
from tests.support.v3_account import ALL_DAY, ANN, BOB, COMPLETE, DRAFT, TIMED, UNSCHEDULED, seat
from tests.support.v3_upstream import V3Upstream

pytestmark = pytest.mark.slow

CHANGES: Final = "/rowen/v1/changes"
EARLIER: Final = "2026-01-05T00:00:00.000Z"


@pytest.fixture
def client(tenant: Tenant) -> Iterator[httpx.Client]:
    with tenant.open_client() as client:
        yield client


@pytest.fixture
def mirrored(mirroring: Mirroring) -> Mirroring:
    """Return a mirror that has read everything."""
    mirroring.round()
    return mirroring


def test_interviews_are_joined_from_rows(mirrored: Mirroring, client: httpx.Client) -> None:
    created = str(mirrored.upstream.now)
    timed, all_day = client.get("/v1/scheduled_interviews").json()
    assert timed == {
        "id": TIMED,
        "application_id": 70,
        "external_event_id": f"event-{TIMED}",
        "start": {"date_time": "2026-10-01T09:00:00.000Z"},
        "end": {"date_time": "2026-10-01T10:00:00.000Z"},
        "location": "Kitchen",
        "video_conferencing_url": None,
        "status": "awaiting_feedback",
        "created_at": created,
        "updated_at": created,
        "interview": {"id": 60, "name": "Bread"},
        "organizer": {
            "id": ANN,
            "first_name": "Ann",
            "last_name": "Reed",
            "name": "Ann Reed",
            "employee_id": "E-1",
        },
        "interviewers": [
            {
                "id": ANN,
                "employee_id": "E-1",
                "name": "Ann Reed",
                "email": "ann@example.com",
                "response_status": "accepted",
                "scorecard_id": COMPLETE,
            },
            {
                "id": BOB,
                "employee_id": None,
                "name": "Bob Reed",
                "email": "bob@example.com",
                "response_status": "needs_action",
                "scorecard_id": None,
            },
        ],
    }
    assert (all_day["start"], all_day["end"]) == ({"date": "2027-01-04"}, {"date": "2027-01-05"})
    assert all_day["organizer"] is None
    (guest,) = all_day["interviewers"]
    assert (guest["id"], guest["email"], guest["response_status"]) == (None, "guest@example.com", "tentative")
    assert client.get(f"/v1/scheduled_interviews/{UNSCHEDULED}").status_code == 404


@pytest.mark.usefixtures("mirrored")
def test_other_records_are_joined_from_rows(client: httpx.Client) -> None:
    ann, bob = client.get("/v1/users").json()
    assert (ann["id"], ann["name"], ann["emails"]) == (ANN, "Ann Reed", ["ann@example.com"])
    (application,) = client.get("/v1/applications").json()
    assert (application["candidate_id"], application["status"]) == (80, "active")
    assert application["jobs"] == [{"id": 40, "name": "Baker"}]
    assert application["current_stage"] == {"id": 50, "name": "On site"}
    (candidate,) = client.get("/v1/candidates", params={"email": "CLEO@example.com", "job_id": 40}).json()
    assert (candidate["id"], candidate["last_name"], candidate["application_ids"]) == (80, "Stone", [70])
    assert {**candidate["applications"][0], **application} == application
    (job,) = client.get("/v1/jobs", params={"status": "open"}).json()
    assert (job["id"], job["name"]) == (40, "Baker")
    (stage,) = client.get("/v1/job_stages").json()
    assert (stage["name"], stage["job_id"], stage["priority"]) == ("On site", 40, 1)
    cake, bread = stage["interviews"]
    assert (cake["name"], cake["default_interviewer_users"], cake["interview_kit"]) == ("Cake", [], None)
    assert (bread["name"], bread["estimated_minutes"], bread["interview_kit"]) == ("Bread", 45, {"id": 65})
    assert [each["name"] for each in bread["default_interviewer_users"]] == [bob["name"]]
    (scorecard,) = client.get("/v1/scorecards").json()
    assert (scorecard["id"], scorecard["candidate_id"], scorecard["interview"]) == (COMPLETE, 80, "Bread")
    assert scorecard["overall_recommendation"] == "definitely_not"
    assert (scorecard["interviewer"]["name"], scorecard["submitted_by"]["id"]) == ("Ann Reed", ANN)
    assert scorecard["attributes"] == [{"name": "Kneading", "type": "Skills", "note": None, "rating": "definitely_not"}]
    assert scorecard["ratings"] == {"definitely_not": ["Kneading"], "no": [], "mixed": [], "yes": [], "strong_yes": []}
    assert scorecard["questions"] == [
        {"id": None, "question": "Key Take-Aways", "answer": "Strong arms"},
        {"id": None, "question": "Private Notes", "answer": "Late"},
        {"id": 92, "question": "Early riser?", "answer": "Yes"},
        {"id": 93, "question": "Which shifts?", "answer": "Night, Dawn"},
        {"id": 94, "question": "Why?", "answer": "Bread."},
    ]


Mutate = Callable[[V3Upstream], None]

MUTATIONS: Final[list[tuple[str, Mutate]]] = [
    ("created", lambda each: each.put("interviews", v3_account.interview(9004, status="complete"))),
    ("rescheduled", lambda each: each.put("interviews", {"id": TIMED, "ends_at": "2026-10-01T10:30:00.000Z"})),
    ("panel_changed", lambda each: each.put("interviewers", seat(9, TIMED, email="third@example.com"))),
    ("responded", lambda each: each.put("interviewers", {"id": 2, "response_status": "declined"})),
    ("scored", lambda each: each.put("scorecards", {"id": DRAFT, "status": "complete"})),
    ("score_removed", lambda each: each.put("scorecards", {"id": COMPLETE, "status": "draft"})),
    ("status_changed", lambda each: each.put("interviews", {"id": TIMED, "status": "complete"})),
    ("person_renamed", lambda each: each.put("users", v3_account.user(BOB, "Robert"))),
    ("updated", lambda each: each.put("interviews", {"id": TIMED, "location": "Garden"})),
    ("cancelled", lambda each: each.put("interviews", {"id": TIMED, "status": "skipped"})),
]


@pytest.mark.parametrize(("kind", "mutate"), MUTATIONS, ids=[kind for kind, _ in MUTATIONS])
def test_a_change_upstream_is_one_change_here(
    mirrored: Mirroring, client: httpx.Client, kind: str, mutate: Mutate
) -> None:
    before = client.get(CHANGES).json()["last_revision"]
    known = {each["id"]: each["updated_at"] for each in client.get("/v1/scheduled_interviews").json()}
    mirrored.upstream.advance(1_000)
    mutate(mirrored.upstream)
    mirrored.round()
    changes = client.get(CHANGES, params={"after": before}).json()["changes"]
    assert {each["actor"]["kind"] for each in changes} == {"mirror"}
    (change,) = [each for each in changes if each["kind"] != "recorded"]
    assert change["kind"] == kind
    found = client.get(f"/v1/scheduled_interviews/{change['scheduled_interview_id']}")
    if kind == "cancelled":
        assert found.status_code == 404
    else:
        assert found.json()["updated_at"] > max(known.values())
    mirrored.round()
    assert client.get(CHANGES).json()["last_revision"] == changes[-1]["revision"]


def test_a_new_name_of_the_interview_reaches_its_interviews_and_its_stage(
    mirrored: Mirroring, client: httpx.Client
) -> None:
    mirrored.upstream.put("job_interviews", {"id": 60, "name": "Rye"})
    mirrored.round()
    assert {each["interview"]["name"] for each in client.get("/v1/scheduled_interviews").json()} == {"Rye"}
    (stage,) = client.get("/v1/job_stages").json()
    assert [each["name"] for each in stage["interviews"]] == ["Cake", "Rye"]


def test_a_new_default_interviewer_reaches_the_stage(mirrored: Mirroring, client: httpx.Client) -> None:
    mirrored.upstream.put("default_interviewers", {"id": 67, "interview_kit_id": 65, "user_id": ANN})
    mirrored.round()
    (stage,) = client.get("/v1/job_stages").json()
    assert [each["id"] for each in stage["interviews"][1]["default_interviewer_users"]] == [ANN, BOB]


def test_a_new_name_of_the_job_reaches_applications_and_candidates(mirrored: Mirroring, client: httpx.Client) -> None:
    mirrored.upstream.put("jobs", {"id": 40, "name": "Pastry chef"})
    mirrored.round()
    named = [{"id": 40, "name": "Pastry chef"}]
    assert client.get("/v1/applications/70").json()["jobs"] == named
    assert client.get("/v1/candidates/80").json()["applications"][0]["jobs"] == named
    assert client.get("/v1/jobs/40").json()["name"] == "Pastry chef"


def test_a_new_name_of_a_recruiter_or_coordinator_reaches_applications_and_candidates(
    mirrored: Mirroring, client: httpx.Client
) -> None:
    mirrored.upstream.put("applications", {"id": 70, "recruiter_id": ANN, "coordinator_id": BOB})
    mirrored.round()
    for user, field in ((ANN, "recruiter"), (BOB, "coordinator")):
        mirrored.upstream.put("users", v3_account.user(user, "Kim"))
        mirrored.round()
        assert client.get("/v1/applications/70").json()[field]["name"] == "Kim Reed"
        assert client.get("/v1/candidates/80").json()["applications"][0][field]["name"] == "Kim Reed"


def test_a_new_name_of_a_default_interviewer_reaches_the_stage(mirrored: Mirroring, client: httpx.Client) -> None:
    mirrored.upstream.put("users", v3_account.user(BOB, "Kim"))
    mirrored.round()
    (stage,) = client.get("/v1/job_stages").json()
    assert [each["name"] for each in stage["interviews"][1]["default_interviewer_users"]] == ["Kim Reed"]


def test_what_a_scorecard_names_follows(mirrored: Mirroring, client: httpx.Client) -> None:
    mirrored.upstream.put("scorecards", {"id": COMPLETE, "submitter_id": BOB})
    mirrored.round()
    mirrored.upstream.put("users", v3_account.user(BOB, "Kim"))
    mirrored.round()
    assert client.get(f"/v1/scorecards/{COMPLETE}").json()["submitted_by"]["name"] == "Kim Reed"
    mirrored.upstream.put("job_interviews", {"id": 60, "name": "Rye"})
    mirrored.round()
    assert client.get(f"/v1/scorecards/{COMPLETE}").json()["interview"] == "Rye"
    mirrored.upstream.put("interview_kits", {"id": 65, "job_interview_id": 61})
    mirrored.upstream.put("applications", {"id": 70, "candidate_id": 81})
    mirrored.round()
    scorecard = client.get(f"/v1/scorecards/{COMPLETE}").json()
    assert (scorecard["interview"], scorecard["candidate_id"]) == ("Cake", 81)


def test_the_mirror_of_a_mirror_shows_the_same_bytes_in_every_list(mirroring: Mirroring) -> None:
    put = mirroring.upstream.put
    put("default_interviewers", {"id": 67, "interview_kit_id": 65, "user_id": ANN})
    put("job_interview_stages", {"id": 51, "job_id": 40, "name": "Closed", "sort_order": 2, "active": False})
    put("job_interviews", v3_account.job_interview(62, "Closed", job_interview_stage_id=51))
    put("applications", {"id": 70, "recruiter_id": ANN, "coordinator_id": BOB})
    mirroring.round()
    with chained(mirroring.tenant, 2) as links:
        for link in links:
            link.round()
            assert lists(link.tenant) == lists(mirroring.tenant)


def test_the_mirror_of_a_mirror_keeps_the_order_of_a_panel(mirrored: Mirroring) -> None:
    """A member who leaves and comes back between two rounds is one who stays, with a later place."""
    with chained(mirrored.tenant, 1) as (link,):
        link.round()
        mirrored.upstream.remove("interviewers", 1)
        mirrored.upstream.put("interviewers", seat(9, TIMED, user_id=ANN))
        mirrored.sweep()
        assert [each["id"] for each in mirrored.interviews()[TIMED]["interviewers"]] == [BOB, ANN]
        link.settle()
        here, there = lists(mirrored.tenant), lists(link.tenant)
        assert undated(there["scheduled_interviews"]) == undated(here["scheduled_interviews"])


def test_a_new_name_of_the_interview_reaches_a_scorecard_without_a_kit(
    mirrored: Mirroring, client: httpx.Client
) -> None:
    mirrored.upstream.put("scorecards", {"id": COMPLETE, "interview_kit_id": None, "job_interview_id": 60})
    mirrored.round()
    mirrored.upstream.put("job_interviews", {"id": 60, "name": "Rye"})
    mirrored.round()
    assert client.get(f"/v1/scorecards/{COMPLETE}").json()["interview"] == "Rye"


def test_an_idle_round_takes_one_request_for_each_resource_and_writes_nothing(
    mirrored: Mirroring, client: httpx.Client
) -> None:
    revision = client.get(CHANGES).json()["last_revision"]
    assert mirrored.round() == len(REACHES)
    mirrored.upstream.advance(3_600_000)
    assert mirrored.round() == len(REACHES)
    assert client.get(CHANGES).json()["last_revision"] == revision


def test_a_row_that_becomes_visible_after_its_own_time_is_not_missed(mirrored: Mirroring, client: httpx.Client) -> None:
    upstream = mirrored.upstream
    shown = Instant(upstream.now + 60_000)
    upstream.put("interviews", v3_account.interview(9004), visible_at=shown)
    upstream.advance(30_000)
    mirrored.round()
    assert client.get("/v1/scheduled_interviews/9004").status_code == 404
    upstream.advance(30_000)
    mirrored.round()
    assert client.get("/v1/scheduled_interviews/9004").status_code == 200


def test_what_is_gone_upstream_is_found_by_its_id(mirrored: Mirroring, client: httpx.Client) -> None:
    upstream = mirrored.upstream
    upstream.remove("interviews", ALL_DAY)
    upstream.remove("interviewers", 2)
    upstream.remove("users", BOB)
    mirrored.round()
    assert client.get(f"/v1/scheduled_interviews/{ALL_DAY}").status_code == 200
    mirrored.sweep()
    assert client.get(f"/v1/scheduled_interviews/{ALL_DAY}").status_code == 404
    assert [each["id"] for each in client.get(f"/v1/scheduled_interviews/{TIMED}").json()["interviewers"]] == [ANN]
    assert [each["id"] for each in client.get("/v1/users").json()] == [ANN]
    kinds = [each["kind"] for each in client.get(CHANGES).json()["changes"]]
    assert sorted(kinds[-2:]) == ["cancelled", "panel_changed"]


def test_a_sweep_finds_a_change_that_no_window_showed(mirrored: Mirroring, client: httpx.Client) -> None:
    upstream = mirrored.upstream
    upstream.put("interviews", v3_account.interview(9004), visible_at=Instant(upstream.now + 1_800_000))
    upstream.advance(1_700_000)
    mirrored.clock.advance(1_700_000)
    mirrored.round()
    upstream.advance(100_000)
    mirrored.clock.advance(100_000)
    mirrored.round()
    assert client.get("/v1/scheduled_interviews/9004").status_code == 404
    mirrored.sweep()
    assert client.get("/v1/scheduled_interviews/9004").status_code == 200


def test_lists_of_several_pages_are_read_completely(mirroring: Mirroring) -> None:
    many = range(20_000, 20_000 + 2 * PAGE_SIZE)
    mirroring.upstream.put("interviews", *[v3_account.interview(each) for each in many])
    mirroring.upstream.put("interviewers", *[seat(each, each, user_id=BOB) for each in many])
    mirroring.round()
    harness = mirroring.tenant.harness
    found = harness.run(harness.store.organizations.find(mirroring.tenant.organization.name))
    assert found is not None
    assert found.interview_count == len(many) + 2
    mirroring.upstream.remove("interviews", *many[::3])
    mirroring.sweep()
    found = harness.run(harness.store.organizations.find(mirroring.tenant.organization.name))
    assert found is not None
    assert found.interview_count == len(many) - len(many[::3]) + 2


WRITES: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("POST", "/v2/scheduled_interviews", {"application_id": 70}),
    ("POST", "/v1/scheduled_interviews", {"application_id": 70}),
    ("POST", "/v1/users", {"first_name": "Eve", "last_name": "Reed", "email": "eve@example.com"}),
    ("PATCH", f"/v2/scheduled_interviews/{TIMED}", {"location": "Garden"}),
    ("DELETE", f"/v1/scheduled_interviews/{TIMED}", {}),
    ("POST", "/rowen/v1/scorecards", {"scheduled_interview_id": TIMED}),
    ("DELETE", f"/rowen/v1/scorecards/{COMPLETE}", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=[f"{method} {path}" for method, path, _ in WRITES])
@pytest.mark.usefixtures("mirrored")
def test_clients_cannot_write(client: httpx.Client, method: str, path: str, body: dict[str, Any]) -> None:
    refused = client.request(method, path, json=body or None, headers={"On-Behalf-Of": str(ANN)})
    assert refused.status_code == 403
    assert "mirrors a Harvest v3 account and is read-only here" in refused.json()["message"]


def test_an_organization_that_is_no_mirror_any_more_can_be_written(mirrored: Mirroring, client: httpx.Client) -> None:
    harness = mirrored.tenant.harness
    assert harness.run(harness.store.mirrors.end(mirrored.tenant.organization))
    assert not harness.run(harness.store.mirrors.end(mirrored.tenant.organization))
    body = {
        "application_id": 70,
        "interview_id": 60,
        "interviewers": [{"user_id": BOB, "response_status": "needs_action"}],
        "start": "2030-01-01T09:00:00Z",
        "end": "2030-01-01T10:00:00Z",
        "external_event_id": "ours",
    }
    made = client.post("/v2/scheduled_interviews", json=body, headers={"On-Behalf-Of": str(ANN)})
    assert made.status_code == 200
    assert made.json()["id"] > TIMED, "no id of the account is assigned again"


def test_time_does_not_change_a_mirrored_interview(mirrored: Mirroring, client: httpx.Client) -> None:
    past = v3_account.interview(9004, status="scheduled")
    mirrored.upstream.put("interviews", past)
    mirrored.round()
    harness = mirrored.tenant.harness
    harness.run(wiring.status_updater(harness.store).tick())
    assert client.get("/v1/scheduled_interviews/9004").json()["status"] == "scheduled"


def test_an_account_may_be_mirrored_into_what_was_imported_before(
    mirroring: Mirroring, tenant: Tenant, client: httpx.Client
) -> None:
    tenant.merge([record(TIMED, updated_at=str(mirroring.upstream.now))])
    mirroring.round()
    found = client.get(f"/v1/scheduled_interviews/{TIMED}").json()
    assert (found["location"], found["organizer"]["id"]) == ("Kitchen", ANN)


RECORD_CHANGES: Final[list[tuple[str, int, Mutate]]] = [
    ("users", ANN, lambda each: each.put("users", v3_account.user(ANN, "Anna"))),
    ("jobs", 40, lambda each: each.put("jobs", {"id": 40, "status": "closed"})),
    ("candidates", 80, lambda each: each.put("candidates", {"id": 80, "title": "Chef"})),
    ("candidates", 80, lambda each: each.put("jobs", {"id": 40, "name": "Chef"})),
    ("scorecards", COMPLETE, lambda each: each.put("users", v3_account.user(ANN, "Anna"))),
    ("scorecards", COMPLETE, lambda each: each.put("candidate_attribute_types", {"id": 90, "name": "Talents"})),
    ("scorecards", COMPLETE, lambda each: each.put("job_candidate_attributes", {"id": 91, "name": "Shaping"})),
    ("scorecards", COMPLETE, lambda each: each.put("scorecard_candidate_attributes", {"id": 97, "note": "Weak"})),
    ("scorecards", COMPLETE, lambda each: each.put("scorecard_questions", {"id": 92, "question": "Up early?"})),
    ("scorecards", COMPLETE, lambda each: each.put("scorecard_question_options", {"id": 95, "name": "Late"})),
    ("scorecards", COMPLETE, lambda each: each.remove("scorecard_question_answer_options", 106)),
    ("scorecards", COMPLETE, lambda each: each.put("scorecard_question_answers", v3_account.answer(104, 94))),
    ("job_stages", 50, lambda each: each.put("job_interviews", {"id": 60, "active": False})),
    ("users", 2009, lambda each: each.put("users", v3_account.user(2009, "Zed", updated_at=EARLIER))),
]


@pytest.mark.parametrize(("resource", "identifier", "mutate"), RECORD_CHANGES)
def test_a_changed_record_is_seen_by_a_sync(
    mirrored: Mirroring, client: httpx.Client, resource: str, identifier: int, mutate: Mutate
) -> None:
    seen = max(each["updated_at"] for each in client.get(f"/v1/{resource}").json())
    before = client.get(CHANGES).json()["last_revision"]
    mutate(mirrored.upstream)
    mirrored.sweep()
    since = client.get(f"/v1/{resource}", params={"updated_after": seen}).json()
    assert [each["id"] for each in since if each["updated_at"] > seen] == [identifier]
    changes = client.get(CHANGES, params={"after": before}).json()["changes"]
    recorded = [each for each in changes if each["kind"] == "recorded" and each["resource"] == resource]
    assert [each["actor"]["kind"] for each in recorded] == ["mirror"]
    mirrored.sweep()
    assert client.get(CHANGES).json()["last_revision"] == changes[-1]["revision"]


def test_a_list_that_an_older_version_did_not_read_is_read_completely(
    mirrored: Mirroring, client: httpx.Client, tenant: Tenant
) -> None:
    for table in ("mirror_positions", "mirror_rows"):
        forgotten = f"DELETE FROM {table} WHERE resource = 'scorecard_candidate_attributes'"
        execute(tenant.harness.database, f"{forgotten} AND organization_id = {tenant.organization.id}")
    mirrored.upstream.put("scorecard_candidate_attributes", {"id": 97, "note": "Weak", "updated_at": EARLIER})
    mirrored.restart()
    mirrored.round()
    (scorecard,) = client.get("/v1/scorecards").json()
    assert [each["note"] for each in scorecard["attributes"]] == ["Weak"]


def test_a_row_that_differs_in_its_time_only_is_no_change(mirrored: Mirroring, client: httpx.Client) -> None:
    before, users = client.get(CHANGES).json()["last_revision"], client.get("/v1/users").json()
    mirrored.upstream.advance(1_000)
    mirrored.upstream.put("users", {"id": ANN}, {"id": BOB, "site_admin": True})
    mirrored.round()
    (change,) = client.get(CHANGES, params={"after": before}).json()["changes"]
    assert change["resource"] == "users"
    assert client.get(f"/v1/users/{ANN}").json() == users[0]


def test_a_part_that_is_gone_moves_no_time_backwards(mirrored: Mirroring, client: httpx.Client) -> None:
    mirrored.upstream.advance(1_000)
    mirrored.upstream.put("job_interviews", v3_account.job_interview(62, "Roll"))
    mirrored.round()
    (stage,) = client.get("/v1/job_stages").json()
    mirrored.upstream.remove("job_interviews", 62)
    mirrored.sweep()
    (after,) = client.get("/v1/job_stages").json()
    assert len(after["interviews"]) == len(stage["interviews"]) - 1
    assert after["updated_at"] > stage["updated_at"]


def test_the_last_activity_of_an_application_is_the_account_s(mirrored: Mirroring, client: httpx.Client) -> None:
    before = client.get(CHANGES).json()["last_revision"]
    mirrored.upstream.put("applications", {"id": 70, "status": "hired", "last_activity_at": EARLIER})
    mirrored.round()
    application = client.get("/v1/applications/70").json()
    assert (application["status"], application["last_activity_at"]) == ("hired", EARLIER)
    changes = client.get(CHANGES, params={"after": before}).json()["changes"]
    assert sorted(each["resource"] for each in changes) == ["applications", "candidates"]


@pytest.mark.parametrize("resource", ["users", "interviews"])
def test_times_that_are_too_far_ahead_are_replaced(mirrored: Mirroring, client: httpx.Client, resource: str) -> None:
    times = {"created_at": "2099-01-01T00:00:00.000Z", "updated_at": "2099-01-01T00:00:00.000Z"}
    made = v3_account.user(2009, "Zed") if resource == "users" else v3_account.interview(2009)
    mirrored.upstream.put(resource, {**made, **times})
    mirrored.round()
    path = "users" if resource == "users" else "scheduled_interviews"
    found = client.get(f"/v1/{path}/2009").json()
    present = str(Instant(mirrored.clock() + 86_400_000))
    assert found["created_at"] < present
    assert found["updated_at"] < present
    mirrored.upstream.put(resource, {**made, **times, "updated_at": "2098-01-01T00:00:00.000Z"})
    mirrored.round()
    assert client.get(f"/v1/{path}/2009").json() == found
