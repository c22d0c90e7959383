"""Walks and syncs while another process writes.

A walk by `next` returns every record that exists throughout, once, in order, whatever is inserted or deleted meanwhile;
a sync by `updated_after` catches up with every commit.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import httpx
import pytest

from tests.support.harness import Harness, Tenant, opened
from tests.support.records import Record, record

STAYING = range(10, 2_410, 10)
"""The ids that exist throughout; those in between come and go."""

MOST_PAGES = 500

_names = count(1)


def row(identifier: int, **changes: Any) -> Record:
    """Return a record that matches every filter here."""
    return record(identifier, application_id=77, status="scheduled", **changes)


def timestamp(number: int) -> str:
    """Return the `updated_at` of the commit of that number: one millisecond after the last."""
    return f"2024-05-23T20:{number // 60_000:02}:{number // 1000 % 60:02}.{number % 1000:03}Z"


def new_tenant(harness: Harness, identifiers: Iterator[int] | range) -> Tenant:
    """Create an organization with these interviews, created through the API."""
    tenant = harness.tenant(f"walk-{next(_names)}")
    tenant.merge([row(i, updated_at=timestamp(0)) for i in identifiers], created_through_api=True)
    return tenant


@contextmanager
def meanwhile(tenant: Tenant, write: Callable[[Tenant, int], None]) -> Iterator[Callable[[], None]]:
    """Write repeatedly during the block, with increasing numbers; the yielded function waits for one more write."""
    done = threading.Event()
    written = threading.Condition()
    numbers = [0]
    faults: list[BaseException] = []

    def work() -> None:
        try:
            with opened(tenant.harness.database) as harness:
                beside = replace(tenant, harness=harness)
                for number in range(1, 100_000):
                    if done.is_set():
                        return
                    write(beside, number)
                    with written:
                        numbers[0] = number
                        written.notify_all()
        except BaseException as fault:  # raised below, on the thread of the test
            faults.append(fault)
            raise
        finally:
            with written:
                written.notify_all()

    thread = threading.Thread(target=work)
    thread.start()

    def wait_for_a_write() -> None:
        with written:
            # Two: the first may have begun before the caller's last page.
            target = numbers[0] + 2
            assert written.wait_for(lambda: numbers[0] >= target or faults, 60)
            assert not faults, faults

    try:
        yield wait_for_a_write
    finally:
        done.set()
        thread.join(60)
    assert not faults, faults


def churn(seed: int) -> Callable[[Tenant, int], None]:
    """Return a write that inserts some records between those that stay, or deletes some of them."""
    chance = Random(seed)

    def write(tenant: Tenant, number: int) -> None:
        passing = [i for i in chance.sample(range(1, STAYING[-1] + 40), 25) if i not in STAYING]
        if number % 2:
            tenant.merge([row(i, updated_at=timestamp(number)) for i in passing], created_through_api=True)
        else:
            tenant.delete_interviews(passing * 2)

    return write


def walk(http: httpx.Client, target: str, after_page: Callable[[], None] = lambda: None) -> list[Record]:
    """Follow `next` to the end, and return every record in the order seen."""
    seen: list[Record] = []
    for _ in range(MOST_PAGES):
        response = http.get(target)
        assert response.status_code == 200, response.text
        seen += response.json()
        following = response.links.get("next")
        if following is None:
            return seen
        target = following["url"]
        after_page()
    raise AssertionError("the walk has no end")


WALKS = (
    "/v1/scheduled_interviews?per_page=25",
    "/v1/scheduled_interviews?per_page=25&skip_count=true",
    "/v1/scheduled_interviews?per_page=25&updated_after=2024-01-01&created_before=2025-01-01",
    "/v1/scheduled_interviews?per_page=25&actionable=true",
    "/v1/applications/77/scheduled_interviews?per_page=25",
)


@pytest.mark.parametrize("target", WALKS, ids=["all", "uncounted", "filtered", "actionable", "application"])
def test_a_walk_neither_skips_nor_repeats(harness: Harness, target: str) -> None:
    tenant = new_tenant(harness, STAYING)
    with tenant.open_client() as http, meanwhile(tenant, churn(len(target))) as wait:
        ids = [each["id"] for each in walk(http, target, wait)]
    assert ids == sorted(set(ids)), "in order, and once"
    assert set(STAYING) <= set(ids), "all that stayed"


def test_rows_that_go_or_come_on_the_seam_move_nothing(harness: Harness) -> None:
    """The last record of a page, which `next` names, is deleted; another is put in its place."""
    tenant = new_tenant(harness, range(1, 10))
    with tenant.open_client() as http:
        first = http.get("/v1/scheduled_interviews?per_page=3")
        assert [each["id"] for each in first.json()] == [1, 2, 3]
        tenant.delete_interviews([1, 3])
        second = http.get(first.links["next"]["url"])
        assert [each["id"] for each in second.json()] == [4, 5, 6]
        tenant.merge([row(3), row(1)])
        third = http.get(second.links["next"]["url"])
        assert [each["id"] for each in third.json()] == [7, 8, 9]
        assert "next" not in third.links


def test_page_keeps_its_meaning(harness: Harness) -> None:
    """The n-th chunk of the current records, whatever chunks were read before it."""
    tenant = new_tenant(harness, range(1, 31))
    there = list(range(1, 31))
    chance = Random(7)
    with tenant.open_client() as http:
        for turn in range(12):
            pages = list(range(1, -(-len(there) // 4) + 2))
            chance.shuffle(pages)
            for query in ("", "&created_after=2024-01-01"):
                for page in pages:
                    response = http.get(f"/v1/scheduled_interviews?per_page=4&page={page}{query}")
                    assert [each["id"] for each in response.json()] == there[4 * page - 4 : 4 * page]
            if turn % 2:
                added = [i for i in chance.sample(range(1, 60), 7) if i not in there]
                tenant.merge([row(i) for i in added])
                there = sorted(there + added)
            else:
                gone = chance.sample(there, 5)
                tenant.delete_interviews(gone)
                there = [i for i in there if i not in gone]


def test_acknowledged_writes_are_read_by_every_worker(harness: Harness) -> None:
    tenant = new_tenant(harness, range(1, 2))
    for number in range(2, 15):
        tenant.merge([row(number)])
        for filtered in ("", "?created_after=2024-01-01"):
            with tenant.open_client() as http:  # a new connection, to any worker
                ids = [each["id"] for each in http.get(f"/v1/scheduled_interviews{filtered}").json()]
            assert ids == list(range(1, number + 1))


def test_a_page_is_of_one_moment(harness: Harness) -> None:
    """Every merge replaces all ten records: no page mixes two of them, nor its body with another's tag."""
    tenant = new_tenant(harness, range(1, 11))

    def replace_all(tenant: Tenant, number: int) -> None:
        tenant.merge([row(i, updated_at=timestamp(number), location=f"{number}") for i in range(1, 11)])

    seen: dict[str, bytes] = {}
    with tenant.open_client() as http, meanwhile(tenant, replace_all):
        for turn in range(300):
            query = ("", "?updated_after=2024-01-01", "?external_event_id=event-1")[turn % 3]
            response = http.get(f"/v1/scheduled_interviews{query}")
            assert len({each["location"] for each in response.json()}) == 1
            assert seen.setdefault(query + response.headers["etag"], response.content) == response.content


def update_some(newest: dict[int, int], seed: int) -> Callable[[Tenant, int], None]:
    """Return a write that gives some records a later `updated_at`, and records them in `newest`."""
    chance = Random(seed)

    def write(tenant: Tenant, number: int) -> None:
        chosen = chance.sample(range(1, 401), 5)
        tenant.merge([row(i, updated_at=timestamp(number)) for i in chosen])
        newest.update(dict.fromkeys(chosen, number))

    return write


def sync(http: httpx.Client, copy: dict[int, str], since: str, per_page: int, wait: Callable[[], None]) -> str:
    """Bring a copy up to date as clients do, and return the newest `updated_at` it has seen."""
    for each in walk(http, f"/v1/scheduled_interviews?per_page={per_page}&updated_after={since}", wait):
        copy[each["id"]] = each["updated_at"]
    return max(copy.values(), default=since)


def test_a_sync_by_updated_after_loses_nothing(harness: Harness) -> None:
    tenant = new_tenant(harness, range(1, 401))
    newest = dict.fromkeys(range(1, 401), 0)
    copy: dict[int, str] = {}
    since = "1970-01-01T00:00:00.000Z"
    with tenant.open_client() as http:
        with meanwhile(tenant, update_some(newest, 3)) as wait:
            for _ in range(25):
                since = sync(http, copy, since, 500, wait)
                wait()
        sync(http, copy, since, 500, lambda: None)
    assert copy == {identifier: timestamp(number) for identifier, number in newest.items()}


def test_a_sync_of_several_pages_loses_nothing(harness: Harness) -> None:
    tenant = new_tenant(harness, range(1, 5))
    copy: dict[int, str] = {}
    writes = iter([1, 4])  # before the walk's position, then after it

    def write() -> None:
        identifier = next(writes, None)
        if identifier is not None:
            tenant.merge([row(identifier, updated_at=timestamp(10 + identifier))])

    def write_both() -> None:
        write()
        write()

    with tenant.open_client() as http:
        since = sync(http, copy, "1970-01-01", 2, write_both)
        sync(http, copy, since, 2, lambda: None)
    assert copy[4] == timestamp(14)
    assert copy[1] == timestamp(11)


def test_a_sync_in_small_pages_catches_up_with_a_busy_writer(harness: Harness) -> None:
    tenant = new_tenant(harness, range(1, 401))
    newest = dict.fromkeys(range(1, 401), 0)
    copy: dict[int, str] = {}
    since = "1970-01-01T00:00:00.000Z"
    with tenant.open_client() as http:
        with meanwhile(tenant, update_some(newest, 11)) as wait:
            for _ in range(4):
                since = sync(http, copy, since, 50, wait)
        sync(http, copy, since, 50, lambda: None)
    assert copy == {identifier: timestamp(number) for identifier, number in newest.items()}


def test_the_pages_of_a_sync_are_as_of_its_first(harness: Harness) -> None:
    tenant = new_tenant(harness, range(1, 7))
    target = "/v1/scheduled_interviews?per_page=2&updated_after=2024-01-01"
    with tenant.open_client() as http:
        first = http.get(target)
        (bound,) = httpx.URL(first.links["next"]["url"]).params.get_list("as_of")
        assert "as_of" not in first.links["last"]["url"]
        tenant.merge([row(4, updated_at=timestamp(1))])
        second = http.get(first.links["next"]["url"] + "&updated_after=2024-01-01&per_page=2")  # as clients do
        assert [each["id"] for each in second.json()] == [3, 5]
        assert httpx.URL(second.links["prev"]["url"]).params.get_list("as_of") == []
        again = http.get(target)
        assert httpx.URL(again.links["next"]["url"]).params["as_of"] > bound
        assert "as_of" not in http.get("/v1/scheduled_interviews?per_page=2").links["next"]["url"]


def test_concurrent_requests_agree_with_sequential_ones(harness: Harness) -> None:
    """Eight clients walk concurrently while a writer writes: each sees all records that stay."""
    tenant = new_tenant(harness, STAYING[:60])
    results: list[list[int]] = []

    def read(target: str) -> None:
        with tenant.open_client() as http:
            results.append([each["id"] for each in walk(http, target)])

    with meanwhile(tenant, churn(5)) as wait:
        threads = [threading.Thread(target=read, args=(WALKS[n % len(WALKS)],)) for n in range(8)]
        for thread in threads:
            thread.start()
        wait()
        for thread in threads:
            thread.join(60)
    assert len(results) == len(threads)
    for ids in results:
        assert ids == sorted(set(ids))
        assert set(STAYING[:60]) <= set(ids)
