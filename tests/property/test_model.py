"""The whole of reading against a model: any merges, any questions, one real server.

A writer merges and deletes from outside while the server, another process, answers: so that whatever it remembers
between requests is put to the test, too.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, rule, run_state_machine_as_test

from tests.concurrency.writer import Writer, writing
from tests.property.model import Expected, ListRequest, Model, written
from tests.property.strategies import PROFILE
from tests.support.records import Record, record
from tests.support.server import Server, serving
from tests.support.storage import Storage

pytestmark = pytest.mark.heavy

SEASON = datetime(2024, 3, 9, tzinfo=UTC)
ZONES = ("UTC", "America/New_York", "Pacific/Auckland")
EVENTS = (None, "", "event-1", "Größe, 1/2 + 100%&a=b", "😀", "a\x00b", "true")
NAMES = ("Kate Austen", "Łukasz Żółć", "😀\x7f\x00\u2028", '"\\')

_names = count(1)


def text_of(microseconds: int) -> str:
    """Write a point in time with six decimals."""
    return (SEASON + timedelta(microseconds=microseconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(half_hours: int) -> str:
    """Write one of the times that records have."""
    return text_of(half_hours * 1_800_000_000)[:-4] + "Z"


half_hours = st.sampled_from([0, 1, 10, 21, 26, 38, 48, 56, 57, 96])
"""Few, so that records and bounds meet; around the day on which New York's clocks change, and its midnights."""

moments = half_hours.map(moment)
ids = st.one_of(st.integers(1, 12), st.integers(1, 40), st.just(2**53 - 1))
application_ids = st.integers(1, 3)


@st.composite
def small_records(draw: st.DrawFn) -> Record:
    """Draw a record of a small world, so that records and questions meet."""
    first, second = sorted(draw(st.tuples(half_hours, half_hours)))
    if draw(st.booleans()):
        start, end = {"date_time": moment(first)}, {"date_time": moment(second)}
    else:
        start, end = {"date": moment(first)[:10]}, {"date": moment(second)[:10]}
    return record(
        draw(ids),
        application_id=draw(application_ids),
        external_event_id=draw(st.sampled_from(EVENTS)),
        start=start,
        end=end,
        status=draw(st.sampled_from(["scheduled", "awaiting_feedback", "complete"])),
        created_at=draw(st.none() | moments),
        updated_at=draw(st.none() | moments),
        location=draw(st.sampled_from(NAMES)),
        interviewers=record(1)["interviewers"] * draw(st.integers(0, 2)),
    )


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    """Draw filters with their values as the model knows them."""
    chosen: dict[str, Any] = {}
    for what in draw(st.lists(st.sampled_from(["created", "updated", "starts", "ends"]), max_size=3, unique=True)):
        sides = draw(st.sampled_from([("after",), ("before",), ("after", "before")]))
        for side in sides:
            finer = draw(st.sampled_from([0, 0, 0, 0, 1, 999, 1000, -1]))
            chosen[f"{what}_{side}"] = draw(half_hours) * 1_800_000_000 + finer
    if draw(st.integers(0, 4)) == 0:
        chosen["external_event_id"] = draw(st.sampled_from(EVENTS[1:]))
    if draw(st.integers(0, 2)) == 0:
        chosen["actionable"] = draw(st.sampled_from([True, True, False]))
    return chosen


@st.composite
def requests(draw: st.DrawFn) -> ListRequest:
    """Draw a list's request."""
    chosen = draw(filters())
    counted = draw(st.booleans())
    echo = [written(name, _spelled(value)) for name, value in chosen.items()]
    echo += ["skip_count=true"] * (not counted) + ["ours=%2C%20x"] * draw(st.booleans())
    return ListRequest(
        draw(st.none() | st.none() | st.integers(1, 5)),
        {name: _since_epoch(value) for name, value in chosen.items()},
        tuple(draw(st.permutations(echo))),
        page=draw(st.sampled_from([1, 1, 1, 2, 3, 7, 2**63 - 2])),
        size=draw(st.sampled_from([1, 2, 3, 5, 100, 500])),
        after=draw(st.sampled_from([None, None, 0, 3, 11, 2**53 - 1, 2**63 - 1])),
        counted=counted,
    )


def _spelled(value: Any) -> str:
    return (
        ("true" if value else "false")
        if isinstance(value, bool)
        else value
        if isinstance(value, str)
        else text_of(value)
    )


def _since_epoch(value: Any) -> Any:
    if isinstance(value, bool | str):
        return value
    return round(SEASON.timestamp()) * 1_000_000 + value


def links_of(response: httpx.Response) -> str | None:
    """Return the header of links, without the moment that a sync's next page is read as of."""
    return without_moment(response.headers.get("link"))


def without_moment(link: str | None) -> str | None:
    """Take the moment out of links: this model reads only, and does not keep the ledger that tells it."""
    return None if link is None else re.sub(r"&as_of=\d+>", ">", link)


class Answered(NamedTuple):
    """What was answered once, with its tag."""

    etag: str
    body: bytes
    link: str | None
    writes: int


class Served(NamedTuple):
    """A server, and a writer beside it."""

    server: Server
    writer: Writer


class ScheduleMachine(RuleBasedStateMachine):
    """Any order of writes and reads of one organization."""

    def __init__(self, served: Served, http: httpx.Client) -> None:
        super().__init__()
        number = next(_names)
        self.writer = served.writer
        self.url = served.server.url
        self.http = http
        self.client = self.writer.new_client(f"model-{number}", ZONES[number % len(ZONES)])
        self.model = Model(self.client.zone)
        self.writes = 0
        self.answered: dict[str, Answered] = {}

    asked = Bundle("asked")

    def get(self, target: str, etag: str = "", method: str = "GET") -> httpx.Response:
        headers = {"If-None-Match": etag} if etag else {}
        return self.http.request(method, self.url + target, headers=headers, auth=(self.client.key, ""))

    def check(self, target: str, expected: Expected) -> None:
        response = self.get(target)
        assert (response.status_code, links_of(response)) == (expected.status, expected.link), target
        assert response.content == expected.body, target
        if expected.status == 200:
            found = Answered(response.headers["etag"], response.content, response.headers.get("link"), self.writes)
            before = self.answered.get(target)
            assert before is None or before.etag != found.etag or before[:3] == found[:3], "one tag for two answers"
            self.answered[target] = found

    @rule(batch=st.lists(small_records(), min_size=1, max_size=10), created_through_api=st.booleans())
    def merge(self, batch: list[Record], created_through_api: bool) -> None:
        new, changed = self.model.merge(batch, created_through_api)
        counts = self.writer.merge(self.client, batch, created_through_api=created_through_api)
        assert (counts.new, counts.changed) == (new, changed)
        assert counts.new + counts.changed + counts.unchanged + counts.older == len(batch)
        self.writes += 1

    @rule()
    def merge_the_same_again(self) -> None:
        stored = [kept.record for kept in self.model.kept.values()]
        counts = self.writer.merge(self.client, stored)
        assert counts.unchanged == len(stored)

    @rule()
    def list_what_is_actionable(self) -> None:
        request = ListRequest(None, {"actionable": True}, ("actionable=true",))
        self.check(request.target, self.model.listed(request, self.url))

    @rule(chosen=st.sets(ids, max_size=8))
    def delete(self, chosen: set[int]) -> None:
        there = chosen & self.model.kept.keys()
        assert self.writer.delete(self.client, sorted(chosen)) == len(there)
        for identifier in there:
            del self.model.kept[identifier]
        self.writes += 1

    @rule(application=application_ids, active=st.booleans())
    def close_or_open_an_application(self, application: int, active: bool) -> None:
        self.writer.set_active(self.client, application, active)
        if application in self.model.applications:
            self.model.applications[application] = active
        self.writes += 1
        self.list_what_is_actionable()

    @rule(target=asked, drawn=st.lists(requests(), min_size=1, max_size=5))
    def list_pages(self, drawn: list[ListRequest]) -> Any:
        for request in drawn:
            self.check(request.target, self.model.listed(request, self.url))
        return multiple(*drawn)

    @rule(request=asked)
    def list_a_page_again(self, request: ListRequest) -> None:
        self.check(request.target, self.model.listed(request, self.url))

    @rule(request=asked)
    def read_conditionally(self, request: ListRequest) -> None:
        answered = self.answered.get(request.target)
        if answered is None:
            return
        response = self.get(request.target, answered.etag)
        expected = self.model.listed(request, self.url)
        if response.status_code == 304:
            assert not response.content
            assert (expected.status, expected.body) == (200, answered.body)
            assert expected.link == without_moment(answered.link)
        else:
            assert self.writes != answered.writes
            assert (response.status_code, response.content) == (expected.status, expected.body)

    @rule(request=asked)
    def ask_for_the_head(self, request: ListRequest) -> None:
        response = self.get(request.target, method="HEAD")
        expected = self.model.listed(request, self.url)
        assert (response.status_code, links_of(response)) == (expected.status, expected.link)
        assert int(response.headers["content-length"]) == len(expected.body or b"")
        assert not response.content

    @rule(drawn=requests(), size=st.integers(1, 6))
    def walk_by_next(self, drawn: ListRequest, size: int) -> None:
        request = drawn._replace(page=1, after=None, size=size)
        whole = self.model.listed(request._replace(size=10**6), self.url)
        bodies = []
        target = request.target
        for _ in range(100):
            response = self.get(target)
            if response.status_code == 404:
                assert whole.status == 404
                return
            bodies.append(response.content[1:-1])
            following = response.links.get("next")
            if following is None:
                break
            target = following["url"].removeprefix(self.url)
        assert b"[" + b",".join(bodies) + b"]" == whole.body

    @rule(identifier=ids | st.integers(1, 40))
    def retrieve(self, identifier: int) -> None:
        kept = self.model.kept.get(identifier)
        response = self.get(f"/v1/scheduled_interviews/{identifier}")
        if kept is None:
            assert (response.status_code, response.content) == (404, b'{"message":"Resource not found"}')
            return
        assert (response.status_code, response.content) == (200, kept.document)
        again = self.get(f"/v1/scheduled_interviews/{identifier}", response.headers["etag"])
        assert again.status_code == 304


@pytest.fixture(scope="module")
def served(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server for every example, and its writer."""
    database = storage.new_database(tmp_path_factory.mktemp("model"))
    with writing(database) as writer:
        writer.new_client("first")
        with serving(database, ["--rate-limit", "0"]) as server:
            yield Served(server, writer)


def test_the_server_answers_as_the_model_does(storage: Storage, served: Served) -> None:
    with served.server.client() as http:

        class Machine(ScheduleMachine):
            def __init__(self) -> None:
                super().__init__(served, http)

        runs = storage.quantity(100)
        run_state_machine_as_test(Machine, settings=settings(PROFILE, max_examples=runs, stateful_step_count=30))
