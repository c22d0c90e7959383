"""The rows of Harvest v3 over HTTP: pages, fields, conditions, and that they are those of v1 (contract section 12)."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.support.harness import Harness, Tenant
from tests.support.records import Record, record
from tests.support.tokens import bearer, new_token

pytestmark = pytest.mark.slow

KATE: Final = record(1)["interviewers"][0]
INTERVIEWS: Final = [
    record(number, application_id=number % 3 + 1, interviewers=[KATE, {**KATE, "id": 5000 + number}])
    for number in range(1, 8)
]


@pytest.fixture(scope="module")
def tenant(harness: Harness) -> Tenant:
    """Return an organization with seven interviews, each with two interviewers."""
    made = harness.tenant()
    made.merge(INTERVIEWS)
    made.merge_records("applications", [{"id": 1, "jobs": [{"id": 8001}], "last_activity_at": "2024-01-01T00:00:00Z"}])
    return made


@pytest.fixture(scope="module")
def client(tenant: Tenant) -> Iterator[httpx.Client]:
    """Return a client with a token for everything."""
    with tenant.harness.server.client() as made:
        made.headers.update(bearer(new_token(tenant)))
        yield made


def walked(client: httpx.Client, address: str) -> list[Record]:
    """Return the rows of all pages, from the links."""
    found: list[Record] = []
    following: str | None = address
    while following is not None:
        answer = client.get(following).raise_for_status()
        found += answer.json()
        following = answer.links.get("next", {}).get("url")
        assert answer.links.keys() <= {"next"}
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [7, 6, 5, 4, 3, 2, 1]),
        ("application_ids=1,3", [6, 5, 3, 2]),
        ("job_ids=8001", [6, 3]),
        ("updated_at=gte|2024-01-01T00:00:00Z&status=awaiting_feedback", [7, 6, 5, 4, 3, 2, 1]),
        ("starts_at[gte]=2024-01-01T00:00:00Z&created_at[lte]=2999-01-01T00:00:00Z", [7, 6, 5, 4, 3, 2, 1]),
        ("ids=1,7,99", [7, 1]),
        ("organizer_ids=99", []),
    ],
)
def test_links_lead_through_all_matching_rows(client: httpx.Client, query: str, expected: list[int], size: int) -> None:
    rows = walked(client, f"/v3/interviews?{query}&per_page={size}")
    assert [row["id"] for row in rows] == expected


def test_a_panel_is_read_fifty_interviews_at_a_time(client: httpx.Client) -> None:
    ids = ",".join(map(str, range(1, 51)))
    rows = walked(client, f"/v3/interviewers?interview_ids={ids}&per_page=3")
    assert len(rows) == 14
    by_interview: dict[int, list[int]] = {}
    for row in reversed(rows):
        by_interview.setdefault(row["interview_id"], []).append(row["id"])
    shown = {row["id"]: row["interviewer_ids"] for row in walked(client, "/v3/interviews")}
    assert shown == by_interview


def test_fields_select_keys_in_their_order(client: httpx.Client) -> None:
    rows = client.get("/v3/interviews?fields=status,id,interviewer_ids&per_page=1").json()
    assert [list(row) for row in rows] == [["id", "status", "interviewer_ids"]]


def test_lists_and_rows_have_etags(client: httpx.Client, tenant: Tenant) -> None:
    for path in ("/v3/interviewers?per_page=2", "/v3/interviewers/1"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.head(path).headers["etag"] == first.headers["etag"]
    tag = client.get("/v3/interviews").headers["etag"]
    tenant.merge_records("users", [{"id": 1, "name": "Ada"}])
    assert client.get("/v3/interviews", headers={"If-None-Match": tag}).status_code == 200


def same(first: Record, interview: Record, panel: list[Record]) -> None:
    """Assert that an interview of v1, and its rows in v3, do not disagree."""

    def named(name: str) -> Any:
        return None if first[name] is None else first[name]["id"]

    for name in ("id", "application_id", "external_event_id", "location", "video_conferencing_url", "status"):
        assert interview[name] == first[name]
    for kind, pattern in (("date_time", "{}s_at"), ("date", "all_day_{}_on")):
        for end in ("start", "end"):
            assert interview[pattern.format(end)] == first[end].get(kind)
    assert (interview["job_interview_id"], interview["organizer_id"]) == (named("interview"), named("organizer"))
    assert [row["id"] for row in panel] == interview["interviewer_ids"]
    names = ("email", "response_status", "scorecard_id")
    rows = [(row["user_id"], *(row[name] for name in names)) for row in panel]
    seats = [(each["id"], *(each[name] for name in names)) for each in first["interviewers"]]
    assert sorted(rows, key=repr) == sorted(seats, key=repr)


def test_v1_and_v3_show_the_same_interviews(client: httpx.Client, tenant: Tenant) -> None:
    with tenant.open_client() as older:
        first = {each["id"]: each for each in older.get("/v1/scheduled_interviews").json()}
    rows = walked(client, "/v3/interviews")
    panels = walked(client, "/v3/interviewers")
    assert first.keys() == {row["id"] for row in rows}
    for row in rows:
        panel = [each for each in reversed(panels) if each["interview_id"] == row["id"]]
        same(first[row["id"]], row, panel)
        assert (row["created_at"], row["updated_at"]) == (
            first[row["id"]]["created_at"],
            first[row["id"]]["updated_at"],
        )


def test_applications_name_the_stage_of_their_job(harness: Harness) -> None:
    made = harness.tenant()
    stage = {"id": 8101, "name": "On site"}
    made.merge_records("applications", [{"id": 1, "current_stage": stage}, {"id": 2, "current_stage": None}])
    with harness.server.client() as client:
        client.headers.update(bearer(new_token(made)))
        rows = client.get("/v3/applications?fields=stage_name,job_interview_stage_id").json()
        stages = client.get("/v3/application_stages").json()
    assert rows == [
        {"stage_name": None, "job_interview_stage_id": None},
        {"stage_name": "On site", "job_interview_stage_id": 8101},
    ]
    assert [each["job_interview_stage_id"] for each in stages] == [8101]
