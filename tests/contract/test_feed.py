"""The feed of changes, as pages and live, and the history of an interview."""

import json
import signal
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from rowen.interviews.changes import FieldChange, Kind
from tests.support.events import following
from tests.support.harness import Harness, SampleChange, Tenant, opened, served
from tests.support.server import has_killed_workers, serving
from tests.support.storage import Storage

pytestmark = pytest.mark.slow

CHANGES = "/rowen/v1/changes"
LARGE = b'{"id":1,"location":"' + b"x" * 40_000 + b'"}'

_names = count(1)


@pytest.fixture(scope="module", params=["1", "2"], ids=["one_worker", "two_workers"])
def harness(
    request: pytest.FixtureRequest, storage: Storage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    with served(storage.new_database(tmp_path_factory.mktemp("feed")), "--workers", request.param) as harness:
        yield harness


@pytest.fixture
def client(tenant: Tenant) -> Iterator[httpx.Client]:
    with tenant.open_client() as client:
        yield client


# --- pages


def test_pages_lead_through_all_changes(tenant: Tenant, client: httpx.Client) -> None:
    tenant.log_changes(*[SampleChange(interview=number) for number in range(1, 8)])
    seen: list[int] = []
    after, more = 0, True
    while more:
        page = client.get(CHANGES, params={"after": after, "limit": 3}).json()
        assert list(page) == ["changes", "last_revision", "more"]
        seen += [each["scheduled_interview_id"] for each in page["changes"]]
        after, more = page["last_revision"], page["more"]
    assert seen == list(range(1, 8))
    tenant.log_changes(SampleChange(interview=8))
    page = client.get(CHANGES, params={"after": after}).json()
    assert [each["scheduled_interview_id"] for each in page["changes"]] == [8]
    assert not page["more"]


def test_a_cancelled_interview_leaves_its_last_document(tenant: Tenant, client: httpx.Client) -> None:
    document = b'{"id":9128481,"location":"\xe9\x9d\xa2\xe6\x8e\xa5"}'
    tenant.log_changes(SampleChange(Kind.CANCELLED, 9128481, document))
    answer = client.get(CHANGES)
    assert document in answer.content, "byte for byte"
    (change,) = answer.json()["changes"]
    assert change["kind"] == "cancelled"
    assert change["actor"] == {"kind": "user", "id": 2000, "name": "Jack Shepard", "api_key": "script"}
    assert change["document"]["id"] == change["scheduled_interview_id"] == 9128481


def test_a_reader_may_begin_at_the_present(tenant: Tenant, client: httpx.Client) -> None:
    newest = tenant.log_changes(*[SampleChange()] * 3)
    page = client.get(CHANGES, params={"after": "now"}).json()
    assert page == {"changes": [], "last_revision": newest, "more": False}


def test_a_revision_to_come_is_the_newest(tenant: Tenant, client: httpx.Client) -> None:
    newest = tenant.log_changes(SampleChange())
    page = client.get(CHANGES, params={"after": 2**63 - 1}).json()
    assert page == {"changes": [], "last_revision": newest, "more": False}


def test_a_page_is_tagged(tenant: Tenant, client: httpx.Client) -> None:
    tenant.log_changes(SampleChange())
    first = client.get(CHANGES)
    again = client.get(CHANGES, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    tenant.log_changes(SampleChange())
    again = client.get(CHANGES, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert len(again.json()["changes"]) == 2


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/*", "text/event-stream;q=0", ""])
def test_a_client_that_does_not_accept_events_gets_a_page(client: httpx.Client, accept: str) -> None:
    answer = client.get(CHANGES, headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    assert answer.json()["changes"] == []


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("after=-1", ["after"]),
        ("after=x&limit=0", ["after", "limit"]),
        ("limit=501", ["limit"]),
        ("limit=", ["limit"]),
        ("after=", ["after"]),
        (f"after={2**63}", ["after"]),
        ("after=1.0&limit=now", ["after", "limit"]),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_senseless_values_are_named(client: httpx.Client, query: str, fields: list[str], accept: str) -> None:
    answer = client.get(f"{CHANGES}?{query}", headers={"Accept": accept})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == fields


def test_the_last_of_repeated_parameters_counts_and_unknown_ones_do_not(tenant: Tenant, client: httpx.Client) -> None:
    tenant.log_changes(*[SampleChange()] * 3)
    page = client.get(f"{CHANGES}?after=x&limit=2&page=0&after=1&limit=1").json()
    assert [each["revision"] for each in page["changes"]] == [2]


# --- live


def test_changes_are_streamed_at_once_in_order(tenant: Tenant, client: httpx.Client) -> None:
    tenant.log_changes(SampleChange(Kind.CREATED, 1), SampleChange(Kind.RESPONDED, 1))
    with following(client, CHANGES) as stream:
        assert stream.retry == 1000
        assert stream.response.headers["content-type"] == "text/event-stream"
        assert stream.response.headers["cache-control"] == "no-store"
        assert stream.response.headers["x-accel-buffering"] == "no"
        assert "content-length" not in stream.response.headers
        assert "content-encoding" not in stream.response.headers
        first, second = stream.next(), stream.next()
        assert (first["id"], first["event"], second["id"], second["event"]) == (1, "created", 2, "responded")
        for number in range(3, 20):
            tenant.log_changes(SampleChange(interview=number))
            event = stream.next()
            assert event["id"] == event["data"]["revision"] == number
            assert event["data"]["scheduled_interview_id"] == number
    page = client.get(CHANGES).json()["changes"]
    assert page[0] == first["data"], "the same as on a page"


@pytest.mark.parametrize(
    ("query", "last_event_id", "first"), [("", None, 1), ("?after=1", None, 2), ("?after=0", "2", 3)]
)
def test_a_stream_resumes(
    tenant: Tenant, client: httpx.Client, query: str, last_event_id: str | None, first: int
) -> None:
    tenant.log_changes(*[SampleChange()] * 3)
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    with following(client, CHANGES + query, headers) as stream:
        assert [stream.next()["id"] for _ in range(first, 4)] == list(range(first, 4))


def test_a_stream_may_begin_at_the_present(tenant: Tenant, client: httpx.Client) -> None:
    tenant.log_changes(*[SampleChange()] * 3)
    with following(client, f"{CHANGES}?after=now") as stream:
        tenant.log_changes(SampleChange())
        assert stream.next()["id"] == 4


def test_an_id_that_no_event_has_is_refused(client: httpx.Client) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "x"}
    answer = client.get(CHANGES, headers=headers)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["Last-Event-ID"]


def test_head_answers_the_headers_only(tenant: Tenant, client: httpx.Client) -> None:
    tenant.log_changes(SampleChange())
    answer = client.head(CHANGES, headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.content == b""


def test_more_than_a_page_is_streamed_completely(tenant: Tenant, client: httpx.Client) -> None:
    tenant.log_changes(*[SampleChange(interview=number) for number in range(1, 351)])
    with following(client, CHANGES) as stream:
        assert [stream.next()["data"]["scheduled_interview_id"] for _ in range(350)] == list(range(1, 351))


def test_nothing_is_skipped_while_others_write(harness: Harness) -> None:
    """Several readers, several organizations: each receives all changes of its own, once and in order."""
    others = [harness.tenant() for _ in range(3)]
    heard: dict[int, list[int]] = {}

    def read(number: int) -> None:
        with others[number].open_client() as client, following(client, CHANGES) as stream:
            heard[number] = [stream.next()["id"] for _ in range(60)]

    threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(60):
        for number in (turn % 3, (turn + 1) % 3, (turn + 2) % 3):
            others[number].log_changes(SampleChange(interview=turn + 1))
    for thread in threads:
        thread.join(60)
    assert heard == {number: list(range(1, 61)) for number in range(3)}


def test_a_slow_reader_gets_all_in_the_end(tenant: Tenant, client: httpx.Client) -> None:
    """While it does not read, it delays nobody."""
    tenant.log_changes(*[SampleChange(document=LARGE)] * 150)
    with following(client, CHANGES) as slow, tenant.open_client() as quick:
        assert quick.get(CHANGES, params={"limit": 1}).status_code == 200
        with following(quick, f"{CHANGES}?after=now") as stream:
            tenant.log_changes(SampleChange())
            assert stream.next()["id"] == 151
        assert [slow.next()["id"] for _ in range(151)] == list(range(1, 152))


def test_a_stream_of_many_large_events_arrives_whole(tenant: Tenant, client: httpx.Client) -> None:
    tenant.log_changes(*[SampleChange(document=LARGE)] * 300)
    with following(client, CHANGES) as stream:
        assert [stream.next()["id"] for _ in range(300)] == list(range(1, 301))


def test_a_revoked_key_ends_its_stream(tenant: Tenant, client: httpx.Client) -> None:
    with following(client, CHANGES) as stream:
        tenant.log_changes(SampleChange())
        assert stream.next()["id"] == 1
        tenant.revoke("test")
        tenant.log_changes(SampleChange())
        assert stream.rest() == [], "neither what came after, nor another minute"


def test_a_key_needs_the_permission(tenant: Tenant) -> None:
    key = tenant.new_key("scheduled_interviews:list")
    with tenant.harness.server.client(key) as client:
        for target in (CHANGES, "/rowen/v1/scheduled_interviews/1/history"):
            assert client.get(target).status_code == 403
            assert client.get(target, headers={"Accept": "text/event-stream"}).status_code == 403


@pytest.mark.parametrize("workers", ["1", "2"])
def test_open_streams_do_not_hold_up_a_stop(database: str, workers: str) -> None:
    with opened(database) as harness:
        tenant = harness.tenant("one")
        with serving(database, ["--workers", workers]) as server, server.client(tenant.key) as client:
            with following(client, CHANGES) as first, following(client, CHANGES) as second:
                tenant.log_changes(SampleChange())
                assert first.next()["id"] == second.next()["id"] == 1
                server.process.send_signal(signal.SIGTERM)
                # To their proper end: a worker that is killed after eight seconds breaks the connection instead.
                assert first.rest() == second.rest() == []
            assert server.process.wait(60) == 0
        assert not has_killed_workers(server.log)


def test_a_stream_is_one_exchange(database: str, tmp_path: Path) -> None:
    with opened(database) as harness:
        tenant = harness.tenant("one")
        with serving(database, ["--access-log"]) as server:
            with server.client(tenant.key) as client, following(client, CHANGES) as stream:
                tenant.log_changes(*[SampleChange()] * 3)
                assert [stream.next()["id"] for _ in range(3)] == [1, 2, 3]
            server.stop()
        logged = [json.loads(line) for line in server.log if line.startswith("{") and CHANGES in line]
        assert [(each["event"], each["status"], each["key"]) for each in logged] == [("request", 200, "test")]


# --- history


def test_a_history_has_each_field_before_and_after(tenant: Tenant, client: httpx.Client) -> None:
    moved = [FieldChange("start", {"date": "2024-01-01"}, {"date": "2024-01-02"})]
    tenant.log_changes(
        SampleChange(Kind.CREATED, 7), SampleChange(Kind.CREATED, 8), SampleChange(Kind.RESCHEDULED, 7, fields=moved)
    )
    tenant.log_changes(SampleChange(Kind.CANCELLED, 7))
    answer = client.get("/rowen/v1/scheduled_interviews/7/history")
    found = answer.json()
    assert [(each["revision"], each["kind"]) for each in found] == [
        (1, "created"),
        (3, "rescheduled"),
        (4, "cancelled"),
    ]
    assert found[1]["fields"] == [{"field": "start", "before": {"date": "2024-01-01"}, "after": {"date": "2024-01-02"}}]
    assert {each["scheduled_interview_id"] for each in found} == {7}
    again = client.get(answer.url.path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("identifier", ["1", "0", "x", "9007199254740992"])
def test_an_unknown_interview_has_no_history(client: httpx.Client, identifier: str) -> None:
    answer = client.get(f"/rowen/v1/scheduled_interviews/{identifier}/history")
    assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})
