"""The PyPI package `open-greenhouse-mcp` 0.3.3, unmodified but for its base URL: the last version for Harvest v1."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.support.foreign_clients import ForeignClient, python_of, running
from tests.support.harness import Harness
from tests.support.records import Record
from tests.support.served_schedule import HOME, ServedSchedule
from tests.support.tenants import IsolatedTenant, two_tenants

PACKAGE: Final = "open-greenhouse-mcp-0.3.3"
DRIVER: Final = "open_greenhouse_mcp.py"
START: Final = "2050-01-10T10:00:00Z"
END: Final = "2050-01-10T11:00:00Z"
LISTS: Final = {
    "applications": "application",
    "candidates": "candidate",
    "close_reasons": "archived",
    "custom_fields": "archived",
    "degrees": "archived",
    "departments": "archived",
    "disciplines": "archived",
    "email_templates": "archived",
    "interviews": "scheduled",
    "job_posts": "archived",
    "job_stages": "stage",
    "jobs": "job",
    "offers": "archived",
    "offices": "archived",
    "prospect_pools": "archived",
    "question_sets": "archived",
    "questions": "archived",
    "rejection_reasons": "archived",
    "schools": "archived",
    "scorecards": "scorecard",
    "sources": "archived",
    "tags": "archived",
    "user_roles": "archived",
    "users": "user",
}
"""The lists that it has a tool for, each with a record that is in it."""
BELOW: Final = {
    "list_answers_for_application": ("application", None),
    "list_approvals_for_job": ("job", "archived"),
    "list_interviews_for_application": ("application", "scheduled"),
    "list_job_openings": ("job", "opening"),
    "list_job_permissions": ("user", "archived"),
    "list_future_job_permissions": ("user", "archived"),
    "list_job_posts_for_job": ("job", "archived"),
    "list_job_stages_for_job": ("job", "stage"),
    "list_offers_for_application": ("application", "archived"),
    "list_scorecards_for_application": ("application", "scorecard"),
}
"""The lists below a record, each with that record and one that is in it."""
SINGLE: Final = {
    "get_application": ("application_id", "application"),
    "get_candidate": ("candidate_id", "candidate"),
    "get_current_offer": ("application_id", "application"),
    "get_department": ("department_id", "archived"),
    "get_email_template": ("email_template_id", "archived"),
    "get_interview": ("interview_id", "scheduled"),
    "get_job": ("job_id", "job"),
    "get_job_post": ("job_post_id", "archived"),
    "get_job_stage": ("job_stage_id", "stage"),
    "get_offer": ("offer_id", "archived"),
    "get_office": ("office_id", "archived"),
    "get_prospect_pool": ("prospect_pool_id", "archived"),
    "get_question": ("question_id", "archived"),
    "get_scorecard": ("scorecard_id", "scorecard"),
    "get_user": ("user_id", "user"),
}
"""The records that it has a tool for, each with the name of the tool's parameter."""


def settings(key: str, user: int) -> dict[str, str]:
    """Return the package's settings."""
    return {"GREENHOUSE_API_KEY": key, "GREENHOUSE_ON_BEHALF_OF": str(user)}


@pytest.fixture(scope="module")
def mcp(harness: Harness, account: IsolatedTenant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignClient]:
    """Return the package, with the key of an organization that has records of every kind."""
    home = tmp_path_factory.mktemp("home")
    own = settings(account.key, account.ids["user"])
    with running(python_of(PACKAGE), DRIVER, harness.server.url, home, own) as client:
        yield client


@pytest.fixture(scope="module")
def reader(schedule: ServedSchedule, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignClient]:
    """Return the package, with the key of a schedule of several pages."""
    home = tmp_path_factory.mktemp("home")
    own = settings(schedule.keys[HOME], 1)
    with running(python_of(PACKAGE), DRIVER, schedule.server.url, home, own) as client:
        yield client


def ids_in(answer: Record) -> list[Any]:
    """Return the ids of the items that a tool found."""
    assert "items" in answer, answer
    return [each.get("id") for each in answer["items"]]


@pytest.fixture
def interview(mcp: ForeignClient, account: IsolatedTenant) -> Record:
    """Return an interview that the package scheduled."""
    found: Record = mcp.call(
        "create_interview",
        application_id=account.ids["application"],
        interview_id=account.ids["interview"],
        interviewer_ids=[account.ids["user"]],
        start=START,
        end=END,
    )
    return found


def test_all_pages_are_every_interview(schedule: ServedSchedule, reader: ForeignClient) -> None:
    found = reader.call("list_interviews", per_page=100, paginate="all")
    assert found == {"items": list(schedule.home), "total": len(schedule.home)}


def test_counting_pages_reaches_every_interview(schedule: ServedSchedule, reader: ForeignClient) -> None:
    found: list[Record] = []
    page, more = 0, True
    while more:
        page += 1
        answer = reader.call("list_interviews", per_page=100, page=page)
        found += answer["items"]
        more = answer["has_next"]
    assert found == list(schedule.home)


@pytest.mark.parametrize("name", LISTS)
def test_every_list_has_its_records(mcp: ForeignClient, account: IsolatedTenant, name: str) -> None:
    assert account.ids[LISTS[name]] in ids_in(mcp.call(f"list_{name}"))


@pytest.mark.parametrize("tool", BELOW)
def test_lists_below_a_record(mcp: ForeignClient, account: IsolatedTenant, tool: str) -> None:
    parent, expected = BELOW[tool]
    found = ids_in(mcp.call(tool, **{f"{parent}_id": account.ids[parent]}))
    assert expected is None or account.ids[expected] in found


@pytest.mark.parametrize("tool", SINGLE)
def test_single_records(mcp: ForeignClient, account: IsolatedTenant, tool: str) -> None:
    parameter, name = SINGLE[tool]
    found = mcp.call(tool, **{parameter: account.ids[name]})
    assert found["id"] == account.ids["archived" if tool == "get_current_offer" else name]


@pytest.mark.parametrize(
    ("tool", "filters"),
    [
        ("list_interviews", {"created_after": "2019-01-01T00:00:00Z", "created_before": "2060-01-01T00:00:00Z"}),
        ("list_scorecards", {"created_after": "2019-01-01T00:00:00Z", "created_before": "2060-01-01T00:00:00Z"}),
        ("list_users", {"email": "ada@home.example", "created_after": "2019-01-01"}),
        ("list_applications", {"status": "active", "last_activity_after": "2019-01-01T00:00:00Z"}),
        ("list_jobs", {"status": "open", "created_after": "2019-01-01T00:00:00Z"}),
        ("list_candidates", {"email": "amelia@home.example", "updated_after": "2019-01-01T00:00:00Z"}),
    ],
)
def test_its_filters(mcp: ForeignClient, tool: str, filters: dict[str, str]) -> None:
    assert ids_in(mcp.call(tool, **filters))
    assert not ids_in(
        mcp.call(tool, **{**filters, **{each: "2061-01-01T00:00:00Z" for each in filters if "_a" in each}})
    )


def test_the_team_and_the_activity_of_people(mcp: ForeignClient, account: IsolatedTenant) -> None:
    team = mcp.call("get_hiring_team", job_id=account.ids["job"])
    assert team["hiring_managers"] == [{"user_id": account.ids["user"], "active": True}]
    assert mcp.call("get_activity_feed", candidate_id=account.ids["candidate"])["name"] == "Archived home"
    assert mcp.call("get_eeoc_for_application", application_id=account.ids["application"])["name"] == "Archived home"
    assert mcp.call("list_tags_on_candidate", candidate_id=account.ids["candidate"])["items"] == []


def test_its_workflows_join_applications_with_names(mcp: ForeignClient, account: IsolatedTenant) -> None:
    summary = mcp.call("pipeline_summary", job_id=account.ids["job"])
    assert summary["total_active"] == 1
    assert "warnings" not in summary
    assert [each["candidate_name"] for stage in summary["stages"] for each in stage["candidates"]] == ["Amelia Home"]
    for tool in ("candidates_needing_action", "stale_applications"):
        (stale,) = mcp.call(tool)["stale_applications"]
        assert (stale["candidate_name"], stale["job_name"]) == ("Amelia Home", "Pilot home")
    assert mcp.call("pipeline_metrics", job_id=account.ids["job"])["total_applications"] == 1
    assert mcp.call("source_effectiveness")["total_applications"] == 1
    assert mcp.call("time_to_hire") == {"total_hires": 0, "message": "No hired applications found."}


def test_its_searches(mcp: ForeignClient, account: IsolatedTenant) -> None:
    assert ids_in(mcp.call("search_candidates_by_email", email="amelia@home.example")) == [account.ids["candidate"]]
    found = mcp.call("search_candidates_by_name", name="amel")
    assert [each["id"] for each in found["matches"]] == [account.ids["candidate"]]


def test_scheduling_an_interview(mcp: ForeignClient, account: IsolatedTenant, interview: Record) -> None:
    assert interview["application_id"] == account.ids["application"]
    assert interview["start"] == {"date_time": "2050-01-10T10:00:00.000Z"}
    assert interview["organizer"]["id"] == account.ids["user"]
    assert [(each["id"], each["response_status"]) for each in interview["interviewers"]] == [
        (account.ids["user"], "needs_action")
    ]
    assert interview["external_event_id"].startswith("rowen-")
    assert mcp.call("get_interview", interview_id=interview["id"]) == interview


def test_changing_an_interview(mcp: ForeignClient, account: IsolatedTenant, interview: Record) -> None:
    moved = mcp.call(
        "update_interview", interview_id=interview["id"], start="2050-01-11T10:00:00Z", end="2050-01-11T11:00:00Z"
    )
    assert moved["start"] == {"date_time": "2050-01-11T10:00:00.000Z"}
    assert moved["interviewers"] == interview["interviewers"]
    panel = [account.ids["other_user"], account.ids["user"]]
    changed = mcp.call("update_interview", interview_id=interview["id"], interviewer_ids=panel)
    assert [each["id"] for each in changed["interviewers"]] == panel
    assert changed["start"] == moved["start"]
    assert mcp.call("get_interview", interview_id=interview["id"]) == changed


def test_deleting_an_interview(mcp: ForeignClient, interview: Record) -> None:
    deleted = mcp.call("delete_interview", interview_id=interview["id"])
    assert deleted == {"message": f"Interview {interview['id']} has been deleted."}
    assert mcp.call("get_interview", interview_id=interview["id"])["status_code"] == 404


def test_adding_and_changing_a_user(mcp: ForeignClient) -> None:
    added = mcp.call("create_user", first_name="Hedy", last_name="Lamarr", email="hedy@home.example")
    assert added["primary_email_address"] == "hedy@home.example"
    changed = mcp.call("update_user", user_id=added["id"], first_name="Hedwig")
    assert changed["name"] == "Hedwig Lamarr"
    assert mcp.call("list_users", email="hedy@home.example")["items"] == [mcp.call("get_user", user_id=added["id"])]
    taken = mcp.call("create_user", first_name="Hedy", last_name="Lamarr", email="hedy@home.example")
    assert taken["detail"]["errors"][0]["field"] == "email"


def test_adding_an_application(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        two_tenants(harness) as made,
        running(
            *(python_of(PACKAGE), DRIVER, harness.server.url, tmp_path_factory.mktemp("home")),
            settings(made.home.key, made.home.ids["user"]),
        ) as client,
    ):
        ids = made.home.ids
        stage = ids["stage"]
        added = client.call(
            "create_application", candidate_id=ids["candidate"], job_id=ids["job"], initial_stage_id=stage
        )
        assert added["current_stage"]["id"] == stage
        assert client.call("get_application", application_id=added["id"]) == added
        assert client.call("pipeline_summary", job_id=ids["job"])["total_active"] == 2


def test_refusals_are_its_errors(mcp: ForeignClient, account: IsolatedTenant) -> None:
    missing = mcp.call("get_interview", interview_id=987_654_321)
    assert missing["error"] == "Resource not found."
    refused = mcp.call("update_interview", interview_id=account.ids["scheduled"], interviewer_ids=[987_654_321])
    assert refused["error"] == "Validation error. Check the request data."
    assert refused["detail"]["errors"][0]["field"].startswith("interviewers")


def test_a_wrong_key_is_its_error(
    harness: Harness, mcp: ForeignClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    with running(python_of(PACKAGE), DRIVER, harness.server.url, home, settings("wrong", 1)) as client:
        for tool in ("list_interviews", "list_offers"):
            assert client.call(tool)["error"] == "Invalid API key. Check GREENHOUSE_API_KEY."
