"""Writing interviews in Harvest v3: by the rules of v1 and v2, on behalf of the token's user (contract section 13)."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.support.harness import Harness, Tenant
from tests.support.records import Record, record
from tests.support.tokens import bearer, make_client, token_of

pytestmark = pytest.mark.slow

JACK, KATE = 2000, 4080
TIMES: Final = {"starts_at": "2999-03-26T22:15:00Z", "ends_at": "2999-03-26T22:45:00Z"}
PATH: Final = "/v3/interviews"


@pytest.fixture
def tenant(harness: Harness) -> Tenant:
    """Return an organization with an imported interview, which names people, an application and a stage."""
    made = harness.tenant()
    made.merge([record(1)])
    users = [
        {"id": JACK, "name": "Jack Shepard", "primary_email_address": "jack@example.com", "employee_id": "E-1"},
        {"id": KATE, "name": "Kate Austen", "primary_email_address": "kate@example.com"},
    ]
    made.merge_records("users", users)
    made.merge_records("applications", [{"id": 4684156, "jobs": [{"id": 8001}]}])
    return made


@pytest.fixture
def client(tenant: Tenant) -> Iterator[httpx.Client]:
    """Return a client that acts for Jack."""
    with tenant.harness.server.client() as made:
        made.headers.update(acting(tenant, sub=str(JACK)))
        yield made


def acting(tenant: Tenant, **fields: str) -> dict[str, str]:
    """Return the headers of a new client."""
    return bearer(token_of(tenant.harness.server, make_client(tenant), **fields))


def body(**changes: Any) -> Record:
    """Return the body of a POST as captured from a client."""
    return {
        "application_id": 4684156,
        "job_interview_id": 7001,
        "interviewers": [{"user_id": KATE, "response_status": "needs_action"}],
        **TIMES,
        "external_event_id": "event 7",
        "location": "Room 7",
        "video_conferencing_url": "https://video.example.com/7",
        **changes,
    }


def problems(answer: httpx.Response) -> list[Any]:
    """Return the problems of a write that is refused."""
    assert answer.status_code == 422, answer.text
    assert answer.json()["message"] == "Unprocessable Content"
    found: list[Any] = answer.json()["errors"]
    return found


@pytest.mark.parametrize(
    "name",
    [
        *("id", "organization_id", "status", "organizer_id", "job_id", "interviewer_ids", "created_at", "updated_at"),
        *("created_through_api", "scheduled_at", "availability_received_at", "revision"),
    ],
)
def test_fields_that_no_client_sets_are_refused(client: httpx.Client, name: str) -> None:
    made = client.post(PATH, json=body()).json()
    known = client.get(PATH).json()
    expected = [{name: "Is not a field of this request"}]
    assert problems(client.post(PATH, json={**body(external_event_id="other"), name: 1})) == expected
    assert problems(client.patch(f"{PATH}/{made['id']}", json={name: 1})) == expected
    assert client.get(PATH).json() == known


def test_an_interview_is_made_changed_and_deleted(client: httpx.Client, tenant: Tenant) -> None:
    answer = client.post(PATH, json=body())
    made = answer.json()
    assert answer.status_code == 201
    assert (made["status"], made["organizer_id"], made["job_id"]) == ("scheduled", JACK, 8001)
    assert (made["starts_at"], made["job_interview_id"]) == ("2999-03-26T22:15:00.000Z", 7001)
    assert client.get(f"{PATH}?ids={made['id']}").json() == [made]
    assert client.get(f"{PATH}/{made['id']}").headers["etag"] == answer.headers["etag"]

    moved = client.patch(f"{PATH}/{made['id']}", json={"ends_at": "2999-03-26T23:00:00Z", "location": None})
    assert (moved.status_code, moved.json()["ends_at"], moved.json()["location"]) == (
        200,
        "2999-03-26T23:00:00.000Z",
        None,
    )
    assert moved.json()["interviewer_ids"] == made["interviewer_ids"]
    with tenant.open_client() as older:
        first = older.get(f"/v1/scheduled_interviews/{made['id']}").json()
        assert first["end"] == {"date_time": moved.json()["ends_at"]}
        history = older.get(f"/rowen/v1/scheduled_interviews/{made['id']}/changes")
        assert history.status_code in {200, 404}

    gone = client.delete(f"{PATH}/{made['id']}")
    assert (gone.status_code, gone.json()) == (200, {"message": f"Interview {made['id']} has been deleted."})
    assert client.get(f"{PATH}?ids={made['id']}").json() == []
    assert client.get(f"/v3/interviewers?interview_ids={made['id']}").json() == []
    assert client.delete(f"{PATH}/{made['id']}").status_code == 404


def test_interviewers_who_stay_keep_their_rows(client: httpx.Client) -> None:
    """A client reads the panel before it sends another one, to keep the answers."""
    seats = [{"user_id": KATE, "response_status": "accepted"}, {"email": "guest@example.org"}]
    made = client.post(PATH, json=body(interviewers=seats)).json()
    first = {row["id"]: row for row in client.get(f"/v3/interviewers?interview_ids={made['id']}").json()}
    assert [each["response_status"] for each in first.values()] == ["needs_action", "accepted"]
    panel = [{"email": "GUEST@example.org"}, {"employee_id": "E-1"}, {"user_id": KATE, "response_status": "declined"}]
    changed = client.patch(f"{PATH}/{made['id']}", json={"interviewers": panel}).json()
    rows = client.get(f"/v3/interviewers?interview_ids={made['id']}").json()
    kate, guest = made["interviewer_ids"]
    new = changed["interviewer_ids"][-1]
    assert changed["interviewer_ids"] == [kate, guest, new]
    assert {row["id"]: row["user_id"] for row in rows} == {kate: KATE, guest: None, new: JACK}
    assert [row["created_at"] for row in rows[1:]] == [first[guest]["created_at"], first[kate]["created_at"]]
    assert rows[0]["created_at"] == rows[0]["updated_at"] == rows[2]["updated_at"] > first[kate]["updated_at"]


def test_an_integration_acts_without_a_user(tenant: Tenant, client: httpx.Client) -> None:
    """A new interview has no organizer then, and a changed one keeps its own."""
    alone = acting(tenant)
    made = client.post(PATH, json=body(), headers=alone).json()
    assert made["organizer_id"] is None
    organized = client.post(PATH, json=body(external_event_id="event 8")).json()
    kept = client.patch(f"{PATH}/{organized['id']}", json={"location": "Room 8"}, headers=alone).json()
    assert (kept["organizer_id"], kept["location"]) == (JACK, "Room 8")
    assert client.delete(f"{PATH}/{organized['id']}", headers=alone).status_code == 200
    with tenant.open_client() as older:
        assert older.get(f"/v1/scheduled_interviews/{made['id']}").json()["organizer"] is None
        changes = older.get("/rowen/v1/changes").json()["changes"]
    assert [each["actor"]["kind"] for each in changes[-4:]] == ["integration", "user", "integration", "integration"]


def test_problems_have_the_names_of_v3(client: httpx.Client, tenant: Tenant) -> None:
    bad = body(application_id=1, job_interview_id=1, starts_at="2999-03-27T00:00:00Z", interviewers=[{"user_id": 1}])
    assert problems(client.post(PATH, json=bad)) == [
        {"application_id": "Must be the id of an application"},
        {"ends_at": "Must not put the end before the start"},
        {"job_interview_id": "Must be the id of an interview of a job stage"},
        {"interviewers[0].user_id": "Must be a user's"},
    ]
    missing = [next(iter(each)) for each in problems(client.post(PATH, json={"start": "2999-03-27T00:00:00Z"}))]
    assert missing == ["application_id", "job_interview_id", "interviewers", "start", "starts_at", "ends_at"]
    unknown = bearer(token_of(tenant.harness.server, make_client(tenant, user_id=99)))
    assert problems(client.post(PATH, json=body(), headers=unknown)) == [
        {"sub": "Must be the id of a user of this organization"}
    ]
    assert problems(client.patch(f"{PATH}/1", json={"location": "Room 1"})) == [
        {"id": "Only interviews created through the API can be changed or deleted"}
    ]
    assert client.post(PATH, content=b"{").status_code in {400, 415}


def test_a_request_that_is_repeated_is_executed_once(client: httpx.Client, tenant: Tenant) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = (client.post(PATH, json=body(), headers=key) for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    shown = make_client(tenant)
    answers = [
        client.post(
            PATH,
            json=body(external_event_id="event 9"),
            headers={**key, **bearer(token_of(tenant.harness.server, shown, **fields))},
        )
        for fields in ({"sub": str(JACK)}, {"sub": str(KATE)})
    ]
    assert [each.status_code for each in answers] == [201, 422]


def test_only_the_version_that_the_client_has_is_changed(client: httpx.Client) -> None:
    made = client.post(PATH, json=body())
    address = f"{PATH}/{made.json()['id']}"
    matching = {"If-Match": made.headers["etag"]}
    assert client.patch(address, json={"location": "A"}, headers=matching).status_code == 200
    assert client.patch(address, json={"location": "B"}, headers=matching).status_code == 412
    assert client.delete(address, headers=matching).status_code == 412
    fresh = client.get(address).headers["etag"]
    assert client.delete(address, headers={"If-Match": fresh}).status_code == 200


def test_another_organization_is_out_of_reach(client: httpx.Client, tenant: Tenant) -> None:
    made = client.post(PATH, json=body()).json()
    other = acting(tenant.harness.tenant())
    for method, content in (("PATCH", {"location": "theirs"}), ("DELETE", None)):
        answer = client.request(method, f"{PATH}/{made['id']}", json=content, headers=other)
        assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})
    refused = problems(client.post(PATH, json=body(external_event_id="theirs"), headers=other))
    assert [next(iter(each)) for each in refused] == ["application_id", "job_interview_id", "interviewers[0].user_id"]
    assert client.get(f"{PATH}/{made['id']}").json() == made


def all_day(**fields: Any) -> Record:
    """Return the body of a POST with these fields in place of times."""
    return {**{name: value for name, value in body().items() if name not in TIMES}, **fields}


def test_an_all_day_interview_is_written_as_its_row_shows_it(tenant: Tenant, client: httpx.Client) -> None:
    days = {"all_day_start_on": "2999-03-26", "all_day_end_on": "2999-03-27"}
    made = client.post(PATH, json=all_day(**days))
    assert made.status_code == 201, made.text
    row = made.json()
    assert {name: row[name] for name in (*days, *TIMES)} == {**days, **dict.fromkeys(TIMES)}
    with tenant.open_client() as v1:
        shown = v1.get(f"/v1/scheduled_interviews/{row['id']}").json()
    assert (shown["start"], shown["end"]) == ({"date": "2999-03-26"}, {"date": "2999-03-27"})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"starts_at": "Is required", "ends_at": "Is required"}),
        ({"all_day_start_on": "2999-03-26"}, {"ends_at": "Is required"}),
        (
            {"all_day_start_on": "2999-03-26", **TIMES},
            {"all_day_start_on": "Must not be given together with starts_at"},
        ),
        (
            {"all_day_start_on": 7, "all_day_end_on": "soon"},
            dict.fromkeys(("all_day_start_on", "all_day_end_on"), "Must be an ISO-8601 date"),
        ),
    ],
    ids=["no times", "no end", "both", "no dates"],
)
def test_the_days_of_an_interview_are_checked(client: httpx.Client, fields: Record, expected: dict[str, str]) -> None:
    refused = client.post(PATH, json=all_day(**fields))
    assert {name: text for each in problems(refused) for name, text in each.items()} == expected
