"""The feed of changes, as pages and live, and the history of an interview (issue "Keep the schedule", "Following")."""

import json
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
import pytest

from rowen.app.ports import Organization
from rowen.interviews.changes import FieldChange, Kind
from tests.support.changes import Chronicler, Happening, chronicling
from tests.support.events import following
from tests.support.server import Server, has_killed_workers, serving
from tests.support.storage import Storage

CHANGES = "/rowen/v1/changes"
LARGE = b'{"id":1,"location":"' + b"x" * 40_000 + b'"}'

_names = count(1)


@dataclass(frozen=True)
class Feed:
    """A server, who writes what it tells, and an organization of the test's own with its client."""

    server: Server
    chronicler: Chronicler
    organization: Organization
    client: httpx.Client

    def write(self, *happenings: Happening) -> int:
        """Let things happen."""
        return self.chronicler.write(self.organization, *happenings)


@pytest.fixture(scope="module", params=["1", "2"], ids=["one_worker", "two_workers"])
def served(
    request: pytest.FixtureRequest, storage: Storage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Chronicler]]:
    database = storage.new_database(tmp_path_factory.mktemp("feed"))
    with chronicling(database) as chronicler:
        chronicler.new_key(chronicler.new_organization("first"), "first")
        with serving(database, ["--rate-limit", "0", "--workers", request.param]) as server:
            yield server, chronicler


@pytest.fixture
def feed(served: tuple[Server, Chronicler]) -> Iterator[Feed]:
    server, chronicler = served
    organization = chronicler.new_organization(f"feed-{next(_names)}")
    with server.client(chronicler.new_key(organization, "test")) as client:
        yield Feed(server, chronicler, organization, client)


# --- pages


def test_pages_lead_through_all_that_happened(feed: Feed) -> None:
    feed.write(*[Happening(interview=number) for number in range(1, 8)])
    seen: list[int] = []
    after, more = 0, True
    while more:
        page = feed.client.get(CHANGES, params={"after": after, "limit": 3}).json()
        assert list(page) == ["changes", "last_revision", "more"]
        seen += [each["scheduled_interview_id"] for each in page["changes"]]
        after, more = page["last_revision"], page["more"]
    assert seen == list(range(1, 8))
    feed.write(Happening(interview=8))
    page = feed.client.get(CHANGES, params={"after": after}).json()
    assert [each["scheduled_interview_id"] for each in page["changes"]] == [8]
    assert not page["more"]


def test_a_cancelled_interview_leaves_its_last_document(feed: Feed) -> None:
    document = b'{"id":9128481,"location":"\xe9\x9d\xa2\xe6\x8e\xa5"}'
    feed.write(Happening(Kind.CANCELLED, 9128481, document))
    answer = feed.client.get(CHANGES)
    assert document in answer.content, "byte for byte"
    (change,) = answer.json()["changes"]
    assert change["kind"] == "cancelled"
    assert change["actor"] == {"kind": "user", "id": 2000, "name": "Jack Shepard", "api_key": "script"}
    assert change["document"]["id"] == change["scheduled_interview_id"] == 9128481


def test_a_reader_may_begin_at_the_present(feed: Feed) -> None:
    newest = feed.write(*[Happening()] * 3)
    page = feed.client.get(CHANGES, params={"after": "now"}).json()
    assert page == {"changes": [], "last_revision": newest, "more": False}


def test_a_revision_to_come_is_the_newest(feed: Feed) -> None:
    newest = feed.write(Happening())
    page = feed.client.get(CHANGES, params={"after": 2**63 - 1}).json()
    assert page == {"changes": [], "last_revision": newest, "more": False}


def test_a_page_is_tagged(feed: Feed) -> None:
    feed.write(Happening())
    first = feed.client.get(CHANGES)
    again = feed.client.get(CHANGES, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    feed.write(Happening())
    again = feed.client.get(CHANGES, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert len(again.json()["changes"]) == 2


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/*", "text/event-stream;q=0", ""])
def test_who_does_not_ask_for_events_gets_a_page(feed: Feed, accept: str) -> None:
    answer = feed.client.get(CHANGES, headers={"Accept": accept})
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
def test_what_makes_no_sense_is_named(feed: Feed, query: str, fields: list[str], accept: str) -> None:
    answer = feed.client.get(f"{CHANGES}?{query}", headers={"Accept": accept})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == fields


def test_the_last_of_repeated_parameters_counts_and_unknown_ones_do_not(feed: Feed) -> None:
    feed.write(*[Happening()] * 3)
    page = feed.client.get(f"{CHANGES}?after=x&limit=2&page=0&after=1&limit=1").json()
    assert [each["revision"] for each in page["changes"]] == [2]


# --- live


def test_what_happens_is_told_at_once_in_order(feed: Feed) -> None:
    feed.write(Happening(Kind.CREATED, 1), Happening(Kind.RESPONDED, 1))
    with following(feed.client, CHANGES) as stream:
        assert stream.retry == 1000
        assert stream.response.headers["content-type"] == "text/event-stream"
        assert stream.response.headers["cache-control"] == "no-store"
        assert stream.response.headers["x-accel-buffering"] == "no"
        assert "content-length" not in stream.response.headers
        assert "content-encoding" not in stream.response.headers
        first, second = stream.next(), stream.next()
        assert (first["id"], first["event"], second["id"], second["event"]) == (1, "created", 2, "responded")
        for number in range(3, 20):
            feed.write(Happening(interview=number))
            event = stream.next()
            assert event["id"] == event["data"]["revision"] == number
            assert event["data"]["scheduled_interview_id"] == number
    page = feed.client.get(CHANGES).json()["changes"]
    assert page[0] == first["data"], "the same as on a page"


@pytest.mark.parametrize(
    ("query", "last_event_id", "first"), [("", None, 1), ("?after=1", None, 2), ("?after=0", "2", 3)]
)
def test_a_stream_resumes(feed: Feed, query: str, last_event_id: str | None, first: int) -> None:
    feed.write(*[Happening()] * 3)
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    with following(feed.client, CHANGES + query, headers) as stream:
        assert [stream.next()["id"] for _ in range(first, 4)] == list(range(first, 4))


def test_a_stream_may_begin_at_the_present(feed: Feed) -> None:
    feed.write(*[Happening()] * 3)
    with following(feed.client, f"{CHANGES}?after=now") as stream:
        feed.write(Happening())
        assert stream.next()["id"] == 4


def test_an_id_that_no_event_has_is_refused(feed: Feed) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "x"}
    answer = feed.client.get(CHANGES, headers=headers)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["Last-Event-ID"]


def test_head_answers_the_headers_only(feed: Feed) -> None:
    feed.write(Happening())
    answer = feed.client.head(CHANGES, headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.content == b""


def test_more_than_a_page_is_told_whole(feed: Feed) -> None:
    feed.write(*[Happening(interview=number) for number in range(1, 351)])
    with following(feed.client, CHANGES) as stream:
        assert [stream.next()["data"]["scheduled_interview_id"] for _ in range(350)] == list(range(1, 351))


def test_nothing_is_skipped_while_others_write(feed: Feed) -> None:
    """Several readers, several organizations: each hears all of its own, once and in order."""
    chronicler, server = feed.chronicler, feed.server
    others = [chronicler.new_organization(f"other-{next(_names)}") for _ in range(3)]
    keys = [chronicler.new_key(each, "reader") for each in others]
    heard: dict[int, list[int]] = {}

    def read(number: int) -> None:
        with server.client(keys[number]) as client, following(client, CHANGES) as stream:
            heard[number] = [stream.next()["id"] for _ in range(60)]

    threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(60):
        for number in (turn % 3, (turn + 1) % 3, (turn + 2) % 3):
            chronicler.write(others[number], Happening(interview=turn + 1))
    for thread in threads:
        thread.join(60)
    assert heard == {number: list(range(1, 61)) for number in range(3)}


def test_a_slow_reader_gets_all_in_the_end(feed: Feed) -> None:
    """While it does not read, it holds up nobody."""
    feed.write(*[Happening(document=LARGE)] * 150)
    with (
        following(feed.client, CHANGES) as slow,
        feed.server.client(feed.chronicler.new_key(feed.organization, "b")) as quick,
    ):
        assert quick.get(CHANGES, params={"limit": 1}).status_code == 200
        with following(quick, f"{CHANGES}?after=now") as stream:
            feed.write(Happening())
            assert stream.next()["id"] == 151
        assert [slow.next()["id"] for _ in range(151)] == list(range(1, 152))


def test_a_stream_ends_before_it_fills_the_servers_memory_and_goes_on_where_it_ended(feed: Feed) -> None:
    feed.write(*[Happening(document=LARGE)] * 300)
    with following(feed.client, CHANGES) as stream:
        first = [each["id"] for each in stream.rest()]
    assert 100 <= len(first) < 300
    with following(feed.client, CHANGES, {"Last-Event-ID": str(first[-1])}) as stream:
        assert [*first, *(stream.next()["id"] for _ in range(300 - len(first)))] == list(range(1, 301))


def test_a_revoked_key_hears_no_more(feed: Feed) -> None:
    key = feed.chronicler.new_key(feed.organization, "short")
    with feed.server.client(key) as client, following(client, CHANGES) as stream:
        feed.write(Happening())
        assert stream.next()["id"] == 1
        feed.chronicler.revoke(feed.organization, "short")
        feed.write(Happening())
        assert stream.rest() == [], "neither what came after, nor another minute"


def test_a_key_needs_the_permission(feed: Feed) -> None:
    key = feed.chronicler.new_key(feed.organization, "reader", "scheduled_interviews:list")
    with feed.server.client(key) as client:
        for target in (CHANGES, "/rowen/v1/scheduled_interviews/1/history"):
            assert client.get(target).status_code == 403
            assert client.get(target, headers={"Accept": "text/event-stream"}).status_code == 403


@pytest.mark.parametrize("workers", ["1", "2"])
def test_open_streams_do_not_hold_up_a_stop(database: str, workers: str) -> None:
    with chronicling(database) as chronicler:
        organization = chronicler.new_organization("one")
        key = chronicler.new_key(organization, "test")
        with serving(database, ["--workers", workers]) as server, server.client(key) as client:
            with following(client, CHANGES) as first, following(client, CHANGES) as second:
                chronicler.write(organization, Happening())
                assert first.next()["id"] == second.next()["id"] == 1
                server.process.send_signal(signal.SIGTERM)
                # To their proper end: a worker that is killed, after eight seconds, breaks the connection instead.
                assert first.rest() == second.rest() == []
            assert server.process.wait(60) == 0
        assert not has_killed_workers(server.log)


def test_a_stream_is_one_exchange(database: str, tmp_path: Path) -> None:
    with chronicling(database) as chronicler:
        organization = chronicler.new_organization("one")
        key = chronicler.new_key(organization, "test")
        with serving(database, ["--access-log"]) as server:
            with server.client(key) as client, following(client, CHANGES) as stream:
                chronicler.write(organization, *[Happening()] * 3)
                assert [stream.next()["id"] for _ in range(3)] == [1, 2, 3]
            server.stop()
        logged = [json.loads(line) for line in server.log if line.startswith("{") and CHANGES in line]
        assert [(each["event"], each["status"], each["key"]) for each in logged] == [("request", 200, "test")]


# --- history


def test_a_history_tells_each_field_before_and_after(feed: Feed) -> None:
    moved = [FieldChange("start", {"date": "2024-01-01"}, {"date": "2024-01-02"})]
    feed.write(Happening(Kind.CREATED, 7), Happening(Kind.CREATED, 8), Happening(Kind.RESCHEDULED, 7, fields=moved))
    feed.write(Happening(Kind.CANCELLED, 7))
    answer = feed.client.get("/rowen/v1/scheduled_interviews/7/history")
    found = answer.json()
    assert [(each["revision"], each["kind"]) for each in found] == [
        (1, "created"),
        (3, "rescheduled"),
        (4, "cancelled"),
    ]
    assert found[1]["fields"] == [{"field": "start", "before": {"date": "2024-01-01"}, "after": {"date": "2024-01-02"}}]
    assert {each["scheduled_interview_id"] for each in found} == {7}
    again = feed.client.get(answer.url.path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("identifier", ["1", "0", "x", "9007199254740992"])
def test_what_never_was_has_no_history(feed: Feed, identifier: str) -> None:
    answer = feed.client.get(f"/rowen/v1/scheduled_interviews/{identifier}/history")
    assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})
