"""Users, applications, job stages and scorecards: their documents, filters, pages and errors on the wire.

Owns a schedule of its own with all of them imported. Their fields are those of the public Harvest v1 reference.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

from tests.support.command import rowen
from tests.support.records import Record, record
from tests.support.served_schedule import import_records, make_key
from tests.support.server import serving
from tests.support.storage import Storage

USER: Final[Record] = {
    "id": 112,
    "name": "Juliet Burke",
    "first_name": "Juliet",
    "last_name": "Burke",
    "primary_email_address": "juliet.burke@example.com",
    "updated_at": "2016-11-17T16:13:48.888Z",
    "created_at": "2015-11-18T22:26:32.243Z",
    "disabled": False,
    "site_admin": True,
    "emails": ["juliet.burke@example.com", "other.woman@example.com"],
    "employee_id": "221",
    "linked_candidate_ids": [123, 654],
    "offices": [{"id": 47012, "name": "New York", "location": {"name": "New York, United States"}}],
    "departments": [],
}
FIELDS: Final = {"custom_fields": {"shirt_size": "M"}, "keyed_custom_fields": {"shirt_size": {"value": "M"}}}
APPLICATION: Final[Record] = {
    "id": 985_314,
    "candidate_id": 978_031,
    "prospect": False,
    "applied_at": "2016-03-26T20:11:39.000Z",
    "rejected_at": "2016-08-17T21:08:29.686Z",
    "last_activity_at": "2016-08-27T16:13:15.000Z",
    "location": {"address": "New York, New York, USA"},
    "source": None,
    "credited_to": None,
    "recruiter": None,
    "coordinator": None,
    "rejection_reason": None,
    "rejection_details": None,
    "jobs": [{"id": 123, "name": "Accounting Manager"}],
    "job_post_id": 123,
    "status": "rejected",
    "current_stage": {"id": 62_828, "name": "Recruiter Phone Screen"},
    "answers": [],
    "prospective_office": None,
    "prospective_department": None,
    "prospect_detail": {"prospect_pool": None, "prospect_stage": None, "prospect_owner": None},
    "custom_fields": {"bio": "This is a bio"},
    "keyed_custom_fields": {},
    "attachments": [],
}
STAGE: Final[Record] = {
    "id": 72_200,
    "name": "Face to Face",
    "created_at": "2016-10-22T05:31:37.263Z",
    "updated_at": "2016-10-22T05:31:37.263Z",
    "active": True,
    "job_id": 98_765,
    "priority": 0,
    "interviews": [{"id": 7001, "name": "Culture Fit", "schedulable": True, "estimated_minutes": 30}],
}
SCORECARD: Final[Record] = {
    "id": 123,
    "updated_at": "2016-08-22T19:52:38.384Z",
    "created_at": "2016-08-22T19:52:38.384Z",
    "interview": "Application Review",
    "interview_step": {"id": 432, "name": "Application Review"},
    "candidate_id": 1234,
    "application_id": 985_314,
    "interviewed_at": "2016-08-18T16:00:00.000Z",
    "submitted_by": {"id": 4080, "name": "Kate Austen"},
    "interviewer": {"id": 821, "name": "Robert Robertson"},
    "submitted_at": "2014-03-26T21:59:51.000Z",
    "overall_recommendation": "yes",
    "attributes": [{"name": "Communication", "type": "Skills", "note": None, "rating": "yes"}],
    "ratings": {"definitely_not": [], "no": [], "mixed": [], "yes": ["Communication"], "strong_yes": []},
    "questions": [],
}
IMPORTED: Final[list[Record]] = [
    {**USER, **FIELDS},
    APPLICATION,
    STAGE,
    {**SCORECARD, "submitted_at": "2014-03-26T21:59:51Z"},
    {**SCORECARD, "id": 124, "submitted_at": None},
]
LISTS: Final = ("users", "applications", "job_stages", "scorecards")


@pytest.fixture(scope="module")
def client(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of an organization with interviews, and with one of each record imported."""
    folder = tmp_path_factory.mktemp("records")
    database = storage.new_database(folder)
    make_key(database, "other", "all")
    import_records(database, "other", folder, [record(1, application_id=5)])
    key = make_key(database, "one", "all")
    interviews = [record(i, created_at=f"2024-02-{i:02}T00:00:00.000Z") for i in range(1, 9)]
    import_records(database, "one", folder, [*interviews[:4], *IMPORTED, *interviews[4:]])
    with serving(database) as server, server.client(key) as opened:
        yield opened


def ids(client: httpx.Client, path: str, **parameters: Any) -> list[int]:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()]


@pytest.mark.parametrize("whole", [USER, APPLICATION, STAGE, SCORECARD], ids=LISTS)
def test_documents_are_served_as_the_reference_shows_them(client: httpx.Client, whole: Record) -> None:
    path = f"/v1/{LISTS[[USER, APPLICATION, STAGE, SCORECARD].index(whole)]}"
    listed = next(each for each in client.get(path).json() if each["id"] == whole["id"])
    assert msgspec.json.encode(listed) == msgspec.json.encode(whole)
    answer = client.get(f"{path}/{whole['id']}")
    assert answer.content.startswith(msgspec.json.encode(whole)[:-1])
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert client.get(f"{path}/{whole['id']}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.head(path).headers["Content-Length"] == str(len(client.get(path).content))


def test_inferred_records_have_every_key(client: httpx.Client) -> None:
    kate = client.get("/v1/users/4080").json()
    assert list(kate) == list(USER)
    assert (kate["name"], kate["emails"], kate["first_name"]) == ("Kate Austen", ["kate.austen@example.com"], None)
    application = client.get("/v1/applications/1001").json()
    assert list(application) == list(APPLICATION)
    assert application["applied_at"] == "2024-02-01T00:00:00.000Z"
    assert application["last_activity_at"] == "2024-05-23T20:43:11.679Z"
    assert application["status"] == "active"
    assert application == next(each for each in client.get("/v1/applications").json() if each["id"] == 1001)


def test_custom_fields_of_users_are_listed_on_demand(client: httpx.Client) -> None:
    shown = client.get("/v1/users", params={"user_attributes": "true", "employee_id": "221"}).json()
    assert shown == [{**USER, **FIELDS}]
    assert client.get("/v1/users", params={"employee_id": "221"}).json() == [USER]


@pytest.mark.parametrize("email", ["juliet.burke@example.com", "OTHER.woman@Example.com"])
def test_users_are_found_by_any_of_their_addresses(client: httpx.Client, email: str) -> None:
    assert ids(client, "/v1/users", email=email) == [112]
    assert ids(client, "/v1/users", email=f"{email}x") == []


@pytest.mark.parametrize(
    ("path", "filters", "found"),
    [
        ("/v1/users", {"employee_id": "12345"}, [2000]),
        ("/v1/users", {"created_before": "2015-11-18T22:26:32.243Z"}, []),
        ("/v1/users", {"created_before": "2015-11-18T22:26:32.244Z"}, [112]),
        ("/v1/users", {"updated_after": "2016-11-17T16:13:48.888Z", "updated_before": "2017"}, [112]),
        ("/v1/applications", {"status": "rejected"}, [985_314]),
        ("/v1/applications", {"status": "no such status"}, []),
        ("/v1/applications", {"job_id": "123"}, [985_314]),
        ("/v1/applications", {"job_id": "x"}, []),
        ("/v1/applications", {"job_id": "123", "status": "active"}, []),
        ("/v1/applications", {"created_after": "2024-02-07"}, [1000]),
        ("/v1/applications", {"created_before": "2016-03-26T20:11:39.001Z"}, [985_314]),
        ("/v1/applications", {"last_activity_after": "2024-05-23T20:43:11.680Z"}, []),
        ("/v1/job_stages", {"created_before": "2017"}, [72_200]),
        ("/v1/job_stages", {}, [72_200]),
        ("/v1/scorecards", {}, [123]),
        ("/v1/scorecards", {"updated_after": "2016-08-22T19:52:38.385Z"}, []),
        ("/v1/applications/985314/scorecards", {}, [123]),
        ("/v1/applications/1001/scorecards", {}, []),
        ("/v1/jobs/98765/stages", {}, [72_200]),
        ("/v1/jobs/98765/stages", {"created_after": "2017"}, []),
        ("/v1/jobs/123/stages", {}, []),
    ],
)
def test_filters(client: httpx.Client, path: str, filters: dict[str, str], found: list[int]) -> None:
    assert ids(client, path, **filters) == found


@pytest.mark.parametrize(
    "path",
    [
        *(f"/v1/{name}/{identifier}" for name in LISTS for identifier in ("999", "0", "x", str(2**53))),
        "/v1/scorecards/124",
        "/v1/applications/999/scorecards",
        "/v1/jobs/999/stages",
        "/v1/applications/5",
    ],
)
def test_a_missing_record_is_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"message": "Resource not found"}


@pytest.mark.parametrize("path", [*(f"/v1/{name}" for name in LISTS), "/v1/applications/985314/scorecards"])
def test_bad_parameters_are_named(client: httpx.Client, path: str) -> None:
    answer = client.get(path, params={"per_page": "501", "page": "0", "created_after": "soon"})
    assert answer.status_code == 422
    fields = {each["field"] for each in answer.json()["errors"]}
    assert {"per_page", "page"} <= fields
    assert client.put(path).status_code == 405


def test_a_walk_meets_every_record_once(client: httpx.Client) -> None:
    expected = ids(client, "/v1/applications")
    assert expected == sorted(expected)
    assert len(expected) == 8
    address: str | None = "/v1/applications?per_page=3&created_after=2010-01-01T00:00:00.000Z"
    seen: list[int] = []
    while address is not None:
        answer = client.get(address)
        seen += [each["id"] for each in answer.json()]
        assert 'rel="last"' in answer.headers["Link"]
        found = re.search(r'<([^>]*)>; rel="next"', answer.headers["Link"])
        address = found[1] if found else None
        assert address is None or f"after={seen[-1]}" in address
    assert seen == expected
    assert ids(client, "/v1/applications", per_page=3, page=2) == expected[3:6]
    assert ids(client, "/v1/applications", per_page=3, page=9) == []
    uncounted = client.get("/v1/applications", params={"per_page": 3, "skip_count": "true"})
    assert 'rel="last"' not in uncounted.headers["Link"]


def test_a_list_that_the_client_has_is_not_sent_again(client: httpx.Client) -> None:
    for name in LISTS:
        answer = client.get(f"/v1/{name}")
        again = client.get(f"/v1/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.slow
def test_a_renamed_user_is_seen_at_once(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    key = make_key(database, "one", "all")
    import_records(database, "one", tmp_path, [record(1)])
    users = tmp_path / "users.csv"
    with serving(database) as server, server.client(key) as client:
        before = client.get("/v1/scheduled_interviews/1").json()
        users.write_text("ID,Name,email\n4080,Kate Ford,kate.austen@example.com\n")
        rowen("import", users, "--organization", "one", "--database", database)
        after = client.get("/v1/scheduled_interviews", params={"updated_after": before["updated_at"]}).json()
        assert after[-1]["interviewers"][0]["name"] == "Kate Ford"
        assert after[-1]["updated_at"] > before["updated_at"]
        assert client.get("/v1/users/4080").json()["last_name"] == "Ford"
