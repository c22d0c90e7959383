"""The archive: lists of Harvest v1 that are kept as imported, and those of which nothing was imported.

Owns a schedule of its own with some of them imported.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

from rowen.api.v1.catalogue import CATALOGUE, ArchiveCall
from rowen.app.archive import ARCHIVED, KEPT
from tests.support.command import rowen
from tests.support.records import Record, record
from tests.support.served_schedule import import_records, make_key
from tests.support.server import serving
from tests.support.storage import Storage

pytestmark = pytest.mark.slow

APPLICATION: Final = 5
CANDIDATE: Final = 51
JOB: Final = 52
USER: Final = 4080  # of the sample interviews' panels
NOBODY: Final = 987_654
NOT_HELD: Final = ("x-rowen-empty", "not held")

OFFERS: Final[list[Record]] = [
    {"id": 11, "version": 1, "application_id": APPLICATION, "status": "deprecated", "salary": 1.10, "note": "é 😀"},
    {"id": 12, "version": 3, "application_id": APPLICATION, "status": "accepted", "updated_at": "2024-02-01T00:00:00Z"},
    {"id": 13, "version": 2, "application_id": APPLICATION, "status": "rejected", "created_at": "2024-01-01T00:00:00Z"},
    {"id": 14, "version": None, "application_id": 6, "created_at": "2024-01-02T00:00:00.000Z"},
]
HELD: Final[dict[str, list[Record]]] = {
    "offers": OFFERS,
    "departments": [{"name": "Sales", "id": 1, "parent_id": None, "child_ids": [2]}, {"id": 2, "name": "Tiefbau"}],
    "eeoc": [{"application_id": APPLICATION, "candidate_id": CANDIDATE, "race": None, "submitted_at": "2017-01-29"}],
    "tags": [{"id": 365, "name": "Ruby"}],
    "custom_fields": [{"id": 7, "field_type": "job"}, {"id": 8, "field_type": "offer"}],
    "tracking_links": [{"id": 60, "token": "tnch4u"}],
    "activity_feeds": [{"candidate_id": CANDIDATE, "notes": [{"id": 1, "body": "x"}], "emails": [], "activities": []}],
    "demographics_questions": [{"id": 3, "demographic_question_set_id": 9}],
    "demographics_question_sets": [{"id": 9, "title": "Set"}],
    "user_job_permissions": [{"id": 4, "user_id": USER, "job_id": JOB, "user_role_id": 1}],
    "job_posts": [
        {"id": 70, "job_id": JOB, "live": True},
        {"id": 71, "job_id": JOB, "live": False},
        {"id": 69, "job_id": JOB, "live": False},
        {"id": 68, "job_id": 53, "live": False, "active": False},
        {"id": 72, "job_id": 53, "live": None},
    ],
}
KNOWN: Final = {"application": APPLICATION, "candidate": CANDIDATE, "job": JOB, "user": USER, "custom_field": 7}
KNOWN_PARENTS: Final = {**KNOWN, "job_post": 70, "demographic_question": 3, "demographic_question_set": 9}


@pytest.fixture(scope="module")
def database(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a database with two organizations, of which one holds some archived lists."""
    folder = tmp_path_factory.mktemp("archive")
    database = storage.new_database(folder)
    for organization in ("one", "other"):
        make_key(database, organization, "first")
    application = {
        "id": APPLICATION,
        "candidate_id": CANDIDATE,
        "prospect": False,
        "jobs": [{"id": JOB}, {"id": 53}, {"id": 54}],
    }
    import_records(database, "one", folder, [record(1, application_id=APPLICATION), application])
    import_records(database, "other", folder, [record(1, application_id=6)])
    for name, documents in HELD.items():
        imported(database, folder, f"{name}.json", documents)
    return database


def imported(database: str, folder: Path, file: str, documents: Any, *options: str) -> str:
    """Import documents of the organization `one` from a file of that name; return what the command prints."""
    path = folder / file
    path.write_bytes(documents if isinstance(documents, bytes) else msgspec.json.encode(documents))
    return rowen("import", path, "--organization", "one", "--database", database, *options).stdout


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[httpx.Client]:
    """Return a client that may read everything."""
    key = make_key(database, "one", "all")
    with serving(database) as server, server.client(key) as opened:
        yield opened


@pytest.fixture(scope="module")
def stranger(database: str, client: httpx.Client) -> Iterator[httpx.Client]:
    """Return a client of the organization that holds nothing."""
    key = make_key(database, "other", "all")
    with httpx.Client(base_url=client.base_url, auth=(key, "")) as opened:
        yield opened


def address(call: ArchiveCall, identifier: int = NOBODY) -> str:
    """Return the address of a call, of a known parent if it has one."""
    known = identifier if call.parent is None else KNOWN_PARENTS[call.parent]
    return call.path.format(id=known, field_type="candidate", token="nothing")


def ids(client: httpx.Client, path: str) -> list[int]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()]


def test_documents_are_served_byte_for_byte(client: httpx.Client) -> None:
    answer = client.get("/v1/offers")
    assert answer.content == msgspec.json.encode(OFFERS)
    assert "x-rowen-empty" not in answer.headers
    assert "link" not in answer.headers
    assert client.get("/v1/offers", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert client.get("/v1/departments").content == msgspec.json.encode(HELD["departments"])
    one = client.get("/v1/offers/12")
    assert one.content == msgspec.json.encode(OFFERS[1])
    assert client.get("/v1/offers/12", headers={"If-None-Match": one.headers["etag"]}).status_code == 304
    assert client.get("/v1/offers/99").status_code == 404
    assert client.head("/v1/offers").headers["content-length"] == str(len(answer.content))


def test_lists_have_pages_and_filters(client: httpx.Client) -> None:
    first = client.get("/v1/offers?per_page=3&x=1&x=2&order_by=id")
    assert [each["id"] for each in first.json()] == [11, 12, 13]
    assert first.links.keys() == {"next", "last"}
    assert ids(client, first.links["next"]["url"]) == [14]
    assert ids(client, "/v1/offers?page=9") == []
    assert ids(client, "/v1/offers?created_after=2024-01-02") == [14]
    assert ids(client, "/v1/offers?created_before=2024-01-02") == [13]
    assert ids(client, "/v1/offers?updated_after=2024-01-01&updated_before=2024-03-01") == [12]
    assert ids(client, "/v1/offers?status=accepted") == [12]
    assert ids(client, "/v1/job_posts?live=true") == [70]
    assert ids(client, "/v1/departments?created_after=2024-01-02") == [1, 2]
    for bad in ("per_page=0", "page=x", "created_after=soon"):
        answer = client.get(f"/v1/offers?{bad}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, bad.partition("=")[0])


def test_lists_below_a_parent(client: httpx.Client) -> None:
    assert ids(client, f"/v1/applications/{APPLICATION}/offers") == [11, 12, 13]
    assert ids(client, f"/v1/applications/{APPLICATION}/offers?status=rejected") == [13]
    assert client.get("/v1/applications/6/offers").status_code == 404
    assert ids(client, f"/v1/jobs/{JOB}/job_posts") == [69, 70, 71]
    assert ids(client, "/v1/custom_fields/job") == [7]
    assert ids(client, "/v1/custom_fields/opening") == []
    assert client.get("/v1/custom_fields/nothing").status_code == 404
    assert ids(client, "/v1/demographics/question_sets/9/questions") == [3]
    assert ids(client, f"/v1/users/{USER}/permissions/jobs") == [4]


def test_documents_that_are_found_in_other_ways(client: httpx.Client) -> None:
    assert client.get(f"/v1/applications/{APPLICATION}/offers/current_offer").content == msgspec.json.encode(OFFERS[1])
    assert client.get(f"/v1/applications/{NOBODY}/offers/current_offer").status_code == 404
    assert client.get(f"/v1/applications/{APPLICATION}/eeoc").json() == HELD["eeoc"][0]
    assert [client.get(f"/v1/jobs/{job}/job_post").json()["id"] for job in (JOB, 53)] == [70, 72]
    assert client.get("/v1/jobs/54/job_post").status_code == 404
    assert client.get("/v1/custom_field/7").json() == HELD["custom_fields"][0]
    assert client.get("/v1/tracking_links/tnch4u").json() == HELD["tracking_links"][0]
    assert client.get("/v1/tracking_links/60").status_code == 404
    feed = client.get(f"/v1/candidates/{CANDIDATE}/activity_feed")
    assert feed.json() == HELD["activity_feeds"][0]
    assert "x-rowen-empty" not in feed.headers


def test_what_is_not_held_is_empty(client: httpx.Client) -> None:
    """Whatever else is asked: only a page that no list has is refused, and what an id names that nothing has."""
    for call in CATALOGUE:
        if call.resource in HELD or not call.is_list:
            continue
        answer = client.get(f"{address(call)}/?created_after=soon&status=x&status=y&order_by=z&user_attributes=1")
        assert (answer.status_code, answer.content) == (200, b"[]"), call
        assert NOT_HELD in answer.headers.items()
        assert "link" not in answer.headers
        assert client.get(f"{address(call)}?per_page=501").status_code == 422
        tag = {"If-None-Match": answer.headers["etag"]}
        assert client.get(answer.url, headers=tag).status_code == 304


def test_below_an_unknown_parent_nothing_is_found(client: httpx.Client) -> None:
    for call in CATALOGUE:
        if "{id}" in call.path:
            for unknown in (NOBODY, "x"):
                assert client.get(call.path.format(id=unknown)).status_code == 404, call


def test_single_documents_that_are_not_held(client: httpx.Client, stranger: httpx.Client) -> None:
    for call in CATALOGUE:
        if not call.is_list and call.parent is None:
            assert client.get(address(call)).status_code == stranger.get(address(call)).status_code == 404, call
    assert stranger.get("/v1/applications/6/eeoc").status_code == 404
    assert stranger.get(f"/v1/jobs/{JOB}/job_post").status_code == 404
    assert stranger.get("/v1/applications/6/offers/current_offer").status_code == 404


def test_a_feed_that_is_not_held_has_the_form_of_one(database: str, tmp_path: Path, stranger: httpx.Client) -> None:
    application = {"id": 7, "candidate_id": 77, "prospect": False, "jobs": []}
    import_records(database, "other", tmp_path, [application])
    answer = stranger.get("/v1/candidates/77/activity_feed")
    assert answer.json() == {"notes": [], "emails": [], "activities": []}
    assert NOT_HELD in answer.headers.items()
    assert stranger.get("/v1/candidates/78/activity_feed").status_code == 404


def test_nothing_of_another_organization(stranger: httpx.Client) -> None:
    for call in CATALOGUE:
        if call.action == "list":
            answer = stranger.get(call.path)
            assert (answer.content, NOT_HELD in answer.headers.items()) == (b"[]", True)
    assert stranger.get("/v1/offers/11").status_code == 404


def test_each_call_needs_its_permission(database: str, client: httpx.Client) -> None:
    key = make_key(database, "one", "offers", allow=["offers:*"])
    with httpx.Client(base_url=client.base_url, auth=(key, "")) as narrow:
        for call in CATALOGUE:
            expected = client.get(address(call)).status_code if call.resource == "offers" else 403
            assert narrow.get(address(call)).status_code == expected, call


def test_nothing_is_written(client: httpx.Client) -> None:
    for call in CATALOGUE:
        for method in ("POST", "PATCH", "PUT", "DELETE"):
            answer = client.request(method, address(call), json={})
            assert answer.status_code == 405
            assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_the_table_of_the_archive_is_whole() -> None:
    assert {call.resource for call in CATALOGUE} == set(ARCHIVED)
    assert {(call.resource, call.action) for call in CATALOGUE} == {
        (name, action) for name, archived in ARCHIVED.items() for action in archived.actions
    }
    assert set(HELD) < set(KEPT)
