"""Candidates and jobs: their documents and filters on the wire (contract section 7).

Owns a schedule of its own with some of them imported. Their fields are those of the public Harvest v1 reference.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

from tests.support.command import rowen
from tests.support.imports import results
from tests.support.records import Record, record
from tests.support.served_schedule import import_records, make_key
from tests.support.server import serving
from tests.support.storage import Storage

pytestmark = pytest.mark.slow

RECRUITER: Final = {
    "id": 92_120,
    "first_name": "Ana",
    "last_name": "Lucia",
    "name": "Ana Lucia",
    "employee_id": "67890",
}
APPLICATION: Final[Record] = {
    "id": 69_102_626,
    "candidate_id": 53_883_394,
    "prospect": False,
    "applied_at": "2017-09-27T12:03:02.728Z",
    "last_activity_at": "2017-09-28T12:29:30.481Z",
    "jobs": [{"id": 149_995, "name": "DevOps Engineer"}],
    "status": "rejected",
    "current_stage": {"id": 1_073_533, "name": "Take Home Test"},
    "answers": [{"question": "Website", "answer": "https://example.com"}],
}
CANDIDATE: Final[Record] = {
    "id": 53_883_394,
    "first_name": "John",
    "last_name": "Locke",
    "company": "The Tustin Box Company",
    "title": "Man of Mystery",
    "created_at": "2017-08-15T03:31:46.591Z",
    "updated_at": "2017-09-28T12:29:30.497Z",
    "last_activity": "2017-09-28T12:29:30.481Z",
    "is_private": False,
    "photo_url": None,
    "attachments": [{"filename": "cv.pdf", "url": "https://files.example.com/cv.pdf", "type": "resume"}],
    "application_ids": [69_102_626, 65_153_308],
    "phone_numbers": [{"value": "555-0100", "type": "mobile"}],
    "addresses": [{"value": "123 City Street\nNew York, NY 10001", "type": "home"}],
    "email_addresses": [
        {"value": "John@Work.example", "type": "work"},
        {"value": "john.locke@example.com", "type": "personal"},
    ],
    "website_addresses": [{"value": "mysite.example", "type": "personal"}],
    "social_media_addresses": [{"value": "social.example/john"}],
    "recruiter": RECRUITER,
    "coordinator": None,
    "can_email": True,
    "tags": ["Python", "Größe"],
    "applications": [APPLICATION, {**APPLICATION, "id": 65_153_308, "jobs": [{"id": 299_100, "name": "Data"}]}],
    "educations": [{"id": 561_227, "school_name": "Michigan", "start_date": "2012-08-15T00:00:00.000Z"}],
    "employments": [],
    "linked_user_ids": [989_604],
    "custom_fields": {"desired_salary": "1000000000"},
    "keyed_custom_fields": {"desired_salary": {"name": "Desired Salary", "type": "short_text", "value": "1000000000"}},
}
JOB: Final[Record] = {
    "id": 6404,
    "name": "Archaeologist",
    "requisition_id": "abc123",
    "notes": "<p>Resistance to electro-magnetic radiation a plus!</p>",
    "confidential": False,
    "status": "closed",
    "created_at": "2013-12-10T14:42:58.000Z",
    "opened_at": "2013-12-11T14:42:58.000Z",
    "closed_at": "2013-12-12T14:42:58.000Z",
    "updated_at": "2013-12-12T14:42:58.000Z",
    "is_template": False,
    "copied_from_id": 2345,
    "departments": [{"id": 25_907, "name": "Digging", "parent_id": None, "child_ids": [], "external_id": "12345"}],
    "offices": [{"id": 47_012, "name": "New York", "location": {"name": "New York"}, "external_id": "15679"}],
    "custom_fields": {"salary_range": {"min_value": 70_000, "max_value": 90_000, "unit": "USD"}},
    "keyed_custom_fields": {},
    "hiring_team": {
        "hiring_managers": [RECRUITER, {"id": None, "name": "Gone"}, None],
        "recruiters": [{**RECRUITER, "responsible": True}, {"id": 5, "active": False}],
        "coordinators": None,
        "sourcers": [{"id": 6, "active": None}],
    },
    "openings": [
        {"id": 125, "opening_id": None, "status": "open", "opened_at": "2016-02-03T20:00:00.000Z"},
        {"id": 123, "opening_id": "3-1", "status": "open", "opened_at": "2015-11-20T23:14:14.736Z"},
        {"id": 126, "opening_id": "2-4", "status": "closed", "close_reason": {"id": 689, "name": "Hired"}},
    ],
}
CANDIDATES: Final[list[Record]] = [
    CANDIDATE,
    {"id": 7, "email_addresses": None, "created_at": "2020-01-01T00:00:00Z", "is_private": True},
    {"id": 9, "applications": [{"id": 5, "jobs": None}], "email_addresses": [{"value": None}], "applications_x": 1},
]
JOBS: Final[list[Record]] = [
    {**JOB, "created_at": "2013-12-10T14:42:58Z", "closed_at": "2013-12-12T15:42:58+01:00"},
    {"id": 8, "name": "Surgeon", "status": "open", "requisition_id": None, "departments": [None], "offices": []},
]
STAGE: Final[Record] = {"id": 11, "job_id": 12, "interviews": []}


@pytest.fixture(scope="module")
def client(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of an organization with some candidates and jobs, next to one with others."""
    folder = tmp_path_factory.mktemp("candidates")
    database = storage.new_database(folder)
    make_key(database, "other", "all")
    import_records(database, "other", folder, [{**CANDIDATE, "id": 3}, {**JOB, "id": 3}])
    key = make_key(database, "one", "all")
    import_records(database, "one", folder, [record(1), *JOBS, *CANDIDATES, STAGE])
    assert rowen("db", "check", "--database", database).stdout == "ok\n"
    with serving(database) as server, server.client(key) as opened:
        yield opened


def ids(client: httpx.Client, path: str, **parameters: Any) -> list[int]:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()]


@pytest.mark.parametrize(("path", "whole"), [("/v1/candidates", CANDIDATE), ("/v1/jobs", JOB)])
def test_documents_are_served_as_the_reference_shows_them(client: httpx.Client, path: str, whole: Record) -> None:
    answer = client.get(f"{path}/{whole['id']}")
    assert answer.content == msgspec.json.encode(whole)
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    (listed,) = [each for each in client.get(path).json() if each["id"] == whole["id"]]
    assert msgspec.json.encode(listed) == answer.content
    assert client.get(f"{path}/{whole['id']}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.head(path).headers["Content-Length"] == str(len(client.get(path).content))


def test_every_key_is_present_whatever_was_imported(client: httpx.Client) -> None:
    candidate = client.get("/v1/candidates/7").json()
    assert list(candidate) == list(CANDIDATE)
    assert {name for name, value in candidate.items() if value is None} == {
        *("first_name", "last_name", "company", "title", "updated_at", "last_activity", "photo_url"),
        *("recruiter", "coordinator"),
    }
    assert (candidate["created_at"], candidate["can_email"]) == ("2020-01-01T00:00:00.000Z", True)
    job = client.get("/v1/jobs/8").json()
    assert list(job) == list(JOB)
    assert job["hiring_team"] == {"hiring_managers": [], "recruiters": [], "coordinators": [], "sourcers": []}
    assert (job["departments"], job["openings"], job["is_template"]) == ([None], [], None)
    assert list(client.get("/v1/candidates/9").json())[-1] == "applications_x"


@pytest.mark.parametrize(
    ("path", "filters", "found"),
    [
        ("/v1/candidates", {}, [7, 9, 53_883_394]),
        ("/v1/candidates", {"email": "john@work.example"}, [53_883_394]),
        ("/v1/candidates", {"email": "JOHN.LOCKE@example.com", "job_id": "299100"}, [53_883_394]),
        ("/v1/candidates", {"email": "john@work.example", "job_id": "8"}, []),
        ("/v1/candidates", {"email": "nobody@work.example"}, []),
        ("/v1/candidates", {"job_id": "149995"}, [53_883_394]),
        ("/v1/candidates", {"job_id": "x"}, []),
        ("/v1/candidates", {"candidate_ids": "9,7"}, [7, 9]),
        ("/v1/candidates", {"candidate_ids": "7, 7,3,9999999999999999"}, [7]),
        ("/v1/candidates", {"candidate_ids": "7,53883394", "job_id": "299100"}, [53_883_394]),
        ("/v1/candidates", {"candidate_ids": "7,9", "created_after": "2019"}, [7]),
        ("/v1/candidates", {"candidate_ids": "7,9", "per_page": "1", "page": "2"}, [9]),
        ("/v1/candidates", {"candidate_ids": "7", "email": "john@work.example"}, [53_883_394]),
        ("/v1/candidates", {"created_before": "2017-08-15T03:31:46.591Z"}, []),
        ("/v1/candidates", {"created_before": "2017-08-15T03:31:46.592Z"}, [53_883_394]),
        ("/v1/candidates", {"updated_after": "2017-09-28T12:29:30.497Z", "updated_before": "2018"}, [53_883_394]),
        ("/v1/jobs", {}, [8, 6404]),
        ("/v1/jobs", {"status": "open"}, [8]),
        ("/v1/jobs", {"status": "lost"}, []),
        ("/v1/jobs", {"requisition_id": "abc123"}, [6404]),
        ("/v1/jobs", {"opening_id": "3-1"}, [6404]),
        ("/v1/jobs", {"opening_id": "123"}, []),
        ("/v1/jobs", {"department_id": "25907", "office_id": "47012"}, [6404]),
        ("/v1/jobs", {"department_id": "47012"}, []),
        ("/v1/jobs", {"external_department_id": "12345"}, [6404]),
        ("/v1/jobs", {"external_office_id": "15679", "status": "closed"}, [6404]),
        ("/v1/jobs", {"external_office_id": "15679", "status": "draft"}, []),
        ("/v1/jobs", {"created_after": "2013-12-10T14:42:58Z", "updated_before": "2013-12-12T14:42:58.001Z"}, [6404]),
        ("/v1/jobs", {"per_page": "1", "skip_count": "true"}, [8]),
    ],
)
def test_filters(client: httpx.Client, path: str, filters: dict[str, str], found: list[int]) -> None:
    assert ids(client, path, **filters) == found


@pytest.mark.parametrize("text", ["", "x", "7,", "1.5", "-7", ",".join(map(str, range(1, 52)))])
def test_ids_of_candidates_are_at_most_fifty_numbers(client: httpx.Client, text: str) -> None:
    answer = client.get("/v1/candidates", params={"candidate_ids": text})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"message": "Must be ids separated by commas, at most 50", "field": "candidate_ids"}
    ]


@pytest.mark.parametrize("path", ["/v1/candidates", "/v1/jobs"])
@pytest.mark.parametrize("identifier", ["999", "0", "x", "3", str(2**53)])
def test_a_missing_record_is_not_found(client: httpx.Client, path: str, identifier: str) -> None:
    answer = client.get(f"{path}/{identifier}")
    assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})


@pytest.mark.parametrize("path", ["/v1/candidates", "/v1/jobs"])
def test_links_lead_through_all_of_them(client: httpx.Client, path: str) -> None:
    expected = ids(client, path)
    address: str | None = f"{path}?per_page=1"
    seen: list[int] = []
    while address is not None:
        answer = client.get(address)
        seen += [each["id"] for each in answer.json()]
        found = re.search(r'<([^>]*)>; rel="next"', answer.headers["Link"])
        address = found[1] if found else None
        assert address is None or f"after={seen[-1]}" in address
    assert seen == expected


def test_a_link_repeats_the_ids_without_a_comma(client: httpx.Client) -> None:
    linked = client.get("/v1/candidates?per_page=1&candidate_ids=7,9").headers["Link"]
    assert linked.split(",")[0].endswith('/v1/candidates?candidate_ids=7%2C9&page=2&per_page=1&after=7>; rel="next"')


def test_a_job_that_is_held_has_stages_even_if_nothing_names_it(client: httpx.Client) -> None:
    assert client.get("/v1/jobs/8/stages").content == b"[]"
    assert client.get("/v1/jobs/3/stages").status_code == 404


def test_a_hiring_team_is_shown_as_the_reference_shows_it(client: httpx.Client) -> None:
    answer = client.get("/v1/jobs/6404/hiring_team")
    assert msgspec.json.decode(answer.content) == {
        "hiring_managers": [{"user_id": 92_120, "active": True}],
        "recruiters": [
            {"user_id": 92_120, "active": True, "responsible": True},
            {"user_id": 5, "active": False, "responsible": False},
        ],
        "coordinators": [],
        "sourcers": [{"user_id": 6, "active": True}],
    }
    tag = answer.headers["ETag"]
    assert client.get("/v1/jobs/6404/hiring_team", headers={"If-None-Match": tag}).status_code == 304
    for job in (8, 12):
        other = client.get(f"/v1/jobs/{job}/hiring_team")
        assert other.json() == {"hiring_managers": [], "recruiters": [], "coordinators": [], "sourcers": []}
        assert other.headers.get("X-Rowen-Empty") == ("not held" if job == 12 else None)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [123, 125, 126]),
        ({"status": "opened"}, [123, 125]),
        ({"status": "Open"}, [123, 125]),
        ({"status": "closed"}, [126]),
        ({"status": "filled"}, [123, 125, 126]),
        ({"per_page": "2", "page": "2"}, [126]),
        ({"per_page": "2", "page": "3"}, []),
        ({"per_page": "1", "after": "123"}, [125]),
        ({"after": "126"}, []),
    ],
)
def test_openings_of_a_job_are_listed(client: httpx.Client, filters: dict[str, str], found: list[int]) -> None:
    assert ids(client, "/v1/jobs/6404/openings", **filters) == found


def test_openings_have_links_and_a_tag(client: httpx.Client) -> None:
    answer = client.get("/v1/jobs/6404/openings?per_page=1&page=2")
    assert re.findall(r'per_page=1(?:&after=(\d+))?>; rel="(\w+)"', answer.headers["Link"]) == [
        ("125", "next"),
        ("", "prev"),
        ("", "last"),
    ]
    assert "Link" not in client.get("/v1/jobs/6404/openings").headers
    again = client.get("/v1/jobs/6404/openings?per_page=1&page=2", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert client.get("/v1/jobs/6404/openings?per_page=0").status_code == 422


def test_an_opening_is_retrieved_by_its_id(client: httpx.Client) -> None:
    assert client.get("/v1/jobs/6404/openings/126").json() == JOB["openings"][2]
    for path in ("6404/openings/127", "6404/openings/3-1", "8/openings/126", "12/openings/126"):
        assert client.get(f"/v1/jobs/{path}").status_code == 404, path


@pytest.mark.parametrize("below", ["hiring_team", "openings", "openings/123", "stages"])
def test_nothing_is_below_an_unknown_job(client: httpx.Client, below: str) -> None:
    answer = client.get(f"/v1/jobs/3/{below}")
    assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})


def test_a_job_that_is_only_named_has_no_openings(client: httpx.Client) -> None:
    held, named = client.get("/v1/jobs/8/openings"), client.get("/v1/jobs/12/openings")
    assert held.content == named.content == b"[]"
    assert "X-Rowen-Empty" not in held.headers
    assert named.headers["X-Rowen-Empty"] == "not held"


@pytest.mark.parametrize("resource", ["candidates", "jobs"])
def test_a_server_that_imports_them_from_another_serves_the_same_bytes(
    storage: Storage, tmp_path: Path, client: httpx.Client, resource: str
) -> None:
    whole = client.get(f"/v1/{resource}").content
    database = storage.new_database(tmp_path)
    key = make_key(database, "default", "all")
    address = str(client.base_url).rstrip("/").replace("//", f"//{client_key(client)}:@")
    done = rowen("import", f"{address}/v1/{resource}?per_page=2", "--database", database)
    count = len(msgspec.json.decode(whole))
    assert results(done) == {resource: [count, count, 0, 0, 0, 0]}
    with serving(database) as server, server.client(key) as other:
        assert other.get(f"/v1/{resource}").content == whole


def client_key(client: httpx.Client) -> str:
    """Return the API key that a client sends."""
    credentials = client.build_request("GET", "/").headers.get("Authorization", "")
    return b64decode(credentials.removeprefix("Basic ")).decode().rstrip(":")
