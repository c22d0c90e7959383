"""The PyPI package `open-greenhouse-mcp` 0.5.0, unmodified but for its addresses: a client of Harvest v3."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.support.foreign_clients import ForeignClient, python_of, running
from tests.support.harness import Harness
from tests.support.records import Record
from tests.support.tenants import IsolatedTenant
from tests.support.tokens import make_client

PACKAGE: Final = "open-greenhouse-mcp-0.5.0"
DRIVER: Final = "open_greenhouse_mcp.py"
HELD: Final = {
    "applications": "application",
    "candidates": "candidate",
    "interviews": "scheduled",
    "job_stages": "stage",
    "jobs": "job",
    "scorecards": "scorecard",
    "users": "user",
}
"""The lists that hold rows, each with one of them."""
SINGLE: Final = {
    "get_application": ("application_id", "application"),
    "get_candidate": ("candidate_id", "candidate"),
    "get_interview": ("interview_id", "scheduled"),
    "get_job": ("job_id", "job"),
    "get_job_stage": ("job_stage_id", "stage"),
    "get_scorecard": ("scorecard_id", "scorecard"),
    "get_user": ("user_id", "user"),
}
EMPTY: Final = (
    *("answer_options", "answers", "close_reasons", "custom_fields", "degrees", "departments", "disciplines", "eeoc"),
    *("email_templates", "job_posts", "offers", "offices", "pending_approvals", "prospect_pools", "question_sets"),
    *("questions", "rejection_reasons", "schools", "sources", "tags", "user_roles"),
)
"""The lists that it has a tool for and that hold no rows."""
WINDOW: Final = {"created_after": "2019-01-01", "created_before": "2060-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def mcp(harness: Harness, account: IsolatedTenant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignClient]:
    """Return the package, as a client of an organization that has records of every kind."""
    shown = make_client(account)
    own = {
        "GREENHOUSE_CLIENT_ID": shown.client_id,
        "GREENHOUSE_CLIENT_SECRET": shown.secret,
        "GREENHOUSE_ON_BEHALF_OF": str(account.ids["user"]),
    }
    home = tmp_path_factory.mktemp("home")
    with running(python_of(PACKAGE), DRIVER, harness.server.url, home, own) as client:
        yield client


@pytest.fixture
def interview(mcp: ForeignClient, account: IsolatedTenant) -> Record:
    """Return an interview that the package scheduled."""
    found: Record = mcp.call(
        "create_interview",
        application_id=account.ids["application"],
        interview_id=account.ids["interview"],
        interviewer_ids=[account.ids["user"]],
        start="2050-01-10T10:00:00Z",
        end="2050-01-10T11:00:00Z",
        location="Room 1",
    )
    return found


def ids_in(answer: Record) -> list[Any]:
    """Return the ids of the items that a tool found."""
    assert "items" in answer, answer
    return [each["id"] for each in answer["items"]]


def panel_of(interview: Record) -> list[tuple[int, str]]:
    """Return the users of a panel that the package joined, with their answers."""
    return [(each["id"], each["response_status"]) for each in interview["interviewers"]]


@pytest.mark.parametrize("name", HELD)
def test_lists_that_hold_rows(mcp: ForeignClient, account: IsolatedTenant, name: str) -> None:
    found = mcp.call(f"list_{name}")
    assert account.ids[HELD[name]] in ids_in(found)
    assert "warnings" not in found


@pytest.mark.parametrize("name", EMPTY)
def test_lists_that_hold_none(mcp: ForeignClient, name: str) -> None:
    assert ids_in(mcp.call(f"list_{name}")) == []


@pytest.mark.parametrize("tool", SINGLE)
def test_single_records(mcp: ForeignClient, account: IsolatedTenant, tool: str) -> None:
    parameter, name = SINGLE[tool]
    assert mcp.call(tool, **{parameter: account.ids[name]})["id"] == account.ids[name]
    assert mcp.call(tool, **{parameter: 987_654_321})["status_code"] == 404


def test_its_pages(mcp: ForeignClient, account: IsolatedTenant) -> None:
    first = mcp.call("list_users", per_page=1)
    second = mcp.call("list_users", per_page=1, cursor=first["next_cursor"])
    assert ids_in(first) + ids_in(second) == [account.ids["other_user"], account.ids["user"]]
    assert (second["has_next"], second["next_cursor"]) == (False, None)
    assert ids_in(mcp.call("list_users", per_page=1, paginate="all")) == ids_in(first) + ids_in(second)


@pytest.mark.parametrize(
    ("tool", "filters"),
    [
        ("list_interviews", WINDOW),
        ("list_interviews", {"starts_after": "2049-01-01", "status": "scheduled"}),
        ("list_scorecards", WINDOW),
        ("list_applications", {"status": "active", "created_after": "2019-01-01"}),
    ],
)
def test_its_filters(mcp: ForeignClient, tool: str, filters: dict[str, str]) -> None:
    assert ids_in(mcp.call(tool, **filters))
    later = {name: "2061-01-01" for name in filters if name.endswith("_after")}
    assert ids_in(mcp.call(tool, **{**filters, **later})) == []


def test_interviews_are_joined_with_their_panels(mcp: ForeignClient, account: IsolatedTenant) -> None:
    found = mcp.call("get_interview", interview_id=account.ids["scheduled"])
    assert found["interview"] == {"id": account.ids["interview"], "name": "Flight home"}
    assert panel_of(found) == [
        (account.ids["other_user"], "accepted"),
        (account.ids["user"], "accepted"),
    ]  # newest first
    assert found["organizer"]["id"] == account.ids["user"]
    assert {each["email"] for each in found["interviewers"]} == {account.email, "grace@home.example"}


def test_its_workflows_find_the_stage_of_each_application(mcp: ForeignClient, account: IsolatedTenant) -> None:
    summary = mcp.call("pipeline_summary", job_id=account.ids["job"])
    assert summary["total_active"] == 1
    counted = [(stage["stage_id"], stage["count"]) for stage in summary["stages"]]
    assert counted == [(account.ids["stage"], 1)]
    assert summary["stages"][0]["candidates"][0]["candidate_name"] == "Amelia Home"
    for tool in ("candidates_needing_action", "stale_applications"):
        (stale,) = mcp.call(tool)["stale_applications"]
        assert (stale["candidate_name"], stale["job_interview_stage_id"]) == ("Amelia Home", account.ids["stage"])
    assert mcp.call("pipeline_metrics", job_id=account.ids["job"])["total_applications"] == 1
    assert ids_in(mcp.call("search_candidates_by_email", email="amelia@home.example")) == [account.ids["candidate"]]


def test_scheduling_an_interview(mcp: ForeignClient, account: IsolatedTenant, interview: Record) -> None:
    assert interview["organizer_id"] == account.ids["user"]  # from `sub`
    assert interview["external_event_id"].startswith("greenhouse-mcp-")
    found = mcp.call("get_interview", interview_id=interview["id"])
    assert panel_of(found) == [(account.ids["user"], "needs_action")]
    v1 = account.client.get(f"/v1/scheduled_interviews/{interview['id']}").json()
    assert (v1["location"], v1["start"]["date_time"]) == ("Room 1", "2050-01-10T10:00:00.000Z")


def test_changing_an_interview_keeps_the_answers_and_the_rows_of_those_who_stay(
    mcp: ForeignClient, account: IsolatedTenant
) -> None:
    times = {"start": "2050-02-01T10:00:00Z", "end": "2050-02-01T11:00:00Z"}
    made = account.send("POST", "/v2/scheduled_interviews", account.new_interview("answered", **times)).json()
    panel = [account.ids["other_user"], account.ids["user"]]
    before = mcp.call("get_interview", interview_id=made["id"])["interviewer_ids"]
    changed = mcp.call("update_interview", interview_id=made["id"], interviewer_ids=panel, location="Room 2")
    assert set(before) < set(changed["interviewer_ids"])
    found = mcp.call("get_interview", interview_id=made["id"])
    assert found["location"] == "Room 2"
    assert set(panel_of(found)) == {(account.ids["user"], "accepted"), (account.ids["other_user"], "needs_action")}


def test_deleting_an_interview(mcp: ForeignClient, interview: Record) -> None:
    assert "error" not in mcp.call("delete_interview", interview_id=interview["id"])
    assert mcp.call("get_interview", interview_id=interview["id"])["status_code"] == 404


def test_refusals_are_its_errors(mcp: ForeignClient, account: IsolatedTenant) -> None:
    taken = mcp.call(
        "create_interview",
        application_id=account.ids["application"],
        interview_id=account.ids["interview"],
        interviewer_ids=[account.ids["user"]],
        start="2050-01-10T10:00:00Z",
        end="2050-01-10T11:00:00Z",
        external_event_id=account.event,
    )
    assert taken["status_code"] == 422
    assert list(taken["detail"]["errors"][0]) == ["external_event_id"]


def test_a_wrong_secret_is_its_error(
    harness: Harness, account: IsolatedTenant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = {"GREENHOUSE_CLIENT_ID": make_client(account).client_id, "GREENHOUSE_CLIENT_SECRET": "wrong"}
    home = tmp_path_factory.mktemp("home")
    with running(python_of(PACKAGE), DRIVER, harness.server.url, home, own) as client:
        refused = client.call("list_interviews")
    assert (refused["status_code"], refused["detail"]) == (401, {"error": "invalid_client"})
