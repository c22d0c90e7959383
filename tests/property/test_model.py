"""All reads against a model: any merges, any queries, one real server.

A writer merges and deletes from outside while the server, another process, responds, so that its caches are tested,
too.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.support.harness import FakeClock, Harness, served
from tests.support.list_requests import ZONES, application_ids, ids, requests, small_records
from tests.support.model.lists import Expected, ListModel, ListRequest
from tests.support.records import Record
from tests.support.storage import Storage
from tests.support.strategies import PROFILE

pytestmark = pytest.mark.heavy


def links_of(response: httpx.Response) -> str | None:
    """Return the header of links, without the `as_of` of a sync's next page."""
    return without_moment(response.headers.get("link"))


def without_moment(link: str | None) -> str | None:
    """Remove `as_of` from links: this model only reads, and does not keep the ledger that determines it."""
    return None if link is None else re.sub(r"&as_of=\d+>", ">", link)


class Answered(NamedTuple):
    """An earlier response, with its tag."""

    etag: str
    body: bytes
    link: str | None
    writes: int


class ScheduleMachine(RuleBasedStateMachine):
    """Any order of writes and reads of one organization."""

    def __init__(self, harness: Harness, http: httpx.Client) -> None:
        super().__init__()
        self.harness = harness
        self.url = harness.server.url
        self.http = http
        self.writes = 0
        self.answered: dict[str, Answered] = {}

    asked = Bundle("asked")

    @initialize(zone=st.sampled_from(ZONES))
    def begin(self, zone: str) -> None:
        """Make an organization, the same whenever an example is repeated, except for its name."""
        self.tenant = self.harness.tenant(time_zone=zone)
        self.model = ListModel(ZoneInfo(zone))

    def get(self, target: str, etag: str = "", method: str = "GET") -> httpx.Response:
        headers = {"If-None-Match": etag} if etag else {}
        return self.http.request(method, self.url + target, headers=headers, auth=(self.tenant.key, ""))

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
        counts = self.tenant.merge(batch, created_through_api=created_through_api)
        assert (counts.new, counts.changed) == (new, changed)
        assert counts.new + counts.changed + counts.unchanged + counts.older == len(batch)
        self.writes += 1

    @rule()
    def merge_the_same_again(self) -> None:
        stored = [kept.record for kept in self.model.kept.values()]
        counts = self.tenant.merge(stored)
        assert counts.unchanged == len(stored)

    @rule()
    def list_what_is_actionable(self) -> None:
        request = ListRequest(None, {"actionable": True}, ("actionable=true",))
        self.check(request.target, self.model.listed(request, self.url))

    @rule(chosen=st.sets(ids, max_size=8))
    def delete(self, chosen: set[int]) -> None:
        there = chosen & self.model.kept.keys()
        assert self.tenant.delete_interviews(sorted(chosen)) == len(there)
        for identifier in there:
            del self.model.kept[identifier]
        self.writes += 1

    @rule(application=application_ids, active=st.booleans())
    def close_or_open_an_application(self, application: int, active: bool) -> None:
        self.tenant.set_active(application, active)
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
def harness(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Return a harness of the server that answers every example."""
    with served(storage.new_database(tmp_path_factory.mktemp("model")), clock=FakeClock()) as harness:
        yield harness


def test_the_server_answers_as_the_model_does(storage: Storage, harness: Harness) -> None:
    with harness.server.client() as http:

        class Machine(ScheduleMachine):
            def __init__(self) -> None:
                super().__init__(harness, http)

        runs = storage.scaled(100)
        run_state_machine_as_test(Machine, settings=settings(PROFILE, max_examples=runs, stateful_step_count=30))
